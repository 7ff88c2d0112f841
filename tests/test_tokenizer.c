/* tokenizer: ids and texts of the reference and of the `tokenizers` package, streams, and files that are wrong. */
#include "base/error.h"
#include "base/json.h"
#include "model/tokenizer.h"
#include "support/support.h"

#include <string.h>

static json_t *load(const char *path)
{
    json_error_t cause;
    json_t *json = json_load_file(path, JSON_ALLOW_NUL, &cause);
    if (!json)
        g_error("%s: %s", path, cause.text);
    return json;
}

static char *print(const json_t *json)
{
    g_autofree char *text = json_print(json);
    return g_steal_pointer(&text);
}

static struct tokenizer *parse(const json_t *file, GError **error)
{
    g_autofree char *text = print(file);
    return tokenizer_parse(text, strlen(text), error);
}

static GArray *ids_new(void)
{
    return g_array_new(FALSE, FALSE, sizeof(int32_t));
}

static char *print_ids(const GArray *ids)
{
    GString *text = g_string_new(NULL);
    for (guint i = 0; i < ids->len; i++)
        g_string_append_printf(text, "%d ", g_array_index(ids, int32_t, i));
    return g_string_free(text, FALSE);
}

static GArray *ids_from_json(const json_t *list)
{
    GArray *ids = ids_new();
    for (size_t i = 0; i < json_array_size(list); i++) {
        int32_t id = (int32_t)json_integer_value(json_array_get(list, i));
        g_array_append_val(ids, id);
    }
    return ids;
}

static void assert_ids(const GArray *ids, const json_t *expected, const char *text)
{
    g_autoptr(GArray) wanted = ids_from_json(expected);
    g_autofree char *got = print_ids(ids), *want = print_ids(wanted);
    if (strcmp(got, want) != 0)
        g_error("'%s' gives %s, not %s", text, got, want);
}

static void assert_text(const GString *text, const char *expected, size_t n_expected,
                        const char *what)
{
    if (text->len != n_expected || memcmp(text->str, expected, n_expected) != 0)
        g_error("%s: '%s', not '%s'", what, text->str, expected);
}

/* Decodes at once and id by id; every push must give whole characters. */
static void assert_decodes(const struct tokenizer *tokenizer, const GArray *ids, bool skip_special,
                           const json_t *expected)
{
    const char *text = json_string_value(expected);
    size_t n_text = json_string_length(expected);
    const int32_t *list = (const int32_t *)(void *)ids->data;
    g_autoptr(GString) whole = g_string_new(NULL), streamed = g_string_new(NULL),
                       push = g_string_new(NULL);
    tokenizer_decode(tokenizer, list, ids->len, skip_special, whole);
    assert_text(whole, text, n_text, "decoded");
    struct token_stream *stream = token_stream_new(tokenizer, skip_special);
    for (int round = 0; round < 2; round++) {
        g_string_truncate(streamed, 0);
        for (guint i = 0; i <= ids->len; i++) {
            g_string_truncate(push, 0);
            if (i < ids->len)
                token_stream_push(stream, list[i], push);
            else
                token_stream_finish(stream, push);
            g_assert_true(g_utf8_validate_len(push->str, push->len, NULL) ||
                          memchr(push->str, 0, push->len));
            g_string_append_len(streamed, push->str, (gssize)push->len);
        }
        assert_text(streamed, text, n_text, "streamed");
    }
    token_stream_free(stream);
}

static void assert_item(const struct tokenizer *tokenizer, const json_t *item, bool ids_only)
{
    const json_t *text = json_object_get(item, "text"), *decoded = json_object_get(item, "decoded");
    g_autoptr(GArray) ids = ids_from_json(json_object_get(item, "ids"));
    if (text) {
        g_autoptr(GError) error = NULL;
        g_array_set_size(ids, 0);
        tokenizer_encode(tokenizer, json_string_value(text), json_string_length(text), false, ids,
                         &error);
        g_assert_no_error(error);
        assert_ids(ids, json_object_get(item, "ids"), json_string_value(text));
    }
    if (ids_only)
        return;
    decoded = decoded ? decoded : text;
    const json_t *skipped = json_object_get(item, "skipped");
    if (!skipped)
        skipped = json_object_get(item, "decoded_skip_special");
    assert_decodes(tokenizer, ids, false, decoded);
    assert_decodes(tokenizer, ids, true, skipped ? skipped : decoded);
}

