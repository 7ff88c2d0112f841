#include "metric/ptb_text.h"

#include <string.h>

static bool is_one_of(uint32_t c, const char *characters)
{
    return c && c < 0x80 && strchr(characters, (int)c);
}

/* How many times c stands from i on. */
static size_t run_of(const struct ptb_text *text, size_t i, uint32_t c)
{
    size_t n = 0;
    while (text->c[i + n] == c)
        n++;
    return n;
}

/* :-) and its kin; no letter or digit may follow. */
static size_t smiley(const struct ptb_text *text, size_t i)
{
    size_t j = i + is_one_of(text->c[i], "<>");
    if (!is_one_of(text->c[j], ":;="))
        return 0;
    j++;
    if (is_one_of(text->c[j], "-o*'") && is_one_of(text->c[j + 1], "()DPdpO\\{@|[]"))
        j++;
    if (!is_one_of(text->c[j], "()DPdpO\\{@|[]") || ptb_is_ascii_alnum(text->c[j + 1]))
        return 0;
    return j + 1 - i;
}

/* ^_^ and (^.^) */
static size_t eastern_smiley(const struct ptb_text *text, size_t i)
{
    static const char eyes[] = "-^x=~<>'";
    if (is_one_of(text->c[i], eyes) && text->c[i + 1] == '_' && is_one_of(text->c[i + 2], eyes))
        return 3;
    if (text->c[i] != '(' || !is_one_of(text->c[i + 1], eyes))
        return 0;
    if (is_one_of(text->c[i + 2], eyes) && text->c[i + 3] == ')')
        return 4;
    bool mouth = is_one_of(text->c[i + 2], "_.") ||
                 (text->c[i + 2] == '-' && text->c[i + 1] != '-' && text->c[i + 3] != '-');
    return mouth &&
                   (is_one_of(text->c[i + 3], eyes) ||
                    (text->c[i + 2] == '-' && text->c[i + 3] == '`')) &&
                   text->c[i + 4] == ')'
               ? 5
               : 0;
}

/* Three to five periods, or three to five with a space between each two. */
static size_t ellipsis(const struct ptb_text *text, size_t i)
{
    size_t n = 1, dots = 1;
    while (n < 5 && text->c[i + n] == '.')
        n++;
    if (n >= 3)
        return n;
    while (dots < 5 && (text->c[i + 2 * dots - 1] == ' ' || text->c[i + 2 * dots - 1] == 0xa0) &&
           text->c[i + 2 * dots] == '.')
        dots++;
    return dots >= 3 ? 2 * dots - 1 : 0;
}

/* The back-quote and the quotes of print, which go in pairs. */
static bool is_curly(uint32_t c)
{
    return c == '`' || (c >= 0x91 && c <= 0x94) || (c >= 0x2018 && c <= 0x201f) || c == 0x2039 ||
           c == 0x203a || c == 0xab || c == 0xbb;
}

/* 'x opens a quotation where more than one letter follows; anything else closes it. */
static void match_quotes(const struct ptb_text *text, size_t i, struct ptb_match *best)
{
    size_t n = text->c[i] == '"' ? 1 : ptb_looking_at(text, i, "&quot;") ? 6 : 0;
    if (n) {
        bool opens = ptb_is_ascii_alnum(text->c[i + n]) || text->c[i + n] == '$';
        if (text->c[i + n - 1] == '"' || text->c[i + 1] == 'q')
            ptb_offer_fixed(best, n + opens, n, opens ? "``" : "''");
        else /* &QUOT; */
            ptb_offer(best, n + opens, n, PTB_AS_IS);
    }
    if (text->c[i] == '\'' && text->c[i + 1] == '\'')
        ptb_offer(best, 2, 2, PTB_AS_IS);
    for (n = 0; n < 2 && is_curly(text->c[i + n]);)
        n++;
    if (n == 2)
        ptb_offer(best, 2, 2, PTB_STRAIGHT);
    if (text->c[i] == '\'' && ptb_is_ascii_letter(text->c[i + 1]) && !ptb_is_space(text, i + 2))
        ptb_offer_fixed(best, 3, 1, "`");
    if ((n = ptb_apostrophe(text, i, false)))
        ptb_offer(best, n, n, PTB_STRAIGHT);
}

