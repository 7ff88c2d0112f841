/* loop.c -- the refinement loop (paper Sec. 3.3, 3.4; PAPER.md 2.10): the student answers, the
 * teacher scores and comments, the student tries again, until a rule of the protocol ends it.
 *
 *              loop_start            response                 feedback
 *     READY ---------------> STUDENT ---------> TEACHER ----------------------> judge_turn
 *                               ^                ^    |                          |     |
 *                               |                +----+ no score, repairs left   |     |
 *                               +------------------------------ go on -----------+     |
 *                                                                                      v
 *     from any state: refused, failed, out of time, cancelled, stopping -----------------> ENDED
 *
 * Each state waits for one thing; in STUDENT and TEACHER that is exactly one call in flight.
 *
 * judge_turn, the first that applies:
 *
 *     score       the score passes the threshold
 *     unparsed    there is no score, under parse-fail = stop, drop, or retry with no repair left; or the score given is
 *                 0, under zero-score = stop
 *     no-gain     from round 2: the score is not above (le), or is below (lt), the one before
 *     max-turns   as many rounds are played as the protocol allows
 *
 * parse-fail = zero and repeat-last go on without a score. For these rules it then counts as 0, or as the one before. A
 * repeated score cannot rise, so no-gain passes over that round (else repeat-last would be stop by another name) and
 * compares the next round with the repeated score. What is recorded is NAN all the same: the metrics apply the rule
 * themselves.
 *
 * Invariants
 *  (1) The sink sees a turn once it is complete, or when a refusal completes it; then `ended`, once, last. A response
 *      that was never judged, because the teacher's call failed or was cancelled, leaves the dialogue again.
 *  (2) The ground truth goes to the teacher, never to the student: prompt.c alone says what is shown.
 *  (3) Nothing here depends on time, order of arrival or other loops, the time limit apart: equal replies make a dialogue
 *      that is equal byte for byte.
 *  (4) A chat's callback may outlive loop_free, the loop then too: on_reply frees it. */
#include "dialogue/loop.h"

#include "data/parse.h"

#include <math.h>

enum state { READY, STUDENT, TEACHER, ENDED };

struct loop {
    const struct loop_config *config;
    struct loop_sink sink;
    const struct chat_image *image;
    struct dialogue dialogue; /* in TEACHER its last turn is the one under way */
    enum state state;
    struct chat *asked;     /* who was asked ... */
    struct chat_call *call; /* ... in the call in flight; NULL: none */
    int n_repairs;          /* of the round under way */
    double counted;         /* the last round's score as the rules count it; NAN: none */
    GSource *source;        /* time limit, or in READY a cancellation on its way; NULL: none */
    bool in_callback;       /* loop code runs below us on the stack */
    bool cancelled, timed_out, freed;
};

static void destroy(struct loop *loop)
{
    dialogue_clear(&loop->dialogue);
    g_free(loop);
}

static void drop_source(struct loop *loop)
{
    if (loop->source) {
        g_source_destroy(loop->source);
        g_source_unref(loop->source);
    }
    loop->source = NULL;
}

static void set_source(struct loop *loop, GSource *source, GSourceFunc func)
{
    loop->source = source;
    g_source_set_callback(source, func, loop, NULL);
    g_source_attach(source, g_main_context_get_thread_default());
}

static void end(struct loop *loop, enum stop stop, const char *error)
{
    struct dialogue *dialogue = &loop->dialogue;
    if (loop->state == TEACHER && !dialogue->turns[dialogue->n_turns - 1].feedback)
        turn_clear(&dialogue->turns[--dialogue->n_turns]);
    drop_source(loop);
    loop->state = ENDED;
    dialogue->stop = stop;
    loop->sink.ended(dialogue, error, loop->sink.user);
}

static void on_reply(const struct chat_reply *reply, void *user);

/* Has the run been asked to stop? Then the reply just taken is the dialogue's last for now. */
static bool is_stopping(const struct loop *loop)
{
    return loop->config->stopping && *loop->config->stopping;
}

