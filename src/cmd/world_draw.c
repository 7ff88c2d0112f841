/* world_draw.c -- fire world: draws a folder of procedural pictures with questions. */
#include "base/error.h"
#include "cmd/command.h"
#include "world/world.h"

#include <inttypes.h>
#include <stdio.h>

static int run(int argc, char **argv, GError **error);

const struct command command_world = {"world",
                                      "Draw procedural pictures with questions and answers", run};

static const struct generator *find_kind(const char *name, GError **error)
{
    const struct generator *generator = generator_find(name);
    if (generator)
        return generator;
    g_autoptr(GString) names = g_string_new(NULL);
    for (size_t i = 0; generators[i]; i++)
        g_string_append_printf(names, "%s%s", i > 0 ? ", " : "", generators[i]->name);
    g_set_error(error, FIRE_ERROR, FIRE_ERROR_USAGE, "unknown --kind '%s': there is %s", name,
                names->str);
    return NULL;
}

static int run(int argc, char **argv, GError **error)
{
    gint64 n = 24, seed = 1;
    g_autofree char *kind = NULL;
    const GOptionEntry entries[] = {
        {"n", 0, 0, G_OPTION_ARG_INT64, &n, "Number of pictures (24)", "N"},
        {"seed", 0, 0, G_OPTION_ARG_INT64, &seed, "Seed of everything random (1)", "S"},
        {"kind", 0, 0, G_OPTION_ARG_STRING, &kind, "What to draw (counting)", "KIND"},
        {0}};
    if (!command_parse(&argc, &argv, &command_world, "DIR", entries, 1, 1, error))
        return EXIT_USAGE;
    if (argc == 0)
        return EXIT_DONE;
    if (n < 1 || n > WORLD_MAX_SCENES || seed < 0) {
        g_set_error(error, FIRE_ERROR, FIRE_ERROR_USAGE, "--n is 1 to %d and --seed not negative",
                    WORLD_MAX_SCENES);
        return EXIT_USAGE;
    }
    const struct generator *generator = find_kind(kind ? kind : "counting", error);
    if (!generator)
        return EXIT_USAGE;
    if (!world_write(argv[1], generator, (uint64_t)seed, (uint64_t)n, error))
        return EXIT_FAILED;
    printf("%s/samples.jsonl: %" PRId64 " samples of kind '%s', seed %" PRId64 "\n", argv[1], n,
           generator->name, seed);
    return EXIT_DONE;
}
