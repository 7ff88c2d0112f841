#define _GNU_SOURCE /* memmem */
/* store, schema, run_identity, sql: what a run holds, whose it is, and what is refused. */
#include "support/run_fixture.h"
#include "support/support.h"

#include "base/error.h"
#include "base/json.h"
#include "base/rng.h"
#include "store/run_identity.h"
#include "store/schema.h"

#include <glib/gstdio.h>
#include <math.h>
#include <signal.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

/* "FOLDER/r.db" in a new folder. Free with g_free. */
static char *new_path(void)
{
    g_autofree char *folder = support_folder();
    return g_build_filename(folder, "r.db", NULL);
}

static void assert_message(const GError *error, enum fire_error code, const char *part)
{
    g_assert_error(error, FIRE_ERROR, (int)code);
    if (!strstr(error->message, part) || strchr(error->message, '\n'))
        g_error("'%s' should be one line with '%s'", error->message, part);
}

static void expect_no_reader(const char *path, enum fire_error code, const char *part)
{
    g_autoptr(GError) error = NULL;
    g_assert_null(store_open_readonly(path, &error));
    assert_message(error, code, part);
}

static void expect_no_writer(const char *path, enum fire_error code, const char *part)
{
    g_autoptr(GError) error = NULL;
    g_assert_null(run_fixture_try_open(path, &error));
    assert_message(error, code, part);
}

/* Collects each dialogue's line. */
static bool collect(size_t number, const struct dialogue *dialogue, const char *failure, void *user)
{
    g_autoptr(json_t) object = dialogue_to_json(dialogue);
    g_autofree char *text = json_print(object);
    g_ptr_array_add(user, g_strdup_printf("%zu %s %s", number, failure ? failure : "-", text));
    return true;
}

static GPtrArray *read_all(struct store *store)
{
    g_autoptr(GError) error = NULL;
    GPtrArray *lines = g_ptr_array_new_with_free_func(g_free);
    g_assert_true(store_foreach_dialogue(store, collect, lines, &error));
    g_assert_no_error(error);
    return lines;
}

static void fill_rich_dialogue(struct dialogue *dialogue)
{
    run_fixture_dialogue(dialogue, "a\"b/\xc3\xa9");
    dialogue->sample.image = g_strdup("p/1.png");
    dialogue->sample.answers = g_strsplit("yes|no", "|", 0);
    dialogue->sample.choices = g_strsplit("A|B|C", "|", 0);
    dialogue->sample.meta = json_pack("{s{si}}", "fire", "k", 1);
    struct turn turns[] = {
        run_fixture_turn("Thought: x\nAnswer: y", "Score: 7.5\nFeedback: z", 7.5),
        run_fixture_turn("", "no score", NAN),
        run_fixture_turn("last", NULL, 0.1),
    };
    turns[1].meta = json_pack("{ss}", "fire_score", "N/10");
    for (size_t i = 0; i < G_N_ELEMENTS(turns); i++)
        dialogue_add_turn(dialogue, &turns[i]);
}

/* What goes in comes out, in order of number, before and after closing. */
static void test_round_trip(void)
{
    g_autofree char *path = new_path();
    struct dialogue rich = {0}, plain;
    struct store *store = run_fixture_open(path);
    fill_rich_dialogue(&rich);
    run_fixture_dialogue(&plain, "plain");
    g_assert_true(store_add_sample(store, 7, 0, NULL, &rich, NULL));
    g_assert_true(store_add_sample(store, 2, 0, NULL, &plain, NULL));
    g_autoptr(json_t) object = dialogue_to_json(&rich);
    g_autofree char *text = json_print(object);
    g_autofree char *expected = g_strdup_printf("7 - %s", text);
    for (int i = 0; i < 3; i++) {
        g_autoptr(GPtrArray) lines = read_all(store);
        g_assert_cmpuint(lines->len, ==, 2);
        g_assert_true(g_str_has_prefix(lines->pdata[0], "2 - {\"id\":\"plain\""));
        g_assert_null(strstr(lines->pdata[0], "turns"));
        g_assert_cmpstr(lines->pdata[1], ==, expected);
        store_close(store);
        store = i == 0 ? run_fixture_open(path) : store_open_readonly(path, NULL);
    }
    store_close(store);
    dialogue_clear(&rich);
    dialogue_clear(&plain);
    run_fixture_check_integrity(path);
}

static void test_add_again(void)
{
    static const struct {
        size_t number;
        const char *id;
        bool is_ok;
    } cases[] = {{1, "s1", true},  {2, "s2", true},   {1, "s2", false},
                 {3, "s1", false}, {2, "new", false}, {3, "new", true}};
    g_autofree char *path = new_path();
    struct store *store = run_fixture_open(path);
    run_fixture_add(store, 2);
    struct turn turn = run_fixture_turn("r", "f", 1);
    g_assert_true(store_put_turn(store, "s1", 0, &turn, NULL));
    for (size_t i = 0; i < G_N_ELEMENTS(cases); i++) {
        g_autoptr(GError) error = NULL;
        struct dialogue dialogue;
        run_fixture_dialogue(&dialogue, cases[i].id);
        g_assert_cmpint(store_add_sample(store, cases[i].number, 0, NULL, &dialogue, &error), ==,
                        cases[i].is_ok);
        if (!cases[i].is_ok)
            assert_message(error, FIRE_ERROR_USAGE, "is not the one that run");
        dialogue_clear(&dialogue);
    }
    g_autoptr(GPtrArray) lines = read_all(store);
    g_assert_cmpuint(lines->len, ==, 3);
    g_assert_nonnull(strstr(lines->pdata[0], "\"response\":\"r\"")); /* was left alone */
    turn_clear(&turn);
    store_close(store);
}

