/* fake_server.c -- a model server for tests: speaks POST /v1/chat/completions, plays students and
 * teachers, and misbehaves on order.
 *
 *   fake_server [--latency-ms N] [--log FILE] [--fault SPEC] ... &
 *
 * prints its port as the first line on stdout and serves until killed. One thread: MHD's epoll set
 * inside a GMainLoop, so latencies cost nothing and the log is in the order of the replies.
 *
 * The role is the head of the request's model: "teacher..." judges, anything else answers. What is
 * said is a function of the messages, so neither order nor repetition matters:
 *
 *   student  "Thought: ...\nAnswer: guess N of H": N user turns so far, H = 0..99 from the first
 *            user text
 *   teacher  "Score: S.\nFeedback: ...": S rises with the N of the newest such answer, from a start
 *            and by a step that H decides; some are solved at once, some never
 *
 * or the text of the first line of --script that fits: {"role":"student"|"teacher","text":STRING
 * [,"round":N (user turns)][,"match":STRING (in any message)]}.
 *
 * Faults: SPEC is NAME[*COUNT][,NAME[*COUNT]...]; the first COUNT requests with the same body get
 * the first fault, the next ones the second, and so on; without a count for ever. It stands in
 * --fault, or in the model after a '!': "student!503-loading*2,reset*1". `fake_server --faults`
 * lists the names. --fault-rate P makes a share P of all requests fail with one of the faults that
 * a client must survive, chosen by --fault-seed, body and try.
 *
 * The log has one line a request, written when it is answered: {"port","peer","path","model","try",
 * "body":SHA-256,"messages":N,"params":{the body without model and messages},"max_tokens","picture":
 * {"mime","bytes","digest"}|null,"authorization":bool,"fault":NAME|null,"status"} (0: no reply), and
 * with --log-texts "texts":[[role,text]...] and, where there was no fault, "reply":TEXT. */
#include "base/json.h"
#include "support/faults.h"

#include <errno.h>
#include <glib-unix.h>
#include <microhttpd.h>
#include <netinet/in.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>

#define MAX_BODY_BYTES (256u << 20)

struct script_line {
    char *role, *text, *match;
    int round; /* 0: any */
};

struct server {
    int port, latency_ms, latency_spread_ms;
    char *log_path, *fault, *script_path, *key;
    double fault_rate;
    int fault_seed;
    gboolean log_texts, with_parent, list_faults;
    int ports[2];
    FILE *log;
    GArray *script;    /* of struct script_line */
    GHashTable *tries; /* body digest -> number of requests so far */
    struct MHD_Daemon *daemons[2];
};

/* One request, from its first header to its reply. */
struct request {
    struct server *server;
    struct MHD_Connection *connection;
    int i_port;
    GByteArray *body;
    gboolean waited;
};

/* -- what is said ------------------------------------------------------------------------------ */

static guint64 hash_text(const char *text)
{
    guint64 hash = 14695981039346656037u; /* FNV-1a */
    for (; *text; text++)
        hash = (hash ^ (guchar)*text) * 1099511628211u;
    return hash ^ hash >> 29;
}

/* A message's text, its parts joined; borrowed where it is a string, else from `parts`. */
static char *message_text(const json_t *message)
{
    const json_t *content = json_object_get(message, "content");
    if (json_is_string(content))
        return g_strdup(json_string_value(content));
    GString *out = g_string_new(NULL);
    size_t i;
    json_t *part;
    json_array_foreach ((json_t *)content, i, part)
        if (json_get_string(part, "text"))
            g_string_append(out, json_get_string(part, "text"));
    return g_string_free(out, FALSE);
}

static gboolean has_role(const json_t *message, const char *role)
{
    return g_strcmp0(json_get_string(message, "role"), role) == 0;
}

static int count_user_turns(const json_t *messages)
{
    int n = 0;
    size_t i;
    json_t *message;
    json_array_foreach ((json_t *)messages, i, message)
        n += has_role(message, "user");
    return n;
}

static char *first_user_text(const json_t *messages)
{
    size_t i;
    json_t *message;
    json_array_foreach ((json_t *)messages, i, message)
        if (has_role(message, "user"))
            return message_text(message);
    return g_strdup("");
}

