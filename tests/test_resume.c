/* The second law, on the whole program: a run killed with SIGKILL at 50 random points, at half of them in the midst of a write
 * to its database, goes on each time, asks nothing again that it had recorded, and ends with the same tables and dialogues
 * as a run that nobody interrupted.
 *
 * The points are counts of requests that the server has answered, so they are spread over the run whatever the machine. */
#include "base/json.h"
#include "base/rng.h"
#include "support/fake.h"
#include "support/support.h"

#include <fcntl.h>
#include <glib/gstdio.h>
#include <signal.h>
#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

enum {
    N_SAMPLES = 60,
    N_KILLS = 50,
    LATENCY_MS = 60,
    JOBS = 4,     /* of the uninterrupted run */
    MAX_JOBS = 6, /* of the others: each session has its own number */
    MIN_RUN_MS = 5000,
};

/* The server's log as it grows. */
struct log {
    FILE *stream;
    int n_lines;
    GHashTable *keys; /* of all lines since it was emptied: key -> number of lines */
};

struct test {
    struct fake *fake;
    struct rng rng;
    struct log log;
    char *folder, *data, *images;
    char *db, *order; /* of the interrupted run */
    int n_allowed;    /* requests that may come again: those in flight at a kill */
    int n_torn;
};

/* A call has one key in the log and in the database: "student s7 2". */
static char *key_of_line(const json_t *line)
{
    const json_t *texts = json_object_get(line, "texts");
    const char *question = json_string_value(json_array_get(json_array_get(texts, 0), 1));
    const char *mark = strstr(question, "What is thing ");
    int n_user = 0;
    size_t i;
    json_t *text;
    g_assert_nonnull(mark);
    json_array_foreach (texts, i, text)
        n_user += g_strcmp0(json_string_value(json_array_get(text, 0)), "user") == 0;
    return g_strdup_printf("%s s%d %d", json_string_value(json_object_get(line, "model")),
                           (int)g_ascii_strtoll(mark + strlen("What is thing "), NULL, 10), n_user);
}

/* Reads what the server has written since the last time. */
static void log_read(struct log *log)
{
    g_autoptr(GString) text = g_string_new(NULL);
    for (int byte; (byte = getc(log->stream)) != EOF;) {
        if (byte != '\n') {
            g_string_append_c(text, (char)byte);
            continue;
        }
        g_autoptr(json_t) line = json_loadb(text->str, text->len, 0, NULL);
        char *key = key_of_line(line);
        int n = GPOINTER_TO_INT(g_hash_table_lookup(log->keys, key));
        g_hash_table_insert(log->keys, key, GINT_TO_POINTER(n + 1));
        log->n_lines++;
        g_string_truncate(text, 0);
    }
    clearerr(log->stream);
    /* A line that is still being written is read again from its beginning. */
    fseek(log->stream, -(long)text->len, SEEK_CUR);
}

static void write_samples(const char *path)
{
    g_autoptr(GString) lines = g_string_new(NULL);
    for (int i = 1; i <= N_SAMPLES; i++)
        g_string_append_printf(lines,
                               "{\"id\":\"s%d\",\"source\":\"src%d\",\"image\":%s,"
                               "\"question\":\"What is thing %d?\",\"answer\":\"%d\"}\n",
                               i, i % 3, i % 2 ? "null" : "\"rgb_progressive.jpg\"", i, i);
    g_assert_true(g_file_set_contents(path, lines->str, -1, NULL));
}

