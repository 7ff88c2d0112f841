/* complaint.h -- what becomes of bad records: one line each on stderr, a count per cause, the
 * record verbatim in the rejects file. Shared by every command that reads records. */
#ifndef FIRE_DATA_COMPLAINT_H
#define FIRE_DATA_COMPLAINT_H

#include "data/reader.h"

/* After so many lines of one cause only its count is printed, at the end. */
#define COMPLAINT_MAX_LINES 20

struct complaints;

/* `rejects` NULL: bad records are not kept. `strict`: the first bad record ends the work. */
struct complaints *complaints_open(const char *rejects, bool strict, GError **error);

/* `path`, `record` (its number, id and bytes), `cause` (static) and `detail` make the line. False
 * where the work must end: `strict`, or the rejects file cannot be written. */
bool complaints_add(struct complaints *complaints, const char *path, const struct record *record,
                    const char *cause, const char *detail, GError **error);

/* Bad records so far. */
size_t complaints_count(const struct complaints *complaints);

/* {CAUSE: n, ...} in the order of their first appearance. New reference. */
json_t *complaints_by_cause(const struct complaints *complaints);

/* Prints the counts of what was not printed line by line, finishes the rejects file and frees.
 * False where the rejects file could not be written. */
bool complaints_close(struct complaints *complaints, GError **error);

#endif
