/* sql.h -- the few helpers over SQLite that make a statement one line: prepare, bind, step, each
 * with a GError.
 *
 * SQL texts are literals at their place of use; a prepared statement is kept for the life of the
 * connection under the literal's address. Errors are one line that names the file:
 * FIRE_ERROR_FORMAT where it is damaged or no database, FIRE_ERROR_IO otherwise. */
#ifndef FIRE_STORE_SQL_H
#define FIRE_STORE_SQL_H

#include <glib.h>
#include <sqlite3.h>
#include <stdbool.h>

struct sql {
    sqlite3 *db;
    char *path;       /* as the user wrote it, for messages */
    GHashTable *kept; /* SQL literal -> sqlite3_stmt */
};

enum sql_mode {
    SQL_WRITE,
    SQL_READ,
    SQL_IMMUTABLE, /* of a file that nobody can write, in a folder that cannot be written */
};

/* The file is not looked at before the first statement. SQL_WRITE makes an absent one. */
struct sql *sql_open(const char *path, enum sql_mode mode, GError **error);
void sql_close(struct sql *sql); /* accepts NULL; an open transaction is rolled back */

/* Runs any number of statements without parameters or rows. */
bool sql_exec(struct sql *sql, const char *text, GError **error);

/* The statement, reset and with `types` bound, ready for sql_step; NULL on failure. One letter a
 * parameter: 's' const char * (NULL is null; not copied: it must live until the statement is
 * reset), 'i' int, 'l' int64_t, 'd' double (NAN is null), 'b' const void * and size_t (as 's'). It
 * belongs to `sql`; the same literal again while rows are still being read is a programmer's
 * error. */
sqlite3_stmt *sql_query(struct sql *sql, GError **error, const char *text, const char *types, ...);

enum sql_result { SQL_FAILED = -1, SQL_DONE, SQL_ROW };

/* The next row. The statement is reset unless there is one; who stops early calls sqlite3_reset. */
enum sql_result sql_step(struct sql *sql, sqlite3_stmt *statement, GError **error);

/* sql_query and sql_step for a statement without rows. */
bool sql_run(struct sql *sql, GError **error, const char *text, const char *types, ...);

/* The first column of a query's only row, for PRAGMAs and counts. */
bool sql_get_int64(struct sql *sql, const char *text, gint64 *value, GError **error);

/* Column `i` of the current row: `*text` is NULL for null, borrowed until the next step. False with
 * FIRE_ERROR_FORMAT where it is not UTF-8, which only damage can cause. */
bool sql_get_text(struct sql *sql, sqlite3_stmt *statement, int i, const char **text,
                  GError **error);

/* Sets FIRE_ERROR_FORMAT "'R.db' is damaged: ...". Returns false. */
bool sql_damaged(const struct sql *sql, GError **error, const char *format, ...)
    G_GNUC_PRINTF(3, 4);

#endif