/* Reference */

static void test_reference(gconstpointer data)
{
    g_autofree char *name =
        g_strdup_printf("reference/engine/tokenizer-%s.json", (const char *)data);
    g_autofree char *path = support_shared(name), *models = support_shared("reference/engine");
    if (!path || !models)
        return;
    g_autoptr(json_t) reference = load(path);
    g_autofree char *folder = g_strdup_printf("%s/models/%s-f32", models, (const char *)data);
    g_autoptr(GError) error = NULL;
    struct tokenizer *tokenizer = tokenizer_load(folder, &error);
    g_assert_no_error(error);
    const json_t *cases = json_object_get(reference, "cases"),
                 *decode_only = json_object_get(reference, "decode_only");
    g_assert_cmpuint(json_array_size(cases), ==, 321);
    g_assert_cmpuint(json_array_size(decode_only), >, 0);
    for (size_t i = 0; i < json_array_size(cases); i++)
        assert_item(tokenizer, json_array_get(cases, i), false);
    for (size_t i = 0; i < json_array_size(decode_only); i++)
        assert_item(tokenizer, json_array_get(decode_only, i), false);
    g_autoptr(GArray) ids = ids_new();
    g_assert_true(tokenizer_encode(tokenizer, "a", 1, true, ids, NULL));
    g_assert_cmpint(g_array_index(ids, int32_t, 0), ==,
                    tokenizer_find(tokenizer, "<|begin_of_text|>"));
    g_assert_cmpuint(ids->len, ==, 2);
    tokenizer_free(tokenizer);
}

/* The cases of tests/data/tokenizer */

static json_t *load_data(const char *name)
{
    g_autofree char *relative = g_strdup_printf("tokenizer/%s.json", name),
                    *path = support_data(relative);
    return load(path);
}

static struct tokenizer *make_variant(const json_t *variant)
{
    g_autoptr(GError) error = NULL;
    g_autoptr(json_t) file = load_data(json_get_string(variant, "base"));
    json_object_update(file, json_object_get(variant, "patch"));
    json_object_update(json_object_get(file, "model"), json_object_get(variant, "model"));
    struct tokenizer *tokenizer = parse(file, &error);
    g_assert_no_error(error);
    return tokenizer;
}

static void test_variants(void)
{
    g_autoptr(json_t) cases = load_data("cases");
    g_assert_cmpuint(json_array_size(cases), >, 30);
    for (size_t i = 0; i < json_array_size(cases); i++) {
        const json_t *variant = json_array_get(cases, i),
                     *items = json_object_get(variant, "items");
        g_autofree char *patch = print(json_object_get(variant, "patch"));
        g_test_message("%s %s", json_get_string(variant, "base"), patch);
        struct tokenizer *tokenizer = make_variant(variant);
        for (size_t k = 0; k < json_array_size(items); k++)
            assert_item(tokenizer, json_array_get(items, k),
                        json_is_true(json_object_get(variant, "ids_only")));
        g_autoptr(GArray) ids = ids_new();
        g_assert_true(tokenizer_encode(tokenizer, "", 0, true, ids, NULL));
        assert_ids(ids, json_object_get(variant, "added"), "");
        tokenizer_free(tokenizer);
    }
}

static struct tokenizer *open_data(const char *name)
{
    g_autoptr(json_t) file = load_data(name);
    g_autoptr(GError) error = NULL;
    struct tokenizer *tokenizer = parse(file, &error);
    g_assert_no_error(error);
    return tokenizer;
}

