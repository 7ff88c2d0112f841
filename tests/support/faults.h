/* faults.h -- what the fake model server does wrong on order: a table.
 *
 * A SPEC is NAME[*COUNT][,NAME[*COUNT]...]: the first COUNT requests with the same body get the
 * first fault, the next ones the second, and so on; without a count for ever. */
#ifndef FIRE_TESTS_FAULTS_H
#define FIRE_TESTS_FAULTS_H

#include <glib.h>
#include <jansson.h>

enum fault_how {
    FAULT_AS_IS,
    FAULT_HANG,        /* no reply, connection kept */
    FAULT_RESET,       /* connection reset without a reply */
    FAULT_CUT_JSON,    /* half the body, its length told truly */
    FAULT_EARLY_CLOSE, /* half the body under the length of the whole, then closed */
    FAULT_STALL,       /* half the body, then nothing more */
    FAULT_BAD_UTF8,    /* one byte made 0xff */
    FAULT_HUGE_TEXT,   /* an answer of 17 MiB */
};

/* In headers, bodies and patches $SELF and $OTHER are the origins of the server's two ports, $DATE
 * the time in 2 s, $KEY what came as key. */
struct fault {
    const char *name;
    int status;          /* 0: no reply */
    const char *headers; /* "Name: value", one a line */
    const char *body;    /* NULL: the ordinary reply, patched */
    const char *patch;   /* see fault_merge; NULL: none */
    enum fault_how how;
    const char *only_with; /* happens only to requests that hold this key ... */
    int below;             /* ... and, where above 0, a number below this */
};

/* The i-th row, NULL after the last. */
const struct fault *fault_table(size_t i);

/* One of those that a client must survive, chosen by `hash`. */
const struct fault *fault_any_survivable(guint64 hash);

/* The fault that SPEC has for the n-th request (1-based) of the body `request`; NULL for none. One
 * that does not happen to such a body is passed over. *known is FALSE where a name or count is not
 * valid. */
const struct fault *fault_pick(const char *spec, int n, const json_t *request, gboolean *known);

/* Merges `patch` into `value`: objects by key, lists by index; "<none>" takes a member away. */
void fault_merge(json_t *value, const json_t *patch);

#endif
