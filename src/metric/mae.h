/* mae.h -- mean absolute error of the teacher's score against the recorded one (METRICS.md 5). */
#ifndef FIRE_METRIC_MAE_H
#define FIRE_METRIC_MAE_H

#include "data/protocol.h"

#define MAE_FAILURE 10 /* the error of a prediction that could not be parsed */

/* Feedback turns added up. A zeroed struct is an empty one. */
struct mae {
    int n;        /* turns in the mean */
    int unparsed; /* of them, predictions without a score: error 10 */
    /* Recorded scores that could not be parsed: left out (label-fail=skip), or -1 as the released
     * code has it (official). */
    int no_label;
    double sum; /* of the errors */
};

/* The error of one turn; NAN where it is left out. A score that is NAN is none; `protocol` decides
 * label-fail. */
double mae_error(const struct protocol *protocol, double label, double prediction);
/* Adds one turn. */
void mae_add(struct mae *mae, const struct protocol *protocol, double label, double prediction);
double mae_mean(const struct mae *mae); /* NAN where n is 0 */

#endif
