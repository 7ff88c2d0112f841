/* loop.h -- the refinement loop: the student answers, the teacher judges, the student tries again.
 *
 * One struct loop is one dialogue: a state machine over two chats and a sink. It knows nothing of
 * HTTP, tensors or SQL. Thousands advance at once, all in one thread. */
#ifndef FIRE_DIALOGUE_LOOP_H
#define FIRE_DIALOGUE_LOOP_H

#include "dialogue/prompt.h"

/* What all loops of a run share; borrowed for their lifetime. */
struct loop_config {
    const struct protocol *protocol;
    const struct prompts *prompts;
    struct chat *student, *teacher;
    struct chat_sampling student_sampling, teacher_sampling;
    int n_repairs; /* with parse-fail=retry: how often a teacher is asked again in a round */
    /* NULL, or: once it is true, nothing new is sent, and the dialogue ends with STOP_NONE. */
    const bool *stopping;
    int dialogue_timeout_ms; /* 0: none; measured from loop_start */
};

/* Where results go. Both are called from the main loop; both may cancel or free the loop. */
struct loop_sink {
    /* The turn `i_turn` (0-based) has joined dialogue->turns: response, feedback and score (NAN:
     * the teacher gave none). Where a model refused, the text is its refusal, and feedback is NULL
     * if that was the student. turn.meta may hold "truncated": true (one of the texts was cut at
     * the token limit) and "repairs": n (the teacher was asked n times more). */
    void (*turn)(const struct dialogue *dialogue, size_t i_turn, void *user);
    /* The dialogue has ended, once; dialogue->stop says how. `error` is NULL but for STOP_FAILED:
     * the failed call's message, or that the time limit has passed. A cancelled dialogue ends with
     * STOP_NONE. */
    void (*ended)(const struct dialogue *dialogue, const char *error, void *user);
    void *user;
};

struct loop;

/* Copies `sample` (turns of a recorded dialogue are not its affair). `image` is borrowed and NULL
 * where there is none to show. Nothing is sent before loop_start. */
struct loop *loop_new(const struct loop_config *config, const struct sample *sample,
                      const struct chat_image *image, const struct loop_sink *sink);
/* Sends the first request. Once. */
void loop_start(struct loop *loop);
/* Cancels what is in flight; `ended` follows from the main loop. Nothing where it has ended. */
void loop_cancel(struct loop *loop);
/* Ends what is in flight silently: the sink hears no more. The chats are still to deliver a
 * cancelled reply; they must outlive that, as they must every call. Accepts NULL. */
void loop_free(struct loop *loop);

#endif
