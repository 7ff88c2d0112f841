/* anyres and normalise: geometry, token order and pixels against the reference; padded squares. */
#include "base/error.h"
#include "image/anyres.h"
#include "image/normalise.h"
#include "image/resample.h"
#include "support/support.h"
#include "support/tensors.h"

#include <math.h>
#include <string.h>

static const struct normalise_scale clip = {{0.48145466, 0.4578275, 0.40821073},
                                            {0.26862954, 0.26130258, 0.27577711}};

/* Gives bytes back as they are. */
static const struct normalise_scale bytes = {{0, 0, 0}, {1 / 255.0, 1 / 255.0, 1 / 255.0}};

static json_t *read_json(const char *relative)
{
    g_autofree char *path = support_shared(relative);
    json_t *json = path ? json_load_file(path, 0, NULL) : NULL;
    g_assert_true(!path || json);
    return json;
}

static int int_at(const json_t *array, size_t i)
{
    g_assert_true(json_is_integer(json_array_get(array, i)));
    return (int)json_integer_value(json_array_get(array, i));
}

/* The list of the reference, read in the way of one layout: "a" (height, width), "b" (width,
 * height). Free with g_free. */
static int (*read_pinpoints(const json_t *list, const char *layout, size_t *n))[2]
{
    *n = json_array_size(list);
    int(*pinpoints)[2] = g_malloc_n(*n, sizeof *pinpoints);
    for (size_t i = 0; i < *n; i++)
        for (size_t side = 0; side < 2; side++)
            pinpoints[i][side] = int_at(json_array_get(list, i), *layout == 'a' ? side : 1 - side);
    return pinpoints;
}

static void check_plan(const struct anyres_plan *plan, const json_t *expected)
{
    const json_t *best = json_object_get(expected, "best_hw");
    const json_t *grid = json_object_get(expected, "rows_cols");
    g_assert_cmpint(plan->rows * plan->tile, ==, int_at(best, 0));
    g_assert_cmpint(plan->columns * plan->tile, ==, int_at(best, 1));
    g_assert_cmpint(plan->n_rows, ==, int_at(grid, 0));
    g_assert_cmpint(plan->n_columns, ==, int_at(grid, 1));
    g_assert_cmpint((int)anyres_n_tokens(plan), ==,
                    json_integer_value(json_object_get(expected, "tokens")));
}

static void check_geometry(const json_t *file, const char *cases_key, const char *pinpoints_key,
                           int tile, const char *layout)
{
    size_t i, n;
    json_t *item;
    g_autofree int(*pinpoints)[2] =
        read_pinpoints(json_object_get(file, pinpoints_key), layout, &n);
    struct anyres_options options = {tile, tile / 14, true, true, (const int(*)[2])pinpoints, n};
    const json_t *cases = json_object_get(file, cases_key);
    g_assert_cmpuint(json_array_size(cases), ==, 198);
    json_array_foreach (cases, i, item) {
        struct anyres_plan plan;
        const json_t *size = json_object_get(item, "size");
        g_assert_true(anyres_plan(&plan, &options, int_at(size, 0), int_at(size, 1), NULL));
        check_plan(&plan, json_object_get(item, layout));
    }
}

static void test_geometry(void)
{
    json_t *file = read_json("reference/engine/anyres_geometry.json");
    if (!file)
        return;
    for (const char *const *layout = (const char *const[]){"a", "b", NULL}; *layout; layout++) {
        check_geometry(file, "tile_336", "pinpoints_336", 336, *layout);
        check_geometry(file, "tile_56", "pinpoints_56", 56, *layout);
    }
    json_decref(file);
}

/* Equal numbers of surviving pixels and of wasted ones: the first of the list wins. */
static void test_ties(void)
{
    static const int orders[2][2][2] = {{{336, 672}, {672, 336}}, {{672, 336}, {336, 672}}};
    for (size_t i = 0; i < 2; i++) {
        struct anyres_options options = {336, 24, true, true, orders[i], 2};
        struct anyres_plan plan;
        g_assert_true(anyres_plan(&plan, &options, 100, 100, NULL));
        g_assert_cmpint(plan.rows, ==, i == 0 ? 1 : 2);
        g_assert_cmpint(plan.left, ==, i == 0 ? 168 : 0);
    }
}

/* An odd pixel of padding goes right and bottom. */
static void test_odd_padding(void)
{
    static const int pinpoints[][2] = {{56, 112}};
    struct anyres_options options = {56, 4, true, true, pinpoints, 1};
    struct anyres_plan plan;
    g_assert_true(anyres_plan(&plan, &options, 77, 56, NULL));
    g_assert_cmpint(plan.width, ==, 77);
    g_assert_cmpint(plan.left, ==, 17);
    g_assert_true(anyres_plan(&plan, &options, 112, 41, NULL));
    g_assert_cmpint(plan.height, ==, 41);
    g_assert_cmpint(plan.top, ==, 7);
}

