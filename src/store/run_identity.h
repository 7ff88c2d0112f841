/* run_identity.h -- what a run is, as rows of its database: compared when the run goes on.
 *
 * The table `run` holds what must stay equal, `sessions` a row for each time that the run was
 * opened for writing: when, by which program, with which volatile options. No secret is stored: the
 * user part of a URL ("//user:password@host") is taken out of every value. */
#ifndef FIRE_STORE_RUN_IDENTITY_H
#define FIRE_STORE_RUN_IDENTITY_H

#include "store/sql.h"
#include "store/store.h"

/* Writes `identity` where the run has none, or no sample yet, else compares: FIRE_ERROR_USAGE names each difference
 * with both values. Then begins a session. One transaction. */
bool run_identity_adopt(struct sql *sql, const struct run_identity *identity, GError **error);

/* Sets in `object` what store_describe tells of identity and sessions. FIRE_ERROR_FORMAT where the
 * run has no identity yet. */
bool run_identity_describe(struct sql *sql, json_t *object, GError **error);

/* `text` without the user part of any URL in it. Free with g_free. */
char *run_identity_strip_user(const char *text);

#endif
