/* resample.c -- see resample.h.
 *
 * Both passes are one kernel, `blend`: a weighted sum of rows of bytes, the bytes of a row side by
 * side in SIMD lanes. Down the columns the rows are those of the picture. Along the rows a strip of
 * STRIP picture rows is turned first, so that its pixels of one column lie side by side and make up
 * a row of the kernel:
 *
 *   picture, STRIP rows      strip                 blend           half
 *   a0 a1 a2 a3 ...          a0 b0 c0 ...          A0 B0 C0 ...    A0 A1 ...
 *   b0 b1 b2 b3 ...   -->    a1 b1 c1 ...   -->    A1 B1 C1 ...    B0 B1 ...
 *   c0 c1 c2 c3 ...          a2 b2 c2 ...                          C0 C1 ...
 *
 * The result is made in blocks of columns, so that neither `half` nor the weights grow with the
 * picture. Weights that fall on the sheet around the picture are added up: they all meet one
 * colour. Integer sums do not depend on their order, so all of this changes no bit. */
#include "image/resample.h"

#include "base/error.h"
#include "image/codec.h"

#include <math.h>
#include <string.h>

enum {
    PRECISION = 22,         /* fractional bits of a weight */
    STRIP = 16,             /* picture rows turned at once */
    LANES = 3 * STRIP,      /* bytes that `blend` sums at once */
    BLOCK_BYTES = 32 << 20, /* workspace that decides how many columns are made at once */
    HALF = 1 << (PRECISION - 1),
};

/* One direction of the resizing. Positions on the sheet, in pixels. */
struct axis {
    int n_sheet, first, n_inside; /* the picture covers first .. first + n_inside - 1 */
    int n_out;
    double scale;   /* sheet pixels to an output pixel */
    double stretch; /* of the filter: the scale, at least 1 */
    size_t max_taps;
};

/* The weights of one output position: `n` of picture pixels from `first` (counted inside of the
 * picture) on, and the sum of those that fall beside it. */
struct taps {
    int32_t *weights;
    int first, n;
    int32_t outside;
};

static struct axis axis_make(int n_sheet, int first, int n_inside, int n_out)
{
    struct axis axis = {n_sheet, first, n_inside, n_out, (double)n_sheet / n_out, 1, 0};
    axis.stretch = MAX(axis.scale, 1.0);
    axis.max_taps = MIN((size_t)n_inside, 2 * (size_t)ceil(2 * axis.stretch) + 1);
    return axis;
}

/* Keys' cubic convolution with a = -0.5, in the order of operations of Pillow. */
static double cubic(double x)
{
    const double a = -0.5;
    x = fabs(x);
    if (x < 1.0)
        return ((a + 2.0) * x - (a + 3.0)) * x * x + 1;
    if (x < 2.0)
        return (((x - 5) * x + 8) * x - 4) * a;
    return 0.0;
}

/* Rounds half away from zero. */
static int32_t fixed_point(double weight)
{
    double scaled = weight * (1 << PRECISION);
    return (int32_t)(scaled < 0 ? scaled - 0.5 : scaled + 0.5);
}

/* taps->weights has room for axis->max_taps. */
static void taps_compute(struct taps *taps, const struct axis *axis, int i_out)
{
    double centre = (i_out + 0.5) * axis->scale, reach = 2 * axis->stretch;
    double step = 1.0 / axis->stretch, sum = 0;
    int begin = (int)MAX(centre - reach + 0.5, 0.0);
    int end = (int)MIN(centre + reach + 0.5, (double)axis->n_sheet);
    for (int i = begin; i < end; i++)
        sum += cubic((i - centre + 0.5) * step);
    taps->first = taps->n = taps->outside = 0;
    for (int i = begin; i < end; i++) {
        int32_t weight = fixed_point(cubic((i - centre + 0.5) * step) / sum);
        int inside = i - axis->first;
        if (inside < 0 || inside >= axis->n_inside)
            taps->outside += weight;
        else if (taps->n > 0 || weight != 0) {
            if (taps->n == 0)
                taps->first = inside;
            taps->weights[taps->n++] = weight;
        }
    }
    while (taps->n > 0 && taps->weights[taps->n - 1] == 0)
        taps->n--;
}

