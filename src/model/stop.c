#include "model/stop.h"

#include <string.h>

void stop_init(struct stop *stop, const int *ids, size_t n_ids, const char *const *strings)
{
    static const char *const none[] = {NULL};
    *stop = (struct stop){ids, n_ids, strings ? strings : none, g_string_new(NULL), false};
}

void stop_clear(struct stop *stop)
{
    if (stop->held)
        g_string_free(stop->held, TRUE);
    *stop = (struct stop){0};
}

void stop_reset(struct stop *stop)
{
    g_string_truncate(stop->held, 0);
    stop->is_done = false;
}

bool stop_is_id(const struct stop *stop, int id)
{
    for (size_t i = 0; i < stop->n_ids; i++)
        if (stop->ids[i] == id)
            return true;
    return false;
}

/* The length of the longest stop string that stands at the end of `text`; 0 without one. */
static size_t stop_length(const struct stop *stop, const GString *text)
{
    size_t longest = 0;
    for (size_t i = 0; stop->strings[i]; i++) {
        size_t n = strlen(stop->strings[i]);
        if (n > longest && n <= text->len &&
            memcmp(text->str + text->len - n, stop->strings[i], n) == 0)
            longest = n;
    }
    return longest;
}

/* The length of the longest end of `text` that begins a stop string. */
static size_t held_length(const struct stop *stop, const GString *text)
{
    size_t longest = 0;
    for (size_t i = 0; stop->strings[i]; i++) {
        size_t n = strlen(stop->strings[i]);
        for (size_t tail = MIN(text->len, n > 0 ? n - 1 : 0); tail > longest; tail--)
            if (memcmp(text->str + text->len - tail, stop->strings[i], tail) == 0)
                longest = tail;
    }
    return longest;
}

bool stop_take(struct stop *stop, const char *text, size_t n_bytes, GString *out)
{
    size_t n_stop = 0;
    if (stop->is_done)
        return true;
    for (size_t i = 0; i < n_bytes && n_stop == 0; i++) {
        g_string_append_c(stop->held, text[i]);
        n_stop = stop_length(stop, stop->held);
    }
    stop->is_done = n_stop > 0;
    size_t n_passing = stop->held->len - (n_stop > 0 ? n_stop : held_length(stop, stop->held));
    g_string_append_len(out, stop->held->str, (gssize)n_passing);
    g_string_erase(stop->held, 0, stop->is_done ? -1 : (gssize)n_passing);
    return stop->is_done;
}

void stop_finish(struct stop *stop, GString *out)
{
    g_string_append_len(out, stop->held->str, (gssize)stop->held->len);
    g_string_truncate(stop->held, 0);
}
