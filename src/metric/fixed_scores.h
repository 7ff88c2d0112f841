/* fixed_scores.h -- BLEU, CIDEr and MAE of the fixed setting (paper Sec. 3.4.1): what a role said in
 * place of recorded texts, per source and overall, with intervals.
 *
 * A student's first turns saw no feedback: they stand apart, the headline is turns i >= 2. All turns
 * of a teacher are in the headline. Every list (of a source, of all; first turns or headline) is
 * scored on its own: its document frequencies are its references'. A resample weighs what each turn
 * scored; it does not count document frequencies anew. */
#ifndef FIRE_METRIC_FIXED_SCORES_H
#define FIRE_METRIC_FIXED_SCORES_H

#include "metric/bootstrap.h"
#include "metric/mae.h"
#include "metric/text.h"

/* One turn that was asked for; strings are borrowed for the call. */
struct fixed_item {
    const char *source;
    const char *image, *id;    /* the picture, or else the sample, that the bootstrap draws */
    bool is_first;             /* outside of the headline */
    bool failed;               /* the call failed: counted, and in nothing else */
    bool refused;              /* counted; its prediction is "" and has no score */
    const char *prediction;    /* NULL where it failed */
    const char *label;         /* what was recorded */
    bool has_score;            /* of a teacher: the two scores count in the MAE */
    double score, label_score; /* NAN: none */
};

struct fixed_part {
    struct text_scores text;
    int refused, failed; /* `refused` are in text.n, `failed` are not */
};

/* The numbers that have intervals. */
enum { FIXED_BLEU /* 1 to 4 */, FIXED_CIDER = 4, FIXED_MAE, FIXED_N_VALUES };

struct fixed_scores {
    struct fixed_part headline, first;
    struct mae mae;                     /* n = 0: no teacher */
    double mae_mean;                    /* NAN: undefined */
    struct interval ci[FIXED_N_VALUES]; /* of the headline: mean BLEU, CIDEr, MAE; 95% */
};

struct fixed_row {
    char *source; /* owned */
    struct fixed_scores scores;
};

struct fixed_result {
    struct fixed_scores micro; /* over all turns */
    /* Mean of each number over the sources where it is defined; counts are sums; intervals from the
     * same resamples. */
    struct fixed_scores macro;
    struct fixed_row *rows; /* (n_rows) sorted by source name */
    size_t n_rows;
    size_t n_items; /* added; 0: the role was not asked */
};

/* Items gathered: token numbers and errors, none of the texts. */
struct fixed_set;

struct fixed_set *fixed_set_new(const struct protocol *protocol, enum tokenizer tokenizer);
void fixed_set_free(struct fixed_set *set); /* accepts NULL */
void fixed_set_add(struct fixed_set *set, const struct fixed_item *item);

/* To be called once, last. Uses all cores; the result does not depend on their number. Errors are
 * those of text_metric_compute and bootstrap_run; `*result` is untouched then. */
bool fixed_compute(struct fixed_result *result, struct fixed_set *set, int n_resamples,
                   uint64_t seed, GError **error);
void fixed_result_clear(struct fixed_result *result); /* accepts a zeroed struct */

#endif
