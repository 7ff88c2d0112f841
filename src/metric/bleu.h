/* bleu.h -- BLEU-1..4 from counts, as the caption evaluation code has it (METRICS.md 3). */
#ifndef FIRE_METRIC_BLEU_H
#define FIRE_METRIC_BLEU_H

#include <stdint.h>

struct bleu_counts {
    /* k-grams of the prediction that a reference has too, clipped to its count. */
    uint64_t matches[4];
    uint64_t grams[4];           /* k-grams of the prediction */
    uint64_t n_tokens;           /* of the prediction */
    uint64_t n_reference_tokens; /* of the reference nearest in length, the shorter at a tie */
};

/* b_k = (product of (m_j + 1e-15) / (g_j + 1e-9), j = 1..k) ^ (1 / k), times exp(1 - 1/q) where
 * q = (c + 1e-15) / (r + 1e-9) is below 1. The constants are added always: a perfect answer stays
 * a little below 1, and one shorter than k tokens loses a factor 1e-6 in the product. */
void bleu_compute(double bleu[4], const struct bleu_counts *counts);

/* Sums for the corpus value. */
void bleu_counts_add(struct bleu_counts *sum, const struct bleu_counts *counts);

#endif
