/* openai.h -- a model behind an HTTP server of the OpenAI API (vLLM, llama-server, a hosted
 * service): POST .../v1/chat/completions.
 *
 * One thread, one connection pool, no limit on requests in flight. A call is tried up to 1 + `retries` times:
 *
 *   - connection failures, time-outs, 408, 409, 429 and 5xx are tried again, after the wait the server asks for (at most
 *     120 s; a longer one fails the call and says so), else after backoff_s * 2^k, at most 120 times backoff_s, less up to
 *     a quarter;
 *   - a 2xx whose body is not JSON, ends early or holds an error counts as that error's code, else as 502;
 *   - an exhausted quota stops the chat: this call and all later ones fail at once, each with that message;
 *   - a parameter the server refuses is sent under its other name, or no longer; remembered for the later calls, told in
 *     chat_reply's notes, and no try of its own;
 *   - an answer that is empty because thinking took the whole budget is asked for once more with four times the budget;
 *   - a redirect within the origin is followed; one to another origin fails the call.
 *
 * The key goes to the origin of `url` only, and in the clear not even through a proxy: with a key, plain http takes no
 * proxy. It never shows in a name, an error or the log, not even where a server repeats it. */
#ifndef FIRE_CHAT_OPENAI_H
#define FIRE_CHAT_OPENAI_H

#include "chat/chat.h"

#include <jansson.h>

/* Borrowed for the length of openai_new. */
struct openai_options {
    const char *url;          /* see url.h */
    const char *model;        /* sent as "model" */
    const char *key;          /* NULL: no Authorization header */
    const char *ca_file;      /* certificates to trust (PEM); NULL: the system's */
    const json_t *extra_body; /* object merged into every request; NULL: none */
    double timeout_s;         /* of one try */
    int retries;
    double backoff_s; /* wait before the second try */
};

#define OPENAI_OPTIONS_INIT                                                                        \
    {                                                                                              \
        .timeout_s = 300, .retries = 7, .backoff_s = 0.5                                           \
    }

/* NULL and FIRE_ERROR_USAGE where an option cannot be used. Its name is the URL (without
 * "/chat/completions"), '#' and the model. */
struct chat *openai_new(const struct openai_options *options, GError **error);

#endif
