#include "data/complaint.h"

#include "base/atomic_file.h"
#include "base/error.h"
#include "base/log.h"

#include <string.h>

#define MAX_CAUSES 32

struct complaints {
    struct {
        const char *name;
        size_t n;
    } causes[MAX_CAUSES]; /* there are fewer names: flaw.h lists them */
    size_t n_causes, n_bad;
    bool is_strict;
    struct atomic_file *rejects; /* or NULL */
};

struct complaints *complaints_open(const char *rejects, bool strict, GError **error)
{
    struct atomic_file *file = NULL;
    if (rejects && !(file = atomic_file_open(rejects, error)))
        return NULL;
    struct complaints *complaints = g_new0(struct complaints, 1);
    complaints->rejects = file;
    complaints->is_strict = strict;
    return complaints;
}

/* Counts one more of `cause` and returns how many there are. */
static size_t count(struct complaints *complaints, const char *cause)
{
    size_t i = 0;
    while (i < complaints->n_causes && strcmp(complaints->causes[i].name, cause) != 0)
        i++;
    g_assert(i < MAX_CAUSES);
    if (i == complaints->n_causes)
        complaints->causes[complaints->n_causes++].name = cause;
    complaints->n_bad++;
    return ++complaints->causes[i].n;
}

bool complaints_add(struct complaints *complaints, const char *path, const struct record *record,
                    const char *cause, const char *detail, GError **error)
{
    const char *id = record->dialogue.sample.id;
    g_autofree char *line =
        g_strdup_printf("%s: record %zu%s%s%s: %s: %s", path, record->number, id ? " (" : "",
                        id ? id : "", id ? ")" : "", cause, detail);
    if (count(complaints, cause) <= COMPLAINT_MAX_LINES)
        log_warn("%s", line);
    if (complaints->rejects && record->n_raw > 0) { /* a too long one was not held */
        FILE *stream = atomic_file_stream(complaints->rejects);
        fwrite(record->raw, 1, record->n_raw, stream);
        putc('\n', stream);
        if (ferror(stream)) {
            g_set_error(error, FIRE_ERROR, FIRE_ERROR_IO, "cannot write the rejects file");
            return false;
        }
    }
    if (complaints->is_strict)
        g_set_error(error, FIRE_ERROR, FIRE_ERROR_FORMAT,
                    "stopped at the first bad record (--strict)");
    return !complaints->is_strict;
}

size_t complaints_count(const struct complaints *complaints)
{
    return complaints->n_bad;
}

json_t *complaints_by_cause(const struct complaints *complaints)
{
    json_t *object = json_object();
    for (size_t i = 0; i < complaints->n_causes; i++)
        json_object_set_new(object, complaints->causes[i].name,
                            json_integer((json_int_t)complaints->causes[i].n));
    return object;
}

bool complaints_close(struct complaints *complaints, GError **error)
{
    if (!complaints)
        return true;
    for (size_t i = 0; i < complaints->n_causes; i++)
        if (complaints->causes[i].n > COMPLAINT_MAX_LINES)
            log_warn("%zu bad records in all of cause %s", complaints->causes[i].n,
                     complaints->causes[i].name);
    bool ok = !complaints->rejects || atomic_file_commit(complaints->rejects, error);
    g_free(complaints);
    return ok;
}
