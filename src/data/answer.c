#include "data/answer.h"

#include "data/space.h"
#include "data/vqa_text.h"

#include <math.h>
#include <string.h>

#define N_ANNOTATORS 10
#define RELAXED_ERROR 0.05

static const char *const rule_names[] = {
    [ANSWER_NONE] = "none",     [ANSWER_VQA] = "vqa",         [ANSWER_CHOICE] = "choice",
    [ANSWER_YES_NO] = "yes-no", [ANSWER_RELAXED] = "relaxed", [ANSWER_EXACT] = "exact",
};

/* Sources of questions about charts. */
static const char *const chart_sources[] = {"chartqa", "dvqa", "plotqa", "figureqa"};

/* --- numbers --- */

/* The number that a normalised text is as a whole, "$5" and "+5" too; NAN where it is none. */
static double number_of(const char *text)
{
    const char *p = text;
    if (*p == '-' || *p == '+')
        p++;
    bool negative = p > text && *text == '-';
    if (*p && g_unichar_type(g_utf8_get_char(p)) == G_UNICODE_CURRENCY_SYMBOL)
        p = g_utf8_next_char(p);
    size_t whole = strspn(p, "0123456789"), part = 0;
    if (p[whole] == '.')
        part = 1 + strspn(p + whole + 1, "0123456789");
    if (whole + part == 0 || part == 1 || p[whole + part])
        return NAN;
    double value = g_ascii_strtod(p, NULL);
    return negative ? -value : value;
}

/* `answer` and `truth` normalised. */
static bool equal_texts(const char *answer, const char *truth)
{
    if (strcmp(answer, truth) == 0)
        return true;
    double a = number_of(answer), b = number_of(truth);
    return !isnan(a) && !isnan(b) && a == b;
}

static bool near_texts(const char *answer, const char *truth)
{
    double a = number_of(answer), b = number_of(truth);
    if (isnan(a) || isnan(b) || b == 0)
        return equal_texts(answer, truth);
    /* The least bit more than 5%, so that 2.1 is near 2 in binary too. */
    return fabs(a - b) <= fabs(b) * (RELAXED_ERROR + 1e-12);
}

/* --- choices --- */

static size_t count_choices(const struct sample *sample)
{
    return sample->choices ? g_strv_length(sample->choices) : 0;
}

/* The choice whose text `text` is; -1: none. */
static int choice_by_text(const struct sample *sample, const char *text)
{
    g_autofree char *wanted = answer_normalize(text);
    for (size_t i = 0; i < count_choices(sample); i++) {
        g_autofree char *choice = answer_normalize(sample->choices[i]);
        if (strcmp(choice, wanted) == 0)
            return (int)i;
    }
    return -1;
}

/* The number of the choice that a letter names; -1: none. */
static int choice_of_letter(char letter, size_t n_choices)
{
    int i = g_ascii_isalpha(letter) ? g_ascii_toupper(letter) - 'A' : -1;
    return i < (int)n_choices ? i : -1;
}

/* A letter alone, or before a bracket, point or colon: "B", "(b)", "B.", "B: the cat". */
static int leading_letter(const char *text, size_t n_choices)
{
    const char *p = text + strspn(text, "([{*_` \t\r\n");
    int choice = choice_of_letter(*p, n_choices);
    if (choice < 0)
        return -1;
    size_t n_marks = strspn(p + 1, ")]}.:,*_`");
    const char *rest = p + 1 + n_marks;
    bool alone = rest[strspn(rest, " \t\r\n")] == '\0';
    return alone || (n_marks > 0 && g_ascii_isspace(*rest)) ? choice : -1;
}

/* The capital letter after "answer is"; -1 where there is none, or where two are named. */
static int named_letter(const char *text, size_t n_choices)
{
    static const char phrase[] = "answer is";
    int named = -1;
    for (const char *p = text; *p; p++) {
        if (g_ascii_strncasecmp(p, phrase, strlen(phrase)) != 0)
            continue;
        const char *at = p + strlen(phrase);
        at += strspn(at, ":([{*_` \t\r\n");
        int choice = g_ascii_isupper(*at) ? choice_of_letter(*at, n_choices) : -1;
        if (choice < 0 || g_unichar_isalnum(g_utf8_get_char(at + 1)) || at[1] == '\'')
            continue;
        if (named >= 0 && named != choice)
            return -1;
        named = choice;
    }
    return named;
}

static int choice_of(const struct sample *sample, const char *text)
{
    size_t n_choices = count_choices(sample);
    int choice = choice_by_text(sample, text);
    if (choice < 0)
        choice = leading_letter(text, n_choices);
    return choice < 0 ? named_letter(text, n_choices) : choice;
}

