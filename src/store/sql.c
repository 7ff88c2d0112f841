#include "store/sql.h"

#include "base/error.h"

#include <string.h>

bool sql_damaged(const struct sql *sql, GError **error, const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    g_autofree char *cause = g_strdup_vprintf(format, arguments);
    va_end(arguments);
    g_set_error(error, FIRE_ERROR, FIRE_ERROR_FORMAT, "'%s' is damaged: %s", sql->path, cause);
    return false;
}

/* Says what the connection's last call met; `verb` is what was tried. */
static void set_error(const struct sql *sql, const char *verb, GError **error)
{
    const char *cause = sqlite3_errmsg(sql->db);
    int system = sqlite3_system_errno(sql->db);
    switch (sqlite3_errcode(sql->db) & 0xff) {
    case SQLITE_NOTADB:
        g_set_error(error, FIRE_ERROR, FIRE_ERROR_FORMAT, "'%s' is no run database", sql->path);
        return;
    case SQLITE_CORRUPT:
    case SQLITE_ERROR: /* a table is missing or is another one */
        sql_damaged(sql, error, "%s", cause);
        return;
    case SQLITE_IOERR:
    case SQLITE_CANTOPEN:
        if (system != 0) {
            g_set_error(error, FIRE_ERROR, FIRE_ERROR_IO, "cannot %s '%s': %s (%s)", verb,
                        sql->path, cause, g_strerror(system));
            return;
        }
        /* fall through */
    default:
        g_set_error(error, FIRE_ERROR, FIRE_ERROR_IO, "cannot %s '%s': %s", verb, sql->path, cause);
    }
}

/* The name SQLite gets: absolute, so that ":memory:" and "file:x" are files like any other. */
static char *sqlite_name(const char *path, enum sql_mode mode)
{
    g_autofree char *absolute = g_canonicalize_filename(path, NULL);
    if (mode != SQL_IMMUTABLE)
        return g_steal_pointer(&absolute);
    g_autofree char *escaped = g_uri_escape_string(absolute, "/", FALSE);
    return g_strdup_printf("file://%s?immutable=1", escaped);
}

static void finalize(gpointer statement)
{
    sqlite3_finalize(statement);
}

struct sql *sql_open(const char *path, enum sql_mode mode, GError **error)
{
    static const int flags[] = {
        [SQL_WRITE] = SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE,
        [SQL_READ] = SQLITE_OPEN_READONLY,
        [SQL_IMMUTABLE] = SQLITE_OPEN_READONLY | SQLITE_OPEN_URI,
    };
    g_autofree char *name = sqlite_name(path, mode);
    struct sql *sql = g_new0(struct sql, 1);
    sql->path = g_strdup(path);
    sql->kept = g_hash_table_new_full(g_direct_hash, g_direct_equal, NULL, finalize);
    if (sqlite3_open_v2(name, &sql->db, flags[mode] | SQLITE_OPEN_NOMUTEX, NULL) != SQLITE_OK) {
        set_error(sql, "open", error);
        sql_close(sql);
        return NULL;
    }
    sqlite3_extended_result_codes(sql->db, 1);
    sqlite3_busy_timeout(sql->db, 5000); /* a reader may meet the moment of a checkpoint */
    /* The file may come from anybody: its schema may not run functions nor harm the file. */
    sqlite3_db_config(sql->db, SQLITE_DBCONFIG_DEFENSIVE, 1, NULL);
    sqlite3_db_config(sql->db, SQLITE_DBCONFIG_TRUSTED_SCHEMA, 0, NULL);
    if (!sql_exec(sql, "PRAGMA cell_size_check = ON", error)) {
        sql_close(sql);
        return NULL;
    }
    return sql;
}

void sql_close(struct sql *sql)
{
    if (!sql)
        return;
    g_hash_table_destroy(sql->kept);
    sqlite3_close(sql->db);
    g_free(sql->path);
    g_free(sql);
}

bool sql_exec(struct sql *sql, const char *text, GError **error)
{
    if (sqlite3_exec(sql->db, text, NULL, NULL, NULL) == SQLITE_OK)
        return true;
    set_error(sql, "write", error);
    return false;
}

