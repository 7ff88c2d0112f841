/* pretokenize.h -- cuts a text into the words that BPE then works on, each for itself.
 *
 * A pretokenizer is a list of steps, each applied to every piece that the one before left, as tokenizer.json's
 * Sequence has it. ByteLevel and Metaspace are made of these steps by the loader. */
#ifndef FIRE_MODEL_PRETOKENIZE_H
#define FIRE_MODEL_PRETOKENIZE_H

#include "model/split_regex.h"

/* What becomes of a match of a split pattern. */
enum split_behavior {
    SPLIT_ISOLATED,             /* a piece of its own */
    SPLIT_REMOVED,              /* dropped */
    SPLIT_MERGED_WITH_PREVIOUS, /* the end of the piece before */
    SPLIT_MERGED_WITH_NEXT,     /* the start of the piece after */
    SPLIT_CONTIGUOUS,           /* joined with the matches next to it */
};

enum prepend_scheme { PREPEND_ALWAYS, PREPEND_FIRST, PREPEND_NEVER };

struct pretokenizer;

struct pretokenizer *pretokenizer_new(void);               /* no step: the text is one word */
void pretokenizer_free(struct pretokenizer *pretokenizer); /* accepts NULL */

/* Takes `regex`. `invert`: what does not match is the match. */
void pretokenizer_add_split(struct pretokenizer *pretokenizer, struct split_regex *regex,
                            enum split_behavior behavior, bool invert);
/* A space in front of each piece that does not start with one. */
void pretokenizer_add_prefix_space(struct pretokenizer *pretokenizer);
/* Spaces become `mark`, and a piece that does not start with `mark` gets one in front: every piece, or only the one at
 * the start of the text, or none. */
void pretokenizer_add_metaspace(struct pretokenizer *pretokenizer, const char *mark,
                                enum prepend_scheme scheme);

/* `word` is valid during the call. */
typedef bool pretoken_done(void *user, const char *word, size_t n_bytes, GError **error);

/* Calls `done` for each word of `text`, in order; `at_start`: the piece is the start of the whole text. False where
 * `done` or a pattern failed. Thread-safe with a scratch for each thread. */
bool pretokenizer_run(const struct pretokenizer *pretokenizer, struct split_scratch *scratch,
                      const char *text, size_t n_bytes, bool at_start, pretoken_done *done,
                      void *user, GError **error);

#endif
