/* workspace.h -- the work memory of one step: one block, planned from the model's sizes and carved by one function.
 *
 * The tower and the decoder never work at the same time, so they share the block. Nothing else allocates while a step
 * runs. */
#ifndef FIRE_MODEL_WORKSPACE_H
#define FIRE_MODEL_WORKSPACE_H

#include "num/backend.h"

#include <glib.h>
#include <stdbool.h>
#include <stddef.h>

struct decoder_row;
struct engine;
struct session;

enum {
    WORKSPACE_HEAD_ROWS = 16, /* rows whose logits are worked out at once */
};

struct workspace {
    void *block;
    size_t n_bytes;

    /* Step, R = engine->max_rows rows. */
    struct decoder_row *rows; /* (R) */
    struct session **owners;  /* (R): whose they are */

    /* Decoder. */
    float *hidden;    /* (R, C) */
    float *normed;    /* (R, C) */
    float *q, *k, *v; /* (R, H D), (R, G D), (R, G D) */
    float *mixed;     /* (R, H D): what attention gives */
    float *gate, *up; /* (R, intermediate) */
    float *low;       /* (R, rank): between the two halves of an adapter */
    float *features;  /* (R, tower's width): rows of pictures on their way to the projector */
    float *projected; /* (R, C) twice, the second from row R on */
    float *logits;    /* (HEAD_ROWS, V) */
    int *positions;   /* (R) */
    float *rope;      /* (R, D): the step's table */
    struct attention_row *attention; /* (R) */
    struct decoder_row *kept_rows;   /* (R): those whose logits are wanted */
    int *kept;                       /* (R): which they are */

    /* Tower, `max_tiles` pictures of S = 1 + patches rows each. */
    int max_tiles;
    float *patches; /* (tiles * (S - 1), 3 side side) */
    float *vision_x, *vision_n, *vision_q, *vision_k, *vision_v; /* (tiles * S, width) */
    float *vision_mlp;                                           /* (tiles * S, intermediate) */
    struct attention_span *vision_spans;                         /* (tiles) */
    struct attention_row *vision_attention;                      /* (tiles * S) */

    void *work; /* of the operators */
};

/* Plans and allocates for all that `engine` holds now (an adapter more may want more). FIRE_ERROR_IO where memory is short;
 * the workspace is then as before. */
bool workspace_plan(struct workspace *workspace, const struct engine *engine, GError **error);
void workspace_clear(struct workspace *workspace); /* accepts a zeroed one */

#endif
