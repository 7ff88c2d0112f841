#include "data/vqa_text.h"

#include "data/answer.h"
#include "data/space.h"

#include <glib.h>
#include <stdbool.h>
#include <string.h>

#define MARKS ";/[]\"{}()=+\\_-><@`,?!"
#define MAX_PERIODS 32

/* The contractions that are mended. A word is one of these with exactly one apostrophe left out:
 * "dont", "couldnt've", "couldn'tve", but not "couldntve". */
static const char contractions[] =
    " ain't aren't can't could've couldn't couldn't've didn't doesn't don't hadn't hadn't've "
    "hasn't "
    "haven't he'd he'd've he's how'd how'll how's isn't it'd it'd've it'll ma'am mightn't "
    "mightn't've might've mustn't must've needn't not've o'clock oughtn't 'ow's'at shan't she'd've "
    "should've shouldn't shouldn't've somebody'd've somebody'll somebody's someone'd someone'd've "
    "someone'll someone's something'd something'd've something'll that's there'd there'd've "
    "there're there's they'd they'd've they'll they're they've 'twas wasn't we'd've we've weren't "
    "what'll what're what's what've when's where'd where's where've who'd who'd've who'll who's "
    "who've why'll why're why's won't would've wouldn't wouldn't've y'all y'all'll y'all'd've "
    "you'd "
    "you'd've you'll you're you've ";

/* `word` with an apostrophe put in at some place, where that is a contraction of the table; else
 * NULL. Free with g_free. */
static char *mend_contraction(const char *word)
{
    /* The one entry of the published table that goes the other way. */
    if (strcmp(word, "somebody'd") == 0)
        return g_strdup("somebodyd");
    size_t n = strlen(word);
    if (n > 16) /* longer than any of the table */
        return NULL;
    for (size_t i = 0; i < n; i++) {
        g_autofree char *padded = g_strdup_printf(" %.*s'%s ", (int)i, word, word + i);
        if (strstr(contractions, padded))
            return g_strndup(padded + 1, n + 1);
    }
    return NULL;
}

static bool has_digit_comma_digit(const char *text)
{
    for (const char *comma = text; (comma = strchr(comma, ',')); comma++)
        if (comma > text && g_unichar_isdigit(g_utf8_get_char(g_utf8_prev_char(comma))) &&
            g_unichar_isdigit(g_utf8_get_char(comma + 1)))
            return true;
    return false;
}

static bool stands_by_space(const char *text, char mark)
{
    for (const char *p = text; (p = strchr(p, mark)); p++)
        if (p[1] == ' ' || (p > text && p[-1] == ' '))
            return true;
    return false;
}

static char *strip_punctuation(const char *text)
{
    bool delete[sizeof MARKS] = {false};
    bool all = has_digit_comma_digit(text);
    for (size_t i = 0; MARKS[i]; i++)
        delete[i] = all || stands_by_space(text, MARKS[i]);
    GString *out = g_string_sized_new(strlen(text));
    for (const char *p = text; *p; p++) {
        const char *mark = strchr(MARKS, *p);
        if (!mark)
            g_string_append_c(out, *p);
        else if (!delete[mark - MARKS])
            g_string_append_c(out, ' ');
    }
    int n_periods = 0;
    for (char *p = out->str; n_periods < MAX_PERIODS && (p = strchr(p, '.'));) {
        if (g_unichar_isdigit(g_utf8_get_char(p + 1))) {
            p++;
            continue;
        }
        g_string_erase(out, p - out->str, 1);
        n_periods++;
    }
    return g_string_free(out, FALSE);
}

char *vqa_text_normalize(const char *text)
{
    g_autofree char *stripped = strip_punctuation(text);
    g_autofree char *lower = g_utf8_strdown(stripped, -1);
    g_auto(GStrv) words = answer_words(lower);
    GString *out = g_string_new(NULL);
    for (char **word = words; *word; word++) {
        if (answer_is_article(*word))
            continue;
        const char *digits = strcmp(*word, "none") == 0 ? "0" : answer_digits(*word);
        g_autofree char *mended = mend_contraction(*word);
        g_string_append_printf(out, "%s%s", out->len ? " " : "",
                               digits   ? digits
                               : mended ? mended
                                        : *word);
    }
    return g_string_free(out, FALSE);
}

char *vqa_text_trim(const char *text)
{
    g_autofree char *spaced = g_strdup(text);
    g_strdelimit(spaced, "\n\t", ' ');
    return space_trim(spaced, spaced + strlen(spaced));
}
