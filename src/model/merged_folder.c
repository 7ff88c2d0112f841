#include "model/merged_folder.h"

#include "base/error.h"
#include "base/pool.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum {
    COPY_BYTES = 1 << 20,
    BLOCK = 16, /* columns worked out together */
};

/* One tensor on its way: some of its rows at a time. */
struct folding {
    const struct tensor_view *source;
    const struct adapter_module *module; /* NULL: only replaced */
    enum tensor_type type;               /* as stored */
    size_t width;                        /* of a row */
    size_t first;                        /* row of the band */
    float *rows;                         /* (band, width) */
    uint8_t *stored;
};

static bool fail(GError **error, const char *verb, const char *path)
{
    int cause = errno;
    g_set_error(error, FIRE_ERROR, FIRE_ERROR_IO, "cannot %s '%s': %s", verb, path,
                g_strerror(cause));
    return false;
}

static bool write_at(int fd, const void *bytes, size_t n, size_t offset)
{
    for (size_t done = 0; done < n;) {
        ssize_t written = pwrite(fd, (const char *)bytes + done, n - done, (off_t)(offset + done));
        if (written < 0 && errno != EINTR)
            return false;
        done += written > 0 ? (size_t)written : 0;
    }
    return true;
}

/* row += scale * (B[i] A), B[i] being the module's row `i`. Blocks of fixed width keep the sums in registers. */
static void add_product(float *row, const struct adapter_module *module, size_t i)
{
    size_t n_in = (size_t)module->n_in, rank = (size_t)module->rank;
    const float *b = module->b + i * rank;
    size_t at = 0;
    for (; at + BLOCK <= n_in; at += BLOCK) {
        float sums[BLOCK] = {0};
        for (size_t r = 0; r < rank; r++)
            for (size_t k = 0; k < BLOCK; k++)
                sums[k] += b[r] * module->a[r * n_in + at + k];
        for (size_t k = 0; k < BLOCK; k++)
            row[at + k] += module->scale * sums[k];
    }
    for (; at < n_in; at++) {
        float sum = 0;
        for (size_t r = 0; r < rank; r++)
            sum += b[r] * module->a[r * n_in + at];
        row[at] += module->scale * sum;
    }
}

static void fold_row(size_t i, void *user)
{
    const struct folding *folding = user;
    size_t width = folding->width, row = folding->first + i;
    float *values = folding->rows + i * width;
    tensor_view_to_f32(values, folding->source, row * width, width);
    if (folding->module)
        add_product(values, folding->module, row);
    tensor_from_f32(folding->stored + i * width * tensor_type_bytes(folding->type), folding->type,
                    values, width);
}

/* Writes the changed tensor `name` over its place in the copied shard. */
static bool fold_tensor(int fd, const struct weights *weights, const struct adapter *adapter,
                        const char *name, const char *path, GError **error)
{
    const struct tensor_view *base = weights_find(weights, name),
                             *replacement = adapter_find_replacement(adapter, name);
    size_t n = tensor_view_count(base), n_rows = (size_t)base->dims[0];
    struct folding folding = {
        .source = replacement ? replacement : base,
        .module = adapter_find(adapter, name),
        .type = base->type,
        .width = n / n_rows,
    };
    size_t band = CLAMP(COPY_BYTES / folding.width, 1, n_rows),
           row_bytes = folding.width * tensor_type_bytes(base->type);
    folding.rows = g_try_new(float, band *folding.width);
    folding.stored = g_try_malloc(band * row_bytes);
    bool ok = folding.rows && folding.stored;
    if (!ok)
        errno = ENOMEM;
    for (; ok && folding.first < n_rows; folding.first += band) {
        size_t n_band = MIN(band, n_rows - folding.first);
        pool_run(n_band, fold_row, &folding);
        ok = write_at(fd, folding.stored, n_band * row_bytes,
                      weights_file_offset(weights, name) + folding.first * row_bytes);
    }
    if (!ok)
        fail(error, "write", path);
    weights_release(weights, base);
    g_free(folding.rows);
    g_free(folding.stored);
    return ok;
}

/* All changes of the shard `source`, in its copy at `path`. */
static bool fold_shard(const char *source, const char *path, const struct weights *weights,
                       const struct adapter *adapter, GError **error)
{
    int fd = open(path, O_WRONLY | O_CLOEXEC);
    if (fd < 0)
        return fail(error, "write", path);
    bool ok = true;
    for (const char *const *name = adapter_names(adapter); ok && *name; name++)
        if (strcmp(weights_file_path(weights, *name), source) == 0)
            ok = fold_tensor(fd, weights, adapter, *name, path, error);
    if (ok && fsync(fd) != 0)
        ok = fail(error, "write", path);
    close(fd);
    return ok;
}

