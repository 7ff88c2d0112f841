#include "store/run_identity.h"

#include "base/error.h"
#include "base/version.h"

#include <string.h>

char *run_identity_strip_user(const char *text)
{
    GString *out = g_string_new(NULL);
    for (const char *mark; (mark = strstr(text, "://"));) {
        const char *host = mark + strlen("://");
        /* The user part ends at the last '@' before the path begins. */
        const char *end = host + strcspn(host, "/?# \t\r\n\"'");
        const char *at = g_strrstr_len(host, end - host, "@");
        g_string_append_len(out, text, host - text);
        text = at ? at + 1 : host;
    }
    g_string_append(out, text);
    return g_string_free(out, FALSE);
}

/* `value` as it is stored: strings inside without user parts. New reference. */
static json_t *strip(const json_t *value)
{
    const char *key;
    json_t *member;
    size_t i;
    if (json_is_string(value)) {
        g_autofree char *text = run_identity_strip_user(json_string_value(value));
        return json_string(text);
    }
    if (json_is_object(value)) {
        json_t *object = json_object();
        json_object_foreach ((json_t *)value, key, member)
            json_object_set_new(object, key, strip(member));
        return object;
    }
    if (json_is_array(value)) {
        json_t *array = json_array();
        json_array_foreach ((json_t *)value, i, member)
            json_array_append_new(array, strip(member));
        return array;
    }
    return value ? json_deep_copy(value) : json_object();
}

static char *print_stripped(const json_t *value)
{
    g_autoptr(json_t) stripped = strip(value);
    return json_print(stripped);
}

/* "'0.5'", or "not set" for NULL. */
static char *quote(const json_t *value)
{
    if (!value)
        return g_strdup("not set");
    g_autofree char *text =
        json_is_string(value) ? g_strdup(json_string_value(value)) : json_print(value);
    return g_strdup_printf("'%s'", text);
}

static void compare(GString *differences, const char *name, const json_t *there, const json_t *here)
{
    if (there == here || (there && here && json_equal(there, here)))
        return;
    g_autofree char *a = quote(there), *b = quote(here);
    g_string_append_printf(differences, "%s%s is %s there and %s here",
                           differences->len ? "; " : "", name, a, b);
}

static void compare_texts(GString *differences, const char *name, const char *there,
                          const char *here)
{
    g_autoptr(json_t) a = json_string(there), b = json_string(here);
    compare(differences, name, a, b);
}

static void compare_settings(GString *differences, json_t *there, json_t *here)
{
    const char *name;
    json_t *value;
    json_object_foreach (here, name, value)
        compare(differences, name, json_object_get(there, name), value);
    json_object_foreach (there, name, value)
        if (!json_object_get(here, name))
            compare(differences, name, value, NULL);
}

/* The columns of the table `run`, borrowed from its statement; a NULL `command` where it has no
 * row. */
struct stored {
    const char *command, *settings, *prompt_hash, *data_hash;
};

/* The caller resets the statement. NULL on failure. */
static sqlite3_stmt *read_run(struct sql *sql, struct stored *stored, GError **error)
{
    sqlite3_stmt *statement =
        sql_query(sql, error, "SELECT command, settings, prompt_hash, data_hash FROM run", "");
    *stored = (struct stored){0};
    switch (statement ? sql_step(sql, statement, error) : SQL_FAILED) {
    case SQL_FAILED:
        return NULL;
    case SQL_DONE:
        return statement;
    case SQL_ROW:
        break;
    }
    const char **columns[] = {&stored->command, &stored->settings, &stored->prompt_hash,
                              &stored->data_hash};
    for (int i = 0; i < (int)G_N_ELEMENTS(columns); i++) {
        if (!sql_get_text(sql, statement, i, columns[i], error)) {
            sqlite3_reset(statement);
            return NULL;
        }
    }
    return statement;
}

static json_t *parse_object(struct sql *sql, const char *text, const char *what, GError **error)
{
    g_autoptr(GError) cause = NULL;
    json_t *object = json_parse(text, strlen(text), &cause);
    if (json_is_object(object))
        return object;
    json_decref(object);
    sql_damaged(sql, error, "%s: %s", what, cause ? cause->message : "no JSON object");
    return NULL;
}

static bool compare_run(struct sql *sql, const struct stored *stored,
                        const struct run_identity *identity, GError **error)
{
    g_autoptr(json_t) there = parse_object(sql, stored->settings, "settings", error);
    if (!there)
        return false;
    g_autoptr(json_t) here = strip(identity->settings);
    g_autoptr(GString) differences = g_string_new(NULL);
    compare_texts(differences, "command", stored->command, identity->command);
    compare_settings(differences, there, here);
    compare_texts(differences, "prompt_hash", stored->prompt_hash, identity->prompt_hash);
    compare_texts(differences, "data_hash", stored->data_hash, identity->data_hash);
    if (differences->len == 0)
        return true;
    g_set_error(error, FIRE_ERROR, FIRE_ERROR_USAGE, "'%s' holds another run: %s", sql->path,
                differences->str);
    return false;
}

