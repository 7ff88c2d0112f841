/* time_engine.c -- time_engine FOLDER RUNS TASK... : how fast a model folder runs, one line of JSON a task.
 *
 *   load          opens the folder
 *   prefill:N     reads N tokens
 *   decode:S      S sessions answer together, DECODE_TOKENS each
 *   vision:T      the tower on T tiles
 *   dialogues     N_SAMPLES samples, two roles each, N_ROUNDS rounds, together, going on from what is computed
 *   singles       the same one after the other, each request from nothing
 *
 * A line holds the seconds of every run, the tokens (tiles, turns) of one run, and, measured between the runs, the seconds in
 * which as many threads read READ_BYTES in one forward stream each: what the machine could do at that moment. Options:
 * --weights, --compute and --memory as fire probe has them; threads by FIRE_THREADS. */
#include "base/rng.h"
#include "base/workers.h"
#include "cmd/engine_settings.h"
#include "model/big_block.h"
#include "model/session.h"
#include "model/vision.h"

#include <jansson.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum {
    DECODE_TOKENS = 32,
    N_SAMPLES = 8,
    N_ROUNDS = 3,
    PICTURE_TOKENS = 576,
    TEXT_TOKENS = 48,
    ANSWER_TOKENS = 64,
    MAX_SESSIONS = 64
};
#define READ_BYTES ((size_t)512 << 20)

struct bench {
    const char *folder;
    struct engine_options options;
    struct engine *engine;
    struct rng rng;
    unsigned char *stream; /* (READ_BYTES) */
    uint64_t *sums;        /* one a thread */
};

static void give_up(const GError *error)
{
    fprintf(stderr, "time_engine: %s\n", error->message);
    exit(1);
}

static double now_s(void)
{
    return (double)g_get_monotonic_time() * 1e-6;
}

typedef uint64_t wide __attribute__((vector_size(64)));

static void read_part(int task, int thread G_GNUC_UNUSED, void *user)
{
    struct bench *bench = user;
    size_t n = READ_BYTES / (size_t)workers_count(bench->engine->workers);
    const wide *at = (const wide *)(const void *)(bench->stream + (size_t)task * n);
    wide a = {0}, b = {0}, c = {0}, d = {0};
    for (size_t i = 0; i + 4 <= n / sizeof(wide); i += 4) {
        a += at[i];
        b += at[i + 1];
        c += at[i + 2];
        d += at[i + 3];
    }
    a += b + c + d;
    for (size_t i = 0; i < 8; i++)
        bench->sums[task] += a[i];
}

static double read_seconds(struct bench *bench)
{
    double start = now_s();
    workers_run(bench->engine->workers, workers_count(bench->engine->workers), read_part, bench);
    return now_s() - start;
}

static void add_tokens(struct bench *bench, struct sequence *sequence, int n)
{
    sequence->slots = g_renew(struct slot, sequence->slots, sequence->n_slots + n);
    for (int i = 0; i < n; i++)
        sequence->slots[sequence->n_slots++] = (struct slot){
            .token = (int)rng_below(&bench->rng, (uint64_t)bench->engine->config.text.vocab_size)};
}

static struct sequence make_prompt(struct bench *bench, int n)
{
    struct sequence prompt = {.pictures = g_ptr_array_new()};
    add_tokens(bench, &prompt, n);
    return prompt;
}

static void start(struct session *session, const struct sequence *prompt, int max_new)
{
    g_autoptr(GError) error = NULL;
    const struct session_request request = {.max_new = max_new};
    if (!session_start(session, prompt, &request, &error))
        give_up(error);
}

static void run_all(struct bench *bench, struct session **sessions, size_t n)
{
    while (engine_step(bench->engine, sessions, n) > 0)
        continue;
}

static double time_load(struct bench *bench, int n G_GNUC_UNUSED, int *n_tokens)
{
    g_autoptr(GError) error = NULL;
    double start_s = now_s();
    struct engine *engine = engine_open(bench->folder, &bench->options, &error);
    double seconds = now_s() - start_s;
    if (!engine)
        give_up(error);
    engine_close(engine);
    *n_tokens = 1;
    return seconds;
}

