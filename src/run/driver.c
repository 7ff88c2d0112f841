/* driver.c -- the pump: keeps `n_jobs` samples at work until all have ended.
 *
 *   pending --start--> at work --unit_ended--> ended
 *
 * Stops: SIGINT or SIGTERM once: no new request is sent and no failed one tried again, those on the wire are waited for and
 * stored; twice: all are cancelled. A store that cannot be written, a picture that is not the one the run began with, and a
 * model that answers nothing stop it with an error; what had ended stays.
 *
 * Invariants: (1) at most n_jobs units exist; (2) a unit is freed exactly once, after its end; (3) a sample is started at
 * most once, and only if it had not ended or had failed, so nothing finished is asked again. */
#include "run/driver.h"

#include "base/error.h"
#include "base/log.h"
#include "run/load.h"
#include "run/watch.h"

#include <glib-unix.h>
#include <signal.h>
#include <string.h>

/* A model is given up when this many calls in a row (or n_jobs twice over, if that is more) have failed by its own fault:
 * so many do not fail by chance, and each has had its retries. */
#define MIN_FAILURES_IN_A_ROW 20

/* After so many failed dialogues only their number is told, at the end. */
#define MAX_FAILURE_LINES 20

struct driver {
    struct driver_options options; /* with the watched chats in place of the given ones */
    struct watch watches[2];
    struct driver_result *result;
    GMainLoop *loop;
    GPtrArray *units; /* at work */
    GArray *pending;  /* numbers (size_t) of the samples to run */
    guint next;       /* index in pending */
    bool stopping;
    bool told_final; /* that a model answers nothing any more */
    bool gave_up;    /* `error` is set */
    GError *error;
    struct progress_state state;
};

const struct driver_options *driver_get_options(const struct driver *driver)
{
    return &driver->options;
}

const bool *driver_get_stopping(const struct driver *driver)
{
    return &driver->stopping;
}

static void cancel_all(struct driver *driver)
{
    driver->stopping = true;
    for (guint i = 0; i < driver->units->len; i++)
        driver->options.setting->cancel(driver->units->pdata[i]);
}

/* Nothing more is sent; what is on the wire is waited for. */
static void finish_all(struct driver *driver)
{
    driver->stopping = true;
    for (size_t i = 0; i < G_N_ELEMENTS(driver->watches); i++)
        chat_finish(driver->watches[i].chat);
}

static void give_up(struct driver *driver, GError *error)
{
    if (driver->gave_up) {
        g_error_free(error);
        return;
    }
    driver->gave_up = true;
    driver->error = error;
    finish_all(driver);
}

static gboolean on_signal(gpointer user)
{
    struct driver *driver = user;
    driver->result->interrupted = true;
    if (driver->stopping) {
        cancel_all(driver);
    } else {
        log_info("stopping when the requests in flight are answered; once more stops at once");
        finish_all(driver);
        if (driver->units->len == 0)
            g_main_loop_quit(driver->loop);
    }
    return G_SOURCE_CONTINUE;
}

static void unit_free(struct unit *unit)
{
    if (unit->task)
        unit->driver->options.setting->free(unit);
    if (unit->image) {
        struct chat_image *image = (struct chat_image *)unit->image;
        g_bytes_unref(image->bytes);
        g_free(image->digest);
        g_free(image);
    }
    dialogue_clear(&unit->dialogue);
    g_free(unit);
}

/* The sample's picture as a model is shown it. It must be the one that the run began with: a run over two sets of pictures
 * would measure neither. */
static struct chat_image *load_image(struct driver *driver, const struct sample *sample, int i_file,
                                     const char *digest, GError **error)
{
    const struct driver_options *options = &driver->options;
    struct wire_image wire;
    if (!load_picture(&wire, sample, options->files[i_file], options->images, error))
        return NULL;
    if (digest && strcmp(digest, wire.digest) != 0) {
        g_set_error(error, FIRE_ERROR, FIRE_ERROR_USAGE,
                    "picture '%s' is not the one that the run began with", sample->image);
        wire_image_clear(&wire);
        return NULL;
    }
    struct chat_image *image = g_new0(struct chat_image, 1);
    *image = (struct chat_image){
        .digest = g_strdup(wire.digest), .mime = wire.mime, .bytes = g_bytes_ref(wire.bytes)};
    wire_image_clear(&wire);
    return image;
}

static bool load_unit(struct unit *unit, size_t number, GError **error)
{
    g_autofree char *digest = NULL;
    int i_file;
    struct driver *driver = unit->driver;
    if (!store_get_sample(driver->options.store, number, &unit->dialogue, &i_file, &digest, error))
        return false;
    const struct sample *sample = &unit->dialogue.sample;
    if (!sample->image)
        return true;
    unit->image = load_image(driver, sample, i_file, digest, error);
    if (!unit->image)
        g_prefix_error(error, "sample '%s': ", sample->id);
    return unit->image != NULL;
}

