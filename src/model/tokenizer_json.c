/* tokenizer_json.c -- one reader a kind of part; a table of types for each.
 *
 * A file is read strictly: a type, a behaviour or a setting that is not known is an error, because ignoring it would give
 * other ids without a word. Ids are 0 to n - 1 without holes, so that their number bounds every allocation. */
#include "model/tokenizer_json.h"

#include "base/error.h"
#include "base/json.h"

#include <string.h>

/* What GPT-2 splits by, and ByteLevel where it splits itself. */
#define BYTE_LEVEL_REGEX                                                                           \
    "'s|'t|'re|'ve|'m|'ll|'d| ?\\p{L}+| ?\\p{N}+| ?[^\\s\\p{L}\\p{N}]+|\\s+(?!\\S)|\\s+"

enum { MAX_DEPTH = 8, MAX_STEPS = 64 };

struct reader {
    struct tokenizer_parts *parts;
    const char *what; /* the key at work: "pre_tokenizer" */
    bool byte_level;  /* the pre-tokenizer ends in ByteLevel */
    bool has_template;
    int n_steps;
    GError **error;
};

/* A type of part: its name in the file, and who reads it. */
struct part_type {
    const char *name;
    bool (*read)(struct reader *r, const json_t *part);
};

static bool fail(struct reader *r, const char *format, ...) G_GNUC_PRINTF(2, 3);
static bool fail(struct reader *r, const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    g_autofree char *cause = g_strdup_vprintf(format, arguments);
    va_end(arguments);
    g_set_error(r->error, FIRE_ERROR, FIRE_ERROR_FORMAT, "%s: %s", r->what, cause);
    return false;
}

/* Where a key is absent or null the value stays as it is. */
static bool get_bool(struct reader *r, const json_t *part, const char *key, bool *value)
{
    const json_t *json = json_object_get(part, key);
    if (!json || json_is_null(json))
        return true;
    if (!json_is_boolean(json))
        return fail(r, "'%s' is not true or false", key);
    *value = json_is_true(json);
    return true;
}

static const char *get_string(struct reader *r, const json_t *part, const char *key)
{
    const char *string = json_get_string(part, key);
    if (!string)
        fail(r, "'%s' is missing or no string", key);
    return string;
}

/* A part by its type; a Sequence is read one after the other. */
static bool read_part(struct reader *r, const json_t *part, const struct part_type *types,
                      size_t n_types, const char *sequence_key, int depth)
{
    const char *type = get_string(r, part, "type");
    if (!type)
        return false;
    if (strcmp(type, "Sequence") == 0) {
        const json_t *list = json_object_get(part, sequence_key);
        if (!json_is_array(list))
            return fail(r, "'%s' is missing or no list", sequence_key);
        if (depth == MAX_DEPTH)
            return fail(r, "sequences are nested more than %d deep", MAX_DEPTH);
        for (size_t i = 0; i < json_array_size(list); i++)
            if (!read_part(r, json_array_get(list, i), types, n_types, sequence_key, depth + 1))
                return false;
        return true;
    }
    if (++r->n_steps > MAX_STEPS)
        return fail(r, "more than %d steps", MAX_STEPS);
    for (size_t i = 0; i < n_types; i++)
        if (strcmp(types[i].name, type) == 0)
            return types[i].read(r, part);
    return fail(r, "type '%.100s' is not supported", type);
}

/* The part under `key` of the file, or none. */
static bool read_key(struct reader *r, const json_t *root, const char *key,
                     const char *sequence_key, const struct part_type *types, size_t n_types)
{
    const json_t *part = json_object_get(root, key);
    r->what = key;
    r->n_steps = 0;
    return !part || json_is_null(part) || read_part(r, part, types, n_types, sequence_key, 0);
}

/* {"String": s} or {"Regex": s}; `*literal` tells which. */
static const char *get_pattern(struct reader *r, const json_t *part, bool *literal)
{
    const json_t *pattern = json_object_get(part, "pattern");
    const char *string = json_get_string(pattern, "String"),
               *regex = json_get_string(pattern, "Regex");
    if (!string == !regex)
        fail(r, "'pattern' holds no String or Regex");
    *literal = string != NULL;
    return string ? string : regex;
}

static struct split_regex *compile(struct reader *r, const char *pattern, bool literal)
{
    struct split_regex *regex = split_regex_new(pattern, literal, r->error);
    if (!regex)
        g_prefix_error(r->error, "%s: ", r->what);
    return regex;
}

