/* agreement.h -- does the teacher's score say what answer matching says?
 *
 * One pair per round played that has a score and to which an answer rule applies. Answer matching
 * is soft (0..1), so right and wrong are sums: a match of 0.6 is 0.6 right and 0.4 wrong. */
#ifndef FIRE_METRIC_AGREEMENT_H
#define FIRE_METRIC_AGREEMENT_H

#include "metric/free.h"

struct agreement {
    int n; /* pairs */
    /* Accepted: the score passes the threshold. */
    double accepted_right, accepted_wrong, rejected_right, rejected_wrong;
    double precision; /* right among the accepted; NAN where nothing was accepted */
    double recall;    /* accepted among the right; NAN where nothing is right */
    /* Calibration, by score to the nearest of 0..10 (halves up). */
    int n_by_score[11];
    double correct_by_score[11]; /* mean match; NAN where n_by_score is 0 */
};

/* Failed and dropped dialogues, and rounds that the protocol does not look at, are left out. */
void agreement_compute(struct agreement *agreement, const struct free_item *items, size_t n_items,
                       const struct protocol *protocol);

#endif
