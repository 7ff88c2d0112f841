/* free_report.h -- AT, ADR, ATR, RR as JSON (DESIGN.md 4, `fire score free`) and as tables. */
#ifndef FIRE_REPORT_FREE_REPORT_H
#define FIRE_REPORT_FREE_REPORT_H

#include "metric/agreement.h"
#include "metric/free.h"
#include "report/table.h"

/* What is printed; all borrowed. */
struct free_report {
    const struct free_result *result;
    const struct agreement *agreement;
    const struct protocol *protocol;
    const char *baseline; /* what AT is measured by, for people; NULL: nothing */
    int n_resamples;
    uint64_t seed;
    bool paper;       /* the published numbers beside ours */
    const char *note; /* what else the numbers come from (models, hashes); NULL: nothing */
};

/* {"n","removed","k","at_rounds","at","adr","atr","atr_all","rr","unparsed","ci",...,"macro",
 * "by_source",...}; undefined numbers are null. New reference. */
json_t *free_report_json(const struct free_report *report);

/* All tables: metrics by source and overall, curves by round, scores with their agreement. CSV is
 * the first table alone, an interval's ends in columns of their own. Free with g_free. */
char *free_report_print(const struct free_report *report, enum table_format format);

#endif
