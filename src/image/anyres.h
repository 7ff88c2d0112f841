/* anyres.h -- how a picture goes into a vision tower whose input is one square, and where each of
 * its tokens then comes from. Integers only; pixels are normalise.h's.
 *
 * Tiles (LLaVA-NeXT's "anyres"): tile 0, the base, is the whole picture squashed to the square. Then
 * the picture is fitted into the best of some sheets of whole tiles (the pinpoints), in the middle,
 * on black; the tiles follow row by row. The feature grids of the tiles are joined, the rows or
 * columns that hold only padding are cut, and a newline token ends each row.
 * Padded square (LLaVA-1.5's "pad"): the base only, the picture in the middle of a square sheet. */
#ifndef FIRE_IMAGE_ANYRES_H
#define FIRE_IMAGE_ANYRES_H

#include <glib.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define ANYRES_MAX_TOKENS (1 << 24) /* of a picture, before the cut */
#define ANYRES_NEWLINE (-1)

struct anyres_options {
    int tile;    /* side of the tower's input, pixels */
    int patches; /* the tower makes patches x patches features of it */
    bool tiles;  /* else padded square */
    bool unpad;  /* cut the padding and end rows with newlines; else all features, no newlines */
    /* (n_pinpoints) (height, width), pixels; borrowed. The order decides ties: files of the original
     * layout list the same numbers as (width, height), so the caller swaps them and keeps the order
     * of the list. */
    const int (*pinpoints)[2];
    size_t n_pinpoints;
};

struct anyres_plan {
    int tile, patches;
    int image_width, image_height;
    int rows, columns; /* tiles of the sheet; 0 and 0 for a padded square */
    int width, height; /* of the picture on the sheet ... */
    int left, top;     /* ... where it lies; an odd pixel of padding goes right and bottom */
    int first_row, n_rows, first_column, n_columns; /* of the joined feature grid: what is kept */
    bool newlines;
};

/* FIRE_ERROR_FORMAT where options make no sense: a side below 1, no pinpoint, one that is no whole
 * number of tiles, more than ANYRES_MAX_TOKENS. Picture sides are 1 and more. */
bool anyres_plan(struct anyres_plan *plan, const struct anyres_options *options, int image_width,
                 int image_height, GError **error);

/* 1 + rows * columns */
size_t anyres_n_tiles(const struct anyres_plan *plan);

size_t anyres_n_tokens(const struct anyres_plan *plan);

/* Fills origins (anyres_n_tokens) in the order of the sequence: tile * patches^2 + patch, or
 * ANYRES_NEWLINE. */
void anyres_token_origins(const struct anyres_plan *plan, int *origins);

#endif
