/* run_tables.h -- the tables of a run, of whichever setting. */
#ifndef FIRE_CMD_RUN_TABLES_H
#define FIRE_CMD_RUN_TABLES_H

#include "cmd/table_options.h"
#include "store/store.h"

/* What is wrong with `options` for a run of `command`, as far as it can be told before the run has begun: a usage error, or
 * FIRE_ERROR_IO where the baseline cannot be read. */
bool run_tables_check(const char *command, const struct protocol *protocol,
                      const struct table_options *options, GError **error);

/* Prints the run's tables by `protocol` (the run's own, or another one) on `out`. `path` is the run's, for the JSON. */
bool run_tables_print(struct store *store, const char *path, const struct protocol *protocol,
                      const struct table_options *options, FILE *out, GError **error);

#endif
