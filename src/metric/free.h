/* free.h -- AT, ADR, ATR, RR of free dialogues (paper Sec. 3.4.2; PAPER.md 3.2) under every option
 * of DESIGN.md 5, per source and overall.
 *
 * For sample k, m is the round that solved it or the rounds played, a_1 and a_m its first and final
 * score, n_k = m if solved, else the penalty (outcome.h). K is the set of samples that `k-set`
 * names, by default those that the first answer did not solve.
 *
 *   at_rounds = mean over K of n_k          at  = at_rounds / the baseline's own
 *   adr       = mean over K of a_m - a_1    atr = mean over K of (a_m - a_1) / (m - 1)
 *   rr        = share of K that went from unsolved to solved
 *   atr_all   = the sum of atr over all samples, over their number: what the paper's tables print
 */
#ifndef FIRE_METRIC_FREE_H
#define FIRE_METRIC_FREE_H

#include "data/protocol.h"
#include "metric/bootstrap.h"

#define FREE_MAX_ROUNDS 100    /* the upper bound of option `turns` */
#define FREE_MAX_SOURCES 10000 /* a row takes 2 KiB */

/* One dialogue as the metrics see it; strings borrowed. */
struct free_item {
    const char *id, *source;
    /* Cluster of the bootstrap: samples of one picture are drawn together; NULL: its own. */
    const char *image;
    /* (n_scores) by round; NAN: the teacher gave none, or the student refused. */
    const double *scores;
    /* (n_scores) answer-match of each response, 0..1, NAN: no rule applies; or NULL. */
    const double *correct;
    int n_scores;
    bool refused; /* STOP_REFUSED: where the last score is missing, that is a refusal */
    bool failed;  /* STOP_FAILED: counted as `failed`, otherwise as if it were not there */
};

/* One row of the table. Undefined means are NAN. Samples that an option drops are in `n`,
 * `refused`, `unparsed` and `dropped`, and in nothing else. */
struct free_scores {
    int n, removed, k, dropped, solved; /* n = removed + k + dropped; `solved` of K */
    int failed;                         /* not in n */
    int refused;                        /* dialogues that a refusal ended */
    int unparsed;      /* dialogues with at least one missing score that is no refusal */
    double at_rounds;  /* mean n_k over K */
    double at;         /* at_rounds / t_baseline; NAN without a baseline */
    double t_baseline; /* the baseline's mean n_k over its own K */
    double adr, atr, atr_all, rr;
    struct interval at_rounds_ci, at_ci, adr_ci, atr_ci, atr_all_ci, rr_ci; /* 95% */
    double best_minus_last; /* mean over K of best score less last score */
    int worsened;           /* of K: the last score is below the first */
    int n_rounds; /* length of the three lists below: the longest dialogue of all sources */
    /* Dialogues that ended after round i + 1: the distribution of m. */
    int played[FREE_MAX_ROUNDS];
    /* Share solved by round i + 1: the accuracy curve of PAPER.md 1.9. */
    double solved_by[FREE_MAX_ROUNDS];
    /* Mean answer-match of the response that stands after round i + 1; NAN: none. */
    double correct_by[FREE_MAX_ROUNDS];
};

/* The six metrics by name, and where a row holds them. */
struct free_metric {
    const char *name;       /* its key in JSON: "at_rounds" */
    const char *title;      /* its column: "AT rounds" */
    size_t value, interval; /* offsets in struct free_scores */
};
#define FREE_N_METRICS 6
extern const struct free_metric free_metrics[FREE_N_METRICS];
double free_metric_value(const struct free_metric *metric, const struct free_scores *scores);
struct interval free_metric_interval(const struct free_metric *metric,
                                     const struct free_scores *scores);

struct free_row {
    char *source; /* owned */
    struct free_scores scores;
};

struct free_result {
    struct free_scores micro; /* over all samples: the paper's overall row */
    /* Mean of each number over the sources where it is defined; counts are sums; intervals from the
     * same resamples. */
    struct free_scores macro;
    struct free_row *rows; /* (n_rows) sorted by source name */
    size_t n_rows;
    /* Scores of rounds 1 and m where parsed, to the nearest of 0..10, halves up. */
    int first_counts[11], final_counts[11];
};

struct free_options {
    const struct protocol *protocol;
    const struct free_item *baseline; /* (n_baseline) NULL: none */
    size_t n_baseline;
    double baseline_rounds; /* T in rounds, used where there is no `baseline`; NAN: none */
    int n_resamples;        /* of the bootstrap; 0: no intervals (NAN) */
    uint64_t seed;
};

/* The bootstrap draws pictures of the run and of the baseline together: a sample that stands in
 * both is in or out of both. It uses all cores; the result does not depend on their number.
 * FIRE_ERROR_USAGE where `k-set=common` (the ids that the first answer solved in neither run) has
 * no baseline, or where there are too many resamples; FORMAT where there are more than
 * FREE_MAX_SOURCES. `*result` is untouched on failure. */
bool free_compute(struct free_result *result, const struct free_item *items, size_t n_items,
                  const struct free_options *options, GError **error);
void free_result_clear(struct free_result *result); /* accepts a zeroed struct */

#endif
