/* normalise.h -- the pixels that a vision tower takes: resized, tiled, normalised. */
#ifndef FIRE_IMAGE_NORMALISE_H
#define FIRE_IMAGE_NORMALISE_H

#include "image/anyres.h"
#include "image/image.h"

/* What is done to a byte v of a channel: (v / 255 - mean) / std. */
struct normalise_scale {
    double mean[3], std[3]; /* R, G, B; std above 0 */
};

/* The tiles of `image` in the order of the plan, which was made for its size:
 * [anyres_n_tiles, 3, tile, tile] f32. The sheet of a padded square has the colour of the mean,
 * that of tiles is black. Free with g_free. NULL with FIRE_ERROR_FORMAT where there is no memory. */
float *normalise_tiles(const struct anyres_plan *plan, const struct image *image,
                       const struct normalise_scale *scale, GError **error);

#endif
