#include "metric/ngram.h"

#include <sys/mman.h>

/* Slots are hit at random, so large pages, where the system has them, save most of the address
 * translation, and threads wait less for the system to hand out pages. */
bool ngram_table_init(struct ngram_table *table, size_t n)
{
    size_t n_slots = n + n / 3 + 8; /* at most three quarters full */
    size_t n_bytes = n_slots * sizeof *table->slots;
    void *slots = mmap(NULL, n_bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (slots == MAP_FAILED)
        return false;
    madvise(slots, n_bytes, MADV_HUGEPAGE); /* a wish */
    *table = (struct ngram_table){slots, n_slots};
    return true;
}

void ngram_table_clear(struct ngram_table *table)
{
    if (table->slots)
        munmap(table->slots, table->n_slots * sizeof *table->slots);
    *table = (struct ngram_table){0};
}

void ngram_table_count(struct ngram_table *table, uint64_t key, size_t home)
{
    struct ngram_slot *slot = &table->slots[home];
    for (;;) {
        uint64_t found = __atomic_load_n(&slot->key, __ATOMIC_RELAXED);
        /* Where another thread takes the free slot first, `found` becomes what it put there. */
        if (found == 0 && __atomic_compare_exchange_n(&slot->key, &found, key + 1, false,
                                                      __ATOMIC_RELAXED, __ATOMIC_RELAXED))
            break;
        if (found == key + 1)
            break;
        if (++slot == table->slots + table->n_slots)
            slot = table->slots;
    }
    __atomic_fetch_add(&slot->count, 1, __ATOMIC_RELAXED);
}

size_t ngram_table_find(const struct ngram_table *table, uint64_t key, size_t home)
{
    for (size_t slot = home; table->slots[slot].key;) {
        if (table->slots[slot].key == key + 1)
            return slot;
        if (++slot == table->n_slots)
            slot = 0;
    }
    return SIZE_MAX;
}
