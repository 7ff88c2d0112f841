#include "model/sequence.h"

#include "base/error.h"

static bool check(const int *ids, size_t n_ids, int image_token, int vocab_size, int max_positions,
                  struct features *const *pictures, size_t n_pictures, int *n_slots, GError **error)
{
    size_t n = n_ids, n_marks = 0;
    for (size_t i = 0; i < n_ids; i++) {
        if (ids[i] == image_token)
            n_marks++;
        else if (ids[i] < 0 || ids[i] >= vocab_size) {
            g_set_error(error, FIRE_ERROR, FIRE_ERROR_USAGE,
                        "token %d is not of the model's vocabulary (0 to %d)", ids[i],
                        vocab_size - 1);
            return false;
        }
    }
    if (n_marks != n_pictures) {
        g_set_error(error, FIRE_ERROR, FIRE_ERROR_USAGE,
                    "the prompt marks %zu pictures and %zu are given", n_marks, n_pictures);
        return false;
    }
    for (size_t i = 0; i < n_pictures; i++)
        n += (size_t)pictures[i]->n_slots - 1;
    if (n == 0 || n > (size_t)max_positions) {
        g_set_error(error, FIRE_ERROR, FIRE_ERROR_USAGE,
                    n == 0 ? "the prompt is empty" : "the prompt has %zu positions; %d fit", n,
                    max_positions);
        return false;
    }
    *n_slots = (int)n;
    return true;
}

bool sequence_init(struct sequence *sequence, const int *ids, size_t n_ids, int image_token,
                   int vocab_size, int max_positions, struct features *const *pictures,
                   size_t n_pictures, GError **error)
{
    int n_slots;
    if (!check(ids, n_ids, image_token, vocab_size, max_positions, pictures, n_pictures, &n_slots,
               error))
        return false;
    *sequence = (struct sequence){
        .slots = g_new(struct slot, n_slots),
        .n_slots = n_slots,
        .pictures = g_ptr_array_new_with_free_func((GDestroyNotify)features_unref)};
    for (size_t i = 0; i < n_pictures; i++)
        g_ptr_array_add(sequence->pictures, features_ref(pictures[i]));
    struct slot *slot = sequence->slots;
    size_t i_picture = 0;
    for (size_t i = 0; i < n_ids; i++) {
        if (ids[i] != image_token) {
            *slot++ = (struct slot){.token = ids[i]};
            continue;
        }
        const struct features *picture = pictures[i_picture++];
        for (int j = 0; j < picture->n_slots; j++)
            *slot++ = (struct slot){-1, picture->order[j], picture->id};
    }
    return true;
}

void sequence_clear(struct sequence *sequence)
{
    g_free(sequence->slots);
    if (sequence->pictures)
        g_ptr_array_unref(sequence->pictures);
    *sequence = (struct sequence){0};
}

bool slot_equal(const struct slot *a, const struct slot *b)
{
    return a->token == b->token && a->feature == b->feature && a->picture == b->picture;
}
