/* schema.h -- the tables of a run database and the steps from one version to the next.
 *
 * A run database carries SCHEMA_APPLICATION_ID and, as user_version, the number of steps that made
 * it. A change to the tables is a new step at the end of the list; steps that were released never
 * change. */
#ifndef FIRE_STORE_SCHEMA_H
#define FIRE_STORE_SCHEMA_H

#include "store/sql.h"

enum { SCHEMA_APPLICATION_ID = 0x46495245 }; /* "FIRE" */

/* SQL texts, NULL-terminated: steps[i] makes version i + 1 of version i. Version 0 is an empty
 * database. */
extern const char *const schema_steps[];

/* Reads the version; FIRE_ERROR_FORMAT where the file is no run database, or one of a version that
 * `steps` do not reach. Nothing is written. */
bool schema_version(struct sql *sql, const char *const *steps, int *version, GError **error);

/* Brings the database up to the last step, all in one transaction. */
bool schema_migrate(struct sql *sql, const char *const *steps, GError **error);

#endif
