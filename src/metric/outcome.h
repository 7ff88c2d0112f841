/* outcome.h -- what one free dialogue counts as, under the rules of a protocol (PAPER.md 3.2).
 *
 * Only the first `turns` scores are looked at, and none after the first that passes the threshold:
 * a recorded dialogue is not cut where its scores stop rising. */
#ifndef FIRE_METRIC_OUTCOME_H
#define FIRE_METRIC_OUTCOME_H

#include "data/protocol.h"

struct outcome {
    int m;              /* rounds played, 1 or more: the solving one is the last */
    bool solved;        /* the score of round m passes the threshold */
    int n_unparsed;     /* rounds played without a score */
    bool dropped;       /* parse-fail=drop or first-fail=drop takes the sample out of the metrics */
    int n_k;            /* m, or the penalty where unsolved */
    double first, last; /* scores of rounds 1 and m; an unparsed one as parse-fail counts it */
    double best;        /* the highest of the rounds played */
    double gain;        /* the final score (option `final`) less the first */
    double rate;        /* gain over the divisor of atr-divisor; 0 where that is 0 */
};

/* `scores` (n_scores) by round, NAN: none. A dialogue without any counts as one unparsed round. */
struct outcome outcome_of(const double *scores, int n_scores, const struct protocol *protocol);

/* Solved by the first answer: outside K by the paper. */
static inline bool outcome_at_once(const struct outcome *outcome)
{
    return outcome->solved && outcome->m == 1;
}

#endif
