#include "cmd/batches.h"

#include "base/error.h"
#include "base/pool.h"
#include "cmd/command.h"
#include "data/scanner.h"

#include <stdio.h>
#include <string.h>

struct place {
    size_t number; /* of the record in its file */
    size_t start, n_bytes;
    struct flaw flaw;
    char *id; /* of a bad record, as JSON has it; owned */
};

struct batch {
    GString *bytes;
    GArray *places; /* struct place */
    void *part;
};

struct batches {
    const struct batches_job *job;
    struct batch all[BATCHES_AT_ONCE];
    size_t n_used; /* batches with records */
};

static void clear_place(gpointer data)
{
    struct place *place = data;
    flaw_clear(&place->flaw);
    g_free(place->id);
}

static void work_on_record(const struct batches_job *job, struct batch *batch, struct place *place)
{
    if (place->flaw.cause) /* too long */
        return;
    const char *text = batch->bytes->str + place->start;
    g_autoptr(GError) cause = NULL;
    g_autoptr(json_t) record = job->allow_nul ? json_parse_with_nul(text, place->n_bytes, &cause)
                                              : json_parse(text, place->n_bytes, &cause);
    if (!record && !g_utf8_validate(text, (gssize)place->n_bytes, NULL))
        flaw_set(&place->flaw, "bad-utf8", "it is not UTF-8");
    else if (!record)
        flaw_set(&place->flaw, "bad-json", "%s", cause->message);
    else if (!json_is_object(record))
        flaw_set(&place->flaw, "wrong-type", "it is not an object");
    else if (!job->work(batch->part, record, &place->flaw)) {
        const json_t *id = json_object_get(record, "id");
        if (json_is_string(id))
            place->id = g_strdup(json_string_value(id));
        else if (id)
            place->id = json_print(id);
    }
}

static void work_on_batch(size_t i, void *user)
{
    struct batches *batches = user;
    struct batch *batch = &batches->all[i];
    for (guint r = 0; r < batch->places->len; r++)
        work_on_record(batches->job, batch, &g_array_index(batch->places, struct place, r));
}

static bool complain(struct complaints *complaints, const char *path, const struct batch *batch,
                     const struct place *place, GError **error)
{
    struct record record = {.number = place->number,
                            .raw = batch->bytes->str + place->start,
                            .n_raw = place->n_bytes,
                            .dialogue.sample.id = place->id};
    return complaints_add(complaints, path, &record, place->flaw.cause, place->flaw.detail, error);
}

/* Works on what has been gathered and takes it. */
static bool flush(struct batches *batches, struct complaints *complaints, const char *path,
                  GError **error)
{
    pool_run(batches->n_used, work_on_batch, batches);
    bool ok = true;
    for (size_t i = 0; i < batches->n_used; i++) {
        struct batch *batch = &batches->all[i];
        for (guint r = 0; ok && r < batch->places->len; r++) {
            const struct place *place = &g_array_index(batch->places, struct place, r);
            ok = !place->flaw.cause || complain(complaints, path, batch, place, error);
        }
        ok = ok && batches->job->take(batch->part, batches->job->user, error);
        g_array_set_size(batch->places, 0);
        g_string_truncate(batch->bytes, 0);
    }
    batches->n_used = 0;
    return ok;
}

/* Adds a record to the batch being filled, or a note of one that was too long (NULL). */
static void gather(struct batches *batches, const char *text, size_t n_bytes, size_t number)
{
    if (batches->n_used == 0 || batches->all[batches->n_used - 1].bytes->len >= BATCH_BYTES)
        batches->n_used++;
    struct batch *batch = &batches->all[batches->n_used - 1];
    struct place place = {.number = number, .start = batch->bytes->len, .n_bytes = n_bytes};
    if (text)
        g_string_append_len(batch->bytes, text, (gssize)n_bytes);
    else
        flaw_set(&place.flaw, "too-long", "more than %u bytes", SCANNER_MAX_RECORD);
    g_array_append_val(batch->places, place);
}

static bool are_full(const struct batches *batches)
{
    return batches->n_used == BATCHES_AT_ONCE &&
           batches->all[BATCHES_AT_ONCE - 1].bytes->len >= BATCH_BYTES;
}

