#include "model/big_block.h"

#include "base/error.h"

#include <errno.h>
#include <sys/mman.h>
#include <unistd.h>

#define HUGE_PAGE_BYTES ((size_t)2 << 20)

size_t big_block_bytes(size_t n_bytes)
{
    size_t unit = n_bytes > HUGE_PAGE_BYTES ? HUGE_PAGE_BYTES : (size_t)sysconf(_SC_PAGESIZE);
    return n_bytes > G_MAXSIZE - unit ? n_bytes : (MAX(n_bytes, 1) + unit - 1) / unit * unit;
}

void *big_block_new(size_t n_bytes, const char *what, GError **error)
{
    size_t n = big_block_bytes(n_bytes);
    void *block = mmap(NULL, n, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (block == MAP_FAILED) {
        g_set_error(error, FIRE_ERROR, FIRE_ERROR_IO, "cannot allocate %zu MB for %s: %s",
                    n_bytes >> 20, what, g_strerror(errno));
        return NULL;
    }
    if (n > HUGE_PAGE_BYTES)
        madvise(block, n, MADV_HUGEPAGE);
    return block;
}

void big_block_free(void *block, size_t n_bytes)
{
    if (block)
        munmap(block, big_block_bytes(n_bytes));
}
