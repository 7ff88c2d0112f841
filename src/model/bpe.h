/* bpe.h -- byte-pair encoding of one word.
 *
 * A word starts as its characters (or, byte-level, its bytes), each a token; then the pair of neighbours whose merge ranks
 * lowest becomes one token, the leftmost first among equals, until no pair merges (Sennrich et al. 2016; the rules for
 * unknown characters are those of tokenizer.json). The model is immutable and shared; a `struct bpe_work` holds what one
 * thread writes, and a cache of words. */
#ifndef FIRE_MODEL_BPE_H
#define FIRE_MODEL_BPE_H

#include <glib.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct bpe_options {
    bool byte_level;    /* words are bytes, tokens are written in the byte alphabet */
    bool ignore_merges; /* a word that is a token is that token, whatever the merges say */
    bool
        byte_fallback; /* an unknown character is its bytes' tokens <0x00> ... <0xFF>, where all of them exist */
    bool fuse_unknown; /* a run of unknown characters is one unknown token */
};

struct bpe;
struct bpe_work;

/* For ids 0 to n_ids - 1 and n_merges merges. NULL where there is no memory for them. */
struct bpe *bpe_new(const struct bpe_options *options, size_t n_ids, size_t n_merges);
void bpe_free(struct bpe *bpe); /* accepts NULL */

/* False where the id or the token is there already. */
bool bpe_add_token(struct bpe *bpe, int32_t id, const char *token);
/* The token for characters that the model does not know; without one they are dropped, as the reference does. */
void bpe_set_unknown(struct bpe *bpe, int32_t id);
/* The next merge in rank: `left` and `right` become `merged`. A pair that comes again takes its later rank. After all
 * tokens. */
void bpe_add_merge(struct bpe *bpe, int32_t left, int32_t right, int32_t merged);
/* Once, after all merges. */
void bpe_finish(struct bpe *bpe);

struct bpe_work *bpe_work_new(void);
void bpe_work_free(struct bpe_work *work); /* accepts NULL */
/* Lets go of what a long word took. */
void bpe_work_trim(struct bpe_work *work);

/* Appends the ids (int32_t) of `word` to `ids`: time n log n in its length. `word` is valid UTF-8, or any bytes where
 * byte-level. FIRE_ERROR_IO where there is no memory for it. */
bool bpe_encode(const struct bpe *bpe, struct bpe_work *work, const char *word, size_t n_bytes,
                GArray *ids, GError **error);

#endif
