/* input.h -- the options that every command which reads records has, and what they mean. */
#ifndef FIRE_CMD_INPUT_H
#define FIRE_CMD_INPUT_H

#include "data/complaint.h"

/* A zeroed struct holds the defaults. */
struct input_options {
    char *images, *rejects;
    gboolean strict;
    int max_failures;
};

/* Rows for a GOptionEntry table, over a struct input_options. Every reader of records has the last
 * three. */
#define INPUT_IMAGES(o)                                                                            \
    {                                                                                              \
        "images", 0, 0, G_OPTION_ARG_FILENAME, &(o).images,                                        \
            "Folder that the pictures' paths are relative to (the file's folder)", "DIR"           \
    }
#define INPUT_REJECTS(o)                                                                           \
    {                                                                                              \
        "rejects", 0, 0, G_OPTION_ARG_FILENAME, &(o).rejects, "Write bad records there, verbatim", \
            "FILE"                                                                                 \
    }
#define INPUT_STRICT(o)                                                                            \
    {                                                                                              \
        "strict", 0, 0, G_OPTION_ARG_NONE, &(o).strict, "Stop at the first bad record", NULL       \
    }
#define INPUT_MAX_FAILURES(o)                                                                      \
    {                                                                                              \
        "max-failures", 0, 0, G_OPTION_ARG_INT, &(o).max_failures,                                 \
            "Exit with 3 only if more records are bad (0)", "N"                                    \
    }

void input_clear(struct input_options *options);

/* What becomes of the files of a command: `read` is called for each. A file that cannot be used
 * does not keep the others from being read; the first such error is returned at the end. `read`
 * returns false with an error; with --strict that ends it all. */
bool input_read_files(const struct input_options *options, char **paths, int n_paths,
                      bool (*read)(const char *path, void *user, GError **error), void *user,
                      GError **error);

/* Two files of one command that must not be the same, because one would replace the other: usage
 * errors. Each is {what it is to the user, path}; a path may be NULL, "-" is stdout. */
struct input_path {
    const char *name, *path;
};
bool input_check_apart(const struct input_path *paths, size_t n_paths, GError **error);
/* --rejects against each input file. */
bool input_check_rejects(const struct input_options *options, char *const *paths, int n_paths,
                         GError **error);

/* EXIT_DONE, or EXIT_PARTIAL where more than --max-failures records were bad. */
int input_exit_code(const struct input_options *options, size_t n_bad);

#endif
