/* Safetensors: real files, every rule of the header broken, every cut, every flipped bit, what is written is read. */
#include "model/safetensors.h"

#include "support/model_folder.h"
#include "support/support.h"
#include "support/tensors.h"

#include <math.h>
#include <string.h>

static char *temporary(const char *name)
{
    g_autofree char *folder = support_folder();
    return g_build_filename(folder, name, NULL);
}

/* Against the other reader, which the tests of pictures use too. */
static void test_reads_reference(void)
{
    g_autofree char *path = support_shared("reference/engine/images-decoded.safetensors");
    if (!path)
        return;
    struct tensors tensors;
    tensors_open(&tensors, path);
    g_autoptr(GError) error = NULL;
    struct tensor_file *file = tensor_file_open(path, &error);
    g_assert_no_error(error);
    g_assert_cmpuint(tensor_file_count(file), ==, 15);
    for (size_t i = 0; i < tensor_file_count(file); i++) {
        g_assert_nonnull(json_object_get(tensors.header, tensor_file_name(file, i)));
        g_assert_null(tensor_file_view(file, i)); /* bytes are no numbers to us */
    }
    tensor_file_close(file);
    tensors_close(&tensors);
}

static void test_skips_others(void)
{
    g_autofree char *path =
        support_shared("reference/engine/models/clip-vit-tiny-patch14-56/model.safetensors");
    if (!path)
        return;
    struct tensor_file *file = tensor_file_open(path, NULL);
    g_assert_nonnull(file);
    g_assert_null(tensor_file_find(file, "vision_model.embeddings.position_ids"));
    const struct tensor_view *scalar = tensor_file_find(file, "logit_scale");
    g_assert_cmpint(scalar->n_dims, ==, 0);
    float value;
    g_assert_cmpuint(tensor_view_count(scalar), ==, 1);
    tensor_view_to_f32(&value, scalar, 0, 1);
    support_assert_near(value, 4.6052, 1e-6);
    g_assert_cmpuint(tensor_file_offset(file, scalar), ==, 8 + 8416 + 136);
    tensor_file_close(file);
}

