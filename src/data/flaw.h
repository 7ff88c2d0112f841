/* flaw.h -- what makes a record bad: a stable name to count by, and one line for people.
 *
 *   missing-key    a key that the form must have is absent
 *   wrong-type     a value, or the record itself, has the wrong JSON type
 *   wrong-value    a value of the right type that means nothing here (an unknown `stop`)
 *   no-turns       a dialogue without turns
 *   turn-order     an odd number of turns, or roles that do not alternate
 *   no-score       a feedback in which no score can be read
 *   score-range    a score outside 0-10
 *   bad-json       not one JSON value
 *   bad-utf8       bytes that are not UTF-8
 *   too-long       more than SCANNER_MAX_RECORD bytes
 *   no-target      nothing in it for the layout that is written
 *   missing-image, broken-image, unsafe-image   (picture.h)
 */
#ifndef FIRE_DATA_FLAW_H
#define FIRE_DATA_FLAW_H

#include <glib.h>
#include <stdbool.h>

/* A zeroed struct is no flaw. */
struct flaw {
    const char *cause; /* static; NULL: none */
    char *detail;      /* owned */
};

/* Sets `*flaw`, which must be clear, and returns false, so that a check can end with it. */
bool flaw_set(struct flaw *flaw, const char *cause, const char *format, ...) G_GNUC_PRINTF(3, 4);

void flaw_clear(struct flaw *flaw);

#endif