static void test_tokens(void)
{
    struct tokenizer *tokenizer = open_data("llama3");
    int32_t begin = tokenizer_find(tokenizer, "<|begin_of_text|>"), n = tokenizer_n_ids(tokenizer);
    g_assert_cmpint(begin, >=, 0);
    g_assert_cmpint(tokenizer_begin_token(tokenizer), ==, begin);
    g_assert_cmpstr(tokenizer_token(tokenizer, begin), ==, "<|begin_of_text|>");
    g_assert_true(tokenizer_is_special(tokenizer, begin));
    g_assert_false(tokenizer_is_special(tokenizer, 0));
    g_assert_false(tokenizer_is_special(tokenizer, n));
    g_assert_false(tokenizer_is_special(tokenizer, -1));
    g_assert_null(tokenizer_token(tokenizer, n));
    g_assert_null(tokenizer_token(tokenizer, -200));
    g_assert_nonnull(tokenizer_token(tokenizer, n - 1));
    g_assert_cmpint(tokenizer_find(tokenizer, "no such token"), ==, -1);
    /* Rows past the last token decode to nothing. */
    const int32_t ids[] = {n + 5, tokenizer_find(tokenizer, "a"), -200};
    g_autoptr(GString) text = g_string_new(NULL);
    tokenizer_decode(tokenizer, ids, G_N_ELEMENTS(ids), false, text);
    g_assert_cmpstr(text->str, ==, "a");
    tokenizer_free(tokenizer);
}

/* A stream gives a character with its last byte, not before and not later. */
static void test_stream(void)
{
    static const struct {
        const char *name, *tokens[4], *after[4];
    } cases[] = {
        {"llama3", {"ð", "Ł", "ĺ", "Ģ"}, {"", "", "", "😀"}},
        {"llama3", {"ð", "Ł", "a", NULL}, {"", "", "\uFFFDa", ""}},
        {"llama3", {"a", "ð", NULL, NULL}, {"a", "a", "a\uFFFD", ""}},
        {"llama2", {"<0xC3>", "<0xA9>", "a", NULL}, {"", "", "éa", ""}},
        {"llama2", {"<0xC3>", "a", NULL, NULL}, {"", "\uFFFDa", "", ""}},
        {"llama2", {"▁a", "▁", "b", NULL}, {"a", "a ", "a b", ""}},
    };
    for (size_t i = 0; i < G_N_ELEMENTS(cases); i++) {
        struct tokenizer *tokenizer = open_data(cases[i].name);
        struct token_stream *stream = token_stream_new(tokenizer, false);
        g_autoptr(GString) text = g_string_new(NULL);
        size_t k = 0;
        for (; k < 4 && cases[i].tokens[k]; k++) {
            int32_t id = tokenizer_find(tokenizer, cases[i].tokens[k]);
            g_assert_cmpint(id, >=, 0);
            token_stream_push(stream, id, text);
            g_assert_cmpstr(text->str, ==, cases[i].after[k]);
        }
        if (k < 4 && cases[i].after[k][0]) {
            token_stream_finish(stream, text);
            g_assert_cmpstr(text->str, ==, cases[i].after[k]);
        }
        token_stream_free(stream);
        tokenizer_free(tokenizer);
    }
}

/* One word of 20,000 letters. (Words of more than 64 symbols with their ids are among the variants.) */
static void test_long(void)
{
    static const char *const names[] = {"gpt2", "llama3", "llama2"};
    for (size_t i = 0; i < G_N_ELEMENTS(names); i++) {
        struct tokenizer *tokenizer = open_data(names[i]);
        g_autoptr(GArray) ids = ids_new();
        g_autoptr(GString) text = g_string_new(NULL), back = g_string_new(NULL);
        for (int k = 0; k < 20000; k++)
            g_string_append_c(text, (char)('a' + k % 7 % 5));
        g_assert_true(tokenizer_encode(tokenizer, text->str, text->len, false, ids, NULL));
        g_assert_cmpuint(ids->len, <, text->len);
        tokenizer_decode(tokenizer, (const int32_t *)(void *)ids->data, ids->len, false, back);
        g_assert_cmpstr(back->str, ==, text->str);
        tokenizer_free(tokenizer);
    }
}

