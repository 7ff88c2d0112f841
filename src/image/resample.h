/* resample.h -- bicubic resizing, byte for byte as Pillow's resize(size, BICUBIC) does it.
 *
 * The cubic is that of a = -0.5, widened by the scale where the picture shrinks (antialiasing).
 * First along the rows, then down the columns, each pass rounded to 8 bits with weights of 22
 * fractional bits. (Newer Pillows turn the order round for very tall pictures, and from 13 on
 * wherever the height shrinks much more than the width. That moves some values by a level; the
 * models and their reference know the order kept here.) */
#ifndef FIRE_IMAGE_RESAMPLE_H
#define FIRE_IMAGE_RESAMPLE_H

#include "image/image.h"

/* A picture on a larger sheet of one colour, of which nothing is ever built: `image` lies with its
 * top left pixel at (left, top) and inside of width x height. */
struct image_sheet {
    const struct image *image; /* borrowed */
    int width, height, left, top;
    uint8_t colour[3];
};

/* Brings the sheet to width x height; `out` is the caller's to clear. Any size of 1 x 1 and more:
 * the memory besides the result is about 32 MiB, and that of one column where this is more.
 * FIRE_ERROR_FORMAT where the result is over IMAGE_MAX_PIXELS or over the memory. */
bool resample_sheet(struct image *out, const struct image_sheet *sheet, int width, int height,
                    GError **error);

/* The same for a picture alone. */
bool resample_image(struct image *out, const struct image *image, int width, int height,
                    GError **error);

#endif
