/* ids.h -- the ids seen in a file, in at most 16 bytes each.
 *
 * Only a 64-bit hash of each id is kept: two different ids of a million collide once in some ten
 * million files, and then the later one is merely renamed. */
#ifndef FIRE_DATA_IDS_H
#define FIRE_DATA_IDS_H

#include "data/sample.h"

#include <stddef.h>

struct ids;

struct ids *ids_new(void);
void ids_free(struct ids *ids); /* accepts NULL */

/* Adds `id`; false where it was there. */
bool ids_add(struct ids *ids, const char *id);
bool ids_has(const struct ids *ids, const char *id);

/* Makes the sample's id one that was not seen, as DESIGN.md 4 says, and adds it: a missing or
 * repeated id is replaced by sample_make_id, with -2, -3, ... where that was seen too. O(log n)
 * look-ups, however many samples are equal. */
void ids_assign(struct ids *ids, struct sample *sample);

#endif