static inline uint8_t round_to_byte(int32_t sum)
{
    sum >>= PRECISION;
    return (uint8_t)CLAMP(sum, 0, 255);
}

/* Inlined with n = LANES, so that the loops over lanes become SIMD. */
static inline __attribute__((always_inline)) void
blend_lanes(uint8_t *restrict out, const uint8_t *restrict row, size_t stride,
            const struct taps *taps, const uint8_t *restrict outside, size_t n)
{
    int32_t sums[LANES];
    for (size_t i = 0; i < n; i++)
        sums[i] = HALF + taps->outside * outside[i];
    for (int t = 0; t < taps->n; t++, row += stride) {
        int32_t weight = taps->weights[t];
        for (size_t i = 0; i < n; i++)
            sums[i] += weight * row[i];
    }
    for (size_t i = 0; i < n; i++)
        out[i] = round_to_byte(sums[i]);
}

/* out[i] = sum over t of weights[t] * rows[t * stride + i] + taps->outside * outside[i], rounded,
 * for n bytes. The last lanes may be summed twice, to the same result. */
static void blend(uint8_t *out, const uint8_t *rows, size_t stride, const struct taps *taps,
                  const uint8_t *outside, size_t n)
{
    if (n < LANES) {
        blend_lanes(out, rows, stride, taps, outside, n);
        return;
    }
    for (size_t at = 0; at < n; at += LANES) {
        size_t i = MIN(at, n - LANES);
        blend_lanes(out + i, rows + i, stride, taps, outside + i, LANES);
    }
}

/* Workspace for a block of columns. */
struct block {
    struct axis across, down;
    int first, n;          /* output columns */
    int first_in, n_in;    /* picture columns that they take from */
    struct taps *taps;     /* (n) */
    int32_t *weights;      /* (n, across.max_taps) */
    int32_t *down_weights; /* (down.max_taps) */
    uint8_t *strip;        /* (n_in, STRIP, 3) */
    uint8_t *half;         /* (picture height, n, 3): resized across */
    uint8_t *outside;      /* (n, 3): a row of the bare sheet, resized across */
};

static void block_compute_taps(struct block *block, const uint8_t *colour)
{
    int end = 0;
    block->first_in = block->across.n_inside;
    for (int i = 0; i < block->n; i++) {
        struct taps *taps = &block->taps[i];
        taps->weights = block->weights + (size_t)i * block->across.max_taps;
        taps_compute(taps, &block->across, block->first + i);
        if (taps->n > 0) {
            block->first_in = MIN(block->first_in, taps->first);
            end = MAX(end, taps->first + taps->n);
        }
        int32_t sum = taps->outside;
        for (int t = 0; t < taps->n; t++)
            sum += taps->weights[t];
        for (size_t c = 0; c < 3; c++)
            block->outside[3 * (size_t)i + c] = round_to_byte(HALF + sum * colour[c]);
    }
    block->n_in = MAX(end - block->first_in, 0);
}

/* Resizes `n_rows` (at most STRIP) rows across, from `first_row` on. */
static void block_across_strip(struct block *block, const struct image *image, const uint8_t *sheet,
                               size_t first_row, size_t n_rows)
{
    size_t stride = 3 * n_rows, pitch = 3 * (size_t)image->width, half_pitch = 3 * (size_t)block->n;
    const uint8_t *from = image->pixels + first_row * pitch + 3 * (size_t)block->first_in;
    uint8_t *to = block->strip;
    for (size_t x = 0; x < (size_t)block->n_in; x++)
        for (size_t y = 0; y < n_rows; y++, to += 3)
            memcpy(to, from + y * pitch + 3 * x, 3);
    for (size_t x = 0; x < (size_t)block->n; x++) {
        uint8_t column[LANES];
        const struct taps *taps = &block->taps[x];
        size_t skip = taps->n > 0 ? (size_t)(taps->first - block->first_in) : 0;
        blend(column, block->strip + skip * stride, stride, taps, sheet, stride);
        for (size_t y = 0; y < n_rows; y++)
            memcpy(block->half + (first_row + y) * half_pitch + 3 * x, column + 3 * y, 3);
    }
}

