/* decoder.h -- the LLaMA decoder (Touvron et al. 2023; grouped keys and values, rotary positions) over rows of any
 * sessions. */
#ifndef FIRE_MODEL_DECODER_H
#define FIRE_MODEL_DECODER_H

#include "model/engine.h"
#include "model/sequence.h"

/* One position of one session. The positions before it are in `kv` or are earlier rows of the same call. */
struct decoder_row {
    struct slot slot;
    const struct features *picture; /* of the slot; NULL for a token */
    struct kv_cache *kv;
    int position;
    int adapter; /* -1: none. Rows of one adapter stand together */
    bool head;   /* logits are wanted */
};

/* Gets the logits (vocab_size) of row `i_row`, in ascending order; they are its to change for the length of the call. */
typedef void decoder_take(int i_row, float *logits, void *user);

/* Runs n_rows (1 .. max_rows) rows: their keys and values are in the caches afterwards. */
void decoder_forward(struct engine *engine, const struct decoder_row *rows, int n_rows,
                     decoder_take *take, void *user);

/* frequencies (head_dim / 2), with the scaling of `config`. */
void decoder_rope_frequencies(float *frequencies, const struct text_config *config);

#endif
