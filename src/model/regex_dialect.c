#include "model/regex_dialect.h"

#include "base/error.h"

#include <stdbool.h>
#include <string.h>

struct rewriter {
    const char *pattern, *p; /* p: what comes next */
    GString *out;
    GError **error;
};

/* The characters of Unicode's White_Space, as the inside of a class; its complement too. */
#define SPACE                                                                                      \
    "\\t-\\r "                                                                                     \
    "\\x{85}\\x{A0}\\x{1680}\\x{2000}-\\x{200A}\\x{2028}\\x{2029}\\x{202F}\\x{205F}\\x{3000}"
#define NOT_SPACE                                                                                  \
    "\\x{0}-\\x{8}\\x{E}-\\x{1F}!-\\x{84}\\x{86}-\\x{9F}\\x{A1}-\\x{167F}\\x{1681}-\\x{1FFF}\\x{"  \
    "200B}-\\x{2027}"                                                                              \
    "\\x{202A}-\\x{202E}\\x{2030}-\\x{205E}\\x{2060}-\\x{2FFF}\\x{3001}-\\x{10FFFF}"
#define WORD "\\p{Alphabetic}\\p{M}\\p{Nd}\\p{Pc}"

static bool refuse(struct rewriter *r, size_t n_bytes)
{
    n_bytes = MIN(n_bytes, strlen(r->p));
    g_set_error(r->error, FIRE_ERROR, FIRE_ERROR_FORMAT,
                "regex construct '%.*s' at byte %zu is not supported", (int)n_bytes, r->p,
                (size_t)(r->p - r->pattern));
    return false;
}

static void copy(struct rewriter *r, size_t n_bytes)
{
    g_string_append_len(r->out, r->p, (gssize)n_bytes);
    r->p += n_bytes;
}

static void replace(struct rewriter *r, size_t n_bytes, const char *text)
{
    g_string_append(r->out, text);
    r->p += n_bytes;
}

/* \p{...}, \P{...}: names mean the same where both know them; PCRE2 refuses the others. */
static bool rewrite_property(struct rewriter *r)
{
    size_t n_bytes = 2;
    if (r->p[2] == '{') {
        size_t n_name = strcspn(r->p + 3, "}");
        n_bytes = 3 + n_name + (r->p[3 + n_name] == '}');
    }
    if (n_bytes < 5 || r->p[n_bytes - 1] != '}')
        return refuse(r, 3);
    copy(r, n_bytes);
    return true;
}

static bool rewrite_hex(struct rewriter *r)
{
    bool long_form = r->p[1] == 'u';
    if (!long_form && r->p[2] == '{') {
        size_t n_digits = strspn(r->p + 3, "0123456789abcdefABCDEF");
        if (n_digits == 0 || r->p[3 + n_digits] != '}')
            return refuse(r, 4);
        copy(r, 4 + n_digits);
        return true;
    }
    size_t n_wanted = long_form ? 4 : 2;
    /* \x80 and above is a byte to one and a character to the other. */
    if (strspn(r->p + 2, "0123456789abcdefABCDEF") < n_wanted || (!long_form && r->p[2] > '7'))
        return refuse(r, 2 + n_wanted);
    g_string_append_printf(r->out, "\\x{%.*s}", (int)n_wanted, r->p + 2);
    r->p += 2 + n_wanted;
    return true;
}

/* A backslash and what it says, inside a class or outside. */
static bool rewrite_escape(struct rewriter *r, bool in_class)
{
    char c = r->p[1];
    switch (c) {
    case 's':
        replace(r, 2, in_class ? SPACE : "[" SPACE "]");
        return true;
    case 'S':
        replace(r, 2, in_class ? NOT_SPACE : "[^" SPACE "]");
        return true;
    case 'w':
        replace(r, 2, in_class ? WORD : "[" WORD "]");
        return true;
    case 'W':
        if (in_class)
            return refuse(r, 2);
        replace(r, 2, "[^" WORD "]");
        return true;
    case 'd':
        replace(r, 2, "\\p{Nd}");
        return true;
    case 'D':
        replace(r, 2, "\\P{Nd}");
        return true;
    case 'v':
        replace(r, 2, "\\x{B}");
        return true;
    case 'p':
    case 'P':
        return rewrite_property(r);
    case 'x':
    case 'u':
        return rewrite_hex(r);
    case 'A':
    case 'z':
        if (in_class)
            return refuse(r, 2);
        copy(r, 2);
        return true;
    default:
        if (c == '\0' || (g_ascii_isalnum(c) && !strchr("nrtfae", c)))
            return refuse(r, 2);
        if ((unsigned char)c < 0x80)
            copy(r, 2);
        else
            r->p++; /* an escaped character beyond ASCII is itself */
        return true;
    }
}

static bool rewrite_class(struct rewriter *r)
{
    copy(r, r->p[1] == '^' ? 2 : 1);
    if (*r->p == ']')
        replace(r, 1, "\\]");
    while (*r->p && *r->p != ']') {
        if (*r->p == '[' || (r->p[0] == '&' && r->p[1] == '&'))
            return refuse(r, 2);
        if (*r->p == '\\') {
            if (!rewrite_escape(r, true))
                return false;
        } else {
            copy(r, 1);
        }
    }
    if (!*r->p)
        return refuse(r, 1);
    copy(r, 1);
    return true;
}

/* An opening bracket: a plain group, or one of the groups that both read alike. */
static bool rewrite_group(struct rewriter *r)
{
    static const char *const alike[] = {"(?:", "(?=",  "(?!",  "(?<=", "(?<!",
                                        "(?>", "(?i:", "(?i)", "(?-i:"};
    if (r->p[1] == '*') /* a verb to PCRE2, an error to Oniguruma */
        return refuse(r, 2);
    if (r->p[1] != '?') {
        copy(r, 1);
        return true;
    }
    for (size_t i = 0; i < G_N_ELEMENTS(alike); i++)
        if (g_str_has_prefix(r->p, alike[i])) {
            copy(r, strlen(alike[i]));
            return true;
        }
    return refuse(r, 3);
}

/* {n}, {n,}, {n,m}, {,m}; a bracket that starts none of them is itself in both. */
static bool rewrite_interval(struct rewriter *r)
{
    size_t n_low = strspn(r->p + 1, "0123456789");
    const char *comma = r->p + 1 + n_low;
    size_t n_high = *comma == ',' ? strspn(comma + 1, "0123456789") : 0;
    const char *end = *comma == ',' ? comma + 1 + n_high : comma;
    if (*end != '}' || n_low + n_high == 0) {
        replace(r, 1, "\\{");
        return true;
    }
    if (end[1] == '+' || (end[1] == '?' && *comma != ','))
        return refuse(r, (size_t)(end + 2 - r->p));
    size_t n_bytes = (size_t)(end + 1 - r->p);
    if (n_low == 0)
        replace(r, 1, "{0");
    copy(r, n_bytes - (n_low == 0));
    return true;
}

static bool rewrite_next(struct rewriter *r)
{
    switch (*r->p) {
    case '\\':
        return rewrite_escape(r, false);
    case '[':
        return rewrite_class(r);
    case '(':
        return rewrite_group(r);
    case '{':
        return rewrite_interval(r);
    default:
        copy(r, 1);
        return true;
    }
}

char *regex_dialect_to_pcre2(const char *pattern, GError **error)
{
    struct rewriter r = {pattern, pattern, g_string_new(NULL), error};
    while (*r.p)
        if (!rewrite_next(&r)) {
            g_string_free(r.out, TRUE);
            return NULL;
        }
    return g_string_free(r.out, FALSE);
}