/* "guess N of H", the last one in the text. */
static gboolean find_guess(const char *text, int *n, int *h)
{
    const char *last = NULL;
    for (const char *at = text; (at = strstr(at, "guess ")); at++)
        last = at;
    if (!last)
        return FALSE;
    char *rest;
    *n = (int)g_ascii_strtoull(last + strlen("guess "), &rest, 10);
    if (!g_str_has_prefix(rest, " of "))
        return FALSE;
    *h = (int)g_ascii_strtoull(rest + strlen(" of "), NULL, 10);
    return TRUE;
}

static char *student_text(const json_t *messages)
{
    g_autofree char *question = first_user_text(messages);
    int n = count_user_turns(messages);
    return g_strdup_printf(
        "Thought: I look at the picture for the %d. time.\nAnswer: guess %d of %d", n, n,
        (int)(hash_text(question) % 100));
}

static char *teacher_text(const json_t *messages)
{
    int n, h, score;
    g_autofree char *newest = message_text(json_array_get(messages, json_array_size(messages) - 1));
    if (find_guess(newest, &n, &h))
        score = MIN(10, h % 9 + (n - 1) * (1 + h / 9 % 3));
    else
        score = (int)(hash_text(newest) % 11);
    return g_strdup_printf("Score: %d.\nFeedback: Step %d is %s; look at the left half again.",
                           score, score, score >= 8 ? "right" : "not yet right");
}

static char *scripted_text(const struct server *server, const char *role, const json_t *messages)
{
    for (guint i = 0; i < server->script->len; i++) {
        const struct script_line *line = &g_array_index(server->script, struct script_line, i);
        if (strcmp(line->role, role) != 0 ||
            (line->round != 0 && line->round != count_user_turns(messages)))
            continue;
        gboolean fits = !line->match;
        size_t j;
        json_t *message;
        json_array_foreach ((json_t *)messages, j, message) {
            g_autofree char *text = message_text(message);
            fits = fits || strstr(text, line->match);
        }
        if (fits)
            return g_strdup(line->text);
    }
    return NULL;
}

static char *ordinary_text(const struct server *server, const char *model, const json_t *messages)
{
    gboolean is_teacher = g_str_has_prefix(model, "teacher");
    char *text = scripted_text(server, is_teacher ? "teacher" : "student", messages);
    if (!text)
        text = is_teacher ? teacher_text(messages) : student_text(messages);
    return text;
}

static json_t *ordinary_reply(const struct server *server, const char *model,
                              const json_t *messages)
{
    g_autofree char *text = ordinary_text(server, model, messages);
    int n_prompt = 10 * (int)json_array_size(messages), n_completion = (int)strlen(text) / 4;
    return json_pack("{s:s, s:s, s:i, s:s, s:s, s:[{s:i, s:s, s:n, s:{s:s, s:s, s:n}}],"
                     " s:{s:i, s:i, s:i, s:{s:i}, s:{s:i}}}",
                     "id", "chatcmpl-1", "object", "chat.completion", "created", 1700000000,
                     "model", model, "system_fingerprint", "fp_fake", "choices", "index", 0,
                     "finish_reason", "stop", "logprobs", "message", "role", "assistant", "content",
                     text, "refusal", "usage", "prompt_tokens", n_prompt, "completion_tokens",
                     n_completion, "total_tokens", n_prompt + n_completion, "prompt_tokens_details",
                     "cached_tokens", 3, "completion_tokens_details", "reasoning_tokens", 2);
}

/* -- faults ------------------------------------------------------------------------------------ */

static const struct fault *random_fault(const struct server *server, const char *digest, int n)
{
    g_autofree char *text = g_strdup_printf("%d %s %d", server->fault_seed, digest, n);
    g_autofree char *hash = g_compute_checksum_for_string(G_CHECKSUM_SHA256, text, -1);
    guint64 draw = g_ascii_strtoull(hash + 52, NULL, 16); /* 48 bits */
    if ((double)draw / (double)(1ull << 48) >= server->fault_rate)
        return NULL;
    return fault_any_survivable(hash_text(hash));
}

static const char *request_key(const struct request *request)
{
    const char *header =
        MHD_lookup_connection_value(request->connection, MHD_HEADER_KIND, "Authorization");
    return header && g_str_has_prefix(header, "Bearer ") ? header + strlen("Bearer ") : NULL;
}