static void put(struct store *store, const char *id, size_t i_turn, const char *response)
{
    g_autoptr(GError) error = NULL;
    struct turn turn = run_fixture_turn(response, "f", (double)i_turn);
    g_assert_true(store_put_turn(store, id, i_turn, &turn, &error));
    g_assert_no_error(error);
    turn_clear(&turn);
}

/* A dialogue is run again: its turns replace the old ones, and what the old try had more goes. */
static void test_turns_again(void)
{
    g_autofree char *path = new_path();
    struct store *store = run_fixture_open(path);
    run_fixture_add(store, 2);
    for (size_t i = 0; i < 3; i++)
        put(store, "s1", i, "old");
    put(store, "s2", 0, "other");
    g_assert_true(store_end_dialogue(store, "s1", STOP_FAILED, 3, "HTTP 500", NULL));
    g_assert_cmpint(store_dialogue_stop(store, "s1"), ==, STOP_FAILED);
    for (size_t i = 0; i < 2; i++)
        put(store, "s1", i, "new");
    g_assert_cmpint(store_dialogue_stop(store, "s1"), ==, STOP_FAILED);
    g_assert_true(store_end_dialogue(store, "s1", STOP_SCORE, 2, NULL, NULL));
    g_autoptr(GPtrArray) lines = read_all(store);
    g_assert_true(g_str_has_prefix(lines->pdata[0], "1 - {"));
    g_assert_nonnull(strstr(lines->pdata[0],
                            "\"turns\":[{\"response\":\"new\",\"feedback\":\"f\",\"score\":0},"
                            "{\"response\":\"new\",\"feedback\":\"f\",\"score\":1}],"
                            "\"stop\":\"score\"}"));
    g_assert_nonnull(strstr(lines->pdata[1], "\"response\":\"other\""));
    store_close(store);
}

static void test_stops(void)
{
    static const enum stop stops[] = {STOP_SCORE,   STOP_NO_GAIN, STOP_MAX_TURNS, STOP_UNPARSED,
                                      STOP_REFUSED, STOP_FAILED,  STOP_NONE};
    g_autofree char *path = new_path();
    struct store *store = run_fixture_open(path);
    run_fixture_add(store, 2);
    g_assert_cmpint(store_dialogue_stop(store, "s1"), ==, STOP_NONE);
    for (size_t i = 0; i < G_N_ELEMENTS(stops); i++) {
        g_assert_true(store_end_dialogue(store, "s1", stops[i], 0, "why", NULL));
        store_close(store);
        store = run_fixture_open(path);
        g_assert_cmpint(store_dialogue_stop(store, "s1"), ==, stops[i]);
        g_assert_cmpint(store_dialogue_stop(store, "s2"), ==, STOP_NONE);
    }
    g_autoptr(GPtrArray) lines = read_all(store);
    g_assert_true(g_str_has_prefix(lines->pdata[0], "1 why {"));
    store_close(store);
}

/* An unknown sample is the caller's error, not the database's: the store stays in use. */
static void test_unknown_sample(void)
{
    g_autofree char *path = new_path();
    g_autoptr(GError) error = NULL;
    struct store *store = run_fixture_open(path);
    run_fixture_add(store, 1);
    struct turn turn = run_fixture_turn("r", "f", 1);
    g_assert_false(store_put_turn(store, "nobody", 0, &turn, &error));
    assert_message(error, FIRE_ERROR_USAGE, "has no sample 'nobody'");
    g_clear_error(&error);
    g_assert_false(store_end_dialogue(store, "nobody", STOP_SCORE, 1, NULL, &error));
    assert_message(error, FIRE_ERROR_USAGE, "has no sample 'nobody'");
    g_assert_cmpint(store_dialogue_stop(store, "nobody"), ==, STOP_NONE);
    put(store, "s1", 0, "r");
    turn_clear(&turn);
    store_close(store);
}

/* What is not committed is not there. */
static void test_transaction(void)
{
    g_autofree char *path = new_path();
    struct store *store = run_fixture_open(path);
    struct dialogue dialogue;
    run_fixture_add(store, 1);
    run_fixture_dialogue(&dialogue, "s2");
    g_assert_true(store_begin(store, NULL));
    g_assert_true(store_add_sample(store, 2, 0, NULL, &dialogue, NULL));
    g_assert_true(store_end_dialogue(store, "s1", STOP_SCORE, 0, NULL, NULL));
    struct store *reader = store_open_readonly(path, NULL);
    g_autoptr(GPtrArray) seen = read_all(reader);
    g_assert_cmpuint(seen->len, ==, 1);
    g_assert_null(strstr(seen->pdata[0], "stop"));
    store_close(reader);
    store_close(store);
    store = run_fixture_open(path);
    g_autoptr(GPtrArray) lines = read_all(store);
    g_assert_cmpuint(lines->len, ==, 1);
    g_assert_cmpint(store_dialogue_stop(store, "s1"), ==, STOP_NONE);
    dialogue_clear(&dialogue);
    store_close(store);
}

