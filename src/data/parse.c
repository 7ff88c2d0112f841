#include "data/parse.h"

#include "data/space.h"

#include <math.h>
#include <string.h>

/* Part of a text: [start, end). start == NULL: not there. */
struct span {
    const char *start, *end;
};

/* Marks that models put around labels and numbers. */
static bool is_mark(char c)
{
    return c != '\0' && strchr("*_#`\"'[(<{ \t", c) != NULL;
}

static const char *skip_marks(const char *p, const char *end)
{
    while (p < end && is_mark(*p))
        p++;
    return p;
}

/* After a colon (also the full-width one) at `p`; NULL where there is none. */
static const char *skip_colon(const char *p, const char *end)
{
    if (p < end && *p == ':')
        return p + 1;
    if (end - p >= 3 && memcmp(p, "\xef\xbc\x9a", 3) == 0)
        return p + 3;
    return NULL;
}

static bool starts_with_word(const char *p, const char *end, const char *lower)
{
    size_t n = strlen(lower);
    return (size_t)(end - p) >= n && g_ascii_strncasecmp(p, lower, n) == 0;
}

/* The first "LABEL:" that begins a line, else the first one at all: from the label to what follows
 * its colon. Marks may stand before, inside ("**Answer**:") and after ("**Answer:**"). */
static struct span find_label(const char *text, const char *lower)
{
    struct span inside = {0};
    const char *end = text + strlen(text);
    bool line_start = true;
    for (const char *p = text; p < end; p++) {
        if (starts_with_word(p, end, lower) && (p == text || !g_ascii_isalpha(p[-1]))) {
            const char *after = skip_colon(skip_marks(p + strlen(lower), end), end);
            if (after) {
                while (after < end && (*after == '*' || *after == '_'))
                    after++;
                struct span found = {p, after};
                if (line_start)
                    return found;
                if (!inside.start)
                    inside = found;
            }
        }
        line_start = *p == '\n' || (line_start && (is_mark(*p) || *p == '\r'));
    }
    return inside;
}

/* A number as the tolerant reading takes it. */
struct number {
    const char *end; /* after the number and its "/10" */
    double value;    /* NAN: written like no score */
};

static const char *skip_digits(const char *p, const char *end)
{
    while (p < end && g_ascii_isdigit(*p))
        p++;
    return p;
}

/* After the first of `texts` (ended by NULL) that stands at `p`, in any case; NULL: none does. */
static const char *skip_any(const char *p, const char *end, const char *const *texts)
{
    for (; *texts; texts++)
        if (starts_with_word(p, end, *texts))
            return p + strlen(*texts);
    return NULL;
}

/* Blanks, also those that do not break: U+00A0, U+202F. */
static const char *skip_blanks(const char *p, const char *end)
{
    static const char *const wide[] = {"\xc2\xa0", "\xe2\x80\xaf", NULL};
    for (const char *next = p; next; next = skip_any(p, end, wide))
        for (p = next; p < end && (*p == ' ' || *p == '\t');)
            p++;
    return p;
}

/* Blanks and the `marks` that may stand around a number: "**7** / 10". */
static const char *skip_around(const char *p, const char *end, const char *marks)
{
    for (p = skip_blanks(p, end); p < end && strchr(marks, *p);)
        p = skip_blanks(p + 1, end);
    return p;
}

#define CLOSING "*_`\"')]}"
#define OPENING "*_`\"'([{"

/* The number that follows one of `signs`, if one stands at `p`: "/ **10", "out of 10", "- 7". NULL:
 * none does. A sign that is a word ends there: "of" is not in "often". */
static const char *find_second(const char *p, const char *end, const char *const *signs)
{
    const char *after = skip_any(p, end, signs);
    if (!after || (g_ascii_isalpha(*p) && after < end && g_ascii_isalnum(*after)))
        return NULL;
    after = skip_around(after, end, OPENING);
    return after < end && g_ascii_isdigit(*after) ? after : NULL;
}

/* `p` is at the first digit. Marks that close, and a bracket that opens, may stand between the
 * number and what makes another thing of it. */
static struct number read_number(const char *p, const char *end)
{
    static const char *const slashes[] = {"/", "\xe2\x81\x84", "\xe2\x88\x95", "\xef\xbc\x8f",
                                          NULL};
    static const char *const words[] = {"out of", "of", NULL};
    static const char *const dashes[] = {"-",  "~", "\xe2\x80\x93", "\xe2\x80\x94", "to",
                                         "or", NULL};
    const char *whole = p;
    p = skip_digits(p, end);
    if (end - p >= 2 && *p == '.' && g_ascii_isdigit(p[1]))
        p = skip_digits(p + 1, end);
    g_autofree char *digits = g_strndup(whole, (gsize)(p - whole));
    struct number number = {p, g_ascii_strtod(digits, NULL)};
    const char *next = skip_around(p, end, CLOSING), *part = skip_around(next, end, OPENING);
    const char *denominator = find_second(part, end, slashes);
    if (!denominator)
        denominator = find_second(part, end, words);
    if (denominator) {
        number.end = skip_digits(denominator, end);
        bool ten = number.end - denominator == 2 && memcmp(denominator, "10", 2) == 0;
        bool more = end - number.end >= 2 && *number.end == '.' && g_ascii_isdigit(number.end[1]);
        if (!ten || more)
            number.value = NAN;
    } else if (skip_any(next, end, slashes) || (next < end && *next == '%') ||
               find_second(next, end, dashes) ||
               (end - p >= 2 && (*p == ',' || *p == '.') && g_ascii_isdigit(p[1]))) {
        number.value = NAN;
    }
    return number;
}

