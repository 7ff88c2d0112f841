#include "run/free_setting.h"

#include "dialogue/loop.h"

struct task {
    struct loop_config config;
    struct loop *loop;
};

static void on_turn(const struct dialogue *dialogue, size_t i_turn, void *user)
{
    struct unit *unit = user;
    /* An error is sticky in the store; unit_ended looks at it. */
    store_put_turn(driver_get_options(unit->driver)->store, dialogue->sample.id, i_turn,
                   &dialogue->turns[i_turn], NULL);
}

static void on_ended(const struct dialogue *dialogue, const char *error, void *user)
{
    struct unit *unit = user;
    const struct task *task = unit->task;
    bool finished = dialogue->stop != STOP_NONE;
    if (finished)
        store_end_dialogue(driver_get_options(unit->driver)->store, dialogue->sample.id,
                           dialogue->stop, dialogue->n_turns, error, NULL);
    unit_ended(unit, finished, dialogue->stop == STOP_FAILED ? error : NULL,
               loop_get_status(task->loop));
}

static void start(struct unit *unit)
{
    const struct driver_options *options = driver_get_options(unit->driver);
    struct task *task = g_new0(struct task, 1);
    task->config = (struct loop_config){
        .protocol = options->protocol,
        .prompts = options->prompts,
        .student = options->student,
        .teacher = options->teacher,
        .student_sampling = options->student_sampling,
        .teacher_sampling = options->teacher_sampling,
        .n_repairs = options->n_repairs,
        .dialogue_timeout_ms = options->dialogue_timeout_ms,
        .stopping = driver_get_stopping(unit->driver),
    };
    struct loop_sink sink = {.turn = on_turn, .ended = on_ended, .user = unit};
    unit->task = task;
    task->loop = loop_new(&task->config, &unit->dialogue.sample, unit->image, &sink);
    loop_start(task->loop);
}

static void cancel(struct unit *unit)
{
    loop_cancel(((struct task *)unit->task)->loop);
}

static void free_task(struct unit *unit)
{
    struct task *task = unit->task;
    loop_free(task->loop);
    g_free(task);
}

const struct setting setting_free = {"bench free", NEED_SAMPLE, start, cancel, free_task};
