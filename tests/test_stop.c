/* stop: every stream in every cut into two or three pieces, and byte by byte. */
#include "model/stop.h"

#include <string.h>

struct stop_case {
    const char *strings[4];
    const char *stream;
    const char *passes; /* all that passes */
    bool is_done;
};

static const struct stop_case cases[] = {
    {{NULL}, "anything goes", "anything goes", false},
    {{"STOP", NULL}, "go STOP now", "go ", true},
    {{"STOP", NULL}, "STOP", "", true},
    {{"STOP", NULL}, "", "", false},
    {{"STOP", NULL}, "go STO", "go STO", false},
    {{"STOP", NULL}, "STSTOSTOPSTOP", "STSTO", true},
    {{"aab", NULL}, "aaaab", "aa", true},
    {{"abab", NULL}, "aababab", "a", true},
    {{"\n\n", NULL}, "a\nb\n\nc", "a\nb", true},
    {{"###", "\nUser:", NULL}, "one\nUse two\nUser: three###", "one\nUse two", true},
    {{"abcX", "bc", NULL}, "abcX", "a", true}, /* "bc" is complete first */
    {{"abc", "bc", NULL}, "xabcd", "x", true},
    {{"bc", "abc", NULL}, "xabcd", "x", true},  /* the longest of those that end together */
    {{"abcd", "bcx", NULL}, "abcx", "a", true}, /* from the middle of another's beginning */
    {{"", "b", NULL}, "abc", "a", true},        /* an empty one never stops */
    {{"", NULL}, "abc", "abc", false},
    {{"</s>", NULL}, "a < b </ c </s", "a < b </ c </s", false},
    {{"\xc3\xa9", NULL}, "\xc3\xa8t\xc3\xa9", "\xc3\xa8t", true},
};

/* What must be held of a stream that did not stop: its longest end that begins a stop string. */
static size_t expected_held(const struct stop_case *c, const char *stream, size_t n)
{
    for (size_t from = 0; from < n; from++)
        for (size_t i = 0; c->strings[i]; i++)
            if (n - from < strlen(c->strings[i]) &&
                strncmp(stream + from, c->strings[i], n - from) == 0)
                return n - from;
    return 0;
}

/* One piece; nothing but what finally passes may be there after it. */
static void take(const struct stop_case *c, struct stop *stop, size_t from, size_t to, GString *out)
{
    bool is_done = stop_take(stop, c->stream + from, to - from, out);
    g_assert_true(is_done == stop->is_done);
    g_assert_true(strncmp(out->str, c->passes, out->len) == 0);
    if (!is_done)
        g_assert_cmpuint(to - out->len, ==, expected_held(c, c->stream, to));
}

static void check_cut(const struct stop_case *c, struct stop *stop, const size_t *ends,
                      size_t n_ends)
{
    g_autoptr(GString) out = g_string_new(NULL);
    stop_reset(stop);
    for (size_t i = 0; i < n_ends; i++)
        take(c, stop, i > 0 ? ends[i - 1] : 0, ends[i], out);
    g_assert_true(stop->is_done == c->is_done);
    stop_finish(stop, out);
    g_assert_cmpstr(out->str, ==, c->passes);
    stop_finish(stop, out); /* gives nothing twice */
    g_assert_cmpstr(out->str, ==, c->passes);
}

static void test_cuts(void)
{
    for (size_t i = 0; i < G_N_ELEMENTS(cases); i++) {
        size_t n = strlen(cases[i].stream), single[64];
        struct stop stop;
        stop_init(&stop, NULL, 0, cases[i].strings);
        for (size_t a = 0; a <= n; a++)
            for (size_t b = a; b <= n; b++)
                check_cut(&cases[i], &stop, (const size_t[]){a, b, n}, 3);
        g_assert_cmpuint(n, <, G_N_ELEMENTS(single));
        for (size_t at = 0; at < n; at++)
            single[at] = at + 1;
        check_cut(&cases[i], &stop, single, n);
        stop_clear(&stop);
    }
}

static void test_after_the_end(void)
{
    static const char *const strings[] = {"x", NULL};
    g_autoptr(GString) out = g_string_new(NULL);
    struct stop stop;
    stop_init(&stop, NULL, 0, strings);
    g_assert_true(stop_take(&stop, "axb", 3, out));
    g_assert_true(stop_take(&stop, "cd", 2, out));
    stop_finish(&stop, out);
    g_assert_cmpstr(out->str, ==, "a");
    stop_reset(&stop);
    g_assert_false(stop_take(&stop, "ef", 2, out));
    g_assert_cmpstr(out->str, ==, "aef");
    stop_clear(&stop);
}

static void test_zero_bytes(void)
{
    static const char *const strings[] = {"b", NULL};
    g_autoptr(GString) out = g_string_new(NULL);
    struct stop stop;
    stop_init(&stop, NULL, 0, strings);
    g_assert_true(stop_take(&stop, "a\0cb", 4, out));
    g_assert_cmpmem(out->str, out->len, "a\0c", 3);
    stop_clear(&stop);
}

static void test_ids(void)
{
    static const int ids[] = {7, 128009, 0};
    struct stop stop;
    stop_init(&stop, ids, 3, NULL);
    g_assert_true(stop_is_id(&stop, 7) && stop_is_id(&stop, 128009) && stop_is_id(&stop, 0));
    g_assert_false(stop_is_id(&stop, 1) || stop_is_id(&stop, -1));
    stop_clear(&stop);
    stop_clear(&stop);
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/stop/cuts", test_cuts);
    g_test_add_func("/stop/after-the-end", test_after_the_end);
    g_test_add_func("/stop/zero-bytes", test_zero_bytes);
    g_test_add_func("/stop/ids", test_ids);
    return g_test_run();
}
