#include "run/fixed_setting.h"

#include "dialogue/fixed.h"

/* The items of one sample, in order: all of the student's, then all of the teacher's. A failed one does not keep the others
 * from being asked. */
struct task {
    struct unit *unit;
    enum fixed_role role;
    size_t next; /* turn to look at next */
    struct chat *asked;
    struct chat_call *call; /* in flight; NULL: none */
    GSource *idle;          /* the end on its way, where there was nothing to ask */
    GSource *timer;         /* the sample's time limit; NULL: none, or it has passed */
    bool timed_out;
    char *failure; /* the first failed call's message */
};

static void on_reply(const struct chat_reply *reply, void *user);

static void end(struct task *task, bool finished)
{
    struct unit *unit = task->unit;
    const struct dialogue *dialogue = &unit->dialogue;
    if (finished)
        store_end_dialogue(driver_get_options(unit->driver)->store, dialogue->sample.id,
                           task->failure ? STOP_FAILED : STOP_MAX_TURNS, dialogue->n_turns,
                           task->failure, NULL);
    unit_ended(unit, finished, finished ? task->failure : NULL);
}

static gboolean on_timeout(void *user)
{
    struct task *task = user;
    task->timed_out = true;
    if (task->call)
        chat_cancel(task->asked, task->call);
    g_clear_pointer(&task->timer, g_source_unref);
    return G_SOURCE_REMOVE;
}

static void ask(struct task *task, struct chat *chat, const struct chat_sampling *sampling)
{
    struct unit *unit = task->unit;
    const struct driver_options *options = driver_get_options(unit->driver);
    struct message_list list;
    fixed_request(&list, options->prompts, options->protocol, &unit->dialogue, task->role,
                  task->next);
    for (size_t i = 0; i < list.n_messages; i++)
        list.messages[i].has_image = list.messages[i].has_image && unit->image;
    const struct chat_request request = {
        .messages = list.messages,
        .n_messages = list.n_messages,
        .image = unit->image,
        .sampling = *sampling,
        .sample_id = unit->dialogue.sample.id,
        .round = (int)task->next + 1,
    };
    task->next++;
    task->asked = chat;
    task->call = chat_send(chat, &request, on_reply, task);
    message_list_clear(&list);
}

/* Sends the next item; false where there is none left. */
static bool ask_next(struct task *task)
{
    const struct driver_options *options = driver_get_options(task->unit->driver);
    const struct dialogue *dialogue = &task->unit->dialogue;
    for (; task->role <= FIXED_TEACHER; task->role++, task->next = 0) {
        bool student = task->role == FIXED_STUDENT;
        struct chat *chat = student ? options->student : options->teacher;
        for (; chat && task->next < dialogue->n_turns; task->next++) {
            if (!fixed_has_item(dialogue, task->role, task->next))
                continue;
            ask(task, chat, student ? &options->student_sampling : &options->teacher_sampling);
            return true;
        }
    }
    return false;
}

static void on_reply(const struct chat_reply *reply, void *user)
{
    struct task *task = user;
    task->call = NULL;
    if (reply->outcome == CHAT_FAILED && !task->failure)
        task->failure = g_strdup(reply->error);
    if (task->timed_out) {
        if (!task->failure)
            task->failure = g_strdup("dialogue time limit");
        end(task, true);
    } else if (reply->outcome == CHAT_CANCELLED || *driver_get_stopping(task->unit->driver)) {
        end(task, false);
    } else if (!ask_next(task)) {
        end(task, true);
    }
}

static gboolean end_later(void *user)
{
    struct task *task = user;
    g_source_unref(task->idle);
    task->idle = NULL;
    end(task, true);
    return G_SOURCE_REMOVE;
}

static void start(struct unit *unit)
{
    struct task *task = g_new0(struct task, 1);
    task->unit = unit;
    task->role = FIXED_STUDENT;
    unit->task = task;
    int timeout_ms = driver_get_options(unit->driver)->dialogue_timeout_ms;
    if (timeout_ms > 0) {
        task->timer = g_timeout_source_new((guint)timeout_ms);
        g_source_set_callback(task->timer, on_timeout, task, NULL);
        g_source_attach(task->timer, g_main_context_get_thread_default());
    }
    if (ask_next(task))
        return;
    task->idle = g_idle_source_new();
    g_source_set_callback(task->idle, end_later, task, NULL);
    g_source_attach(task->idle, g_main_context_get_thread_default());
}

static void cancel(struct unit *unit)
{
    struct task *task = unit->task;
    if (task->call && !task->timed_out)
        chat_cancel(task->asked, task->call);
}

static void free_task(struct unit *unit)
{
    struct task *task = unit->task;
    if (task->timer) {
        g_source_destroy(task->timer);
        g_source_unref(task->timer);
    }
    g_free(task->failure);
    g_free(task);
}

const struct setting setting_fixed = {"bench fixed", NEED_DIALOGUE, start, cancel, free_task};
