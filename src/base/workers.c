/* workers.c -- a burst is announced by its number.
 *
 *   caller: fills the job and the ranges, burst += 1, wakes those who sleep, works, waits until `n_left` is 0
 *   worker: sees a new burst, works, n_left -= tasks done, spins, sleeps on `burst`
 *
 * Every thread owns a range of the tasks and takes from its front; one that is through takes from the ranges after its
 * own. So each thread reads one contiguous stretch of memory as long as all run alike, and a thread that lost its core
 * holds the others up for one task at most: tasks are awaited, not threads.
 *
 * A worker that comes late for its burst finds empty ranges, or those of a later burst, in which it may as well help:
 * next and end of a range are one word, stored after the job it belongs to (release) and taken from with acquire, and
 * the job does not change before the task so taken is done.
 *
 * Sleeping: a sleeper says so before it looks for the last time (inside futex), the other side changes the word before
 * it looks for sleepers; both are sequentially consistent, so one sees the other. */
#include "base/workers.h"

#include "base/pool.h"

#include <glib.h>
#include <limits.h>
#include <linux/futex.h>
#include <stdalign.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/syscall.h>
#include <unistd.h>

enum { CACHE_LINE = 64, SPINS = 4000 };

/* end << 32 | next */
struct range {
    alignas(CACHE_LINE) atomic_uint_fast64_t word;
};

struct thread {
    struct workers *workers;
    GThread *handle;
    int index;
};

struct workers {
    alignas(CACHE_LINE) atomic_uint burst;
    alignas(CACHE_LINE) atomic_uint n_left; /* tasks of this burst that are not done */
    alignas(CACHE_LINE) atomic_int n_asleep;
    atomic_bool caller_asleep;
    atomic_bool stop;
    int n_threads; /* with the caller */
    void (*work)(int task, int thread, void *user);
    void *user;
    struct range *ranges;   /* (n_threads) */
    struct thread *threads; /* (n_threads); 0 is the caller */
};

static inline void relax(void)
{
#if defined __x86_64__ || defined __i386__
    __builtin_ia32_pause();
#endif
}

static void sleep_on(atomic_uint *word, unsigned seen)
{
    syscall(SYS_futex, word, FUTEX_WAIT_PRIVATE, seen, NULL, NULL, 0);
}

static void wake(atomic_uint *word, int n)
{
    syscall(SYS_futex, word, FUTEX_WAKE_PRIVATE, n, NULL, NULL, 0);
}

static bool take_one(struct workers *workers, struct range *range, int thread)
{
    uint64_t word = atomic_load_explicit(&range->word, memory_order_relaxed);
    if ((uint32_t)word >= word >> 32)
        return false;
    word = atomic_fetch_add_explicit(&range->word, 1, memory_order_acquire);
    if ((uint32_t)word >= word >> 32)
        return false;
    workers->work((int)(uint32_t)word, thread, workers->user);
    return true;
}

static void take(struct workers *workers, int thread)
{
    for (int i = 0; i < workers->n_threads; i++) {
        unsigned n_done = 0;
        while (take_one(workers, &workers->ranges[(thread + i) % workers->n_threads], thread))
            n_done++;
        if (n_done && atomic_fetch_sub(&workers->n_left, n_done) == n_done &&
            atomic_load(&workers->caller_asleep))
            wake(&workers->n_left, 1);
    }
}

/* Returns the number of the burst that is not `seen`. */
static unsigned wait_for_burst(struct workers *workers, unsigned seen)
{
    unsigned burst;
    for (int i = 0; i < SPINS; i++) {
        if ((burst = atomic_load_explicit(&workers->burst, memory_order_acquire)) != seen)
            return burst;
        relax();
    }
    atomic_fetch_add(&workers->n_asleep, 1);
    while ((burst = atomic_load(&workers->burst)) == seen)
        sleep_on(&workers->burst, seen);
    atomic_fetch_sub(&workers->n_asleep, 1);
    return burst;
}

static gpointer run(gpointer data)
{
    struct thread *thread = data;
    struct workers *workers = thread->workers;
    for (unsigned burst = 0;;) {
        burst = wait_for_burst(workers, burst);
        if (atomic_load(&workers->stop))
            return NULL;
        take(workers, thread->index);
    }
}

struct workers *workers_new(int n_threads)
{
    if (n_threads <= 0)
        n_threads = pool_threads();
    struct workers *workers = g_aligned_alloc0(1, sizeof *workers, CACHE_LINE);
    workers->ranges = g_aligned_alloc0((gsize)n_threads, sizeof *workers->ranges, CACHE_LINE);
    workers->threads = g_new0(struct thread, n_threads);
    workers->n_threads = n_threads;
    for (int i = 1; i < n_threads; i++) {
        struct thread *thread = &workers->threads[i];
        *thread = (struct thread){.workers = workers, .index = i};
        thread->handle = g_thread_try_new("fire-worker", run, thread, NULL);
        if (!thread->handle) {
            workers->n_threads = i;
            break;
        }
    }
    return workers;
}

void workers_free(struct workers *workers)
{
    if (!workers)
        return;
    atomic_store(&workers->stop, true);
    atomic_fetch_add(&workers->burst, 1);
    wake(&workers->burst, INT_MAX);
    for (int i = 1; i < workers->n_threads; i++)
        g_thread_join(workers->threads[i].handle);
    g_free(workers->threads);
    g_aligned_free(workers->ranges);
    g_aligned_free(workers);
}

int workers_count(const struct workers *workers)
{
    return workers ? workers->n_threads : 1;
}

static void wait_for_tasks(struct workers *workers)
{
    for (int i = 0; i < SPINS; i++) {
        if (!atomic_load_explicit(&workers->n_left, memory_order_acquire))
            return;
        relax();
    }
    atomic_store(&workers->caller_asleep, true);
    for (unsigned left; (left = atomic_load(&workers->n_left)) != 0;)
        sleep_on(&workers->n_left, left);
    atomic_store(&workers->caller_asleep, false);
}

void workers_run(struct workers *workers, int n_tasks,
                 void (*work)(int task, int thread, void *user), void *user)
{
    int n_threads = workers_count(workers);
    if (n_threads == 1 || n_tasks <= 1) {
        for (int i = 0; i < n_tasks; i++)
            work(i, 0, user);
        return;
    }
    workers->work = work;
    workers->user = user;
    atomic_store_explicit(&workers->n_left, (unsigned)n_tasks, memory_order_relaxed);
    for (int t = 0; t < n_threads; t++) {
        uint64_t first = (uint64_t)n_tasks * (unsigned)t / (unsigned)n_threads;
        uint64_t end = (uint64_t)n_tasks * ((unsigned)t + 1) / (unsigned)n_threads;
        atomic_store_explicit(&workers->ranges[t].word, end << 32 | first, memory_order_release);
    }
    atomic_fetch_add(&workers->burst, 1);
    if (atomic_load(&workers->n_asleep))
        wake(&workers->burst, INT_MAX);
    take(workers, 0);
    wait_for_tasks(workers);
}
