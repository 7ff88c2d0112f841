/* model_spec.h -- opens what `--student`, `--teacher` and `--model` name (DESIGN.md 4). */
#ifndef FIRE_CMD_MODEL_SPEC_H
#define FIRE_CMD_MODEL_SPEC_H

#include "chat/chat.h"

/* Borrowed for the call. */
struct model_spec_options {
    const char *key;        /* NULL: none */
    const char *api;        /* NULL: openai */
    const char *extra_body; /* JSON object as text, or NULL */
    int timeout_ms, retries;
};

/* http(s)://HOST[:PORT]/v1#NAME, script:FILE, world:DIR#oracle, world:DIR#novice. FIRE_ERROR_USAGE for anything else. */
struct chat *model_spec_open(const char *spec, const struct model_spec_options *options,
                             GError **error);

#endif