/* Starts the same command as ever. */
static GPid start(const struct test *test, const char *db, int jobs)
{
    g_autofree char *student = g_strdup_printf("%s#student", fake_url(test->fake));
    g_autofree char *teacher = g_strdup_printf("%s#teacher", fake_url(test->fake));
    g_autofree char *n_jobs = g_strdup_printf("--jobs=%d", jobs);
    g_autofree char *library = g_build_filename(g_getenv("FIRE_TOOLS"), "torn_write.so", NULL);
    char *const args[] = {(char *)g_getenv("FIRE"),
                          (char *)"bench",
                          (char *)"free",
                          (char *)"--student",
                          student,
                          (char *)"--teacher",
                          teacher,
                          test->data,
                          (char *)"--images",
                          test->images,
                          (char *)"--run",
                          (char *)db,
                          (char *)"--resamples=50",
                          n_jobs,
                          NULL};
    g_auto(GStrv) environment = g_get_environ();
    g_autofree char *asan = g_strdup_printf(
        "%s:verify_asan_link_order=0", g_getenv("ASAN_OPTIONS") ? g_getenv("ASAN_OPTIONS") : "");
    environment = g_environ_setenv(environment, "ASAN_OPTIONS", asan, TRUE);
    environment = g_environ_setenv(environment, "LD_PRELOAD", library, TRUE);
    environment = g_environ_setenv(environment, "TORN_WRITE_PATH", test->db, TRUE);
    environment = g_environ_setenv(environment, "TORN_WRITE_ORDER", test->order, TRUE);
    g_autofree char *said = g_build_filename(test->folder, "said", NULL);
    int fd = open(said, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
    GPid pid;
    g_autoptr(GError) error = NULL;
    g_spawn_async_with_fds(NULL, (char **)args, environment, G_SPAWN_DO_NOT_REAP_CHILD, NULL, NULL,
                           &pid, -1, fd, fd, &error);
    g_assert_no_error(error);
    close(fd);
    return pid;
}

static void run_to_its_end(const struct test *test, const char *db)
{
    int status;
    GPid pid = start(test, db, JOBS);
    g_assert_cmpint(waitpid(pid, &status, 0), ==, pid);
    g_autofree char *said = g_build_filename(test->folder, "said", NULL), *text = NULL;
    g_file_get_contents(said, &text, NULL, NULL);
    if (!WIFEXITED(status) || WEXITSTATUS(status) != 0)
        g_error("the run ended with status %d: %s", status, text);
}

static void copy_file(const char *from, const char *to)
{
    g_autofree char *bytes = NULL;
    gsize n_bytes;
    g_remove(to);
    if (g_file_get_contents(from, &bytes, &n_bytes, NULL))
        g_assert_true(g_file_set_contents(to, bytes, (gssize)n_bytes, NULL));
}

/* The keys of the calls that the killed run holds, read from a copy, so that nothing is mended on the way. */
static GHashTable *read_recorded(const struct test *test)
{
    static const char query[] =
        "SELECT role || ' ' || samples.id || ' ' || round FROM calls JOIN samples"
        " ON samples.number = calls.sample WHERE outcome = 'ok'";
    GHashTable *keys = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL);
    g_autofree char *copy = g_build_filename(test->folder, "copy.db", NULL);
    g_autofree char *log = g_strconcat(test->db, "-wal", NULL),
                    *log_copy = g_strconcat(copy, "-wal", NULL),
                    *shm_copy = g_strconcat(copy, "-shm", NULL);
    sqlite3 *db;
    sqlite3_stmt *rows;
    g_remove(shm_copy);
    copy_file(test->db, copy);
    copy_file(log, log_copy);
    g_assert_cmpint(sqlite3_open(copy, &db), ==, SQLITE_OK);
    g_assert_cmpint(sqlite3_prepare_v2(db, "PRAGMA integrity_check", -1, &rows, NULL), ==,
                    SQLITE_OK);
    g_assert_cmpint(sqlite3_step(rows), ==, SQLITE_ROW);
    g_assert_cmpstr((const char *)sqlite3_column_text(rows, 0), ==, "ok");
    sqlite3_finalize(rows);
    /* A run killed before its tables were made has none. */
    if (sqlite3_prepare_v2(db, query, -1, &rows, NULL) == SQLITE_OK) {
        while (sqlite3_step(rows) == SQLITE_ROW)
            g_hash_table_add(keys, g_strdup((const char *)sqlite3_column_text(rows, 0)));
        sqlite3_finalize(rows);
    }
    sqlite3_close(db);
    return keys;
}

/* Waits until the server has answered `n` requests; the run must not end before. */
static void wait_for_lines(struct test *test, GPid pid, int n)
{
    for (int i = 0; test->log.n_lines < n; i++) {
        int status;
        if (waitpid(pid, &status, WNOHANG) == pid) {
            g_autofree char *said = g_build_filename(test->folder, "said", NULL), *text = NULL;
            g_file_get_contents(said, &text, NULL, NULL);
            g_error("the run ended by itself (status %d) at request %d: %s", status,
                    test->log.n_lines, text);
        }
        g_assert_cmpint(i, <, 60000);
        g_usleep(1000);
        log_read(&test->log);
    }
}

/* Some moment after the point: at once, or within two requests' time. */
static void kill_some_time(struct test *test, GPid pid)
{
    g_usleep(rng_below(&test->rng, 2 * LATENCY_MS * 1000 / JOBS));
    kill(pid, SIGKILL);
}

/* The program kills itself in one of the next writes; a turn takes some ten of them. */
static void kill_in_write(struct test *test)
{
    g_autofree char *n = g_strdup_printf("%d", 1 + (int)rng_below(&test->rng, 12));
    g_autofree char *draft = g_strconcat(test->order, ".new", NULL);
    g_assert_true(g_file_set_contents(draft, n, -1, NULL));
    g_assert_cmpint(g_rename(draft, test->order), ==, 0);
}

/* One session: goes on with the run up to the point, and dies. */
static void session(struct test *test, int n_lines, bool in_write)
{
    int jobs = 1 + (int)rng_below(&test->rng, MAX_JOBS), status;
    g_autoptr(GHashTable) recorded = read_recorded(test);
    g_hash_table_remove_all(test->log.keys);
    GPid pid = start(test, test->db, jobs);
    wait_for_lines(test, pid, n_lines);
    if (in_write)
        kill_in_write(test);
    else
        kill_some_time(test, pid);
    g_assert_cmpint(waitpid(pid, &status, 0), ==, pid);
    g_assert_true(WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL);
    if (in_write)
        g_assert_false(g_file_test(test->order, G_FILE_TEST_EXISTS));
    test->n_torn += in_write;
    test->n_allowed += jobs;
    log_read(&test->log);
    GHashTableIter iter;
    gpointer key;
    g_hash_table_iter_init(&iter, test->log.keys);
    while (g_hash_table_iter_next(&iter, &key, NULL))
        if (g_hash_table_contains(recorded, key))
            g_error("'%s' was recorded and asked again", (const char *)key);
}

