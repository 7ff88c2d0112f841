#include "metric/clusters.h"

#include <string.h>

void clusters_init(struct clusters *clusters)
{
    clusters->images = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL);
    clusters->ids = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL);
    clusters->n = 0;
}

void clusters_clear(struct clusters *clusters)
{
    g_clear_pointer(&clusters->images, g_hash_table_destroy);
    g_clear_pointer(&clusters->ids, g_hash_table_destroy);
    clusters->n = 0;
}

uint32_t clusters_find(struct clusters *clusters, const char *image, const char *id)
{
    GHashTable *table = image ? clusters->images : clusters->ids;
    const char *key = image ? image : id;
    gsize known = key ? GPOINTER_TO_SIZE(g_hash_table_lookup(table, key)) : 0;
    if (known)
        return (uint32_t)(known - 1);
    clusters->n++;
    if (key)
        g_hash_table_insert(table, g_strdup(key), GSIZE_TO_POINTER(clusters->n));
    return (uint32_t)(clusters->n - 1);
}
