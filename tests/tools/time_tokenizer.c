/* time_tokenizer.c -- time_tokenizer FOLDER FILE RUNS: the times of one thread that encodes and decodes a text, as one line
 * of JSON for bench/tokenize.
 *
 * Each run loads the tokenizer anew: `cold` is its first encoding, with no word known, `warm` the second. Seconds are the
 * thread's own CPU time, so that what else the machine does falls out. */
#include "base/json.h"
#include "model/tokenizer.h"

#include <stdio.h>
#include <stdlib.h>
#include <time.h>

static double cpu_seconds(void)
{
    struct timespec now;
    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now);
    return (double)now.tv_sec + (double)now.tv_nsec * 1e-9;
}

static void give_up(const GError *error)
{
    fprintf(stderr, "time_tokenizer: %s\n", error->message);
    exit(1);
}

struct times {
    json_t *load, *cold, *warm, *decode;
};

static void run(const char *folder, const char *text, size_t n_bytes, struct times *times,
                GArray *ids)
{
    g_autoptr(GError) error = NULL;
    double start = cpu_seconds();
    struct tokenizer *tokenizer = tokenizer_load(folder, &error);
    if (!tokenizer)
        give_up(error);
    json_array_append_new(times->load, json_real(cpu_seconds() - start));
    json_t *const encodings[] = {times->cold, times->warm};
    for (size_t i = 0; i < G_N_ELEMENTS(encodings); i++) {
        g_array_set_size(ids, 0);
        start = cpu_seconds();
        if (!tokenizer_encode(tokenizer, text, n_bytes, false, ids, &error))
            give_up(error);
        json_array_append_new(encodings[i], json_real(cpu_seconds() - start));
    }
    g_autoptr(GString) decoded = g_string_new(NULL);
    start = cpu_seconds();
    tokenizer_decode(tokenizer, (const int32_t *)(void *)ids->data, ids->len, false, decoded);
    json_array_append_new(times->decode, json_real(cpu_seconds() - start));
    tokenizer_free(tokenizer);
}

int main(int argc, char **argv)
{
    g_autoptr(GError) error = NULL;
    g_autofree char *text = NULL;
    size_t n_bytes;
    if (argc != 4) {
        fputs("usage: time_tokenizer FOLDER FILE RUNS\n", stderr);
        return 2;
    }
    if (!g_file_get_contents(argv[2], &text, &n_bytes, &error))
        give_up(error);
    struct times times = {json_array(), json_array(), json_array(), json_array()};
    g_autoptr(GArray) ids = g_array_new(FALSE, FALSE, sizeof(int32_t));
    for (gint64 i = g_ascii_strtoll(argv[3], NULL, 10); i > 0; i--)
        run(argv[1], text, n_bytes, &times, ids);
    json_t *list = json_array();
    for (guint i = 0; i < ids->len; i++)
        json_array_append_new(list, json_integer(g_array_index(ids, int32_t, i)));
    g_autoptr(json_t) object =
        json_pack("{s:I,s:o,s:o,s:o,s:o,s:o}", "bytes", (json_int_t)n_bytes, "load", times.load,
                  "cold", times.cold, "warm", times.warm, "decode", times.decode, "ids", list);
    g_autofree char *line = json_print(object);
    puts(line);
    return 0;
}
