/* ptb.c -- goes through a text and lets the rules of the ptb_*.c files compete at each place.
 *
 * A plain word in front of white space, most of any text, needs no rules. */
#include "metric/ptb.h"

#include "metric/ptb_text.h"

#include <glib.h>
#include <string.h>

bool ptb_is_punctuation(const char *token, size_t n_bytes)
{
    static const char *const dropped[] = {
        "''", "'", "``", "`", ".", "?", "!", ",", ":", "-", "--", "...", ";",
    };
    if (n_bytes > 3 || g_ascii_isalnum(*token))
        return false;
    for (size_t i = 0; i < G_N_ELEMENTS(dropped); i++)
        if (strlen(dropped[i]) == n_bytes && memcmp(dropped[i], token, n_bytes) == 0)
            return true;
    return false;
}

/* Line feeds become spaces, as the caption code has it. `c` and `k` must have room. */
static void decode(struct ptb_text *text, const char *bytes, size_t n_bytes)
{
    const char *end = bytes + n_bytes;
    size_t n = 0;
    for (const char *p = bytes; p < end;) {
        unsigned char byte = (unsigned char)*p;
        uint32_t c = byte;
        if (byte < 0x80) {
            p++;
            if (byte == '\n')
                c = ' ';
        } else {
            c = g_utf8_get_char_validated(p, end - p);
            if (c > 0x10ffff) { /* broken: not for us to repair */
                p++;
                c = 0xfffd;
            } else {
                p = g_utf8_next_char(p);
            }
        }
        text->c[n] = c;
        text->k[n++] = (uint8_t)ptb_classify(c);
    }
    memset(text->c + n, 0, PTB_PADDING * sizeof *text->c);
    memset(text->k + n, PTB_UNKNOWN, PTB_PADDING);
    text->c[n] = '\n';
    text->k[n] = PTB_NEWLINE;
    text->n = n;
}

struct output {
    token_sink *sink;
    void *user;
    char *bytes; /* work space for one token */
    size_t max_bytes;
};

/* Lower case as Java has it: a sigma that ends a word is the final one, Roman numbers and circled
 * letters have one too; U+0130 is two characters (see rewritten). */
static uint32_t lower(const struct ptb_text *text, size_t i, size_t start, size_t end)
{
    uint32_t c = text->c[i];
    if (c >= 0x2160 && c <= 0x216f)
        return c + 0x10;
    if (c >= 0x24b6 && c <= 0x24cf)
        return c + 0x1a;
    if (c != 0x3a3)
        return g_unichar_tolower(c);
    bool follows = i > start && ptb_is_letter(text, i - 1);
    bool precedes = (i + 1 < end && ptb_is_letter(text, i + 1)) ||
                    (i + 2 < end && ptb_is_letter(text, i + 2)); /* across a hyphen too */
    return follows && !precedes ? 0x3c2 : 0x3c3;
}

/* What the character at i is written as in a token of this form; NULL: its lower case. */
static const char *rewritten(const struct ptb_text *text, size_t i, enum ptb_form form)
{
    uint32_t c = text->c[i];
    if (c == 0xad && form != PTB_VERBATIM)
        return "";
    if (c == 0x130)
        return "i\xcc\x87";
    if (form == PTB_STRAIGHT || (form == PTB_BRACKETED && (c == '(' || c == ')')))
        return ptb_replacement(c);
    if ((form == PTB_BRACKETED || form == PTB_BOUND) && c == ' ')
        return "\xc2\xa0";
    return NULL;
}

/* The length of &amp; or &apos; at i, whose character goes to *c, or 0. &APOS; stays. */
static size_t n_entity(const struct ptb_text *text, size_t i, char *c)
{
    if (text->c[i] != '&')
        return 0;
    bool amp = ptb_looking_at(text, i, "&amp;");
    *c = amp ? '&' : '\'';
    return amp ? 5 : text->c[i + 1] == 'a' && ptb_looking_at(text, i, "&apos;") ? 6 : 0;
}

