#include "cmd/input.h"

#include "base/log.h"
#include "cmd/command.h"

void input_clear(struct input_options *options)
{
    g_free(options->images);
    g_free(options->rejects);
    *options = (struct input_options){0};
}

char *input_images(const struct input_options *options, const char *path)
{
    return options->images ? g_strdup(options->images) : g_path_get_dirname(path);
}

bool input_read_files(const struct input_options *options, char **paths, int n_paths,
                      bool (*read)(const char *path, void *user, GError **error), void *user,
                      GError **error)
{
    GError *first = NULL;
    for (int i = 0; i < n_paths && !(first && options->strict); i++) {
        g_autoptr(GError) cause = NULL;
        if (read(paths[i], user, &cause))
            continue;
        if (first)
            log_error("%s", cause->message);
        else
            first = g_steal_pointer(&cause);
    }
    if (first)
        g_propagate_error(error, first);
    return first == NULL;
}

int input_exit_code(const struct input_options *options, size_t n_bad)
{
    return n_bad > (size_t)MAX(options->max_failures, 0) ? EXIT_PARTIAL : EXIT_DONE;
}