/* The kept statement of `text`. */
static sqlite3_stmt *prepare(struct sql *sql, const char *text, GError **error)
{
    sqlite3_stmt *statement = g_hash_table_lookup(sql->kept, text);
    if (statement) {
        g_assert(!sqlite3_stmt_busy(statement));
        sqlite3_clear_bindings(statement);
        return statement;
    }
    if (sqlite3_prepare_v3(sql->db, text, -1, SQLITE_PREPARE_PERSISTENT, &statement, NULL) !=
        SQLITE_OK) {
        set_error(sql, "read", error);
        return NULL;
    }
    g_hash_table_insert(sql->kept, (gpointer)text, statement);
    return statement;
}

static int bind_text(sqlite3_stmt *statement, int i, const char *text)
{
    if (!text)
        return sqlite3_bind_null(statement, i);
    if (g_utf8_validate(text, -1, NULL))
        return sqlite3_bind_text64(statement, i, text, strlen(text), SQLITE_STATIC, SQLITE_UTF8);
    char *valid = g_utf8_make_valid(text, -1);
    return sqlite3_bind_text64(statement, i, valid, strlen(valid), g_free, SQLITE_UTF8);
}

static int bind_one(sqlite3_stmt *statement, int i, char type, va_list *arguments)
{
    switch (type) {
    case 's':
        return bind_text(statement, i, va_arg(*arguments, const char *));
    case 'i':
        return sqlite3_bind_int(statement, i, va_arg(*arguments, int));
    case 'l':
        return sqlite3_bind_int64(statement, i, va_arg(*arguments, int64_t));
    case 'b': {
        const void *bytes = va_arg(*arguments, const void *);
        size_t n_bytes = va_arg(*arguments, size_t);
        return sqlite3_bind_blob64(statement, i, bytes ? bytes : "", n_bytes, SQLITE_STATIC);
    }
    case 'd': /* SQLite makes null of NAN */
        return sqlite3_bind_double(statement, i, va_arg(*arguments, double));
    default:
        g_assert_not_reached();
    }
}

static sqlite3_stmt *query(struct sql *sql, GError **error, const char *text, const char *types,
                           va_list *arguments)
{
    sqlite3_stmt *statement = prepare(sql, text, error);
    if (!statement)
        return NULL;
    g_assert((size_t)sqlite3_bind_parameter_count(statement) == strlen(types));
    for (int i = 0; types[i]; i++) {
        if (bind_one(statement, i + 1, types[i], arguments) != SQLITE_OK) { /* text over 1 GB */
            set_error(sql, "write", error);
            return NULL;
        }
    }
    return statement;
}

sqlite3_stmt *sql_query(struct sql *sql, GError **error, const char *text, const char *types, ...)
{
    va_list arguments;
    va_start(arguments, types);
    sqlite3_stmt *statement = query(sql, error, text, types, &arguments);
    va_end(arguments);
    return statement;
}

enum sql_result sql_step(struct sql *sql, sqlite3_stmt *statement, GError **error)
{
    int code = sqlite3_step(statement);
    if (code == SQLITE_ROW)
        return SQL_ROW;
    if (code != SQLITE_DONE)
        set_error(sql, sqlite3_stmt_readonly(statement) ? "read" : "write", error);
    sqlite3_reset(statement);
    return code == SQLITE_DONE ? SQL_DONE : SQL_FAILED;
}

bool sql_run(struct sql *sql, GError **error, const char *text, const char *types, ...)
{
    va_list arguments;
    va_start(arguments, types);
    sqlite3_stmt *statement = query(sql, error, text, types, &arguments);
    va_end(arguments);
    return statement && sql_step(sql, statement, error) == SQL_DONE;
}

bool sql_get_int64(struct sql *sql, const char *text, gint64 *value, GError **error)
{
    sqlite3_stmt *statement = sql_query(sql, error, text, "");
    enum sql_result result = statement ? sql_step(sql, statement, error) : SQL_FAILED;
    if (result == SQL_DONE)
        return sql_damaged(sql, error, "no answer to %s", text);
    if (result == SQL_FAILED)
        return false;
    *value = sqlite3_column_int64(statement, 0);
    sqlite3_reset(statement);
    return true;
}

bool sql_get_text(struct sql *sql, sqlite3_stmt *statement, int i, const char **text,
                  GError **error)
{
    const char *value = (const char *)sqlite3_column_text(statement, i);
    if (value && !g_utf8_validate_len(value, (gsize)sqlite3_column_bytes(statement, i), NULL))
        return sql_damaged(sql, error, "%s is not UTF-8", sqlite3_column_name(statement, i));
    *text = value;
    return true;
}