static char *fill_in(const struct request *request, const char *text)
{
    GString *out = g_string_new(text);
    const struct server *server = request->server;
    const char *key = request_key(request);
    g_autofree char *self = g_strdup_printf("http://127.0.0.1:%d", server->ports[request->i_port]);
    g_autofree char *other = g_strdup_printf("http://127.0.0.1:%d", server->ports[1]);
    g_autoptr(GDateTime) now = g_date_time_new_now_utc();
    g_autoptr(GDateTime) later = g_date_time_add_seconds(now, 2);
    g_autofree char *date = g_date_time_format(later, "%a, %d %b %Y %H:%M:%S GMT");
    g_string_replace(out, "$SELF", self, 0);
    g_string_replace(out, "$OTHER", other, 0);
    g_string_replace(out, "$DATE", date, 0);
    g_string_replace(out, "$KEY", key ? key : "(none)", 0);
    return g_string_free(out, FALSE);
}

/* -- replies ----------------------------------------------------------------------------------- */

/* A body of which only half is sent. */
struct half {
    struct MHD_Connection *connection;
    GBytes *bytes;
    gboolean stalls;
};

static ssize_t send_half(void *user, uint64_t position, char *buffer, size_t max)
{
    struct half *half = user;
    size_t n_bytes;
    const char *data = g_bytes_get_data(half->bytes, &n_bytes);
    n_bytes /= 2;
    if (position < n_bytes) {
        size_t taken = MIN(max, n_bytes - position);
        memcpy(buffer, data + position, taken);
        return (ssize_t)taken;
    }
    if (!half->stalls)
        return MHD_CONTENT_READER_END_WITH_ERROR;
    MHD_suspend_connection(half->connection);
    return 0;
}

static void half_free(void *user)
{
    struct half *half = user;
    g_bytes_unref(half->bytes);
    g_free(half);
}

static struct MHD_Response *make_response(const struct request *request, enum fault_how how,
                                          GString *body)
{
    if (how == FAULT_EARLY_CLOSE || how == FAULT_STALL) {
        struct half *half = g_new(struct half, 1);
        size_t n_bytes = body->len;
        half->connection = request->connection;
        half->bytes = g_bytes_new(body->str, n_bytes);
        half->stalls = how == FAULT_STALL;
        return MHD_create_response_from_callback(n_bytes, 1024, send_half, half, half_free);
    }
    size_t n_bytes = how == FAULT_CUT_JSON ? body->len / 2 : body->len;
    return MHD_create_response_from_buffer(n_bytes, body->str, MHD_RESPMEM_MUST_COPY);
}

static enum MHD_Result send_body(const struct request *request, int status, const char *headers,
                                 enum fault_how how, GString *body)
{
    struct MHD_Response *response = make_response(request, how, body);
    g_auto(GStrv) lines = g_strsplit(headers, "\n", -1);
    gboolean typed = FALSE;
    for (char **line = lines; *line && **line; line++) {
        char *colon = strstr(*line, ": ");
        *colon = '\0';
        typed = typed || strcmp(*line, "Content-Type") == 0;
        MHD_add_response_header(response, *line, colon + 2);
    }
    if (!typed)
        MHD_add_response_header(response, "Content-Type", "application/json");
    enum MHD_Result result = MHD_queue_response(request->connection, (unsigned)status, response);
    MHD_destroy_response(response);
    return result;
}

static enum MHD_Result send_error(const struct request *request, int status, const char *message)
{
    g_autoptr(json_t) error =
        json_pack("{s:{s:s, s:s, s:n, s:i}}", "error", "message", message, "type",
                  status == 404 ? "NotFoundError" : "BadRequestError", "param", "code", status);
    g_autofree char *text = json_print(error);
    GString *body = g_string_new(text);
    enum MHD_Result result = send_body(request, status, "", FAULT_AS_IS, body);
    g_string_free(body, TRUE);
    return result;
}

/* A real reset: to connect to nowhere makes the system drop the connection with RST. */
static enum MHD_Result reset(const struct request *request)
{
    const union MHD_ConnectionInfo *info =
        MHD_get_connection_info(request->connection, MHD_CONNECTION_INFO_CONNECTION_FD);
    const struct sockaddr nowhere = {.sa_family = AF_UNSPEC};
    connect(info->connect_fd, &nowhere, sizeof nowhere);
    return MHD_NO;
}

