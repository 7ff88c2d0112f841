/* tokenizer_json.c -- the model and the added tokens; the other keys are read by tokenizer_steps.c.
 *
 * A file is read strictly: a type, a behaviour or a setting that is not known is an error, because ignoring it would give
 * other ids without a word. Ids are 0 to n - 1 without holes, so that their number bounds every allocation. */
#include "model/tokenizer_json.h"

#include "model/tokenizer_steps.h"

#include <string.h>

/* The model */

static bool check_bpe(struct tokenizer_reader *r, const json_t *model)
{
    static const char *const refused[] = {"continuing_subword_prefix", "end_of_word_suffix"};
    const char *type = json_get_string(model, "type");
    if (type && strcmp(type, "BPE") != 0)
        return tokenizer_reader_fail(r, "type '%.100s' is not supported", type);
    if (!json_is_object(json_object_get(model, "vocab")) ||
        !json_is_array(json_object_get(model, "merges")))
        return tokenizer_reader_fail(r, "'vocab' is no object or 'merges' no list");
    for (size_t i = 0; i < G_N_ELEMENTS(refused); i++)
        if (*(json_get_string(model, refused[i]) ? json_get_string(model, refused[i]) : ""))
            return tokenizer_reader_fail(r, "'%s' is not supported", refused[i]);
    if (json_get_number(model, "dropout", 0) != 0)
        return tokenizer_reader_fail(r, "'dropout' is not supported");
    return true;
}

static bool add_token(struct tokenizer_reader *r, int32_t id, const char *token)
{
    size_t n_bytes;
    if (token_table_add(r->parts->tokens, id, token, strlen(token)))
        return true;
    const char *other = token_table_get(r->parts->tokens, id, &n_bytes);
    return other ? tokenizer_reader_fail(r, "id %d belongs to '%.100s' and '%.100s'", id, other,
                                         token)
                 : tokenizer_reader_fail(r, "token '%.100s' has two ids", token);
}

static bool read_vocab(struct tokenizer_reader *r, const json_t *vocab)
{
    const char *token;
    json_t *value;
    json_object_foreach ((json_t *)vocab, token, value) {
        int32_t id;
        if (!tokenizer_reader_get_id(r, value, token, &id) || !add_token(r, id, token))
            return false;
        if (!bpe_add_token(r->parts->bpe, id, token))
            return tokenizer_reader_fail(r, "token '%.100s' is there twice", token);
    }
    return true;
}

static int32_t find_token(const struct tokenizer_reader *r, const char *token, size_t n_bytes)
{
    return token_table_find(r->parts->tokens, token, n_bytes);
}

/* "left right" or ["left", "right"]; borrowed from `merge`. */
static bool get_merge(const json_t *merge, const char **left, size_t *n_left, const char **right)
{
    if (json_is_array(merge) && json_array_size(merge) == 2) {
        *left = json_string_value(json_array_get(merge, 0));
        *right = json_string_value(json_array_get(merge, 1));
        *n_left = *left ? strlen(*left) : 0;
    } else {
        *left = json_string_value(merge);
        const char *space = *left ? strchr(*left, ' ') : NULL;
        *right = space && !strchr(space + 1, ' ') ? space + 1 : NULL;
        *n_left = space ? (size_t)(space - *left) : 0;
    }
    return *left && *right;
}

static bool read_merge(struct tokenizer_reader *r, size_t rank, const json_t *merge,
                       GString *joined)
{
    const char *left, *right;
    size_t n_left;
    if (!get_merge(merge, &left, &n_left, &right))
        return tokenizer_reader_fail(r, "merge %zu is not a pair of tokens", rank);
    /* With an empty part a token would merge into itself. */
    if (n_left == 0 || !*right)
        return tokenizer_reader_fail(r, "merge %zu has an empty part, so it is a cycle", rank);
    g_string_truncate(joined, 0);
    g_string_append_len(joined, left, (gssize)n_left);
    g_string_append(joined, right);
    int32_t left_id = find_token(r, left, n_left), right_id = find_token(r, right, strlen(right));
    int32_t joined_id = find_token(r, joined->str, joined->len);
    if (left_id < 0 || right_id < 0)
        return tokenizer_reader_fail(r, "merge %zu names '%.*s', which is not in the vocabulary",
                                     rank, left_id < 0 ? (int)MIN(n_left, 100) : 100,
                                     left_id < 0 ? left : right);
    if (joined_id < 0)
        return tokenizer_reader_fail(r, "merge %zu makes '%.100s', which is not in the vocabulary",
                                     rank, joined->str);
    bpe_add_merge(r->parts->bpe, left_id, right_id, joined_id);
    return true;
}

