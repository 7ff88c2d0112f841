/* The store under SIGKILL and on a full disk: laws 1 and 2.
 *
 * A child plays a small run as the driver does: it asks student and teacher through recording
 * chats, puts each turn and ends each dialogue, and tells through a pipe what it did: "sent", when
 * a request reaches the model, "held", when its reply has come back, "turn" and "end". The parent
 * kills it, looks at what is left, and starts it again. What was told before the kill must be in
 * the run; what was held must never be sent again; and the end must equal an uninterrupted run. */
#include "support/fake_chat.h"
#include "support/faulty_vfs.h"
#include "support/run_fixture.h"
#include "support/support.h"

#include "base/error.h"
#include "base/json.h"
#include "base/rng.h"

#include <errno.h>
#include <signal.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

enum { N_SAMPLES = 30, N_ROUNDS = 3 };

static char *new_path(void)
{
    g_autofree char *folder = support_folder();
    return g_build_filename(folder, "r.db", NULL);
}

/* One side of the play. */
struct player {
    const char *role;
    struct fake_chat *fake;
    struct chat *chat;
    int tell_fd;
};

static void tell(int fd, const char *format, ...) G_GNUC_PRINTF(2, 3);

static void tell(int fd, const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    g_autofree char *line = g_strdup_vprintf(format, arguments);
    va_end(arguments);
    if (write(fd, line, strlen(line)) != (ssize_t)strlen(line)) /* short, so it is one piece */
        _exit(1);
}

static void on_send(const struct chat_request *request, void *user)
{
    const struct player *player = user;
    tell(player->tell_fd, "sent %s %s %d\n", request->sample_id, player->role, request->round);
}

static void player_init(struct player *player, struct store *store, const char *role, int tell_fd)
{
    player->role = role;
    player->tell_fd = tell_fd;
    player->fake = fake_chat_new();
    player->fake->on_send = on_send;
    player->fake->user = player;
    player->chat = store_record_chat(store, role, &player->fake->chat);
}

/* The texts have a length that makes them span pages now and then. */
static char *expected_text(const char *id, const char *role, int round)
{
    GString *text = g_string_new(NULL);
    for (int i = 0; i < 1 + round * 40; i++)
        g_string_append_printf(text, "%s %s %d;", role, id, round);
    return g_string_free(text, FALSE);
}

static char *ask(struct player *player, const char *id, int round, GError **error)
{
    g_autofree char *text = expected_text(id, player->role, round);
    const struct chat_message message = {CHAT_USER, id, false};
    const struct chat_request request = {
        .messages = &message, .n_messages = 1, .sample_id = id, .round = round};
    struct fake_result result;
    player->fake->reply.text = text;
    fake_chat_ask(player->chat, &request, &result);
    char *answer = NULL;
    if (result.outcome == CHAT_OK) {
        tell(player->tell_fd, "held %s %s %d\n", id, player->role, round);
        answer = g_steal_pointer(&result.text);
    } else {
        g_set_error_literal(error, FIRE_ERROR, FIRE_ERROR_IO, result.error);
    }
    fake_result_clear(&result);
    return answer;
}

static bool play_dialogue(struct store *store, struct player players[2], const char *id,
                          GError **error)
{
    for (int round = 1; round <= N_ROUNDS; round++) {
        struct turn turn = {.score = round};
        bool ok = (turn.response = ask(&players[0], id, round, error)) &&
                  (turn.feedback = ask(&players[1], id, round, error)) &&
                  store_put_turn(store, id, (size_t)round - 1, &turn, error);
        turn_clear(&turn);
        if (!ok)
            return false;
        tell(players[0].tell_fd, "turn %s - %d\n", id, round);
    }
    if (!store_end_dialogue(store, id, STOP_MAX_TURNS, N_ROUNDS, NULL, error))
        return false;
    tell(players[0].tell_fd, "end %s - 0\n", id);
    return true;
}

static bool add_samples(struct store *store, GError **error)
{
    bool ok = store_begin(store, error);
    for (size_t i = 1; ok && i <= N_SAMPLES; i++) {
        struct dialogue dialogue;
        g_autofree char *id = g_strdup_printf("s%zu", i);
        run_fixture_dialogue(&dialogue, id);
        ok = store_add_sample(store, i, 0, NULL, &dialogue, error);
        dialogue_clear(&dialogue);
    }
    return ok && store_commit(store, error);
}

