/* codec.h -- inside of the image room: one decoder a format, and what they share. Others use
 * image.h.
 *
 * A decoder gets bytes of its own kind. It checks the header's size with codec_alloc before it
 * allocates anything that grows with the picture, prints nothing, and on failure leaves `*image`
 * untouched and keeps no memory. */
#ifndef FIRE_IMAGE_CODEC_H
#define FIRE_IMAGE_CODEC_H

#include "image/image.h"

bool codec_decode_jpeg(struct image *image, const uint8_t *bytes, size_t n_bytes, GError **error);
bool codec_decode_png(struct image *image, const uint8_t *bytes, size_t n_bytes, GError **error);
bool codec_decode_webp(struct image *image, const uint8_t *bytes, size_t n_bytes, GError **error);
bool codec_decode_gif(struct image *image, const uint8_t *bytes, size_t n_bytes, GError **error);

/* Sets width and height and allocates the pixels (not initialised). FIRE_ERROR_FORMAT where a side
 * is 0 or the area is over IMAGE_MAX_PIXELS or over the memory. */
bool codec_alloc(struct image *image, uint64_t width, uint64_t height, GError **error);

/* "cut or broken NAME picture: CAUSE" */
void codec_set_error(GError **error, const char *name, const char *cause);

#endif