static enum MHD_Result send_reply(const struct request *request, const struct fault *fault,
                                  const char *model, const json_t *messages)
{
    static const struct fault none = {.name = "none", .status = 200, .headers = ""};
    if (!fault)
        fault = &none;
    if (fault->how == FAULT_RESET)
        return reset(request);
    if (fault->how == FAULT_HANG) {
        MHD_suspend_connection(request->connection);
        return MHD_YES;
    }
    g_autofree char *headers = fill_in(request, fault->headers);
    g_autofree char *text = fault->body ? fill_in(request, fault->body) : NULL;
    if (!text) {
        g_autofree char *filled = fill_in(request, fault->patch ? fault->patch : "{}");
        g_autoptr(json_t) patch = json_parse(filled, strlen(filled), NULL);
        if (!patch) /* json_parse refuses an escaped NUL, which is wanted in one patch */
            patch = json_loads(filled, JSON_ALLOW_NUL, NULL);
        g_autoptr(json_t) reply = ordinary_reply(request->server, model, messages);
        fault_merge(reply, patch);
        text = json_print(reply);
    }
    GString *body = g_string_new(text);
    if (fault->how == FAULT_BAD_UTF8)
        body->str[body->len / 2] = '\xff';
    if (fault->how == FAULT_HUGE_TEXT) {
        g_autofree char *filler = g_strnfill(17u << 20, 'x');
        g_string_replace(body, "Answer", filler, 1);
    }
    enum MHD_Result result = send_body(request, fault->status, headers, fault->how, body);
    g_string_free(body, TRUE);
    return result;
}

/* -- requests ---------------------------------------------------------------------------------- */

/* What the API asks of a picture; NULL with *why set where it is otherwise. */
static json_t *describe_picture(const char *url, const char **why)
{
    const char *comma = url ? strchr(url, ',') : NULL;
    if (!comma || !g_str_has_prefix(url, "data:image/") || comma - url < 8 ||
        strncmp(comma - 7, ";base64", 7) != 0) {
        *why = "image_url.url is no data URL of a picture";
        return NULL;
    }
    gsize n_bytes;
    g_autofree guchar *bytes = g_base64_decode(comma + 1, &n_bytes);
    g_autofree char *again = g_base64_encode(bytes, n_bytes);
    if (strcmp(again, comma + 1) != 0) {
        *why = "the picture's base64 text is broken";
        return NULL;
    }
    g_autofree char *mime = g_strndup(url + 5, (gsize)(comma - 7 - url - 5));
    g_autofree char *digest = g_compute_checksum_for_data(G_CHECKSUM_SHA256, bytes, n_bytes);
    return json_pack("{s:s, s:i, s:s}", "mime", mime, "bytes", (int)n_bytes, "digest", digest);
}

/* Checks one message as strictly as the strictest server known: only a user's content may be parts,
 * and a picture comes first. Returns what is wrong, or NULL. */
static const char *check_message(const json_t *message, json_t **picture)
{
    const json_t *content = json_object_get(message, "content");
    const char *role = json_get_string(message, "role"), *why = NULL;
    if (!role || (strcmp(role, "system") != 0 && strcmp(role, "user") != 0 &&
                  strcmp(role, "assistant") != 0))
        return "a role is not system, user or assistant";
    if (json_is_string(content))
        return NULL;
    if (strcmp(role, "user") != 0 || !json_is_array(content))
        return "a content is no string";
    size_t i;
    json_t *part;
    json_array_foreach ((json_t *)content, i, part) {
        const char *type = json_get_string(part, "type");
        if (g_strcmp0(type, "text") == 0 && json_get_string(part, "text"))
            continue;
        if (g_strcmp0(type, "image_url") != 0)
            return "a part is neither text nor image_url";
        if (i > 0 || *picture)
            return "a picture is not first, or there are two";
        *picture =
            describe_picture(json_get_string(json_object_get(part, "image_url"), "url"), &why);
        if (!*picture)
            return why;
    }
    return NULL;
}

static const char *check_messages(const json_t *messages, json_t **picture)
{
    if (!json_is_array(messages) || json_array_size(messages) == 0)
        return "messages is no list, or an empty one";
    size_t i;
    json_t *message;
    json_array_foreach ((json_t *)messages, i, message) {
        const char *why = check_message(message, picture);
        if (why)
            return why;
    }
    return NULL;
}

static json_t *texts_of(const json_t *messages)
{
    json_t *texts = json_array();
    size_t i;
    json_t *message;
    json_array_foreach ((json_t *)messages, i, message) {
        g_autofree char *text = message_text(message);
        json_array_append_new(texts, json_pack("[s?, s]", json_get_string(message, "role"), text));
    }
    return texts;
}