/* Plays what is left of the run; false with the first error of the store's. */
static bool play(const char *path, int tell_fd, GError **error)
{
    struct player players[2];
    struct store *store = run_fixture_try_open(path, error);
    if (!store)
        return false;
    player_init(&players[0], store, "student", tell_fd);
    player_init(&players[1], store, "teacher", tell_fd);
    bool ok = add_samples(store, error);
    for (int i = 1; ok && i <= N_SAMPLES; i++) {
        g_autofree char *id = g_strdup_printf("s%d", i);
        if (store_dialogue_stop(store, id) == STOP_NONE)
            ok = play_dialogue(store, players, id, error);
    }
    if (!ok) { /* broken: nothing more is sent, and the error stays the same */
        g_autoptr(GError) again = NULL;
        int n_sent = players[0].fake->n_sent;
        g_assert_null(ask(&players[0], "s1", 9, NULL));
        g_assert_cmpint(players[0].fake->n_sent, ==, n_sent);
        g_assert_false(store_end_dialogue(store, "s1", STOP_FAILED, 0, NULL, &again));
        g_assert_cmpstr(again->message, ==, (*error)->message);
        g_assert_false(store_begin(store, NULL));
    }
    chat_free(players[0].chat);
    chat_free(players[1].chat);
    store_close(store);
    return ok;
}

/* What children told so far. */
struct told {
    GHashTable *held;  /* "s1 student 1" */
    GHashTable *turns; /* "s1 - 1" */
    GHashTable *ends;  /* "s1 - 0" */
    int n_lines;       /* of the last child */
};

static void told_init(struct told *told)
{
    told->held = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL);
    told->turns = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL);
    told->ends = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL);
    told->n_lines = 0;
}

static void told_clear(struct told *told)
{
    g_hash_table_destroy(told->held);
    g_hash_table_destroy(told->turns);
    g_hash_table_destroy(told->ends);
}

static void hear_line(struct told *told, const char *line)
{
    const char *what = strchr(line, ' ') + 1;
    told->n_lines++;
    if (g_str_has_prefix(line, "sent ")) {
        if (g_hash_table_contains(told->held, what))
            g_error("'%s' was sent again", what);
    } else if (g_str_has_prefix(line, "held ")) {
        g_hash_table_add(told->held, g_strdup(what));
    } else if (g_str_has_prefix(line, "turn ")) {
        g_hash_table_add(told->turns, g_strdup(what));
    } else {
        g_hash_table_add(told->ends, g_strdup(what));
    }
}

/* Reads lines until `n_lines` have come or the child is gone. */
static void hear(struct told *told, FILE *from, int n_lines)
{
    char line[200];
    while ((n_lines < 0 || told->n_lines < n_lines) && fgets(line, sizeof line, from)) {
        g_strchomp(line);
        hear_line(told, line);
    }
}

static pid_t start_child(const char *path, void (*prepare)(int64_t), int64_t n, FILE **from)
{
    int ends[2];
    g_assert_cmpint(pipe(ends), ==, 0);
    pid_t child = fork();
    g_assert_cmpint(child, >=, 0);
    if (child == 0) {
        close(ends[0]);
        if (prepare)
            prepare(n);
        _exit(play(path, ends[1], NULL) ? 0 : 1);
    }
    close(ends[1]);
    *from = fdopen(ends[0], "r");
    return child;
}

/* What the children told is there, and what is there is whole. */
struct seen {
    const struct told *told;
    guint n_held, n_turns, n_ends; /* of what was told */
};

static bool check_dialogue(size_t number G_GNUC_UNUSED, const struct dialogue *dialogue,
                           const char *failure, void *user)
{
    struct seen *seen = user;
    const char *id = dialogue->sample.id;
    g_assert_null(failure);
    for (size_t i = 0; i < dialogue->n_turns; i++) {
        const struct turn *turn = &dialogue->turns[i];
        g_autofree char *response = expected_text(id, "student", (int)i + 1);
        g_autofree char *feedback = expected_text(id, "teacher", (int)i + 1);
        g_autofree char *key = g_strdup_printf("%s - %zu", id, i + 1);
        g_assert_cmpstr(turn->response, ==, response);
        g_assert_cmpstr(turn->feedback, ==, feedback);
        g_assert_cmpfloat(turn->score, ==, (double)(i + 1));
        seen->n_turns += g_hash_table_contains(seen->told->turns, key);
    }
    if (dialogue->stop != STOP_NONE) {
        g_autofree char *key = g_strdup_printf("%s - 0", id);
        g_assert_cmpint(dialogue->stop, ==, STOP_MAX_TURNS);
        g_assert_cmpuint(dialogue->n_turns, ==, N_ROUNDS);
        seen->n_ends += g_hash_table_contains(seen->told->ends, key);
    }
    return true;
}

