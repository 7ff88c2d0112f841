/* leftover.h -- what an object of a foreign layout holds beyond the keys that we understand, so
 * that writing it again loses nothing.
 *
 * `core` names the keys we understand in their usual order, ended by NULL. The leftover is an object
 * of the other keys, and of those core keys whose value is not what a writer would write: their
 * values are the object's own, whatever they are. The order is a list of all keys in their order,
 * kept where the object does not begin with exactly the core keys. The two stand apart, so that
 * nothing in an object can be taken for a mark of ours. */
#ifndef FIRE_DATA_LEFTOVER_H
#define FIRE_DATA_LEFTOVER_H

#include "base/json.h"

/* `keep`: bit i is set where the value of core[i] must be kept as it is. Returns NULL where nothing
 * is left; sets `*order`, or NULL. Both are new references and share values with `object`. */
json_t *leftover_take(const json_t *object, const char *const *core, unsigned keep, json_t **order);

/* The object again: values[i] belongs to core[i] where the leftover has none; the references are
 * taken over. `leftover`, `order` and any of the values may be NULL; keys that `order` lacks come
 * last. New reference. */
json_t *leftover_join(const json_t *leftover, const json_t *order, const char *const *core,
                      json_t **values);

#endif