static enum batches_status read_all(struct batches *batches, struct scanner *scanner,
                                    const char *path, struct complaints *complaints, GError **error)
{
    enum scan_status status;
    const char *text;
    size_t n_bytes, number = 0;
    g_autoptr(GError) broken = NULL;
    while ((status = scanner_next(scanner, &text, &n_bytes, &broken)) < SCAN_END) {
        bool too_long = status == SCAN_TOO_LONG;
        gather(batches, too_long ? NULL : text, too_long ? 0 : n_bytes, ++number);
        if (are_full(batches) && !flush(batches, complaints, path, error))
            return BATCHES_STOPPED;
    }
    if (!flush(batches, complaints, path, error))
        return BATCHES_STOPPED;
    if (status == SCAN_END)
        return BATCHES_DONE;
    g_propagate_error(error, g_steal_pointer(&broken));
    return BATCHES_BROKEN;
}

enum batches_status batches_run(const char *path, struct complaints *complaints,
                                const struct batches_job *job, GError **error)
{
    struct scanner *scanner = scanner_open(path, error);
    if (!scanner)
        return BATCHES_STOPPED;
    struct batches batches = {.job = job};
    for (size_t i = 0; i < BATCHES_AT_ONCE; i++) {
        struct batch *batch = &batches.all[i];
        batch->bytes = g_string_new(NULL);
        batch->places = g_array_new(FALSE, FALSE, sizeof(struct place));
        g_array_set_clear_func(batch->places, clear_place);
        batch->part = job->parts[i];
    }
    enum batches_status status = read_all(&batches, scanner, path, complaints, error);
    for (size_t i = 0; i < BATCHES_AT_ONCE; i++) {
        g_string_free(batches.all[i].bytes, TRUE);
        g_array_free(batches.all[i].places, TRUE);
    }
    scanner_close(scanner);
    return status;
}

const char *batches_get_string(const json_t *record, const char *key, struct flaw *flaw)
{
    const json_t *value = json_object_get(record, key);
    if (!value)
        flaw_set(flaw, "missing-key", "missing key '%s'", key);
    else if (!json_is_string(value))
        flaw_set(flaw, "wrong-type", "key '%s' is not a string", key);
    return json_string_value(value);
}

/* What a batch has printed so far. */
struct lines {
    json_t *(*add)(const json_t *record, const void *user, struct flaw *flaw);
    const void *user;
    const char *what;
    GString *text;
};

static bool add_line(void *part, const json_t *record, struct flaw *flaw)
{
    struct lines *lines = part;
    g_autoptr(json_t) object = lines->add(record, lines->user, flaw);
    if (!object)
        return false;
    g_autofree char *line = json_print(object);
    g_string_append(lines->text, line);
    g_string_append_c(lines->text, '\n');
    return true;
}

static bool take_lines(void *part, void *user G_GNUC_UNUSED, GError **error)
{
    struct lines *lines = part;
    fwrite(lines->text->str, 1, lines->text->len, stdout);
    g_string_truncate(lines->text, 0);
    if (ferror(stdout))
        g_set_error(error, FIRE_ERROR, FIRE_ERROR_IO, "cannot write the %s", lines->what);
    return !ferror(stdout);
}

int batches_print(const char *path, const struct input_options *input, const char *what,
                  bool allow_nul,
                  json_t *(*add)(const json_t *record, const void *user, struct flaw *flaw),
                  const void *user, GError **error)
{
    struct complaints *complaints = complaints_open(input->rejects, input->strict, error);
    if (!complaints)
        return EXIT_FAILED;
    struct lines lines[BATCHES_AT_ONCE];
    struct batches_job job = {.work = add_line, .take = take_lines, .allow_nul = allow_nul};
    for (size_t i = 0; i < BATCHES_AT_ONCE; i++) {
        lines[i] = (struct lines){add, user, what, g_string_new(NULL)};
        job.parts[i] = &lines[i];
    }
    bool done = batches_run(path, complaints, &job, error) == BATCHES_DONE;
    for (size_t i = 0; i < BATCHES_AT_ONCE; i++)
        g_string_free(lines[i].text, TRUE);
    size_t n_bad = complaints_count(complaints);
    done = complaints_close(complaints, done ? error : NULL) && done;
    return done ? input_exit_code(input, n_bad) : EXIT_FAILED;
}
