/* tokenizer_steps.c -- one reader a type of step, and a table of types for each key: a new type is a row and a function. */
#include "model/tokenizer_steps.h"

#include <string.h>

/* What GPT-2 splits by, and ByteLevel where it splits itself. */
#define BYTE_LEVEL_REGEX                                                                           \
    "'s|'t|'re|'ve|'m|'ll|'d| ?\\p{L}+| ?\\p{N}+| ?[^\\s\\p{L}\\p{N}]+|\\s+(?!\\S)|\\s+"

enum { MAX_DEPTH = 8, MAX_STEPS = 64 };

/* A type of part: its name in the file, and who reads it. */
struct part_type {
    const char *name;
    bool (*read)(struct tokenizer_reader *r, const json_t *part);
};

/* A part by its type; a Sequence is read one after the other. */
static bool read_part(struct tokenizer_reader *r, const json_t *part, const struct part_type *types,
                      size_t n_types, const char *sequence_key, int depth)
{
    const char *type = tokenizer_reader_get_string(r, part, "type");
    if (!type)
        return false;
    if (strcmp(type, "Sequence") == 0) {
        const json_t *list = json_object_get(part, sequence_key);
        if (!json_is_array(list))
            return tokenizer_reader_fail(r, "'%s' is missing or no list", sequence_key);
        if (depth == MAX_DEPTH)
            return tokenizer_reader_fail(r, "sequences are nested more than %d deep", MAX_DEPTH);
        for (size_t i = 0; i < json_array_size(list); i++)
            if (!read_part(r, json_array_get(list, i), types, n_types, sequence_key, depth + 1))
                return false;
        return true;
    }
    if (++r->n_steps > MAX_STEPS)
        return tokenizer_reader_fail(r, "more than %d steps", MAX_STEPS);
    for (size_t i = 0; i < n_types; i++)
        if (strcmp(types[i].name, type) == 0)
            return types[i].read(r, part);
    return tokenizer_reader_fail(r, "type '%.100s' is not supported", type);
}

/* The part under `key` of the file, or none. */
static bool read_key(struct tokenizer_reader *r, const json_t *root, const char *key,
                     const char *sequence_key, const struct part_type *types, size_t n_types)
{
    const json_t *part = json_object_get(root, key);
    r->what = key;
    r->n_steps = 0;
    return !part || json_is_null(part) || read_part(r, part, types, n_types, sequence_key, 0);
}

/* {"String": s} or {"Regex": s}; `*literal` tells which. */
static const char *get_pattern(struct tokenizer_reader *r, const json_t *part, bool *literal)
{
    const json_t *pattern = json_object_get(part, "pattern");
    const char *string = json_get_string(pattern, "String"),
               *regex = json_get_string(pattern, "Regex");
    if (!string == !regex)
        tokenizer_reader_fail(r, "'pattern' holds no String or Regex");
    *literal = string != NULL;
    return string ? string : regex;
}

static struct split_regex *compile(struct tokenizer_reader *r, const char *pattern, bool literal)
{
    struct split_regex *regex = split_regex_new(pattern, literal, r->error);
    if (!regex)
        g_prefix_error(r->error, "%s: ", r->what);
    return regex;
}

static struct split_regex *compile_pattern(struct tokenizer_reader *r, const json_t *part)
{
    bool literal;
    const char *pattern = get_pattern(r, part, &literal);
    return pattern ? compile(r, pattern, literal) : NULL;
}

/* Normalizers */

static bool read_nfc(struct tokenizer_reader *r, const json_t *part G_GNUC_UNUSED)
{
    normalizer_add_nfc(r->parts->normalizer);
    return true;
}

static bool read_prepend(struct tokenizer_reader *r, const json_t *part)
{
    const char *prefix = tokenizer_reader_get_string(r, part, "prepend");
    if (prefix)
        normalizer_add_prepend(r->parts->normalizer, prefix);
    return prefix != NULL;
}

static bool read_replace(struct tokenizer_reader *r, const json_t *part)
{
    const char *content = tokenizer_reader_get_string(r, part, "content");
    struct split_regex *regex = content ? compile_pattern(r, part) : NULL;
    if (regex)
        normalizer_add_replace(r->parts->normalizer, regex, content);
    return regex != NULL;
}

static const struct part_type normalizers[] = {
    {"NFC", read_nfc}, {"Prepend", read_prepend}, {"Replace", read_replace}};

/* Pre-tokenizers */

static bool add_split(struct tokenizer_reader *r, const char *pattern, bool literal,
                      enum split_behavior behavior, bool invert)
{
    struct split_regex *regex = compile(r, pattern, literal);
    if (regex)
        pretokenizer_add_split(r->parts->pretokenizer, regex, behavior, invert);
    return regex != NULL;
}

