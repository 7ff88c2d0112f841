/* reader.c -- scanner, parser, form and id of one record after the other. */
#include "data/reader.h"

#include "data/forms.h"
#include "data/scanner.h"
#include "data/sources/source.h"

#include "base/error.h"

#include <string.h>

struct reader {
    struct scanner *scanner;
    struct form_rules rules;
    const struct source *source; /* NULL: our own forms, recognised by content */
    struct source_file file;
    struct ids *ids, *own_ids; /* `ids` is `own_ids` or the caller's */
    struct flaw flaw;
    struct record record;
    size_t n_records;
};

static struct reader *open_reader(const char *path, const struct reader *initial, GError **error)
{
    struct scanner *scanner = scanner_open(path, error);
    if (!scanner)
        return NULL;
    struct reader *reader = g_new(struct reader, 1);
    *reader = *initial;
    reader->scanner = scanner;
    reader->ids = reader->own_ids = ids_new();
    return reader;
}

struct reader *reader_open(const char *path, enum reader_need need, const struct protocol *protocol,
                           GError **error)
{
    struct reader initial = {.rules = {need, protocol}};
    return open_reader(path, &initial, error);
}

struct reader *reader_open_source(const char *path, const struct source *source, const char *images,
                                  GError **error)
{
    struct reader initial = {.source = source};
    struct reader *reader = open_reader(path, &initial, error);
    if (reader)
        reader->file = (struct source_file){g_strdup(path), g_strdup(images)};
    return reader;
}

void reader_use_ids(struct reader *reader, struct ids *ids)
{
    g_clear_pointer(&reader->own_ids, ids_free);
    reader->ids = ids;
}

static void clear_record(struct reader *reader)
{
    dialogue_clear(&reader->record.dialogue);
    flaw_clear(&reader->flaw);
    reader->record = (struct record){0};
}

void reader_close(struct reader *reader)
{
    if (!reader)
        return;
    clear_record(reader);
    ids_free(reader->own_ids);
    scanner_close(reader->scanner);
    g_free((char *)reader->file.path);
    g_free((char *)reader->file.images);
    g_free(reader);
}

void reader_position(const struct reader *reader, uint64_t *done, uint64_t *total)
{
    scanner_position(reader->scanner, done, total);
}

static bool is_utf8(const char *text, size_t n_bytes)
{
    const char *end = text + n_bytes;
    /* GLib stops at a NUL, which is not JSON but is UTF-8. */
    while (!g_utf8_validate(text, end - text, &text)) {
        if (*text != '\0')
            return false;
        text++;
    }
    return true;
}

static json_t *parse(const struct record *record, struct flaw *flaw)
{
    g_autoptr(GError) cause = NULL;
    json_t *object = json_parse(record->raw, record->n_raw, &cause);
    if (object)
        return object;
    if (!is_utf8(record->raw, record->n_raw))
        flaw_set(flaw, "bad-utf8", "it is not UTF-8");
    else
        flaw_set(flaw, "bad-json", "%s", cause->message);
    return NULL;
}

static bool has_sample(const struct sample *sample)
{
    return sample->source && sample->question && sample->answer;
}

/* Reads the record that stands in `raw`. */
static bool read_record(struct reader *reader)
{
    struct record *record = &reader->record;
    struct sample *sample = &record->dialogue.sample;
    g_autoptr(json_t) object = parse(record, &reader->flaw);
    if (!object)
        return false;
    bool ok;
    if (!reader->source)
        ok = form_read(&reader->rules, object, record, &reader->flaw);
    else if (json_is_object(object))
        ok = reader->source->convert(&reader->file, object, sample, &reader->flaw);
    else
        ok = flaw_set(&reader->flaw, "wrong-type", "the record is not an object");
    /* A sample gets its id whether its turns can be used or not, so that it has the same id for
     * every need. */
    if (has_sample(sample))
        ids_assign(reader->ids, sample);
    else if (!sample->id)
        sample->id = sample_read_id(object);
    return ok;
}

enum reader_status reader_next(struct reader *reader, struct record **out, GError **error)
{
    clear_record(reader);
    struct record *record = *out = &reader->record;
    enum scan_status status = scanner_next(reader->scanner, &record->raw, &record->n_raw, error);
    if (status == SCAN_END)
        return READER_END;
    if (status == SCAN_FAILED)
        return READER_FAILED;
    record->number = ++reader->n_records;
    bool ok = status == SCAN_RECORD ? read_record(reader)
                                    : flaw_set(&reader->flaw, "too-long",
                                               "it has more than %u bytes", SCANNER_MAX_RECORD);
    record->cause = reader->flaw.cause;
    record->detail = reader->flaw.detail;
    return ok ? READER_RECORD : READER_BAD;
}
