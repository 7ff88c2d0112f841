/* tokenizer_parts.h -- what a tokenizer is made of; only for tokenizer.c, which uses it, and tokenizer_json.c, which
 * fills it. */
#ifndef FIRE_MODEL_TOKENIZER_PARTS_H
#define FIRE_MODEL_TOKENIZER_PARTS_H

#include "model/added_tokens.h"
#include "model/bpe.h"
#include "model/normalize.h"
#include "model/pretokenize.h"
#include "model/token_decoder.h"
#include "model/token_table.h"

/* A text goes through raw_added (tokens found as they are written), the normaliser, normal_added (tokens found in the
 * normal form), the pre-tokenizer, and BPE. */
struct tokenizer_parts {
    struct token_table *tokens; /* all, as the file writes them */
    int32_t n_ids;
    bool *special; /* (n_ids) */
    struct added_tokens *raw_added, *normal_added;
    struct normalizer *normalizer;
    struct pretokenizer *pretokenizer;
    struct bpe *bpe;
    struct token_decoder *decoder;
    GArray *prefix, *suffix; /* int32_t: what the post-processor adds */
};

void tokenizer_parts_clear(struct tokenizer_parts *parts); /* accepts a zeroed one */

#endif