static bool stop_at_second(size_t number, const struct dialogue *dialogue G_GNUC_UNUSED,
                           const char *failure G_GNUC_UNUSED, void *user)
{
    *(size_t *)user = number;
    return number < 2;
}

static void test_foreach_stops(void)
{
    g_autofree char *path = new_path();
    struct store *store = run_fixture_open(path);
    size_t last = 0;
    run_fixture_add(store, 5);
    for (int i = 0; i < 2; i++) {
        g_assert_true(store_foreach_dialogue(store, stop_at_second, &last, NULL));
        g_assert_cmpuint(last, ==, 2);
    }
    store_close(store);
}

/* "command|settings|prompt_hash|data_hash" of a run. */
static struct store *open_as(const char *path, const char *identity, const char *options,
                             GError **error)
{
    g_auto(GStrv) parts = g_strsplit(identity, "|", 0);
    g_autoptr(json_t) settings = json_parse(parts[1], strlen(parts[1]), NULL);
    g_autoptr(json_t) volatile_options = json_parse(options, strlen(options), NULL);
    const struct run_identity run = {parts[0], settings, parts[2], parts[3], volatile_options};
    return store_open(path, &run, error);
}

static void test_identity(void)
{
    static const char first[] = "bench free|{\"model\":\"a\",\"temperature\":\"0\"}|p1|d1";
    static const struct {
        const char *identity, *difference; /* NULL: none */
    } cases[] = {
        {first, NULL},
        {"bench free|{\"temperature\":\"0\",\"model\":\"a\"}|p1|d1", NULL},
        {"bench fixed|{\"model\":\"a\",\"temperature\":\"0\"}|p1|d1",
         "' holds another run: command is 'bench free' there and 'bench fixed' here"},
        {"bench free|{\"model\":\"b\",\"temperature\":\"0\"}|p1|d1",
         "' holds another run: model is 'a' there and 'b' here"},
        {"bench free|{\"model\":\"a\"}|p1|d1", ": temperature is '0' there and not set here"},
        {"bench free|{\"model\":\"a\",\"temperature\":\"0\",\"top_p\":\"1\"}|p1|d1",
         ": top_p is not set there and '1' here"},
        {"bench free|{\"model\":\"a\",\"temperature\":\"0\"}|p2|d1",
         ": prompt_hash is 'p1' there and 'p2' here"},
        {"bench free|{\"model\":\"a\",\"temperature\":\"0\"}|p1|d2",
         ": data_hash is 'd1' there and 'd2' here"},
        {"x|{\"model\":\"b\",\"temperature\":\"1\",\"n\":\"\"}|p2|d2",
         ": command is 'bench free' there and 'x' here; model is 'a' there and 'b' here; "
         "temperature is '0' there and '1' here; n is not set there and '' here; "
         "prompt_hash is 'p1' there and 'p2' here; data_hash is 'd1' there and 'd2' here"},
    };
    g_autofree char *path = new_path();
    /* A run without a sample takes what it is from the one who opens it next. */
    store_close(open_as(path, "bench fixed|{\"model\":\"z\"}|p9|d9", "{}", NULL));
    struct store *store = open_as(path, first, "{}", NULL);
    run_fixture_add(store, 1);
    store_close(store);
    for (size_t i = 0; i < G_N_ELEMENTS(cases); i++) {
        g_autoptr(GError) error = NULL;
        store = open_as(path, cases[i].identity, "{}", &error);
        if (cases[i].difference) {
            g_assert_null(store);
            assert_message(error, FIRE_ERROR_USAGE, cases[i].difference);
            g_assert_true(g_str_has_suffix(error->message, cases[i].difference));
        } else {
            g_assert_no_error(error);
        }
        store_close(store);
    }
}

static void test_describe(void)
{
    static const char identity[] = "bench free|{\"model\":\"a\"}|p1|d1";
    g_autofree char *path = new_path();
    store_close(open_as(path, identity, "{\"jobs\":\"1\"}", NULL));
    struct store *store = open_as(path, identity, "{\"jobs\":\"2\",\"timeout\":\"9\"}", NULL);
    run_fixture_add(store, 3);
    g_assert_true(store_end_dialogue(store, "s1", STOP_SCORE, 0, NULL, NULL));
    g_assert_true(store_end_dialogue(store, "s2", STOP_FAILED, 0, "x", NULL));
    g_autoptr(json_t) run = store_describe(store, NULL);
    g_assert_cmpstr(json_get_string(run, "command"), ==, "bench free");
    g_assert_cmpstr(json_get_string(json_object_get(run, "settings"), "model"), ==, "a");
    g_assert_cmpstr(json_get_string(run, "prompt_hash"), ==, "p1");
    g_assert_cmpstr(json_get_string(run, "data_hash"), ==, "d1");
    g_assert_cmpstr(json_get_string(json_object_get(run, "options"), "jobs"), ==, "2");
    g_assert_nonnull(json_get_string(run, "fire"));
    g_assert_nonnull(json_get_string(run, "commit"));
    g_autoptr(GDateTime) started =
        g_date_time_new_from_iso8601(json_get_string(run, "started"), NULL);
    g_assert_nonnull(started);
    const json_t *sessions = json_object_get(run, "sessions");
    g_assert_cmpuint(json_array_size(sessions), ==, 2);
    const json_t *options = json_object_get(json_array_get(sessions, 0), "options");
    g_assert_cmpstr(json_get_string(options, "jobs"), ==, "1");
    g_assert_cmpfloat(json_get_number(run, "n_samples", 0), ==, 3);
    g_assert_cmpfloat(json_get_number(run, "n_ended", 0), ==, 2);
    g_assert_cmpfloat(json_get_number(run, "n_failed", 0), ==, 1);
    store_close(store);
}

