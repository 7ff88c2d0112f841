#include "store/call_record.h"

#include "base/json.h"
#include "store/run_identity.h"

#include <math.h>
#include <string.h>

static const char *const role_names[] = {
    [CHAT_SYSTEM] = "system", [CHAT_USER] = "user", [CHAT_ASSISTANT] = "assistant"};

/* NULL where the text is not UTF-8. */
static json_t *message_to_json(const struct chat_message *message)
{
    json_t *text = json_string(message->text);
    if (!text)
        return NULL;
    json_t *object = json_object();
    json_object_set_new(object, "role", json_string(role_names[message->role]));
    json_object_set_new(object, "text", text);
    if (message->has_image)
        json_object_set_new(object, "image", json_true());
    return object;
}

static json_t *sampling_to_json(const struct chat_sampling *sampling)
{
    json_t *object = json_object();
    if (!isnan(sampling->temperature))
        json_object_set_new(object, "temperature", json_real_or_null(sampling->temperature));
    if (!isnan(sampling->top_p))
        json_object_set_new(object, "top_p", json_real_or_null(sampling->top_p));
    if (sampling->max_tokens != 0)
        json_object_set_new(object, "max_tokens", json_integer(sampling->max_tokens));
    if (sampling->has_seed)
        json_object_set_new(object, "seed", json_integer(sampling->seed));
    return object;
}

static json_t *request_to_json(const struct chat_request *request, const char *model)
{
    g_autoptr(json_t) object = json_object();
    json_t *messages = json_array();
    json_object_set_new(object, "messages", messages);
    for (size_t i = 0; i < request->n_messages; i++)
        if (json_array_append_new(messages, message_to_json(&request->messages[i])) != 0)
            return NULL;
    if (json_object_set_new(object, "model", json_string(model)) != 0)
        return NULL;
    if (request->image)
        json_object_set_new(object, "image", json_string(request->image->digest));
    json_object_set_new(object, "sampling", sampling_to_json(&request->sampling));
    return g_steal_pointer(&object);
}

bool call_record_init(struct call_record *record, gint64 sample, const char *role,
                      const struct chat_request *request, const char *model)
{
    g_autoptr(json_t) object = request_to_json(request, model);
    if (!object)
        return false;
    *record = (struct call_record){
        .sample = sample,
        .role = role,
        .round = request->round,
        .attempt = request->attempt,
        .request = json_print_canonical(object),
    };
    record->hash = g_compute_checksum_for_string(G_CHECKSUM_SHA256, record->request, -1);
    return true;
}

void call_record_clear(struct call_record *record)
{
    g_free(record->request);
    g_free(record->hash);
    *record = (struct call_record){0};
}

/* The texts of a reply, in the order of the columns in the query below. */
enum { N_TEXTS = 7 };

static void point_to_texts(struct chat_reply *reply, const char **texts[N_TEXTS])
{
    texts[0] = &reply->text;
    texts[1] = &reply->reasoning;
    texts[2] = &reply->finish_reason;
    texts[3] = &reply->model;
    texts[4] = &reply->fingerprint;
    texts[5] = &reply->error;
    texts[6] = &reply->notes;
}

void call_record_clear_reply(struct chat_reply *reply)
{
    const char **texts[N_TEXTS];
    point_to_texts(reply, texts);
    for (int i = 0; i < N_TEXTS; i++)
        g_free((char *)*texts[i]);
    *reply = (struct chat_reply){0};
}

static int64_t column_tokens(sqlite3_stmt *row, int i)
{
    return sqlite3_column_type(row, i) == SQLITE_NULL ? -1 : sqlite3_column_int64(row, i);
}

/* A replayed reply was not sent: tries is 0. */
static bool read_reply(struct sql *sql, sqlite3_stmt *row, struct chat_reply *reply, GError **error)
{
    struct chat_reply read = {0};
    const char **texts[N_TEXTS];
    point_to_texts(&read, texts);
    for (int i = 0; i < N_TEXTS; i++) {
        const char *text;
        if (!sql_get_text(sql, row, 2 + i, &text, error)) {
            call_record_clear_reply(&read);
            return false;
        }
        *texts[i] = g_strdup(text);
    }
    read.outcome = reply->outcome;
    read.http_status = sqlite3_column_int(row, 9);
    read.latency_ms = sqlite3_column_double(row, 10);
    read.usage = (struct chat_usage){column_tokens(row, 11), column_tokens(row, 12),
                                     column_tokens(row, 13), column_tokens(row, 14)};
    *reply = read;
    return true;
}

