/* zip.c -- PKWARE's APPNOTE, the part that torch.save uses: stored members, a directory at the end, 64-bit sizes where
 * the archive is large. Sizes are taken from the directory, so members written as a stream are read too. */
#include "model/zip.h"

#include "base/error.h"

#include <stdbool.h>
#include <string.h>

enum {
    END_BYTES = 22, /* of the record at the end of the archive, without its comment */
    MAX_COMMENT_BYTES = 65535,
    LOCATOR_BYTES = 20, /* says where the 64-bit record is */
    END64_BYTES = 56,
    ROW_BYTES = 46, /* of the directory, without the name */
    LOCAL_BYTES = 30,
    FLAG_ENCRYPTED = 1,
    EXTRA_64 = 1, /* the id of an extra field with 64-bit sizes */
};

struct member {
    const uint8_t *bytes;
    size_t n_bytes;
};

struct zip {
    const char *path; /* while reading */
    const uint8_t *bytes;
    size_t n_bytes;
    GHashTable *members; /* name -> struct member */
};

/* A little-endian number of `n` bytes. The caller has checked that they are there. */
static uint64_t number(const uint8_t *at, int n)
{
    uint64_t value = 0;
    for (int i = n - 1; i >= 0; i--)
        value = value << 8 | at[i];
    return value;
}

static bool broken(const struct zip *zip, GError **error, const char *cause)
{
    g_set_error(error, FIRE_ERROR, FIRE_ERROR_FORMAT, "'%s': broken zip archive: %s", zip->path,
                cause);
    return false;
}

/* The bytes [at, at + n), or NULL. */
static const uint8_t *slice(const struct zip *zip, uint64_t at, uint64_t n)
{
    return at <= zip->n_bytes && n <= zip->n_bytes - at ? zip->bytes + at : NULL;
}

/* Where the directory begins and how many rows it has. */
static bool find_directory(const struct zip *zip, uint64_t *at, uint64_t *n_rows, GError **error)
{
    size_t n_tail = MIN(zip->n_bytes, (size_t)END_BYTES + MAX_COMMENT_BYTES);
    for (size_t back = END_BYTES; back <= n_tail; back++) {
        const uint8_t *end = zip->bytes + zip->n_bytes - back;
        if (memcmp(end, "PK\5\6", 4) != 0)
            continue;
        *n_rows = number(end + 10, 2);
        *at = number(end + 16, 4);
        if (*n_rows != UINT16_MAX && *at != UINT32_MAX)
            return true;
        if (zip->n_bytes - back < LOCATOR_BYTES || memcmp(end - LOCATOR_BYTES, "PK\6\7", 4) != 0)
            return broken(zip, error, "its 64-bit directory is not named");
        const uint8_t *end64 = slice(zip, number(end - LOCATOR_BYTES + 8, 8), END64_BYTES);
        if (!end64 || memcmp(end64, "PK\6\6", 4) != 0)
            return broken(zip, error, "its 64-bit directory is not there");
        *n_rows = number(end64 + 32, 8);
        *at = number(end64 + 48, 8);
        return true;
    }
    return broken(zip, error, "it has no directory (cut off?)");
}

/* Reads what does not fit into 32 bits from the extra field: size, packed size, offset, each where its 32 bits are ones. */
static bool read_extra(const uint8_t *extra, size_t n_extra, uint64_t *values[3])
{
    while (n_extra >= 4) {
        size_t n = number(extra + 2, 2);
        const uint8_t *at = extra + 4;
        if (n > n_extra - 4)
            return false;
        for (int i = 0; number(extra, 2) == EXTRA_64 && i < 3; i++) {
            if (*values[i] != UINT32_MAX)
                continue;
            if (n < (size_t)(at - extra - 4) + 8)
                return false;
            *values[i] = number(at, 8);
            at += 8;
        }
        extra += 4 + n;
        n_extra -= 4 + n;
    }
    return true;
}

static bool add_member(struct zip *zip, const uint8_t *row, char *name, GError **error)
{
    uint64_t packed = number(row + 20, 4), size = number(row + 24, 4),
             local_at = number(row + 42, 4);
    size_t n_name = number(row + 28, 2), n_extra = number(row + 30, 2);
    if (!read_extra(row + ROW_BYTES + n_name, n_extra, (uint64_t *[]){&size, &packed, &local_at}))
        return broken(zip, error, "an extra field is cut off");
    if (number(row + 8, 2) & FLAG_ENCRYPTED || number(row + 10, 2) != 0 || packed != size) {
        g_set_error(error, FIRE_ERROR, FIRE_ERROR_FORMAT,
                    "'%s': the zip archive's member '%s' is compressed or encrypted", zip->path,
                    name);
        return false;
    }
    const uint8_t *local = slice(zip, local_at, LOCAL_BYTES);
    if (!local || memcmp(local, "PK\3\4", 4) != 0)
        return broken(zip, error, "a member is not where the directory says");
    struct member member = {
        slice(zip, local_at + LOCAL_BYTES + number(local + 26, 2) + number(local + 28, 2), size),
        size};
    if (!member.bytes)
        return broken(zip, error, "a member is cut off");
    if (g_hash_table_contains(zip->members, name))
        return broken(zip, error, "a member's name comes twice");
    g_hash_table_insert(zip->members, g_strdup(name), g_memdup2(&member, sizeof member));
    return true;
}

static bool read_directory(struct zip *zip, GError **error)
{
    uint64_t at = 0, n_rows = 0;
    if (!find_directory(zip, &at, &n_rows, error))
        return false;
    for (uint64_t i = 0; i < n_rows; i++) {
        const uint8_t *row = slice(zip, at, ROW_BYTES);
        if (!row || memcmp(row, "PK\1\2", 4) != 0)
            return broken(zip, error, "its directory is cut off");
        size_t n_name = number(row + 28, 2);
        size_t n_row = ROW_BYTES + n_name + number(row + 30, 2) + number(row + 32, 2);
        if (!slice(zip, at, n_row))
            return broken(zip, error, "its directory is cut off");
        g_autofree char *name = g_utf8_make_valid((const char *)row + ROW_BYTES, (gssize)n_name);
        if (!add_member(zip, row, name, error))
            return false;
        at += n_row;
    }
    return true;
}

struct zip *zip_read(const uint8_t *bytes, size_t n_bytes, const char *path, GError **error)
{
    struct zip *zip = g_new0(struct zip, 1);
    zip->path = path;
    zip->bytes = bytes;
    zip->n_bytes = n_bytes;
    zip->members = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, g_free);
    if (!read_directory(zip, error)) {
        zip_free(zip);
        return NULL;
    }
    return zip;
}

void zip_free(struct zip *zip)
{
    if (!zip)
        return;
    g_hash_table_destroy(zip->members);
    g_free(zip);
}

const uint8_t *zip_find(const struct zip *zip, const char *name, size_t *n_bytes)
{
    const struct member *member = g_hash_table_lookup(zip->members, name);
    if (!member)
        return NULL;
    *n_bytes = member->n_bytes;
    return member->bytes;
}

char *zip_find_suffix(const struct zip *zip, const char *suffix)
{
    const char *found = NULL;
    GHashTableIter iter;
    gpointer name;
    g_hash_table_iter_init(&iter, zip->members);
    while (g_hash_table_iter_next(&iter, &name, NULL)) {
        if (!g_str_has_suffix(name, suffix))
            continue;
        if (found)
            return NULL;
        found = name;
    }
    return g_strdup(found);
}
