/* vision.h -- the CLIP tower (Radford et al. 2021) up to the configured layer, and the projector into the decoder's space. */
#ifndef FIRE_MODEL_VISION_H
#define FIRE_MODEL_VISION_H

#include "model/engine.h"

/* Rows of features that a tile gives. */
int vision_patches(const struct vision_config *config);

/* Attention over rows (n, width) of keys and values. */
struct attention_shape vision_attention(const struct vision_config *config);

/* features (n_tiles * patches, width) of normalised pixels (n_tiles, 3, side, side); no class token. */
void vision_encode(struct engine *engine, float *features, const float *pixels, int n_tiles);

/* projected (n, hidden) of features (n, width) by the projector of `adapter` (-1: the base's). They must not overlap. */
void vision_project(struct engine *engine, float *projected, const float *features, int n,
                    int adapter);

#endif