static struct split_regex *compile_pattern(struct reader *r, const json_t *part)
{
    bool literal;
    const char *pattern = get_pattern(r, part, &literal);
    return pattern ? compile(r, pattern, literal) : NULL;
}

/* Normalizers */

static bool read_nfc(struct reader *r, const json_t *part G_GNUC_UNUSED)
{
    normalizer_add_nfc(r->parts->normalizer);
    return true;
}

static bool read_prepend(struct reader *r, const json_t *part)
{
    const char *prefix = get_string(r, part, "prepend");
    if (prefix)
        normalizer_add_prepend(r->parts->normalizer, prefix);
    return prefix != NULL;
}

static bool read_replace(struct reader *r, const json_t *part)
{
    const char *content = get_string(r, part, "content");
    struct split_regex *regex = content ? compile_pattern(r, part) : NULL;
    if (regex)
        normalizer_add_replace(r->parts->normalizer, regex, content);
    return regex != NULL;
}

static const struct part_type normalizers[] = {
    {"NFC", read_nfc}, {"Prepend", read_prepend}, {"Replace", read_replace}};

/* Pre-tokenizers */

static bool add_split(struct reader *r, const char *pattern, bool literal,
                      enum split_behavior behavior, bool invert)
{
    struct split_regex *regex = compile(r, pattern, literal);
    if (regex)
        pretokenizer_add_split(r->parts->pretokenizer, regex, behavior, invert);
    return regex != NULL;
}

static bool check_order(struct reader *r)
{
    return !r->byte_level || fail(r, "ByteLevel is not the last step");
}

static bool read_split(struct reader *r, const json_t *part)
{
    static const char *const names[] = {[SPLIT_ISOLATED] = "Isolated",
                                        [SPLIT_REMOVED] = "Removed",
                                        [SPLIT_MERGED_WITH_PREVIOUS] = "MergedWithPrevious",
                                        [SPLIT_MERGED_WITH_NEXT] = "MergedWithNext",
                                        [SPLIT_CONTIGUOUS] = "Contiguous"};
    bool invert = false, literal;
    const char *pattern = get_pattern(r, part, &literal);
    const char *behavior = pattern ? get_string(r, part, "behavior") : NULL;
    if (!behavior || !get_bool(r, part, "invert", &invert) || !check_order(r))
        return false;
    for (size_t i = 0; i < G_N_ELEMENTS(names); i++)
        if (strcmp(names[i], behavior) == 0)
            return add_split(r, pattern, literal, (enum split_behavior)i, invert);
    return fail(r, "behavior '%.100s' is not supported", behavior);
}

static bool read_byte_level(struct reader *r, const json_t *part)
{
    bool prefix_space = true, use_regex = true;
    if (!get_bool(r, part, "add_prefix_space", &prefix_space) ||
        !get_bool(r, part, "use_regex", &use_regex) || !check_order(r))
        return false;
    if (prefix_space)
        pretokenizer_add_prefix_space(r->parts->pretokenizer);
    r->byte_level = true;
    return !use_regex || add_split(r, BYTE_LEVEL_REGEX, false, SPLIT_ISOLATED, false);
}

/* The mark and the scheme of a Metaspace, pre-tokenizer or decoder; older files say add_prefix_space. */
static const char *get_metaspace(struct reader *r, const json_t *part, enum prepend_scheme *scheme)
{
    const char *mark = get_string(r, part, "replacement"),
               *name = json_get_string(part, "prepend_scheme");
    bool prefix_space = true;
    if (!mark || !get_bool(r, part, "add_prefix_space", &prefix_space))
        return NULL;
    if (g_utf8_strlen(mark, -1) != 1) {
        fail(r, "'replacement' is not one character");
        return NULL;
    }
    if (!name || strcmp(name, "always") == 0) {
        *scheme = name || prefix_space ? PREPEND_ALWAYS : PREPEND_NEVER;
    } else if (strcmp(name, "first") == 0) {
        *scheme = PREPEND_FIRST;
    } else if (strcmp(name, "never") == 0) {
        *scheme = PREPEND_NEVER;
    } else {
        fail(r, "prepend_scheme '%.100s' is not supported", name);
        return NULL;
    }
    return mark;
}