static bool copy_bytes(int in, int out)
{
    g_autofree char *block = g_malloc(COPY_BYTES);
    size_t at = 0;
    ssize_t n;
    while ((n = read(in, block, COPY_BYTES)) != 0) {
        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0 || !write_at(out, block, (size_t)n, at))
            return false;
        at += (size_t)n;
    }
    return fsync(out) == 0;
}

static bool copy_file(const char *source, const char *path, GError **error)
{
    int in = open(source, O_RDONLY | O_CLOEXEC);
    if (in < 0)
        return fail(error, "read", source);
    int out = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0666);
    bool ok = out >= 0 && copy_bytes(in, out);
    if (!ok)
        fail(error, "write", path);
    close(in);
    if (out >= 0)
        close(out);
    return ok;
}

/* What belongs to a model beside its shards: configuration, tokenizer, templates, licence. */
static bool is_kept(const char *name)
{
    static const char *const endings[] = {".json", ".jinja", ".model", ".txt", ".md"};
    for (size_t i = 0; i < G_N_ELEMENTS(endings); i++)
        if (g_str_has_suffix(name, endings[i]))
            return *name != '.';
    return strcmp(name, "LICENSE") == 0;
}

static bool is_shard(const char *path, const struct weights *weights)
{
    for (const char *const *name = weights_names(weights); *name; name++)
        if (strcmp(weights_file_path(weights, *name), path) == 0)
            return true;
    return false;
}

static bool copy_folder(const char *folder, const char *out, const struct weights *weights,
                        const struct adapter *adapter, GError **error)
{
    g_autoptr(GDir) dir = g_dir_open(folder, 0, NULL);
    if (!dir)
        return fail(error, "read", folder);
    const char *name;
    bool ok = true;
    while (ok && (name = g_dir_read_name(dir))) {
        g_autofree char *source = g_build_filename(folder, name, NULL);
        g_autofree char *path = g_build_filename(out, name, NULL);
        bool shard = is_shard(source, weights);
        if (shard || (is_kept(name) && g_file_test(source, G_FILE_TEST_IS_REGULAR)))
            ok = copy_file(source, path, error) &&
                 (!shard || fold_shard(source, path, weights, adapter, error));
    }
    return ok;
}

/* A change outside the folder's own shards would be lost. */
static bool check_places(const char *folder, const struct weights *weights,
                         const struct adapter *adapter, GError **error)
{
    for (const char *const *name = adapter_names(adapter); *name; name++) {
        if (strcmp(*name, "head") == 0 &&
            weights_find(weights, "head") == weights_find(weights, "embed")) {
            g_set_error(error, FIRE_ERROR, FIRE_ERROR_FORMAT,
                        "the adapter changes the head of '%s', which is its embedding too", folder);
            return false;
        }
        g_autofree char *place = g_path_get_dirname(weights_file_path(weights, *name));
        g_autofree char *canonical = g_canonicalize_filename(place, NULL),
                        *own = g_canonicalize_filename(folder, NULL);
        if (strcmp(canonical, own) != 0) {
            g_set_error(error, FIRE_ERROR, FIRE_ERROR_FORMAT,
                        "the adapter changes '%s', which lies outside '%s'",
                        weights_file_name(weights, *name), folder);
            return false;
        }
    }
    return true;
}

/* The new folder may replace an empty one only. */
static bool check_free(const char *out, GError **error)
{
    if (!g_file_test(out, G_FILE_TEST_EXISTS))
        return true;
    GDir *dir = g_dir_open(out, 0, NULL);
    bool empty = dir && !g_dir_read_name(dir);
    if (dir)
        g_dir_close(dir);
    if (!empty)
        g_set_error(error, FIRE_ERROR, FIRE_ERROR_IO, "cannot write '%s': it is there already",
                    out);
    return empty;
}

/* Removes a folder of files. */
static void remove_folder(const char *folder)
{
    GDir *dir = g_dir_open(folder, 0, NULL);
    const char *name;
    while (dir && (name = g_dir_read_name(dir))) {
        g_autofree char *path = g_build_filename(folder, name, NULL);
        unlink(path);
    }
    if (dir)
        g_dir_close(dir);
    rmdir(folder);
}

bool merged_folder_write(const char *folder, const struct weights *weights,
                         const struct adapter *adapter, const char *out, GError **error)
{
    if (!check_places(folder, weights, adapter, error))
        return false;
    g_autofree char *whole = g_canonicalize_filename(out, NULL); /* without a slash at its end */
    g_autofree char *temporary = g_strconcat(whole, ".XXXXXX.tmp", NULL);
    if (!check_free(whole, error))
        return false;
    if (!g_mkdtemp_full(temporary, 0777))
        return fail(error, "write", out);
    bool ok = copy_folder(folder, temporary, weights, adapter, error);
    if (ok && rename(temporary, whole) != 0)
        ok = fail(error, "write", out);
    if (!ok)
        remove_folder(temporary);
    return ok;
}