static void test_strip_user(void)
{
    static const char *const cases[][2] = {
        {"http://h:80/v1#m", "http://h:80/v1#m"},
        {"http://me:secret@h/v1#m", "http://h/v1#m"},
        {"http://secret@h", "http://h"},
        {"http://a:p@ss@h/x@y", "http://h/x@y"},
        {"a://u@b, c://v:w@d?q=e@f", "a://b, c://d?q=e@f"},
        {"me@host", "me@host"},
        {"://", "://"},
        {"x://@", "x://"},
        {"", ""},
    };
    for (size_t i = 0; i < G_N_ELEMENTS(cases); i++) {
        g_autofree char *text = run_identity_strip_user(cases[i][0]);
        g_assert_cmpstr(text, ==, cases[i][1]);
    }
}

/* Law 8, while the run is open (so that its log is looked at too) and after. */
static void test_no_secret(void)
{
    static const char identity[] =
        "bench free|{\"model\":\"http://u:sk-secret@h/v1#m\",\"l\":[\"http://sk-secret@h\"]}|p|d";
    g_autofree char *path = new_path();
    g_autofree char *log = g_strconcat(path, "-wal", NULL);
    const char *const files[] = {log, path};
    struct store *store = open_as(path, identity, "{\"url\":\"ws://sk-secret@h\"}", NULL);
    for (size_t i = 0; i < G_N_ELEMENTS(files); i++) {
        g_autofree char *bytes = NULL;
        gsize n_bytes;
        g_assert_true(g_file_get_contents(files[i], &bytes, &n_bytes, NULL));
        g_assert_null(memmem(bytes, n_bytes, "sk-secret", strlen("sk-secret")));
        g_assert_nonnull(memmem(bytes, n_bytes, "http://h/v1#m", strlen("http://h/v1#m")));
        store_close(store);
        store = NULL;
    }
    store = open_as(path, identity, "{}", NULL); /* equal to itself */
    g_assert_nonnull(store);
    store_close(store);
}

static void exec_sql(const char *path, const char *text)
{
    sqlite3 *db;
    char *cause = NULL;
    g_assert_cmpint(sqlite3_open(path, &db), ==, SQLITE_OK);
    if (sqlite3_exec(db, text, NULL, NULL, &cause) != SQLITE_OK)
        g_error("%s", cause);
    sqlite3_close(db);
}

/* Refused for reading and writing, and left as they are. */
static void test_no_run_database(void)
{
    static const struct {
        const char *text, *sql; /* what the file holds, or what makes it */
        enum fire_error code;
        const char *message;
    } cases[] = {
        {"{\"id\":\"x\"}\n", NULL, FIRE_ERROR_FORMAT, "is no run database"},
        {"SQLite format 3", NULL, FIRE_ERROR_FORMAT, "is no run database"},
        {NULL, "CREATE TABLE x (y)", FIRE_ERROR_FORMAT, "but some other SQLite database"},
        {NULL, "PRAGMA journal_mode = WAL; CREATE TABLE x (y)", FIRE_ERROR_FORMAT,
         "but some other SQLite database"},
        {NULL, "PRAGMA user_version = 1", FIRE_ERROR_FORMAT, "but some other SQLite database"},
        {NULL, "PRAGMA application_id = 7; PRAGMA user_version = 1", FIRE_ERROR_FORMAT,
         "but some other SQLite database"},
        {NULL, "PRAGMA application_id = 0x46495245; PRAGMA user_version = 99", FIRE_ERROR_FORMAT,
         "was written by a newer fire (its format is 99, this program knows up to "},
        {NULL, "PRAGMA application_id = 0x46495245", FIRE_ERROR_FORMAT, "is damaged"},
        {NULL, "PRAGMA application_id = 0x46495245; PRAGMA user_version = -1", FIRE_ERROR_FORMAT,
         "is damaged"},
    };
    for (size_t i = 0; i < G_N_ELEMENTS(cases); i++) {
        g_autofree char *path = new_path(), *before = NULL, *after = NULL;
        gsize n_before, n_after;
        if (cases[i].text)
            g_assert_true(g_file_set_contents(path, cases[i].text, -1, NULL));
        else
            exec_sql(path, cases[i].sql);
        g_assert_true(g_file_get_contents(path, &before, &n_before, NULL));
        expect_no_reader(path, cases[i].code, cases[i].message);
        expect_no_writer(path, cases[i].code, cases[i].message);
        g_assert_true(g_file_get_contents(path, &after, &n_after, NULL));
        g_assert_cmpmem(before, n_before, after, n_after);
    }
}

