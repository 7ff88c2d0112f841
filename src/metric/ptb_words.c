#include "metric/ptb_text.h"

#include <string.h>

size_t ptb_apostrophe(const struct ptb_text *text, size_t i, bool loose)
{
    uint32_t c = text->c[i];
    if (c == '\'' || c == 0x92 || c == 0x2019)
        return 1;
    if (loose && (c == '`' || c == 0x91 || c == 0x2018 || c == 0x201b))
        return 1;
    return c == '&' && ptb_looking_at(text, i, "&apos;") ? 6 : 0;
}

static size_t letters(const struct ptb_text *text, size_t i)
{
    size_t n = 0;
    while (ptb_is_letter(text, i + n))
        n++;
    return n;
}

/* A letter of a word: a letter, a mark, a soft hyphen, or an entity such as &eacute; -- its length,
 * or 0. */
static size_t word_letter(const struct ptb_text *text, size_t i)
{
    static const char *const accents[] = {"acute;", "grave;", "uml;"};
    if (text->k[i] == PTB_LETTER || text->k[i] == PTB_MARK || text->c[i] == 0xad)
        return 1;
    if (text->c[i] != '&' || text->c[i + 1] >= 0x80 ||
        !strchr("aeiou", (int)(text->c[i + 1] | 0x20)))
        return 0;
    for (size_t a = 0; a < 3; a++)
        if (ptb_looking_at(text, i + 2, accents[a]))
            return 2 + strlen(accents[a]);
    return 0;
}

/* Letters, then letters and digits; more of the same behind . ? or ! in its inside: tower.hat */
static size_t word(const struct ptb_text *text, size_t i)
{
    size_t j = i, n;
    while ((n = word_letter(text, j))) {
        do
            j += n;
        while ((n = ptb_is_digit(text, j) ? 1 : word_letter(text, j)));
        if ((text->c[j] != '.' && text->c[j] != '?' && text->c[j] != '!') ||
            !word_letter(text, j + 1))
            break;
        j++;
    }
    return j - i;
}

size_t ptb_split_word(const struct ptb_text *text, size_t i, size_t n)
{
    static const struct {
        const char *lower;
        size_t first;
    } words[] = {{"cannot", 3}, {"gonna", 3}, {"gotta", 3},
                 {"lemme", 3},  {"gimme", 3}, {"wanna", 3}};
    for (size_t w = 0; (n == 5 || n == 6) && w < sizeof words / sizeof *words; w++)
        if (strlen(words[w].lower) == n && ptb_looking_at(text, i, words[w].lower))
            return words[w].first;
    return 0;
}

/* The length of n't at i, or 0. */
static size_t negation(const struct ptb_text *text, size_t i)
{
    size_t n = (text->c[i] | 0x20) == 'n' ? ptb_apostrophe(text, i + 1, true) : 0;
    return n && (text->c[i + 1 + n] | 0x20) == 't' ? n + 2 : 0;
}

/* The length of 's, 'm, 'd, 're, 've or 'll at i, or 0. */
static size_t clitic(const struct ptb_text *text, size_t i)
{
    static const char *const pairs[] = {"re", "ve", "ll"};
    size_t n = ptb_apostrophe(text, i, false);
    if (n == 0)
        return 0;
    uint32_t c = text->c[i + n];
    if (c < 0x80 && c && strchr("msdMSD", (int)c))
        return n + 1;
    for (size_t p = 0; p < 3; p++)
        if (ptb_looking_at(text, i + n, pairs[p]))
            return n + 2;
    return 0;
}

/* do | n't, it | 's: the word, which wins over longer readings because it sees what follows. */
static void match_contraction(const struct ptb_text *text, size_t i, struct ptb_match *best)
{
    size_t n = 0, follows;
    while (ptb_is_ascii_letter(text->c[i + n]) || text->c[i + n] == 0xad)
        n++;
    if (n >= 2 && (follows = negation(text, i + n - 1)) && (text->c[i + n - 2] | 0x20) != 'n')
        ptb_offer(best, n - 1 + follows, n - 1, PTB_AS_IS);
    for (n = 0; ptb_is_letter(text, i + n) || text->c[i + n] == 0xad;)
        n++;
    if (n && (follows = clitic(text, i + n)))
        ptb_offer(best, n + follows, n, PTB_AS_IS);
}

/* The length at i of `lower`, in any case and with any kind of apostrophe, or 0. */
static size_t spelled(const struct ptb_text *text, size_t i, const char *lower)
{
    size_t j = i;
    for (; *lower; lower++) {
        size_t n = *lower == '\'' ? ptb_apostrophe(text, j, false)
                                  : (text->c[j] | 0x20) == (unsigned char)*lower;
        if (n == 0)
            return 0;
        j += n;
    }
    return j - i;
}