/* A run that holds no sample, since its data could not be used or was not read to the end, is nobody's yet. */
static bool match_run(struct sql *sql, const struct run_identity *identity, GError **error)
{
    static const char forget[] =
        "DELETE FROM run WHERE loaded = 0 AND NOT EXISTS (SELECT 1 FROM samples)";
    struct stored stored;
    sqlite3_stmt *statement = sql_exec(sql, forget, error) ? read_run(sql, &stored, error) : NULL;
    if (!statement)
        return false;
    if (stored.command) {
        bool ok = compare_run(sql, &stored, identity, error);
        sqlite3_reset(statement);
        return ok;
    }
    g_autofree char *settings = print_stripped(identity->settings);
    return sql_run(sql, error,
                   "INSERT INTO run (id, command, settings, prompt_hash, data_hash)"
                   " VALUES (1, ?, ?, ?, ?)",
                   "ssss", identity->command, settings, identity->prompt_hash, identity->data_hash);
}

static bool begin_session(struct sql *sql, const struct run_identity *identity, GError **error)
{
    g_autoptr(GDateTime) now = g_date_time_new_now_utc();
    g_autofree char *started = g_date_time_format(now, "%Y-%m-%dT%H:%M:%SZ");
    g_autofree char *options = print_stripped(identity->volatile_options);
    return sql_run(sql, error,
                   "INSERT INTO sessions"
                   " (started, fire_version, fire_commit, sqlite_version, options)"
                   " VALUES (?, ?, ?, ?, ?)",
                   "sssss", started, version_string(), version_commit(), sqlite3_libversion(),
                   options);
}

bool run_identity_adopt(struct sql *sql, const struct run_identity *identity, GError **error)
{
    if (!sql_exec(sql, "BEGIN IMMEDIATE", error))
        return false;
    if (match_run(sql, identity, error) && begin_session(sql, identity, error) &&
        sql_exec(sql, "COMMIT", error))
        return true;
    if (!sqlite3_get_autocommit(sql->db))
        sql_exec(sql, "ROLLBACK", NULL);
    return false;
}

/* Appends the current row of `sessions` to `sessions`. */
static bool add_session(struct sql *sql, sqlite3_stmt *row, json_t *sessions, GError **error)
{
    json_t *session = json_object();
    json_array_append_new(sessions, session);
    for (int i = 0; i < sqlite3_column_count(row); i++) {
        const char *name = sqlite3_column_name(row, i), *text;
        if (!sql_get_text(sql, row, i, &text, error))
            return false;
        json_t *value =
            strcmp(name, "options") == 0 ? parse_object(sql, text, name, error) : json_string(text);
        if (!value)
            return false;
        json_object_set_new(session, name, value);
    }
    return true;
}

static json_t *read_sessions(struct sql *sql, GError **error)
{
    json_t *sessions = json_array();
    sqlite3_stmt *statement =
        sql_query(sql, error,
                  "SELECT started, fire_version AS fire, fire_commit AS \"commit\","
                  " sqlite_version AS sqlite, options FROM sessions ORDER BY id",
                  "");
    enum sql_result result = SQL_FAILED;
    while (statement && (result = sql_step(sql, statement, error)) == SQL_ROW) {
        if (!add_session(sql, statement, sessions, error)) {
            sqlite3_reset(statement);
            result = SQL_FAILED;
            break;
        }
    }
    if (result == SQL_DONE && json_array_size(sessions) > 0)
        return sessions;
    if (result == SQL_DONE)
        sql_damaged(sql, error, "it has no session");
    json_decref(sessions);
    return NULL;
}

/* The run began with its first session; its options are those of the last. */
static bool describe(struct sql *sql, const struct stored *stored, json_t *object, GError **error)
{
    if (!stored->command) {
        g_set_error(error, FIRE_ERROR, FIRE_ERROR_FORMAT, "'%s' holds no run yet", sql->path);
        return false;
    }
    g_autoptr(json_t) settings = parse_object(sql, stored->settings, "settings", error);
    g_autoptr(json_t) sessions = settings ? read_sessions(sql, error) : NULL;
    if (!sessions)
        return false;
    const json_t *first = json_array_get(sessions, 0);
    const json_t *last = json_array_get(sessions, json_array_size(sessions) - 1);
    json_object_set(object, "fire", json_object_get(first, "fire"));
    json_object_set(object, "commit", json_object_get(first, "commit"));
    json_object_set_new(object, "command", json_string(stored->command));
    json_object_set(object, "started", json_object_get(first, "started"));
    json_object_set(object, "settings", settings);
    json_object_set_new(object, "prompt_hash", json_string(stored->prompt_hash));
    json_object_set_new(object, "data_hash", json_string(stored->data_hash));
    json_object_set(object, "options", json_object_get(last, "options"));
    json_object_set(object, "sessions", sessions);
    return true;
}

bool run_identity_describe(struct sql *sql, json_t *object, GError **error)
{
    struct stored stored;
    sqlite3_stmt *statement = read_run(sql, &stored, error);
    if (!statement)
        return false;
    bool ok = describe(sql, &stored, object, error);
    sqlite3_reset(statement);
    return ok;
}
