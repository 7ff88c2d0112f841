/* store.c -- opening, locking and writing a run.
 *
 * The lock is a flock on a descriptor of its own of the database file. SQLite's own locks are
 * fcntl locks, which the kernel drops when the process closes *any* descriptor of the file;
 * therefore this one is closed after SQLite's, and nothing else here ever opens the file beside
 * SQLite. (For the same reason one process must not store_open a run that it has open.) */
#include "store/store_private.h"

#include "base/error.h"
#include "base/json.h"
#include "store/run_identity.h"
#include "store/schema.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

static bool set_io_error(GError **error, const char *verb, const char *path, const char *cause)
{
    g_set_error(error, FIRE_ERROR, FIRE_ERROR_IO, "cannot %s '%s': %s", verb, path, cause);
    return false;
}

static bool check_regular(const struct stat *status, const char *path, GError **error)
{
    if (S_ISREG(status->st_mode))
        return true;
    g_set_error(error, FIRE_ERROR, FIRE_ERROR_FORMAT, "'%s' is no run database: it is no file",
                path);
    return false;
}

static bool try_lock(int fd, const char *path, GError **error)
{
    struct stat status;
    if (fstat(fd, &status) != 0)
        return set_io_error(error, "open", path, g_strerror(errno));
    if (!check_regular(&status, path, error))
        return false;
    if (flock(fd, LOCK_EX | LOCK_NB) == 0)
        return true;
    if (errno != EWOULDBLOCK)
        return set_io_error(error, "lock", path, g_strerror(errno));
    g_set_error(error, FIRE_ERROR, FIRE_ERROR_IO, "run '%s' is in use by another process", path);
    return false;
}

/* Makes the file where it is absent. -1 on failure. */
static int lock_file(const char *path, GError **error)
{
    int fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC | O_NONBLOCK | O_NOCTTY, 0666);
    if (fd < 0) {
        set_io_error(error, "open", path, g_strerror(errno));
        return -1;
    }
    if (!try_lock(fd, path, error)) {
        close(fd);
        return -1;
    }
    return fd;
}

static bool enter_wal(struct sql *sql, GError **error)
{
    sqlite3_stmt *statement = sql_query(sql, error, "PRAGMA journal_mode = WAL", "");
    const char *mode;
    if (!statement || sql_step(sql, statement, error) != SQL_ROW)
        return false;
    bool ok = sql_get_text(sql, statement, 0, &mode, error);
    if (ok && g_strcmp0(mode, "wal") != 0)
        ok = set_io_error(error, "write", sql->path, "the file system has no shared memory");
    sqlite3_reset(statement);
    return ok;
}

/* A run at rest is one plain file that can be read anywhere. Where a reader is in the way it stays
 * in WAL, which is as good. */
static void leave_wal(struct sql *sql)
{
    sqlite3_busy_timeout(sql->db, 0);
    sql_exec(sql, "PRAGMA journal_mode = DELETE", NULL);
}

/* Nothing is written before the file has proved to be ours. */
static bool prepare(struct store *store, GError **error)
{
    struct sql *sql = store->sql;
    int version;
    if (!schema_version(sql, schema_steps, &version, error) || !enter_wal(sql, error))
        return false;
    store->is_wal = true;
    return sql_exec(sql, "PRAGMA synchronous = NORMAL", error) &&
           schema_migrate(sql, schema_steps, error) &&
           sql_exec(sql, "PRAGMA foreign_keys = ON", error);
}

struct store *store_open(const char *path, const struct run_identity *identity, GError **error)
{
    int lock_fd = lock_file(path, error);
    if (lock_fd < 0)
        return NULL;
    struct store *store = g_new0(struct store, 1);
    store->lock_fd = lock_fd;
    if ((store->sql = sql_open(path, SQL_WRITE, error)) && prepare(store, error) &&
        run_identity_adopt(store->sql, identity, error))
        return store;
    store_close(store);
    return NULL;
}

/* Is there something in the write-ahead log beside `path`? */
static bool has_log(const char *path)
{
    struct stat status;
    g_autofree char *log = g_strconcat(path, "-wal", NULL);
    return stat(log, &status) == 0 && status.st_size > 0;
}

/* Opens for reading and reads the version. A WAL database needs its "-shm" file, which cannot be
 * made in a folder that cannot be written; without a log the file alone is the whole run, and as
 * nobody can write it there, it is read as it is. */
