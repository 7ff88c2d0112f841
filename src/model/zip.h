/* zip.h -- the members of a zip archive in memory that are stored without compression. */
#ifndef FIRE_MODEL_ZIP_H
#define FIRE_MODEL_ZIP_H

#include <glib.h>
#include <stddef.h>
#include <stdint.h>

struct zip;

/* Reads the directory; `bytes` must outlive it. `path` is for messages. FIRE_ERROR_FORMAT where it is broken
 * or a member is compressed or encrypted. */
struct zip *zip_read(const uint8_t *bytes, size_t n_bytes, const char *path, GError **error);
void zip_free(struct zip *zip); /* accepts NULL */

/* The bytes of a member, or NULL. Belong to the archive. */
const uint8_t *zip_find(const struct zip *zip, const char *name, size_t *n_bytes);

/* The name of the one member whose name ends so, NULL where there is none or more than one. Free with g_free. */
char *zip_find_suffix(const struct zip *zip, const char *suffix);

#endif
