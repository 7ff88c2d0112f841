/* tokenize.h -- the two ways in which BLEU and CIDEr see words (METRICS.md 2). */
#ifndef FIRE_METRIC_TOKENIZE_H
#define FIRE_METRIC_TOKENIZE_H

#include <stdbool.h>
#include <stddef.h>

enum tokenizer {
    TOKENIZER_WHITESPACE, /* runs of anything but Unicode white space; the paper's */
    TOKENIZER_PTB,        /* Penn Treebank, lower case, punctuation dropped; caption evaluation's */
};

/* "whitespace", "ptb". */
const char *tokenizer_name(enum tokenizer tokenizer);
bool tokenizer_from_name(const char *name, enum tokenizer *tokenizer);

/* Receives one token: `n_bytes` of UTF-8, not terminated, valid during the call. */
typedef void token_sink(void *user, const char *token, size_t n_bytes);

/* Gives the tokens of `text` (`n_bytes`, UTF-8) to `sink` in their order. A text is taken alone:
 * what follows it in a file has no influence. A PTB token can hold U+00A0 (a telephone number); the
 * metrics then take it for several words: see tokenize_words. */
void tokenize(enum tokenizer tokenizer, const char *text, size_t n_bytes, token_sink *sink,
              void *user);

/* The same, each token split at white space once more: what the metrics count. */
void tokenize_words(enum tokenizer tokenizer, const char *text, size_t n_bytes, token_sink *sink,
                    void *user);

#endif
