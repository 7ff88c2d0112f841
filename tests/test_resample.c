/* resample: byte for byte what Pillow gives, whole pictures and pictures on a sheet; extreme sizes. */
#include "base/error.h"
#include "image/resample.h"
#include "support/support.h"
#include "support/tensors.h"

#include <string.h>

/* The picture of tests/data/resample/make.py. */
static struct image made_picture(int width, int height)
{
    struct image image = {g_malloc(3 * (size_t)width * (size_t)height), width, height};
    uint8_t *to = image.pixels;
    for (unsigned y = 0; y < (unsigned)height; y++)
        for (unsigned x = 0; x < (unsigned)width; x++)
            for (unsigned c = 0; c < 3; c++)
                *to++ = (uint8_t)(x * x * 5 + y * y * 3 + x * y * 7 + 13 * x + 91 * c);
    return image;
}

static const struct {
    int width, height, sheet_width, sheet_height, left, top, out_width, out_height;
} cases[] = {
    {1, 1, 1, 1, 0, 0, 5, 7},
    {1, 9, 1, 9, 0, 0, 4, 1},
    {7, 1, 7, 1, 0, 0, 3, 3},
    {13, 11, 13, 11, 0, 0, 13, 11},
    {13, 11, 13, 11, 0, 0, 13, 4},
    {13, 11, 13, 11, 0, 0, 29, 11},
    {64, 48, 64, 48, 0, 0, 17, 61},
    {40, 33, 40, 33, 0, 0, 90, 20},
    {300, 5, 300, 5, 0, 0, 11, 2},
    {50, 70, 50, 70, 0, 0, 49, 69},
    {3, 40000, 3, 40000, 0, 0, 2, 3},
    {50000, 2, 50000, 2, 0, 0, 3, 3},
    {2, 2, 2, 2, 0, 0, 70, 1},
    {31, 17, 31, 31, 0, 7, 12, 12},
    {17, 31, 31, 31, 7, 0, 56, 56},
    {5, 200, 200, 200, 97, 0, 14, 14},
    {4, 3, 90, 80, 85, 1, 10, 9},
    {4, 3, 90, 80, 0, 77, 33, 5},
    {2, 50000, 8, 60000, 3, 9000, 2, 3},
    {1, 1, 40000, 3, 20000, 1, 1, 1},
};

static void test_cases(void)
{
    g_autofree char *path = support_data("resample/resized.safetensors");
    struct tensors tensors;
    tensors_open(&tensors, path);
    g_assert_cmpuint(json_object_size(tensors.header), ==, G_N_ELEMENTS(cases));
    for (size_t i = 0; i < G_N_ELEMENTS(cases); i++) {
        struct image image = made_picture(cases[i].width, cases[i].height), out = {0};
        struct image_sheet sheet = {&image,        cases[i].sheet_width, cases[i].sheet_height,
                                    cases[i].left, cases[i].top,         {122, 116, 104}};
        int width = cases[i].out_width, height = cases[i].out_height;
        g_autoptr(GError) error = NULL;
        g_assert_true(resample_sheet(&out, &sheet, width, height, &error));
        g_assert_no_error(error);
        g_assert_cmpint(out.width, ==, width);
        g_assert_cmpint(out.height, ==, height);
        g_autofree char *name =
            g_strdup_printf("%dx%d/%dx%d+%d+%d/%dx%d", image.width, image.height, sheet.width,
                            sheet.height, sheet.left, sheet.top, width, height);
        size_t shape[3], n = 3 * (size_t)width * (size_t)height;
        const uint8_t *expected = tensors_get_u8(&tensors, name, shape, 3);
        if (memcmp(out.pixels, expected, n) != 0)
            g_error("%s differs", name);
        image_clear(&image);
        image_clear(&out);
    }
    tensors_close(&tensors);
}

static struct image read_picture(const char *folder, const char *name)
{
    g_autofree char *path = g_build_filename(folder, name, NULL);
    g_autoptr(GError) error = NULL;
    g_autoptr(GBytes) bytes = image_read_file(path, &error);
    g_assert_no_error(error);
    struct image image = {0};
    gsize n_bytes;
    const uint8_t *data = g_bytes_get_data(bytes, &n_bytes);
    g_assert_true(image_decode(&image, data, n_bytes, &error));
    return image;
}