/* Reads the row where it answers `record`. */
static bool read_row(const struct call_record *record, struct sql *sql, sqlite3_stmt *row,
                     bool *found, struct chat_reply *reply, GError **error)
{
    const char *hash, *outcome;
    if (!sql_get_text(sql, row, 0, &hash, error) || !sql_get_text(sql, row, 1, &outcome, error))
        return false;
    if (!chat_outcome_from_name(outcome, &reply->outcome))
        return sql_damaged(sql, error, "'%s' is no outcome", outcome);
    *found = strcmp(hash, record->hash) == 0 && reply->outcome != CHAT_FAILED;
    return !*found || read_reply(sql, row, reply, error);
}

bool call_record_find(const struct call_record *record, struct sql *sql, bool *found,
                      struct chat_reply *reply, GError **error)
{
    sqlite3_stmt *statement = sql_query(
        sql, error,
        "SELECT hash, outcome, text, reasoning, finish_reason, model, fingerprint, error, notes,"
        " http_status, latency_ms,"
        " prompt_tokens, completion_tokens, reasoning_tokens, cached_tokens"
        " FROM calls WHERE sample = ? AND role = ? AND round = ? AND attempt = ?",
        "lsii", (int64_t)record->sample, record->role, record->round, record->attempt);
    enum sql_result result = statement ? sql_step(sql, statement, error) : SQL_FAILED;
    *found = false;
    if (result != SQL_ROW)
        return result == SQL_DONE;
    bool ok = read_row(record, sql, statement, found, reply, error);
    sqlite3_reset(statement);
    return ok;
}

bool call_record_put(const struct call_record *record, struct sql *sql, const char *endpoint,
                     const struct chat_reply *reply, GError **error)
{
    const struct chat_usage *usage = &reply->usage;
    g_autofree char *safe_endpoint = run_identity_strip_user(endpoint);
    return sql_run(
        sql, error,
        "INSERT INTO calls (sample, role, round, attempt, hash, request, endpoint,"
        " outcome, text, reasoning, finish_reason, model, fingerprint, error, notes,"
        " http_status, tries, latency_ms,"
        " prompt_tokens, completion_tokens, reasoning_tokens, cached_tokens, n_failed, n_retries)"
        " VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?,"
        " nullif(?, -1), nullif(?, -1), nullif(?, -1), nullif(?, -1), ?, ?)"
        " ON CONFLICT (sample, role, round, attempt) DO UPDATE SET"
        " hash = excluded.hash, request = excluded.request, endpoint = excluded.endpoint,"
        " outcome = excluded.outcome, text = excluded.text, reasoning = excluded.reasoning,"
        " finish_reason = excluded.finish_reason, model = excluded.model,"
        " fingerprint = excluded.fingerprint, error = excluded.error, notes = excluded.notes,"
        " http_status = excluded.http_status, tries = excluded.tries,"
        " latency_ms = excluded.latency_ms, prompt_tokens = excluded.prompt_tokens,"
        " completion_tokens = excluded.completion_tokens,"
        " reasoning_tokens = excluded.reasoning_tokens, cached_tokens = excluded.cached_tokens,"
        " n_failed = n_failed + excluded.n_failed, n_retries = n_retries + excluded.n_retries",
        "lsiisss"
        "ssssssss"
        "iid"
        "llllii",
        (int64_t)record->sample, record->role, record->round, record->attempt, record->hash,
        record->request, safe_endpoint, chat_outcome_name(reply->outcome), reply->text,
        reply->reasoning, reply->finish_reason, reply->model, reply->fingerprint, reply->error,
        reply->notes, reply->http_status, reply->tries, reply->latency_ms, usage->prompt_tokens,
        usage->completion_tokens, usage->reasoning_tokens, usage->cached_tokens,
        (int)(reply->outcome == CHAT_FAILED), MAX(reply->tries - 1, 0));
}