static const struct {
    const char *header;
    size_t n_values;
    const char *cause; /* NULL: a good file */
} headers[] = {
    {"{}", 0, NULL},
    {"{}   ", 0, NULL},
    {"{\"__metadata__\":{\"format\":\"pt\"}}", 0, NULL},
    {"{\"a\":{\"dtype\":\"F32\",\"shape\":[2,1],\"data_offsets\":[0,8]}}", 8, NULL},
    {"{\"a\":{\"dtype\":\"F32\",\"shape\":[],\"data_offsets\":[0,4]}}", 4, NULL},
    {"{\"a\":{\"dtype\":\"F32\",\"shape\":[0,5],\"data_offsets\":[0,0]}}", 0, NULL},
    {"{\"b\":{\"dtype\":\"BF16\",\"shape\":[1],\"data_offsets\":[4,6]},"
     "\"a\":{\"dtype\":\"F32\",\"shape\":[1],\"data_offsets\":[0,4]}}",
     6, NULL},
    {"{\"a\":{\"dtype\":\"F4\",\"shape\":[4],\"data_offsets\":[0,2]}}", 2, NULL},
    {"{\"a\":{\"dtype\":\"F32\",\"shape\":[1,1,1,1,1],\"data_offsets\":[0,4]}}", 4, NULL},
    {"", 0, "header"},
    {"[]", 0, "the header is not an object"},
    {"{", 0, "header: "},
    {"{} x", 0, "header: "},
    {"{\"a\":1}", 0, "tensor 'a' is not described by an object"},
    {"{\"__metadata__\":[]}", 0, "'__metadata__' is not an object"},
    {"{\"__metadata__\":{\"a\":1}}", 0, "not a string"},
    {"{\"a\":{\"shape\":[1],\"data_offsets\":[0,4]}}", 4, "tensor 'a' has no 'dtype'"},
    {"{\"a\":{\"dtype\":1,\"shape\":[1],\"data_offsets\":[0,4]}}", 4, "tensor 'a' has no 'dtype'"},
    {"{\"a\":{\"dtype\":\"F31\",\"shape\":[1],\"data_offsets\":[0,4]}}", 4, "unknown type 'F31'"},
    {"{\"a\":{\"dtype\":\"F32\",\"data_offsets\":[0,4]}}", 4, "has no 'shape'"},
    {"{\"a\":{\"dtype\":\"F32\",\"shape\":1,\"data_offsets\":[0,4]}}", 4, "has no 'shape'"},
    {"{\"a\":{\"dtype\":\"F32\",\"shape\":[1.0],\"data_offsets\":[0,4]}}", 4,
     "a side in its 'shape'"},
    {"{\"a\":{\"dtype\":\"F32\",\"shape\":[-1],\"data_offsets\":[0,4]}}", 4,
     "a side in its 'shape'"},
    {"{\"a\":{\"dtype\":\"F32\",\"shape\":[4611686018427387904,4],\"data_offsets\":[0,0]}}", 0,
     "absurd"},
    {"{\"a\":{\"dtype\":\"F32\",\"shape\":[4294967296,4294967296],\"data_offsets\":[0,0]}}", 0,
     "absurd"},
    {"{\"a\":{\"dtype\":\"F32\",\"shape\":[9223372036854775807],\"data_offsets\":[0,4]}}", 4,
     "absurd"},
    {"{\"a\":{\"dtype\":\"F32\",\"shape\":[99999999999999999999],\"data_offsets\":[0,4]}}", 4,
     "header: "},
    {"{\"a\":{\"dtype\":\"F6_E2M3\",\"shape\":[1],\"data_offsets\":[0,1]}}", 1, "whole bytes"},
    {"{\"a\":{\"dtype\":\"F32\",\"shape\":[1]}}", 4, "no 'data_offsets'"},
    {"{\"a\":{\"dtype\":\"F32\",\"shape\":[1],\"data_offsets\":[0]}}", 4, "no 'data_offsets'"},
    {"{\"a\":{\"dtype\":\"F32\",\"shape\":[1],\"data_offsets\":[0,4,8]}}", 4, "no 'data_offsets'"},
    {"{\"a\":{\"dtype\":\"F32\",\"shape\":[1],\"data_offsets\":[0,4.0]}}", 4, "no 'data_offsets'"},
    {"{\"a\":{\"dtype\":\"F32\",\"shape\":[1],\"data_offsets\":[-4,0]}}", 4, "run backwards"},
    {"{\"a\":{\"dtype\":\"F32\",\"shape\":[1],\"data_offsets\":[4,0]}}", 4, "run backwards"},
    {"{\"a\":{\"dtype\":\"F32\",\"shape\":[2],\"data_offsets\":[0,4]}}", 4, "takes 4 bytes"},
    {"{\"a\":{\"dtype\":\"F32\",\"shape\":[1],\"data_offsets\":[0,4]}}", 3,
     "ends at byte 4 of the values"},
    {"{\"a\":{\"dtype\":\"F32\",\"shape\":[1],\"data_offsets\":[0,4]}}", 5,
     "1 bytes after the last tensor"},
    {"{\"a\":{\"dtype\":\"F32\",\"shape\":[1],\"data_offsets\":[4,8]}}", 8, "begins at byte 4"},
    {"{\"a\":{\"dtype\":\"F32\",\"shape\":[1],\"data_offsets\":[0,4]},"
     "\"b\":{\"dtype\":\"F32\",\"shape\":[1],\"data_offsets\":[2,6]}}",
     6, "tensor 'b' begins at byte 2 of the values, where the one before ends at 4"},
    {"{\"a\":{\"dtype\":\"F32\",\"shape\":[1],\"data_offsets\":[0,4]},"
     "\"b\":{\"dtype\":\"F32\",\"shape\":[1],\"data_offsets\":[0,4]}}",
     4, "begins at byte 0"},
    {"{\"a\":{\"dtype\":\"F32\",\"shape\":[1],\"data_offsets\":[0,4]},"
     "\"b\":{\"dtype\":\"F32\",\"shape\":[1],\"data_offsets\":[6,10]}}",
     10, "begins at byte 6"},
    {"{\"a\":{\"dtype\":\"F32\",\"shape\":[1],\"data_offsets\":[0,4]},"
     "\"a\":{\"dtype\":\"F32\",\"shape\":[1],\"data_offsets\":[4,8]}}",
     8, "duplicate"},
    {"{\"a\\u0000\":{\"dtype\":\"F32\",\"shape\":[1],\"data_offsets\":[0,4]}}", 4, "header: "},
    {"{\"\xff\":{\"dtype\":\"F32\",\"shape\":[1],\"data_offsets\":[0,4]}}", 4, "header: "},
};