/* Work grows with the length and not its square: these would not end otherwise. */
static void test_hostile_text(void)
{
    static const char *const units[] = {"a",   " ", "\n",      "<", "<|",         "é",
                                        "\t ", "1", "👩‍", "'", "<|eot_id|>", "\0x"};
    static const char *const names[] = {"gpt2", "llama3", "llama2"};
    for (size_t i = 0; i < G_N_ELEMENTS(names); i++) {
        struct tokenizer *tokenizer = open_data(names[i]);
        for (size_t u = 0; u < G_N_ELEMENTS(units); u++) {
            g_autoptr(GString) text = g_string_new(NULL);
            while (text->len < 200000)
                g_string_append_len(text, units[u], units[u][0] ? (gssize)strlen(units[u]) : 2);
            g_autoptr(GArray) ids = ids_new();
            g_autoptr(GError) error = NULL;
            tokenizer_encode(tokenizer, text->str, text->len, true, ids, &error);
            g_assert_no_error(error);
            g_assert_cmpuint(ids->len, >, 0);
        }
        tokenizer_free(tokenizer);
    }
}

static void test_bad_text(void)
{
    static const char *const texts[] = {
        "\xff", "a\xc3", "\xed\xa0\x80", "\xf4\x90\x80\x80", "\xc0\x80", "abcdefgh\x80"};
    struct tokenizer *tokenizer = open_data("llama2");
    g_autoptr(GArray) ids = ids_new();
    int32_t seven = 7;
    g_array_append_val(ids, seven);
    for (size_t i = 0; i < G_N_ELEMENTS(texts); i++) {
        g_autoptr(GError) error = NULL;
        g_assert_false(tokenizer_encode(tokenizer, texts[i], strlen(texts[i]), true, ids, &error));
        g_assert_error(error, FIRE_ERROR, FIRE_ERROR_FORMAT);
        g_assert_cmpuint(ids->len, ==, 1);
    }
    tokenizer_free(tokenizer);
}

/* One tokenizer, many threads. */

struct shared {
    const struct tokenizer *tokenizer;
    const json_t *items;
};

static gpointer encode_all(gpointer data)
{
    const struct shared *shared = data;
    for (int round = 0; round < 5; round++)
        for (size_t i = 0; i < json_array_size(shared->items); i++)
            assert_item(shared->tokenizer, json_array_get(shared->items, i), false);
    return NULL;
}

static void test_threads(void)
{
    g_autoptr(json_t) cases = load_data("cases");
    struct tokenizer *tokenizer = make_variant(json_array_get(cases, 1));
    struct shared shared = {tokenizer, json_object_get(json_array_get(cases, 1), "items")};
    GThread *threads[4];
    for (size_t i = 0; i < G_N_ELEMENTS(threads); i++)
        threads[i] = g_thread_new("encode", encode_all, &shared);
    for (size_t i = 0; i < G_N_ELEMENTS(threads); i++)
        g_thread_join(threads[i]);
    tokenizer_free(tokenizer);
}

