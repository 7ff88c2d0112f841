/* image: decoding against Pillow's pixels, damage of every kind, encoding, the wire form. */
#include "base/error.h"
#include "base/rng.h"
#include "image/image.h"
#include "image/wire.h"
#include "support/support.h"
#include "support/tensors.h"

#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static GBytes *read_bytes(const char *path)
{
    g_autoptr(GError) error = NULL;
    GBytes *bytes = image_read_file(path, &error);
    g_assert_no_error(error);
    return bytes;
}

static GBytes *read_data(const char *name)
{
    g_autofree char *relative = g_build_filename("images", name, NULL);
    g_autofree char *path = support_data(relative);
    return read_bytes(path);
}

static bool decode(struct image *image, GBytes *bytes, GError **error)
{
    gsize n_bytes;
    const uint8_t *data = g_bytes_get_data(bytes, &n_bytes);
    return image_decode(image, data, n_bytes, error);
}

static size_t n_values(const struct image *image)
{
    return 3 * (size_t)image->width * (size_t)image->height;
}

static bool is_same(const struct image *a, const struct image *b)
{
    return a->width == b->width && a->height == b->height &&
           memcmp(a->pixels, b->pixels, n_values(a)) == 0;
}

static void assert_near(const struct image *image, const uint8_t *expected, int most, double mean)
{
    double sum = 0;
    for (size_t i = 0; i < n_values(image); i++) {
        int difference = abs(image->pixels[i] - expected[i]);
        g_assert_cmpint(difference, <=, most);
        sum += difference;
    }
    g_assert_cmpfloat(sum / (double)n_values(image), <=, mean);
}

/* Every picture that `tensors` knows, from `folder`: exact, but for the lossy kinds. */
static void compare_folder(const char *folder, const char *tensors_path)
{
    struct tensors tensors;
    tensors_open(&tensors, tensors_path);
    const char *name;
    json_t *entry;
    g_assert_cmpuint(json_object_size(tensors.header), >, 0);
    json_object_foreach (tensors.header, name, entry) {
        g_autofree char *path = g_build_filename(folder, name, NULL);
        g_autoptr(GBytes) bytes = read_bytes(path);
        g_autoptr(GError) error = NULL;
        struct image image = {0};
        if (!decode(&image, bytes, &error))
            g_error("%s: %s", path, error->message);
        size_t shape[3];
        const uint8_t *expected = tensors_get_u8(&tensors, name, shape, 3);
        g_assert_cmpint(image.height, ==, shape[0]);
        g_assert_cmpint(image.width, ==, shape[1]);
        bool lossy = g_str_has_suffix(name, ".jpg") || g_str_has_prefix(name, "lossy");
        assert_near(&image, expected, lossy ? 6 : 0, lossy ? 1 : 0);
        image_clear(&image);
    }
    tensors_close(&tensors);
}

static void test_reference(void)
{
    g_autofree char *folder = support_shared("reference/engine/images");
    g_autofree char *tensors = support_shared("reference/engine/images-decoded.safetensors");
    if (folder && tensors)
        compare_folder(folder, tensors);
}

static void test_forms(void)
{
    g_autofree char *folder = support_data("images");
    g_autofree char *tensors = support_data("images/decoded.safetensors");
    compare_folder(folder, tensors);
}

static void test_kinds(void)
{
    static const struct {
        const char *bytes;
        size_t n;
        enum image_kind kind;
        const char *mime;
    } cases[] = {
        {"\xff\xd8\xff\xe0", 4, IMAGE_JPEG, "image/jpeg"},
        {"\xff\xd8", 2, IMAGE_UNKNOWN, NULL},
        {"\x89PNG\r\n\x1a\n", 8, IMAGE_PNG, "image/png"},
        {"\x89PNG\n", 5, IMAGE_UNKNOWN, NULL},
        {"RIFF\1\0\0\0WEBP", 12, IMAGE_WEBP, "image/webp"},
        {"RIFF\1\0\0\0WAVE", 12, IMAGE_UNKNOWN, NULL},
        {"GIF87a", 6, IMAGE_GIF, "image/gif"},
        {"GIF89a", 6, IMAGE_GIF, "image/gif"},
        {"GIF88a", 6, IMAGE_UNKNOWN, NULL},
        {"BM\0\0\0\0\0\0\0\0\0\0\0\0\x28\0\0\0", 18, IMAGE_BMP, "image/bmp"},
        {"BMW is a maker of cars", 22, IMAGE_UNKNOWN, NULL},
        {"<svg></svg>", 11, IMAGE_UNKNOWN, NULL},
        {"", 0, IMAGE_UNKNOWN, NULL},
    };
    for (size_t i = 0; i < G_N_ELEMENTS(cases); i++) {
        enum image_kind kind = image_kind_of((const uint8_t *)cases[i].bytes, cases[i].n);
        g_assert_cmpint(kind, ==, cases[i].kind);
        g_assert_cmpstr(image_kind_mime(kind), ==, cases[i].mime);
    }
}