static bool read_metaspace(struct reader *r, const json_t *part)
{
    enum prepend_scheme scheme;
    bool split = true;
    const char *mark = get_metaspace(r, part, &scheme);
    if (!mark || !get_bool(r, part, "split", &split) || !check_order(r))
        return false;
    pretokenizer_add_metaspace(r->parts->pretokenizer, mark, scheme);
    return !split || add_split(r, mark, true, SPLIT_MERGED_WITH_NEXT, false);
}

static const struct part_type pretokenizers[] = {
    {"Split", read_split}, {"ByteLevel", read_byte_level}, {"Metaspace", read_metaspace}};

/* The model */

static bool check_bpe(struct reader *r, const json_t *model)
{
    static const char *const refused[] = {"continuing_subword_prefix", "end_of_word_suffix"};
    const char *type = json_get_string(model, "type");
    if (type && strcmp(type, "BPE") != 0)
        return fail(r, "type '%.100s' is not supported", type);
    if (!json_is_object(json_object_get(model, "vocab")) ||
        !json_is_array(json_object_get(model, "merges")))
        return fail(r, "'vocab' is no object or 'merges' no list");
    for (size_t i = 0; i < G_N_ELEMENTS(refused); i++)
        if (*(json_get_string(model, refused[i]) ? json_get_string(model, refused[i]) : ""))
            return fail(r, "'%s' is not supported", refused[i]);
    if (json_get_number(model, "dropout", 0) != 0)
        return fail(r, "'dropout' is not supported");
    return true;
}

/* Ids are checked before anything is allocated for them. */
static bool get_id(struct reader *r, const json_t *json, const char *token, int32_t *id)
{
    if (!json_is_integer(json))
        return fail(r, "the id of '%.100s' is missing or no whole number", token);
    json_int_t value = json_integer_value(json);
    if (value < 0 || value >= r->parts->n_ids)
        return fail(r, "id %" JSON_INTEGER_FORMAT " of '%.100s' leaves a hole: there are %d tokens",
                    value, token, r->parts->n_ids);
    *id = (int32_t)value;
    return true;
}

static bool add_token(struct reader *r, int32_t id, const char *token)
{
    size_t n_bytes;
    if (token_table_add(r->parts->tokens, id, token, strlen(token)))
        return true;
    const char *other = token_table_get(r->parts->tokens, id, &n_bytes);
    return other ? fail(r, "id %d belongs to '%.100s' and '%.100s'", id, other, token)
                 : fail(r, "token '%.100s' has two ids", token);
}

static bool read_vocab(struct reader *r, const json_t *vocab)
{
    const char *token;
    json_t *value;
    json_object_foreach ((json_t *)vocab, token, value) {
        int32_t id;
        if (!get_id(r, value, token, &id) || !add_token(r, id, token))
            return false;
        if (!bpe_add_token(r->parts->bpe, id, token))
            return fail(r, "token '%.100s' is there twice", token);
    }
    return true;
}

static int32_t find_token(const struct reader *r, const char *token, size_t n_bytes)
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

static bool read_merge(struct reader *r, size_t rank, const json_t *merge, GString *joined)
{
    const char *left, *right;
    size_t n_left;
    if (!get_merge(merge, &left, &n_left, &right))
        return fail(r, "merge %zu is not a pair of tokens", rank);
    /* With an empty part a token would merge into itself. */
    if (n_left == 0 || !*right)
        return fail(r, "merge %zu has an empty part, so it is a cycle", rank);
    g_string_truncate(joined, 0);
    g_string_append_len(joined, left, (gssize)n_left);
    g_string_append(joined, right);
    int32_t left_id = find_token(r, left, n_left), right_id = find_token(r, right, strlen(right));
    int32_t joined_id = find_token(r, joined->str, joined->len);
    if (left_id < 0 || right_id < 0)
        return fail(r, "merge %zu names '%.*s', which is not in the vocabulary", rank,
                    left_id < 0 ? (int)MIN(n_left, 100) : 100, left_id < 0 ? left : right);
    if (joined_id < 0)
        return fail(r, "merge %zu makes '%.100s', which is not in the vocabulary", rank,
                    joined->str);
    bpe_add_merge(r->parts->bpe, left_id, right_id, joined_id);
    return true;
}

static bool read_merges(struct reader *r, const json_t *merges)
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

static bool read_unknown(struct reader *r, const json_t *model)
{
    const char *unknown = json_get_string(model, "unk_token");
    if (!unknown)
        return true;
    int32_t id = find_token(r, unknown, strlen(unknown));
    if (id < 0)
        return fail(r, "unk_token '%.100s' is not in the vocabulary", unknown);
    bpe_set_unknown(r->parts->bpe, id);
    return true;
}