static void check_reply(struct seen *seen, const char *role, const char *id, int round,
                        enum chat_outcome outcome, const char *text)
{
    g_autofree char *expected = expected_text(id, role, round);
    g_autofree char *key = g_strdup_printf("%s %s %d", id, role, round);
    g_assert_cmpint(outcome, ==, CHAT_OK);
    g_assert_cmpstr(text, ==, expected);
    seen->n_held += g_hash_table_contains(seen->told->held, key);
}

static bool check_student(size_t number G_GNUC_UNUSED, const char *id, int round,
                          int attempt G_GNUC_UNUSED, enum chat_outcome outcome, const char *text,
                          void *user)
{
    check_reply(user, "student", id, round, outcome, text);
    return true;
}

static bool check_teacher(size_t number G_GNUC_UNUSED, const char *id, int round,
                          int attempt G_GNUC_UNUSED, enum chat_outcome outcome, const char *text,
                          void *user)
{
    check_reply(user, "teacher", id, round, outcome, text);
    return true;
}

/* A reader on the run as it is: also beside its writer, also after a kill. */
static void check_run(const char *path, const struct told *told)
{
    g_autoptr(GError) error = NULL;
    struct seen seen = {.told = told};
    struct store *store = store_open_readonly(path, &error);
    if (!store) { /* killed before there was a run */
        g_assert_cmpuint(g_hash_table_size(told->held), ==, 0);
        g_assert_nonnull(strstr(error->message, "holds no run yet"));
        return;
    }
    g_assert_true(store_foreach_dialogue(store, check_dialogue, &seen, NULL));
    g_assert_true(store_foreach_reply(store, "student", check_student, &seen, NULL));
    g_assert_true(store_foreach_reply(store, "teacher", check_teacher, &seen, NULL));
    g_assert_cmpuint(seen.n_held, ==, g_hash_table_size(told->held));
    g_assert_cmpuint(seen.n_turns, ==, g_hash_table_size(told->turns));
    g_assert_cmpuint(seen.n_ends, ==, g_hash_table_size(told->ends));
    store_close(store);
}

static char *read_run(const char *path)
{
    struct store *store = store_open_readonly(path, NULL);
    char *text = run_fixture_dump(store);
    store_close(store);
    return text;
}

/* Lets a child finish the run. */
static void finish(const char *path, struct told *told)
{
    int status;
    FILE *from;
    pid_t child = start_child(path, NULL, 0, &from);
    told->n_lines = 0;
    hear(told, from, -1);
    fclose(from);
    g_assert_cmpint(waitpid(child, &status, 0), ==, child);
    g_assert_cmpint(status, ==, 0);
    check_run(path, told);
    run_fixture_check_integrity(path);
}

static char *uninterrupted(void)
{
    g_autofree char *path = new_path();
    struct told told;
    told_init(&told);
    finish(path, &told);
    g_assert_cmpuint(g_hash_table_size(told.held), ==, N_SAMPLES * N_ROUNDS * 2);
    g_assert_cmpuint(g_hash_table_size(told.turns), ==, N_SAMPLES * N_ROUNDS);
    told_clear(&told);
    return read_run(path);
}

/* 50 kills at random moments, spread over one run. */
static void test_kill_at_random(void)
{
    g_autofree char *expected = uninterrupted(), *path = new_path();
    const int n_lines = N_SAMPLES * (N_ROUNDS * 5 + 1);
    struct rng rng;
    struct told told;
    rng_init(&rng, 7, 0);
    told_init(&told);
    for (int i = 0; i < 50; i++) {
        int status;
        FILE *from;
        pid_t child = start_child(path, NULL, 0, &from);
        told.n_lines = 0;
        hear(&told, from, 1 + (int)rng_below(&rng, (uint64_t)n_lines / 25));
        if (i % 5 == 0)
            check_run(path, &told);
        g_usleep((gulong)rng_below(&rng, 300));
        kill(child, SIGKILL);
        hear(&told, from, -1);
        fclose(from);
        g_assert_cmpint(waitpid(child, &status, 0), ==, child);
        check_run(path, &told);
        run_fixture_check_integrity(path);
    }
    finish(path, &told);
    g_autofree char *text = read_run(path);
    g_assert_cmpstr(text, ==, expected);
    told.n_lines = 0;
    finish(path, &told); /* a finished run has nothing left to do */
    g_assert_cmpint(told.n_lines, ==, 0);
    told_clear(&told);
}

