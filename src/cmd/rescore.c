/* rescore.c -- fire rescore: the tables of a run again, by its own protocol or another, without a model. */
#include "base/error.h"
#include "cmd/command.h"
#include "cmd/run_options.h"
#include "cmd/run_tables.h"
#include "report/run_view.h"

static int run(int argc, char **argv, GError **error);

const struct command command_rescore = {"rescore", "The tables of a run again, also by other rules",
                                        run};

/* `--protocol` starts anew, `--set` alone changes the run's own. */
static bool find_protocol(struct protocol *protocol, struct store *store, const char *name,
                          char *const *set, GError **error)
{
    if (name)
        return protocol_from_options(protocol, name, set, error);
    return run_view_protocol(store, protocol, error) && protocol_set_all(protocol, set, error);
}

static int rescore(const char *path, const char *name, char *const *set,
                   const struct table_options *tables, GError **error)
{
    struct protocol protocol;
    struct store *store = store_open_readonly(path, error);
    bool ok = store && find_protocol(&protocol, store, name, set, error) &&
              run_tables_print(store, path, &protocol, tables, stdout, error);
    store_close(store);
    return ok ? EXIT_DONE : EXIT_FAILED;
}

static int run(int argc, char **argv, GError **error)
{
    g_autofree char *name = NULL;
    g_auto(GStrv) set = NULL;
    struct table_options tables = {0};
    const GOptionEntry own[] = {PROTOCOL_OPTION(name), SET_OPTION(set)};
    g_autoptr(GArray) entries = g_array_new(TRUE, FALSE, sizeof(GOptionEntry));
    g_array_append_vals(entries, own, G_N_ELEMENTS(own));
    table_options_add(&tables, entries);
    int code = EXIT_USAGE;
    if (command_parse(&argc, &argv, &command_rescore, "RUN.db", (GOptionEntry *)entries->data, 1, 1,
                      error)) {
        if (argc == 0)
            code = EXIT_DONE;
        else if (table_options_check(&tables, error))
            code = rescore(argv[1], name, set, &tables, error);
    }
    table_options_clear(&tables);
    return code;
}