/* Sends `list` and clears it. */
static void ask(struct loop *loop, struct chat *chat, const struct chat_sampling *sampling,
                size_t round, struct message_list *list)
{
    for (size_t i = 0; i < list->n_messages; i++)
        list->messages[i].has_image = list->messages[i].has_image && loop->image;
    struct chat_request request = {
        .messages = list->messages,
        .n_messages = list->n_messages,
        .image = loop->image,
        .sampling = *sampling,
        .sample_id = loop->dialogue.sample.id,
        .round = (int)round,
        .attempt = loop->n_repairs,
    };
    loop->asked = chat;
    loop->call = chat_send(chat, &request, on_reply, loop);
    message_list_clear(list);
}

static void ask_student(struct loop *loop)
{
    const struct loop_config *config = loop->config;
    const struct dialogue *dialogue = &loop->dialogue;
    struct message_list list;
    loop->state = STUDENT;
    loop->n_repairs = 0;
    prompt_student(&list, config->prompts, config->protocol, &dialogue->sample, dialogue->turns,
                   dialogue->n_turns);
    ask(loop, config->student, &config->student_sampling, dialogue->n_turns + 1, &list);
}

static void ask_teacher(struct loop *loop)
{
    const struct loop_config *config = loop->config;
    const struct dialogue *dialogue = &loop->dialogue;
    struct message_list list;
    loop->state = TEACHER;
    if (is_stopping(loop)) {
        end(loop, STOP_NONE, NULL);
        return;
    }
    prompt_teacher(&list, config->prompts, config->protocol, &dialogue->sample, dialogue->turns,
                   dialogue->n_turns, loop->n_repairs);
    ask(loop, config->teacher, &config->teacher_sampling, dialogue->n_turns, &list);
}

static void set_meta(struct turn *turn, const char *key, json_t *value)
{
    if (!turn->meta)
        turn->meta = json_object();
    json_object_set_new(turn->meta, key, value);
}

/* The text of a reply, UTF-8 whatever the model sent, so that the turn can be written as JSON. */
static char *take_text(struct turn *turn, const struct chat_reply *reply)
{
    if (reply->outcome == CHAT_TRUNCATED)
        set_meta(turn, "truncated", json_true());
    return g_utf8_make_valid(reply->text, -1);
}

/* The rules at the head of this file, after a turn that holds a feedback. STOP_NONE: go on. */
static enum stop judge_turn(struct loop *loop, const struct turn *turn)
{
    const struct protocol *protocol = loop->config->protocol;
    double score = turn->score, before = loop->counted;
    bool repeated = false;
    if (isnan(score)) {
        if (protocol->parse_fail != PARSE_FAIL_ZERO &&
            protocol->parse_fail != PARSE_FAIL_REPEAT_LAST)
            return STOP_UNPARSED;
        repeated = protocol->parse_fail == PARSE_FAIL_REPEAT_LAST;
        score = repeated ? before : 0;
    }
    loop->counted = score;
    if (protocol_is_solved(protocol, score))
        return STOP_SCORE;
    if (protocol->zero_score == ZERO_SCORE_STOP && turn->score == 0)
        return STOP_UNPARSED;
    /* Round 1 has no score before it: NAN compares false. */
    if (!repeated && ((protocol->no_gain == NO_GAIN_LE && score <= before) ||
                      (protocol->no_gain == NO_GAIN_LT && score < before)))
        return STOP_NO_GAIN;
    return loop->dialogue.n_turns >= (size_t)protocol->turns ? STOP_MAX_TURNS : STOP_NONE;
}

/* The newest turn is complete: on to the sink, which may cancel or free, then on or to the end. */
static void finish_turn(struct loop *loop, enum stop stop)
{
    loop->sink.turn(&loop->dialogue, loop->dialogue.n_turns - 1, loop->sink.user);
    if (loop->freed)
        return;
    if (stop == STOP_NONE && !loop->cancelled && !is_stopping(loop))
        ask_student(loop);
    else
        end(loop, stop, NULL);
}