/* Words that hold an apostrophe: by form, O'Neill, Hawai'i, l'; and some by name. */
static void match_apostrophe_word(const struct ptb_text *text, size_t i, struct ptb_match *best)
{
    static const char *const named[] = {"nor'easter", "c'mon", "e'er",  "s'mores",
                                        "ev'ry",      "li'l",  "nat'l", "f'ing"};
    static const char *const curly_too[] = {"dunkin'", "somethin'", "ol'", "o'o", "cap'n", "c'est"};
    uint32_t c = text->c[i];
    size_t n = letters(text, i), mark = ptb_apostrophe(text, i + n, true), rest;
    if (n == 0 || mark == 0)
        return;
    uint32_t last = text->c[i + n - 1], next = text->c[i + n + mark];
    rest = letters(text, i + n + mark);
    if (n == 1 && ((c >= 'A' && c <= 'Z' && c != 'I' && c != 'Y') || c == 'n') && rest >= 2)
        ptb_offer(best, n + mark + rest, n + mark + rest, PTB_AS_IS);
    if (n >= 2 && last < 0x80 && strchr("aeiouyAEIOUY", (int)last) && next && next < 0x80 &&
        (strchr("aeiou", (int)next) || (next >= 'A' && next <= 'Z')))
        ptb_offer(best, n + mark + rest, n + mark + rest, PTB_AS_IS);
    for (size_t w = 0; w < sizeof named / sizeof *named; w++)
        if (ptb_looking_at(text, i, named[w]))
            ptb_offer(best, strlen(named[w]), strlen(named[w]), PTB_AS_IS);
    for (size_t w = 0; w < sizeof curly_too / sizeof *curly_too; w++) {
        size_t length = spelled(text, i, curly_too[w]);
        ptb_offer(best, length, length, PTB_AS_IS);
    }
    if (!ptb_apostrophe(text, i + n, false) || n != 1 || c >= 0x80)
        return;
    if (strchr("lLdDjJ", (int)c))
        ptb_offer(best, 1 + mark, 1 + mark, PTB_AS_IS);
    if ((c | 0x20) == 'y' && rest)
        ptb_offer(best, 2 + mark, 1 + mark, PTB_AS_IS);
}

static bool is_hyphen(uint32_t c)
{
    return c == '-' || c == '_' || c == 0x58a || c == 0x2010 || c == 0x2011;
}

/* Letters and digits, in front of which d', o' or l' may stand. */
static size_t thing_part(const struct ptb_text *text, size_t i)
{
    size_t j = i, mark;
    if (text->c[i] && text->c[i] < 0x80 && strchr("dDoOlL", (int)text->c[i]) &&
        (mark = ptb_apostrophe(text, i + 1, true)) && ptb_is_alnum(text, i + 1 + mark) &&
        ptb_is_alnum(text, i + 2 + mark))
        j += 2 + mark;
    while (ptb_is_alnum(text, j))
        j++;
    return j - i;
}

/* well-known, F-16, foo_bar, 10-year-old */
static size_t thing(const struct ptb_text *text, size_t i)
{
    size_t n = thing_part(text, i), j = i + n;
    while (n && is_hyphen(text->c[j]) && (n = thing_part(text, j + 1)))
        j += 1 + n;
    return j - i;
}

/* Capitals joined by & or +: AT&T, A+B */
static size_t joined_capitals(const struct ptb_text *text, size_t i)
{
    size_t j = i, end = 0;
    for (;;) {
        size_t start = j;
        while (text->c[j] >= 'A' && text->c[j] <= 'Z')
            j++;
        if (j == start)
            return end ? end - i : 0;
        if (start > i)
            end = j;
        if (ptb_looking_at(text, j, "&amp;"))
            j += 5;
        else if (text->c[j] == '&' || text->c[j] == '+')
            j++;
        else
            return end ? end - i : 0;
    }
}

/* a, a-b, a-b-c in ASCII: what a slash may join; only letters behind hyphens. */
static size_t slash_part(const struct ptb_text *text, size_t i)
{
    size_t j = i;
    while (ptb_is_ascii_alnum(text->c[j]))
        j++;
    for (int hyphens = 0; j > i && hyphens < 2; hyphens++) {
        if (text->c[j] != '-' || !ptb_is_ascii_letter(text->c[j + 1]))
            break;
        for (j++; ptb_is_ascii_letter(text->c[j]);)
            j++;
    }
    return j - i;
}

/* and/or, a/b/c */
static size_t slashed(const struct ptb_text *text, size_t i)
{
    size_t n = slash_part(text, i), j = i + n, parts = 0;
    while (n && parts < 2) {
        size_t slash = j + (text->c[j] == '\\');
        if (text->c[slash] != '/' || !(n = slash_part(text, slash + 1)))
            break;
        j = slash + 1 + n;
        parts++;
    }
    return parts ? j - i : 0;
}

/* U.S. as a part behind a hyphen: two or more initials. */
static size_t initials(const struct ptb_text *text, size_t i)
{
    size_t n = 0;
    while (ptb_is_ascii_letter(text->c[i + n]) && text->c[i + n + 1] == '.')
        n += 2;
    return n >= 4 ? n : 0;
}

