/* png.c -- PNG through libspng.
 *
 * Scanlines come raw, and one loop turns them into RGB and puts them where they belong: so an
 * interlaced picture needs no second copy, and the rules for gray, palettes and 16 bits are ours to
 * see. */
#include "base/error.h"
#include "image/codec.h"

#include <spng.h>
#include <stdlib.h>

/* Text and profiles may inflate to at most this. */
#define MAX_CHUNK_BYTES (16u << 20)

/* Where the pixels of one pass lie: from (x, y) on, every dx-th of every dy-th row. */
struct pass {
    uint32_t x, y, dx, dy;
};
static const struct pass whole = {0, 0, 1, 1};
static const struct pass adam7[] = {{0, 0, 8, 8}, {4, 0, 8, 8}, {0, 4, 4, 8}, {2, 0, 4, 4},
                                    {0, 2, 2, 4}, {1, 0, 2, 2}, {0, 1, 1, 2}};

struct reader {
    spng_ctx *spng;
    struct spng_ihdr header;
    struct spng_plte palette; /* entries beyond its end are black */
};

/* Sample i of a row of gray levels or palette indices of up to 8 bits. */
static unsigned narrow_sample(const uint8_t *row, size_t i, unsigned depth)
{
    size_t bit = i * depth;
    return row[bit / 8] >> (8 - depth - bit % 8) & ((1u << depth) - 1);
}

static uint8_t gray_sample(const uint8_t *row, size_t i, unsigned depth)
{
    if (depth == 16)
        return row[2 * i] ? 255 : row[2 * i + 1];
    return (uint8_t)(narrow_sample(row, i, depth) * 255 / ((1u << depth) - 1));
}

/* Pixel i of a raw scanline. */
static void expand_pixel(const struct reader *reader, const uint8_t *row, size_t i, uint8_t rgb[3])
{
    unsigned depth = reader->header.bit_depth, n_bytes = depth == 16 ? 2 : 1;
    const uint8_t *at;
    switch (reader->header.color_type) {
    case SPNG_COLOR_TYPE_GRAYSCALE:
        rgb[0] = rgb[1] = rgb[2] = gray_sample(row, i, depth);
        break;
    case SPNG_COLOR_TYPE_GRAYSCALE_ALPHA:
        rgb[0] = rgb[1] = rgb[2] = row[i * 2 * n_bytes];
        break;
    case SPNG_COLOR_TYPE_INDEXED: {
        const struct spng_plte_entry *entry =
            &reader->palette.entries[narrow_sample(row, i, MIN(depth, 8))]; /* never more */
        rgb[0] = entry->red;
        rgb[1] = entry->green;
        rgb[2] = entry->blue;
        break;
    }
    default:
        at = row + i * n_bytes * (reader->header.color_type == SPNG_COLOR_TYPE_TRUECOLOR ? 3 : 4);
        rgb[0] = at[0];
        rgb[1] = at[n_bytes];
        rgb[2] = at[2 * n_bytes];
    }
}

static int read_header(struct reader *reader, const uint8_t *bytes, size_t n_bytes)
{
    if (!reader->spng)
        return SPNG_EMEM;
    int code = spng_set_chunk_limits(reader->spng, MAX_CHUNK_BYTES, 4 * (size_t)MAX_CHUNK_BYTES);
    if (!code)
        code = spng_set_crc_action(reader->spng, SPNG_CRC_ERROR, SPNG_CRC_ERROR);
    if (!code)
        code = spng_set_png_buffer(reader->spng, bytes, n_bytes);
    return code ? code : spng_get_ihdr(reader->spng, &reader->header);
}

static int read_pixels(struct reader *reader, uint8_t *row, size_t n_row, struct image *image)
{
    spng_ctx *spng = reader->spng;
    int code = spng_decode_image(spng, NULL, 0, SPNG_FMT_RAW, SPNG_DECODE_PROGRESSIVE);
    if (!code && reader->header.color_type == SPNG_COLOR_TYPE_INDEXED)
        code = spng_get_plte(spng, &reader->palette);
    while (!code) {
        struct spng_row_info info;
        code = spng_get_row_info(spng, &info);
        if (!code)
            code = spng_decode_scanline(spng, row, n_row);
        if (code && code != SPNG_EOI)
            break;
        const struct pass *pass = reader->header.interlace_method ? &adam7[info.pass] : &whole;
        uint8_t *out = image->pixels + 3 * (size_t)image->width * info.row_num;
        for (uint32_t x = pass->x, i = 0; x < reader->header.width; x += pass->dx, i++)
            expand_pixel(reader, row, i, out + 3 * (size_t)x);
    }
    /* What follows the pixels is read too: without its end mark the file is cut. */
    return code == SPNG_EOI ? spng_decode_chunks(spng) : code;
}

bool codec_decode_png(struct image *image, const uint8_t *bytes, size_t n_bytes, GError **error)
{
    struct reader reader = {.spng = spng_ctx_new(0)};
    struct image decoded = {0};
    int code = read_header(&reader, bytes, n_bytes);
    bool ok = !code && codec_alloc(&decoded, reader.header.width, reader.header.height, error);
    if (ok) {
        size_t n_row = 8 * (size_t)reader.header.width; /* RGBA of 16 bits, the widest */
        uint8_t *row = g_try_malloc0(n_row);
        code = row ? read_pixels(&reader, row, n_row, &decoded) : SPNG_EMEM;
        g_free(row);
    }
    if (code)
        codec_set_error(error, "PNG", spng_strerror(code));
    spng_ctx_free(reader.spng);
    if (code || !ok) {
        image_clear(&decoded);
        return false;
    }
    *image = decoded;
    return true;
}

GBytes *image_encode_png(const struct image *image, GError **error)
{
    struct spng_ihdr header = {.width = (uint32_t)image->width,
                               .height = (uint32_t)image->height,
                               .bit_depth = 8,
                               .color_type = SPNG_COLOR_TYPE_TRUECOLOR};
    size_t n_bytes = 3 * (size_t)image->width * (size_t)image->height;
    void *png = NULL;
    spng_ctx *spng = spng_ctx_new(SPNG_CTX_ENCODER);
    int code = spng ? spng_set_option(spng, SPNG_ENCODE_TO_BUFFER, 1) : SPNG_EMEM;
    if (!code)
        code = spng_set_ihdr(spng, &header);
    if (!code)
        code = spng_encode_image(spng, image->pixels, n_bytes, SPNG_FMT_PNG, SPNG_ENCODE_FINALIZE);
    if (!code)
        png = spng_get_png_buffer(spng, &n_bytes, &code);
    spng_ctx_free(spng);
    if (png)
        return g_bytes_new_with_free_func(png, n_bytes, free, png);
    g_set_error(error, FIRE_ERROR, FIRE_ERROR_FORMAT, "cannot encode a PNG picture: %s",
                spng_strerror(code));
    return NULL;
}