static json_t *params_of(const json_t *root)
{
    json_t *params = json_copy((json_t *)root);
    json_object_del(params, "model");
    json_object_del(params, "messages");
    return params;
}

/* The client's port: tells connections apart. */
static int peer_port(const struct request *request)
{
    const union MHD_ConnectionInfo *info =
        MHD_get_connection_info(request->connection, MHD_CONNECTION_INFO_CLIENT_ADDRESS);
    return ntohs(((const struct sockaddr_in *)info->client_addr)->sin_port);
}

struct log_entry {
    const char *path, *model, *digest, *fault;
    int n, status;
    const json_t *root;
    json_t *picture;
};

static void write_log(const struct request *request, const struct log_entry *entry)
{
    const struct server *server = request->server;
    if (!server->log)
        return;
    const json_t *messages = json_object_get(entry->root, "messages");
    const json_t *budget = json_object_get(entry->root, "max_tokens");
    if (!budget)
        budget = json_object_get(entry->root, "max_completion_tokens");
    g_autoptr(json_t) line =
        json_pack("{s:i, s:i, s:s, s:s?, s:i, s:s, s:i, s:O?, s:O?, s:b, s:s?, s:i}", "port",
                  server->ports[request->i_port], "peer", peer_port(request), "path", entry->path,
                  "model", entry->model, "try", entry->n, "body", entry->digest, "messages",
                  (int)json_array_size(messages), "max_tokens", budget, "picture", entry->picture,
                  "authorization", request_key(request) != NULL, "fault", entry->fault, "status",
                  entry->status);
    if (entry->root)
        json_object_set_new(line, "params", params_of(entry->root));
    if (server->log_texts)
        json_object_set_new(line, "texts", texts_of(messages));
    if (server->log_texts && !entry->fault && entry->status == 200) {
        g_autofree char *reply = ordinary_text(server, entry->model, messages);
        json_object_set_new(line, "reply", json_string(reply));
    }
    g_autofree char *text = json_print(line);
    fprintf(server->log, "%s\n", text);
    fflush(server->log);
}

static int count_try(struct server *server, const char *digest)
{
    int n = GPOINTER_TO_INT(g_hash_table_lookup(server->tries, digest)) + 1;
    g_hash_table_insert(server->tries, g_strdup(digest), GINT_TO_POINTER(n));
    return n;
}

static enum MHD_Result answer(struct request *request, const char *path)
{
    struct server *server = request->server;
    g_autofree char *digest =
        g_compute_checksum_for_data(G_CHECKSUM_SHA256, request->body->data, request->body->len);
    g_autoptr(json_t) root =
        json_parse((const char *)request->body->data, request->body->len, NULL);
    g_autoptr(json_t) picture = NULL;
    const json_t *messages = json_object_get(root, "messages");
    const char *model = json_get_string(root, "model"), *why = NULL;
    const char *key = request_key(request);
    int status = 400;
    if (!g_str_has_suffix(path, "/v1/chat/completions")) {
        why = "no such path";
        status = 404;
    } else if (server->key && g_strcmp0(server->key, key) != 0) {
        why = "Incorrect API key provided";
        status = 401;
    } else if (!model) {
        why = "the body is no JSON object with a model";
    } else {
        why = check_messages(messages, &picture);
    }
    struct log_entry entry = {.path = path,
                              .model = model,
                              .digest = digest,
                              .n = count_try(server, digest),
                              .root = root,
                              .picture = picture};
    const struct fault *fault = NULL;
    if (!why && !g_str_has_prefix(path, "/moved")) {
        const char *mark = strchr(model, '!'), *spec = mark ? mark + 1 : server->fault;
        gboolean known = TRUE;
        fault =
            spec ? fault_pick(spec, entry.n, root, &known) : random_fault(server, digest, entry.n);
        if (!known)
            why = "no such fault";
    }
    entry.fault = fault ? fault->name : NULL;
    entry.status = why ? status : fault ? fault->status : 200;
    write_log(request, &entry);
    return why ? send_error(request, status, why) : send_reply(request, fault, model, messages);
}

/* -- the server -------------------------------------------------------------------------------- */

static void run_daemon(struct MHD_Daemon *daemon)
{
    MHD_UNSIGNED_LONG_LONG timeout_ms;
    do
        MHD_run(daemon);
    while (MHD_get_timeout(daemon, &timeout_ms) == MHD_YES && timeout_ms == 0);
}