static void test_headers(void)
{
    g_autofree char *path = temporary("file.safetensors");
    for (size_t i = 0; i < G_N_ELEMENTS(headers); i++) {
        g_autoptr(GError) error = NULL;
        model_folder_write_raw(path, headers[i].header, headers[i].n_values);
        struct tensor_file *file = tensor_file_open(path, &error);
        if (headers[i].cause) {
            g_assert_null(file);
            model_folder_assert_error(&error, headers[i].cause);
        } else {
            g_assert_no_error(error);
            tensor_file_close(file);
        }
    }
}

/* A header length that is absurd, or longer than the file. */
static void test_lengths(void)
{
    static const struct {
        uint64_t length;
        const char *cause;
    } rows[] = {{UINT64_MAX, "not a safetensors file"},
                {100000001, "not a safetensors file"},
                {100000000, "cut off"},
                {3, "cut off"}};
    for (size_t i = 0; i < G_N_ELEMENTS(rows); i++) {
        g_autoptr(GError) error = NULL;
        char bytes[10] = {0, 0, 0, 0, 0, 0, 0, 0, '{', '}'};
        uint64_t length = GUINT64_TO_LE(rows[i].length);
        memcpy(bytes, &length, sizeof length);
        g_assert_null(tensor_file_parse(bytes, sizeof bytes, "bytes", &error));
        model_folder_assert_error(&error, rows[i].cause);
    }
}

static void test_not_files(void)
{
    g_autofree char *folder = support_folder(), *empty = support_write(folder, "empty", "");
    g_autofree char *absent = g_build_filename(folder, "absent", NULL);
    const char *paths[] = {folder, empty, absent, "/dev/null"};
    const char *causes[] = {"not a regular file", "it is empty", "No such file",
                            "not a regular file"};
    for (size_t i = 0; i < G_N_ELEMENTS(paths); i++) {
        g_autoptr(GError) error = NULL;
        g_assert_null(tensor_file_open(paths[i], &error));
        model_folder_assert_error(&error, causes[i]);
    }
}

static const char small_header[] =
    "{\"__metadata__\":{\"format\":\"pt\"},"
    "\"first\":{\"dtype\":\"F32\",\"shape\":[2,3],\"data_offsets\":[0,24]},"
    "\"second\":{\"dtype\":\"BF16\",\"shape\":[4],\"data_offsets\":[24,32]}}";

/* The bytes are copied to the heap at their exact length, so that a sanitizer sees a read beyond them. */
static bool parses(const char *bytes, size_t n)
{
    g_autofree char *copy = g_malloc(n + (n == 0));
    memcpy(copy, bytes, n);
    g_autoptr(GError) error = NULL;
    struct tensor_file *file = tensor_file_parse(copy, n, "bytes", &error);
    if (!file) {
        model_folder_assert_error(&error, "'bytes': ");
        return false;
    }
    for (size_t i = 0; i < tensor_file_count(file); i++) {
        const struct tensor_view *view = tensor_file_view(file, i);
        g_autofree float *values = g_new0(float, view ? tensor_view_count(view) + 1 : 1);
        if (view)
            tensor_view_to_f32(values, view, 0, tensor_view_count(view));
    }
    tensor_file_close(file);
    return true;
}