static void test_no_file(void)
{
    g_autofree char *folder = support_folder(), *absent = g_build_filename(folder, "x/r.db", NULL);
    g_autofree char *pipe_path = g_build_filename(folder, "pipe", NULL);
    g_assert_cmpint(mkfifo(pipe_path, 0600), ==, 0);
    expect_no_reader(folder, FIRE_ERROR_FORMAT, "is no run database: it is no file");
    expect_no_writer(folder, FIRE_ERROR_IO, "': Is a directory");
    expect_no_reader(absent, FIRE_ERROR_IO, "': No such file or directory");
    expect_no_writer(absent, FIRE_ERROR_IO, "': No such file or directory");
    expect_no_reader(pipe_path, FIRE_ERROR_FORMAT, "it is no file");
    expect_no_writer(pipe_path, FIRE_ERROR_FORMAT, "it is no file");
    expect_no_reader("/dev/null", FIRE_ERROR_FORMAT, "it is no file");
    expect_no_writer("/dev/null", FIRE_ERROR_FORMAT, "it is no file");
}

/* Empty, or cut down between making the file and making its tables: a run that is to begin. */
static void test_fresh(void)
{
    for (int i = 0; i < 2; i++) {
        g_autofree char *path = new_path();
        if (i == 0)
            g_assert_true(g_file_set_contents(path, "", 0, NULL));
        else
            exec_sql(path, "PRAGMA journal_mode = WAL");
        expect_no_reader(path, FIRE_ERROR_FORMAT, "holds no run yet");
        struct store *store = run_fixture_open(path);
        run_fixture_add(store, 1);
        store_close(store);
        run_fixture_check_integrity(path);
    }
}

/* Names that SQLite would take for something else are files like any other. */
static void test_odd_names(void)
{
    static const char *const names[] = {":memory:", "file:x?mode=memory", "a b#c%41?.db", "-x"};
    g_autofree char *folder = support_folder(), *here = g_get_current_dir();
    g_assert_cmpint(g_chdir(folder), ==, 0);
    for (size_t i = 0; i < G_N_ELEMENTS(names); i++) {
        struct store *store = run_fixture_open(names[i]);
        run_fixture_add(store, 1);
        store_close(store);
        g_assert_true(g_file_test(names[i], G_FILE_TEST_IS_REGULAR));
        store = store_open_readonly(names[i], NULL);
        g_autoptr(GPtrArray) lines = read_all(store);
        g_assert_cmpuint(lines->len, ==, 1);
        store_close(store);
    }
    g_assert_cmpint(g_chdir(here), ==, 0);
}

/* A run as version 1 wrote it. This text never changes: it stands for users' files. */
static const char version_1[] =
    "PRAGMA journal_mode = WAL;"
    "BEGIN;"
    "CREATE TABLE run (id INTEGER PRIMARY KEY CHECK (id = 1), command TEXT NOT NULL,"
    " settings TEXT NOT NULL, prompt_hash TEXT NOT NULL, data_hash TEXT NOT NULL) STRICT;"
    "CREATE TABLE sessions (id INTEGER PRIMARY KEY, started TEXT NOT NULL,"
    " fire_version TEXT NOT NULL, fire_commit TEXT NOT NULL, sqlite_version TEXT NOT NULL,"
    " options TEXT NOT NULL) STRICT;"
    "CREATE TABLE samples (number INTEGER PRIMARY KEY, id TEXT NOT NULL UNIQUE,"
    " sample TEXT NOT NULL, stop TEXT, failure TEXT) STRICT;"
    "CREATE TABLE turns (sample INTEGER NOT NULL REFERENCES samples (number),"
    " i_turn INTEGER NOT NULL, response TEXT NOT NULL, feedback TEXT, score REAL, meta TEXT,"
    " PRIMARY KEY (sample, i_turn)) STRICT, WITHOUT ROWID;"
    "CREATE TABLE calls (id INTEGER PRIMARY KEY,"
    " sample INTEGER NOT NULL REFERENCES samples (number), role TEXT NOT NULL,"
    " round INTEGER NOT NULL, attempt INTEGER NOT NULL, hash TEXT NOT NULL,"
    " request TEXT NOT NULL, endpoint TEXT NOT NULL, outcome TEXT NOT NULL, text TEXT NOT NULL,"
    " reasoning TEXT, finish_reason TEXT, model TEXT, fingerprint TEXT, error TEXT, notes TEXT,"
    " http_status INTEGER NOT NULL, tries INTEGER NOT NULL, latency_ms REAL,"
    " prompt_tokens INTEGER, completion_tokens INTEGER, reasoning_tokens INTEGER,"
    " cached_tokens INTEGER, n_failed INTEGER NOT NULL, n_retries INTEGER NOT NULL,"
    " UNIQUE (sample, role, round, attempt)) STRICT;"
    "PRAGMA application_id = 0x46495245; PRAGMA user_version = 1;"
    "COMMIT;"
    "INSERT INTO run VALUES (1, 'bench free', '{\"student\":\"a\",\"temperature\":\"0\"}',"
    " 'p-hash', 'd-hash');"
    "INSERT INTO sessions VALUES (1, '2025-01-02T03:04:05Z', '0.1.0', 'abc', '3.40.1', '{}');"
    "INSERT INTO samples VALUES (1, 's1', '{\"id\":\"s1\",\"source\":\"vqav2\",\"image\":null,"
    "\"question\":\"Q s1\",\"answer\":\"A s1\"}', 'score', NULL);"
    "INSERT INTO turns VALUES (1, 0, 'r', 'Score: 9', 9, NULL);"
    "INSERT INTO calls VALUES (1, 1, 'student', 1, 0, 'h', '{}', 'http://h#m', 'ok', 'r', NULL,"
    " NULL, NULL, NULL, NULL, NULL, 200, 1, 3.5, 10, 2, NULL, NULL, 0, 0);";

