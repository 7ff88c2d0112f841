/* local_sampling.h -- how a local chat samples beyond what every request says: `--extra-body`, with the names that vLLM
 * gives to them.
 *
 *   top_k, min_p, repetition_penalty   numbers, as in model/sampler.h
 *   stop                               a string, or a list of strings, that end an answer */
#ifndef FIRE_CHAT_LOCAL_SAMPLING_H
#define FIRE_CHAT_LOCAL_SAMPLING_H

#include "base/json.h"
#include "chat/chat.h"
#include "model/sampler.h"

struct local_sampling {
    struct sampler_options options; /* temperature, top_p and seed: as if none was sent */
    GPtrArray *stop;                /* of char *, ending with NULL */
};

/* `extra_body` NULL: nothing. FIRE_ERROR_USAGE names a key that is unknown or has no such value. */
bool local_sampling_init(struct local_sampling *sampling, const json_t *extra_body, GError **error);
void local_sampling_clear(struct local_sampling *sampling); /* accepts a zeroed one */

/* With what a request says. */
bool local_sampling_of(struct sampler_options *options, const struct local_sampling *sampling,
                       const struct chat_sampling *request, GError **error);

#endif
