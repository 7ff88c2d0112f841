/* local_prompt.h -- from a request to what a session reads: chat template, token ids, picture. */
#ifndef FIRE_CHAT_LOCAL_PROMPT_H
#define FIRE_CHAT_LOCAL_PROMPT_H

#include "chat/local.h"
#include "model/chat_template.h"
#include "model/sequence.h"
#include "model/tokenizer.h"

struct local_prompt {
    struct tokenizer *tokenizer;
    struct chat_template *template;
    enum picture_mode picture_mode;
    enum prompt_bos bos;
    GArray *stop_ids; /* of int: those of the configuration and the template's */
};

/* Reads the tokenizer and the template of `folder`. */
bool local_prompt_init(struct local_prompt *prompt, const char *folder,
                       const struct model_config *config, const struct local_options *options,
                       GError **error);
void local_prompt_clear(struct local_prompt *prompt); /* accepts a zeroed one */

/* The picture of the request stands at the head of its message, once: marks that a text spells are taken out. Encodes the
 * picture where the engine does not know it. */
bool local_prompt_build(const struct local_prompt *prompt, struct engine *engine,
                        const struct chat_request *request, struct sequence *sequence,
                        GError **error);

/* The tokens that end an answer. They belong to `prompt`. */
const int *local_prompt_stop_ids(const struct local_prompt *prompt, size_t *n);

#endif