static void test_version_1(void)
{
    g_autofree char *path = new_path();
    exec_sql(path, version_1);
    g_autoptr(GError) error = NULL;
    g_assert_null(store_open_readonly(path, &error)); /* readers do not migrate */
    g_assert_nonnull(strstr(error->message, "was written by an older fire (its format is 1)"));
    for (int i = 0; i < 2; i++) {
        struct store *store = i == 0 ? run_fixture_open(path) : store_open_readonly(path, NULL);
        bool loaded;
        g_assert_true(store_is_loaded(store, &loaded, NULL) && loaded);
        g_autofree char *text = run_fixture_dump(store);
        g_assert_cmpstr(text, ==,
                        "1 {\"id\":\"s1\",\"source\":\"vqav2\",\"image\":null,\"question\":\"Q "
                        "s1\",\"answer\":\"A s1\",\"turns\":[{\"response\":\"r\",\"feedback\":"
                        "\"Score: 9\",\"score\":9}],\"stop\":\"score\"} -\n"
                        "1 s1 1 0 ok 'r'\n");
        g_autoptr(json_t) run = store_describe(store, NULL);
        g_assert_cmpstr(json_get_string(run, "started"), ==, "2025-01-02T03:04:05Z");
        g_assert_cmpstr(json_get_string(run, "commit"), ==, "abc");
        store_close(store);
    }
}

/* The steps of schema_migrate, with tables of our own. */
static void test_migrate(void)
{
    static const char *const one[] = {"CREATE TABLE a (x) STRICT", NULL};
    static const char *const typed[] = {"CREATE TABLE a (x TEXT)", NULL};
    static const char *const two[] = {"never run again", "ALTER TABLE a ADD y TEXT", NULL};
    static const char *const bad[] = {"", "", "CREATE TABLE b (x TEXT); DROP TABLE absent", NULL};
    static const struct {
        const char *const *steps;
        const char *error; /* NULL: it works */
        int version;       /* afterwards */
    } cases[] = {
        {one, "is damaged", 0},
        {typed, NULL, 1},
        {two, NULL, 2},
        {two, NULL, 2},
        {bad, "no such table: absent", 2},
        {typed, "by a newer fire", 2},
        {two, NULL, 2},
    };
    g_autofree char *path = new_path();
    for (size_t i = 0; i < G_N_ELEMENTS(cases); i++) {
        g_autoptr(GError) error = NULL;
        gint64 version = -1, n_tables = -1;
        struct sql *sql = sql_open(path, SQL_WRITE, NULL);
        g_assert_cmpint(schema_migrate(sql, cases[i].steps, &error), ==, !cases[i].error);
        if (cases[i].error)
            assert_message(error, FIRE_ERROR_FORMAT, cases[i].error);
        g_assert_true(sqlite3_get_autocommit(sql->db));
        g_assert_true(sql_get_int64(sql, "PRAGMA user_version", &version, NULL));
        g_assert_cmpint(version, ==, cases[i].version);
        g_assert_true(sql_get_int64(sql, "SELECT count(*) FROM sqlite_schema", &n_tables, NULL));
        g_assert_cmpint(n_tables, ==, cases[i].version ? 1 : 0);
        sql_close(sql);
    }
}

/* A child that opens the run, tells so, and waits to be killed. */
static pid_t spawn_holder(const char *path)
{
    int tell[2];
    char byte;
    g_assert_cmpint(pipe(tell), ==, 0);
    pid_t child = fork();
    g_assert_cmpint(child, >=, 0);
    if (child == 0) {
        struct store *store = run_fixture_open(path);
        run_fixture_add(store, 2);
        put(store, "s1", 0, "r");
        g_assert_cmpint(write(tell[1], "x", 1), ==, 1);
        for (;;)
            pause();
    }
    close(tell[1]);
    g_assert_cmpint(read(tell[0], &byte, 1), ==, 1);
    close(tell[0]);
    return child;
}

static void kill_child(pid_t child)
{
    int status;
    g_assert_cmpint(kill(child, SIGKILL), ==, 0);
    g_assert_cmpint(waitpid(child, &status, 0), ==, child);
    g_assert_true(WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL);
}

