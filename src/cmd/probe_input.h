/* probe_input.h -- the four ways to name the request of fire probe. */
#ifndef FIRE_CMD_PROBE_INPUT_H
#define FIRE_CMD_PROBE_INPUT_H

#include "model/config.h"
#include "model/tokenizer.h"

/* As written; exactly one is given. Strings are owned. */
struct probe_input {
    char *prompt, *prompt_file, *messages, *ids;
};

void probe_input_clear(struct probe_input *input);
void probe_input_add(struct probe_input *input, GArray *entries);
bool probe_input_check(const struct probe_input *input, GError **error);

/* Appends the request's ids (int32_t) to `ids`: a prompt taken literally, messages through the folder's chat template (`template_name` where it is not NULL), or
 * a JSON list that marks pictures by the model's image token, or -200. */
bool probe_input_read(const struct probe_input *input, const char *folder,
                      const char *template_name, const struct model_config *config,
                      const struct tokenizer *tokenizer, GArray *ids, GError **error);

#endif
