#include "support/run_fixture.h"

#include "base/json.h"

#include <sqlite3.h>

struct store *run_fixture_try_open(const char *path, GError **error)
{
    g_autoptr(json_t) settings = json_pack("{ssss}", "student", "a", "temperature", "0");
    g_autoptr(json_t) options = json_pack("{ss}", "jobs", "16");
    const struct run_identity identity = {"bench free", settings, "p-hash", "d-hash", options};
    return store_open(path, &identity, error);
}

struct store *run_fixture_open(const char *path)
{
    g_autoptr(GError) error = NULL;
    struct store *store = run_fixture_try_open(path, &error);
    g_assert_no_error(error);
    g_assert_nonnull(store);
    return store;
}

void run_fixture_dialogue(struct dialogue *dialogue, const char *id)
{
    *dialogue = (struct dialogue){0};
    dialogue->sample.id = g_strdup(id);
    dialogue->sample.source = g_strdup("vqav2");
    dialogue->sample.question = g_strdup_printf("Q %s", id);
    dialogue->sample.answer = g_strdup_printf("A %s", id);
}

void run_fixture_add(struct store *store, size_t n_samples)
{
    g_autoptr(GError) error = NULL;
    g_assert_true(store_begin(store, &error));
    for (size_t i = 1; i <= n_samples; i++) {
        struct dialogue dialogue;
        g_autofree char *id = g_strdup_printf("s%zu", i);
        run_fixture_dialogue(&dialogue, id);
        g_assert_true(store_add_sample(store, i, 0, NULL, &dialogue, &error));
        dialogue_clear(&dialogue);
    }
    g_assert_true(store_commit(store, &error));
    g_assert_no_error(error);
}

struct turn run_fixture_turn(const char *response, const char *feedback, double score)
{
    return (struct turn){g_strdup(response), g_strdup(feedback), score, NULL};
}

static bool dump_dialogue(size_t number, const struct dialogue *dialogue, const char *failure,
                          void *user)
{
    g_autoptr(json_t) object = dialogue_to_json(dialogue);
    g_autofree char *text = json_print(object);
    g_string_append_printf(user, "%zu %s %s\n", number, text, failure ? failure : "-");
    return true;
}

static bool dump_reply(size_t number, const char *sample_id, int round, int attempt,
                       enum chat_outcome outcome, const char *text, void *user)
{
    g_string_append_printf(user, "%zu %s %d %d %s '%s'\n", number, sample_id, round, attempt,
                           chat_outcome_name(outcome), text);
    return true;
}

char *run_fixture_dump(struct store *store)
{
    g_autoptr(GError) error = NULL;
    GString *out = g_string_new(NULL);
    store_foreach_dialogue(store, dump_dialogue, out, &error);
    g_assert_no_error(error);
    store_foreach_reply(store, "student", dump_reply, out, &error);
    g_assert_no_error(error);
    store_foreach_reply(store, "teacher", dump_reply, out, &error);
    g_assert_no_error(error);
    return g_string_free(out, FALSE);
}

static int expect_ok(void *unused G_GNUC_UNUSED, int n_columns, char **values,
                     char **names G_GNUC_UNUSED)
{
    g_assert_cmpint(n_columns, ==, 1);
    g_assert_cmpstr(values[0], ==, "ok");
    return 0;
}

static int expect_nothing(void *unused G_GNUC_UNUSED, int n_columns G_GNUC_UNUSED, char **values,
                          char **names G_GNUC_UNUSED)
{
    g_error("a row of '%s' points nowhere", values[0]);
    return 1;
}

void run_fixture_check_integrity(const char *path)
{
    sqlite3 *db;
    g_assert_cmpint(sqlite3_open_v2(path, &db, SQLITE_OPEN_READWRITE, NULL), ==, SQLITE_OK);
    g_assert_cmpint(sqlite3_exec(db, "PRAGMA integrity_check", expect_ok, NULL, NULL), ==,
                    SQLITE_OK);
    g_assert_cmpint(sqlite3_exec(db, "PRAGMA foreign_key_check", expect_nothing, NULL, NULL), ==,
                    SQLITE_OK);
    sqlite3_close(db);
}