static double time_prefill(struct bench *bench, int n, int *n_tokens)
{
    struct sequence prompt = make_prompt(bench, n);
    struct session *session = session_new(bench->engine, -1);
    start(session, &prompt, 1);
    double start_s = now_s();
    run_all(bench, &session, 1);
    double seconds = now_s() - start_s;
    session_free(session);
    sequence_clear(&prompt);
    *n_tokens = n;
    return seconds;
}

static double time_decode(struct bench *bench, int n, int *n_tokens)
{
    struct session *sessions[MAX_SESSIONS] = {NULL};
    for (int i = 0; i < n; i++) {
        struct sequence prompt = make_prompt(bench, 16);
        sessions[i] = session_new(bench->engine, -1);
        start(sessions[i], &prompt, DECODE_TOKENS + 1);
        sequence_clear(&prompt);
    }
    engine_step(bench->engine, sessions, (size_t)n);
    double start_s = now_s();
    run_all(bench, sessions, (size_t)n);
    double seconds = now_s() - start_s;
    for (int i = 0; i < n; i++)
        session_free(sessions[i]);
    *n_tokens = n * DECODE_TOKENS;
    return seconds;
}

static double time_vision(struct bench *bench, int n, int *n_tokens)
{
    const struct vision_config *vision = &bench->engine->config.vision;
    if (!bench->engine->config.has_vision) {
        fputs("time_engine: the model has no tower\n", stderr);
        exit(1);
    }
    size_t n_pixels = (size_t)n * 3 * (size_t)vision->image_size * (size_t)vision->image_size;
    g_autofree float *pixels = g_new(float, n_pixels);
    g_autofree float *features =
        g_new(float, (size_t)n *(size_t)vision_patches(vision) * (size_t)vision->hidden_size);
    for (size_t i = 0; i < n_pixels; i++)
        pixels[i] = (float)(2 * rng_double(&bench->rng) - 1);
    double start_s = now_s();
    vision_encode(bench->engine, features, pixels, n);
    *n_tokens = n;
    return now_s() - start_s;
}

/* A role's prompt of its first round; later ones go on with its answer and more text. */
static void next_round(struct bench *bench, struct sequence *prompt, const struct session *session)
{
    prompt->slots = g_renew(struct slot, prompt->slots, session->n_slots);
    memcpy(prompt->slots, session->slots, (size_t)session->n_slots * sizeof *prompt->slots);
    prompt->n_slots = session->n_slots;
    add_tokens(bench, prompt, TEXT_TOKENS);
}

/* Students of all samples, then teachers of all samples, round after round: what a run of free dialogues asks for. */
static double time_turns(struct bench *bench, bool together, int *n_turns)
{
    struct sequence prompts[2 * N_SAMPLES];
    struct session *sessions[2 * N_SAMPLES] = {NULL};
    for (int i = 0; i < 2 * N_SAMPLES; i++)
        prompts[i] = make_prompt(bench, PICTURE_TOKENS + TEXT_TOKENS);
    double start_s = now_s();
    for (int round = 0; round < N_ROUNDS; round++)
        for (int role = 0; role < 2; role++) {
            struct session **of_role = sessions + role * N_SAMPLES;
            for (int i = 0; i < N_SAMPLES; i++) {
                if (!together)
                    g_clear_pointer(&of_role[i], session_free);
                if (!of_role[i])
                    of_role[i] = session_new(bench->engine, -1);
                start(of_role[i], &prompts[role * N_SAMPLES + i], ANSWER_TOKENS);
                if (!together)
                    run_all(bench, &of_role[i], 1);
            }
            if (together)
                run_all(bench, of_role, N_SAMPLES);
            for (int i = 0; i < N_SAMPLES; i++)
                next_round(bench, &prompts[role * N_SAMPLES + i], of_role[i]);
        }
    double seconds = now_s() - start_s;
    for (int i = 0; i < 2 * N_SAMPLES; i++) {
        session_free(sessions[i]);
        sequence_clear(&prompts[i]);
    }
    *n_turns = N_ROUNDS * 2 * N_SAMPLES;
    return seconds;
}

