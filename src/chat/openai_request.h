/* openai_request.h -- the body of POST /v1/chat/completions, and what to do when a server refuses a
 * parameter in it. */
#ifndef FIRE_CHAT_OPENAI_REQUEST_H
#define FIRE_CHAT_OPENAI_REQUEST_H

#include "chat/chat.h"

#include <jansson.h>

/* Ways to bend a request for a server that refuses a parameter. They add up. */
enum openai_adaptation {
    ADAPT_MAX_COMPLETION_TOKENS = 1, /* max_tokens goes under its newer name */
    ADAPT_NO_TEMPERATURE = 2,
    ADAPT_NO_TOP_P = 4,
    ADAPT_NO_SEED = 8,
};

/* What one try sends; borrowed for the length of openai_body_init. */
struct openai_params {
    const char *model;
    int max_tokens;           /* instead of the request's; 0: not sent */
    unsigned adaptations;     /* bits of enum openai_adaptation */
    const json_t *extra_body; /* object merged in last (a null takes a key out), or NULL */
};

/* A body as a stream: head, base64 of the picture, tail. The picture is encoded while it is read,
 * so that a hundred requests in flight need no copy of theirs. */
struct openai_body {
    char *head, *tail; /* tail is NULL where there is no picture */
    GBytes *picture;
    size_t head_bytes, base64_bytes, tail_bytes;
    size_t position; /* the next byte that openai_body_read gives */
};

/* FIRE_ERROR_FORMAT where a text is not UTF-8. */
bool openai_body_init(struct openai_body *body, const struct chat_request *request,
                      const struct openai_params *params, GError **error);
void openai_body_clear(struct openai_body *body); /* accepts a zeroed one */
size_t openai_body_length(const struct openai_body *body);
/* Copies up to `n_bytes` from the position on; 0 at the end. */
size_t openai_body_read(struct openai_body *body, char *buffer, size_t n_bytes);

/* Checks what the user wants merged into every body: an object that does not touch what a request
 * is made of. */
bool openai_extra_body_check(const json_t *extra_body, GError **error);

/* The one adaptation that answers a refusal (status, the error's parameter and message, either may
 * be NULL) of a request with `sampling` sent under `adaptations`; 0 where it names nothing that can
 * be adapted, or complains of a value rather than of the parameter. */
unsigned openai_adaptation_for(int status, const char *code, const char *param, const char *message,
                               const struct chat_sampling *sampling, unsigned adaptations);

/* One line on what was adapted in a request with `sampling`: "max_tokens sent as
 * max_completion_tokens, temperature not sent"; NULL for nothing. Free with g_free. */
char *openai_adaptation_notes(const struct chat_sampling *sampling, unsigned adaptations);

#endif
