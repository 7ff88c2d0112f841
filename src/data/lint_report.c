#include "data/lint_report.h"

#include "data/picture.h"

/* One record that was read; false with an error where the work must stop. */
static bool lint_record(struct lint_report *report, const char *path, const struct record *record,
                        const char *images, struct complaints *complaints, GError **error)
{
    struct flaw flaw = {0};
    const char *image = record->dialogue.sample.image;
    const char *cause = record->cause, *detail = record->detail;
    if (!cause && images && image && !picture_check(images, image, &flaw)) {
        cause = flaw.cause;
        detail = flaw.detail;
    }
    report->n++;
    report->n_disagree += record->n_disagree > 0;
    report->n_ok += cause == NULL;
    report->n_bad += cause != NULL;
    bool go_on = !cause || complaints_add(complaints, path, record, cause, detail, error);
    flaw_clear(&flaw);
    return go_on;
}

bool lint_file(struct lint_report *report, const char *path, const char *images,
               const struct protocol *protocol, struct complaints *complaints, GError **error)
{
    struct reader *reader = reader_open(path, NEED_ALL, protocol, error);
    if (!reader)
        return false;
    enum reader_status status;
    struct record *record;
    bool go_on = true;
    while (go_on && (status = reader_next(reader, &record, error)) <= READER_BAD)
        go_on = lint_record(report, path, record, images, complaints, error);
    reader_close(reader);
    return go_on && status == READER_END;
}
