/* bench.h -- the chain behind every command that runs models over samples: options -> roles -> run database -> driver. */
#ifndef FIRE_CMD_BENCH_H
#define FIRE_CMD_BENCH_H

#include "cmd/command.h"
#include "cmd/run_options.h"
#include "run/driver.h"

struct bench {
    struct protocol protocol;
    struct prompts *prompts;
    struct role student, teacher;
    struct store *store;
    struct driver_result result;
};

/* Opens the models, makes the run or goes on with it, and runs `setting` over all samples of `files`. The store is left
 * open in `bench` for the report. Clear `bench` with bench_clear, also after an error. */
bool bench_run(struct bench *bench, const struct setting *setting,
               const struct run_options *options, char *const *files, GError **error);
void bench_clear(struct bench *bench);

/* What a bench command says of its roles. */
struct bench_roles {
    const char *student, *teacher; /* descriptions for --help */
    bool needs_both;               /* else one of them will do */
};

/* A whole bench command: parses its options, runs `setting` over the files it names, prints the tables. */
int bench_command(int argc, char **argv, const struct command *command,
                  const struct setting *setting, const struct bench_roles *roles, GError **error);

/* The exit code of DESIGN.md 4 for a run that came to its end; says on stderr what is unfinished, failed or rejected. */
int bench_exit_code(const struct bench *bench, const struct run_options *options);

#endif