static void test_origins_without_unpad(void)
{
    static const int pinpoints[][2] = {{2, 4}};
    static const int expected[] = {0, 1, 2, 3, 4, 5, 8, 9, 6, 7, 10, 11};
    struct anyres_options options = {2, 2, true, false, pinpoints, 1};
    struct anyres_plan plan;
    int origins[G_N_ELEMENTS(expected)];
    g_assert_true(anyres_plan(&plan, &options, 9, 1, NULL));
    g_assert_cmpuint(anyres_n_tokens(&plan), ==, G_N_ELEMENTS(expected));
    anyres_token_origins(&plan, origins);
    g_assert_cmpmem(origins, sizeof origins, expected, sizeof expected);
}

static struct image read_picture(const char *name)
{
    g_autofree char *relative = g_build_filename("reference/engine/images", name, NULL);
    g_autofree char *path = support_shared(relative);
    g_autoptr(GError) error = NULL;
    g_autoptr(GBytes) file = image_read_file(path, &error);
    g_assert_no_error(error);
    struct image image = {0};
    gsize n_bytes;
    const uint8_t *data = g_bytes_get_data(file, &n_bytes);
    g_assert_true(image_decode(&image, data, n_bytes, &error));
    return image;
}

/* What the tiny models of the reference do with a picture. */
static void reference_plan(struct anyres_plan *plan, const struct image *image, const char *layout)
{
    json_t *file = read_json("reference/engine/anyres_geometry.json");
    size_t n;
    g_autofree int(*pinpoints)[2] =
        read_pinpoints(json_object_get(file, "pinpoints_56"), layout, &n);
    struct anyres_options options = {56, 4, true, true, (const int(*)[2])pinpoints, n};
    g_assert_true(anyres_plan(plan, &options, image->width, image->height, NULL));
    json_decref(file);
}

static float *reference_tiles(struct anyres_plan *plan, const char *name, const char *layout,
                              const struct normalise_scale *scale)
{
    struct image image = read_picture(name);
    reference_plan(plan, &image, layout);
    float *tiles = normalise_tiles(plan, &image, scale, NULL);
    g_assert_nonnull(tiles);
    image_clear(&image);
    return tiles;
}

static void check_order(const char *name, const json_t *expected)
{
    struct anyres_plan plan;
    struct image image = read_picture(name);
    reference_plan(&plan, &image, "a");
    image_clear(&image);
    size_t n = anyres_n_tokens(&plan);
    g_autofree int *origins = g_new(int, n);
    anyres_token_origins(&plan, origins);
    g_assert_cmpuint(json_array_size(expected), ==, n);
    for (size_t i = 0; i < n; i++)
        g_assert_cmpint(origins[i], ==, int_at(expected, i));
}

static void test_token_order(void)
{
    json_t *file = read_json("reference/engine/forward-a-f32.json"), *item;
    size_t i, n_checked = 0;
    if (!file)
        return;
    json_array_foreach (json_object_get(file, "cases"), i, item) {
        const json_t *images = json_object_get(item, "images");
        const json_t *orders = json_object_get(item, "image_token_order");
        for (size_t j = 0; j < json_array_size(orders); j++, n_checked++)
            check_order(json_string_value(json_array_get(images, j)), json_array_get(orders, j));
    }
    g_assert_cmpuint(n_checked, ==, 5);
    json_decref(file);
}

/* What the reference knows of the pixels, sampled: equal where the bytes are. */
static void check_values(const struct anyres_plan *plan, const float *tiles, const json_t *expected,
                         const char *name)
{
    const json_t *at = json_object_get(expected, "sample_at");
    const json_t *values = json_object_get(expected, "sample");
    const json_t *shape = json_object_get(expected, "pixel_values_shape");
    size_t n_tiles = anyres_n_tiles(plan), n = n_tiles * 3 * 56 * 56;
    double level = g_str_has_suffix(name, ".jpg") ? 1 / 255.0 / 0.26130258 : 0, sum = 0;
    g_assert_cmpint(int_at(shape, 0), ==, (int)n_tiles);
    g_assert_cmpuint(json_array_size(at), ==, 48);
    for (size_t i = 0; i < 48; i++) {
        float value = tiles[int_at(at, i)];
        double difference = fabs(value - json_number_value(json_array_get(values, i)));
        g_assert_cmpfloat(difference, <=, 2e-6 + level);
    }
    for (size_t i = 0; i < n; i++)
        sum += tiles[i];
    if (level == 0)
        support_assert_near(sum, json_number_value(json_object_get(expected, "sum")), 1e-6);
}

