/* fuzz_safetensors.c -- files of tensors, safetensors and torch.save: any bytes are refused or can be read to the end. */
#include "model/tensor_file.h"
#include "model/tensor_name.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t n_bytes);

static void read_all(const struct tensor_view *view)
{
    float values[64];
    size_t n = tensor_view_count(view);
    for (size_t first = 0; first < n; first += G_N_ELEMENTS(values))
        tensor_view_to_f32(values, view, first, MIN(n - first, G_N_ELEMENTS(values)));
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t n_bytes)
{
    g_autoptr(GError) error = NULL;
    struct tensor_file *file = tensor_file_parse(bytes, n_bytes, "bytes", &error);
    g_assert((file == NULL) == (error != NULL));
    for (size_t i = 0; file && i < tensor_file_count(file); i++) {
        const struct tensor_view *view = tensor_file_view(file, i);
        g_autofree char *name = tensor_name_from_file(tensor_file_name(file, i));
        if (name)
            g_free(tensor_name_to_file(name, LAYOUT_HF));
        if (view)
            read_all(view);
    }
    tensor_file_close(file);
    return 0;
}