/* A second writer is refused; readers are not; the lock dies with its holder. */
static void test_lock(void)
{
    g_autofree char *path = new_path();
    pid_t child = spawn_holder(path);
    g_autofree char *message = g_strdup_printf("run '%s' is in use by another process", path);
    expect_no_writer(path, FIRE_ERROR_IO, message);
    struct store *reader = store_open_readonly(path, NULL);
    g_autoptr(GPtrArray) lines = read_all(reader);
    g_assert_cmpuint(lines->len, ==, 2);
    store_close(reader);
    expect_no_writer(path, FIRE_ERROR_IO, message);
    kill_child(child);
    struct store *store = run_fixture_open(path);
    g_autoptr(GPtrArray) again = read_all(store);
    g_assert_nonnull(strstr(again->pdata[0], "\"response\":\"r\""));
    store_close(store);
}

/* Runs `check` in a child that is nobody, so that file modes hold for it. */
static void as_nobody(void (*check)(const char *path), const char *path)
{
    int status;
    pid_t child = fork();
    g_assert_cmpint(child, >=, 0);
    if (child == 0) {
        if (geteuid() == 0 && (setgid(65534) != 0 || setuid(65534) != 0))
            _exit(1);
        check(path);
        _exit(0);
    }
    g_assert_cmpint(waitpid(child, &status, 0), ==, child);
    g_assert_cmpint(status, ==, 0);
}

static void check_readable(const char *path)
{
    g_autoptr(GError) error = NULL;
    struct store *store = store_open_readonly(path, &error);
    g_assert_no_error(error);
    g_autoptr(GPtrArray) lines = read_all(store);
    g_assert_cmpuint(lines->len, ==, 2);
    store_close(store);
    expect_no_writer(path, FIRE_ERROR_IO, "': Permission denied");
}

static void check_log_is_left(const char *path)
{
    expect_no_reader(path, FIRE_ERROR_IO, "-wal' must be brought in");
}

/* Walks everything; true where nothing is found wrong. */
static bool walk(struct store *store)
{
    g_autoptr(GError) error = NULL;
    g_autoptr(GPtrArray) lines = g_ptr_array_new_with_free_func(g_free);
    struct store_usage usage;
    bool ok =
        store_foreach_dialogue(store, collect, lines, &error) && store_usage(store, &usage, &error);
    g_assert_cmpint(ok, ==, !error);
    g_clear_error(&error);
    json_t *run = store_describe(store, &error);
    g_assert_cmpint(run != NULL, ==, !error);
    json_decref(run);
    return ok && run;
}

/* A finished run on a medium that cannot be written is read, be it in WAL or not; one that was
 * killed says what to do. */
static void test_read_only_folder(void)
{
    g_autofree char *path = new_path(), *folder = g_path_get_dirname(path);
    g_autofree char *shm = g_strconcat(path, "-shm", NULL);
    struct store *store = run_fixture_open(path);
    run_fixture_add(store, 2);
    store_close(store);
    for (int i = 0; i < 2; i++) {
        g_chmod(path, 0444);
        g_chmod(folder, 0555);
        as_nobody(check_readable, path);
        g_chmod(folder, 0755);
        g_chmod(path, 0644);
        exec_sql(path, "PRAGMA journal_mode = WAL");
    }
    kill_child(spawn_holder(path));
    g_assert_cmpint(g_remove(shm), ==, 0); /* as after a copy or a reboot */
    g_chmod(folder, 0555);
    as_nobody(check_log_is_left, path);
    g_chmod(folder, 0755);
    store = store_open_readonly(path, NULL);
    g_autoptr(GPtrArray) lines = read_all(store);
    g_assert_nonnull(strstr(lines->pdata[0], "\"response\":\"r\""));
    store_close(store);
}

/* Closed, also after a refusal, and read again, a run is one file. */
static void test_one_file(void)
{
    g_autofree char *path = new_path(), *folder = g_path_get_dirname(path);
    for (int i = 0; i < 3; i++) {
        g_autoptr(GError) error = NULL;
        struct store *store = i == 0   ? run_fixture_open(path)
                              : i == 1 ? open_as(path, "x|{}|p|d", "{}", &error)
                                       : store_open_readonly(path, &error);
        g_assert_cmpint(store == NULL, ==, i == 1);
        if (i == 0)
            run_fixture_add(store, 1);
        if (store)
            walk(store);
        store_close(store);
        g_autoptr(GDir) dir = g_dir_open(folder, 0, NULL);
        g_assert_cmpstr(g_dir_read_name(dir), ==, "r.db");
        g_assert_null(g_dir_read_name(dir));
    }
}

/* A reader that is in the midst of a run when its writer closes neither fails nor loses anything.
 */
static bool close_writer(size_t number, const struct dialogue *dialogue G_GNUC_UNUSED,
                         const char *failure G_GNUC_UNUSED, void *user)
{
    if (number == 1)
        store_close(user);
    return true;
}