/* --- yes and no --- */

/* 1 yes, 0 no, -1 neither or both. */
static int yes_or_no(const char *text)
{
    g_autofree char *normal = answer_normalize(text);
    g_auto(GStrv) words = g_strsplit(normal, " ", -1);
    bool yes = g_strv_contains((const char *const *)words, "yes");
    bool no = g_strv_contains((const char *const *)words, "no");
    if (yes && no) {
        yes = strcmp(words[0], "yes") == 0;
        no = strcmp(words[0], "no") == 0;
    }
    return yes ? 1 : no ? 0 : -1;
}

static bool is_yes_no(const char *text)
{
    g_autofree char *normal = answer_normalize(text);
    return strcmp(normal, "yes") == 0 || strcmp(normal, "no") == 0;
}

/* --- rules --- */

static bool is_chart(const struct sample *sample)
{
    for (size_t i = 0; i < G_N_ELEMENTS(chart_sources); i++)
        if (sample->source && g_ascii_strcasecmp(sample->source, chart_sources[i]) == 0)
            return true;
    return false;
}

/* Does the sample have the form that a rule needs? */
static bool has_form(const struct sample *sample, enum answer_rule rule)
{
    switch (rule) {
    case ANSWER_VQA:
        return sample->answers && g_strv_length(sample->answers) == N_ANNOTATORS;
    case ANSWER_CHOICE:
        return choice_of(sample, sample->answer) >= 0;
    case ANSWER_YES_NO:
        return is_yes_no(sample->answer);
    case ANSWER_RELAXED:
        return is_chart(sample);
    default:
        return true;
    }
}

enum answer_rule answer_rule_of(const struct sample *sample)
{
    const char *named = sample->meta ? json_get_string(sample->meta, "answer-match") : NULL;
    const char *answer = sample->answer ? sample->answer : "";
    g_autofree char *truth = space_trim(answer, answer + strlen(answer));
    if (!*truth && !sample->answers)
        return ANSWER_NONE;
    for (enum answer_rule rule = ANSWER_NONE; named && rule <= ANSWER_EXACT; rule++)
        if (strcmp(named, rule_names[rule]) == 0)
            return rule == ANSWER_RELAXED || has_form(sample, rule) ? rule : ANSWER_EXACT;
    if (named)
        return ANSWER_NONE;
    enum answer_rule rule = ANSWER_VQA;
    while (!has_form(sample, rule))
        rule++;
    return rule;
}

static double match_vqa(const struct sample *sample, const char *text)
{
    g_autofree char *answer = vqa_text_trim(text);
    char *truths[N_ANNOTATORS];
    bool all_equal = true;
    for (size_t i = 0; i < N_ANNOTATORS; i++) {
        truths[i] = vqa_text_trim(sample->answers[i]);
        all_equal = all_equal && strcmp(truths[i], truths[0]) == 0;
    }
    g_autofree char *normal = all_equal ? g_strdup(answer) : vqa_text_normalize(answer);
    int n_matches = 0;
    for (size_t i = 0; i < N_ANNOTATORS; i++) {
        g_autofree char *truth = all_equal ? g_strdup(truths[i]) : vqa_text_normalize(truths[i]);
        n_matches += strcmp(truth, normal) == 0;
        g_free(truths[i]);
    }
    /* The mean over leaving out each annotator of min(1, matches among the other nine / 3). */
    static const double accuracy[] = {0, 0.3, 0.6, 0.9};
    return n_matches < 4 ? accuracy[n_matches] : 1;
}

static bool matches_any(const struct sample *sample, const char *text,
                        bool (*equal)(const char *answer, const char *truth))
{
    g_autofree char *answer = answer_normalize(text);
    g_autofree char *truth = answer_normalize(sample->answer ? sample->answer : "");
    bool match = *truth && equal(answer, truth);
    for (size_t i = 0; !match && sample->answers && sample->answers[i]; i++) {
        g_autofree char *other = answer_normalize(sample->answers[i]);
        match = *other && equal(answer, other);
    }
    return match;
}

double answer_match(const struct sample *sample, const char *answer)
{
    switch (answer_rule_of(sample)) {
    case ANSWER_VQA:
        return match_vqa(sample, answer);
    case ANSWER_CHOICE:
        return choice_of(sample, answer) == choice_of(sample, sample->answer);
    case ANSWER_YES_NO:
        return yes_or_no(answer) == yes_or_no(sample->answer);
    case ANSWER_RELAXED:
        return matches_any(sample, answer, near_texts);
    case ANSWER_EXACT:
        return matches_any(sample, answer, equal_texts);
    case ANSWER_NONE:
        break;
    }
    return NAN;
}