/* A sign directly before a digit: ASCII minus, plus, U+2212. */
static bool is_signed(const char *p, const char *end)
{
    size_t n = starts_with_word(p, end, "\xe2\x88\x92") ? 3
               : p < end && (*p == '-' || *p == '+')    ? 1
                                                        : 0;
    if (n == 0)
        return false;
    p = skip_blanks(p + n, end);
    return p < end && g_ascii_isdigit(*p);
}

/* The words of one line that give a score, if it has them: "score", a colon, a number. */
static bool find_in_line(const char *line, const char *end, struct span *words, double *score)
{
    for (const char *p = line; p < end; p++) {
        if (!starts_with_word(p, end, "score") || (p > line && g_ascii_isalpha(p[-1])))
            continue;
        const char *after = NULL;
        for (const char *colon = p; colon < end && !after; colon++)
            after = skip_colon(colon, end);
        if (!after)
            return false;
        const char *at = skip_marks(after, end);
        if (at < end && g_ascii_isdigit(*at)) {
            struct number number = read_number(at, end);
            *words = (struct span){p, number.end};
            *score = number.value;
            return true;
        }
        if (is_signed(at, end)) {
            *words = (struct span){p, skip_digits(at + 1, end)};
            *score = NAN;
            return true;
        }
        p = after - 1; /* go on behind this colon, so that the line is read once */
    }
    return false;
}

static bool find_score(const char *text, struct span *words, double *score)
{
    for (const char *line = text; *line;) {
        const char *end = line + strcspn(line, "\r\n");
        if (find_in_line(line, end, words, score))
            return true;
        line = *end ? end + 1 : end;
    }
    return false;
}

/* The end of the first line as Python's splitlines has it. */
static const char *end_of_first_line(const char *text)
{
    const char *p = text;
    for (; *p; p = g_utf8_next_char(p)) {
        gunichar c = g_utf8_get_char(p);
        if ((c >= 0x0a && c <= 0x0d) || (c >= 0x1c && c <= 0x1e) || c == 0x85 || c == 0x2028 ||
            c == 0x2029)
            break;
    }
    return p;
}

static double official_score(const char *text)
{
    g_autofree char *line = g_strndup(text, (gsize)(end_of_first_line(text) - text));
    if (!strstr(line, "Score:"))
        return NAN;
    const char *digits = strpbrk(line, "0123456789");
    if (!digits)
        return NAN;
    g_autofree char *run = g_strndup(digits, strspn(digits, "0123456789"));
    return g_ascii_strtod(run, NULL);
}

double parse_in_range(const struct protocol *protocol, double score)
{
    if (!isfinite(score))
        return NAN;
    if (protocol->score_range == SCORE_RANGE_ANY)
        return score;
    double low = protocol->score_range == SCORE_RANGE_1_10 ? 1 : 0;
    return score >= low && score <= 10 ? score : NAN;
}

double parse_score(const struct protocol *protocol, const char *feedback)
{
    if (!feedback)
        return NAN;
    double score = NAN;
    struct span words;
    if (protocol->score_parse == SCORE_PARSE_OFFICIAL)
        score = official_score(feedback);
    else if (!find_score(feedback, &words, &score))
        return NAN;
    return parse_in_range(protocol, score);
}

/* The text without the words that gave the score and the punctuation behind them. */
static char *without_score(const char *text)
{
    struct span words;
    double score;
    if (!find_score(text, &words, &score))
        return space_trim(text, text + strlen(text));
    const char *line = words.start;
    while (line > text && line[-1] != '\n' && is_mark(line[-1]))
        line--;
    const char *rest = words.end + strspn(words.end, "*_`\"'])>}.,; \t");
    g_autofree char *before = g_strndup(text, (gsize)(line - text));
    g_autofree char *joined = g_strconcat(before, rest, NULL);
    return space_trim(joined, joined + strlen(joined));
}

char *parse_comment(const struct protocol *protocol, const char *feedback)
{
    const char *end = feedback + strlen(feedback);
    if (protocol->score_parse == SCORE_PARSE_OFFICIAL) {
        const char *label = strstr(feedback, "Feedback:");
        return label ? space_trim(label + strlen("Feedback:"), end) : NULL;
    }
    struct span label = find_label(feedback, "feedback");
    return label.start ? space_trim(label.end, end) : without_score(feedback);
}

char *parse_shown(const struct protocol *protocol, const char *feedback)
{
    if (!feedback)
        return g_strdup("");
    char *comment =
        protocol->feedback == FEEDBACK_COMMENT ? parse_comment(protocol, feedback) : NULL;
    return comment ? comment : g_strdup(feedback);
}

char *parse_thought(const char *response)
{
    struct span thought = find_label(response, "thought");
    if (!thought.start)
        return NULL;
    struct span answer = find_label(response, "answer");
    const char *end =
        answer.start && answer.start >= thought.end ? answer.start : response + strlen(response);
    while (end > thought.end && end[-1] != '\n' &&
           is_mark(end[-1])) /* marks before the answer's label */
        end--;
    return space_trim(thought.end, end);
}

char *parse_answer(const char *response)
{
    struct span answer = find_label(response, "answer");
    return space_trim(answer.start ? answer.end : response, response + strlen(response));
}