static bool read_model(struct reader *r, const json_t *root)
{
    const json_t *model = json_object_get(root, "model");
    const json_t *vocab = json_object_get(model, "vocab"),
                 *merges = json_object_get(model, "merges");
    struct bpe_options options = {.byte_level = r->byte_level};
    r->what = "model";
    if (!get_bool(r, model, "ignore_merges", &options.ignore_merges) ||
        !get_bool(r, model, "byte_fallback", &options.byte_fallback) ||
        !get_bool(r, model, "fuse_unk", &options.fuse_unknown))
        return false;
    r->parts->bpe = bpe_new(&options, (size_t)r->parts->n_ids, json_array_size(merges));
    if (!r->parts->bpe)
        return fail(r, "no memory for %d tokens", r->parts->n_ids);
    if (!read_vocab(r, vocab) || !read_merges(r, merges) || !read_unknown(r, model))
        return false;
    bpe_finish(r->parts->bpe);
    return true;
}

/* Added tokens */

/* One for each token of the vocabulary and each added token that is not in it. */
static bool count_ids(struct reader *r, const json_t *root)
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
        return fail(r, "no list");
    for (size_t i = 0; i < json_array_size(added); i++) {
        const char *content = get_string(r, json_array_get(added, i), "content");
        if (!content)
            return false;
        n_ids += json_object_get(vocab, content) == NULL;
    }
    if (n_ids > INT32_MAX / 4)
        return fail(r, "%zu tokens are too many", n_ids);
    r->parts->n_ids = (int32_t)n_ids;
    r->parts->tokens = token_table_new(n_ids);
    r->parts->special = g_try_new0(bool, n_ids + 1);
    return (r->parts->tokens && r->parts->special) || fail(r, "no memory for %zu tokens", n_ids);
}

/* Normalised tokens are looked for in normalised text, so in their normal form. */
static bool add_normal_form(struct reader *r, const char *content, const struct added_token *token)
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

static bool read_added_token(struct reader *r, const json_t *json)
{
    struct added_token token = {0};
    const char *content = get_string(r, json, "content");
    bool special = false;
    int32_t id;
    if (!get_id(r, json_object_get(json, "id"), content, &id) ||
        !get_bool(r, json, "special", &special))
        return false;
    bool normalized = !special;
    if (!get_bool(r, json, "normalized", &normalized) ||
        !get_bool(r, json, "single_word", &token.single_word) ||
        !get_bool(r, json, "lstrip", &token.lstrip) || !get_bool(r, json, "rstrip", &token.rstrip))
        return false;
    if (!*content || strlen(content) > ADDED_TOKEN_MAX_BYTES)
        return fail(r, "the content of id %d is empty or longer than %d bytes", id,
                    ADDED_TOKEN_MAX_BYTES);
    if (find_token(r, content, strlen(content)) != id && !add_token(r, id, content))
        return false;
    token.id = id;
    r->parts->special[id] = special;
    if (normalized && !normalizer_is_empty(r->parts->normalizer))
        return add_normal_form(r, content, &token);
    return added_tokens_add(normalized ? r->parts->normal_added : r->parts->raw_added, content,
                            &token) ||
           fail(r, "'%.100s' is there twice", content);
}

static bool read_added_tokens(struct reader *r, const json_t *root)
{
    const json_t *added = json_object_get(root, "added_tokens");
    r->what = "added_tokens";
    for (size_t i = 0; i < json_array_size(added); i++)
        if (!read_added_token(r, json_array_get(added, i)))
            return false;
    return true;
}

/* Post-processors */

static bool read_nothing(struct reader *r G_GNUC_UNUSED, const json_t *part G_GNUC_UNUSED)
{
    return true; /* ByteLevel only trims offsets, which nobody asks for */
}

static bool add_template_token(struct reader *r, const json_t *part, const char *name, GArray *ids)
{
    const json_t *list =
        json_object_get(json_object_get(json_object_get(part, "special_tokens"), name), "ids");
    if (!json_is_array(list))
        return fail(r, "special token '%.100s' has no ids", name);
    for (size_t i = 0; i < json_array_size(list); i++) {
        int32_t id;
        if (!get_id(r, json_array_get(list, i), name, &id))
            return false;
        g_array_append_val(ids, id);
    }
    return true;
}

