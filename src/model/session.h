/* session.h -- one timeline over an engine: positions, their keys and values, and the answer that grows at its end.
 *
 *   IDLE --start--> WAITING --memory--> RUNNING --end--> IDLE
 *     ^                |                                  |
 *     +---- cancel ----+         what was computed stays: the next start keeps the common prefix
 *
 * A session that starts asks for the memory of its whole request, prompt and longest answer, and waits until it has it; one
 * that runs is therefore never stopped for want of memory, and the sessions that wait get it in the order of their starts.
 * What idle sessions keep is only a memory of work done: it is taken from them, the longest idle first, when one that waits
 * needs it. Nothing here fails while it runs.
 *
 * A prefix that another session of the same adapter has computed is shared, not computed again; where that one is still at
 * it, the session waits for it (its leader). */
#ifndef FIRE_MODEL_SESSION_H
#define FIRE_MODEL_SESSION_H

#include "model/engine.h"
#include "model/sequence.h"

enum session_state { SESSION_IDLE, SESSION_WAITING, SESSION_RUNNING };

enum session_end {
    SESSION_END_NONE,   /* not yet */
    SESSION_END_CHOICE, /* the chooser said so: a stop token, a stop string */
    SESSION_END_LENGTH, /* max_new tokens, or no position is left */
    SESSION_END_CANCELLED,
};

/* Chooses the next token from the logits (vocab_size), which it may change. -1: the answer has ended and has no further
 * token. */
typedef int session_choose(float *logits, int vocab_size, void *user);

/* Gets the logits at a position that was asked for. */
typedef void session_take(int position, const float *logits, void *user);

struct session_request {
    session_choose *choose; /* NULL: the largest logit, and no end but max_new */
    int max_new;            /* 0: only the prompt is read */
    const int *
        logits_at; /* (n_logits_at) ascending positions of the prompt; borrowed until the session is idle.
                               A position before the shared prefix's end has none: ask in a fresh session */
    int n_logits_at;
    session_take *take;
    void *user;
};

struct session {
    struct engine *engine;
    int adapter; /* -1: none */
    enum session_state state;
    enum session_end end; /* of the last request */
    struct slot *slots;   /* (n_slots of max_slots): the prompt, then the answer */
    int n_slots, max_slots;
    int n_computed; /* positions whose keys and values are there */
    int n_prompt;
    int n_cached;  /* of the prompt: positions that the start found computed */
    int n_planned; /* positions of the step at work */
    unsigned n_starts;
    struct session *
        leader; /* NULL, or who computes n_led positions of the prompt in its start number leader_start */
    int n_led;
    unsigned leader_start;
    GPtrArray *pictures; /* those of the running request */
    struct kv_cache kv;
    struct session_request request;
    GList link; /* in engine->sessions */
};

/* `adapter` as engine_add_adapter gave it, or -1. */
struct session *session_new(struct engine *engine, int adapter);
void session_free(struct session *session); /* in any state; accepts NULL */

/* Makes `prompt` the timeline and asks for an answer. The session must be idle. FIRE_ERROR_USAGE where the prompt alone is
 * more than a session can have (engine_max_positions); a longer answer than fits ends with SESSION_END_LENGTH. */
bool session_start(struct session *session, const struct sequence *prompt,
                   const struct session_request *request, GError **error);

/* Does the prompt begin with all of the session's last prompt, which is still computed? */
bool session_continues(const struct session *session, const struct sequence *prompt);

/* Ends a request at once. */
void session_cancel(struct session *session);

/* For engine_step: does the session wait for its leader? Once it need not, it has taken over what there is. */
bool session_follows(struct session *session);

/* For engine_step: n_planned more positions are computed. */
void session_advance(struct session *session);

/* Token i of the answer; valid until the next start. */
int session_n_new(const struct session *session);
int session_new_token(const struct session *session, int i);

#endif
