/* published.h -- the numbers of the paper's Tables 2 to 6 (PAPER.md 1.1-1.5). */
#ifndef FIRE_REPORT_PUBLISHED_H
#define FIRE_REPORT_PUBLISHED_H

#include <stddef.h>

/* Tables 4-6, free dialogues; the teacher is FD-LLaVA. */
enum { PUBLISHED_N_STUDENTS = 3, PUBLISHED_N_METRICS = 4 };
extern const char *const published_students[PUBLISHED_N_STUDENTS];
extern const char *const published_metrics[PUBLISHED_N_METRICS]; /* keys: "at", "adr", "atr_all",
                                                                    "rr" */

struct published_free {
    const char *source;                                       /* NULL: all of FIRE-Bench */
    int table;                                                /* of the paper */
    double values[PUBLISHED_N_STUDENTS][PUBLISHED_N_METRICS]; /* NAN: not recovered */
};

/* The row of a source, by any of the names it has in the released files ("geoqa+", "seedbench"); of
 * all of FIRE-Bench for NULL. NULL where the paper has none. */
const struct published_free *published_free_find(const char *source);

/* Tables 2 and 3, fixed dialogues. */
struct published_fixed {
    const char *role, *model; /* role: "student", "teacher" */
    int table;
    double bleu[4], cider, mae; /* mae: NAN for students */
};
/* Ended by a row whose role is NULL. */
extern const struct published_fixed published_fixed[];

#endif
