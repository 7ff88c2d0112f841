/* tokenizer_steps.h -- the chains of tokenizer.json: normalizer, pre-tokenizer, post-processor, decoder. */
#ifndef FIRE_MODEL_TOKENIZER_STEPS_H
#define FIRE_MODEL_TOKENIZER_STEPS_H

#include "model/tokenizer_reader.h"

/* Each reads its key of the file `root`, where it is there and not null, into reader->parts. */
bool tokenizer_steps_read_normalizer(struct tokenizer_reader *r, const json_t *root);
bool tokenizer_steps_read_pretokenizer(struct tokenizer_reader *r,
                                       const json_t *root); /* and sets byte_level */
bool tokenizer_steps_read_post_processor(struct tokenizer_reader *r, const json_t *root);
bool tokenizer_steps_read_decoder(struct tokenizer_reader *r, const json_t *root);

#endif
