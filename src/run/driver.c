/* driver.c -- the pump: keeps `n_jobs` samples at work until all have ended.
 *
 *   pending --start--> at work --unit_ended--> ended
 *
 * Stops: SIGINT or SIGTERM once: no new request is sent, those in flight are waited for and stored; twice: all are
 * cancelled. A store that cannot be written, and models that answer nothing, stop it with an error; what had ended stays.
 *
 * Invariants: (1) at most n_jobs units exist; (2) a unit is freed exactly once, after its end; (3) a sample is started
 * only if it had not ended, so nothing finished is asked again. */
#include "run/driver.h"

#include "base/error.h"
#include "base/log.h"
#include "run/load.h"

#include <glib-unix.h>
#include <signal.h>

/* A model is taken for dead when this many dialogues in a row have failed (or n_jobs twice over, if that is more): so many
 * do not fail by chance, and each has had its retries. */
#define MIN_FAILURES_IN_A_ROW 20

struct driver {
    const struct driver_options *options;
    struct driver_result *result;
    GMainLoop *loop;
    GPtrArray *units; /* at work */
    size_t next;      /* number of the first sample not looked at yet */
    bool exhausted;   /* there is no further one */
    bool stopping;
    bool gave_up; /* `error` is set */
    GError *error;
    uint64_t failures_in_a_row;
    struct progress_state state;
};

const struct driver_options *driver_get_options(const struct driver *driver)
{
    return driver->options;
}

const bool *driver_get_stopping(const struct driver *driver)
{
    return &driver->stopping;
}

static void cancel_all(struct driver *driver)
{
    driver->stopping = true;
    for (guint i = 0; i < driver->units->len; i++)
        driver->options->setting->cancel(driver->units->pdata[i]);
}

static void give_up(struct driver *driver, GError *error)
{
    if (driver->gave_up) {
        g_error_free(error);
        return;
    }
    driver->gave_up = true;
    driver->error = error;
    cancel_all(driver);
}

static gboolean on_signal(gpointer user)
{
    struct driver *driver = user;
    driver->result->interrupted = true;
    if (driver->stopping) {
        cancel_all(driver);
    } else {
        driver->stopping = true;
        log_info("stopping when the %u requests in flight are answered; once more stops at once",
                 driver->units->len);
        if (driver->units->len == 0)
            g_main_loop_quit(driver->loop);
    }
    return G_SOURCE_CONTINUE;
}

static void unit_free(struct unit *unit)
{
    if (unit->task)
        unit->driver->options->setting->free(unit);
    if (unit->image) {
        struct chat_image *image = (struct chat_image *)unit->image;
        g_bytes_unref(image->bytes);
        g_free(image->digest);
        g_free(image);
    }
    dialogue_clear(&unit->dialogue);
    g_free(unit);
}

/* The sample's picture as a server can take it; NULL where it has none, or with an error. */
static struct chat_image *load_image(struct driver *driver, const struct sample *sample, int i_file,
                                     GError **error)
{
    struct wire_image wire;
    if (!load_picture(&wire, sample, driver->options->files[i_file], driver->options->images,
                      error))
        return NULL;
    struct chat_image *image = g_new0(struct chat_image, 1);
    *image = (struct chat_image){
        .digest = g_strdup(wire.digest), .mime = wire.mime, .bytes = g_bytes_ref(wire.bytes)};
    wire_image_clear(&wire);
    return image;
}

/* Starts the next pending sample; false where there is none, or after an error. */
static bool start_next(struct driver *driver)
{
    GError *error = NULL;
    struct unit *unit = g_new0(struct unit, 1);
    bool found = false;
    int i_file;
    unit->driver = driver;
    if (!store_next_pending(driver->options->store, &driver->next, &i_file, &unit->dialogue, &found,
                            &error)) {
        give_up(driver, error);
    } else if (!found) {
        driver->exhausted = true;
    } else {
        driver->next++;
        const struct sample *sample = &unit->dialogue.sample;
        if (sample->image && !(unit->image = load_image(driver, sample, i_file, &error))) {
            /* It was there when the run was begun: the folder has changed. */
            g_prefix_error(&error, "sample '%s': ", sample->id);
            give_up(driver, error);
            found = false;
        }
    }
    if (!found || driver->gave_up) {
        unit_free(unit);
        return false;
    }
    g_ptr_array_add(driver->units, unit);
    driver->options->setting->start(unit);
    return true;
}