static void check_preprocess(const json_t *item, const char *layout)
{
    const char *name = json_string_value(json_object_get(item, "name"));
    const json_t *expected = json_object_get(item, layout);
    const json_t *resized = json_object_get(expected, "resized_hw");
    const json_t *padding = json_object_get(expected, "pad_top_left");
    struct anyres_plan plan;
    g_autofree float *tiles = reference_tiles(&plan, name, layout, &clip);
    check_plan(&plan, expected);
    g_assert_cmpint(plan.height, ==, int_at(resized, 0));
    g_assert_cmpint(plan.width, ==, int_at(resized, 1));
    g_assert_cmpint(plan.top, ==, int_at(padding, 0));
    g_assert_cmpint(plan.left, ==, int_at(padding, 1));
    check_values(&plan, tiles, expected, name);
}

static void test_preprocess(void)
{
    json_t *file = read_json("reference/engine/preprocess.json"), *item;
    if (!file)
        return;
    size_t i;
    const json_t *images = json_object_get(file, "images");
    g_assert_cmpuint(json_array_size(images), ==, 15);
    json_array_foreach (images, i, item) {
        check_preprocess(item, "a");
        check_preprocess(item, "b");
    }
    json_decref(file);
}

static void test_pixel_values(void)
{
    g_autofree char *path = support_shared("reference/engine/pixel-values.safetensors");
    if (!path)
        return;
    struct tensors tensors;
    tensors_open(&tensors, path);
    const char *key;
    json_t *entry;
    g_assert_cmpuint(json_object_size(tensors.header), ==, 2);
    json_object_foreach (tensors.header, key, entry) {
        const char *slash = strchr(key, '/');
        g_autofree char *name = g_strndup(key, (gsize)(slash - key));
        struct anyres_plan plan;
        g_autofree float *tiles = reference_tiles(&plan, name, slash + 1, &clip);
        size_t n;
        const float *expected = tensors_get_f32(&tensors, key, &n);
        g_assert_cmpuint(n, ==, anyres_n_tiles(&plan) * 3 * 56 * 56);
        double level = g_str_has_suffix(name, ".jpg") ? 1 / 255.0 / 0.26130258 : 0;
        for (size_t i = 0; i < n; i++)
            g_assert_cmpfloat(fabsf(tiles[i] - expected[i]), <=, 2e-6 + level);
    }
    tensors_close(&tensors);
}

/* The byte of the sheet at (x, y), read from its tile. */
static int sheet_byte(const struct anyres_plan *plan, const float *tiles, size_t x, size_t y,
                      size_t c)
{
    size_t side = (size_t)plan->tile;
    size_t tile = 1 + y / side * (size_t)plan->columns + x / side;
    float value = tiles[((tile * 3 + c) * side + y % side) * side + x % side];
    g_assert_cmpfloat(fabsf(value - rintf(value)), <, 1e-4);
    return (int)rintf(value);
}

static void test_sheets(void)
{
    g_autofree char *path = support_shared("reference/engine/images-resized.safetensors");
    if (!path)
        return;
    struct tensors tensors;
    tensors_open(&tensors, path);
    const char *key;
    json_t *entry;
    size_t n_seen = 0;
    json_object_foreach (tensors.header, key, entry) {
        const char *sheet = strstr(key, "/canvas_");
        if (!sheet)
            continue;
        g_autofree char *name = g_strndup(key, (gsize)(sheet - key));
        struct anyres_plan plan;
        g_autofree float *tiles = reference_tiles(&plan, name, sheet + strlen("/canvas_"), &bytes);
        size_t shape[3];
        const uint8_t *expected = tensors_get_u8(&tensors, key, shape, 3);
        g_assert_cmpint((int)shape[0], ==, plan.rows * plan.tile);
        g_assert_cmpint((int)shape[1], ==, plan.columns * plan.tile);
        int most = g_str_has_suffix(name, ".jpg") ? 1 : 0;
        for (size_t i = 0; i < shape[0] * shape[1] * 3; i++) {
            int byte = sheet_byte(&plan, tiles, i / 3 % shape[1], i / 3 / shape[1], i % 3);
            g_assert_cmpint(ABS(byte - expected[i]), <=, most);
        }
        n_seen++;
    }
    g_assert_cmpuint(n_seen, ==, 17);
    tensors_close(&tensors);
}