static char *output_of(const char *command, const char *db, const char *option)
{
    const char *args[] = {g_getenv("FIRE"), command, db, option, NULL, NULL};
    if (strcmp(command, "export") == 0) {
        args[3] = "-o";
        args[4] = "-";
    }
    char *out = NULL;
    int status;
    g_autoptr(GError) error = NULL;
    g_spawn_sync(NULL, (char **)args, NULL, G_SPAWN_STDERR_TO_DEV_NULL, NULL, NULL, &out, NULL,
                 &status, &error);
    g_assert_no_error(error);
    g_assert_cmpint(status, ==, 0);
    return out;
}

/* The JSON tables without the path and the times. */
static char *tables_of(const char *db)
{
    static const char *const own[] = {"path", "started", "sessions", "options"};
    g_autofree char *text = output_of("rescore", db, "--json");
    g_autoptr(json_t) object = json_loads(text, 0, NULL);
    g_assert_nonnull(object);
    for (size_t i = 0; i < G_N_ELEMENTS(own); i++)
        g_assert_cmpint(json_object_del(json_object_get(object, "run"), own[i]), ==, 0);
    char *sorted = json_dumps(object, JSON_SORT_KEYS | JSON_INDENT(1));
    char *copy = g_strdup(sorted);
    free(sorted);
    return copy;
}

static int compare_ints(const void *a, const void *b)
{
    return *(const int *)a - *(const int *)b;
}

/* Points in increasing order, from the start to a little before the end. */
static void draw_points(struct test *test, int points[N_KILLS], int n_requests)
{
    for (int i = 0; i < N_KILLS; i++)
        points[i] = (int)rng_below(&test->rng, (uint64_t)n_requests * 95 / 100);
    qsort(points, N_KILLS, sizeof *points, compare_ints);
}

static void compare_runs(const char *whole, const char *killed)
{
    g_autofree char *a = output_of("export", whole, NULL), *b = output_of("export", killed, NULL);
    g_assert_cmpstr(a, ==, b);
    g_autofree char *c = tables_of(whole), *d = tables_of(killed);
    g_assert_cmpstr(c, ==, d);
    g_autofree char *e = output_of("rescore", whole, "--resamples=50"),
                    *f = output_of("rescore", killed, "--resamples=50");
    g_assert_cmpstr(e, ==, f);
}

static void test_kill(void)
{
    g_autofree char *latency = g_strdup_printf("--latency-ms=%d", LATENCY_MS);
    const char *const options[] = {latency, "--log-texts", NULL};
    if (!g_getenv("FIRE") || !g_getenv("FIRE_TOOLS")) {
        g_test_skip("$FIRE or $FIRE_TOOLS is not set: run by `make check`");
        return;
    }
    struct test test = {.fake = fake_start(options), .folder = support_folder()};
    int points[N_KILLS];
    rng_init(&test.rng, 1, 0);
    test.data = g_build_filename(test.folder, "samples.jsonl", NULL);
    test.images = support_data("images");
    test.db = g_build_filename(test.folder, "killed.db", NULL);
    test.order = g_build_filename(test.folder, "order", NULL);
    test.log.keys = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL);
    write_samples(test.data);

    g_autofree char *whole = g_build_filename(test.folder, "whole.db", NULL);
    run_to_its_end(&test, whole);
    test.log.stream = fopen(fake_log_path(test.fake), "r");
    log_read(&test.log);
    int n_requests = test.log.n_lines;
    g_assert_cmpint(n_requests * LATENCY_MS / JOBS, >=, MIN_RUN_MS);
    g_assert_cmpuint(g_hash_table_size(test.log.keys), ==, n_requests);

    draw_points(&test, points, n_requests);
    for (int i = 0; i < N_KILLS; i++)
        session(&test, n_requests + points[i], i % 2 == 0);
    run_to_its_end(&test, test.db);
    log_read(&test.log);
    compare_runs(whole, test.db);
    int n_again = test.log.n_lines - 2 * n_requests;
    g_test_message("%d requests, %d kills, %d of them in a write, %d requests asked again",
                   n_requests, N_KILLS, test.n_torn, n_again);
    g_assert_cmpint(n_again, >=, 0);
    g_assert_cmpint(n_again, <=, test.n_allowed);

    fclose(test.log.stream);
    g_hash_table_unref(test.log.keys);
    fake_stop(test.fake);
    g_free(test.folder);
    g_free(test.data);
    g_free(test.images);
    g_free(test.db);
    g_free(test.order);
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/resume/kill", test_kill);
    return g_test_run();
}
