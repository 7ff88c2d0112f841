#include "cmd/input.h"

#include "base/error.h"
#include "base/log.h"
#include "cmd/command.h"

#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

void input_clear(struct input_options *options)
{
    g_free(options->images);
    g_free(options->rejects);
    *options = (struct input_options){0};
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

/* The file that `path` names or would make: the folder resolved, then the name. Free with g_free. */
static char *resolve(const char *path)
{
    char *whole = realpath(path, NULL);
    if (whole)
        return whole;
    g_autofree char *folder = g_path_get_dirname(path), *name = g_path_get_basename(path);
    char *real = realpath(folder, NULL);
    char *resolved = g_build_filename(real ? real : folder, name, NULL);
    free(real);
    return resolved;
}

static bool is_same_file(const char *a, const char *b)
{
    struct stat of_a, of_b;
    if (strcmp(a, "-") == 0 || strcmp(b, "-") == 0)
        return strcmp(a, b) == 0;
    if (stat(a, &of_a) == 0 && stat(b, &of_b) == 0)
        return S_ISREG(of_a.st_mode) && of_a.st_dev == of_b.st_dev && of_a.st_ino == of_b.st_ino;
    g_autofree char *real_a = resolve(a), *real_b = resolve(b);
    return strcmp(real_a, real_b) == 0;
}

bool input_check_apart(const struct input_path *paths, size_t n_paths, GError **error)
{
    for (size_t i = 0; i < n_paths; i++) {
        for (size_t j = 0; j < i; j++) {
            if (!paths[i].path || !paths[j].path || !is_same_file(paths[i].path, paths[j].path))
                continue;
            g_set_error(error, FIRE_ERROR, FIRE_ERROR_USAGE,
                        "%s and %s are the same file '%s': one would replace the other",
                        paths[j].name, paths[i].name, paths[i].path);
            return false;
        }
    }
    return true;
}

bool input_check_rejects(const struct input_options *options, char *const *paths, int n_paths,
                         GError **error)
{
    for (int i = 0; i < n_paths; i++) {
        /* "-" is stdin here. */
        bool is_stdin = strcmp(paths[i], "-") == 0;
        const struct input_path pair[] = {{"the input", is_stdin ? NULL : paths[i]},
                                          {"--rejects", options->rejects}};
        if (!input_check_apart(pair, G_N_ELEMENTS(pair), error))
            return false;
    }
    return true;
}

int input_exit_code(const struct input_options *options, size_t n_bad)
{
    return n_bad > (size_t)MAX(options->max_failures, 0) ? EXIT_PARTIAL : EXIT_DONE;
}
