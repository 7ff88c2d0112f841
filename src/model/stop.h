/* stop.h -- where an answer ends: stop ids, and stop strings in a stream of decoded text.
 *
 * Nothing of a stop string is ever passed on, however it is split over tokens, and nothing else is
 * held back longer than it could still become one. What passes does not depend on how the stream is
 * cut: the answer ends before the string that is complete first; of those that end together, before
 * the longest. */
#ifndef FIRE_MODEL_STOP_H
#define FIRE_MODEL_STOP_H

#include <glib.h>
#include <stdbool.h>
#include <stddef.h>

struct stop {
    const int *ids;
    size_t n_ids;
    const char *const *strings; /* NULL at the end; empty ones are passed over */
    GString *held;              /* could begin a stop string */
    bool is_done;
};

/* Borrows ids (n_ids) and strings (NULL: none) until the clear. */
void stop_init(struct stop *stop, const int *ids, size_t n_ids, const char *const *strings);
void stop_clear(struct stop *stop); /* accepts a zeroed one */

/* Back to the beginning of a stream. */
void stop_reset(struct stop *stop);

bool stop_is_id(const struct stop *stop, int id);

/* Takes the next piece of the stream and appends to `out` what passes. True when a stop string is
 * complete: the stream is at its end then, and what follows is dropped. */
bool stop_take(struct stop *stop, const char *text, size_t n_bytes, GString *out);

/* The stream has ended by itself: what is held was no stop string and passes. */
void stop_finish(struct stop *stop, GString *out);

#endif
