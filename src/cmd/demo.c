/* demo.c -- fire demo: the main job, whole, on pictures that fire draws itself. */
#include "base/error.h"
#include "base/log.h"
#include "cmd/bench.h"
#include "cmd/run_tables.h"
#include "run/free_setting.h"
#include "world/world.h"

#include <errno.h>
#include <glib/gstdio.h>
#include <stdio.h>

#define DEMO_SEED 1
#define DEMO_PICTURES 24

static int run(int argc, char **argv, GError **error);

const struct command command_demo = {"demo",
                                     "Draw pictures and benchmark a scripted student on them", run};

/* The demo's own run of an earlier time, which another version may have made. */
static bool remove_run(const char *path, GError **error)
{
    static const char *const endings[] = {"", "-wal", "-shm"};
    for (size_t i = 0; i < G_N_ELEMENTS(endings); i++) {
        g_autofree char *file = g_strconcat(path, endings[i], NULL);
        if (g_remove(file) != 0 && errno != ENOENT) {
            g_set_error(error, FIRE_ERROR, FIRE_ERROR_IO, "cannot remove '%s': %s", file,
                        g_strerror(errno));
            return false;
        }
    }
    return true;
}

static int demo(const char *folder, GError **error)
{
    g_autofree char *samples = g_build_filename(folder, "samples.jsonl", NULL);
    struct run_options options;
    struct table_options tables = {0};
    struct bench bench = {0};
    int code = EXIT_FAILED;
    run_options_init(&options);
    options.run = g_build_filename(folder, "run.db", NULL);
    options.student.models = g_new0(char *, 2);
    options.student.models[0] = g_strdup_printf("world:%s#novice", folder);
    options.teacher.models = g_new0(char *, 2);
    options.teacher.models[0] = g_strdup_printf("world:%s#oracle", folder);
    char *const files[] = {samples, NULL};
    if (world_write(folder, &generator_counting, DEMO_SEED, DEMO_PICTURES, error) &&
        remove_run(options.run, error) && table_options_check(&tables, error)) {
        printf(
            "Drew %d pictures of shapes to count: %s/images\n"
            "The student is SCRIPTED: it sees no picture and moves its guess by what the teacher "
            "says. The teacher knows\n"
            "each scene. The numbers below show that the program works; they measure no model.\n\n",
            DEMO_PICTURES, folder);
        fflush(stdout);
        if (bench_run(&bench, &setting_free, &options, files, error) &&
            run_tables_print(bench.store, options.run, &bench.protocol, &tables, stdout, error)) {
            code = bench_exit_code(&bench, &options);
            printf("\nThe run database, with every request and reply: %s\n"
                   "Its tables again, by other rules: fire rescore %s --set final=best\n"
                   "The same with a model of yours:   fire bench free --student "
                   "http://HOST:PORT/v1#NAME"
                   " --teacher world:%s#oracle %s --run mine.db\n",
                   options.run, options.run, folder, samples);
        }
    }
    bench_clear(&bench);
    run_options_clear(&options);
    table_options_clear(&tables);
    return code;
}

static int run(int argc, char **argv, GError **error)
{
    if (!command_parse(&argc, &argv, &command_demo, "[DIR]", NULL, 0, 1, error))
        return EXIT_USAGE;
    return argc == 0 ? EXIT_DONE : demo(argc > 1 ? argv[1] : "fire-demo", error);
}