static void test_cut_and_flipped(void)
{
    g_autofree char *path = temporary("small.safetensors"), *bytes = NULL;
    gsize n;
    model_folder_write_raw(path, small_header, 32);
    g_assert_true(g_file_get_contents(path, &bytes, &n, NULL));
    g_assert_true(parses(bytes, n));
    for (size_t cut = 0; cut < n; cut++)
        g_assert_false(parses(bytes, cut));
    size_t n_good = 0;
    for (size_t bit = 0; bit < 8 * (n - 32); bit++) {
        bytes[bit / 8] ^= (char)(1 << bit % 8);
        n_good += parses(bytes, n);
        bytes[bit / 8] ^= (char)(1 << bit % 8);
    }
    /* What may change: letters of names and of the metadata, keys that then are unknown only where none is needed. */
    g_assert_cmpuint(n_good, <, 8 * (n - 32) / 2);
}

static void test_writes(void)
{
    g_autofree char *path = temporary("written.safetensors"), *bytes = NULL;
    const float values[] = {1, -2, 0.5F, 65504, 1e-8F, 3.14159F};
    const struct safetensors_output outputs[] = {
        {"z.half", TENSOR_F16, 2, {2, 3}, values},  {"b", TENSOR_F32, 1, {5}, values},
        {"a.bf16", TENSOR_BF16, 1, {3}, values},    {"a", TENSOR_F32, 3, {1, 2, 3}, values},
        {"scalar", TENSOR_F32, 0, {0}, values + 2}, {"none", TENSOR_F32, 2, {0, 7}, values},
    };
    static const char *const order[] = {"a", "b", "none", "scalar", "a.bf16", "z.half"};
    g_autoptr(GError) error = NULL;
    g_assert_true(safetensors_write(path, outputs, G_N_ELEMENTS(outputs), &error));
    struct tensor_file *file = tensor_file_open(path, &error);
    g_assert_no_error(error);
    g_assert_cmpuint(tensor_file_count(file), ==, G_N_ELEMENTS(order));
    for (size_t i = 0; i < G_N_ELEMENTS(order); i++)
        g_assert_cmpstr(tensor_file_name(file, i), ==, order[i]);
    for (size_t i = 0; i < G_N_ELEMENTS(outputs); i++) {
        const struct tensor_view *view = tensor_file_find(file, outputs[i].name);
        float read[6];
        g_assert_cmpint(view->type, ==, outputs[i].type);
        g_assert_cmpint(view->n_dims, ==, outputs[i].n_dims);
        g_assert_cmpmem(view->dims, sizeof view->dims, outputs[i].dims, sizeof outputs[i].dims);
        g_assert_cmpuint(tensor_file_offset(file, view) % tensor_type_bytes(view->type), ==, 0);
        tensor_view_to_f32(read, view, 0, tensor_view_count(view));
        double tolerance = (double[]){0, 0x1p-11, 0x1p-8}[view->type];
        for (size_t k = 0; k < tensor_view_count(view); k++)
            support_assert_near(read[k], outputs[i].values[k], tolerance);
    }
    tensor_file_close(file);
    gsize n;
    g_assert_true(g_file_get_contents(path, &bytes, &n, NULL));
    uint64_t n_header;
    memcpy(&n_header, bytes, sizeof n_header);
    g_assert_cmpuint(GUINT64_FROM_LE(n_header) % 8, ==, 0);
    g_assert_nonnull(strstr(bytes + sizeof n_header, "{\"format\":\"pt\"}"));
    g_assert_false(safetensors_write("/nowhere/file", outputs, 1, &error));
    model_folder_assert_error(&error, "/nowhere/file");
}

