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
    int n_repairs;           /* with parse-fail=retry: how often the teacher is asked again */
    int dialogue_timeout_ms; /* 0: none; measured from the first request */
};

/* Where results go. Both are called from the main loop. */
struct loop_sink {
    /* A round is complete: response, feedback and score (NAN: none). `i_turn` is 0-based. */
    void (*turn)(const struct dialogue *dialogue, size_t i_turn, void *user);
    /* The dialogue has ended; dialogue->stop says how; `error` is the failed call's message or
     * NULL. The loop may be freed from inside. A cancelled dialogue ends with STOP_NONE. */
    void (*ended)(const struct dialogue *dialogue, const char *error, void *user);
    void *user;
};

struct loop;

/* Copies `sample` (turns of a recorded dialogue are not its affair). `image` is borrowed and may be
 * NULL. Nothing is sent before loop_start. */
struct loop *loop_new(const struct loop_config *config, const struct sample *sample,
                      const struct chat_image *image, const struct loop_sink *sink);
void loop_start(struct loop *loop);
/* Cancels what is in flight; `ended` follows from the main loop. */
void loop_cancel(struct loop *loop);
/* Ends what is in flight silently. Accepts NULL. */
void loop_free(struct loop *loop);

#endif