static const char *const damage_files[] = {
    "rgb_progressive.jpg",    "cmyk.jpg",      "rgb_interlaced.png",
    "palette_short.png",      "gray16.png",    "lossy.webp",
    "lossless_alpha.webp",    "animated.webp", "interlaced.gif",
    "offset_transparent.gif",
};

/* Decodes a copy of exactly n bytes, so that a checker sees a read beyond them. */
static bool decode_copy(struct image *image, const uint8_t *bytes, size_t n_bytes)
{
    g_autofree uint8_t *copy = g_memdup2(bytes, n_bytes);
    g_autoptr(GError) error = NULL;
    bool ok = image_decode(image, copy, n_bytes, &error);
    g_assert_true(ok == (error == NULL));
    if (ok)
        return true;
    g_assert_error(error, FIRE_ERROR, FIRE_ERROR_FORMAT);
    g_assert_cmpuint(strlen(error->message), >, 10);
    g_assert_null(strchr(error->message, '\n'));
    g_assert_null(image->pixels);
    return false;
}

/* Does the kind still hold the whole first picture without its last `n_cut` bytes? A GIF's later
 * frames are not read, and the checksum of PNG's empty end mark is not looked at. */
static bool may_be_complete(const char *name, size_t n_cut)
{
    return g_str_has_suffix(name, ".gif") || (g_str_has_suffix(name, ".png") && n_cut <= 4);
}

/* Cut at every byte: an error, or the same picture. */
static void test_cut(void)
{
    for (size_t i = 0; i < G_N_ELEMENTS(damage_files); i++) {
        g_autoptr(GBytes) bytes = read_data(damage_files[i]);
        gsize n_bytes;
        const uint8_t *data = g_bytes_get_data(bytes, &n_bytes);
        struct image full = {0};
        g_assert_true(decode_copy(&full, data, n_bytes));
        for (size_t n = 0; n < n_bytes; n++) {
            struct image image = {0};
            if (!decode_copy(&image, data, n))
                continue;
            if (!may_be_complete(damage_files[i], n_bytes - n) || !is_same(&image, &full))
                g_error("%s: complete with %zu of %zu bytes", damage_files[i], n, n_bytes);
            image_clear(&image);
        }
        image_clear(&full);
    }
}

/* Photographs of the reference, cut at 40 places. */
static void test_cut_reference(void)
{
    static const char *const names[] = {"photo444.jpg", "progressive.jpg", "tall.jpg", "wide.png",
                                        "palette.png"};
    for (size_t i = 0; i < G_N_ELEMENTS(names); i++) {
        g_autofree char *relative = g_build_filename("reference/engine/images", names[i], NULL);
        g_autofree char *path = support_shared(relative);
        if (!path)
            return;
        g_autoptr(GBytes) bytes = read_bytes(path);
        gsize n_bytes;
        const uint8_t *data = g_bytes_get_data(bytes, &n_bytes);
        for (size_t k = 1; k <= 40; k++) {
            struct image image = {0};
            g_assert_false(decode_copy(&image, data, (n_bytes - 5) * k / 40));
        }
    }
}

/* One to four bytes changed at random places: any result, no crash, no leak, no huge picture. */
static void test_flips(void)
{
    struct rng rng;
    rng_init(&rng, 1, 0);
    size_t n_failed = 0, n_tried = 0;
    for (size_t i = 0; i < G_N_ELEMENTS(damage_files); i++) {
        g_autoptr(GBytes) bytes = read_data(damage_files[i]);
        gsize n_bytes;
        const uint8_t *data = g_bytes_get_data(bytes, &n_bytes);
        for (int k = 0; k < 200; k++, n_tried++) {
            g_autofree uint8_t *copy = g_memdup2(data, n_bytes);
            for (uint64_t flip = rng_below(&rng, 4) + 1; flip > 0; flip--)
                copy[rng_below(&rng, n_bytes)] = (uint8_t)rng_next(&rng);
            struct image image = {0};
            n_failed += !decode_copy(&image, copy, n_bytes);
            image_clear(&image);
        }
    }
    g_assert_cmpuint(n_failed, >, n_tried / 4);
}

