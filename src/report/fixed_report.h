/* fixed_report.h -- BLEU, CIDEr and MAE of the fixed setting as JSON (DESIGN.md 4, `fire bench
 * fixed`) and as tables. */
#ifndef FIRE_REPORT_FIXED_REPORT_H
#define FIRE_REPORT_FIXED_REPORT_H

#include "base/json.h"
#include "metric/fixed_scores.h"
#include "report/table.h"

/* What is printed; all borrowed. */
struct fixed_report {
    const struct fixed_result *student, *teacher; /* NULL: not asked */
    enum tokenizer tokenizer;
    const struct protocol *protocol;
    int n_resamples;
    uint64_t seed;
    bool paper;       /* the published numbers beside ours */
    const char *note; /* what else the numbers come from; NULL: nothing */
};

/* {"n","bleu":{"corpus":[4],"mean":[4]},"cider":{"mean","variant"},"tokenizer"}: what `fire score
 * text` prints. NAN is null. `protocol` names CIDEr's variant. New reference. */
json_t *text_scores_to_json(const struct text_scores *scores, enum tokenizer tokenizer,
                            const struct protocol *protocol);

/* [4]. New reference. */
json_t *bleu_to_json(const double bleu[4]);

/* {"student","teacher": {score text's keys, "refused","failed","first": {the same} or null, "ci",
 * "by_source": {}, "macro": {}}, "mae": {"n","mae","unparsed","no_label"} or null, "protocol",
 * "resamples","resample_seed"}. A role that was not asked has no key. New reference. */
json_t *fixed_report_json(const struct fixed_report *report);

/* Text and Markdown: two tables a role, of means and of corpus BLEU. CSV: one table of all. Free with
 * g_free. */
char *fixed_report_print(const struct fixed_report *report, enum table_format format);

#endif
