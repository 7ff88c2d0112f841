#include "metric/ptb_text.h"

#include <glib.h>
#include <string.h>

/* Kinds of abbreviation, by what must follow for the period to stay. */
enum kind {
    NONE,
    ANYWHERE, /* Mr. */
    CLOSING,  /* Inc.: it may end a sentence, whose period then is a token of its own */
    NUMBERED, /* No. 5: only in front of a digit */
};

struct abbreviation {
    const char *lower;
    enum kind kind;
    bool capital; /* lower-case spelling is another word ("ill", "wash") */
};

/* Sorted. Months, days, states, firms, titles, units. */
static const struct abbreviation abbreviations[] = {
    {"adj", ANYWHERE, 0},    {"adm", ANYWHERE, 0},    {"adv", ANYWHERE, 0},
    {"al", CLOSING, 0},      {"ala", CLOSING, 0},     {"alex", ANYWHERE, 0},
    {"apr", CLOSING, 0},     {"ariz", CLOSING, 0},    {"ark", CLOSING, 1},
    {"art", NUMBERED, 0},    {"assn", CLOSING, 0},    {"assoc", ANYWHERE, 0},
    {"asst", ANYWHERE, 0},   {"atty", ANYWHERE, 0},   {"attys", ANYWHERE, 0},
    {"aug", CLOSING, 0},     {"ave", ANYWHERE, 0},    {"az", CLOSING, 1},
    {"bancorp", CLOSING, 0}, {"bhd", CLOSING, 0},     {"bldg", CLOSING, 0},
    {"blvd", CLOSING, 0},    {"brig", ANYWHERE, 0},   {"bros", CLOSING, 0},
    {"ca", NUMBERED, 0},     {"calif", CLOSING, 0},   {"capt", ANYWHERE, 0},
    {"cf", ANYWHERE, 0},     {"cie", ANYWHERE, 0},    {"cmdr", ANYWHERE, 0},
    {"co", CLOSING, 0},      {"col", ANYWHERE, 0},    {"colo", CLOSING, 0},
    {"comdr", ANYWHERE, 0},  {"conn", CLOSING, 0},    {"corp", CLOSING, 0},
    {"cos", CLOSING, 0},     {"cpl", ANYWHERE, 0},    {"ct", CLOSING, 0},
    {"dak", CLOSING, 0},     {"dec", CLOSING, 0},     {"del", CLOSING, 1},
    {"dept", ANYWHERE, 0},   {"det", ANYWHERE, 0},    {"dr", ANYWHERE, 0},
    {"drs", ANYWHERE, 0},    {"elec", ANYWHERE, 0},   {"ens", ANYWHERE, 0},
    {"esq", CLOSING, 0},     {"est", CLOSING, 0},     {"etc", CLOSING, 0},
    {"ext", CLOSING, 0},     {"feb", CLOSING, 0},     {"fig", NUMBERED, 0},
    {"figs", NUMBERED, 0},   {"fla", CLOSING, 0},     {"fri", CLOSING, 0},
    {"ft", ANYWHERE, 0},     {"ga", CLOSING, 0},      {"gen", ANYWHERE, 0},
    {"gov", ANYWHERE, 0},    {"govs", ANYWHERE, 0},   {"hon", ANYWHERE, 0},
    {"ill", CLOSING, 1},     {"inc", CLOSING, 0},     {"ind", CLOSING, 0},
    {"insp", ANYWHERE, 0},   {"intl", CLOSING, 0},    {"invt", ANYWHERE, 0},
    {"jan", CLOSING, 0},     {"jos", ANYWHERE, 0},    {"jr", CLOSING, 0},
    {"jul", CLOSING, 0},     {"jun", CLOSING, 0},     {"kan", CLOSING, 0},
    {"kans", CLOSING, 0},    {"ky", CLOSING, 0},      {"la", CLOSING, 1},
    {"lieut", ANYWHERE, 0},  {"lt", ANYWHERE, 0},     {"ltd", CLOSING, 0},
    {"maj", ANYWHERE, 0},    {"mar", CLOSING, 0},     {"mass", CLOSING, 1},
    {"md", CLOSING, 0},      {"messrs", ANYWHERE, 0}, {"mfg", ANYWHERE, 0},
    {"mich", CLOSING, 0},    {"minn", CLOSING, 0},    {"miss", CLOSING, 1},
    {"mlle", ANYWHERE, 0},   {"mme", ANYWHERE, 0},    {"mo", CLOSING, 0},
    {"mon", CLOSING, 0},     {"mont", CLOSING, 0},    {"mr", ANYWHERE, 0},
    {"mrs", ANYWHERE, 0},    {"ms", ANYWHERE, 0},     {"msgr", ANYWHERE, 0},
    {"mt", ANYWHERE, 0},     {"mtg", ANYWHERE, 0},    {"natl", ANYWHERE, 0},
    {"neb", CLOSING, 0},     {"nev", CLOSING, 0},     {"no", NUMBERED, 0},
    {"nos", NUMBERED, 0},    {"nov", CLOSING, 0},     {"oct", CLOSING, 0},
    {"okla", CLOSING, 0},    {"op", NUMBERED, 0},     {"ore", CLOSING, 1},
    {"pa", CLOSING, 1},      {"penn", CLOSING, 0},    {"pfc", ANYWHERE, 0},
    {"ph", ANYWHERE, 0},     {"plc", CLOSING, 0},     {"pp", NUMBERED, 0},
    {"ppte", CLOSING, 0},    {"pptes", CLOSING, 0},   {"ppty", CLOSING, 0},
    {"pptys", CLOSING, 0},   {"pres", ANYWHERE, 0},   {"prof", ANYWHERE, 0},
    {"profs", ANYWHERE, 0},  {"prop", NUMBERED, 0},   {"pte", CLOSING, 0},
    {"ptes", CLOSING, 0},    {"pty", CLOSING, 0},     {"ptys", CLOSING, 0},
    {"pvt", ANYWHERE, 0},    {"rd", CLOSING, 0},      {"rep", ANYWHERE, 0},
    {"reps", ANYWHERE, 0},   {"rev", ANYWHERE, 0},    {"rt", CLOSING, 0},
    {"sen", ANYWHERE, 0},    {"sens", ANYWHERE, 0},   {"sep", CLOSING, 0},
    {"sept", CLOSING, 0},    {"seq", CLOSING, 0},     {"sfc", ANYWHERE, 0},
    {"sgt", ANYWHERE, 0},    {"spc", ANYWHERE, 0},    {"sq", CLOSING, 0},
    {"sr", CLOSING, 0},      {"st", ANYWHERE, 0},     {"ste", ANYWHERE, 0},
    {"supt", ANYWHERE, 0},   {"supts", ANYWHERE, 0},  {"sys", CLOSING, 0},
    {"tel", CLOSING, 0},     {"tenn", CLOSING, 0},    {"tex", CLOSING, 1},
    {"thu", CLOSING, 0},     {"thurs", CLOSING, 0},   {"treas", ANYWHERE, 0},
    {"tue", CLOSING, 0},     {"tues", CLOSING, 0},    {"univ", CLOSING, 0},
    {"va", CLOSING, 0},      {"vs", ANYWHERE, 0},     {"vt", CLOSING, 0},
    {"wash", CLOSING, 1},    {"wed", CLOSING, 0},     {"wis", CLOSING, 0},
    {"wisc", CLOSING, 0},    {"wm", ANYWHERE, 0},     {"wyo", CLOSING, 0},
};