/* The padded square against a square that is really built. */
static void check_padded(int width, int height, int side)
{
    int longer = MAX(width, height), left = (longer - width) / 2, top = (longer - height) / 2;
    struct image image = {g_malloc(3 * (size_t)width * (size_t)height), width, height};
    struct image square = {g_malloc(3 * (size_t)longer * (size_t)longer), longer, longer};
    struct image expected = {0};
    for (size_t i = 0; i < 3 * (size_t)width * (size_t)height; i++)
        image.pixels[i] = (uint8_t)(i * 37 ^ i / 50);
    for (size_t i = 0; i < (size_t)longer * (size_t)longer; i++) {
        static const uint8_t colour[] = {122, 116, 104};
        int x = (int)i % longer - left, y = (int)i / longer - top;
        bool inside = x >= 0 && x < width && y >= 0 && y < height;
        const uint8_t *from = inside ? image.pixels + 3 * (y * width + x) : colour;
        memcpy(square.pixels + 3 * i, from, 3);
    }
    struct anyres_options options = {.tile = side, .patches = side / 14};
    struct anyres_plan plan;
    g_assert_true(anyres_plan(&plan, &options, width, height, NULL));
    g_assert_cmpuint(anyres_n_tiles(&plan), ==, 1);
    g_assert_cmpuint(anyres_n_tokens(&plan), ==, (size_t)(side / 14 * (side / 14)));
    g_autofree int *origins = g_new(int, anyres_n_tokens(&plan));
    anyres_token_origins(&plan, origins);
    for (size_t i = 0; i < anyres_n_tokens(&plan); i++)
        g_assert_cmpint(origins[i], ==, (int)i);
    g_autofree float *tile = normalise_tiles(&plan, &image, &clip, NULL);
    g_assert_true(resample_image(&expected, &square, side, side, NULL));
    size_t n = (size_t)side * (size_t)side;
    for (size_t i = 0; i < 3 * n; i++) {
        double value =
            (expected.pixels[i % n * 3 + i / n] / 255.0 - clip.mean[i / n]) / clip.std[i / n];
        g_assert_cmpfloat(fabs(tile[i] - value), <=, 1e-6);
    }
    image_clear(&image);
    image_clear(&square);
    image_clear(&expected);
}

static void test_padded(void)
{
    static const int cases[][3] = {{40, 30, 56}, {31, 60, 56}, {100, 100, 56}, {1, 90, 56},
                                   {90, 1, 56},  {1, 1, 28},   {700, 41, 336}};
    for (size_t i = 0; i < G_N_ELEMENTS(cases); i++)
        check_padded(cases[i][0], cases[i][1], cases[i][2]);
}

static void test_bad_options(void)
{
    static const int odd[][2] = {{336, 672}, {336, 500}}, none[][2] = {{0, 336}};
    static const int huge[][2] = {{336 * 200, 336 * 200}}, negative[][2] = {{-336, -336}};
    static const struct {
        struct anyres_options options;
        const char *cause;
    } cases[] = {
        {{336, 24, true, true, odd, 2}, "*height 336 and width 500*"},
        {{336, 24, true, true, none, 1}, "*height 0*"},
        {{336, 24, true, true, negative, 1}, "*height -336*"},
        {{336, 24, true, true, huge, 1}, "*more than 16777216 tokens*"},
        {{336, 24, true, true, odd, 0}, "*no pinpoints*"},
        {{0, 24, false, true, NULL, 0}, "*tiles of 0 pixels*"},
        {{336, 0, false, true, NULL, 0}, "*0 patches*"},
        {{100000, 100000, false, true, NULL, 0}, "*more than 16777216 tokens*"},
    };
    for (size_t i = 0; i < G_N_ELEMENTS(cases); i++) {
        g_autoptr(GError) error = NULL;
        struct anyres_plan plan;
        g_assert_false(anyres_plan(&plan, &cases[i].options, 10, 10, &error));
        g_assert_error(error, FIRE_ERROR, FIRE_ERROR_FORMAT);
        if (!g_pattern_match_simple(cases[i].cause, error->message))
            g_error("case %zu: %s", i, error->message);
    }
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/anyres/geometry", test_geometry);
    g_test_add_func("/anyres/ties", test_ties);
    g_test_add_func("/anyres/odd-padding", test_odd_padding);
    g_test_add_func("/anyres/origins-without-unpad", test_origins_without_unpad);
    g_test_add_func("/anyres/token-order", test_token_order);
    g_test_add_func("/anyres/preprocess", test_preprocess);
    g_test_add_func("/anyres/pixel-values", test_pixel_values);
    g_test_add_func("/anyres/sheets", test_sheets);
    g_test_add_func("/anyres/padded", test_padded);
    g_test_add_func("/anyres/bad-options", test_bad_options);
    return g_test_run();
}
