/* merge.c -- fire merge: an adapter folded into the weights of its model. */
#include "model/merged_folder.h"

#include "base/error.h"
#include "base/log.h"
#include "cmd/command.h"

static int run(int argc, char **argv, GError **error);

const struct command command_merge = {"merge", "Fold an adapter into the weights of its model",
                                      run};

/* The tower of the original layout is found beside its model, so the new folder may be too far from it. */
static void check_tower(const char *out, const struct model_config *config)
{
    struct model_config moved = {0};
    if (!config->tower_folder || config->tower_tuned)
        return;
    if (!model_config_load(&moved, out, NULL, NULL) || !moved.tower_folder)
        log_warn(
            "'%s' is not beside its vision tower '%s': copy that folder too, or use --vision-tower",
            out, config->tower_folder);
    model_config_clear(&moved);
}

static bool merge(const char *folder, const char *tower, const char *adapter_folder,
                  const char *out, GError **error)
{
    struct model_config config = {0};
    struct weights *weights = NULL;
    struct adapter *adapter = NULL;
    bool ok = model_config_load(&config, folder, tower, error) &&
              (weights = weights_open(folder, &config, error)) &&
              (adapter = adapter_open(adapter_folder, weights, error)) &&
              merged_folder_write(folder, weights, adapter, out, error);
    if (ok) {
        log_info("%u tensors changed in '%s'", g_strv_length((char **)adapter_names(adapter)), out);
        check_tower(out, &config);
    }
    adapter_close(adapter);
    weights_close(weights);
    model_config_clear(&config);
    return ok;
}

static int run(int argc, char **argv, GError **error)
{
    g_autofree char *out = NULL, *tower = NULL;
    const GOptionEntry entries[] = {
        {"output", 'o', 0, G_OPTION_ARG_FILENAME, &out,
         "The folder to write; absent or empty before", "DIR"},
        {"vision-tower", 0, 0, G_OPTION_ARG_FILENAME, &tower,
         "The vision tower of an original LLaVA folder", "DIR"},
        {0},
    };
    if (!command_parse(&argc, &argv, &command_merge, "DIR ADAPTER", entries, 2, 2, error))
        return EXIT_USAGE;
    if (argc == 0)
        return EXIT_DONE;
    if (!out) {
        g_set_error(error, FIRE_ERROR, FIRE_ERROR_USAGE, "say where to write with -o DIR");
        return EXIT_USAGE;
    }
    return merge(argv[1], tower, argv[2], out, error) ? EXIT_DONE : EXIT_FAILED;
}
