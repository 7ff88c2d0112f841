/* sequence.h -- what a decoder reads: token ids with the rows of pictures in their places.
 *
 * A prompt marks a picture by one id. Here that id has become all rows of the picture, in the order in which the model
 * was trained to see them (picture.h), so a sequence's length is the merged length. */
#ifndef FIRE_MODEL_SEQUENCE_H
#define FIRE_MODEL_SEQUENCE_H

#include "model/features.h"

#include <glib.h>
#include <stdbool.h>
#include <stdint.h>

/* One position: a token, or a row of a picture. Plain values, so that timelines are compared by looking. */
struct slot {
    int token;   /* -1: of a picture */
    int feature; /* row of the picture's features; FEATURES_NEWLINE: the learned end of a row */
    uint64_t picture; /* its id; 0: none */
};

struct sequence {
    struct slot *slots;
    int n_slots;
    GPtrArray *pictures; /* struct features, referenced; those the slots speak of */
};

/* `ids` with each `image_token` replaced by the next of `pictures`. FIRE_ERROR_USAGE where their numbers differ, where an
 * id is not of the vocabulary (0 .. vocab_size - 1), or where the sequence has more than `max_positions`. */
bool sequence_init(struct sequence *sequence, const int *ids, size_t n_ids, int image_token,
                   int vocab_size, int max_positions, struct features *const *pictures,
                   size_t n_pictures, GError **error);
void sequence_clear(struct sequence *sequence); /* accepts a zeroed one */

bool slot_equal(const struct slot *a, const struct slot *b);

#endif
