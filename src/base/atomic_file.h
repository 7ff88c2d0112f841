/* atomic_file.h -- output files that appear whole or not at all.
 *
 * Text goes to a temporary file beside the target; commit makes it durable and gives it its name.
 * Until then an older file of that name stays as it was. Where the target is no regular file
 * (/dev/stdout, a pipe) it is written to directly. "-" means standard output. */
#ifndef FIRE_BASE_ATOMIC_FILE_H
#define FIRE_BASE_ATOMIC_FILE_H

#include <glib.h>
#include <stdbool.h>
#include <stdio.h>

struct atomic_file;

/* NULL on failure (the folder is missing, read-only, full). */
struct atomic_file *atomic_file_open(const char *path, GError **error);

/* The stream to write to. A write error is sticky and reported by commit. */
FILE *atomic_file_stream(struct atomic_file *file);

/* Flushes, syncs, renames, and frees `file`, also on failure, which leaves nothing behind. */
bool atomic_file_commit(struct atomic_file *file, GError **error);

/* Frees `file` and removes the temporary file. Accepts NULL. */
void atomic_file_discard(struct atomic_file *file);

#endif
