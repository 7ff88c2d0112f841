/* ptb.h -- the Penn Treebank tokeniser of caption evaluation: docs/ptb.md has its rules. */
#ifndef FIRE_METRIC_PTB_H
#define FIRE_METRIC_PTB_H

#include "metric/tokenize.h"

/* All tokens of `text` in lower case, punctuation too. Time is linear in the length of the text. */
void ptb_tokenize(const char *text, size_t n_bytes, token_sink *sink, void *user);

/* Is the token one that caption evaluation drops? */
bool ptb_is_punctuation(const char *token, size_t n_bytes);

#endif
