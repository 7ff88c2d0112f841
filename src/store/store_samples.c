/* store_samples.c -- the data of a run: what of it was taken, what was rejected, what is still to be done. */
#include "store/store_private.h"

#include <string.h>

int64_t store_get_tokens(const struct store *store)
{
    return store->tokens;
}

bool store_add_reject(struct store *store, const struct store_reject *reject, GError **error)
{
    GError *cause = NULL;
    return store_check(store, error) &&
           (sql_run(store->sql, &cause,
                    "INSERT INTO rejects (file, record, sample_id, cause, detail, raw) VALUES (?, "
                    "?, ?, ?, ?, ?)",
                    "ilsssb", reject->i_file, (int64_t)reject->record, reject->id, reject->cause,
                    reject->detail, (const void *)reject->raw, reject->n_raw) ||
            store_break(store, cause, error));
}

bool store_foreach_reject(struct store *store,
                          bool (*each)(const struct store_reject *reject, void *user), void *user,
                          GError **error)
{
    struct sql *sql = store->sql;
    sqlite3_stmt *rows = sql_query(
        sql, error, "SELECT file, record, sample_id, cause, detail, raw FROM rejects ORDER BY id",
        "");
    enum sql_result result = SQL_FAILED;
    bool ok = rows != NULL, go_on = true;
    while (ok && go_on && (result = sql_step(sql, rows, error)) == SQL_ROW) {
        struct store_reject reject = {
            .i_file = sqlite3_column_int(rows, 0),
            .record = (size_t)sqlite3_column_int64(rows, 1),
            .raw = sqlite3_column_blob(rows, 5),
            .n_raw = (size_t)sqlite3_column_bytes(rows, 5),
        };
        ok = sql_get_text(sql, rows, 2, &reject.id, error) &&
             sql_get_text(sql, rows, 3, &reject.cause, error) &&
             sql_get_text(sql, rows, 4, &reject.detail, error);
        if (!reject.raw)
            reject.raw = "";
        go_on = ok && each(&reject, user);
    }
    if (rows)
        sqlite3_reset(rows);
    return ok && result != SQL_FAILED;
}

bool store_is_loaded(struct store *store, bool *loaded, GError **error)
{
    gint64 value;
    if (!sql_get_int64(store->sql, "SELECT loaded FROM run", &value, error))
        return false;
    *loaded = value != 0;
    return true;
}

bool store_set_loaded(struct store *store, GError **error)
{
    GError *cause = NULL;
    return store_check(store, error) &&
           (sql_exec(store->sql, "UPDATE run SET loaded = 1", &cause) ||
            store_break(store, cause, error));
}

bool store_list_pending(struct store *store, GArray *numbers, GError **error)
{
    struct sql *sql = store->sql;
    sqlite3_stmt *rows =
        sql_query(sql, error,
                  "SELECT number FROM samples WHERE stop IS NULL OR stop = 'failed'"
                  " ORDER BY stop IS NOT NULL, number",
                  "");
    enum sql_result result = SQL_FAILED;
    while (rows && (result = sql_step(sql, rows, error)) == SQL_ROW) {
        size_t number = (size_t)sqlite3_column_int64(rows, 0);
        g_array_append_val(numbers, number);
    }
    return result == SQL_DONE;
}

bool store_get_sample(struct store *store, size_t number, struct dialogue *dialogue, int *i_file,
                      char **image_digest, GError **error)
{
    struct sql *sql = store->sql;
    g_autofree char *failure = NULL;
    const char *digest;
    struct dialogue read = {0};
    sqlite3_stmt *rows = sql_query(
        sql, error,
        "SELECT number, samples.sample, stop, failure, i_turn, response, feedback, score, meta,"
        " file, image_digest"
        " FROM samples LEFT JOIN turns ON turns.sample = number"
        " WHERE number = ? ORDER BY i_turn",
        "l", (int64_t)number);
    enum sql_result result = rows ? sql_step(sql, rows, error) : SQL_FAILED;
    bool ok = result == SQL_ROW && sql_get_text(sql, rows, 10, &digest, error);
    if (result == SQL_DONE)
        sql_damaged(sql, error, "there is no sample %zu", number);
    if (!ok) {
        if (rows)
            sqlite3_reset(rows);
        return false;
    }
    int file = sqlite3_column_int(rows, 9);
    g_autofree char *kept = g_strdup(digest);
    ok = store_read_dialogue(sql, rows, &read, &failure, &result, error);
    sqlite3_reset(rows);
    if (!ok) {
        dialogue_clear(&read);
        return false;
    }
    *dialogue = read;
    *i_file = file;
    *image_digest = g_steal_pointer(&kept);
    return true;
}

bool store_count(struct store *store, struct store_counts *counts, GError **error)
{
    static const char silent_roles[] = "SELECT count(*) FROM (SELECT 1 FROM calls GROUP BY role"
                                       " HAVING max(outcome <> 'failed' OR http_status > 0) = 0)";
    static const char *const queries[] = {
        "SELECT count(*) FROM samples",
        "SELECT count(stop) FROM samples",
        "SELECT count(*) FROM samples WHERE stop = 'failed'",
        "SELECT count(*) FROM rejects",
        silent_roles,
    };
    uint64_t *const fields[] = {&counts->n_samples, &counts->n_ended, &counts->n_failed,
                                &counts->n_rejected, &counts->n_silent};
    for (size_t i = 0; i < G_N_ELEMENTS(queries); i++) {
        gint64 value;
        if (!sql_get_int64(store->sql, queries[i], &value, error))
            return false;
        *fields[i] = (uint64_t)value;
    }
    return true;
}
