#define _GNU_SOURCE /* memmem */
#include "model/split_regex.h"

#include "base/error.h"
#include "model/regex_dialect.h"

#define PCRE2_CODE_UNIT_WIDTH 8
#include <pcre2.h>
#include <string.h>

struct split_regex {
    char *literal; /* or NULL: */
    pcre2_code *code;
};

struct split_scratch {
    pcre2_match_data *match;
    pcre2_match_context *context;
    pcre2_jit_stack *stack;
};

/* Far above what a sane pattern needs for one match; a hostile one ends within seconds. */
enum {
    MATCH_LIMIT = 100 * 1000 * 1000,
    JIT_STACK_START = 32 * 1024,
    JIT_STACK_MAX = 16 * 1024 * 1024
};

static pcre2_code *compile(const char *pattern, GError **error)
{
    g_autofree char *text = regex_dialect_to_pcre2(pattern, error);
    if (!text)
        return NULL;
    int code;
    PCRE2_SIZE offset;
    pcre2_compile_context *context = pcre2_compile_context_create(NULL);
    pcre2_set_newline(context, PCRE2_NEWLINE_LF);
    pcre2_code *compiled = pcre2_compile((PCRE2_SPTR)text, PCRE2_ZERO_TERMINATED,
                                         PCRE2_UTF | PCRE2_MULTILINE | PCRE2_NEVER_BACKSLASH_C,
                                         &code, &offset, context);
    pcre2_compile_context_free(context);
    if (!compiled) {
        PCRE2_UCHAR why[128];
        pcre2_get_error_message(code, why, sizeof why);
        g_set_error(error, FIRE_ERROR, FIRE_ERROR_FORMAT, "bad regex '%.100s': %s", pattern,
                    (const char *)why);
        return NULL;
    }
    /* Where the system forbids it, the interpreter finds the same. */
    pcre2_jit_compile(compiled, PCRE2_JIT_COMPLETE);
    return compiled;
}

struct split_regex *split_regex_new(const char *pattern, bool literal, GError **error)
{
    if (!*pattern) {
        g_set_error(error, FIRE_ERROR, FIRE_ERROR_FORMAT, "empty pattern");
        return NULL;
    }
    pcre2_code *code = literal ? NULL : compile(pattern, error);
    if (!literal && !code)
        return NULL;
    struct split_regex *regex = g_new(struct split_regex, 1);
    *regex = (struct split_regex){literal ? g_strdup(pattern) : NULL, code};
    return regex;
}

void split_regex_free(struct split_regex *regex)
{
    if (!regex)
        return;
    g_free(regex->literal);
    pcre2_code_free(regex->code);
    g_free(regex);
}

struct split_scratch *split_scratch_new(void)
{
    struct split_scratch *scratch = g_new(struct split_scratch, 1);
    scratch->match = pcre2_match_data_create(1, NULL);
    scratch->context = pcre2_match_context_create(NULL);
    scratch->stack = pcre2_jit_stack_create(JIT_STACK_START, JIT_STACK_MAX, NULL);
    pcre2_set_match_limit(scratch->context, MATCH_LIMIT);
    pcre2_jit_stack_assign(scratch->context, NULL, scratch->stack);
    return scratch;
}

void split_scratch_free(struct split_scratch *scratch)
{
    if (!scratch)
        return;
    pcre2_match_data_free(scratch->match);
    pcre2_match_context_free(scratch->context);
    pcre2_jit_stack_free(scratch->stack);
    g_free(scratch);
}

static enum split_result find_literal(const char *literal, const char *text, size_t n_bytes,
                                      size_t from, size_t *start, size_t *end)
{
    size_t n_literal = strlen(literal);
    const char *found = memmem(text + from, n_bytes - from, literal, n_literal);
    if (!found)
        return SPLIT_NONE;
    *start = (size_t)(found - text);
    *end = *start + n_literal;
    return SPLIT_FOUND;
}

enum split_result split_regex_find(const struct split_regex *regex, struct split_scratch *scratch,
                                   const char *text, size_t n_bytes, size_t from, size_t *start,
                                   size_t *end, GError **error)
{
    if (regex->literal)
        return find_literal(regex->literal, text, n_bytes, from, start, end);
    int code = pcre2_match(regex->code, (PCRE2_SPTR)text, n_bytes, from, PCRE2_NO_UTF_CHECK,
                           scratch->match, scratch->context);
    if (code == PCRE2_ERROR_NOMATCH)
        return SPLIT_NONE;
    if (code < 0) {
        PCRE2_UCHAR why[128];
        pcre2_get_error_message(code, why, sizeof why);
        g_set_error(error, FIRE_ERROR, FIRE_ERROR_FORMAT, "the split regex fails on this text: %s",
                    (const char *)why);
        return SPLIT_FAILED;
    }
    /* \K is refused, so a match never starts before `from` or after its end. */
    const PCRE2_SIZE *offsets = pcre2_get_ovector_pointer(scratch->match);
    *start = offsets[0];
    *end = offsets[1];
    return SPLIT_FOUND;
}
