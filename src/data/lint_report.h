/* lint_report.h -- what is wrong with a file: every defect that DESIGN.md names, pictures included.
 */
#ifndef FIRE_DATA_LINT_REPORT_H
#define FIRE_DATA_LINT_REPORT_H

#include "data/complaint.h"

/* Sums over all files; a zeroed struct is nothing read. n = n_ok + n_bad. */
struct lint_report {
    size_t n, n_ok, n_bad;
    size_t n_disagree; /* records, good or bad, of which at least one score differs from its text */
};

/* Adds what `path` holds to `*report`, each bad record to `complaints`. Pictures are looked for
 * below `images` and decoded; NULL: they are left alone. False where the file cannot be used to its
 * end, or `complaints` says stop; what was read before is in the report. */
bool lint_file(struct lint_report *report, const char *path, const char *images,
               const struct protocol *protocol, struct complaints *complaints, GError **error);

#endif