static void test_reader_at_close(void)
{
    g_autofree char *path = new_path();
    g_autoptr(GError) error = NULL;
    struct store *writer = run_fixture_open(path);
    run_fixture_add(writer, 3);
    struct store *reader = store_open_readonly(path, NULL);
    put(writer, "s1", 0, "r");
    g_assert_true(store_foreach_dialogue(reader, close_writer, writer, &error));
    g_assert_no_error(error);
    writer = run_fixture_open(path);
    put(writer, "s1", 1, "r");
    g_autoptr(GPtrArray) lines = read_all(reader);
    g_assert_nonnull(strstr(lines->pdata[0], "\"score\":1"));
    store_close(reader);
    store_close(writer);
    run_fixture_check_integrity(path);
}

/* Bytes of a run are overwritten at random: an error line or other contents, never a crash. */
static void test_damage(void)
{
    g_autofree char *path = new_path(), *bytes = NULL;
    gsize n_bytes;
    int n_errors = 0;
    struct store *store = run_fixture_open(path);
    run_fixture_add(store, 40);
    for (size_t i = 0; i < 40; i++) {
        g_autofree char *id = g_strdup_printf("s%zu", i + 1);
        put(store, id, 0, "some words of a response");
        g_assert_true(store_end_dialogue(store, id, STOP_SCORE, 1, NULL, NULL));
    }
    store_close(store);
    g_assert_true(g_file_get_contents(path, &bytes, &n_bytes, NULL));
    for (uint64_t seed = 0; seed < 150; seed++) {
        g_autofree char *damaged = g_memdup2(bytes, n_bytes);
        g_autoptr(GError) error = NULL;
        struct rng rng;
        rng_init(&rng, 1, seed);
        size_t at = 100 + rng_below(&rng, n_bytes - 200);
        for (size_t i = 0; i < 1 + seed % 64; i++)
            damaged[at + i] = (char)rng_below(&rng, 256);
        g_assert_true(g_file_set_contents(path, damaged, (gssize)n_bytes, NULL));
        for (int i = 0; i < 2; i++) {
            store = i == 0 ? store_open_readonly(path, &error) : run_fixture_try_open(path, &error);
            g_assert_cmpint(store != NULL, ==, !error);
            n_errors += !store || !walk(store);
            g_clear_error(&error);
            store_close(store);
        }
    }
    g_assert_cmpint(n_errors, >, 50);
}

/* What only damage can bring about, one by one. */
static void test_damaged_rows(void)
{
    static const char *const cases[][2] = {
        {"DROP TABLE turns", "no such table: turns"},
        {"UPDATE samples SET sample = '{'", "sample: "},
        {"UPDATE samples SET sample = '[]'", "sample: no JSON object"},
        {"UPDATE samples SET sample = '{}'", "sample 1: missing key 'source'"},
        {"UPDATE samples SET sample = CAST(x'ff' AS TEXT)", "sample is not UTF-8"},
        {"UPDATE samples SET stop = 'never'", "'never' is no way to end"},
        {"UPDATE turns SET i_turn = 2", "turn 0 is missing"},
        {"UPDATE turns SET meta = '7'", "meta: no JSON object"},
        {"UPDATE turns SET response = CAST(x'61006200' AS TEXT)", "response is not UTF-8"},
    };
    for (size_t i = 0; i < G_N_ELEMENTS(cases); i++) {
        g_autofree char *path = new_path();
        g_autoptr(GError) error = NULL;
        g_autoptr(GPtrArray) lines = g_ptr_array_new_with_free_func(g_free);
        exec_sql(path, version_1);
        store_close(run_fixture_open(path)); /* brings it up to date */
        exec_sql(path, cases[i][0]);
        struct store *store = store_open_readonly(path, NULL);
        g_assert_false(store_foreach_dialogue(store, collect, lines, &error));
        assert_message(error, FIRE_ERROR_FORMAT, cases[i][1]);
        assert_message(error, FIRE_ERROR_FORMAT, "' is damaged: ");
        store_close(store);
    }
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/store/round_trip", test_round_trip);
    g_test_add_func("/store/add_again", test_add_again);
    g_test_add_func("/store/turns_again", test_turns_again);
    g_test_add_func("/store/stops", test_stops);
    g_test_add_func("/store/unknown_sample", test_unknown_sample);
    g_test_add_func("/store/transaction", test_transaction);
    g_test_add_func("/store/foreach_stops", test_foreach_stops);
    g_test_add_func("/store/identity", test_identity);
    g_test_add_func("/store/describe", test_describe);
    g_test_add_func("/store/strip_user", test_strip_user);
    g_test_add_func("/store/no_secret", test_no_secret);
    g_test_add_func("/store/no_run_database", test_no_run_database);
    g_test_add_func("/store/no_file", test_no_file);
    g_test_add_func("/store/fresh", test_fresh);
    g_test_add_func("/store/odd_names", test_odd_names);
    g_test_add_func("/store/version_1", test_version_1);
    g_test_add_func("/store/migrate", test_migrate);
    g_test_add_func("/store/lock", test_lock);
    g_test_add_func("/store/read_only_folder", test_read_only_folder);
    g_test_add_func("/store/one_file", test_one_file);
    g_test_add_func("/store/reader_at_close", test_reader_at_close);
    g_test_add_func("/store/damage", test_damage);
    g_test_add_func("/store/damaged_rows", test_damaged_rows);
    return g_test_run();
}