/* Files that are wrong: a patch of gpt2.json, and what the message must hold. */
static const struct {
    const char *patch, *model, *message;
} bad_files[] = {
    {"{\"model\":{\"type\":\"WordPiece\",\"vocab\":{}}}", NULL,
     "model: type 'WordPiece' is not supported"},
    {"{\"model\":null}", NULL, "model: "},
    {"{\"model\":[]}", NULL, "model: "},
    {NULL, "{\"merges\":null}", "'merges' no list"},
    {NULL, "{\"vocab\":[]}", "'vocab' is no object"},
    {NULL, "{\"vocab\":{}}", "model: merge 0 names"},
    {NULL, "{\"vocab\":{\"a\":0,\"b\":0},\"merges\":[]}", "id 0 belongs to 'a' and 'b'"},
    {NULL, "{\"vocab\":{\"a\":0,\"b\":7},\"merges\":[]}", "id 7 of 'b' leaves a hole"},
    {NULL, "{\"vocab\":{\"a\":0,\"b\":4611686018427387904},\"merges\":[]}", "leaves a hole"},
    {NULL, "{\"vocab\":{\"a\":-1},\"merges\":[]}", "id -1 of 'a'"},
    {NULL, "{\"vocab\":{\"a\":0.5},\"merges\":[]}", "no whole number"},
    {NULL, "{\"vocab\":{\"a\":\"0\"},\"merges\":[]}", "no whole number"},
    {NULL, "{\"vocab\":{\"a\":0,\"b\":1,\"\":2},\"merges\":[[\"\",\"a\"]]}",
     "merge 0 has an empty part, so it is a cycle"},
    {NULL, "{\"vocab\":{\"a\":0,\"b\":1,\"\":2},\"merges\":[\"a \"]}", "merge 0 has an empty part"},
    {NULL, "{\"vocab\":{\"a\":0,\"b\":1,\"ab\":2},\"merges\":[\"a b\",\"a c\"]}",
     "merge 1 names 'c', which is not"},
    {NULL, "{\"vocab\":{\"a\":0,\"b\":1,\"ab\":2},\"merges\":[\"a b\",\"b a\"]}",
     "merge 1 makes 'ba', which is not"},
    {NULL, "{\"merges\":[\"a b c\"]}", "merge 0 is not a pair"},
    {NULL, "{\"merges\":[\"ab\"]}", "merge 0 is not a pair"},
    {NULL, "{\"merges\":[[\"a\"]]}", "merge 0 is not a pair"},
    {NULL, "{\"merges\":[[\"a\",1]]}", "merge 0 is not a pair"},
    {NULL, "{\"merges\":[7]}", "merge 0 is not a pair"},
    {NULL, "{\"dropout\":0.1}", "'dropout' is not supported"},
    {NULL, "{\"end_of_word_suffix\":\"</w>\"}", "'end_of_word_suffix' is not supported"},
    {NULL, "{\"unk_token\":\"<nothing>\"}", "unk_token '<nothing>' is not in"},
    {NULL, "{\"byte_fallback\":1}", "'byte_fallback' is not true or false"},
    {"{\"added_tokens\":{}}", NULL, "added_tokens: no list"},
    {"{\"added_tokens\":[7]}", NULL, "'content' is missing"},
    {"{\"added_tokens\":[{\"id\":3,\"content\":\"<x>\"}]}", NULL, "added_tokens: id 3 belongs to"},
    {"{\"added_tokens\":[{\"id\":999,\"content\":\"<x>\"}]}", NULL,
     "id 999 of '<x>' leaves a hole"},
    {"{\"added_tokens\":[{\"content\":\"<x>\"}]}", NULL, "the id of '<x>' is missing"},
    {"{\"added_tokens\":[{\"id\":480,\"content\":\"\"}]}", NULL, "is empty or longer"},
    {"{\"added_tokens\":[{\"id\":0,\"content\":\"<|endoftext|>\"},{\"id\":0,\"content\":\"<|"
     "endoftext|>\"}]}",
     NULL, "'<|endoftext|>' is there twice"},
    {"{\"added_tokens\":[{\"id\":1,\"content\":\"<|endoftext|>\"}]}", NULL,
     "added_tokens: id 1 belongs to"},
    {"{\"normalizer\":{\"type\":\"Lowercase\"}}", NULL,
     "normalizer: type 'Lowercase' is not supported"},
    {"{\"normalizer\":{\"type\":\"Prepend\"}}", NULL, "normalizer: 'prepend' is missing"},
    {"{\"normalizer\":7}", NULL, "normalizer: 'type' is missing"},
    {"{\"pre_tokenizer\":{\"type\":\"Digits\"}}", NULL,
     "pre_tokenizer: type 'Digits' is not supported"},
    {"{\"pre_tokenizer\":{\"type\":\"Sequence\"}}", NULL, "'pretokenizers' is missing"},
    {"{\"pre_tokenizer\":{\"type\":\"Split\",\"pattern\":{\"Regex\":\"(\"},\"behavior\":"
     "\"Isolated\"}}",
     NULL, "pre_tokenizer: bad regex '('"},
    {"{\"pre_tokenizer\":{\"type\":\"Split\",\"pattern\":{\"Regex\":\"a\\\\b\"},\"behavior\":"
     "\"Isolated\"}}",
     NULL, "regex construct '\\b' at byte 1 is not supported"},
    {"{\"pre_tokenizer\":{\"type\":\"Split\",\"pattern\":{\"Regex\":\"[a&&b]\"},\"behavior\":"
     "\"Isolated\"}}",
     NULL, "regex construct '&&'"},
    {"{\"pre_tokenizer\":{\"type\":\"Split\",\"pattern\":{\"Regex\":\"[a\"},\"behavior\":"
     "\"Isolated\"}}",
     NULL, "not supported"},
    {"{\"pre_tokenizer\":{\"type\":\"Split\",\"pattern\":{\"Regex\":\"(*UTF)a\"},\"behavior\":"
     "\"Isolated\"}}",
     NULL, "'(*'"},
    {"{\"pre_tokenizer\":{\"type\":\"Split\",\"pattern\":{\"Regex\":\"\\\\p{Nonsense}\"},"
     "\"behavior\":\"Isolated\"}}",
     NULL, "bad regex"},
    {"{\"pre_tokenizer\":{\"type\":\"Split\",\"pattern\":{\"Regex\":\"\"},\"behavior\":"
     "\"Isolated\"}}",
     NULL, "empty pattern"},
    {"{\"pre_tokenizer\":{\"type\":\"Split\",\"pattern\":{},\"behavior\":\"Isolated\"}}", NULL,
     "no String or Regex"},
    {"{\"pre_tokenizer\":{\"type\":\"Split\",\"pattern\":{\"String\":\"a\"},\"behavior\":"
     "\"Sideways\"}}",
     NULL, "behavior 'Sideways' is not supported"},
    {"{\"pre_tokenizer\":{\"type\":\"Sequence\",\"pretokenizers\":[{\"type\":\"ByteLevel\"},{"
     "\"type\":\"ByteLevel\"}]}}",
     NULL, "ByteLevel is not the last step"},
    {"{\"pre_tokenizer\":{\"type\":\"Metaspace\",\"replacement\":\"ab\"}}", NULL,
     "not one character"},
    {"{\"pre_tokenizer\":{\"type\":\"Metaspace\",\"replacement\":\"_\",\"prepend_scheme\":"
     "\"often\"}}",
     NULL, "prepend_scheme 'often' is not supported"},
    {"{\"post_processor\":{\"type\":\"RobertaProcessing\"}}", NULL,
     "post_processor: type 'RobertaProcessing'"},
    {"{\"post_processor\":{\"type\":\"TemplateProcessing\",\"single\":[{\"SpecialToken\":{\"id\":"
     "\"<s>\"}},"
     "{\"Sequence\":{\"id\":\"A\"}}],\"special_tokens\":{}}}",
     NULL, "special token '<s>' has no ids"},
    {"{\"post_processor\":{\"type\":\"TemplateProcessing\",\"single\":[{\"SpecialToken\":{\"id\":"
     "\"<s>\"}},"
     "{\"Sequence\":{\"id\":\"A\"}}],\"special_tokens\":{\"<s>\":{\"ids\":[480]}}}}",
     NULL, "id 480 of '<s>'"},
    {"{\"post_processor\":{\"type\":\"TemplateProcessing\",\"single\":[{\"Sequence\":{\"id\":\"B\"}"
     "}]}}",
     NULL, "sequence A"},
    {"{\"post_processor\":{\"type\":\"TemplateProcessing\",\"single\":[]}}", NULL,
     "holds no sequence"},
    {"{\"decoder\":{\"type\":\"CTC\"}}", NULL, "decoder: type 'CTC' is not supported"},
    {"{\"decoder\":{\"type\":\"Sequence\",\"decoders\":[{\"type\":\"Fuse\"},{\"type\":"
     "\"ByteFallback\"}]}}",
     NULL, "ByteFallback after the tokens are joined"},
    {"{\"decoder\":{\"type\":\"Strip\",\"content\":\" \",\"start\":0,\"stop\":1}}", NULL,
     "at the start only"},
};

