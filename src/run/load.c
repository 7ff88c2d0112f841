#include "run/load.h"

#include "base/error.h"
#include "base/log.h"
#include "data/complaint.h"
#include "data/picture.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#define HASH_CHUNK (1 << 20)

static bool hash_file(GChecksum *sum, const char *path, GError **error)
{
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
    FILE *stream = fd >= 0 ? fdopen(fd, "rb") : NULL;
    struct stat status;
    if (stream && fstat(fd, &status) == 0 && !S_ISREG(status.st_mode)) {
        /* A pipe could not be read again, and a device may never end. */
        g_set_error(error, FIRE_ERROR, FIRE_ERROR_IO, "cannot use '%s': it is no file", path);
        fclose(stream);
        return false;
    }
    g_autofree guchar *chunk = g_malloc(HASH_CHUNK);
    size_t n = 0;
    while (stream && (n = fread(chunk, 1, HASH_CHUNK, stream)) > 0)
        g_checksum_update(sum, chunk, (gssize)n);
    bool ok = stream && !ferror(stream);
    if (!ok)
        g_set_error(error, FIRE_ERROR, FIRE_ERROR_IO, "cannot read '%s': %s", path,
                    g_strerror(errno));
    if (stream)
        fclose(stream);
    return ok;
}

char *load_hash(char *const *files, GError **error)
{
    g_autoptr(GChecksum) all = g_checksum_new(G_CHECKSUM_SHA256);
    for (; *files; files++) {
        /* A sum of sums: where one file ends and the next begins is part of it. */
        g_autoptr(GChecksum) one = g_checksum_new(G_CHECKSUM_SHA256);
        if (!hash_file(one, *files, error))
            return NULL;
        const char *digits = g_checksum_get_string(one);
        g_checksum_update(all, (const guchar *)digits, (gssize)strlen(digits));
    }
    return g_strdup(g_checksum_get_string(all));
}

/* The picture, or a flaw that says why a server could not be shown it. */
static bool read_wire(struct wire_image *wire, const char *image, const char *file,
                      const char *images, struct flaw *flaw)
{
    g_autofree char *folder = picture_folder(images, file);
    g_autoptr(GBytes) bytes = picture_read(folder, image, flaw);
    g_autoptr(GError) cause = NULL;
    if (!bytes)
        return false;
    return wire_image_init(wire, bytes, WIRE_MAX_PNG_BYTES, &cause) ||
           flaw_set(flaw, "broken-image", "picture '%s': %s", image, cause->message);
}

bool load_picture(struct wire_image *wire, const struct sample *sample, const char *file,
                  const char *images, GError **error)
{
    struct flaw flaw = {0};
    if (read_wire(wire, sample->image, file, images, &flaw))
        return true;
    g_set_error(error, FIRE_ERROR, FIRE_ERROR_IO, "%s", flaw.detail);
    flaw_clear(&flaw);
    return false;
}

/* One run of load_samples. */
struct load {
    const struct load_options *options;
    struct store *store;
    struct complaints *complaints;
    struct ids *ids;
    size_t n_samples;
    GError *cause; /* of tell_reject */
};

static bool reject(struct load *load, int i_file, const struct record *record, const char *cause,
                   const char *detail, GError **error)
{
    const struct store_reject row = {
        .i_file = i_file,
        .record = record->number,
        .id = record->dialogue.sample.id,
        .cause = cause,
        .detail = detail,
        .raw = record->raw,
        .n_raw = record->n_raw,
    };
    return store_add_reject(load->store, &row, error) &&
           complaints_add(load->complaints, load->options->files[i_file], record, cause, detail,
                          error);
}

static bool take_record(struct load *load, int i_file, struct record *record, GError **error)
{
    const struct load_options *options = load->options;
    const char *image = record->dialogue.sample.image;
    struct flaw flaw = {0};
    struct wire_image wire = {0};
    if (image && !read_wire(&wire, image, options->files[i_file], options->images, &flaw)) {
        bool ok = reject(load, i_file, record, flaw.cause, flaw.detail, error);
        flaw_clear(&flaw);
        return ok;
    }
    bool ok = store_add_sample(load->store, ++load->n_samples, i_file, image ? wire.digest : NULL,
                               &record->dialogue, error);
    wire_image_clear(&wire);
    return ok;
}

static bool load_file(struct load *load, int i_file, GError **error)
{
    const struct load_options *options = load->options;
    struct reader *reader =
        reader_open(options->files[i_file], options->need, options->protocol, error);
    struct record *record;
    enum reader_status status = READER_FAILED;
    bool ok = reader != NULL;
    if (ok)
        reader_use_ids(reader, load->ids);
    while (ok && (status = reader_next(reader, &record, error)) <= READER_BAD)
        ok = status == READER_RECORD
                 ? take_record(load, i_file, record, error)
                 : reject(load, i_file, record, record->cause, record->detail, error);
    reader_close(reader);
    return ok && status == READER_END;
}

/* What was rejected when the run was begun, told again. */
static bool tell_reject(const struct store_reject *row, void *user)
{
    struct load *load = user;
    const struct record record = {
        .number = row->record,
        .raw = row->raw,
        .n_raw = row->n_raw,
        .dialogue.sample.id = (char *)(uintptr_t)row->id,
    };
    return complaints_add(load->complaints, load->options->files[row->i_file], &record, row->cause,
                          row->detail, &load->cause);
}

static bool load_all(struct load *load, GError **error)
{
    bool loaded;
    if (!store_is_loaded(load->store, &loaded, error))
        return false;
    if (loaded) {
        bool ok = store_foreach_reject(load->store, tell_reject, load, error);
        if (!load->cause)
            return ok;
        g_propagate_error(error, load->cause);
        return false;
    }
    if (!store_begin(load->store, error))
        return false;
    for (int i = 0; load->options->files[i]; i++) {
        if (!load_file(load, i, error)) {
            store_rollback(load->store);
            return false;
        }
    }
    return store_set_loaded(load->store, error) && store_commit(load->store, error);
}

bool load_samples(struct store *store, const struct load_options *options, GError **error)
{
    struct load load = {.options = options, .store = store};
    load.complaints = complaints_open(options->rejects, options->strict, error);
    if (!load.complaints)
        return false;
    load.ids = ids_new();
    bool ok = load_all(&load, error);
    ids_free(load.ids);
    /* The first error is the one to tell. */
    return complaints_close(load.complaints, ok ? error : NULL) && ok;
}
