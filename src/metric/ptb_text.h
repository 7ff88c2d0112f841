/* ptb_text.h -- the inside of the Penn Treebank tokeniser.
 *
 * At each place of a text every rule that can begin with that character says how far it would go;
 * the rule that sees farthest wins, the earlier of two that see as far. What a rule must see need
 * not all be in its token: "do" of "don't" wins because it sees the "n't" behind it. */
#ifndef FIRE_METRIC_PTB_TEXT_H
#define FIRE_METRIC_PTB_TEXT_H

#include "metric/ptb_classes.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* How a token is written, apart from lower case. */
enum ptb_form {
    PTB_AS_IS, /* without soft hyphens, as all but the next */
    PTB_VERBATIM,
    PTB_STRAIGHT,  /* quotes become ' ` '' and ``, &apos; becomes ', &amp; becomes & */
    PTB_BRACKETED, /* ( and ) become -LRB- and -RRB-, spaces U+00A0 */
    PTB_BOUND,     /* spaces become U+00A0 */
    PTB_FIXED,     /* `fixed` instead */
    PTB_NOTHING,   /* no token */
};

struct ptb_match {
    size_t n_seen;  /* characters that the rule looks at, from the place on */
    size_t n_token; /* of them in the token */
    enum ptb_form form;
    const char *fixed;
    bool period; /* an abbreviation ends a sentence: a token "." follows */
};

/* Where each kind of far-reaching search last came to nothing: a search of that kind that begins in
 * front of that place would fail too. This keeps the whole linear. */
enum ptb_search {
    PTB_EMAIL,
    PTB_WWW_URL,
    PTB_BARE_URL,
    PTB_HYPHENATED,
    PTB_FILE_NAME,
    N_PTB_SEARCHES
};

/* A text as code points, with its end marked by a line feed and a few zeros, so that rules may look
 * ahead without asking for the end. */
struct ptb_text {
    uint32_t *c; /* (n + PTB_PADDING) */
    uint8_t *k;  /* the class of each */
    size_t n;
    size_t failed_until[N_PTB_SEARCHES];
    size_t tag_from, tag_end; /* from tag_from on, the first '>' is at tag_end (n: there is none) */
};

enum { PTB_PADDING = 16 };

/* Takes the match where it sees farther than the best so far. */
static inline void ptb_offer(struct ptb_match *best, size_t n_seen, size_t n_token,
                             enum ptb_form form)
{
    if (n_seen > best->n_seen)
        *best = (struct ptb_match){.n_seen = n_seen, .n_token = n_token, .form = form};
}

static inline void ptb_offer_fixed(struct ptb_match *best, size_t n_seen, size_t n_token,
                                   const char *fixed)
{
    if (n_seen > best->n_seen)
        *best = (struct ptb_match){n_seen, n_token, PTB_FIXED, fixed, false};
}

/* Does `lower`, ASCII in lower case, stand at i in any case? */
static inline bool ptb_looking_at(const struct ptb_text *text, size_t i, const char *lower)
{
    for (size_t j = 0; lower[j]; j++) {
        uint32_t c = text->c[i + j];
        if (c >= 'A' && c <= 'Z')
            c |= 0x20;
        if (c != (unsigned char)lower[j])
            return false;
    }
    return true;
}

static inline bool ptb_is_space(const struct ptb_text *text, size_t i)
{
    return text->k[i] == PTB_SPACE || text->k[i] == PTB_NEWLINE;
}

static inline bool ptb_is_letter(const struct ptb_text *text, size_t i)
{
    return text->k[i] == PTB_LETTER;
}

static inline bool ptb_is_digit(const struct ptb_text *text, size_t i)
{
    return text->k[i] == PTB_DIGIT;
}

static inline bool ptb_is_alnum(const struct ptb_text *text, size_t i)
{
    return text->k[i] == PTB_LETTER || text->k[i] == PTB_DIGIT;
}

static inline bool ptb_is_ascii_letter(uint32_t c)
{
    return (c | 0x20) >= 'a' && (c | 0x20) <= 'z';
}

static inline bool ptb_is_ascii_digit(uint32_t c)
{
    return c >= '0' && c <= '9';
}

static inline bool ptb_is_ascii_alnum(uint32_t c)
{
    return ptb_is_ascii_letter(c) || ptb_is_ascii_digit(c);
}

/* The length of an apostrophe at i: ' and its curly kin, or &apos; -- else 0. `loose` takes
 * opening quotes too. */
size_t ptb_apostrophe(const struct ptb_text *text, size_t i, bool loose);

/* ptb_words.c: words, contractions, names with apostrophes, hyphens and slashes. */
void ptb_match_words(struct ptb_text *text, size_t i, struct ptb_match *best);
void ptb_match_hyphenated(struct ptb_text *text, size_t i, struct ptb_match *best);
void ptb_match_apostrophe(const struct ptb_text *text, size_t i, struct ptb_match *best);
/* A word that splits in two without an apostrophe ("cannot"): the length of its first part, or 0.
 */
size_t ptb_split_word(const struct ptb_text *text, size_t i, size_t n);

/* ptb_abbreviations.c: words that keep their period. */
void ptb_match_abbreviations(struct ptb_text *text, size_t i, struct ptb_match *best);
/* Might the n ASCII letters at i be one? */
bool ptb_is_abbreviation(const struct ptb_text *text, size_t i, size_t n);

/* ptb_numbers.c: numbers, dates, fractions, telephone numbers, money. */
void ptb_match_numbers(const struct ptb_text *text, size_t i, struct ptb_match *best);

/* ptb_addresses.c: URLs, e-mail, @names, #tags, file names, markup. */
void ptb_match_addresses(struct ptb_text *text, size_t i, struct ptb_match *best);
void ptb_match_file_name(struct ptb_text *text, size_t i, struct ptb_match *best);
void ptb_match_tag(struct ptb_text *text, size_t i, struct ptb_match *best);

/* ptb_symbols.c: punctuation, quotes, entities, smileys, everything else. */
void ptb_match_symbols(const struct ptb_text *text, size_t i, struct ptb_match *best);
/* What a character is written as where it is written otherwise (brackets, quotes, fractions), else
 * NULL. */
const char *ptb_replacement(uint32_t c);

#endif
