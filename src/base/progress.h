/* progress.h -- how far a long job is: one line that is rewritten on a terminal, else a log line
 * every 30 s. */
#ifndef FIRE_BASE_PROGRESS_H
#define FIRE_BASE_PROGRESS_H

#include <stdbool.h>
#include <stdint.h>

/* What is shown. Counts of the job so far. */
struct progress_state {
    uint64_t done, total;
    uint64_t skipped; /* of done: found finished at the start; left out of the rate */
    int in_flight;
    uint64_t failed;
    int64_t tokens; /* prompt and completion tokens of this process; 0 is not shown */
};

struct progress;

/* `unit` is what is counted, in the plural: "dialogues". `state` is borrowed and read when the line
 * is drawn. Draws itself from the thread's default main context and clears the line before each log
 * message; one at a time. */
struct progress *progress_new(const char *unit, const struct progress_state *state);
/* Clears the line. Accepts NULL. */
void progress_free(struct progress *progress);

/* "120/500 dialogues, 4.2/s, 1:30 left, 16 in flight, 2 failed, 81k tokens". Free with g_free.
 * `seconds` since the start. */
char *progress_format(const char *unit, const struct progress_state *state, double seconds);

#endif