static void start_next(struct driver *driver)
{
    GError *error = NULL;
    struct unit *unit = g_new0(struct unit, 1);
    unit->driver = driver;
    if (!load_unit(unit, g_array_index(driver->pending, size_t, driver->next++), &error)) {
        unit_free(unit);
        give_up(driver, error);
        return;
    }
    g_ptr_array_add(driver->units, unit);
    driver->options.setting->start(unit);
}

static void fill(struct driver *driver)
{
    while (!driver->stopping && driver->next < driver->pending->len &&
           driver->units->len < (guint)driver->options.n_jobs)
        start_next(driver);
    driver->state.in_flight = (int)driver->units->len;
    if (driver->units->len == 0)
        g_main_loop_quit(driver->loop);
}

/* One line a dialogue, but one alone where a model has said that it answers nothing any more. */
static void tell_failure(struct driver *driver, const struct sample *sample, const char *failure)
{
    bool final = driver->watches[0].final || driver->watches[1].final;
    bool told = driver->told_final;
    driver->told_final = final;
    if (++driver->state.failed <= MAX_FAILURE_LINES && !(final && told))
        log_warn("'%s' failed: %s", sample->id, failure);
    else if (driver->state.failed == MAX_FAILURE_LINES + 1)
        log_warn("more dialogues failed; from here on they are only counted");
}

/* Gives up where a model answers nothing. */
static void check_models(struct driver *driver)
{
    static const char *const roles[] = {"student", "teacher"};
    int limit = MAX(MIN_FAILURES_IN_A_ROW, 2 * driver->options.n_jobs);
    for (size_t i = 0; i < G_N_ELEMENTS(driver->watches) && !driver->stopping; i++) {
        const struct watch *watch = &driver->watches[i];
        if (watch->failures_in_a_row >= limit)
            give_up(driver, g_error_new(FIRE_ERROR, FIRE_ERROR_NET,
                                        "the last %d requests to the %s all failed, so the rest "
                                        "were not tried: %s",
                                        watch->failures_in_a_row, roles[i], watch->error));
    }
}

void unit_ended(struct unit *unit, bool finished, const char *failure)
{
    struct driver *driver = unit->driver;
    GError *error = NULL;
    if (!store_check(driver->options.store, &error))
        give_up(driver, error);
    else if (failure && !driver->stopping)
        tell_failure(driver, &unit->dialogue.sample, failure);
    if (finished)
        driver->state.done++;
    driver->state.tokens = store_get_tokens(driver->options.store);
    g_ptr_array_remove_fast(driver->units, unit);
    unit_free(unit);
    check_models(driver);
    fill(driver);
}

static void driver_init(struct driver *driver, const struct driver_options *options,
                        struct driver_result *result)
{
    *driver = (struct driver){.options = *options, .result = result};
    watch_init(&driver->watches[0], options->student);
    watch_init(&driver->watches[1], options->teacher);
    driver->options.student = driver->watches[0].chat;
    driver->options.teacher = driver->watches[1].chat;
    driver->loop = g_main_loop_new(NULL, FALSE);
    driver->units = g_ptr_array_new();
    driver->pending = g_array_new(FALSE, FALSE, sizeof(size_t));
}

static void driver_clear(struct driver *driver)
{
    g_main_loop_unref(driver->loop);
    g_ptr_array_free(driver->units, TRUE);
    g_array_free(driver->pending, TRUE);
    for (size_t i = 0; i < G_N_ELEMENTS(driver->watches); i++)
        watch_clear(&driver->watches[i]);
}

/* All that is pending, until it has ended or the run is stopped. */
static void pump(struct driver *driver)
{
    guint on_int = g_unix_signal_add(SIGINT, on_signal, driver);
    guint on_term = g_unix_signal_add(SIGTERM, on_signal, driver);
    struct progress *progress = progress_new("dialogues", &driver->state);
    fill(driver);
    if (driver->units->len > 0)
        g_main_loop_run(driver->loop);
    progress_free(progress);
    g_source_remove(on_int);
    g_source_remove(on_term);
}

bool driver_run(const struct driver_options *options, struct driver_result *result, GError **error)
{
    struct driver driver;
    struct store_counts counts;
    *result = (struct driver_result){0};
    if (!store_count(options->store, &counts, error))
        return false;
    driver_init(&driver, options, result);
    bool ok = store_list_pending(options->store, driver.pending, error);
    driver.state.total = counts.n_samples;
    driver.state.done = driver.state.skipped = counts.n_samples - driver.pending->len;
    if (ok)
        pump(&driver);
    if (ok && driver.gave_up) {
        g_propagate_error(error, driver.error);
        ok = false;
    }
    driver_clear(&driver);
    if (!ok || !store_count(options->store, &counts, error))
        return false;
    result->n_samples = counts.n_samples;
    result->n_rejected = counts.n_rejected;
    result->n_failed = counts.n_failed;
    result->n_unfinished = counts.n_samples - counts.n_ended;
    result->never_answered =
        counts.n_samples > 0 && counts.n_failed == counts.n_samples && counts.n_silent > 0;
    return true;
}