static gboolean on_ready(gint fd G_GNUC_UNUSED, GIOCondition condition G_GNUC_UNUSED, gpointer user)
{
    run_daemon(user);
    return G_SOURCE_CONTINUE;
}

static gboolean on_waited(gpointer user)
{
    struct request *request = user;
    request->waited = TRUE;
    struct MHD_Daemon *daemon = request->server->daemons[request->i_port];
    MHD_resume_connection(request->connection);
    run_daemon(daemon);
    return G_SOURCE_REMOVE;
}

/* Latency and its spread, which is a function of the body. */
static int latency_of(const struct request *request)
{
    const struct server *server = request->server;
    int latency_ms = server->latency_ms;
    if (server->latency_spread_ms > 0) {
        g_autofree char *digest =
            g_compute_checksum_for_data(G_CHECKSUM_SHA256, request->body->data, request->body->len);
        latency_ms += (int)(hash_text(digest) % (guint64)(server->latency_spread_ms + 1));
    }
    return latency_ms;
}

struct listener {
    struct server *server;
    int i_port;
};

static enum MHD_Result on_request(void *user, struct MHD_Connection *connection, const char *path,
                                  const char *method, const char *version G_GNUC_UNUSED,
                                  const char *data, size_t *n_bytes, void **context)
{
    const struct listener *listener = user;
    struct request *request = *context;
    if (!request) {
        request = g_new0(struct request, 1);
        request->server = listener->server;
        request->i_port = listener->i_port;
        request->connection = connection;
        request->body = g_byte_array_new();
        *context = request;
        return MHD_YES;
    }
    if (*n_bytes > 0) {
        if (request->body->len + *n_bytes > MAX_BODY_BYTES)
            return MHD_NO;
        g_byte_array_append(request->body, (const guint8 *)data, (guint)*n_bytes);
        *n_bytes = 0;
        return MHD_YES;
    }
    if (strcmp(method, "POST") != 0)
        return send_error(request, 405, "only POST is served");
    int latency_ms = request->waited ? 0 : latency_of(request);
    if (latency_ms > 0) {
        MHD_suspend_connection(connection);
        g_timeout_add((guint)latency_ms, on_waited, request);
        return MHD_YES;
    }
    return answer(request, path);
}

static void on_completed(void *user G_GNUC_UNUSED, struct MHD_Connection *connection G_GNUC_UNUSED,
                         void **context, enum MHD_RequestTerminationCode code G_GNUC_UNUSED)
{
    struct request *request = *context;
    if (!request)
        return;
    g_byte_array_unref(request->body);
    g_free(request);
    *context = NULL;
}

