/* image.h -- pictures: what a file holds, its pixels, and the form in which a server can take it.
 *
 * Kinds are recognised by content, never by name. Limits guard against decompression bombs and are
 * checked on the header, before anything is allocated. */
#ifndef FIRE_IMAGE_IMAGE_H
#define FIRE_IMAGE_IMAGE_H

#include <glib.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define IMAGE_MAX_BYTES (64u << 20)   /* of an encoded file */
#define IMAGE_MAX_PIXELS (100u << 20) /* width * height */

enum image_kind { IMAGE_UNKNOWN, IMAGE_JPEG, IMAGE_PNG, IMAGE_WEBP, IMAGE_GIF, IMAGE_BMP };

enum image_kind image_kind_of(const uint8_t *bytes, size_t n_bytes);
/* "image/jpeg" ...; NULL for IMAGE_UNKNOWN. Static. */
const char *image_kind_mime(enum image_kind kind);

/* 8-bit RGB, rows top to bottom without padding: 3 * width * height bytes. As Pillow's
 * convert("RGB") has it: alpha is dropped, EXIF rotation and colour profiles are ignored, palettes
 * looked up (black beyond their end), the first frame of an animation is taken on its canvas, 16
 * bits keep the high byte, except that 16-bit gray without alpha is clipped at 255. */
struct image {
    uint8_t *pixels;
    int width, height;
};

/* FIRE_ERROR_FORMAT says what is wrong: unknown kind, over a limit, cut, broken. A file that ends
 * before its first picture is complete is an error, and so is data that its decoder had to guess.
 * BMP is recognised and refused. */
bool image_decode(struct image *image, const uint8_t *bytes, size_t n_bytes, GError **error);
void image_clear(struct image *image); /* accepts a zeroed one */

/* Can all of it be decoded? Fails as image_decode does. */
bool image_check(GBytes *bytes, GError **error);

/* Encoded file, owned by the caller; NULL on failure (memory). */
GBytes *image_encode_png(const struct image *image, GError **error);
/* `quality` 1..100 */
GBytes *image_encode_jpeg(const struct image *image, int quality, GError **error);

/* Reads a whole regular file of at most IMAGE_MAX_BYTES; what it holds is not looked at. */
GBytes *image_read_file(const char *path, GError **error);

/* The bytes of a "data:image/...;base64,..." URL. Strict: only letters of the alphabet, padded, no
 * spare bits set; at most IMAGE_MAX_BYTES. */
GBytes *image_read_data_url(const char *url, GError **error);

#endif
