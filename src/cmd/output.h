/* output.h -- records of many files into one: what `fire export` and `fire import` share. */
#ifndef FIRE_CMD_OUTPUT_H
#define FIRE_CMD_OUTPUT_H

#include "cmd/input.h"
#include "data/writer.h"

/* What a command's `read` adds to. */
struct output {
    struct writer *writer;
    struct complaints *complaints;
    struct ids *ids; /* unique over all files */
};

/* Reads all files into `path`, which appears only if all could be read: `read` is called for each and adds to `output`. Sets
 * `*n_bad` to the records that were rejected. */
bool output_write(struct output *output, const char *path, const struct writer_options *options,
                  const struct input_options *input, char **files, int n_files,
                  bool (*read)(const char *file, void *user, GError **error), void *user,
                  size_t *n_bad, GError **error);

#endif
