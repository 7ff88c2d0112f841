/* rule.h -- the words that say by which rules a number came about. */
#ifndef FIRE_REPORT_RULE_H
#define FIRE_REPORT_RULE_H

#include "data/protocol.h"

#include <stdint.h>

/* "protocol paper" or "protocol official with final=best, turns=3": the options that differ from
 * the protocol's own. Free with g_free. */
char *rule_of_protocol(const struct protocol *protocol);

/* "95% intervals: 2000 resamples of pictures, seed 1", or "no intervals". Free with g_free. */
char *rule_of_intervals(int n_resamples, uint64_t seed);

#endif