static struct sql *open_reader(const char *path, int *version, GError **error)
{
    g_autoptr(GError) cause = NULL;
    struct sql *sql = sql_open(path, SQL_READ, &cause);
    if (sql && schema_version(sql, schema_steps, version, &cause))
        return sql;
    int code = sql ? sqlite3_errcode(sql->db) & 0xff : SQLITE_OK;
    sql_close(sql);
    if (code != SQLITE_CANTOPEN && code != SQLITE_READONLY) {
        g_propagate_error(error, g_steal_pointer(&cause));
        return NULL;
    }
    if (has_log(path)) {
        g_set_error(error, FIRE_ERROR, FIRE_ERROR_IO,
                    "cannot read '%s': its writer was stopped and '%s-wal' must be brought in, "
                    "which needs a folder that can be written (copy both files to one)",
                    path, path);
        return NULL;
    }
    sql = sql_open(path, SQL_IMMUTABLE, error);
    if (sql && schema_version(sql, schema_steps, version, error))
        return sql;
    sql_close(sql);
    return NULL;
}

/* Readers do not migrate: they may read a file that they must not change. */
static bool check_reader(int version, const char *path, GError **error)
{
    int current = 0;
    while (schema_steps[current])
        current++;
    if (version == current)
        return true;
    if (version == 0)
        g_set_error(error, FIRE_ERROR, FIRE_ERROR_FORMAT, "'%s' holds no run yet", path);
    else
        g_set_error(error, FIRE_ERROR, FIRE_ERROR_FORMAT,
                    "'%s' was written by an older fire (its format is %d); the command that made "
                    "it, run again, brings it up to %d",
                    path, version, current);
    return false;
}

struct store *store_open_readonly(const char *path, GError **error)
{
    struct stat status;
    int version;
    if (stat(path, &status) != 0) {
        set_io_error(error, "open", path, g_strerror(errno));
        return NULL;
    }
    if (!check_regular(&status, path, error))
        return NULL;
    struct sql *sql = open_reader(path, &version, error);
    if (!sql)
        return NULL;
    struct store *store = g_new0(struct store, 1);
    store->lock_fd = -1;
    store->sql = sql;
    if (check_reader(version, path, error))
        return store;
    store_close(store);
    return NULL;
}

bool store_is_run(const char *path)
{
    static const char magic[16] = "SQLite format 3";
    char head[sizeof magic];
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
    ssize_t n = fd >= 0 ? read(fd, head, sizeof head) : -1;
    if (fd >= 0)
        close(fd);
    return n == sizeof head && memcmp(head, magic, sizeof head) == 0;
}

bool store_check_output(const char *path, GError **error)
{
    if (!store_is_run(path))
        return true;
    g_set_error(error, FIRE_ERROR, FIRE_ERROR_USAGE,
                "'%s' is a run database, which is not written over: remove it first", path);
    return false;
}

void store_close(struct store *store)
{
    if (!store)
        return;
    if (store->is_wal && !store->broken)
        leave_wal(store->sql);
    sql_close(store->sql);
    if (store->lock_fd >= 0)
        close(store->lock_fd);
    g_clear_error(&store->broken);
    g_free(store);
}

bool store_check(const struct store *store, GError **error)
{
    if (!store->broken)
        return true;
    g_propagate_error(error, g_error_copy(store->broken));
    return false;
}

bool store_break(struct store *store, GError *cause, GError **error)
{
    if (!store->broken)
        store->broken = g_error_copy(cause);
    g_propagate_error(error, cause);
    if (!sqlite3_get_autocommit(store->sql->db))
        sql_exec(store->sql, "ROLLBACK", NULL);
    return false;
}

bool store_find_sample(struct store *store, const char *id, gint64 *number, GError **error)
{
    GError *cause = NULL;
    sqlite3_stmt *statement =
        sql_query(store->sql, &cause, "SELECT number FROM samples WHERE id = ?", "s", id);
    switch (statement ? sql_step(store->sql, statement, &cause) : SQL_FAILED) {
    case SQL_FAILED:
        return store_break(store, cause, error);
    case SQL_DONE:
        g_set_error(error, FIRE_ERROR, FIRE_ERROR_USAGE, "run '%s' has no sample '%s'",
                    store->sql->path, id);
        return false;
    case SQL_ROW:
        break;
    }
    *number = sqlite3_column_int64(statement, 0);
    sqlite3_reset(statement);
    return true;
}

static bool exec(struct store *store, const char *text, GError **error)
{
    GError *cause = NULL;
    return store_check(store, error) &&
           (sql_exec(store->sql, text, &cause) || store_break(store, cause, error));
}

