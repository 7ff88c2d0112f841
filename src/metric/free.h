/* free.h -- AT, ADR, ATR, RR of free dialogues (paper Sec. 3.4.2; PAPER.md 3.2) under every option
 * of DESIGN.md 5. */
#ifndef FIRE_METRIC_FREE_H
#define FIRE_METRIC_FREE_H

#include "data/protocol.h"

#include <stdint.h>

#define FREE_MAX_ROUNDS 100 /* the upper bound of option `turns` */

/* One dialogue as the metrics see it; strings borrowed. Dialogues that failed (STOP_FAILED) are not
 * given at all. */
struct free_item {
    const char *id, *source;
    const char *image; /* cluster of the bootstrap: samples of one picture are drawn together; NULL:
                          its own */
    const double
        *scores; /* (n_scores) by round; NAN: the teacher gave none, or the student refused */
    const double *
        correct; /* (n_scores) answer-match of each response, 0..1, NAN: no rule applies; or NULL */
    int n_scores;
};

struct interval {
    double low, high; /* NAN where undefined */
};

/* One row of the table. Undefined means are NAN. */
struct free_scores {
    int n, removed, k, dropped, solved; /* n = removed + k + dropped */
    int unparsed;                       /* dialogues with at least one unparsed score */
    double at_rounds;                   /* mean n_k over K */
    double at;                          /* at_rounds / the baseline's; NAN without a baseline */
    double t_baseline;                  /* what it was divided by */
    double adr, atr, atr_all, rr;
    struct interval at_rounds_ci, at_ci, adr_ci, atr_ci, atr_all_ci, rr_ci;
    int n_rounds;                /* length of the three lists below: the longest dialogue */
    int played[FREE_MAX_ROUNDS]; /* dialogues that ended after round i + 1 (the distribution of m),
                                    over n */
    double solved_by[FREE_MAX_ROUNDS];  /* share of n solved by round i + 1: the accuracy curve of
                                           PAPER.md 1.9 */
    double correct_by[FREE_MAX_ROUNDS]; /* mean answer-match of the response that stands after round
                                           i + 1; NAN: none */
    double best_minus_last;             /* mean over K of best score less last score */
};

struct free_row {
    char *source; /* owned */
    struct free_scores scores;
};

struct free_result {
    struct free_scores micro; /* over all samples: the paper's overall row */
    struct free_scores macro; /* mean over sources of each number; counts are sums, intervals from
                                 the same resamples */
    struct free_row *rows;    /* (n_rows) sorted by source name */
    size_t n_rows;
    int score_counts[11]; /* final scores rounded to 0..10, of parsed ones */
    int first_counts[11]; /* first scores */
};

struct free_options {
    const struct protocol *protocol;
    const struct free_item *baseline; /* (n_baseline) NULL: none */
    size_t n_baseline;
    double baseline_rounds; /* T in rounds, used where there is no `baseline`; NAN: none */
    int n_resamples;        /* of the bootstrap; 0: no intervals (NAN) */
    uint64_t seed;
};

/* `k-set=common` needs a baseline and compares on ids unsolved at turn 1 in both. Uses all cores
 * for the bootstrap; the result does not depend on their number. FIRE_ERROR_USAGE where the options
 * contradict each other. */
bool free_compute(struct free_result *result, const struct free_item *items, size_t n_items,
                  const struct free_options *options, GError **error);
void free_result_clear(struct free_result *result);

#endif
