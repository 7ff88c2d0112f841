#include "image/normalise.h"

#include "base/error.h"
#include "image/resample.h"

/* The value of each byte in each channel. */
struct table {
    float of[3][256];
};

static void table_init(struct table *table, const struct normalise_scale *scale)
{
    for (int c = 0; c < 3; c++)
        for (int v = 0; v < 256; v++)
            table->of[c][v] = (float)((v / 255.0 - scale->mean[c]) / scale->std[c]);
}

/* Fills one tile (3, side, side) with what a sheet shows from (left, top) on; `image` lies at its
 * (0, 0), everything else is black. */
static void fill_tile(float *tile, const struct table *table, const struct image *image, int left,
                      int top, int side)
{
    size_t n = (size_t)side * (size_t)side;
    int begin = CLAMP(-left, 0, side), end = CLAMP(image->width - left, 0, side);
    for (int y = 0; y < side; y++, tile += side) {
        bool is_inside = top + y >= 0 && top + y < image->height;
        int first = is_inside ? begin : side, last = is_inside ? end : side;
        for (int c = 0; c < 3; c++) {
            const float *value = table->of[c];
            float *row = tile + (size_t)c * n;
            for (int x = 0; x < first; x++)
                row[x] = value[0];
            for (int x = first; x < last; x++) {
                size_t at = (size_t)(top + y) * (size_t)image->width + (size_t)(left + x);
                row[x] = value[image->pixels[3 * at + (size_t)c]];
            }
            for (int x = MAX(first, last); x < side; x++)
                row[x] = value[0];
        }
    }
}

/* The base tile of a padded square: the picture in the middle of a square of its longer side. */
static bool resize_padded(struct image *out, const struct image *image, int side,
                          const struct normalise_scale *scale, GError **error)
{
    int longer = MAX(image->width, image->height);
    struct image_sheet sheet = {.image = image,
                                .width = longer,
                                .height = longer,
                                .left = (longer - image->width) / 2,
                                .top = (longer - image->height) / 2};
    for (int c = 0; c < 3; c++)
        sheet.colour[c] = (uint8_t)CLAMP((int)(scale->mean[c] * 255), 0, 255);
    return resample_sheet(out, &sheet, side, side, error);
}

static bool fill_base(float *tile, const struct table *table, const struct anyres_plan *plan,
                      const struct image *image, const struct normalise_scale *scale,
                      GError **error)
{
    struct image base = {0};
    int side = plan->tile;
    bool ok = plan->rows > 0 ? resample_image(&base, image, side, side, error)
                             : resize_padded(&base, image, side, scale, error);
    if (ok)
        fill_tile(tile, table, &base, 0, 0, side);
    image_clear(&base);
    return ok;
}

static bool fill_grid(float *tiles, const struct table *table, const struct anyres_plan *plan,
                      const struct image *image, GError **error)
{
    struct image fitted = {0};
    size_t n = 3 * (size_t)plan->tile * (size_t)plan->tile;
    if (plan->rows == 0)
        return true;
    if (!resample_image(&fitted, image, plan->width, plan->height, error))
        return false;
    for (int row = 0; row < plan->rows; row++)
        for (int column = 0; column < plan->columns; column++, tiles += n)
            fill_tile(tiles, table, &fitted, column * plan->tile - plan->left,
                      row * plan->tile - plan->top, plan->tile);
    image_clear(&fitted);
    return true;
}

float *normalise_tiles(const struct anyres_plan *plan, const struct image *image,
                       const struct normalise_scale *scale, GError **error)
{
    g_assert(image->width == plan->image_width && image->height == plan->image_height);
    struct table table;
    size_t side = (size_t)plan->tile, n_tiles = anyres_n_tiles(plan);
    g_autofree float *tiles = NULL;
    if (side <= G_MAXUINT16 && side * side <= G_MAXSIZE / 12 / n_tiles)
        tiles = g_try_new(float, n_tiles * 3 * side * side);
    if (!tiles) {
        g_set_error(error, FIRE_ERROR, FIRE_ERROR_FORMAT,
                    "no memory for %zu tiles of %d x %d pixels", n_tiles, plan->tile, plan->tile);
        return NULL;
    }
    table_init(&table, scale);
    if (fill_base(tiles, &table, plan, image, scale, error) &&
        fill_grid(tiles + 3 * side * side, &table, plan, image, error))
        return g_steal_pointer(&tiles);
    return NULL;
}