static void assert_bad(const char *text, size_t n_bytes, const char *message)
{
    g_autoptr(GError) error = NULL;
    g_assert_null(tokenizer_parse(text, n_bytes, &error));
    g_assert_error(error, FIRE_ERROR, FIRE_ERROR_FORMAT);
    if (!strstr(error->message, message) || strchr(error->message, '\n'))
        g_error("'%s' does not hold '%s'", error->message, message);
}

static void test_bad_files(void)
{
    for (size_t i = 0; i < G_N_ELEMENTS(bad_files); i++) {
        g_autoptr(json_t) file = load_data("gpt2");
        if (bad_files[i].patch) {
            g_autoptr(json_t) patch = json_loads(bad_files[i].patch, 0, NULL);
            g_assert_nonnull(patch);
            json_object_update(file, patch);
        }
        if (bad_files[i].model) {
            g_autoptr(json_t) patch = json_loads(bad_files[i].model, 0, NULL);
            g_assert_nonnull(patch);
            json_object_update(json_object_get(file, "model"), patch);
            if (json_object_get(patch, "vocab"))
                json_object_set_new(file, "added_tokens", json_array());
        }
        g_autofree char *text = print(file);
        assert_bad(text, strlen(text), bad_files[i].message);
    }
}

static void test_no_json(void)
{
    g_autoptr(GString) deep = g_string_new(NULL), sequences = g_string_new("{\"normalizer\":");
    for (int i = 0; i < 100000; i++)
        g_string_append_c(deep, '[');
    for (int i = 0; i < 20; i++)
        g_string_append(sequences, "{\"type\":\"Sequence\",\"normalizers\":[");
    g_string_append(sequences, "{\"type\":\"NFC\"}");
    for (int i = 0; i < 20; i++)
        g_string_append(sequences, "]}");
    g_string_append(sequences, ",\"model\":{\"vocab\":{\"a\":0},\"merges\":[]}}");
    assert_bad("", 0, "byte 0");
    assert_bad("[]", 2, "model: ");
    assert_bad("7", 1, "model: ");
    assert_bad("{\"model\":", 9, "byte 9");
    assert_bad("{\"model\":{\"vocab\":{\"a\":0,\"a\":1},\"merges\":[]}}", 45, "duplicate");
    assert_bad(deep->str, deep->len, "maximum parsing depth");
    assert_bad(sequences->str, sequences->len, "nested more than");
}