static void take_response(struct loop *loop, const struct chat_reply *reply)
{
    struct turn turn = {.score = NAN};
    turn.response = take_text(&turn, reply);
    dialogue_add_turn(&loop->dialogue, &turn);
    if (reply->outcome == CHAT_REFUSED)
        finish_turn(loop, STOP_REFUSED);
    else
        ask_teacher(loop);
}

static void take_feedback(struct loop *loop, const struct chat_reply *reply)
{
    const struct loop_config *config = loop->config;
    struct turn *turn = &loop->dialogue.turns[loop->dialogue.n_turns - 1];
    bool refused = reply->outcome == CHAT_REFUSED;
    double score = refused ? NAN : parse_score(config->protocol, reply->text);
    if (!refused && isnan(score) && config->protocol->parse_fail == PARSE_FAIL_RETRY &&
        loop->n_repairs < config->n_repairs) {
        loop->n_repairs++;
        ask_teacher(loop);
        return;
    }
    turn->feedback = take_text(turn, reply);
    turn->score = score;
    if (loop->n_repairs > 0)
        set_meta(turn, "repairs", json_integer(loop->n_repairs));
    finish_turn(loop, refused ? STOP_REFUSED : judge_turn(loop, turn));
}

/* Leaves a callback: what was freed inside it goes now. */
static void leave_callback(struct loop *loop)
{
    loop->in_callback = false;
    if (loop->freed)
        destroy(loop);
}

static void on_reply(const struct chat_reply *reply, void *user)
{
    struct loop *loop = user;
    loop->call = NULL;
    loop->in_callback = true;
    if (loop->freed)
        ; /* nobody listens any more */
    else if (loop->cancelled)
        end(loop, STOP_NONE, NULL);
    else if (loop->timed_out)
        end(loop, STOP_FAILED, "dialogue time limit");
    else if (reply->outcome == CHAT_FAILED)
        end(loop, STOP_FAILED, reply->error ? reply->error : "no answer");
    else if (reply->outcome == CHAT_CANCELLED)
        end(loop, STOP_NONE, NULL);
    else if (loop->state == STUDENT)
        take_response(loop, reply);
    else
        take_feedback(loop, reply);
    leave_callback(loop);
}

/* Ends the wait for the call in flight. The chat answers from the main loop, once, however often
 * there is a reason to cancel. */
static void cancel_call(struct loop *loop)
{
    if (loop->call && !loop->timed_out && !loop->cancelled && !loop->freed)
        chat_cancel(loop->asked, loop->call);
}

static gboolean on_timeout(gpointer user)
{
    struct loop *loop = user;
    cancel_call(loop);
    loop->timed_out = true;
    drop_source(loop);
    return G_SOURCE_REMOVE;
}

static gboolean on_cancelled(gpointer user)
{
    struct loop *loop = user;
    loop->in_callback = true;
    end(loop, STOP_NONE, NULL);
    leave_callback(loop);
    return G_SOURCE_REMOVE;
}

struct loop *loop_new(const struct loop_config *config, const struct sample *sample,
                      const struct chat_image *image, const struct loop_sink *sink)
{
    struct loop *loop = g_new0(struct loop, 1);
    loop->config = config;
    loop->sink = *sink;
    loop->image = image;
    loop->counted = NAN;
    sample_copy(&loop->dialogue.sample, sample);
    return loop;
}

void loop_start(struct loop *loop)
{
    g_assert(loop->state == READY);
    if (loop->cancelled)
        return;
    if (loop->config->dialogue_timeout_ms > 0)
        set_source(loop, g_timeout_source_new((guint)loop->config->dialogue_timeout_ms),
                   on_timeout);
    ask_student(loop);
}

void loop_cancel(struct loop *loop)
{
    if (loop->state == ENDED || loop->cancelled)
        return;
    cancel_call(loop);
    loop->cancelled = true;
    if (loop->state == READY)
        set_source(loop, g_idle_source_new(), on_cancelled);
}

void loop_free(struct loop *loop)
{
    if (!loop)
        return;
    cancel_call(loop);
    loop->freed = true;
    drop_source(loop);
    if (!loop->call && !loop->in_callback)
        destroy(loop);
}