static gboolean start_daemon(struct listener *listener, int port)
{
    struct server *server = listener->server;
    struct sockaddr_in address = {.sin_family = AF_INET,
                                  .sin_port = htons((uint16_t)port),
                                  .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    struct MHD_Daemon *daemon = MHD_start_daemon(
        MHD_USE_EPOLL | MHD_ALLOW_SUSPEND_RESUME, 0, NULL, NULL, on_request, listener,
        MHD_OPTION_SOCK_ADDR, (struct sockaddr *)&address, MHD_OPTION_NOTIFY_COMPLETED,
        on_completed, NULL, MHD_OPTION_CONNECTION_LIMIT, 4096u, MHD_OPTION_LISTEN_BACKLOG_SIZE,
        1024u, MHD_OPTION_CONNECTION_MEMORY_LIMIT, (size_t)128 << 10, MHD_OPTION_END);
    if (!daemon)
        return FALSE;
    server->daemons[listener->i_port] = daemon;
    server->ports[listener->i_port] = MHD_get_daemon_info(daemon, MHD_DAEMON_INFO_BIND_PORT)->port;
    int fd = MHD_get_daemon_info(daemon, MHD_DAEMON_INFO_EPOLL_FD)->epoll_fd;
    g_unix_fd_add(fd, G_IO_IN, on_ready, daemon);
    return TRUE;
}

static gboolean read_script(struct server *server, GError **error)
{
    g_autofree char *text = NULL;
    server->script = g_array_new(FALSE, TRUE, sizeof(struct script_line));
    if (!server->script_path)
        return TRUE;
    if (!g_file_get_contents(server->script_path, &text, NULL, error))
        return FALSE;
    g_auto(GStrv) lines = g_strsplit(text, "\n", -1);
    for (char **line = lines; *line; line++) {
        if (!**line)
            continue;
        g_autoptr(json_t) value = json_parse(*line, strlen(*line), error);
        if (!value)
            return FALSE;
        struct script_line entry = {
            .role = g_strdup(json_get_string(value, "role")),
            .text = g_strdup(json_get_string(value, "text")),
            .match = g_strdup(json_get_string(value, "match")),
            .round = (int)json_get_number(value, "round", 0),
        };
        if (!entry.role || !entry.text) {
            g_set_error(error, G_FILE_ERROR, G_FILE_ERROR_INVAL, "a line lacks role or text: %s",
                        *line);
            return FALSE;
        }
        g_array_append_val(server->script, entry);
    }
    return TRUE;
}

static gboolean parse_options(struct server *server, int *argc, char ***argv, GError **error)
{
    const GOptionEntry entries[] = {
        {"port", 0, 0, G_OPTION_ARG_INT, &server->port, "Listen here (default: a free port)", "N"},
        {"latency-ms", 0, 0, G_OPTION_ARG_INT, &server->latency_ms, "Answer after so long", "N"},
        {"latency-spread-ms", 0, 0, G_OPTION_ARG_INT, &server->latency_spread_ms,
         "and up to so much longer, by the body", "N"},
        {"log", 0, 0, G_OPTION_ARG_FILENAME, &server->log_path, "Append one line a request",
         "FILE"},
        {"log-texts", 0, 0, G_OPTION_ARG_NONE, &server->log_texts, "with the messages' texts",
         NULL},
        {"script", 0, 0, G_OPTION_ARG_FILENAME, &server->script_path, "Answers by role", "FILE"},
        {"key", 0, 0, G_OPTION_ARG_STRING, &server->key, "Ask for this key", "KEY"},
        {"fault", 0, 0, G_OPTION_ARG_STRING, &server->fault, "Fail so", "SPEC"},
        {"fault-rate", 0, 0, G_OPTION_ARG_DOUBLE, &server->fault_rate, "Share that fails", "P"},
        {"fault-seed", 0, 0, G_OPTION_ARG_INT, &server->fault_seed, "for --fault-rate", "N"},
        {"faults", 0, 0, G_OPTION_ARG_NONE, &server->list_faults, "List the faults' names", NULL},
        {"with-parent", 0, 0, G_OPTION_ARG_NONE, &server->with_parent,
         "End when the starting process ends", NULL},
        {NULL, 0, 0, G_OPTION_ARG_NONE, NULL, NULL, NULL}};
    g_autoptr(GOptionContext) context = g_option_context_new(NULL);
    g_option_context_add_main_entries(context, entries, NULL);
    if (!g_option_context_parse(context, argc, argv, error) || !read_script(server, error))
        return FALSE;
    gboolean known = TRUE;
    if (server->fault)
        fault_pick(server->fault, G_MAXINT, NULL, &known);
    if (!known)
        g_set_error(error, G_OPTION_ERROR, G_OPTION_ERROR_BAD_VALUE, "unknown fault in '%s'",
                    server->fault);
    return known;
}

int main(int argc, char **argv)
{
    struct server server = {.port = 0};
    g_autoptr(GError) error = NULL;
    signal(SIGPIPE, SIG_IGN);
    if (!parse_options(&server, &argc, &argv, &error)) {
        fprintf(stderr, "fake_server: %s\n", error->message);
        return 2;
    }
    if (server.list_faults) {
        for (size_t i = 0; fault_table(i); i++)
            puts(fault_table(i)->name);
        return 0;
    }
    if (server.with_parent)
        prctl(PR_SET_PDEATHSIG, SIGTERM);
    server.tries = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL);
    server.log = server.log_path ? fopen(server.log_path, "a") : NULL;
    if (server.log_path && !server.log) {
        fprintf(stderr, "fake_server: cannot open '%s': %s\n", server.log_path, g_strerror(errno));
        return 1;
    }
    struct listener listeners[2] = {{&server, 0}, {&server, 1}};
    if (!start_daemon(&listeners[0], server.port) || !start_daemon(&listeners[1], 0)) {
        fprintf(stderr, "fake_server: cannot listen: %s\n", g_strerror(errno));
        return 1;
    }
    printf("%d\n", server.ports[0]);
    fflush(stdout);
    g_main_loop_run(g_main_loop_new(NULL, FALSE));
    return 0;
}
