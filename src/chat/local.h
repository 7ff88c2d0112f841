/* local.h -- a model folder behind the interface of a model: the engine in a thread of its own.
 *
 * A host is one folder, loaded once; each chat over it is the base or one adapter. Student and teacher of one folder share
 * a host, so there is one set of weights, one encoding of each picture, and their requests are computed together, step by
 * step. A dialogue's next request goes on from the keys and values of the one before.
 *
 * Answers do not depend on what else is in flight where the engine's do not (engine.h). The seed of a request is that of
 * its sampling (0 where none is given) mixed with sample, round and attempt, so they do not depend on the order of arrival
 * either. */
#ifndef FIRE_CHAT_LOCAL_H
#define FIRE_CHAT_LOCAL_H

#include "base/json.h"
#include "chat/chat.h"
#include "model/engine.h"
#include "model/picture_encode.h"
#include "model/prompt_encode.h"

struct local_options {
    struct engine_options engine;
    const char *template_name; /* of the chat template; NULL: recognised */
    enum picture_mode picture_mode;
    enum prompt_bos bos;
};

struct local_host;

/* Loads `folder`. The reference is the caller's. NULL on failure, as engine_open. */
struct local_host *local_host_open(const char *folder, const struct local_options *options,
                                   GError **error);
void local_host_unref(struct local_host *host); /* accepts NULL */
const char *local_host_folder(const struct local_host *host);
/* For tests, and before the first request only. */
struct engine *local_host_engine(struct local_host *host);

struct local_chat_options {
    bool score_form; /* every answer is held to the form of a score with feedback (constrain.h) */
    const json_t *extra_body; /* NULL, or as local_sampling.h has it */
};

/* A chat over the host, with the adapter of a PEFT folder or NULL; before the host's first request. It holds a reference of
 * the host. Its model is the folders' base names, digests of their files, and how weights and activations are kept. */
struct chat *local_chat_new(struct local_host *host, const char *adapter,
                            const struct local_chat_options *options, GError **error);

#endif
