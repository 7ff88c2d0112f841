/* answer_text.c -- the normalisation of answer.h and what it shares with VQA's. */
#include "data/answer.h"

#include "data/space.h"

#include <string.h>

char **answer_words(const char *text)
{
    GPtrArray *words = g_ptr_array_new();
    const char *start = NULL;
    for (const char *p = text;; p = g_utf8_next_char(p)) {
        bool end = !*p || space_is(g_utf8_get_char(p));
        if (!end && !start)
            start = p;
        if (end && start) {
            g_ptr_array_add(words, g_strndup(start, (gsize)(p - start)));
            start = NULL;
        }
        if (!*p)
            break;
    }
    g_ptr_array_add(words, NULL);
    return (char **)g_ptr_array_free(words, FALSE);
}

bool answer_is_article(const char *word)
{
    return strcmp(word, "a") == 0 || strcmp(word, "an") == 0 || strcmp(word, "the") == 0;
}

const char *answer_digits(const char *word)
{
    static const char *const names[] = {"zero", "one",   "two",   "three", "four", "five",
                                        "six",  "seven", "eight", "nine",  "ten"};
    static const char *const digits[] = {"0", "1", "2", "3", "4", "5", "6", "7", "8", "9", "10"};
    for (size_t i = 0; i < G_N_ELEMENTS(names); i++)
        if (strcmp(word, names[i]) == 0)
            return digits[i];
    return NULL;
}

static bool is_punctuation(gunichar c)
{
    switch (g_unichar_type(c)) {
    case G_UNICODE_CONNECT_PUNCTUATION:
    case G_UNICODE_DASH_PUNCTUATION:
    case G_UNICODE_CLOSE_PUNCTUATION:
    case G_UNICODE_FINAL_PUNCTUATION:
    case G_UNICODE_INITIAL_PUNCTUATION:
    case G_UNICODE_OTHER_PUNCTUATION:
    case G_UNICODE_OPEN_PUNCTUATION:
        return true;
    default:
        return c == '`';
    }
}

/* The sign or the point of a number. */
static bool begins_number(const char *p)
{
    if (*p == '-' && p[1] == '.')
        p++;
    return (*p == '-' || *p == '.') && g_ascii_isdigit(p[1]);
}

/* `word` without the punctuation around it. */
static char *bare_word(const char *word)
{
    while (*word && is_punctuation(g_utf8_get_char(word)) && !begins_number(word))
        word = g_utf8_next_char(word);
    const char *end = word + strlen(word);
    while (end > word && is_punctuation(g_utf8_get_char(g_utf8_prev_char(end))))
        end = g_utf8_prev_char(end);
    return g_strndup(word, (gsize)(end - word));
}

/* Takes the commas out of "1,000" and "-12,345,678.9"; "1,2" stays. */
static void join_thousands(char *word)
{
    const char *p = word + strspn(word, "-+$");
    size_t n = strspn(p, "0123456789");
    if (n < 1 || n > 3 || p[n] != ',')
        return;
    for (p += n; *p == ','; p += 4)
        if (strspn(p + 1, "0123456789") != 3)
            return;
    if (*p && *p != '.')
        return;
    char *to = word;
    for (const char *from = word; *from; from++)
        if (*from != ',')
            *to++ = *from;
    *to = '\0';
}

static void append_word(GString *out, const char *word)
{
    if (*word)
        g_string_append_printf(out, "%s%s", out->len ? " " : "", word);
}

char *answer_normalize(const char *text)
{
    g_autofree char *compatible = g_utf8_normalize(text, -1, G_NORMALIZE_NFKC);
    g_autofree char *folded = g_utf8_casefold(compatible ? compatible : "", -1);
    g_autoptr(GString) plain = g_string_new(folded);
    g_string_replace(plain, "\xe2\x88\x92", "-", 0); /* the minus sign U+2212 */
    g_auto(GStrv) words = answer_words(plain->str);
    g_autoptr(GString) all = g_string_new(NULL);
    GString *out = g_string_new(NULL);
    for (char **raw = words; *raw; raw++) {
        g_autofree char *word = bare_word(*raw);
        join_thousands(word);
        const char *digits = answer_digits(word);
        append_word(all, word);
        if (!answer_is_article(word))
            append_word(out, digits ? digits : word);
    }
    if (out->len == 0)
        g_string_assign(out, all->str);
    return g_string_free(out, FALSE);
}
