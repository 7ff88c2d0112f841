#include "base/progress.h"

#include "base/log.h"

#include <glib.h>
#include <stdio.h>
#include <unistd.h>

#define DRAW_MS 200
#define LOG_MS 30000

struct progress {
    const char *unit;
    const struct progress_state *state;
    gint64 start_us;
    bool terminal;
    bool drawn; /* a line stands on the terminal */
    GSource *timer;
};

static void format_duration(GString *text, double seconds)
{
    guint64 s = (guint64)(seconds + 0.5);
    if (s >= 3600)
        g_string_append_printf(text, "%" G_GUINT64_FORMAT ":%02u:%02u", s / 3600,
                               (unsigned)(s / 60 % 60), (unsigned)(s % 60));
    else
        g_string_append_printf(text, "%u:%02u", (unsigned)(s / 60), (unsigned)(s % 60));
}

static void format_count(GString *text, int64_t n)
{
    if (n < 10000)
        g_string_append_printf(text, "%" G_GINT64_FORMAT, n);
    else if (n < 10000000)
        g_string_append_printf(text, "%" G_GINT64_FORMAT "k", n / 1000);
    else
        g_string_append_printf(text, "%" G_GINT64_FORMAT "M", n / 1000000);
}

char *progress_format(const char *unit, const struct progress_state *state, double seconds)
{
    GString *text = g_string_new(NULL);
    g_string_append_printf(text, "%" G_GUINT64_FORMAT "/%" G_GUINT64_FORMAT " %s", state->done,
                           state->total, unit);
    double rate = seconds > 0 ? (double)(state->done - state->skipped) / seconds : 0;
    if (rate > 0) {
        g_string_append_printf(text, rate < 10 ? ", %.1f/s" : ", %.0f/s", rate);
        if (state->done < state->total) {
            g_string_append(text, ", ");
            format_duration(text, (double)(state->total - state->done) / rate);
            g_string_append(text, " left");
        }
    }
    g_string_append_printf(text, ", %d in flight", state->in_flight);
    if (state->failed > 0)
        g_string_append_printf(text, ", %" G_GUINT64_FORMAT " failed", state->failed);
    if (state->tokens > 0) {
        g_string_append(text, ", ");
        format_count(text, state->tokens);
        g_string_append(text, " tokens");
    }
    return g_string_free(text, FALSE);
}

static void clear_line(void *user)
{
    struct progress *progress = user;
    if (progress->drawn)
        fputs("\r\x1b[K", stderr);
    progress->drawn = false;
}

static gboolean draw(gpointer user)
{
    struct progress *progress = user;
    double seconds = (double)(g_get_monotonic_time() - progress->start_us) / 1e6;
    g_autofree char *text = progress_format(progress->unit, progress->state, seconds);
    if (progress->terminal) {
        fprintf(stderr, "\r\x1b[K%s", text);
        fflush(stderr);
        progress->drawn = true;
    } else {
        log_info("%s", text);
    }
    return G_SOURCE_CONTINUE;
}

struct progress *progress_new(const char *unit, const struct progress_state *state)
{
    struct progress *progress = g_new0(struct progress, 1);
    progress->unit = unit;
    progress->state = state;
    progress->start_us = g_get_monotonic_time();
    progress->terminal = isatty(STDERR_FILENO);
    progress->timer = g_timeout_source_new(progress->terminal ? DRAW_MS : LOG_MS);
    g_source_set_callback(progress->timer, draw, progress, NULL);
    g_source_attach(progress->timer, g_main_context_get_thread_default());
    log_set_hook(clear_line, progress);
    return progress;
}

void progress_free(struct progress *progress)
{
    if (!progress)
        return;
    clear_line(progress);
    log_set_hook(NULL, NULL);
    g_source_destroy(progress->timer);
    g_source_unref(progress->timer);
    g_free(progress);
}