bool store_begin(struct store *store, GError **error)
{
    return exec(store, "BEGIN IMMEDIATE", error);
}

void store_rollback(struct store *store)
{
    if (!sqlite3_get_autocommit(store->sql->db))
        sql_exec(store->sql, "ROLLBACK", NULL);
}

bool store_commit(struct store *store, GError **error)
{
    return exec(store, "COMMIT", error);
}

static bool put_turn(struct sql *sql, gint64 number, size_t i_turn, const struct turn *turn,
                     GError **error)
{
    g_autofree char *meta = turn->meta ? json_print(turn->meta) : NULL;
    return sql_run(sql, error,
                   "INSERT INTO turns (sample, i_turn, response, feedback, score, meta)"
                   " VALUES (?, ?, ?, ?, ?, ?)"
                   " ON CONFLICT (sample, i_turn) DO UPDATE SET response = excluded.response,"
                   " feedback = excluded.feedback, score = excluded.score, meta = excluded.meta",
                   "llssds", (int64_t)number, (int64_t)i_turn, turn->response, turn->feedback,
                   turn->score, meta);
}

/* Inserts sample and recorded turns; `*is_new` is false where the number or the id is taken. */
static bool add_sample(struct sql *sql, gint64 number, int i_file, const char *image_digest,
                       const struct dialogue *dialogue, bool *is_new, GError **error)
{
    g_autoptr(json_t) object = json_object();
    sample_to_json(&dialogue->sample, object);
    g_autofree char *text = json_print(object);
    if (!sql_run(
            sql, error,
            "INSERT INTO samples (number, id, sample, file, image_digest) VALUES (?, ?, ?, ?, ?)"
            " ON CONFLICT DO NOTHING",
            "lssis", (int64_t)number, dialogue->sample.id, text, i_file, image_digest))
        return false;
    *is_new = sqlite3_changes(sql->db) > 0;
    for (size_t i = 0; *is_new && i < dialogue->n_turns; i++)
        if (!put_turn(sql, number, i, &dialogue->turns[i], error))
            return false;
    return true;
}

bool store_add_sample(struct store *store, size_t number, int i_file, const char *image_digest,
                      const struct dialogue *dialogue, GError **error)
{
    GError *cause = NULL;
    bool is_new;
    gint64 found;
    if (!store_check(store, error))
        return false;
    if (!sql_exec(store->sql, "SAVEPOINT sample", &cause) ||
        !add_sample(store->sql, (gint64)number, i_file, image_digest, dialogue, &is_new, &cause) ||
        !sql_exec(store->sql, "RELEASE sample", &cause))
        return store_break(store, cause, error);
    if (is_new)
        return true;
    if (!store_find_sample(store, dialogue->sample.id, &found, NULL))
        found = -1;
    if (!store_check(store, error))
        return false;
    if (found == (gint64)number)
        return true;
    g_set_error(error, FIRE_ERROR, FIRE_ERROR_USAGE,
                "sample %zu ('%s') is not the one that run '%s' holds", number, dialogue->sample.id,
                store->sql->path);
    return false;
}

bool store_put_turn(struct store *store, const char *sample_id, size_t i_turn,
                    const struct turn *turn, GError **error)
{
    GError *cause = NULL;
    gint64 number;
    if (!store_check(store, error) || !store_find_sample(store, sample_id, &number, error))
        return false;
    return put_turn(store->sql, number, i_turn, turn, &cause) || store_break(store, cause, error);
}

static bool end_dialogue(struct sql *sql, gint64 number, enum stop stop, size_t n_turns,
                         const char *failure, GError **error)
{
    return sql_exec(sql, "SAVEPOINT dialogue", error) &&
           sql_run(sql, error, "UPDATE samples SET stop = ?, failure = ? WHERE number = ?", "ssl",
                   stop_name(stop), failure, (int64_t)number) &&
           sql_run(sql, error, "DELETE FROM turns WHERE sample = ? AND i_turn >= ?", "ll",
                   (int64_t)number, (int64_t)n_turns) &&
           sql_exec(sql, "RELEASE dialogue", error);
}

bool store_end_dialogue(struct store *store, const char *sample_id, enum stop stop, size_t n_turns,
                        const char *failure, GError **error)
{
    GError *cause = NULL;
    gint64 number;
    if (!store_check(store, error) || !store_find_sample(store, sample_id, &number, error))
        return false;
    return end_dialogue(store->sql, number, stop, n_turns, failure, &cause) ||
           store_break(store, cause, error);
}
