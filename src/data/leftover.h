/* leftover.h -- what an object of a foreign layout holds beyond the keys that we understand, so
 * that writing it again loses nothing.
 *
 * `core` names the keys we understand in their usual order, ended by NULL. Where an object begins
 * with exactly these and their values are what a writer would write anyway, the leftover holds only
 * the other keys. Else it is the whole object, in its own order, with null for each core value that
 * the writer knows. */
#ifndef FIRE_DATA_LEFTOVER_H
#define FIRE_DATA_LEFTOVER_H

#include "base/json.h"

/* `keep`: bit i is set where the value of core[i] must be kept as it is. NULL: nothing is left.
 * New reference; it shares values with `object`. */
json_t *leftover_take(const json_t *object, const char *const *core, unsigned keep);

/* The object again. `values[i]` belongs to core[i], NULL: it has none; the references are taken
 * over. `leftover` may be NULL. New reference. */
json_t *leftover_join(const json_t *leftover, const char *const *core, json_t **values);

#endif
