/* big_block.h -- large memory from the system: zeroed, aligned to pages, in huge pages where it can be. */
#ifndef FIRE_MODEL_BIG_BLOCK_H
#define FIRE_MODEL_BIG_BLOCK_H

#include <glib.h>
#include <stddef.h>

/* What n_bytes really take: whole pages, or whole huge pages where that is more than one. */
size_t big_block_bytes(size_t n_bytes);

/* Memory is taken when it is first written. NULL with FIRE_ERROR_IO that names `what` it is for. */
void *big_block_new(size_t n_bytes, const char *what, GError **error);
void big_block_free(void *block, size_t n_bytes); /* accepts NULL */

#endif