static bool read_merges(struct tokenizer_reader *r, const json_t *merges)
{
    g_autoptr(GString) joined = g_string_new(NULL);
    for (size_t i = 0; i < json_array_size(merges); i++) {
        const json_t *merge = json_array_get(merges, i);
        /* The first line of a merges.txt that was taken over. */
        bool is_version = i == 0 && json_is_string(merge) &&
                          g_str_has_prefix(json_string_value(merge), "#version");
        if (!is_version && !read_merge(r, i, merge, joined))
            return false;
    }
    return true;
}

static bool read_unknown(struct tokenizer_reader *r, const json_t *model)
{
    const char *unknown = json_get_string(model, "unk_token");
    if (!unknown)
        return true;
    int32_t id = find_token(r, unknown, strlen(unknown));
    if (id < 0)
        return tokenizer_reader_fail(r, "unk_token '%.100s' is not in the vocabulary", unknown);
    bpe_set_unknown(r->parts->bpe, id);
    return true;
}

static bool read_model(struct tokenizer_reader *r, const json_t *root)
{
    const json_t *model = json_object_get(root, "model");
    const json_t *vocab = json_object_get(model, "vocab"),
                 *merges = json_object_get(model, "merges");
    struct bpe_options options = {.byte_level = r->byte_level};
    r->what = "model";
    if (!tokenizer_reader_get_bool(r, model, "ignore_merges", &options.ignore_merges) ||
        !tokenizer_reader_get_bool(r, model, "byte_fallback", &options.byte_fallback) ||
        !tokenizer_reader_get_bool(r, model, "fuse_unk", &options.fuse_unknown))
        return false;
    r->parts->bpe = bpe_new(&options, (size_t)r->parts->n_ids, json_array_size(merges));
    if (!r->parts->bpe)
        return tokenizer_reader_fail(r, "no memory for %d tokens", r->parts->n_ids);
    if (!read_vocab(r, vocab) || !read_merges(r, merges) || !read_unknown(r, model))
        return false;
    bpe_finish(r->parts->bpe);
    return true;
}

/* Added tokens */

/* One for each token of the vocabulary and each added token that is not in it. */
static bool count_ids(struct tokenizer_reader *r, const json_t *root)
{
    const json_t *model = json_object_get(root, "model"),
                 *added = json_object_get(root, "added_tokens");
    r->what = "model";
    if (!check_bpe(r, model))
        return false;
    const json_t *vocab = json_object_get(model, "vocab");
    size_t n_ids = json_object_size(vocab);
    r->what = "added_tokens";
    if (added && !json_is_array(added))
        return tokenizer_reader_fail(r, "no list");
    for (size_t i = 0; i < json_array_size(added); i++) {
        const char *content = tokenizer_reader_get_string(r, json_array_get(added, i), "content");
        if (!content)
            return false;
        n_ids += json_object_get(vocab, content) == NULL;
    }
    if (n_ids > INT32_MAX / 4)
        return tokenizer_reader_fail(r, "%zu tokens are too many", n_ids);
    r->parts->n_ids = (int32_t)n_ids;
    r->parts->tokens = token_table_new(n_ids);
    r->parts->special = g_try_new0(bool, n_ids + 1);
    return (r->parts->tokens && r->parts->special) ||
           tokenizer_reader_fail(r, "no memory for %zu tokens", n_ids);
}

