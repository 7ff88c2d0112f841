/* tokenizer_reader.h -- what the readers of tokenizer.json's keys share; only for tokenizer_json.c and tokenizer_steps.c. */
#ifndef FIRE_MODEL_TOKENIZER_READER_H
#define FIRE_MODEL_TOKENIZER_READER_H

#include "base/json.h"
#include "model/tokenizer_parts.h"

struct tokenizer_reader {
    struct tokenizer_parts *parts;
    const char *what;  /* the key at work: "pre_tokenizer" */
    bool byte_level;   /* the pre-tokenizer ends in ByteLevel */
    bool has_template; /* the post-processor has one */
    int n_steps;       /* of the key at work */
    GError **error;
};

/* Sets FIRE_ERROR_FORMAT "WHAT: cause" and returns false, so that a check can end with it. */
bool tokenizer_reader_fail(struct tokenizer_reader *r, const char *format, ...) G_GNUC_PRINTF(2, 3);

/* Where a key is absent or null the value stays as it is. */
bool tokenizer_reader_get_bool(struct tokenizer_reader *r, const json_t *part, const char *key,
                               bool *value);

/* Borrowed; NULL with an error where there is none. */
const char *tokenizer_reader_get_string(struct tokenizer_reader *r, const json_t *part,
                                        const char *key);

/* The id of `token`: 0 to n_ids - 1, so that nothing is ever allocated for an absurd one. */
bool tokenizer_reader_get_id(struct tokenizer_reader *r, const json_t *json, const char *token,
                             int32_t *id);

#endif
