/* pool.h -- splits one job over the machine's cores.
 *
 * Work is split by index, never by time, so results do not depend on the number of threads. */
#ifndef FIRE_BASE_POOL_H
#define FIRE_BASE_POOL_H

#include <stddef.h>

/* Threads to use: $FIRE_THREADS where it is a number of 1 or more, else the processors this process
 * may run on. */
int pool_threads(void);

/* Calls work(i, user) for every i of 0 .. n - 1 on up to pool_threads() threads, and returns when
 * all are done. Each i runs exactly once; which thread runs it, and in which order, is not defined.
 */
void pool_run(size_t n, void (*work)(size_t i, void *user), void *user);

#endif
