/* base: json, rng, pool, atomic_file. */
#include "base/atomic_file.h"
#include "base/error.h"
#include "base/json.h"
#include "base/pool.h"
#include "base/rng.h"
#include "support/support.h"

#include <math.h>
#include <string.h>

static void test_json_print(void)
{
    static const char *const cases[] = {
        "{\"b\":1,\"a\":[true,false,null,\"x\"]}",
        "\"\\\"\\\\\\n\\t\\u0001\"",
        "0.1",
        "1e+300",
        "1.0",
        "-3",
        "\"\xc3\xa9\"",
        "[]",
        "{}",
    };
    for (size_t i = 0; i < G_N_ELEMENTS(cases); i++) {
        g_autoptr(GError) error = NULL;
        g_autoptr(json_t) value = json_parse(cases[i], strlen(cases[i]), &error);
        g_assert_no_error(error);
        g_autofree char *text = json_print(value);
        g_assert_cmpstr(text, ==, cases[i]);
    }
    g_autoptr(json_t) value = json_parse(cases[0], strlen(cases[0]), NULL);
    g_autofree char *canonical = json_print_canonical(value);
    g_assert_cmpstr(canonical, ==, "{\"a\":[true,false,null,\"x\"],\"b\":1}");
}

static void test_json_refuses(void)
{
    static const char *const cases[] = {"",    "{",  "{\"a\":1,\"a\":2}", "\"\xff\"", "\"\\u0000\"",
                                        "1 2", "nan"};
    for (size_t i = 0; i < G_N_ELEMENTS(cases); i++) {
        g_autoptr(GError) error = NULL;
        g_assert_null(json_parse(cases[i], strlen(cases[i]), &error));
        g_assert_error(error, FIRE_ERROR, FIRE_ERROR_FORMAT);
    }
}

/* The first outputs of xoshiro256** from state 1, 2, 3, 4, as its authors' program prints them. */
static void test_rng_reference(void)
{
    static const uint64_t expected[] = {11520, 0, 1509978240, 1215971899390074240};
    struct rng rng = {{1, 2, 3, 4}};
    for (size_t i = 0; i < G_N_ELEMENTS(expected); i++)
        g_assert_cmpuint(rng_next(&rng), ==, expected[i]);
}

static void test_rng_streams(void)
{
    struct rng a, b, c;
    rng_init(&a, 1, 0);
    rng_init(&b, 1, 0);
    rng_init(&c, 1, 1);
    g_assert_cmpuint(rng_next(&a), ==, rng_next(&b));
    g_assert_cmpuint(rng_next(&a), !=, rng_next(&c));
    int counts[3] = {0};
    double sum = 0;
    for (int i = 0; i < 30000; i++) {
        counts[rng_below(&a, 3)]++;
        sum += rng_double(&a);
    }
    for (int i = 0; i < 3; i++)
        g_assert_cmpint(abs(counts[i] - 10000), <, 400);
    g_assert_cmpfloat(fabs(sum / 30000 - 0.5), <, 0.01);
}

static void count(size_t i, void *user)
{
    ((int *)user)[i]++;
}

static void test_pool(void)
{
    int counts[1000] = {0};
    pool_run(0, count, counts);
    pool_run(G_N_ELEMENTS(counts), count, counts);
    for (size_t i = 0; i < G_N_ELEMENTS(counts); i++)
        g_assert_cmpint(counts[i], ==, 1);
}

static void test_atomic_file(void)
{
    g_autofree char *folder = support_folder();
    g_autofree char *path = support_write(folder, "out", "old");
    g_autofree char *text = NULL;
    struct atomic_file *file = atomic_file_open(path, NULL);
    fputs("new", atomic_file_stream(file));
    g_assert_true(g_file_get_contents(path, &text, NULL, NULL));
    g_assert_cmpstr(text, ==, "old");
    g_assert_true(atomic_file_commit(file, NULL));
    g_free(text);
    g_assert_true(g_file_get_contents(path, &text, NULL, NULL));
    g_assert_cmpstr(text, ==, "new");
    atomic_file_discard(atomic_file_open(path, NULL));
    GDir *dir = g_dir_open(folder, 0, NULL);
    g_assert_cmpstr(g_dir_read_name(dir), ==, "out");
    g_assert_null(g_dir_read_name(dir));
    g_dir_close(dir);
    g_autoptr(GError) error = NULL;
    g_assert_null(atomic_file_open("/nonexistent/x", &error));
    g_assert_error(error, FIRE_ERROR, FIRE_ERROR_IO);
}

/* /dev/full takes the place of a full disk. */
static void test_atomic_file_full(void)
{
    g_autoptr(GError) error = NULL;
    struct atomic_file *file = atomic_file_open("/dev/full", &error);
    g_assert_no_error(error);
    fputs("text", atomic_file_stream(file));
    g_assert_false(atomic_file_commit(file, &error));
    g_assert_error(error, FIRE_ERROR, FIRE_ERROR_IO);
    g_assert_nonnull(strstr(error->message, "No space left"));
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/base/json/print", test_json_print);
    g_test_add_func("/base/json/refuses", test_json_refuses);
    g_test_add_func("/base/rng/reference", test_rng_reference);
    g_test_add_func("/base/rng/streams", test_rng_streams);
    g_test_add_func("/base/pool", test_pool);
    g_test_add_func("/base/atomic_file", test_atomic_file);
    g_test_add_func("/base/atomic_file/full", test_atomic_file_full);
    return g_test_run();
}
