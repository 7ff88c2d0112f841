/* command.h -- a command is one file of this folder, one const struct, one function.
 *
 * Adding one: write NAME.c with `const struct command command_NAME`, name it in the table of
 * main.c, describe it in docs/commands.md (a test compares). */
#ifndef FIRE_CMD_COMMAND_H
#define FIRE_CMD_COMMAND_H

#include <glib.h>
#include <stdbool.h>

/* Exit codes of DESIGN.md 4. */
enum { EXIT_DONE = 0, EXIT_FAILED = 1, EXIT_USAGE = 2, EXIT_PARTIAL = 3 };

struct command {
    const char *name;    /* "score" or, for two words, "bench free" */
    const char *summary; /* one line for `fire help` */
    /* argv[0] is the command's name. Returns an exit code; where it is not EXIT_DONE or
     * EXIT_PARTIAL, `error` is set and main prints it. */
    int (*run)(int argc, char **argv, GError **error);
};

/* Parses options as GOption does; unknown options, and fewer than `min` or more than `max` (-1:
 * any) remaining arguments, give FIRE_ERROR_USAGE. Afterwards argv holds argc - 1 arguments from
 * argv[1] on. `arguments` is shown in --help: "FILE...". --help prints and sets *argc to 0: return
 * EXIT_DONE. */
bool command_parse(int *argc, char ***argv, const struct command *command, const char *arguments,
                   const GOptionEntry *entries, int min, int max, GError **error);

#endif
