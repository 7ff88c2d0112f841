/* scanner.h -- splits a file into the texts of its records without parsing them.
 *
 * A file is JSON Lines, split at line feeds, or one JSON array, split by brackets and strings;
 * which of the two is seen from its first bytes. So whatever is wrong inside one record, the next
 * one is found again, and memory stays at one record. A byte order mark, CRLF and blank lines are
 * accepted. */
#ifndef FIRE_DATA_SCANNER_H
#define FIRE_DATA_SCANNER_H

#include <glib.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* A longer record is skipped, not stored. */
#define SCANNER_MAX_RECORD (64u << 20)

enum scan_status {
    SCAN_RECORD,
    SCAN_TOO_LONG, /* a record of more than SCANNER_MAX_RECORD bytes; it has been skipped */
    SCAN_END,
    SCAN_FAILED, /* the file cannot be read on: broken between its records, or the system refused */
};

struct scanner;

/* `path` "-" is standard input. FIRE_ERROR_IO where it cannot be read (absent, a folder);
 * FIRE_ERROR_FORMAT where it is empty, or begins like neither JSON Lines nor an array. */
struct scanner *scanner_open(const char *path, GError **error);

/* The next record's bytes, borrowed until the next call: for SCAN_RECORD something that is not
 * blank. After SCAN_END or SCAN_FAILED the same is returned again (the error only once). */
enum scan_status scanner_next(struct scanner *scanner, const char **text, size_t *n_bytes,
                              GError **error);

void scanner_close(struct scanner *scanner); /* accepts NULL */

/* Bytes consumed, and the file's size (0: a pipe). */
void scanner_position(const struct scanner *scanner, uint64_t *done, uint64_t *total);

#endif