static void block_across(struct block *block, const struct image_sheet *sheet)
{
    size_t height = (size_t)sheet->image->height, n_rows = MIN(height, (size_t)STRIP);
    uint8_t colours[LANES];
    for (size_t i = 0; i < LANES; i++)
        colours[i] = sheet->colour[i % 3];
    for (size_t y = 0; y < height; y += n_rows)
        block_across_strip(block, sheet->image, colours, MIN(y, height - n_rows), n_rows);
}

static void block_down(struct block *block, struct image *out)
{
    size_t pitch = 3 * (size_t)block->n;
    struct taps taps = {.weights = block->down_weights};
    for (int y = 0; y < out->height; y++) {
        size_t at = 3 * ((size_t)y * (size_t)out->width + (size_t)block->first);
        taps_compute(&taps, &block->down, y);
        blend(out->pixels + at, block->half + (size_t)taps.first * pitch, pitch, &taps,
              block->outside, pitch);
    }
}

/* Sets the number of columns and allocates; false where there is no memory. Sizes cannot overflow:
 * they are those of one column, below 2^33 bytes, or at most BLOCK_BYTES. */
static bool block_init(struct block *block, const struct axis *across, const struct axis *down)
{
    size_t reach = across->max_taps, rows = (size_t)down->n_inside;
    size_t column_bytes = 3 * rows + sizeof(int32_t) * reach + LANES * (size_t)ceil(across->scale);
    size_t n = CLAMP(BLOCK_BYTES / column_bytes, 1, (size_t)across->n_out);
    size_t n_in = MIN((size_t)across->n_inside, reach + (size_t)ceil(across->scale * (double)n));
    *block = (struct block){.across = *across, .down = *down, .n = (int)n};
    block->taps = g_try_new(struct taps, n);
    block->weights = g_try_new(int32_t, n * reach);
    block->down_weights = g_try_new(int32_t, down->max_taps);
    block->strip = g_try_malloc(3 * n_in * MIN(rows, (size_t)STRIP));
    block->half = g_try_malloc(3 * rows * n);
    block->outside = g_try_malloc(3 * n);
    return block->taps && block->weights && block->down_weights && block->strip && block->half &&
           block->outside;
}

static void block_clear(struct block *block)
{
    g_free(block->taps);
    g_free(block->weights);
    g_free(block->down_weights);
    g_free(block->strip);
    g_free(block->half);
    g_free(block->outside);
}

bool resample_sheet(struct image *out, const struct image_sheet *sheet, int width, int height,
                    GError **error)
{
    const struct image *image = sheet->image;
    g_assert(width > 0 && height > 0 && image->width > 0 && image->height > 0);
    g_assert(sheet->left >= 0 && sheet->left <= sheet->width - image->width);
    g_assert(sheet->top >= 0 && sheet->top <= sheet->height - image->height);
    struct axis across = axis_make(sheet->width, sheet->left, image->width, width);
    struct axis down = axis_make(sheet->height, sheet->top, image->height, height);
    struct image made;
    struct block block;
    if (!codec_alloc(&made, (uint64_t)width, (uint64_t)height, error))
        return false;
    bool ok = block_init(&block, &across, &down);
    for (int x = 0; ok && x < width; x += block.n) {
        block.first = x;
        block.n = MIN(block.n, width - x);
        block_compute_taps(&block, sheet->colour);
        block_across(&block, sheet);
        block_down(&block, &made);
    }
    block_clear(&block);
    if (ok) {
        *out = made;
        return true;
    }
    image_clear(&made);
    g_set_error(error, FIRE_ERROR, FIRE_ERROR_FORMAT, "no memory to resize a picture of %d x %d",
                image->width, image->height);
    return false;
}

bool resample_image(struct image *out, const struct image *image, int width, int height,
                    GError **error)
{
    struct image_sheet sheet = {image, image->width, image->height, 0, 0, {0}};
    return resample_sheet(out, &sheet, width, height, error);
}