static void put_be32(uint8_t *at, uint32_t value)
{
    for (int i = 0; i < 4; i++)
        at[i] = (uint8_t)(value >> (24 - 8 * i));
}

static void assert_over_limit(const uint8_t *bytes, size_t n_bytes)
{
    struct image image = {0};
    g_autoptr(GError) error = NULL;
    g_assert_false(image_decode(&image, bytes, n_bytes, &error));
    g_assert_error(error, FIRE_ERROR, FIRE_ERROR_FORMAT);
    if (!strstr(error->message, "over the limit of 104857600 pixels"))
        g_error("refused for another reason: %s", error->message);
}

/* A few bytes that promise a giant picture: refused for its size, so before any allocation. */
static void test_bombs(void)
{
    /* IHDR of 100,000 x 100,000 with its checksum. */
    uint8_t png[] = "\x89PNG\r\n\x1a\n\0\0\0\x0dIHDR\0\0\0\0\0\0\0\0\x08\2\0\0\0\0\0\0\0";
    put_be32(png + 16, 100000);
    put_be32(png + 20, 100000);
    put_be32(png + 29, 0x27309c9fu);
    assert_over_limit(png, sizeof png - 1);

    g_autoptr(GBytes) jpeg = read_data("rgb_progressive.jpg");
    gsize n_bytes;
    const uint8_t *data = g_bytes_get_data(jpeg, &n_bytes);
    g_autofree uint8_t *copy = g_memdup2(data, n_bytes);
    uint8_t *frame = copy; /* to the marker before the frame's size */
    while (!(frame[0] == 0xff && frame[1] == 0xc2))
        g_assert_true(++frame + 9 < copy + n_bytes);
    put_be32(frame + 5, 65500u << 16 | 65500u); /* height, width */
    assert_over_limit(copy, n_bytes);

    /* A VP8X header: the sides of the canvas, 60,000, less one in 24 bits each. */
    static const uint8_t webp[] = "RIFF\x20\0\0\0WEBPVP8X\x0a\0\0\0\2\0\0\0\x5f\xea\0\x5f\xea\0"
                                  "ANIM\6\0\0\0\0\0\0\0\0\0";
    assert_over_limit(webp, sizeof webp - 1);

    static const uint8_t gif[] = "GIF89a\xff\xff\xff\xff\0\0\0,\0\0\0\0\1\0\1\0\0\2\2\x44\1\0;";
    assert_over_limit(gif, sizeof gif - 1);
}

static void assert_message(GError **error, const char *part)
{
    g_assert_nonnull(*error);
    if (!strstr((*error)->message, part))
        g_error("'%s' does not say '%s'", (*error)->message, part);
    g_clear_error(error);
}

static void test_refusals(void)
{
    struct image image = {0};
    GError *error = NULL;
    g_autoptr(GBytes) bmp = read_data("plain.bmp");
    g_assert_false(decode(&image, bmp, &error));
    assert_message(&error, "BMP pictures are not supported");
    g_assert_false(image_decode(&image, (const uint8_t *)"hello", 5, &error));
    assert_message(&error, "not a picture of a known kind");
    g_assert_false(image_decode(&image, (const uint8_t *)"", 0, &error));
    assert_message(&error, "empty");
    g_assert_false(
        image_decode(&image, (const uint8_t *)"\xff\xd8\xff", IMAGE_MAX_BYTES + 1, &error));
    assert_message(&error, "over the limit of 67108864");
    g_autoptr(GBytes) good = read_data("lossy.webp");
    g_assert_true(image_check(good, &error));
    g_assert_false(image_check(bmp, &error));
    assert_message(&error, "BMP");
}

/* Stray bytes before a marker, as cameras leave them, and bytes after the end are no damage. */
static void test_harmless(void)
{
    g_autoptr(GBytes) bytes = read_data("rgb_progressive.jpg");
    struct image plain = {0}, padded = {0};
    g_assert_true(decode(&plain, bytes, NULL));
    gsize n_bytes;
    const uint8_t *data = g_bytes_get_data(bytes, &n_bytes);
    g_autoptr(GByteArray) stray = g_byte_array_new();
    g_byte_array_append(stray, data, (guint)n_bytes - 2);
    g_byte_array_append(stray, (const guint8 *)"\0\0\0\xff\xd9rest", 9);
    g_assert_true(image_decode(&padded, stray->data, stray->len, NULL));
    g_assert_true(is_same(&plain, &padded));
    image_clear(&plain);
    image_clear(&padded);
}