static bool check_order(struct tokenizer_reader *r)
{
    return !r->byte_level || tokenizer_reader_fail(r, "ByteLevel is not the last step");
}

static bool read_split(struct tokenizer_reader *r, const json_t *part)
{
    static const char *const names[] = {[SPLIT_ISOLATED] = "Isolated",
                                        [SPLIT_REMOVED] = "Removed",
                                        [SPLIT_MERGED_WITH_PREVIOUS] = "MergedWithPrevious",
                                        [SPLIT_MERGED_WITH_NEXT] = "MergedWithNext",
                                        [SPLIT_CONTIGUOUS] = "Contiguous"};
    bool invert = false, literal;
    const char *pattern = get_pattern(r, part, &literal);
    const char *behavior = pattern ? tokenizer_reader_get_string(r, part, "behavior") : NULL;
    if (!behavior || !tokenizer_reader_get_bool(r, part, "invert", &invert) || !check_order(r))
        return false;
    for (size_t i = 0; i < G_N_ELEMENTS(names); i++)
        if (strcmp(names[i], behavior) == 0)
            return add_split(r, pattern, literal, (enum split_behavior)i, invert);
    return tokenizer_reader_fail(r, "behavior '%.100s' is not supported", behavior);
}

static bool read_byte_level(struct tokenizer_reader *r, const json_t *part)
{
    bool prefix_space = true, use_regex = true;
    if (!tokenizer_reader_get_bool(r, part, "add_prefix_space", &prefix_space) ||
        !tokenizer_reader_get_bool(r, part, "use_regex", &use_regex) || !check_order(r))
        return false;
    if (prefix_space)
        pretokenizer_add_prefix_space(r->parts->pretokenizer);
    r->byte_level = true;
    return !use_regex || add_split(r, BYTE_LEVEL_REGEX, false, SPLIT_ISOLATED, false);
}

/* The mark and the scheme of a Metaspace, pre-tokenizer or decoder; older files say add_prefix_space. */
static const char *get_metaspace(struct tokenizer_reader *r, const json_t *part,
                                 enum prepend_scheme *scheme)
{
    const char *mark = tokenizer_reader_get_string(r, part, "replacement"),
               *name = json_get_string(part, "prepend_scheme");
    bool prefix_space = true;
    if (!mark || !tokenizer_reader_get_bool(r, part, "add_prefix_space", &prefix_space))
        return NULL;
    if (g_utf8_strlen(mark, -1) != 1) {
        tokenizer_reader_fail(r, "'replacement' is not one character");
        return NULL;
    }
    if (!name || strcmp(name, "always") == 0) {
        *scheme = name || prefix_space ? PREPEND_ALWAYS : PREPEND_NEVER;
    } else if (strcmp(name, "first") == 0) {
        *scheme = PREPEND_FIRST;
    } else if (strcmp(name, "never") == 0) {
        *scheme = PREPEND_NEVER;
    } else {
        tokenizer_reader_fail(r, "prepend_scheme '%.100s' is not supported", name);
        return NULL;
    }
    return mark;
}

static bool read_metaspace(struct tokenizer_reader *r, const json_t *part)
{
    enum prepend_scheme scheme;
    bool split = true;
    const char *mark = get_metaspace(r, part, &scheme);
    if (!mark || !tokenizer_reader_get_bool(r, part, "split", &split) || !check_order(r))
        return false;
    pretokenizer_add_metaspace(r->parts->pretokenizer, mark, scheme);
    return !split || add_split(r, mark, true, SPLIT_MERGED_WITH_NEXT, false);
}

static const struct part_type pretokenizers[] = {
    {"Split", read_split}, {"ByteLevel", read_byte_level}, {"Metaspace", read_metaspace}};

/* Post-processors */

static bool read_nothing(struct tokenizer_reader *r G_GNUC_UNUSED, const json_t *part G_GNUC_UNUSED)
{
    return true; /* ByteLevel only trims offsets, which nobody asks for */
}

static bool add_template_token(struct tokenizer_reader *r, const json_t *part, const char *name,
                               GArray *ids)
{
    const json_t *list =
        json_object_get(json_object_get(json_object_get(part, "special_tokens"), name), "ids");
    if (!json_is_array(list))
        return tokenizer_reader_fail(r, "special token '%.100s' has no ids", name);
    for (size_t i = 0; i < json_array_size(list); i++) {
        int32_t id;
        if (!tokenizer_reader_get_id(r, json_array_get(list, i), name, &id))
            return false;
        g_array_append_val(ids, id);
    }
    return true;
}

