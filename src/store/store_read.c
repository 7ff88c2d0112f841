/* store_read.c -- what a run holds, for tables, exports and the way on. */
#include "store/store_private.h"

#include "base/error.h"
#include "base/json.h"
#include "store/run_identity.h"

#include <math.h>
#include <string.h>

enum stop store_dialogue_stop(struct store *store, const char *sample_id)
{
    enum stop stop = STOP_NONE;
    const char *name = NULL;
    GError *cause = NULL;
    sqlite3_stmt *statement =
        sql_query(store->sql, &cause, "SELECT stop FROM samples WHERE id = ?", "s", sample_id);
    enum sql_result result = statement ? sql_step(store->sql, statement, &cause) : SQL_FAILED;
    bool ok = result != SQL_FAILED;
    if (result == SQL_ROW) {
        ok = sql_get_text(store->sql, statement, 0, &name, &cause);
        if (ok && name && !stop_from_name(name, &stop))
            ok = sql_damaged(store->sql, &cause, "'%s' is no way to end", name);
        sqlite3_reset(statement);
    }
    if (!ok)
        store_break(store, cause, NULL);
    return stop;
}

/* Column of a JSON object; NULL for null and on failure. */
static bool get_object(struct sql *sql, sqlite3_stmt *row, int i, json_t **object, GError **error)
{
    g_autoptr(GError) cause = NULL;
    const char *text;
    if (!sql_get_text(sql, row, i, &text, error))
        return false;
    *object = text ? json_parse(text, strlen(text), &cause) : NULL;
    if (!text || json_is_object(*object))
        return true;
    json_decref(*object);
    *object = NULL;
    return sql_damaged(sql, error, "%s: %s", sqlite3_column_name(row, i),
                       cause ? cause->message : "no JSON object");
}

/* A row of the query below. */
enum { NUMBER, SAMPLE, STOP, FAILURE, I_TURN, RESPONSE, FEEDBACK, SCORE, META };

static bool read_sample(struct sql *sql, sqlite3_stmt *row, struct dialogue *dialogue,
                        char **failure, GError **error)
{
    g_autoptr(json_t) object = NULL;
    g_autoptr(GError) cause = NULL;
    const char *stop, *text;
    if (!get_object(sql, row, SAMPLE, &object, error) ||
        !sql_get_text(sql, row, STOP, &stop, error) ||
        !sql_get_text(sql, row, FAILURE, &text, error))
        return false;
    if (!object || !sample_from_json(&dialogue->sample, object, &cause))
        return sql_damaged(sql, error, "sample %lld: %s", sqlite3_column_int64(row, NUMBER),
                           cause ? cause->message : "it is null");
    if (stop && !stop_from_name(stop, &dialogue->stop))
        return sql_damaged(sql, error, "'%s' is no way to end", stop);
    *failure = g_strdup(text);
    return true;
}

/* Adds the row's turn, if it has one. */
static bool read_turn(struct sql *sql, sqlite3_stmt *row, struct dialogue *dialogue, GError **error)
{
    const char *response, *feedback;
    if (sqlite3_column_type(row, I_TURN) == SQLITE_NULL)
        return true;
    if (sqlite3_column_int64(row, I_TURN) != (gint64)dialogue->n_turns)
        return sql_damaged(sql, error, "sample %lld: turn %zu is missing",
                           sqlite3_column_int64(row, NUMBER), dialogue->n_turns);
    struct turn turn = {0};
    if (!sql_get_text(sql, row, RESPONSE, &response, error) ||
        !sql_get_text(sql, row, FEEDBACK, &feedback, error) ||
        !get_object(sql, row, META, &turn.meta, error))
        return false;
    turn.response = g_strdup(response);
    turn.feedback = g_strdup(feedback);
    turn.score =
        sqlite3_column_type(row, SCORE) == SQLITE_NULL ? NAN : sqlite3_column_double(row, SCORE);
    dialogue_add_turn(dialogue, &turn);
    return true;
}

/* Reads the dialogue that begins at the current row; leaves the statement at the first row of the
 * next one, with `*result` as sql_step gave it. */
bool store_read_dialogue(struct sql *sql, sqlite3_stmt *rows, struct dialogue *dialogue,
                         char **failure, enum sql_result *result, GError **error)
{
    gint64 number = sqlite3_column_int64(rows, NUMBER);
    if (!read_sample(sql, rows, dialogue, failure, error))
        return false;
    do {
        if (!read_turn(sql, rows, dialogue, error))
            return false;
        *result = sql_step(sql, rows, error);
    } while (*result == SQL_ROW && sqlite3_column_int64(rows, NUMBER) == number);
    return *result != SQL_FAILED;
}

