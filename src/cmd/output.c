#include "cmd/output.h"

bool output_write(struct output *output, const char *path, const struct writer_options *options,
                  const struct input_options *input, char **files, int n_files,
                  bool (*read)(const char *file, void *user, GError **error), void *user,
                  size_t *n_bad, GError **error)
{
    output->complaints = complaints_open(input->rejects, input->strict, error);
    if (!output->complaints)
        return false;
    output->writer = writer_open(path, options, error);
    if (!output->writer) {
        complaints_close(output->complaints, NULL);
        return false;
    }
    output->ids = ids_new();
    bool ok = input_read_files(input, files, n_files, read, user, error);
    ids_free(output->ids);
    if (ok)
        ok = writer_commit(output->writer, error);
    else
        writer_discard(output->writer);
    *n_bad = complaints_count(output->complaints);
    /* The first error is the one to tell. */
    return complaints_close(output->complaints, ok ? error : NULL) && ok;
}
