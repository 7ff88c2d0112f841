/* picture_encode.h -- from the file of a picture to the features that the decoder reads. */
#ifndef FIRE_MODEL_PICTURE_ENCODE_H
#define FIRE_MODEL_PICTURE_ENCODE_H

#include "model/engine.h"

/* How a picture is cut: as the folder says, as one padded square, or in tiles. */
enum picture_mode { PICTURE_MODE_MODEL, PICTURE_MODE_PAD, PICTURE_MODE_ANYRES };

/* The picture in `file`, from the engine's cache where one of the same digest and mode is there. `digest`: 64 hex digits
 * that stand for the bytes, or NULL: they are worked out. The reference is the caller's. FIRE_ERROR_FORMAT where the file
 * is no picture, FIRE_ERROR_USAGE where the model has no tower or no tiles. */
struct features *picture_encode(struct engine *engine, GBytes *file, const char *digest,
                                enum picture_mode mode, GError **error);

#endif