bool store_foreach_dialogue(struct store *store,
                            bool (*each)(size_t number, const struct dialogue *dialogue,
                                         const char *failure, void *user),
                            void *user, GError **error)
{
    struct sql *sql = store->sql;
    /* One statement is one snapshot, whatever a writer does meanwhile. */
    sqlite3_stmt *rows = sql_query(sql, error,
                                   "SELECT number, samples.sample, stop, failure,"
                                   " i_turn, response, feedback, score, meta"
                                   " FROM samples LEFT JOIN turns ON turns.sample = number"
                                   " ORDER BY number, i_turn",
                                   "");
    enum sql_result result = rows ? sql_step(sql, rows, error) : SQL_FAILED;
    bool ok = result != SQL_FAILED, go_on = true;
    while (ok && go_on && result == SQL_ROW) {
        struct dialogue dialogue = {0};
        g_autofree char *failure = NULL;
        size_t number = (size_t)sqlite3_column_int64(rows, NUMBER);
        ok = store_read_dialogue(sql, rows, &dialogue, &failure, &result, error);
        if (ok)
            go_on = each(number, &dialogue, failure, user);
        dialogue_clear(&dialogue);
    }
    if (rows)
        sqlite3_reset(rows);
    return ok;
}

/* Gives the current row to `each`. */
static bool give_reply(struct sql *sql, sqlite3_stmt *row, store_reply_each *each, void *user,
                       bool *go_on, GError **error)
{
    const char *id, *outcome_name, *text;
    enum chat_outcome outcome;
    if (!sql_get_text(sql, row, 1, &id, error) ||
        !sql_get_text(sql, row, 4, &outcome_name, error) ||
        !sql_get_text(sql, row, 5, &text, error))
        return false;
    if (!chat_outcome_from_name(outcome_name, &outcome))
        return sql_damaged(sql, error, "'%s' is no outcome", outcome_name);
    *go_on = each((size_t)sqlite3_column_int64(row, 0), id, sqlite3_column_int(row, 2),
                  sqlite3_column_int(row, 3), outcome, text, user);
    return true;
}

bool store_foreach_reply(struct store *store, const char *role, store_reply_each *each, void *user,
                         GError **error)
{
    struct sql *sql = store->sql;
    sqlite3_stmt *rows = sql_query(sql, error,
                                   "SELECT number, samples.id, round, attempt, outcome, text"
                                   " FROM samples JOIN calls ON calls.sample = number"
                                   " WHERE role = ? ORDER BY number, round, attempt",
                                   "s", role);
    enum sql_result result = SQL_FAILED;
    bool ok = true, go_on = true;
    while (rows && ok && go_on && (result = sql_step(sql, rows, error)) == SQL_ROW)
        ok = give_reply(sql, rows, each, user, &go_on, error);
    if (rows)
        sqlite3_reset(rows);
    return ok && result != SQL_FAILED;
}

json_t *store_describe(struct store *store, GError **error)
{
    struct sql *sql = store->sql;
    g_autoptr(json_t) object = json_object();
    gint64 n_samples, n_ended, n_failed;
    if (!run_identity_describe(sql, object, error) ||
        !sql_get_int64(sql, "SELECT count(*) FROM samples", &n_samples, error) ||
        !sql_get_int64(sql, "SELECT count(stop) FROM samples", &n_ended, error) ||
        !sql_get_int64(sql, "SELECT count(*) FROM samples WHERE stop = 'failed'", &n_failed, error))
        return NULL;
    json_object_set_new(object, "n_samples", json_integer(n_samples));
    json_object_set_new(object, "n_ended", json_integer(n_ended));
    json_object_set_new(object, "n_failed", json_integer(n_failed));
    return g_steal_pointer(&object);
}

bool store_usage(struct store *store, struct store_usage *usage, GError **error)
{
    struct sql *sql = store->sql;
    sqlite3_stmt *statement = sql_query(
        sql, error,
        "SELECT count(*) - total(outcome = 'failed') + total(n_failed), total(n_failed),"
        " total(outcome = 'refused'), total(outcome = 'truncated'), total(n_retries),"
        " total(prompt_tokens), total(completion_tokens),"
        " total(outcome <> 'failed' AND (prompt_tokens IS NULL OR completion_tokens IS NULL))"
        " FROM calls",
        "");
    enum sql_result result = statement ? sql_step(sql, statement, error) : SQL_FAILED;
    if (result != SQL_ROW)
        return false;
    int64_t *const columns[] = {&usage->n_requests,        &usage->n_failed,
                                &usage->n_refused,         &usage->n_truncated,
                                &usage->n_retries,         &usage->prompt_tokens,
                                &usage->completion_tokens, &usage->n_without_usage};
    for (int i = 0; i < (int)G_N_ELEMENTS(columns); i++)
        *columns[i] = sqlite3_column_int64(statement, i);
    sqlite3_reset(statement);
    return true;
}