/* Our JPEG decoder may be a level away from the reference's, and so may then be the result. */
static void test_reference(void)
{
    g_autofree char *folder = support_shared("reference/engine/images");
    g_autofree char *path = support_shared("reference/engine/images-resized.safetensors");
    if (!folder || !path)
        return;
    struct tensors tensors;
    tensors_open(&tensors, path);
    const char *key;
    json_t *entry;
    size_t n_seen = 0;
    json_object_foreach (tensors.header, key, entry) {
        if (!g_str_has_suffix(key, "/base"))
            continue;
        g_autofree char *name = g_strndup(key, strlen(key) - strlen("/base"));
        struct image image = read_picture(folder, name), out = {0};
        size_t shape[3];
        const uint8_t *expected = tensors_get_u8(&tensors, key, shape, 3);
        g_assert_true(resample_image(&out, &image, (int)shape[1], (int)shape[0], NULL));
        int most = g_str_has_suffix(name, ".jpg") ? 1 : 0;
        for (size_t i = 0; i < shape[0] * shape[1] * 3; i++)
            g_assert_cmpint(ABS(out.pixels[i] - expected[i]), <=, most);
        image_clear(&image);
        image_clear(&out);
        n_seen++;
    }
    g_assert_cmpuint(n_seen, ==, 15);
    tensors_close(&tensors);
}

/* A picture so high that its result is made in several blocks of columns. All its rows are equal,
 * and so must those of the result be to one row resized alone. */
static void test_blocks(void)
{
    enum { WIDTH = 200, HEIGHT = 100000, OUT = 150 };
    struct image row = made_picture(WIDTH, 1), out_row = {0}, out = {0};
    struct image image = {g_malloc(3 * WIDTH * HEIGHT), WIDTH, HEIGHT};
    for (size_t y = 0; y < HEIGHT; y++)
        memcpy(image.pixels + 3 * WIDTH * y, row.pixels, 3 * WIDTH);
    g_assert_true(resample_image(&out_row, &row, OUT, 1, NULL));
    g_assert_true(resample_image(&out, &image, OUT, 40, NULL));
    for (size_t y = 0; y < 40; y++)
        g_assert_cmpmem(out.pixels + 3 * OUT * y, 3 * OUT, out_row.pixels, 3 * OUT);
    image_clear(&row);
    image_clear(&out_row);
    image_clear(&image);
    image_clear(&out);
}

/* One colour stays that colour, whatever the sizes. */
static void test_extremes(void)
{
    static const int sizes[][4] = {
        {1, 1, 336, 336},   {1, 20000, 336, 336},   {300000, 1, 36, 36}, {1, 1, 1, 3000},
        {1, 300000, 1, 67}, {100000, 1, 200000, 1}, {3, 2, 1, 1},        {1, 1, 1, 1},
    };
    for (size_t i = 0; i < G_N_ELEMENTS(sizes); i++) {
        const int *s = sizes[i];
        struct image image = {g_malloc(3 * (size_t)s[0] * (size_t)s[1]), s[0], s[1]}, out = {0};
        memset(image.pixels, 200, 3 * (size_t)s[0] * (size_t)s[1]);
        g_assert_true(resample_image(&out, &image, s[2], s[3], NULL));
        g_assert_true(out.width == s[2] && out.height == s[3]);
        for (size_t at = 0; at < 3 * (size_t)s[2] * (size_t)s[3]; at++)
            g_assert_cmpint(ABS(out.pixels[at] - 200), <=, 1); /* weights are rounded, too */
        image_clear(&image);
        image_clear(&out);
    }
}

/* On the sheet of a square whose pixels no memory could hold. */
static void test_huge_sheet(void)
{
    struct image image = {g_malloc(3 * 200000), 200000, 1}, out = {0};
    memset(image.pixels, 50, 3 * 200000);
    struct image_sheet sheet = {&image, 200000, 200000, 0, 99999, {7, 8, 9}};
    g_assert_true(resample_sheet(&out, &sheet, 4, 4, NULL));
    for (size_t i = 0; i < 4 * 4 * 3; i++)
        g_assert_cmpint(ABS(out.pixels[i] - 7 - (int)(i % 3)), <=, 1);
    image_clear(&image);
    image_clear(&out);
}

static void test_too_large(void)
{
    struct image image = made_picture(2, 2), out = {0};
    g_autoptr(GError) error = NULL;
    g_assert_false(resample_image(&out, &image, 20000, 20000, &error));
    g_assert_error(error, FIRE_ERROR, FIRE_ERROR_FORMAT);
    g_assert_null(out.pixels);
    image_clear(&image);
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/resample/cases", test_cases);
    g_test_add_func("/resample/reference", test_reference);
    g_test_add_func("/resample/blocks", test_blocks);
    g_test_add_func("/resample/extremes", test_extremes);
    g_test_add_func("/resample/huge-sheet", test_huge_sheet);
    g_test_add_func("/resample/too-large", test_too_large);
    return g_test_run();
}
