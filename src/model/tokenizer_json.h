/* tokenizer_json.h -- the parts of a tokenizer from the content of tokenizer.json. */
#ifndef FIRE_MODEL_TOKENIZER_JSON_H
#define FIRE_MODEL_TOKENIZER_JSON_H

#include "model/tokenizer_parts.h"

/* Fills zeroed `parts`; on failure leaves them zeroed, and FIRE_ERROR_FORMAT names the key and the cause in one line. */
bool tokenizer_json_read(struct tokenizer_parts *parts, const char *json, size_t n_bytes,
                         GError **error);

#endif