static double time_dialogues(struct bench *bench, int n G_GNUC_UNUSED, int *n_turns)
{
    return time_turns(bench, true, n_turns);
}

static double time_singles(struct bench *bench, int n G_GNUC_UNUSED, int *n_turns)
{
    return time_turns(bench, false, n_turns);
}

static const struct {
    const char *name;
    double (*run)(struct bench *bench, int n, int *n_tokens);
    int max;
} tasks[] = {{"load", time_load, 0},
             {"prefill", time_prefill, 1 << 20},
             {"decode", time_decode, MAX_SESSIONS},
             {"vision", time_vision, 64},
             {"dialogues", time_dialogues, 0},
             {"singles", time_singles, 0}};

static bool run_task(struct bench *bench, const char *text, int n_runs)
{
    g_auto(GStrv) parts = g_strsplit(text, ":", 2);
    gint64 n = 0;
    size_t i = 0;
    while (i < G_N_ELEMENTS(tasks) && strcmp(tasks[i].name, parts[0]) != 0)
        i++;
    if (i == G_N_ELEMENTS(tasks) || (tasks[i].max > 0) != (parts[1] != NULL) ||
        (parts[1] && !g_ascii_string_to_signed(parts[1], 10, 1, tasks[i].max, &n, NULL)))
        return false;
    json_t *seconds = json_array(), *reads = json_array();
    int n_tokens = 0;
    for (int run = 0; run < n_runs; run++) {
        json_array_append_new(reads, json_real(read_seconds(bench)));
        json_array_append_new(seconds, json_real(tasks[i].run(bench, (int)n, &n_tokens)));
    }
    json_t *line =
        json_pack("{s:s,s:i,s:o,s:I,s:o,s:I,s:i}", "task", text, "n", n_tokens, "seconds", seconds,
                  "read_bytes", (json_int_t)READ_BYTES, "read_seconds", reads, "weight_bytes",
                  (json_int_t)bench->engine->parameters.n_bytes, "threads",
                  workers_count(bench->engine->workers));
    json_dumpf(line, stdout, JSON_COMPACT);
    putchar('\n');
    fflush(stdout);
    json_decref(line);
    return true;
}

int main(int argc, char **argv)
{
    g_autoptr(GError) error = NULL;
    struct engine_settings settings = {0};
    struct bench bench = {.options = ENGINE_OPTIONS_INIT};
    g_autoptr(GArray) entries = g_array_new(TRUE, FALSE, sizeof(GOptionEntry));
    engine_settings_add(&settings, entries);
    g_autoptr(GOptionContext) context = g_option_context_new("FOLDER RUNS TASK...");
    g_option_context_add_main_entries(context, (GOptionEntry *)(void *)entries->data, NULL);
    if (!g_option_context_parse(context, &argc, &argv, &error) ||
        !engine_settings_resolve(&settings, &bench.options, &error))
        give_up(error);
    gint64 n_runs;
    if (argc < 4 || !g_ascii_string_to_signed(argv[2], 10, 1, 1000, &n_runs, NULL)) {
        fputs("usage: time_engine [OPTIONS] FOLDER RUNS TASK...\n", stderr);
        return 2;
    }
    bench.folder = argv[1];
    rng_init(&bench.rng, 1, 0);
    if (!(bench.engine = engine_open(bench.folder, &bench.options, &error)))
        give_up(error);
    if (!(bench.stream = big_block_new(READ_BYTES, "the stream to read", &error)))
        give_up(error);
    memset(bench.stream, 1, READ_BYTES);
    bench.sums = g_new0(uint64_t, workers_count(bench.engine->workers));
    for (int i = 3; i < argc; i++)
        if (!run_task(&bench, argv[i], (int)n_runs)) {
            fprintf(stderr, "time_engine: no task '%s'\n", argv[i]);
            return 2;
        }
    big_block_free(bench.stream, READ_BYTES);
    g_free(bench.sums);
    engine_close(bench.engine);
    engine_settings_clear(&settings);
    return 0;
}
