#include "base/pool.h"

#include <glib.h>
#include <stdatomic.h>

struct job {
    void (*work)(size_t i, void *user);
    void *user;
    size_t n;
    atomic_size_t next;
};

int pool_threads(void)
{
    const char *text = g_getenv("FIRE_THREADS");
    guint64 n;
    if (text && g_ascii_string_to_unsigned(text, 10, 1, 1024, &n, NULL))
        return (int)n;
    return (int)g_get_num_processors();
}

static gpointer run(gpointer data)
{
    struct job *job = data;
    for (size_t i; (i = atomic_fetch_add(&job->next, 1)) < job->n;)
        job->work(i, job->user);
    return NULL;
}

void pool_run(size_t n, void (*work)(size_t i, void *user), void *user)
{
    struct job job = {.work = work, .user = user, .n = n};
    size_t n_helpers = MIN(n, (size_t)pool_threads());
    n_helpers = n_helpers ? n_helpers - 1 : 0;
    g_autofree GThread **helpers = g_new0(GThread *, n_helpers + 1);
    /* A thread that cannot be started costs speed, not correctness. */
    for (size_t i = 0; i < n_helpers; i++)
        helpers[i] = g_thread_try_new("fire-pool", run, &job, NULL);
    run(&job);
    for (size_t i = 0; i < n_helpers; i++)
        if (helpers[i])
            g_thread_join(helpers[i]);
}