const char *ptb_replacement(uint32_t c)
{
    static const struct {
        uint16_t c;
        const char *text;
    } replacements[] = {
        {'(', "-lrb-"}, {')', "-rrb-"},  {'[', "-lsb-"},  {']', "-rsb-"}, {'{', "-lcb-"},
        {'}', "-rcb-"}, {0x80, "$"},     {0x85, "..."},   {0x91, "`"},    {0x92, "'"},
        {0x93, "``"},   {0x94, "''"},    {0x96, "--"},    {0x97, "--"},   {0xa2, "cents"},
        {0xa3, "#"},    {0xa4, "$"},     {0xab, "``"},    {0xad, "-"},    {0xbb, "''"},
        {0xbc, "1/4"},  {0xbd, "1/2"},   {0xbe, "3/4"},   {0x2013, "--"}, {0x2014, "--"},
        {0x2015, "--"}, {0x2018, "`"},   {0x2019, "'"},   {0x201b, "`"},  {0x201c, "``"},
        {0x201d, "''"}, {0x2026, "..."}, {0x2039, "`"},   {0x203a, "'"},  {0x20a0, "$"},
        {0x20ac, "$"},  {0x2153, "1/3"}, {0x2154, "2/3"},
    };
    if (c < 0x80 && !is_one_of(c, "()[]{}"))
        return NULL;
    for (size_t r = 0; r < sizeof replacements / sizeof *replacements; r++)
        if (replacements[r].c == c)
            return replacements[r].text;
    return NULL;
}

static void match_entities(const struct ptb_text *text, size_t i, struct ptb_match *best)
{
    static const struct {
        const char *lower, *text; /* NULL: no token */
    } entities[] = {{"&amp;", "&"},    {"&lt;", "<"},     {"&gt;", ">"}, {"&nbsp;", NULL},
                    {"&mdash;", "--"}, {"&ndash;", "--"}, {"&md;", "--"}};
    for (size_t e = 0; e < sizeof entities / sizeof *entities; e++) {
        size_t n = strlen(entities[e].lower);
        if (!ptb_looking_at(text, i, entities[e].lower))
            continue;
        if (entities[e].text)
            ptb_offer_fixed(best, n, n, entities[e].text);
        else
            ptb_offer(best, n, n, PTB_NOTHING);
    }
    size_t n = 2;
    while (n < 7 && ptb_is_ascii_digit(text->c[i + n]))
        n++;
    if (text->c[i + 1] == '#' && n > 2 && text->c[i + n] == ';')
        ptb_offer(best, n + 1, n + 1, PTB_AS_IS);
}

/* US$, $, # */
static size_t dollar(const struct ptb_text *text, size_t i)
{
    size_t n = 0;
    while (text->c[i + n] >= 'A' && text->c[i + n] <= 'Z')
        n++;
    return text->c[i + n] == '$' ? n + 1 : 0;
}

static void match_runs(const struct ptb_text *text, size_t i, struct ptb_match *best)
{
    size_t n;
    switch (text->c[i]) {
    case '-':
        n = run_of(text, i, '-');
        if (n == 3 || n == 4)
            ptb_offer_fixed(best, n, n, "--");
        ptb_offer(best, n, n, PTB_AS_IS);
        for (size_t b = 0; b < 6; b++) {
            static const char *const brackets[] = {"-lrb-", "-rrb-", "-lcb-",
                                                   "-rcb-", "-lsb-", "-rsb-"};
            if (ptb_looking_at(text, i, brackets[b]))
                ptb_offer(best, 5, 5, PTB_AS_IS);
        }
        break;
    case '@':
    case '#':
    case '_':
    case '*':
        n = run_of(text, i, text->c[i]);
        ptb_offer(best, n, n, PTB_AS_IS);
        break;
    case '\\': /* \* is how old treebanks write a star */
        for (n = 0; n < 6 && text->c[i + n] == '\\' && text->c[i + n + 1] == '*';)
            n += 2;
        ptb_offer(best, n, n, PTB_AS_IS);
        break;
    case '?':
    case '!':
        for (n = 0; text->c[i + n] == '?' || text->c[i + n] == '!';)
            n++;
        ptb_offer(best, n, n, PTB_AS_IS);
        break;
    case '.':
        n = ellipsis(text, i);
        ptb_offer_fixed(best, n, n, "...");
        break;
    case '<':
    case '>': /* French quotes as typewriters have them */
        if (text->c[i + 1] == text->c[i])
            ptb_offer(best, 2, 2, PTB_AS_IS);
        break;
    case '&':
        match_entities(text, i, best);
        break;
    }
}

void ptb_match_symbols(const struct ptb_text *text, size_t i, struct ptb_match *best)
{
    size_t n = dollar(text, i);
    ptb_offer(best, n, n, PTB_AS_IS);
    match_runs(text, i, best);
    if ((n = smiley(text, i)))
        ptb_offer(best, n + 1, n, PTB_BRACKETED);
    n = eastern_smiley(text, i);
    ptb_offer(best, n, n, PTB_BRACKETED);
    match_quotes(text, i, best);
    const char *fixed = ptb_replacement(text->c[i]);
    if (fixed)
        ptb_offer_fixed(best, 1, 1, fixed);
    bool nothing = text->k[i] == PTB_UNKNOWN || ptb_is_space(text, i);
    ptb_offer(best, 1, 1, nothing ? PTB_NOTHING : PTB_AS_IS);
}
