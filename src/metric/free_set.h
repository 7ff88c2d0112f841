/* free_set.h -- dialogues gathered for free_compute: scores, answer matches and names of each, none
 * of the texts. */
#ifndef FIRE_METRIC_FREE_SET_H
#define FIRE_METRIC_FREE_SET_H

#include "data/dialogue.h"
#include "metric/free.h"

struct free_set;

struct free_set *free_set_new(void);
void free_set_free(struct free_set *set); /* accepts NULL */

/* Takes what the metrics need from `dialogue`. Left out are rounds over FREE_MAX_ROUNDS, and a last
 * one that the teacher has not judged: no feedback, no score, and nobody refused. */
void free_set_add(struct free_set *set, const struct dialogue *dialogue);

size_t free_set_count(const struct free_set *set);

/* All dialogues in the order in which they came. Borrowed until the next free_set_add. */
const struct free_item *free_set_items(struct free_set *set);

#endif