/* No library writes to standard error, whatever it is given. */
static void test_silence(void)
{
    g_autofree char *folder = support_folder();
    g_autofree char *path = g_build_filename(folder, "stderr", NULL);
    int saved = dup(STDERR_FILENO), file = open(path, O_WRONLY | O_CREAT | O_EXCL, 0600);
    g_assert_cmpint(file, >=, 0);
    dup2(file, STDERR_FILENO);
    for (size_t i = 0; i < G_N_ELEMENTS(damage_files); i++) {
        g_autoptr(GBytes) bytes = read_data(damage_files[i]);
        gsize n_bytes;
        const uint8_t *data = g_bytes_get_data(bytes, &n_bytes);
        struct image image = {0};
        image_decode(&image, data, n_bytes * 2 / 3, NULL);
        image_clear(&image);
    }
    struct stat status;
    fstat(file, &status);
    dup2(saved, STDERR_FILENO);
    close(saved);
    close(file);
    g_assert_cmpint(status.st_size, ==, 0);
}

static void test_encode(void)
{
    g_autoptr(GBytes) bytes = read_data("lossy.webp");
    struct image image = {0}, again = {0};
    g_assert_true(decode(&image, bytes, NULL));
    g_autoptr(GBytes) png = image_encode_png(&image, NULL);
    g_assert_true(decode(&again, png, NULL));
    g_assert_true(is_same(&image, &again));
    image_clear(&again);
    g_autoptr(GBytes) best = image_encode_jpeg(&image, 100, NULL);
    g_autoptr(GBytes) worst = image_encode_jpeg(&image, 1, NULL);
    g_assert_cmpuint(g_bytes_get_size(worst), <, g_bytes_get_size(best));
    g_assert_true(decode(&again, best, NULL));
    g_assert_cmpint(again.width, ==, image.width);
    g_assert_cmpint(again.height, ==, image.height);
    double sum = 0;
    for (size_t i = 0; i < n_values(&image); i++)
        sum += abs(image.pixels[i] - again.pixels[i]);
    g_assert_cmpfloat(sum / (double)n_values(&image), <, 8); /* colour is subsampled */
    image_clear(&again);
    image_clear(&image);
}

static void test_read_file(void)
{
    GError *error = NULL;
    g_autofree char *folder = support_folder();
    g_autofree char *text = support_write(folder, "text", "abc");
    g_autoptr(GBytes) bytes = image_read_file(text, &error);
    g_assert_no_error(error);
    g_assert_cmpmem(g_bytes_get_data(bytes, NULL), g_bytes_get_size(bytes), "abc", 3);
    g_autofree char *absent = g_build_filename(folder, "absent", NULL);
    g_assert_null(image_read_file(absent, &error));
    assert_message(&error, "No such file");
    g_assert_null(image_read_file(folder, &error));
    assert_message(&error, "not a regular file");
    g_autofree char *pipe_path = g_build_filename(folder, "pipe", NULL);
    g_assert_cmpint(mkfifo(pipe_path, 0600), ==, 0);
    g_assert_null(image_read_file(pipe_path, &error));
    assert_message(&error, "not a regular file");
    g_autofree char *sparse = support_write(folder, "sparse", "");
    g_assert_cmpint(truncate(sparse, IMAGE_MAX_BYTES + 1L), ==, 0);
    g_assert_null(image_read_file(sparse, &error));
    assert_message(&error, "over the limit");
}