static void emit(struct output *output, const struct ptb_text *text, size_t i, size_t n,
                 enum ptb_form form)
{
    size_t n_out = 0;
    if (output->max_bytes < 6 * n) {
        output->max_bytes = 6 * n + 256;
        output->bytes = g_realloc(output->bytes, output->max_bytes);
    }
    for (size_t j = i; j < i + n; j++) {
        uint32_t c = text->c[j];
        const char *other;
        size_t entity = form == PTB_STRAIGHT ? n_entity(text, j, output->bytes + n_out) : 0;
        if (entity) {
            n_out++;
            j += entity - 1;
        } else if (c - 'a' < 26 || (form == PTB_AS_IS && c < 0x80)) {
            output->bytes[n_out++] = (char)(c - 'A' < 26 ? c | 0x20 : c);
        } else if ((other = rewritten(text, j, form))) {
            memcpy(output->bytes + n_out, other, strlen(other));
            n_out += strlen(other);
        } else {
            n_out += (size_t)g_unichar_to_utf8(lower(text, j, i, i + n), output->bytes + n_out);
        }
    }
    if (n_out)
        output->sink(output->user, output->bytes, n_out);
    else /* nothing but soft hyphens */
        output->sink(output->user, "-", 1);
}

/* The length of the plain word at i in front of white space or of punctuation and white space; 0
 * where the rules must decide. */
static size_t plain_word(const struct ptb_text *text, size_t i)
{
    size_t j = i;
    while (ptb_is_letter(text, j))
        j++;
    size_t n = j - i;
    if (n == 0 || ((n == 5 || n == 6) && ptb_split_word(text, i, n)))
        return 0;
    if (ptb_is_space(text, j))
        return n;
    switch (text->c[j]) {
    case '.':
        if (n <= 7 && ptb_is_ascii_letter(text->c[i]) && ptb_is_abbreviation(text, i, n))
            return 0;
        break;
    case ',':
    case ';':
    case '?':
    case '!':
        break;
    default:
        return 0;
    }
    return ptb_is_space(text, j + 1) ? n : 0;
}

static void match(struct ptb_text *text, size_t i, struct ptb_match *best)
{
    enum ptb_class class = text->k[i];
    bool wordlike =
        class == PTB_LETTER || class == PTB_MARK || class == PTB_DIGIT || text->c[i] == 0xad;
    if (text->c[i] == '<')
        ptb_match_tag(text, i, best);
    if (wordlike || text->c[i] == '&')
        ptb_match_words(text, i, best);
    ptb_match_apostrophe(text, i, best);
    ptb_match_addresses(text, i, best);
    if (class != PTB_LETTER)
        ptb_match_numbers(text, i, best);
    else
        ptb_match_abbreviations(text, i, best);
    if (wordlike) {
        ptb_match_hyphenated(text, i, best);
        ptb_match_file_name(text, i, best);
    }
    ptb_match_symbols(text, i, best);
}

static void scan(struct ptb_text *text, struct output *output)
{
    for (size_t i = 0; i < text->n;) {
        size_t n;
        /* A bare URL swallows the wide spaces in front of it, by the letter of the rules. */
        if (ptb_is_space(text, i) && text->c[i] < 0x80) {
            i++;
        } else if ((n = plain_word(text, i))) {
            emit(output, text, i, n, PTB_AS_IS);
            i += n;
        } else {
            struct ptb_match best = {0};
            match(text, i, &best);
            if (best.form == PTB_FIXED)
                output->sink(output->user, best.fixed, strlen(best.fixed));
            else if (best.form != PTB_NOTHING)
                emit(output, text, i, best.n_token, best.form);
            if (best.period)
                output->sink(output->user, ".", 1);
            i += best.n_token;
        }
    }
}

void ptb_tokenize(const char *text, size_t n_bytes, token_sink *sink, void *user)
{
    struct ptb_text decoded = {
        .c = g_new(uint32_t, n_bytes + PTB_PADDING),
        .k = g_new(uint8_t, n_bytes + PTB_PADDING),
        .tag_from = 1,
    };
    struct output output = {.sink = sink, .user = user};
    decode(&decoded, text, n_bytes);
    scan(&decoded, &output);
    g_free(output.bytes);
    g_free(decoded.c);
    g_free(decoded.k);
}
