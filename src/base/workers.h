/* workers.h -- threads that stay, for work that comes in bursts of microseconds.
 *
 * The caller is thread 0; the others spin for a moment after a burst and then sleep, so a burst that follows soon starts
 * at once and an idle program uses no core. Work is split by index, never by time: results do not depend on the number
 * of threads. */
#ifndef FIRE_BASE_WORKERS_H
#define FIRE_BASE_WORKERS_H

struct workers;

/* `n_threads` with the caller; 0: as many as pool_threads() says. A thread that cannot be started costs speed only. */
struct workers *workers_new(int n_threads);
void workers_free(struct workers *workers); /* accepts NULL */

/* Threads there are, 1 or more; NULL counts as 1. */
int workers_count(const struct workers *workers);

/* Calls work(task, thread, user) for every task of 0 .. n_tasks - 1 and returns when all are done. Thread t starts with
 * the t-th part of the tasks, in order, and helps the others when it is through. `thread` is below workers_count() and
 * never used twice at once: an index into scratch memory. `workers` NULL: all on the caller. Calls must not nest, nor
 * come from two threads at once. */
void workers_run(struct workers *workers, int n_tasks,
                 void (*work)(int task, int thread, void *user), void *user);

#endif
