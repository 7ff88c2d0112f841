#include "metric/ptb_text.h"

/* The number of digits at i, at most `max`. */
static size_t digits(const struct ptb_text *text, size_t i, size_t max)
{
    size_t n = 0;
    while (n < max && ptb_is_digit(text, i + n))
        n++;
    return n;
}

static size_t ascii_digits(const struct ptb_text *text, size_t i, size_t max)
{
    size_t n = 0;
    while (n < max && ptb_is_ascii_digit(text->c[i + n]))
        n++;
    return n;
}

static bool is_separator(uint32_t c)
{
    return c == '.' || c == ',' || c == ':' || c == 0xad || c == 0x66b || c == 0x66c;
}

/* -1,000.50: groups of digits with one separator between each two, and perhaps in front. */
static size_t number(const struct ptb_text *text, size_t i)
{
    size_t j = i + (text->c[i] == '+' || text->c[i] == '-');
    j += digits(text, j, SIZE_MAX);
    while (is_separator(text->c[j]) && ptb_is_digit(text, j + 1))
        j += 1 + digits(text, j + 1, SIZE_MAX);
    return j > i && ptb_is_digit(text, j - 1) ? j - i : 0;
}

static bool is_space_or_hyphen(uint32_t c)
{
    return c == ' ' || c == 0xa0 || c == '-';
}

/* 12/25/2010, 12-25-2010 */
static size_t date(const struct ptb_text *text, size_t i)
{
    size_t j = i;
    for (int part = 0; part < 2; part++) {
        size_t n = digits(text, j, 2);
        if (n == 0 || (text->c[j + n] != '/' && text->c[j + n] != '-'))
            return 0;
        j += n + 1;
    }
    size_t n = digits(text, j, 4);
    return n >= 2 ? j + n - i : 0;
}

static size_t simple_fraction(const struct ptb_text *text, size_t i)
{
    size_t n = digits(text, i, 4), j = i + n;
    if (n == 0)
        return 0;
    if (text->c[j] == '\\' && text->c[j + 1] == '/')
        j++;
    if (text->c[j] != '/' && text->c[j] != 0x2044)
        return 0;
    size_t below = digits(text, j + 1, 4);
    return below ? j + 1 + below - i : 0;
}

/* 3/4, 1 1/2, 1-1/2 */
static size_t fraction(const struct ptb_text *text, size_t i)
{
    size_t n = digits(text, i, 4);
    if (n && is_space_or_hyphen(text->c[i + n])) {
        size_t rest = simple_fraction(text, i + n + 1);
        if (rest)
            return n + 1 + rest;
    }
    return simple_fraction(text, i);
}

/* The last two groups, 555-1234: 3 or 4 digits, perhaps a space or hyphen, 3 to 5 digits. */
static size_t phone_local(const struct ptb_text *text, size_t i)
{
    size_t longest = 0;
    for (size_t n = 3; n <= 4 && ascii_digits(text, i, n) == n; n++) {
        size_t j = i + n + is_space_or_hyphen(text->c[i + n]);
        size_t last = ascii_digits(text, j, 5);
        if (last >= 3 && j + last - i > longest)
            longest = j + last - i;
    }
    return longest;
}

/* A group of 2 to 4 digits and what ends it, or 0. */
static size_t phone_group(const struct ptb_text *text, size_t i, bool dotted)
{
    size_t n = ascii_digits(text, i, 4);
    bool ends = dotted ? text->c[i + n] == '.' : is_space_or_hyphen(text->c[i + n]);
    return n >= 2 && ends ? n + 1 : 0;
}

static size_t dotted_local(const struct ptb_text *text, size_t i)
{
    size_t n = ascii_digits(text, i, 4), last;
    if (n < 3 || text->c[i + n] != '.')
        return 0;
    last = ascii_digits(text, i + n + 1, 5);
    return last >= 3 ? n + 1 + last : 0;
}

/* Up to two groups, then the local part: +44 20 7946 0958, 555.123.4567. */
static size_t phone_plain(const struct ptb_text *text, size_t i, bool dotted)
{
    size_t start = i, longest = 0;
    while (i < start + 2 && text->c[i] == '+')
        i++;
    for (int groups = 1; groups <= 2; groups++) {
        size_t n = phone_group(text, i, dotted);
        if (n == 0)
            break;
        i += n;
        size_t local = dotted ? dotted_local(text, i) : phone_local(text, i);
        if (local && i + local - start > longest)
            longest = i + local - start;
    }
    return longest;
}

/* (555) 123-4567 */
static size_t phone_bracketed(const struct ptb_text *text, size_t i)
{
    size_t n = ascii_digits(text, i + 1, 3);
    if (text->c[i] != '(' || n < 2 || text->c[i + 1 + n] != ')')
        return 0;
    size_t j = i + n + 2, local;
    j += text->c[j] == ' ' || text->c[j] == 0xa0;
    local = phone_local(text, j);
    return local ? j + local - i : 0;
}

static bool is_raised(uint32_t c)
{
    return c == 0xb9 || c == 0xb2 || c == 0xb3 || c == 0x2070 || (c >= 0x2074 && c <= 0x2079);
}

/* x²: a run of raised or of lowered digits, perhaps with a sign. */
static size_t small_digits(const struct ptb_text *text, size_t i)
{
    uint32_t c = text->c[i];
    size_t j = i + (c == 0x207a || c == 0x207b || c == 0x208a || c == 0x208b), start = j;
    while (is_raised(text->c[j]))
        j++;
    if (j == start)
        while (text->c[j] >= 0x2080 && text->c[j] <= 0x2089)
            j++;
    return j > start ? j - i : 0;
}

void ptb_match_numbers(const struct ptb_text *text, size_t i, struct ptb_match *best)
{
    size_t n = date(text, i);
    ptb_offer(best, n, n, PTB_AS_IS);
    n = number(text, i);
    ptb_offer(best, n, n, PTB_AS_IS);
    n = small_digits(text, i);
    ptb_offer(best, n, n, PTB_AS_IS);
    n = fraction(text, i);
    ptb_offer(best, n, n, PTB_BOUND);
    n = phone_bracketed(text, i);
    ptb_offer(best, n, n, PTB_BRACKETED);
    n = phone_plain(text, i, false);
    ptb_offer(best, n, n, PTB_BRACKETED);
    n = phone_plain(text, i, true);
    ptb_offer(best, n, n, PTB_AS_IS);
}
