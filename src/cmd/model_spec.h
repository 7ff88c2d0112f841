/* model_spec.h -- opens what `--student`, `--teacher` and `--model` name (DESIGN.md 4). */
#ifndef FIRE_CMD_MODEL_SPEC_H
#define FIRE_CMD_MODEL_SPEC_H

#include "chat/chat.h"
#include "chat/local.h"

/* Borrowed for the call. */
struct model_spec_options {
    const char *key;        /* NULL: none */
    const char *api;        /* NULL: openai */
    const char *extra_body; /* JSON object as text, or NULL */
    int timeout_ms, retries;
    const struct local_options *local; /* for model folders */
    bool score_form; /* answers are held to a score with feedback: model folders only */
    GPtrArray *
        hosts; /* struct local_host, referenced: folders opened so far, which are not loaded again; grows */
};

/* An empty list for `hosts`. */
GPtrArray *model_spec_hosts_new(void);

/* http(s)://HOST[:PORT]/v1#NAME, DIR or DIR+ADAPTER (a model folder, with a PEFT adapter folder), script:FILE,
 * world:DIR#oracle, world:DIR#novice. FIRE_ERROR_USAGE for anything else. */
struct chat *model_spec_open(const char *spec, const struct model_spec_options *options,
                             GError **error);

#endif
