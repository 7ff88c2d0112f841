/* run_fixture.h -- small runs for the tests of the store. */
#ifndef FIRE_TESTS_RUN_FIXTURE_H
#define FIRE_TESTS_RUN_FIXTURE_H

#include "store/store.h"

/* Opens or makes a run with fixed options; aborts the test where it cannot. */
struct store *run_fixture_open(const char *path);

/* The same, but hands the error back. */
struct store *run_fixture_try_open(const char *path, GError **error);

/* The dialogue of a sample without turns: id `id`, question "Q ID", answer "A ID". */
void run_fixture_dialogue(struct dialogue *dialogue, const char *id);

/* Adds samples "s1" ... "sN". */
void run_fixture_add(struct store *store, size_t n_samples);

/* A turn with these texts and this score (NAN: none). */
struct turn run_fixture_turn(const char *response, const char *feedback, double score);

/* Everything that dialogues and replies hold, as text, for comparison. Free with g_free. */
char *run_fixture_dump(struct store *store);

/* Asserts that SQLite finds nothing wrong with the file and its foreign keys. */
void run_fixture_check_integrity(const char *path);

#endif
