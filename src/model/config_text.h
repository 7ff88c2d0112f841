/* config_text.h -- the decoder's part of a config.json, nested or flat. */
#ifndef FIRE_MODEL_CONFIG_TEXT_H
#define FIRE_MODEL_CONFIG_TEXT_H

#include "model/config.h"
#include "model/json_keys.h"

/* What is absent gets the default of `LlamaConfig`, or of `MistralConfig` where `mistral`. Errors stay in `keys`. */
void text_config_read(struct text_config *text, struct json_keys *keys, bool mistral);

#endif
