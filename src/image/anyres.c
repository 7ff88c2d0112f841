/* anyres.c -- see anyres.h. Quotients are double and cut or rounded exactly where the Python of
 * LLaVA-NeXT does so, because one pixel more or less moves every later token. */
#include "image/anyres.h"

#include "base/error.h"

#include <math.h>

static bool check_options(const struct anyres_options *options, GError **error)
{
    int tile = options->tile, patches = options->patches;
    if (tile < 1 || patches < 1 || patches > tile) {
        g_set_error(error, FIRE_ERROR, FIRE_ERROR_FORMAT,
                    "tiles of %d pixels with %d patches a side are not possible", tile, patches);
        return false;
    }
    if (options->tiles && options->n_pinpoints == 0) {
        g_set_error(error, FIRE_ERROR, FIRE_ERROR_FORMAT, "no pinpoints to choose tiles from");
        return false;
    }
    /* How many tiles of this many patches may there be, the base among them? */
    int64_t most = ANYRES_MAX_TOKENS / ((int64_t)patches * patches);
    for (size_t i = 0; most > 0 && options->tiles && i < options->n_pinpoints; i++) {
        int height = options->pinpoints[i][0], width = options->pinpoints[i][1];
        if (height < 1 || width < 1 || height % tile != 0 || width % tile != 0) {
            g_set_error(error, FIRE_ERROR, FIRE_ERROR_FORMAT,
                        "pinpoint of height %d and width %d is no whole number of tiles of %d",
                        height, width, tile);
            return false;
        }
        most = (int64_t)(height / tile) * (width / tile) < most ? most : 0;
    }
    if (most > 0)
        return true;
    g_set_error(error, FIRE_ERROR, FIRE_ERROR_FORMAT,
                "a picture would take more than %d tokens (tiles of %d patches a side)",
                ANYRES_MAX_TOKENS, patches);
    return false;
}

/* The pinpoint on which most pixels of the picture survive; among equals the one with the least
 * waste; then the first. */
static const int *best_pinpoint(const struct anyres_options *options, int image_width,
                                int image_height)
{
    int64_t best_effective = 0, least_waste = INT64_MAX;
    const int *best = NULL;
    for (size_t i = 0; i < options->n_pinpoints; i++) {
        int height = options->pinpoints[i][0], width = options->pinpoints[i][1];
        double scale = MIN((double)width / image_width, (double)height / image_height);
        int64_t fitted = (int64_t)(image_width * scale) * (int64_t)(image_height * scale);
        int64_t effective = MIN(fitted, (int64_t)image_width * image_height);
        int64_t waste = (int64_t)width * height - effective;
        if (effective > best_effective || (effective == best_effective && waste < least_waste)) {
            best_effective = effective;
            least_waste = waste;
            best = options->pinpoints[i];
        }
    }
    return best;
}

/* The size of the picture on a sheet of width x height, one side filled. */
static void fit(struct anyres_plan *plan, int width, int height)
{
    double across = (double)width / plan->image_width, down = (double)height / plan->image_height;
    plan->width = width;
    plan->height = height;
    if (across < down)
        plan->height = (int)MIN(ceil(plan->image_height * across), (double)height);
    else
        plan->width = (int)MIN(ceil(plan->image_width * down), (double)width);
    plan->left = (width - plan->width) / 2;
    plan->top = (height - plan->height) / 2;
}

/* Rows (or columns) that are cut at each end of a feature grid of `n`, when the picture's `side`
 * covers side * scale of them. Rounded to 7 decimals first: 23.99999999 means 24. */
static int cut(int n, int side, double scale)
{
    return (n - (int)floor(side * scale + 0.5e-7)) / 2;
}

static void unpad(struct anyres_plan *plan)
{
    int n_rows = plan->n_rows, n_columns = plan->n_columns;
    int width = plan->image_width, height = plan->image_height;
    if ((double)width / height > (double)n_columns / n_rows)
        plan->first_row = cut(n_rows, height, (double)n_columns / width);
    else
        plan->first_column = cut(n_columns, width, (double)n_rows / height);
    plan->n_rows -= 2 * plan->first_row;
    plan->n_columns -= 2 * plan->first_column;
    plan->newlines = true;
}

bool anyres_plan(struct anyres_plan *plan, const struct anyres_options *options, int image_width,
                 int image_height, GError **error)
{
    g_assert(image_width >= 1 && image_height >= 1);
    if (!check_options(options, error))
        return false;
    *plan = (struct anyres_plan){.tile = options->tile,
                                 .patches = options->patches,
                                 .image_width = image_width,
                                 .image_height = image_height};
    if (!options->tiles)
        return true;
    const int *pinpoint = best_pinpoint(options, image_width, image_height);
    plan->rows = pinpoint[0] / plan->tile;
    plan->columns = pinpoint[1] / plan->tile;
    fit(plan, pinpoint[1], pinpoint[0]);
    plan->n_rows = plan->rows * plan->patches;
    plan->n_columns = plan->columns * plan->patches;
    if (options->unpad)
        unpad(plan);
    return true;
}

size_t anyres_n_tiles(const struct anyres_plan *plan)
{
    return 1 + (size_t)plan->rows * (size_t)plan->columns;
}

size_t anyres_n_tokens(const struct anyres_plan *plan)
{
    size_t row = (size_t)plan->n_columns + plan->newlines;
    return (size_t)plan->patches * (size_t)plan->patches + (size_t)plan->n_rows * row;
}

void anyres_token_origins(const struct anyres_plan *plan, int *origins)
{
    int patches = plan->patches, a_tile = patches * patches;
    for (int patch = 0; patch < a_tile; patch++)
        *origins++ = patch;
    for (int y = plan->first_row; y < plan->first_row + plan->n_rows; y++) {
        for (int x = plan->first_column; x < plan->first_column + plan->n_columns; x++) {
            int tile = 1 + y / patches * plan->columns + x / patches;
            *origins++ = tile * a_tile + y % patches * patches + x % patches;
        }
        if (plan->newlines)
            *origins++ = ANYRES_NEWLINE;
    }
}