static bool read_template(struct reader *r, const json_t *part)
{
    const json_t *single = json_object_get(part, "single");
    bool has_text = false;
    if (r->has_template || !json_is_array(single))
        return fail(r, r->has_template ? "two templates" : "'single' is missing or no list");
    r->has_template = true;
    for (size_t i = 0; i < json_array_size(single); i++) {
        const json_t *piece = json_array_get(single, i);
        const char *token = json_get_string(json_object_get(piece, "SpecialToken"), "id");
        const char *sequence = json_get_string(json_object_get(piece, "Sequence"), "id");
        if (token) {
            if (!add_template_token(r, part, token, has_text ? r->parts->suffix : r->parts->prefix))
                return false;
        } else if (!sequence || strcmp(sequence, "A") != 0 || has_text) {
            return fail(r, "'single' holds something else than special tokens around sequence A");
        } else {
            has_text = true;
        }
    }
    return has_text || fail(r, "'single' holds no sequence");
}

static const struct part_type post_processors[] = {{"ByteLevel", read_nothing},
                                                   {"TemplateProcessing", read_template}};

/* Decoders */

static bool check_fused(struct reader *r, const char *name)
{
    return !token_decoder_is_fused(r->parts->decoder) ||
           fail(r, "%s after the tokens are joined is not supported", name);
}

static bool read_decode_byte_level(struct reader *r, const json_t *part G_GNUC_UNUSED)
{
    if (!check_fused(r, "ByteLevel"))
        return false;
    token_decoder_add_byte_level(r->parts->decoder);
    return true;
}

static bool read_decode_metaspace(struct reader *r, const json_t *part)
{
    enum prepend_scheme scheme;
    const char *mark = get_metaspace(r, part, &scheme);
    if (!mark || !check_fused(r, "Metaspace"))
        return false;
    token_decoder_add_metaspace(r->parts->decoder, mark, scheme != PREPEND_NEVER);
    return true;
}

static bool read_decode_replace(struct reader *r, const json_t *part)
{
    bool literal;
    const char *pattern = get_pattern(r, part, &literal),
               *content = pattern ? get_string(r, part, "content") : NULL;
    if (!content || !check_fused(r, "Replace"))
        return false;
    if (!literal || !*pattern)
        return fail(r, "Replace of a regex is not supported");
    token_decoder_add_replace(r->parts->decoder, pattern, content);
    return true;
}

static bool read_decode_byte_fallback(struct reader *r, const json_t *part G_GNUC_UNUSED)
{
    if (!check_fused(r, "ByteFallback"))
        return false;
    token_decoder_add_byte_fallback(r->parts->decoder);
    return true;
}

static bool read_decode_fuse(struct reader *r, const json_t *part G_GNUC_UNUSED)
{
    token_decoder_add_fuse(r->parts->decoder);
    return true;
}

static bool read_decode_strip(struct reader *r, const json_t *part)
{
    const char *content = get_string(r, part, "content");
    double start = json_get_number(part, "start", -1), stop = json_get_number(part, "stop", -1);
    if (!content)
        return false;
    if (g_utf8_strlen(content, -1) != 1 || start < 0 || start > 1000 || stop != 0)
        return fail(r, "Strip is supported for one character at the start only");
    token_decoder_add_strip(r->parts->decoder, g_utf8_get_char(content), (int)start);
    return true;
}

static const struct part_type decoders[] = {{"ByteLevel", read_decode_byte_level},
                                            {"Metaspace", read_decode_metaspace},
                                            {"Replace", read_decode_replace},
                                            {"ByteFallback", read_decode_byte_fallback},
                                            {"Fuse", read_decode_fuse},
                                            {"Strip", read_decode_strip}};

/* The file */

static bool read_root(struct reader *r, const json_t *root)
{
    return count_ids(r, root) &&
           read_key(r, root, "normalizer", "normalizers", normalizers, G_N_ELEMENTS(normalizers)) &&
           read_key(r, root, "pre_tokenizer", "pretokenizers", pretokenizers,
                    G_N_ELEMENTS(pretokenizers)) &&
           read_model(r, root) && read_added_tokens(r, root) &&
           read_key(r, root, "post_processor", "processors", post_processors,
                    G_N_ELEMENTS(post_processors)) &&
           read_key(r, root, "decoder", "decoders", decoders, G_N_ELEMENTS(decoders));
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
    struct reader reader = {.parts = parts, .error = error};
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