/* Every f16 and bf16 against their definition, and back. */
static void test_conversions(void)
{
    for (uint32_t bits = 0; bits < 1 << 16; bits++) {
        uint16_t stored = GUINT16_TO_LE((uint16_t)bits), again;
        for (int type = TENSOR_F16; type <= TENSOR_BF16; type++) {
            bool half = type == TENSOR_F16;
            int n_fraction = half ? 10 : 7, bias = half ? 15 : 127;
            int exponent = (int)(bits >> n_fraction) & (half ? 31 : 255),
                fraction = (int)bits & ((1 << n_fraction) - 1);
            double expected =
                exponent ? ldexp(fraction + (1 << n_fraction), exponent - bias - n_fraction)
                         : ldexp(fraction, 1 - bias - n_fraction);
            if (exponent == (half ? 31 : 255))
                expected = fraction ? NAN : INFINITY;
            if (bits & 0x8000)
                expected = -expected;
            struct tensor_view view = {(enum tensor_type)type, 1, {1}, &stored, 2};
            float value;
            tensor_view_to_f32(&value, &view, 0, 1);
            if (isnan(expected)) {
                g_assert_true(isnan(value));
                tensor_from_f32(&again, view.type, &value, 1);
                view.data = &again;
                tensor_view_to_f32(&value, &view, 0, 1);
                g_assert_true(isnan(value));
                continue;
            }
            g_assert_cmpfloat((double)value, ==, expected);
            g_assert_cmpint(signbit(value) != 0, ==, signbit(expected) != 0);
            tensor_from_f32(&again, view.type, &value, 1);
            g_assert_cmphex(again, ==, stored);
        }
    }
}

static void test_rounding(void)
{
    static const struct {
        double value;
        uint16_t half, bf16;
    } rows[] = {
        {1 + 0x1p-11, 0x3c00, 0x3f80}, /* ties go to even */
        {1 + 3 * 0x1p-11, 0x3c02, 0x3f80},
        {1 + 0x1p-11 + 0x1p-20, 0x3c01, 0x3f80},
        {1 + 0x1p-8, 0x3c04, 0x3f80},
        {1 + 3 * 0x1p-8, 0x3c0c, 0x3f82},
        {65519, 0x7bff, 0x4780},
        {65520, 0x7c00, 0x4780},
        {-1e30, 0xfc00, 0xf14a},
        {0x1p-25, 0x0000, 0x3300},
        {0x1.8p-25, 0x0001, 0x3340},
        {3 * 0x1p-25, 0x0002, 0x3340 + 0x80},
        {0x1.ffep-15 + 0x1p-26, 0x0400, 0x3880},
        {0x1.fffffep127, 0x7c00, 0x7f80},
    };
    for (size_t i = 0; i < G_N_ELEMENTS(rows); i++) {
        float value = (float)rows[i].value;
        uint16_t half, bf16;
        tensor_from_f32(&half, TENSOR_F16, &value, 1);
        tensor_from_f32(&bf16, TENSOR_BF16, &value, 1);
        g_assert_cmphex(GUINT16_FROM_LE(half), ==, rows[i].half);
        g_assert_cmphex(GUINT16_FROM_LE(bf16), ==, rows[i].bf16);
    }
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/safetensors/reads-reference", test_reads_reference);
    g_test_add_func("/safetensors/skips-others", test_skips_others);
    g_test_add_func("/safetensors/headers", test_headers);
    g_test_add_func("/safetensors/lengths", test_lengths);
    g_test_add_func("/safetensors/not-files", test_not_files);
    g_test_add_func("/safetensors/cut-and-flipped", test_cut_and_flipped);
    g_test_add_func("/safetensors/writes", test_writes);
    g_test_add_func("/safetensors/conversions", test_conversions);
    g_test_add_func("/safetensors/rounding", test_rounding);
    return g_test_run();
}
