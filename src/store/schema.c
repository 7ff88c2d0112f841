#include "store/schema.h"

#include "base/error.h"

/* calls: one row a call (sample, role, round, attempt) with its last reply; n_failed and n_retries
 * count over all replies it ever had. `request` is canonical JSON and `hash` its SHA-256. Where the
 * server did not say, token counts are null. */
const char *const schema_steps[] = {
    "CREATE TABLE run ("
    "  id INTEGER PRIMARY KEY CHECK (id = 1),"
    "  command TEXT NOT NULL,"
    "  settings TEXT NOT NULL,"
    "  prompt_hash TEXT NOT NULL,"
    "  data_hash TEXT NOT NULL"
    ") STRICT;"
    "CREATE TABLE sessions ("
    "  id INTEGER PRIMARY KEY,"
    "  started TEXT NOT NULL,"
    "  fire_version TEXT NOT NULL,"
    "  fire_commit TEXT NOT NULL,"
    "  sqlite_version TEXT NOT NULL,"
    "  options TEXT NOT NULL"
    ") STRICT;"
    "CREATE TABLE samples ("
    "  number INTEGER PRIMARY KEY,"
    "  id TEXT NOT NULL UNIQUE,"
    "  sample TEXT NOT NULL,"
    "  stop TEXT,"
    "  failure TEXT"
    ") STRICT;"
    "CREATE TABLE turns ("
    "  sample INTEGER NOT NULL REFERENCES samples (number),"
    "  i_turn INTEGER NOT NULL,"
    "  response TEXT NOT NULL,"
    "  feedback TEXT,"
    "  score REAL,"
    "  meta TEXT,"
    "  PRIMARY KEY (sample, i_turn)"
    ") STRICT, WITHOUT ROWID;"
    "CREATE TABLE calls ("
    "  id INTEGER PRIMARY KEY,"
    "  sample INTEGER NOT NULL REFERENCES samples (number),"
    "  role TEXT NOT NULL,"
    "  round INTEGER NOT NULL,"
    "  attempt INTEGER NOT NULL,"
    "  hash TEXT NOT NULL,"
    "  request TEXT NOT NULL,"
    "  endpoint TEXT NOT NULL,"
    "  outcome TEXT NOT NULL,"
    "  text TEXT NOT NULL,"
    "  reasoning TEXT,"
    "  finish_reason TEXT,"
    "  model TEXT,"
    "  fingerprint TEXT,"
    "  error TEXT,"
    "  notes TEXT,"
    "  http_status INTEGER NOT NULL,"
    "  tries INTEGER NOT NULL,"
    "  latency_ms REAL,"
    "  prompt_tokens INTEGER,"
    "  completion_tokens INTEGER,"
    "  reasoning_tokens INTEGER,"
    "  cached_tokens INTEGER,"
    "  n_failed INTEGER NOT NULL,"
    "  n_retries INTEGER NOT NULL,"
    "  UNIQUE (sample, role, round, attempt)"
    ") STRICT;",
    /* Where a sample comes from, what of the data could not be used, and whether all of it is here. */
    "ALTER TABLE run ADD COLUMN loaded INTEGER NOT NULL DEFAULT 0;"
    "ALTER TABLE samples ADD COLUMN file INTEGER NOT NULL DEFAULT 0;"
    "ALTER TABLE samples ADD COLUMN image_digest TEXT;"
    "UPDATE run SET loaded = 1;"
    "CREATE TABLE rejects ("
    "  id INTEGER PRIMARY KEY,"
    "  file INTEGER NOT NULL,"
    "  record INTEGER NOT NULL,"
    "  sample_id TEXT,"
    "  cause TEXT NOT NULL,"
    "  detail TEXT NOT NULL,"
    "  raw BLOB NOT NULL"
    ") STRICT;",
    NULL,
};

static int count_steps(const char *const *steps)
{
    int n = 0;
    while (steps[n])
        n++;
    return n;
}

bool schema_version(struct sql *sql, const char *const *steps, int *version, GError **error)
{
    gint64 application_id, user_version, n_tables;
    if (!sql_get_int64(sql, "PRAGMA application_id", &application_id, error) ||
        !sql_get_int64(sql, "PRAGMA user_version", &user_version, error) ||
        !sql_get_int64(sql, "SELECT count(*) FROM sqlite_schema", &n_tables, error))
        return false;
    if (application_id == 0 && user_version == 0 && n_tables == 0) {
        *version = 0;
        return true;
    }
    if (application_id != SCHEMA_APPLICATION_ID) {
        g_set_error(error, FIRE_ERROR, FIRE_ERROR_FORMAT,
                    "'%s' is no run database but some other SQLite database", sql->path);
        return false;
    }
    if (user_version > count_steps(steps)) {
        g_set_error(error, FIRE_ERROR, FIRE_ERROR_FORMAT,
                    "'%s' was written by a newer fire (its format is %" G_GINT64_FORMAT
                    ", this program knows up to %d)",
                    sql->path, user_version, count_steps(steps));
        return false;
    }
    if (user_version < 1) {
        sql_damaged(sql, error, "its format is %" G_GINT64_FORMAT, user_version);
        return false;
    }
    *version = (int)user_version;
    return true;
}

static bool take_steps(struct sql *sql, const char *const *steps, GError **error)
{
    for (; *steps; steps++)
        if (!sql_exec(sql, *steps, error))
            return false;
    return true;
}

bool schema_migrate(struct sql *sql, const char *const *steps, GError **error)
{
    int version, n_steps = count_steps(steps);
    if (!schema_version(sql, steps, &version, error))
        return false;
    if (version == n_steps)
        return true;
    g_autofree char *marks =
        g_strdup_printf("PRAGMA application_id = %d; PRAGMA user_version = %d; COMMIT",
                        SCHEMA_APPLICATION_ID, n_steps);
    if (sql_exec(sql, "BEGIN IMMEDIATE", error) && take_steps(sql, steps + version, error) &&
        sql_exec(sql, marks, error))
        return true;
    if (!sqlite3_get_autocommit(sql->db))
        sql_exec(sql, "ROLLBACK", NULL);
    return false;
}
