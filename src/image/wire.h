/* wire.h -- the form in which a model server can take a picture.
 *
 * JPEG, PNG and GIF go as they are, byte for byte: every server with vision reads them, and a
 * second encoding would show the model another picture. WebP, which llama-server and others cannot
 * read, becomes PNG, which loses nothing; only where that would be larger than servers accept does
 * it become JPEG of quality 95. */
#ifndef FIRE_IMAGE_WIRE_H
#define FIRE_IMAGE_WIRE_H

#include "image/image.h"

/* The largest PNG made here; as base64 it still fits the 20 MB that public servers allow. */
#define WIRE_MAX_PNG_BYTES (14u << 20)

struct wire_image {
    GBytes *bytes;    /* the encoded file */
    const char *mime; /* static */
    char digest[65];  /* SHA-256 of `bytes`, 64 hex digits */
};

/* `file` is an encoded picture of any kind that image.h reads. All of it is decoded, so that no
 * broken picture reaches a model; fails as image_decode does. `max_png_bytes` is
 * WIRE_MAX_PNG_BYTES, or less in tests. */
bool wire_image_init(struct wire_image *wire, GBytes *file, size_t max_png_bytes, GError **error);
void wire_image_clear(struct wire_image *wire); /* accepts a zeroed one */

#endif