/* A pattern that would run for ages is given up. */
static void test_hostile_regex(void)
{
    g_autoptr(json_t) file = load_data("gpt2");
    json_object_set_new(file, "pre_tokenizer",
                        json_pack("{s:s,s:{s:s},s:s}", "type", "Split", "pattern", "Regex",
                                  "(?:(?:a|aa)+)+$", "behavior", "Isolated"));
    g_autoptr(GError) error = NULL;
    struct tokenizer *tokenizer = parse(file, &error);
    g_assert_no_error(error);
    g_autoptr(GArray) ids = ids_new();
    g_autofree char *text = g_strnfill(60, 'a');
    g_autofree char *bad = g_strconcat(text, "b", NULL);
    g_assert_false(tokenizer_encode(tokenizer, bad, strlen(bad), false, ids, &error));
    g_assert_error(error, FIRE_ERROR, FIRE_ERROR_FORMAT);
    g_assert_nonnull(strstr(error->message, "the split regex fails on this text"));
    tokenizer_free(tokenizer);
}

static void test_load(void)
{
    g_autofree char *folder = support_folder();
    g_autoptr(GError) error = NULL;
    g_assert_null(tokenizer_load(folder, &error));
    g_assert_error(error, FIRE_ERROR, FIRE_ERROR_IO);
    g_assert_nonnull(strstr(error->message, "tokenizer.json"));
    g_clear_error(&error);
    g_autofree char *path = support_write(folder, "tokenizer.json", "{}");
    g_assert_null(tokenizer_load(folder, &error));
    g_assert_error(error, FIRE_ERROR, FIRE_ERROR_FORMAT);
    g_assert_true(g_str_has_prefix(error->message, "cannot use '"));
    g_assert_nonnull(strstr(error->message, path));
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_data_func("/tokenizer/reference/a", "a", test_reference);
    g_test_add_data_func("/tokenizer/reference/b", "b", test_reference);
    g_test_add_func("/tokenizer/variants", test_variants);
    g_test_add_func("/tokenizer/tokens", test_tokens);
    g_test_add_func("/tokenizer/stream", test_stream);
    g_test_add_func("/tokenizer/long", test_long);
    g_test_add_func("/tokenizer/hostile_text", test_hostile_text);
    g_test_add_func("/tokenizer/bad_text", test_bad_text);
    g_test_add_func("/tokenizer/threads", test_threads);
    g_test_add_func("/tokenizer/bad_files", test_bad_files);
    g_test_add_func("/tokenizer/no_json", test_no_json);
    g_test_add_func("/tokenizer/hostile_regex", test_hostile_regex);
    g_test_add_func("/tokenizer/load", test_load);
    return g_test_run();
}