/* Normalised tokens are looked for in normalised text, so in their normal form. */
static bool add_normal_form(struct tokenizer_reader *r, const char *content,
                            const struct added_token *token)
{
    g_autoptr(GString) normal = g_string_new(NULL);
    struct split_scratch *scratch = split_scratch_new();
    bool good = normalizer_run(r->parts->normalizer, scratch, content, strlen(content),
                               ADDED_TOKEN_MAX_BYTES, normal, r->error);
    split_scratch_free(scratch);
    /* Of two with one normal form the first counts. */
    if (good)
        added_tokens_add(r->parts->normal_added, normal->str, token);
    return good;
}

static bool read_added_token(struct tokenizer_reader *r, const json_t *json)
{
    struct added_token token = {0};
    const char *content = tokenizer_reader_get_string(r, json, "content");
    bool special = false;
    int32_t id;
    if (!tokenizer_reader_get_id(r, json_object_get(json, "id"), content, &id) ||
        !tokenizer_reader_get_bool(r, json, "special", &special))
        return false;
    bool normalized = !special;
    if (!tokenizer_reader_get_bool(r, json, "normalized", &normalized) ||
        !tokenizer_reader_get_bool(r, json, "single_word", &token.single_word) ||
        !tokenizer_reader_get_bool(r, json, "lstrip", &token.lstrip) ||
        !tokenizer_reader_get_bool(r, json, "rstrip", &token.rstrip))
        return false;
    if (!*content || strlen(content) > ADDED_TOKEN_MAX_BYTES)
        return tokenizer_reader_fail(r, "the content of id %d is empty or longer than %d bytes", id,
                                     ADDED_TOKEN_MAX_BYTES);
    if (find_token(r, content, strlen(content)) != id && !add_token(r, id, content))
        return false;
    token.id = id;
    r->parts->special[id] = special;
    if (normalized && !normalizer_is_empty(r->parts->normalizer))
        return add_normal_form(r, content, &token);
    return added_tokens_add(normalized ? r->parts->normal_added : r->parts->raw_added, content,
                            &token) ||
           tokenizer_reader_fail(r, "'%.100s' is there twice", content);
}

static bool read_added_tokens(struct tokenizer_reader *r, const json_t *root)
{
    const json_t *added = json_object_get(root, "added_tokens");
    r->what = "added_tokens";
    for (size_t i = 0; i < json_array_size(added); i++)
        if (!read_added_token(r, json_array_get(added, i)))
            return false;
    return true;
}

/* The file */

static bool read_root(struct tokenizer_reader *r, const json_t *root)
{
    return count_ids(r, root) && tokenizer_steps_read_normalizer(r, root) &&
           tokenizer_steps_read_pretokenizer(r, root) && read_model(r, root) &&
           read_added_tokens(r, root) && tokenizer_steps_read_post_processor(r, root) &&
           tokenizer_steps_read_decoder(r, root);
}

bool tokenizer_json_read(struct tokenizer_parts *parts, const char *json, size_t n_bytes,
                         GError **error)
{
    g_autoptr(json_t) root = json_parse(json, n_bytes, error);
    if (!root)
        return false;
    parts->raw_added = added_tokens_new();
    parts->normal_added = added_tokens_new();
    parts->normalizer = normalizer_new();
    parts->pretokenizer = pretokenizer_new();
    parts->decoder = token_decoder_new();
    parts->prefix = g_array_new(FALSE, FALSE, sizeof(int32_t));
    parts->suffix = g_array_new(FALSE, FALSE, sizeof(int32_t));
    struct tokenizer_reader reader = {.parts = parts, .error = error};
    if (read_root(&reader, root))
        return true;
    tokenizer_parts_clear(parts);
    return false;
}

void tokenizer_parts_clear(struct tokenizer_parts *parts)
{
    token_table_free(parts->tokens);
    g_free(parts->special);
    added_tokens_free(parts->raw_added);
    added_tokens_free(parts->normal_added);
    normalizer_free(parts->normalizer);
    pretokenizer_free(parts->pretokenizer);
    bpe_free(parts->bpe);
    token_decoder_free(parts->decoder);
    if (parts->prefix) {
        g_array_unref(parts->prefix);
        g_array_unref(parts->suffix);
    }
    *parts = (struct tokenizer_parts){0};
}