static void kill_at_write(int64_t i_write)
{
    faulty_vfs_install(FAULT_KILL, i_write);
}

/* Kills in the midst of a write, at the i-th of each start, so at every kind of write there is:
 * making the tables, adding samples, a reply, a turn, an end, a checkpoint at close. */
static void test_kill_within_write(void)
{
    g_autofree char *expected = uninterrupted(), *path = new_path();
    struct told told;
    int n_killed = 0, status = -1;
    told_init(&told);
    for (int64_t i = 0; status != 0; i += i < 45 ? 1 : 13) {
        FILE *from;
        pid_t child = start_child(path, kill_at_write, i, &from);
        told.n_lines = 0;
        hear(&told, from, -1);
        fclose(from);
        g_assert_cmpint(waitpid(child, &status, 0), ==, child);
        g_assert_true(status == 0 || (WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL));
        n_killed += status != 0;
        check_run(path, &told);
        run_fixture_check_integrity(path);
    }
    g_assert_cmpint(n_killed, >=, 50);
    finish(path, &told);
    g_autofree char *text = read_run(path);
    g_assert_cmpstr(text, ==, expected);
    told_clear(&told);
}

/* Plays in a child until the disk is full; checks the error line there. */
static void play_until_full(const char *path, struct told *told, void (*prepare)(int64_t),
                            int64_t n, const char *cause)
{
    int ends[2], status;
    g_assert_cmpint(pipe(ends), ==, 0);
    pid_t child = fork();
    g_assert_cmpint(child, >=, 0);
    if (child == 0) {
        g_autoptr(GError) error = NULL;
        g_autofree char *line = g_strdup_printf("cannot write '%s': %s", path, cause);
        close(ends[0]);
        prepare(n);
        if (play(path, ends[1], &error))
            _exit(2);
        g_assert_cmpint(error->code, ==, FIRE_ERROR_IO);
        g_assert_cmpstr(error->message, ==, line);
        _exit(0);
    }
    close(ends[1]);
    FILE *from = fdopen(ends[0], "r");
    told->n_lines = 0;
    hear(told, from, -1);
    fclose(from);
    g_assert_cmpint(waitpid(child, &status, 0), ==, child);
    g_assert_cmpint(status, ==, 0);
    check_run(path, told);
    run_fixture_check_integrity(path);
}

static void fill_at_write(int64_t i_write)
{
    faulty_vfs_install(FAULT_FULL, i_write);
}

/* A disk that is full at the i-th write, then has room again. */
static void test_full_disk(void)
{
    g_autofree char *expected = uninterrupted();
    for (int64_t i = 0; i < 300; i += i < 30 ? 1 : 17) {
        g_autofree char *path = new_path();
        struct told told;
        told_init(&told);
        play_until_full(path, &told, fill_at_write, i, "database or disk is full");
        finish(path, &told);
        g_autofree char *text = read_run(path);
        g_assert_cmpstr(text, ==, expected);
        told_clear(&told);
    }
}

static void limit_file_size(int64_t n_bytes)
{
    struct rlimit limit = {(rlim_t)n_bytes, (rlim_t)n_bytes};
    signal(SIGXFSZ, SIG_IGN);
    g_assert_cmpint(setrlimit(RLIMIT_FSIZE, &limit), ==, 0);
}

/* The same with the system's own refusal. */
static void test_file_size_limit(void)
{
    g_autofree char *path = new_path();
    struct told told;
    told_init(&told);
    play_until_full(path, &told, limit_file_size, 300000, "disk I/O error");
    g_assert_cmpuint(g_hash_table_size(told.turns), >, 0);
    finish(path, &told);
    told_clear(&told);
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/store/kill_at_random", test_kill_at_random);
    g_test_add_func("/store/kill_within_write", test_kill_within_write);
    g_test_add_func("/store/full_disk", test_full_disk);
    g_test_add_func("/store/file_size_limit", test_file_size_limit);
    return g_test_run();
}
