/* jpeg.c -- JPEG through libjpeg(-turbo).
 *
 * The library reports through a struct of callbacks: errors leave by longjmp; warnings that mean
 * lost or invented pixels count as errors; nothing is printed. All state lives in the caller's
 * struct, so that no local variable changes between setjmp and longjmp. */
#include "base/error.h"
#include "image/codec.h"

/* The order matters: jpeglib.h needs stdio.h before it. */
#include <stdio.h>

#include <jpeglib.h>

#include <jerror.h>
#include <setjmp.h>
#include <stdlib.h>
#include <string.h>

/* A progressive file can hold any number of scans of the whole picture, each a few bytes long. */
#define MAX_SCANS 500

struct escape {
    struct jpeg_error_mgr manager; /* first, so that cinfo->err is this struct */
    jmp_buf target;
    char cause[JMSG_LENGTH_MAX];
};

G_GNUC_NORETURN static void fail(j_common_ptr info)
{
    struct escape *escape = (struct escape *)info->err;
    escape->manager.format_message(info, escape->cause);
    longjmp(escape->target, 1);
}

/* Not among these: stray bytes before a marker, odd version numbers and colour marks, which cameras
 * write and every reader passes over. */
static bool is_damage(int code)
{
    return code == JWRN_JPEG_EOF || code == JWRN_HIT_MARKER || code == JWRN_HUFF_BAD_CODE ||
           code == JWRN_MUST_RESYNC || code == JWRN_ARITH_BAD_CODE || code == JWRN_NOT_SEQUENTIAL;
}

static void receive(j_common_ptr info, int level)
{
    if (level < 0 && is_damage(info->err->msg_code))
        fail(info);
}

static void print_nothing(j_common_ptr info G_GNUC_UNUSED)
{
}

static struct jpeg_error_mgr *escape_init(struct escape *escape)
{
    jpeg_std_error(&escape->manager);
    escape->manager.error_exit = fail;
    escape->manager.emit_message = receive;
    escape->manager.output_message = print_nothing;
    return &escape->manager;
}

struct reader {
    struct jpeg_decompress_struct jpeg;
    struct jpeg_progress_mgr progress;
    struct escape escape;
    struct image image;
    GError *error; /* of codec_alloc */
};

static void limit_scans(j_common_ptr info)
{
    struct reader *reader = (struct reader *)info->client_data;
    if (reader->jpeg.input_scan_number <= MAX_SCANS)
        return;
    g_strlcpy(reader->escape.cause, "too many scans", sizeof reader->escape.cause);
    longjmp(reader->escape.target, 1);
}

/* round(a * b / 255) */
static unsigned multiply(unsigned a, unsigned b)
{
    unsigned t = a * b + 128;
    return (t + (t >> 8)) >> 8;
}

/* One row of gray or CMYK to RGB. CMYK files hold inverted values, as Adobe writes them. */
static void expand_row(const uint8_t *row, int n_components, uint8_t *rgb, int width)
{
    for (int x = 0; x < width; x++, row += n_components, rgb += 3)
        for (int c = 0; c < 3; c++)
            rgb[c] =
                n_components == 1 ? row[0] : (uint8_t)(row[3] - multiply(255u - row[c], row[3]));
}

/* `bytes` is not written to, though older libraries do not say so. */
static bool run_decoder(struct reader *reader, const uint8_t *bytes, size_t n_bytes)
{
    struct jpeg_decompress_struct *jpeg = &reader->jpeg;
    if (setjmp(reader->escape.target))
        return false;
    jpeg_create_decompress(jpeg);
    jpeg->client_data = reader;
    reader->progress.progress_monitor = limit_scans;
    jpeg->progress = &reader->progress;
    jpeg_mem_src(jpeg, bytes, n_bytes);
    jpeg_read_header(jpeg, TRUE);
    static const J_COLOR_SPACE spaces[] = {[1] = JCS_GRAYSCALE, [3] = JCS_RGB, [4] = JCS_CMYK};
    int n_components = jpeg->num_components;
    if (n_components != 1 && n_components != 3 && n_components != 4) {
        g_snprintf(reader->escape.cause, sizeof reader->escape.cause, "%d colour components",
                   n_components);
        return false;
    }
    jpeg->out_color_space = spaces[n_components];
    if (!codec_alloc(&reader->image, jpeg->image_width, jpeg->image_height, &reader->error))
        return false;
    jpeg_start_decompress(jpeg);
    JSAMPARRAY scratch =
        jpeg->mem->alloc_sarray((j_common_ptr)jpeg, JPOOL_IMAGE,
                                jpeg->output_width * (JDIMENSION)jpeg->output_components, 1);
    while (jpeg->output_scanline < jpeg->output_height) {
        uint8_t *out =
            reader->image.pixels + 3 * (size_t)jpeg->output_scanline * jpeg->output_width;
        jpeg_read_scanlines(jpeg, n_components == 3 ? &out : scratch, 1);
        if (n_components != 3)
            expand_row(scratch[0], n_components, out, reader->image.width);
    }
    return jpeg_finish_decompress(jpeg);
}

bool codec_decode_jpeg(struct image *image, const uint8_t *bytes, size_t n_bytes, GError **error)
{
    struct reader reader = {0};
    reader.jpeg.err = escape_init(&reader.escape);
    bool ok = run_decoder(&reader, bytes, n_bytes);
    jpeg_destroy_decompress(&reader.jpeg);
    if (ok) {
        *image = reader.image;
        return true;
    }
    image_clear(&reader.image);
    if (reader.error)
        g_propagate_error(error, reader.error);
    else
        codec_set_error(error, "JPEG", reader.escape.cause);
    return false;
}

struct writer {
    struct jpeg_compress_struct jpeg;
    struct escape escape;
    unsigned char *bytes; /* malloc'ed by the library */
    unsigned long n_bytes;
};

static bool run_encoder(struct writer *writer, const struct image *image, int quality)
{
    struct jpeg_compress_struct *jpeg = &writer->jpeg;
    if (setjmp(writer->escape.target))
        return false;
    jpeg_create_compress(jpeg);
    jpeg_mem_dest(jpeg, &writer->bytes, &writer->n_bytes);
    jpeg->image_width = (JDIMENSION)image->width;
    jpeg->image_height = (JDIMENSION)image->height;
    jpeg->input_components = 3;
    jpeg->in_color_space = JCS_RGB;
    jpeg_set_defaults(jpeg);
    jpeg_set_quality(jpeg, quality, TRUE);
    jpeg_start_compress(jpeg, TRUE);
    while (jpeg->next_scanline < jpeg->image_height) {
        uint8_t *row = image->pixels + 3 * (size_t)jpeg->next_scanline * (size_t)image->width;
        jpeg_write_scanlines(jpeg, &row, 1);
    }
    jpeg_finish_compress(jpeg);
    return true;
}

GBytes *image_encode_jpeg(const struct image *image, int quality, GError **error)
{
    struct writer writer = {0};
    writer.jpeg.err = escape_init(&writer.escape);
    bool ok = run_encoder(&writer, image, quality);
    jpeg_destroy_compress(&writer.jpeg);
    if (ok)
        return g_bytes_new_with_free_func(writer.bytes, writer.n_bytes, free, writer.bytes);
    free(writer.bytes);
    g_set_error(error, FIRE_ERROR, FIRE_ERROR_FORMAT, "cannot encode a JPEG picture: %s",
                writer.escape.cause);
    return NULL;
}
