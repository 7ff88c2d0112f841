/* Merged sequences, and the cache of encoded pictures. */
#include "base/error.h"
#include "model/sequence.h"

#include <string.h>

enum { IMAGE = -200, VOCAB = 10, MAX_POSITIONS = 20 };

/* A picture of n slots that reads its features backwards and ends with a newline. */
static struct features *make_picture(const char *key, int n_slots)
{
    int *order = g_new(int, n_slots);
    for (int i = 0; i < n_slots; i++)
        order[i] = n_slots - 2 - i;
    return features_new(key, g_new0(float, n_slots * 4), n_slots, 4, order, n_slots);
}

static void test_merge(void)
{
    static const int ids[] = {3, IMAGE, 5, IMAGE};
    struct features *pictures[] = {make_picture("a", 3), make_picture("b", 2)};
    g_autoptr(GError) error = NULL;
    struct sequence sequence;
    g_assert_true(
        sequence_init(&sequence, ids, 4, IMAGE, VOCAB, MAX_POSITIONS, pictures, 2, &error));
    const struct slot expected[] = {{.token = 3},
                                    {-1, 1, pictures[0]->id},
                                    {-1, 0, pictures[0]->id},
                                    {-1, FEATURES_NEWLINE, pictures[0]->id},
                                    {.token = 5},
                                    {-1, 0, pictures[1]->id},
                                    {-1, FEATURES_NEWLINE, pictures[1]->id}};
    g_assert_cmpint(sequence.n_slots, ==, G_N_ELEMENTS(expected));
    for (size_t i = 0; i < G_N_ELEMENTS(expected); i++)
        g_assert_true(slot_equal(&sequence.slots[i], &expected[i]));
    g_assert_false(slot_equal(&expected[1], &expected[2]));
    g_assert_false(slot_equal(&expected[2], &expected[5])); /* same row, other picture */
    g_assert_cmpint(pictures[0]->n_references, ==, 2);
    sequence_clear(&sequence);
    g_assert_cmpint(pictures[0]->n_references, ==, 1);
    features_unref(pictures[0]);
    features_unref(pictures[1]);
}

static void test_refuses(void)
{
    static const struct {
        int ids[4];
        size_t n_ids, n_pictures;
        const char *text;
    } cases[] = {
        {{0}, 0, 0, "empty"},
        {{1, VOCAB}, 2, 0, "token 10"},
        {{1, -1}, 2, 0, "token -1"},
        {{1, IMAGE}, 2, 0, "marks 1 pictures and 0"},
        {{1}, 1, 1, "marks 0 pictures and 1"},
        {{IMAGE, 1, 1, 1}, 4, 1, "20 fit"},
    };
    struct features *picture = make_picture("a", 18);
    for (size_t i = 0; i < G_N_ELEMENTS(cases); i++) {
        g_autoptr(GError) error = NULL;
        struct sequence sequence;
        g_assert_false(sequence_init(&sequence, cases[i].ids, cases[i].n_ids, IMAGE, VOCAB,
                                     MAX_POSITIONS, &picture, cases[i].n_pictures, &error));
        g_assert_error(error, FIRE_ERROR, FIRE_ERROR_USAGE);
        g_assert_nonnull(strstr(error->message, cases[i].text));
    }
    features_unref(picture);
}

/* The bound holds, what was used last stays, and who holds a picture keeps it. */
static void test_cache(void)
{
    static const char *const keys[] = {"a", "b", "c"};
    size_t one = 10 * 4 * sizeof(float) + 10 * sizeof(int);
    struct features_cache *cache = features_cache_new(2 * one + 10);
    struct features *pictures[3];
    for (size_t i = 0; i < 2; i++) {
        pictures[i] = make_picture(keys[i], 10);
        features_cache_add(cache, pictures[i]);
        g_assert_cmpuint(features_cache_bytes(cache), ==, (i + 1) * one);
    }
    struct features *found = features_cache_find(cache, "a");
    g_assert_true(found == pictures[0]);
    features_unref(found);
    pictures[2] = make_picture(keys[2], 10);
    features_cache_add(cache, pictures[2]); /* b goes */
    g_assert_cmpuint(features_cache_bytes(cache), ==, 2 * one);
    g_assert_null(features_cache_find(cache, "b"));
    g_assert_cmpint(pictures[1]->n_references, ==, 1);
    g_assert_cmpint(pictures[2]->n_references, ==, 2);
    struct features *large = make_picture("large", 40);
    features_cache_add(cache, large);
    g_assert_null(features_cache_find(cache, "large"));
    g_assert_cmpuint(features_cache_bytes(cache), ==, 2 * one);
    features_unref(large);
    features_cache_free(cache);
    for (size_t i = 0; i < 3; i++)
        features_unref(pictures[i]);
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/sequence/merge", test_merge);
    g_test_add_func("/sequence/refuses", test_refuses);
    g_test_add_func("/sequence/cache", test_cache);
    return g_test_run();
}
