/* prompt_encode.h -- a prompt with `<image>` marks as token ids, in the way of the model's own code.
 *
 * Where `<image>` is a token (llava-hf) the text is encoded as it stands. Original LLaVA has no such token: the text is cut
 * at the marks, each piece is encoded with the begin token that the tokenizer adds, all of which but the first are dropped
 * again, and -200 stands between. A prompt that spells the begin token therefore starts with two; `bos` says whether that is
 * kept. */
#ifndef FIRE_MODEL_PROMPT_ENCODE_H
#define FIRE_MODEL_PROMPT_ENCODE_H

#include "model/config.h"
#include "model/tokenizer.h"

#define PROMPT_IMAGE_MARK "<image>"

/* Begin tokens: as the model's own code has it; one; two. */
enum prompt_bos { PROMPT_BOS_MODEL, PROMPT_BOS_SINGLE, PROMPT_BOS_DOUBLE };

/* Appends the ids (int32_t) of `text` to `ids`, config->image_token for each mark. `add_special`: the tokenizer adds its
 * begin token, if it has one. Errors as tokenizer_encode. */
bool prompt_encode(const struct model_config *config, const struct tokenizer *tokenizer,
                   const char *text, size_t n_bytes, bool add_special, enum prompt_bos bos,
                   GArray *ids, GError **error);

#endif