enum { LONGEST = 7 };

static enum kind find_kind(const struct ptb_text *text, size_t i, size_t n)
{
    char word[LONGEST + 1];
    if (n < 2 || n > LONGEST)
        return NONE;
    for (size_t j = 0; j < n; j++)
        word[j] = (char)(text->c[i + j] | 0x20);
    word[n] = '\0';
    size_t low = 0, high = sizeof abbreviations / sizeof *abbreviations;
    while (low < high) {
        size_t middle = (low + high) / 2;
        int order = strcmp(word, abbreviations[middle].lower);
        if (order == 0)
            return abbreviations[middle].capital && text->c[i] >= 'a' ? NONE
                                                                      : abbreviations[middle].kind;
        if (order < 0)
            high = middle;
        else
            low = middle + 1;
    }
    return NONE;
}

bool ptb_is_abbreviation(const struct ptb_text *text, size_t i, size_t n)
{
    return n == 1 || find_kind(text, i, n) != NONE;
}

/* The characters at i by which a closing abbreviation ends a sentence, or 0: the end of the text;
 * white space, then more of it, a capital, or markup. */
static size_t sentence_end(struct ptb_text *text, size_t i)
{
    if (i == text->n)
        return 1;
    if (!ptb_is_space(text, i))
        return 0;
    if (ptb_is_space(text, i + 1) || g_unichar_isupper(text->c[i + 1]) ||
        (text->c[i + 1] >= 0x2160 && text->c[i + 1] <= 0x216f)) /* Roman numbers */
        return 2;
    if (text->c[i + 1] != '<')
        return 0;
    struct ptb_match tag = {0};
    ptb_match_tag(text, i + 1, &tag);
    return tag.n_seen ? 1 + tag.n_seen : 0;
}

