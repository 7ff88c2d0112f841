/* clusters.h -- what the bootstrap draws, by number: pictures, and samples without a picture. */
#ifndef FIRE_METRIC_CLUSTERS_H
#define FIRE_METRIC_CLUSTERS_H

#include <glib.h>
#include <stdint.h>

struct clusters {
    GHashTable *images, *ids; /* string -> number + 1 */
    size_t n;
};

void clusters_init(struct clusters *clusters);
void clusters_clear(struct clusters *clusters); /* accepts a zeroed struct */

/* The number of a picture; of the sample `id` where `image` is NULL; a new one where both are. */
uint32_t clusters_find(struct clusters *clusters, const char *image, const char *id);

#endif