static void fill(struct driver *driver)
{
    while (!driver->stopping && !driver->exhausted &&
           driver->units->len < (guint)driver->options->n_jobs)
        if (!start_next(driver))
            break;
    driver->state.in_flight = (int)driver->units->len;
    if (driver->units->len == 0)
        g_main_loop_quit(driver->loop);
}

/* Does the failure say something of the model, or of this sample alone? A server that finds fault with the request is
 * alive; so is one that fails, as before, at a sample that failed earlier: a run must get past those. */
static bool is_of_model(const struct unit *unit, int http_status)
{
    bool failed_before = unit->dialogue.stop == STOP_FAILED;
    return http_status == 0 ||
           (!failed_before && http_status != 400 && http_status != 413 && http_status != 422);
}

static void count_failure(struct driver *driver, const struct unit *unit, const char *failure,
                          int http_status)
{
    driver->state.failed++;
    log_warn("'%s' failed: %s", unit->dialogue.sample.id, failure);
    if (!is_of_model(unit, http_status))
        return;
    driver->failures_in_a_row++;
    if (driver->failures_in_a_row <
            MAX(MIN_FAILURES_IN_A_ROW, 2 * (uint64_t)driver->options->n_jobs) ||
        driver->stopping)
        return;
    give_up(driver, g_error_new(FIRE_ERROR, FIRE_ERROR_NET,
                                "the last %" G_GUINT64_FORMAT
                                " dialogues all failed, so the rest were not tried: %s",
                                driver->failures_in_a_row, failure));
}

void unit_ended(struct unit *unit, bool finished, const char *failure, int http_status)
{
    struct driver *driver = unit->driver;
    GError *error = NULL;
    if (!store_check(driver->options->store, &error)) {
        give_up(driver, error);
    } else if (failure) {
        count_failure(driver, unit, failure, http_status);
    } else if (finished) {
        driver->failures_in_a_row = 0;
    }
    if (finished)
        driver->state.done++;
    driver->state.tokens = store_get_tokens(driver->options->store);
    g_ptr_array_remove_fast(driver->units, unit);
    unit_free(unit);
    fill(driver);
}

bool driver_run(const struct driver_options *options, struct driver_result *result, GError **error)
{
    *result = (struct driver_result){0};
    struct driver driver = {.options = options, .result = result};
    struct store_counts counts;
    if (!store_count(options->store, &counts, error))
        return false;
    /* Failed dialogues are tried again: they count as not done. */
    driver.state.total = counts.n_samples;
    driver.state.done = driver.state.skipped = counts.n_ended - counts.n_failed;
    driver.loop = g_main_loop_new(NULL, FALSE);
    driver.units = g_ptr_array_new();
    guint on_int = g_unix_signal_add(SIGINT, on_signal, &driver),
          on_term = g_unix_signal_add(SIGTERM, on_signal, &driver);
    struct progress *progress = progress_new("dialogues", &driver.state);

    fill(&driver);
    if (driver.units->len > 0)
        g_main_loop_run(driver.loop);

    progress_free(progress);
    g_source_remove(on_int);
    g_source_remove(on_term);
    g_main_loop_unref(driver.loop);
    g_ptr_array_free(driver.units, TRUE);
    if (driver.gave_up) {
        g_propagate_error(error, driver.error);
        return false;
    }
    if (!store_count(options->store, &counts, error))
        return false;
    result->n_samples = counts.n_samples;
    result->n_rejected = counts.n_rejected;
    result->n_failed = counts.n_failed;
    result->n_unfinished = counts.n_samples - counts.n_ended;
    result->never_answered =
        counts.n_samples > 0 && counts.n_failed == counts.n_samples && counts.n_silent > 0;
    return true;
}