static bool read_template(struct tokenizer_reader *r, const json_t *part)
{
    const json_t *single = json_object_get(part, "single");
    bool has_text = false;
    if (r->has_template || !json_is_array(single))
        return tokenizer_reader_fail(r, r->has_template ? "two templates"
                                                        : "'single' is missing or no list");
    r->has_template = true;
    for (size_t i = 0; i < json_array_size(single); i++) {
        const json_t *piece = json_array_get(single, i);
        const char *token = json_get_string(json_object_get(piece, "SpecialToken"), "id");
        const char *sequence = json_get_string(json_object_get(piece, "Sequence"), "id");
        if (token) {
            if (!add_template_token(r, part, token, has_text ? r->parts->suffix : r->parts->prefix))
                return false;
        } else if (!sequence || strcmp(sequence, "A") != 0 || has_text) {
            return tokenizer_reader_fail(
                r, "'single' holds something else than special tokens around sequence A");
        } else {
            has_text = true;
        }
    }
    return has_text || tokenizer_reader_fail(r, "'single' holds no sequence");
}

static const struct part_type post_processors[] = {{"ByteLevel", read_nothing},
                                                   {"TemplateProcessing", read_template}};

/* Decoders */

static bool check_fused(struct tokenizer_reader *r, const char *name)
{
    return !token_decoder_is_fused(r->parts->decoder) ||
           tokenizer_reader_fail(r, "%s after the tokens are joined is not supported", name);
}

static bool read_decode_byte_level(struct tokenizer_reader *r, const json_t *part G_GNUC_UNUSED)
{
    if (!check_fused(r, "ByteLevel"))
        return false;
    token_decoder_add_byte_level(r->parts->decoder);
    return true;
}

static bool read_decode_metaspace(struct tokenizer_reader *r, const json_t *part)
{
    enum prepend_scheme scheme;
    const char *mark = get_metaspace(r, part, &scheme);
    if (!mark || !check_fused(r, "Metaspace"))
        return false;
    token_decoder_add_metaspace(r->parts->decoder, mark, scheme != PREPEND_NEVER);
    return true;
}

static bool read_decode_replace(struct tokenizer_reader *r, const json_t *part)
{
    bool literal;
    const char *pattern = get_pattern(r, part, &literal),
               *content = pattern ? tokenizer_reader_get_string(r, part, "content") : NULL;
    if (!content || !check_fused(r, "Replace"))
        return false;
    if (!literal || !*pattern)
        return tokenizer_reader_fail(r, "Replace of a regex is not supported");
    token_decoder_add_replace(r->parts->decoder, pattern, content);
    return true;
}

static bool read_decode_byte_fallback(struct tokenizer_reader *r, const json_t *part G_GNUC_UNUSED)
{
    if (!check_fused(r, "ByteFallback"))
        return false;
    token_decoder_add_byte_fallback(r->parts->decoder);
    return true;
}

static bool read_decode_fuse(struct tokenizer_reader *r, const json_t *part G_GNUC_UNUSED)
{
    token_decoder_add_fuse(r->parts->decoder);
    return true;
}

static bool read_decode_strip(struct tokenizer_reader *r, const json_t *part)
{
    const char *content = tokenizer_reader_get_string(r, part, "content");
    double start = json_get_number(part, "start", -1), stop = json_get_number(part, "stop", -1);
    if (!content)
        return false;
    if (g_utf8_strlen(content, -1) != 1 || start < 0 || start > 1000 || stop != 0)
        return tokenizer_reader_fail(r, "Strip is supported for one character at the start only");
    token_decoder_add_strip(r->parts->decoder, g_utf8_get_char(content), (int)start);
    return true;
}

static const struct part_type decoders[] = {{"ByteLevel", read_decode_byte_level},
                                            {"Metaspace", read_decode_metaspace},
                                            {"Replace", read_decode_replace},
                                            {"ByteFallback", read_decode_byte_fallback},
                                            {"Fuse", read_decode_fuse},
                                            {"Strip", read_decode_strip}};

/* The keys */

bool tokenizer_steps_read_normalizer(struct tokenizer_reader *r, const json_t *root)
{
    return read_key(r, root, "normalizer", "normalizers", normalizers, G_N_ELEMENTS(normalizers));
}

bool tokenizer_steps_read_pretokenizer(struct tokenizer_reader *r, const json_t *root)
{
    return read_key(r, root, "pre_tokenizer", "pretokenizers", pretokenizers,
                    G_N_ELEMENTS(pretokenizers));
}

bool tokenizer_steps_read_post_processor(struct tokenizer_reader *r, const json_t *root)
{
    return read_key(r, root, "post_processor", "processors", post_processors,
                    G_N_ELEMENTS(post_processors));
}

bool tokenizer_steps_read_decoder(struct tokenizer_reader *r, const json_t *root)
{
    return read_key(r, root, "decoder", "decoders", decoders, G_N_ELEMENTS(decoders));
}
