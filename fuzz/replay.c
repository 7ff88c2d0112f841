/* replay.c -- runs a fuzz target over the files that are named, where no fuzzer is linked in. */
#include <glib.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n_bytes);

int main(int argc, char **argv)
{
    for (int i = 1; i < argc; i++) {
        g_autofree char *data = NULL;
        g_autoptr(GError) error = NULL;
        size_t n_bytes;
        if (!g_file_get_contents(argv[i], &data, &n_bytes, &error)) {
            fprintf(stderr, "replay: %s\n", error->message);
            return 1;
        }
        LLVMFuzzerTestOneInput((const uint8_t *)data, n_bytes);
    }
    printf("%d files\n", argc - 1);
    return 0;
}
