/* The Penn Treebank tokeniser: the reference sentences, a case for each rule, hostile texts. */
#include "base/json.h"
#include "metric/ptb.h"
#include "metric/tokenize.h"
#include "support/support.h"

#include <string.h>

static void append(void *user, const char *token, size_t n_bytes)
{
    json_array_append_new(user, json_stringn(token, n_bytes));
}

static json_t *all_tokens(const char *text)
{
    json_t *tokens = json_array();
    ptb_tokenize(text, strlen(text), append, tokens);
    return tokens;
}

static json_t *kept_tokens(const char *text)
{
    json_t *tokens = json_array();
    tokenize(TOKENIZER_PTB, text, strlen(text), append, tokens);
    return tokens;
}

static bool are_equal(const json_t *ours, const json_t *expected, const char *text, bool must)
{
    if (json_equal(ours, expected))
        return true;
    g_autofree char *a = json_print(ours);
    g_autofree char *b = json_print(expected);
    if (must)
        g_error("'%s'\n     ours %s\n expected %s", text, a, b);
    return false;
}

static void test_reference(void)
{
    g_autofree char *path = support_shared("reference/metrics/ptb_tokenizer.jsonl");
    if (!path)
        return;
    g_autoptr(json_t) lines = support_json_lines(path);
    size_t n_other = 0;
    for (size_t i = 0; i < json_array_size(lines); i++) {
        const json_t *line = json_array_get(lines, i);
        const char *text = json_get_string(line, "text");
        g_autoptr(json_t) kept = kept_tokens(text);
        g_autoptr(json_t) all = all_tokens(text);
        are_equal(kept, json_object_get(line, "tokens"), text, true);
        n_other += !are_equal(all, json_object_get(line, "all_tokens"), text, false);
    }
    g_assert_cmpuint(json_array_size(lines), ==, 300);
    /* One has a period that came from the line behind it. */
    g_assert_cmpuint(n_other, <=, 1);
}

static void test_rules(void)
{
    g_autofree char *path = support_data("ptb_cases.jsonl");
    g_autoptr(json_t) lines = support_json_lines(path);
    g_assert_cmpuint(json_array_size(lines), >=, 30);
    for (size_t i = 0; i < json_array_size(lines); i++) {
        const json_t *line = json_array_get(lines, i);
        const char *text = json_get_string(line, "text");
        g_autoptr(json_t) all = all_tokens(text);
        are_equal(all, json_object_get(line, "tokens"), text, true);
    }
}

static void test_punctuation(void)
{
    static const char *const dropped[] = {"''", "'", "``", "`",  ".",   "?", "!",
                                          ",",  ":", "-",  "--", "...", ";"};
    static const char *const kept[] = {"-lrb-", "-rrb-", "-lsb-", "?!", "!!",
                                       "-----", "a",     "%",     ""};
    for (size_t i = 0; i < G_N_ELEMENTS(dropped); i++)
        g_assert_true(ptb_is_punctuation(dropped[i], strlen(dropped[i])));
    for (size_t i = 0; i < G_N_ELEMENTS(kept); i++)
        g_assert_false(ptb_is_punctuation(kept[i], strlen(kept[i])));
    g_assert_false(ptb_is_punctuation("..", 2));
}

/* What a telephone number or fraction binds, the metrics take apart; line feeds are spaces. */
static void test_words(void)
{
    g_autoptr(json_t) tokens = kept_tokens("call (555)\n555-5555, or 1 1/2");
    g_autofree char *text = json_print(tokens);
    g_assert_cmpstr(text, ==,
                    "[\"call\",\"-lrb-555-rrb-\xc2\xa0"
                    "555-5555\",\"or\",\"1\xc2\xa0"
                    "1/2\"]");
    json_t *words = json_array();
    tokenize_words(TOKENIZER_PTB, "1 1/2", 5, append, words);
    g_assert_cmpuint(json_array_size(words), ==, 2);
    json_decref(words);
}

static void count_bytes(void *user, const char *token G_GNUC_UNUSED, size_t n_bytes)
{
    *(size_t *)user += n_bytes;
}

/* A quarter MB of what makes each far-reaching rule look ahead in vain: done at once, or never. */
static void test_hostile(void)
{
    static const char *const parts[] = {
        "<",
        "<a ",
        "<a b='",
        "<!a",
        "<a b=\"x' ",
        "a;",
        "a.",
        "a,",
        "a-",
        "a@",
        "a/",
        "www.a/",
        "www.aa/aa.",
        "a.com/",
        "1.",
        "1a1.",
        "A&",
        "http://",
        "Inc. <",
        "A. <",
        "..",
        "- ",
        "(1",
        "'",
        "&lt;a",
        "&#",
        "a'",
        "\xc2\xad",
        "\xe2\x80\xa6",
        "\xcc\x81",
        "\xff",
        "\xf0\x9f\x98\x80",
        "_",
        "#a",
        "$A",
    };
    enum { BYTES = 256 << 10 };
    for (size_t i = 0; i < G_N_ELEMENTS(parts); i++) {
        GString *text = g_string_sized_new(BYTES);
        while (text->len < BYTES)
            g_string_append(text, parts[i]);
        size_t n = 0;
        ptb_tokenize(text->str, text->len, count_bytes, &n);
        g_assert_cmpuint(n, <=, 6 * text->len);
        g_string_free(text, TRUE);
    }
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/ptb/reference", test_reference);
    g_test_add_func("/ptb/rules", test_rules);
    g_test_add_func("/ptb/punctuation", test_punctuation);
    g_test_add_func("/ptb/words", test_words);
    g_test_add_func("/ptb/hostile", test_hostile);
    return g_test_run();
}
