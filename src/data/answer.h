/* answer.h -- is a student's answer right? Answer matching without a model (DESIGN.md 6).
 *
 *   vqa      ten human answers: min(1, matches / 3), averaged over leaving out each one, texts
 *            normalised as the official VQAv2 evaluation does it (vqa_text.h)
 *   choice   the text of a choice, or its letter: "B", "(b)", "B. the cat", "the answer is B"
 *   yes-no   the first word, or else the only one of "yes" and "no" among the words
 *   relaxed  numbers within 5% (charts); what is no number as `exact`
 *   exact    equal after answer_normalize, to the answer or any accepted one; numbers by value
 *   none     not decided
 *
 * A sample's meta "answer-match" names its rule; else its form decides: ten accepted answers, a
 * ground truth among its choices, yes or no, a source of charts, anything else. A named rule whose
 * form the sample lacks gives `exact`; a name that is no rule, and an empty ground truth, `none`.
 */
#ifndef FIRE_DATA_ANSWER_H
#define FIRE_DATA_ANSWER_H

#include "data/sample.h"

enum answer_rule {
    ANSWER_NONE,
    ANSWER_VQA,
    ANSWER_CHOICE,
    ANSWER_YES_NO,
    ANSWER_RELAXED,
    ANSWER_EXACT
};

enum answer_rule answer_rule_of(const struct sample *sample);

/* How right `answer` (parse_answer's) is: 0..1; NAN where the rule is `none`. */
double answer_match(const struct sample *sample, const char *answer);

/* The text that `exact` compares: compatibility form (NFKC), case folded, words joined by single
 * spaces without the punctuation around them (a sign or point before a digit stays), "1,000" as
 * "1000", zero to ten as digits, no articles unless there is nothing else. Free with g_free. */
char *answer_normalize(const char *text);

/* Parts that the normalisations share. */
char **answer_words(const char *text); /* between white space (space.h); free with g_strfreev */
bool answer_is_article(const char *word);
const char *answer_digits(const char *word); /* "two": "2"; NULL for other words */

#endif
