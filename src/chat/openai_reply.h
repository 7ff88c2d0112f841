/* openai_reply.h -- what a server of the OpenAI API answered: every shape of success and error body
 * that is known to occur, read into one. */
#ifndef FIRE_CHAT_OPENAI_REPLY_H
#define FIRE_CHAT_OPENAI_REPLY_H

#include "chat/chat.h"

/* Strings are the server's own words (nothing scrubbed or shortened), owned, NULL where absent. */
struct openai_reply {
    /* The status the reply counts as: a 2xx whose body is not JSON, ends early, or holds an error
     * and no choices counts as the error's code where that is an HTTP status, else as 502. */
    int status;
    /* CHAT_OK, CHAT_TRUNCATED or CHAT_REFUSED; CHAT_FAILED for an error. */
    enum chat_outcome outcome;
    char *text; /* the answer, or the refusal; never NULL */
    char *reasoning, *finish_reason, *model, *fingerprint;
    struct chat_usage usage;
    /* Of an error. `message` is never NULL then. */
    char *message, *type, *code, *param;
};

/* Fills `reply` from a body of `n_bytes`, which may be anything (NULL: 0 bytes). `complete`: the transfer ended as
 * it should. */
void openai_reply_init(struct openai_reply *reply, int status, const char *body, size_t n_bytes,
                       bool complete);
void openai_reply_clear(struct openai_reply *reply); /* accepts a zeroed one */

#endif