/* The characters at i by which initials end a sentence, or 0: white space, a word that often
 * begins one or markup, white space. */
static size_t common_beginning(struct ptb_text *text, size_t i)
{
    static const char *const words[] = {
        "a",     "about",   "according", "additionally", "after", "an",      "as",   "at",
        "but",   "earlier", "he",        "her",          "here",  "however", "if",   "in",
        "it",    "last",    "many",      "more",         "now",   "once",    "one",  "other",
        "our",   "she",     "since",     "so",           "some",  "such",    "that", "the",
        "their", "then",    "there",     "these",        "they",  "this",    "we",   "what",
        "when",  "while",   "yet",       "you",
    };
    size_t start = i;
    while (ptb_is_space(text, i))
        i++;
    if (i == start)
        return 0;
    if (text->c[i] == '<') {
        struct ptb_match tag = {0};
        ptb_match_tag(text, i, &tag);
        return tag.n_seen && ptb_is_space(text, i + tag.n_seen) ? i + tag.n_seen + 1 - start : 0;
    }
    if (!(text->c[i] >= 'A' && text->c[i] <= 'Z'))
        return 0;
    for (size_t w = 0; w < sizeof words / sizeof *words; w++) {
        size_t n = strlen(words[w]);
        if (ptb_looking_at(text, i, words[w]) && ptb_is_space(text, i + n))
            return i + n + 1 - start;
    }
    return 0;
}

/* It sees two characters behind its period, and so prevails over the word "inc.a". */
static void offer_closing(struct ptb_text *text, size_t i, size_t n, struct ptb_match *best)
{
    size_t end = sentence_end(text, i + n);
    if (end && n + end > best->n_seen)
        *best = (struct ptb_match){n + end, n, PTB_AS_IS, NULL, true};
    else if (i + n < text->n)
        ptb_offer(best, n + 2, n, PTB_AS_IS);
}

/* U.S., a.m., A.: single letters with a period behind each. */
static void match_initials(struct ptb_text *text, size_t i, struct ptb_match *best)
{
    size_t n = 0;
    while (ptb_is_ascii_letter(text->c[i + n]) && text->c[i + n + 1] == '.')
        n += 2;
    if (n == 0)
        return;
    size_t end = common_beginning(text, i + n);
    if (end && n == 2) /* "Is it A. The ..." */
        ptb_offer(best, n + end, 1, PTB_AS_IS);
    else if (end && n + end > best->n_seen)
        *best = (struct ptb_match){n + end, n, PTB_AS_IS, NULL, true};
    ptb_offer(best, n, n, PTB_AS_IS);
}

void ptb_match_abbreviations(struct ptb_text *text, size_t i, struct ptb_match *best)
{
    size_t n = 0;
    while (n <= LONGEST && ptb_is_ascii_letter(text->c[i + n]))
        n++;
    if (text->c[i + n] != '.')
        return;
    if (ptb_looking_at(text, i, "ph.d.") || ptb_looking_at(text, i, "ed.d."))
        offer_closing(text, i, 5, best);
    match_initials(text, i, best);
    switch (find_kind(text, i, n)) {
    case NONE:
        break;
    case ANYWHERE:
        ptb_offer(best, n + 1, n + 1, PTB_AS_IS);
        break;
    case CLOSING:
        offer_closing(text, i, n + 1, best);
        break;
    case NUMBERED: {
        size_t next = i + n + 1 + ptb_is_space(text, i + n + 1);
        if (ptb_is_digit(text, next))
            ptb_offer(best, next + 1 - i, n + 1, PTB_AS_IS);
        break;
    }
    }
}
