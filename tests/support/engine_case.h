/* engine_case.h -- the prompts of ../shared/reference/engine and the engines they are for. */
#ifndef FIRE_TESTS_ENGINE_CASE_H
#define FIRE_TESTS_ENGINE_CASE_H

#include "model/session.h"
#include "support/tensors.h"

/* One forward-NAME.json with its tensors, and the model it speaks of. */
struct reference {
    char *name; /* "a-f32" */
    char *folder;
    json_t *file;
    struct tensors tensors;
};

/* False after g_test_skip where the reference is absent. */
bool reference_open(struct reference *reference, const char *name);
void reference_close(struct reference *reference);

/* Opens the reference's model; aborts the test on failure. */
struct engine *reference_engine(const struct reference *reference,
                                const struct engine_options *options);

size_t reference_n_cases(const struct reference *reference);
const json_t *reference_case(const struct reference *reference, size_t i);

/* The merged prompt of a case, its pictures encoded (or found in the engine's cache). Aborts the test on failure. */
void reference_prompt(struct sequence *prompt, struct engine *engine, const json_t *item);

/* Element i of an array of numbers. */
int json_int_at(const json_t *object, const char *key, size_t i);
double json_real_at(const json_t *object, const char *key, size_t i);
size_t json_length(const json_t *object, const char *key);

/* Aborts the test where the answer differs from the reference before the first step whose margin is below `margin`.
 * `key`: "greedy" or "greedy_bf16_compute"; margins under "greedy_margins...". Returns how many tokens were compared. */
size_t reference_check_greedy(const json_t *item, const char *key, const char *margins_key,
                              double margin, const struct session *session);

/* Steps until every session is idle. */
void run_sessions(struct engine *engine, struct session **sessions, size_t n_sessions);

/* max |x - y| / max |y| */
double relative_difference(const float *x, const float *y, size_t n);

/* Backend i of those that a test goes through: the reference and what the machine can. NULL where it cannot; past the end
 * (TEST_BACKENDS) there is none. The instruction set stays chosen until the next call. */
enum { TEST_BACKENDS = 4 };
const struct backend *test_backend(size_t i);
const char *test_backend_name(size_t i);

#endif