static void test_data_url(void)
{
    static const struct {
        const char *url;
        const char *bytes; /* NULL: refused */
    } cases[] = {
        {"data:image/png;base64,QUJD", "ABC"},
        {"data:image/png;base64,QUI=", "AB"},
        {"data:image/png;base64,QQ==", "A"},
        {"DATA:Image/JPEG;name=x;BASE64,QUJD", "ABC"},
        {"data:image/png;base64,", NULL},
        {"data:image/png;base64,QQ=", NULL},
        {"data:image/png;base64,QQ", NULL},
        {"data:image/png;base64,QR==", NULL}, /* a spare bit is set */
        {"data:image/png;base64,Q=Q=", NULL},
        {"data:image/png;base64,====", NULL},
        {"data:image/png;base64,Q===", NULL},
        {"data:image/png;base64,QU JD", NULL},
        {"data:image/png;base64,QUJD\n", NULL},
        {"data:image/png;base64,QUJ-", NULL},
        {"data:image/png,QUJD", NULL},
        {"data:text/plain;base64,QUJD", NULL},
        {"data:image/png;base64", NULL},
        {"images/a.png", NULL},
    };
    for (size_t i = 0; i < G_N_ELEMENTS(cases); i++) {
        g_autoptr(GError) error = NULL;
        g_autoptr(GBytes) bytes = image_read_data_url(cases[i].url, &error);
        if ((bytes != NULL) != (cases[i].bytes != NULL))
            g_error("%s: %s", cases[i].url, error ? error->message : "accepted");
        if (bytes)
            g_assert_cmpmem(g_bytes_get_data(bytes, NULL), g_bytes_get_size(bytes), cases[i].bytes,
                            strlen(cases[i].bytes));
        else
            g_assert_error(error, FIRE_ERROR, FIRE_ERROR_FORMAT);
    }
}

static void test_wire(void)
{
    static const struct {
        const char *name;
        size_t max_png_bytes;
        const char *mime;
        bool unchanged;
    } cases[] = {
        {"rgb_progressive.jpg", WIRE_MAX_PNG_BYTES, "image/jpeg", true},
        {"rgb16.png", WIRE_MAX_PNG_BYTES, "image/png", true},
        {"rgb16.png", 10, "image/png", true},
        {"interlaced.gif", WIRE_MAX_PNG_BYTES, "image/gif", true},
        {"lossy.webp", WIRE_MAX_PNG_BYTES, "image/png", false},
        {"animated.webp", WIRE_MAX_PNG_BYTES, "image/png", false},
        {"lossy.webp", 1000, "image/jpeg", false},
    };
    for (size_t i = 0; i < G_N_ELEMENTS(cases); i++) {
        g_autoptr(GBytes) file = read_data(cases[i].name);
        struct wire_image wire = {0};
        struct image before = {0}, after = {0};
        g_assert_true(wire_image_init(&wire, file, cases[i].max_png_bytes, NULL));
        g_assert_cmpstr(wire.mime, ==, cases[i].mime);
        g_assert_true(g_bytes_equal(wire.bytes, file) == cases[i].unchanged);
        g_autofree char *digest = g_compute_checksum_for_bytes(G_CHECKSUM_SHA256, wire.bytes);
        g_assert_cmpstr(wire.digest, ==, digest);
        g_assert_true(decode(&before, file, NULL));
        g_assert_true(decode(&after, wire.bytes, NULL));
        g_assert_cmpstr(image_kind_mime(image_kind_of(g_bytes_get_data(wire.bytes, NULL),
                                                      g_bytes_get_size(wire.bytes))),
                        ==, cases[i].mime);
        if (g_str_equal(cases[i].mime, "image/png"))
            g_assert_true(is_same(&before, &after));
        image_clear(&before);
        image_clear(&after);
        wire_image_clear(&wire);
    }
    g_autoptr(GBytes) whole = read_data("rgb_progressive.jpg");
    g_autoptr(GBytes) cut = g_bytes_new_from_bytes(whole, 0, g_bytes_get_size(whole) / 2);
    struct wire_image wire = {0};
    GError *error = NULL;
    g_assert_false(wire_image_init(&wire, cut, WIRE_MAX_PNG_BYTES, &error));
    assert_message(&error, "cut or broken JPEG");
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/image/reference", test_reference);
    g_test_add_func("/image/forms", test_forms);
    g_test_add_func("/image/kinds", test_kinds);
    g_test_add_func("/image/cut", test_cut);
    g_test_add_func("/image/cut/reference", test_cut_reference);
    g_test_add_func("/image/flips", test_flips);
    g_test_add_func("/image/bombs", test_bombs);
    g_test_add_func("/image/refusals", test_refusals);
    g_test_add_func("/image/harmless", test_harmless);
    g_test_add_func("/image/silence", test_silence);
    g_test_add_func("/image/encode", test_encode);
    g_test_add_func("/image/read_file", test_read_file);
    g_test_add_func("/image/data_url", test_data_url);
    g_test_add_func("/image/wire", test_wire);
    return g_test_run();
}