/* 1.5-inch, U.S.-based, non-U.S.: periods and commas in the first part only. */
static size_t hyphenated(struct ptb_text *text, size_t i)
{
    if (!ptb_is_ascii_alnum(text->c[i]) || i < text->failed_until[PTB_HYPHENATED])
        return 0;
    size_t j = i, parts = 0;
    for (uint32_t c; c = text->c[j], ptb_is_ascii_alnum(c) || c == '.' || c == ',' || c == 0xad;)
        j++;
    while (text->c[j] == '-') {
        size_t n = initials(text, j + 1);
        if (n == 0)
            while (ptb_is_ascii_alnum(text->c[j + 1 + n]) || text->c[j + 1 + n] == 0xad)
                n++;
        if (n == 0)
            break;
        j += 1 + n;
        parts++;
    }
    if (!parts)
        text->failed_until[PTB_HYPHENATED] = j;
    return parts ? j - i : 0;
}

/* Spellings that stay whole. */
static void match_named(const struct ptb_text *text, size_t i, struct ptb_match *best)
{
    static const char *const named[] = {"c++",         "c#",   "f#",       "c.d.s", "s&p-500",
                                        "s&amp;p-500", "s&ls", "s&amp;ls", "pro-",  "anti-"};
    for (size_t w = 0; w < sizeof named / sizeof *named; w++)
        if (ptb_looking_at(text, i, named[w]))
            ptb_offer(best, strlen(named[w]), strlen(named[w]), PTB_STRAIGHT);
}

/* A period in front of a comma, semicolon or colon belongs to the word: approx., */
static void offer_word(const struct ptb_text *text, size_t i, size_t n, enum ptb_form form,
                       struct ptb_match *best)
{
    if (n && text->c[i + n] == '.') {
        uint32_t c = text->c[i + n + 1];
        if (c == ',' || c == ';' || c == ':' || c == 0x3001)
            ptb_offer(best, n + 2, n + 1, form);
    }
    ptb_offer(best, n, n, form);
}

void ptb_match_words(struct ptb_text *text, size_t i, struct ptb_match *best)
{
    size_t n = letters(text, i), first = ptb_split_word(text, i, n);
    if (first)
        ptb_offer(best, n, first, PTB_AS_IS);
    match_contraction(text, i, best);
    offer_word(text, i, word(text, i), PTB_AS_IS, best);
    match_apostrophe_word(text, i, best);
    if ((n = negation(text, i)))
        ptb_offer(best, n, n, PTB_STRAIGHT);
    match_named(text, i, best);
    offer_word(text, i, joined_capitals(text, i), PTB_STRAIGHT, best);
    offer_word(text, i, thing(text, i), PTB_AS_IS, best);
    n = slashed(text, i);
    ptb_offer(best, n, n, PTB_AS_IS);
}

void ptb_match_hyphenated(struct ptb_text *text, size_t i, struct ptb_match *best)
{
    offer_word(text, i, hyphenated(text, i), PTB_AS_IS, best);
}

void ptb_match_apostrophe(const struct ptb_text *text, size_t i, struct ptb_match *best)
{
    static const char *const named[] = {"em", "till", "til", "cause"};
    size_t mark = ptb_apostrophe(text, i, false), n;
    if (mark == 0)
        return;
    if (ptb_looking_at(text, i, "'tis") || ptb_looking_at(text, i, "'twas"))
        ptb_offer(best, (text->c[i + 2] | 0x20) == 'i' ? 4 : 5, 2, PTB_AS_IS);
    if ((text->c[i + mark] | 0x20) == 'n') {
        n = mark + 1 + ptb_apostrophe(text, i + mark + 1, false);
        ptb_offer(best, n, n, PTB_AS_IS);
    }
    for (size_t w = 0; w < sizeof named / sizeof *named; w++)
        if (ptb_looking_at(text, i + mark, named[w]))
            ptb_offer(best, mark + strlen(named[w]), mark + strlen(named[w]), PTB_AS_IS);
    /* A typewriter's apostrophe in front of more letters opens a quotation: 'really'. */
    bool ends = (n = clitic(text, i)) && !ptb_is_ascii_letter(text->c[i + n]);
    if (n && (ends || text->c[i] != '\''))
        ptb_offer(best, n + ends, n, PTB_STRAIGHT);
    if (!ptb_is_ascii_digit(text->c[i + mark]) || !ptb_is_ascii_digit(text->c[i + mark + 1]))
        return;
    if (text->c[i + mark] >= '2' && text->c[i + mark + 1] == '0' &&
        (text->c[i + mark + 2] | 0x20) == 's')
        ptb_offer(best, mark + 3, mark + 3, PTB_AS_IS);
    if (ptb_is_space(text, i + mark + 2))
        ptb_offer(best, mark + 3, mark + 2, PTB_AS_IS);
}
