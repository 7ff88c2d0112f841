/* Files of torch.save: values of a good one; anything else, every cut and every flipped bit gives one line. */
#include "model/tensor_file.h"

#include "support/model_folder.h"
#include "support/support.h"

#include <string.h>

static struct tensor_file *open_data(const char *name, GError **error)
{
    g_autofree char *relative = g_build_filename("torch", name, NULL),
                    *path = support_data(relative);
    return tensor_file_open(path, error);
}

static const struct {
    const char *name;
    enum tensor_type type;
    int n_dims;
    int64_t dims[TENSOR_MAX_DIMS];
    float values[6];
} good[] = {
    {"base_model.model.model.mm_projector.0.weight",
     TENSOR_BF16,
     2,
     {2, 3},
     {0.75F, 1, 1.25F, 1.5F, 1.75F, 2}},
    {"slice", TENSOR_F32, 2, {2, 3}, {0.75F, 1, 1.25F, 1.5F, 1.75F, 2}},
    {"half", TENSOR_F16, 2, {2, 2}, {1.5F, -2, 65504, 0x1p-24F}},
    {"parameter", TENSOR_F32, 1, {2}, {3, 4}},
    {"scalar", TENSOR_F32, 0, {0}, {7}},
    {"none", TENSOR_F32, 2, {0, 5}, {0}},
};

static void test_good(void)
{
    g_autoptr(GError) error = NULL;
    struct tensor_file *file = open_data("good.bin", &error);
    g_assert_no_error(error);
    g_assert_cmpuint(tensor_file_count(file), ==, G_N_ELEMENTS(good) + 2);
    for (size_t i = 0; i < G_N_ELEMENTS(good); i++) {
        const struct tensor_view *view = tensor_file_find(file, good[i].name);
        float values[6];
        g_assert_nonnull(view);
        g_assert_cmpint(view->type, ==, good[i].type);
        g_assert_cmpint(view->n_dims, ==, good[i].n_dims);
        g_assert_cmpmem(view->dims, sizeof view->dims, good[i].dims, sizeof good[i].dims);
        tensor_view_to_f32(values, view, 0, tensor_view_count(view));
        for (size_t k = 0; k < tensor_view_count(view); k++)
            g_assert_cmpfloat(values[k], ==, good[i].values[k]);
    }
    g_assert_null(tensor_file_find(file, "many"));
    g_assert_null(tensor_file_find(file, "five"));
    tensor_file_close(file);
}

static void test_others(void)
{
    static const struct {
        const char *name, *cause;
    } rows[] = {
        {"transposed.bin", "tensor 'w' is not stored row by row"},
        {"nested.bin", "it is not a dictionary of tensors"},
        {"list.bin", "an instruction that a dictionary of tensors does not need"},
        {"number.bin", "it is not a dictionary of tensors"},
        {"protocol4.bin", "not of protocol 2"},
        {"legacy.bin", "not a safetensors file"},
        {"evil.bin", "it calls a function that a dictionary of tensors does not need"},
        {"packed.bin", "compressed"},
        {"other.bin", "it has no data.pkl"},
    };
    for (size_t i = 0; i < G_N_ELEMENTS(rows); i++) {
        g_autoptr(GError) error = NULL;
        g_assert_null(open_data(rows[i].name, &error));
        g_assert_nonnull(strstr(error->message, rows[i].name));
        model_folder_assert_error(&error, rows[i].cause);
    }
    g_assert_false(g_file_test("/tmp/fire-test-was-here", G_FILE_TEST_EXISTS));
}

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
    g_autofree char *path = support_data("torch/good.bin"), *bytes = NULL;
    gsize n;
    g_assert_true(g_file_get_contents(path, &bytes, &n, NULL));
    g_assert_true(parses(bytes, n));
    for (size_t cut = 0; cut < n; cut++)
        g_assert_false(parses(bytes, cut));
    size_t n_bad = 0;
    for (size_t bit = 0; bit < 8 * n; bit++) {
        bytes[bit / 8] ^= (char)(1 << bit % 8);
        n_bad += !parses(bytes, n);
        bytes[bit / 8] ^= (char)(1 << bit % 8);
    }
    g_assert_cmpuint(n_bad, >, n); /* no checksum is kept, so not all are seen */
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/torch-file/good", test_good);
    g_test_add_func("/torch-file/others", test_others);
    g_test_add_func("/torch-file/cut-and-flipped", test_cut_and_flipped);
    return g_test_run();
}
