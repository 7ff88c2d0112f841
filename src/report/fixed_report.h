/* fixed_report.h -- BLEU, CIDEr and MAE of the fixed setting as JSON (DESIGN.md 4, `fire bench
 * fixed`) and as a table. */
#ifndef FIRE_REPORT_FIXED_REPORT_H
#define FIRE_REPORT_FIXED_REPORT_H

#include "metric/mae.h"
#include "metric/text.h"
#include "report/table.h"

/* What one role gave on one list of turns; document frequencies are of that list. */
struct fixed_scores {
    struct text_scores text;  /* the headline: turns i >= 2 of a student */
    struct text_scores first; /* turns i = 1 apart; n = 0: none */
    struct mae mae;           /* a teacher's; n = 0 for a student */
    int failed;               /* turns without a prediction: the call failed */
};

struct fixed_row {
    const char *source;
    struct fixed_scores scores;
};

/* What is printed; all borrowed. */
struct fixed_report {
    bool is_teacher;
    const char *tokenizer; /* "whitespace", "ptb" */
    const struct protocol *protocol;
    const struct fixed_scores *micro; /* over all turns */
    const struct fixed_row *rows;     /* (n_rows) by source */
    size_t n_rows;
    bool paper;       /* the published numbers beside ours */
    const char *note; /* what else the numbers come from; NULL: nothing */
};

/* {"n","bleu":{"corpus":[4],"mean":[4]},"cider":{"mean","variant"},"tokenizer"}: what `fire score
 * text` prints. NAN where n is 0: null. New reference. */
json_t *text_scores_to_json(const struct text_scores *scores, const char *tokenizer,
                            const struct protocol *protocol);

/* {"student"|"teacher": {score text's keys, "first": the same, "by_source": {}, "macro": {},
 * "failed"}, "mae": {"n","mae","unparsed","no_label"} or null, "protocol"}. New reference. */
json_t *fixed_report_json(const struct fixed_report *report);

/* One table: a row a source, all turns (micro), the mean of the sources (macro). Free with g_free.
 */
char *fixed_report_print(const struct fixed_report *report, enum table_format format);

#endif
