/* replay.c -- runs a fuzz target over its corpus, without libFuzzer: fuzz_NAME over fuzz/corpus/NAME, as a TAP test. */
#include "fuzz.h"

#include <glib.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* In memory of exactly the file's size, so that a sanitizer sees a read beyond its end. */
static void replay(const char *path)
{
    g_autofree char *text = NULL;
    gsize n;
    g_assert_true(g_file_get_contents(path, &text, &n, NULL));
    uint8_t *bytes = malloc(n + (n == 0));
    g_assert_nonnull(bytes);
    memcpy(bytes, text, n);
    LLVMFuzzerTestOneInput(bytes, n);
    free(bytes);
}

int main(int argc, char **argv)
{
    (void)argc;
    g_autofree char *base = g_path_get_basename(argv[0]);
    g_autofree char *corpus = g_build_filename("fuzz", "corpus", base + strlen("fuzz_"), NULL);
    GDir *dir = g_dir_open(corpus, 0, NULL);
    int n = 0;
    g_assert_nonnull(dir);
    for (const char *name; (name = g_dir_read_name(dir));) {
        g_autofree char *path = g_build_filename(corpus, name, NULL);
        replay(path);
        printf("ok %d - %s\n", ++n, name);
    }
    g_dir_close(dir);
    printf("1..%d\n", n);
    return n > 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
