/* bench_free.c -- fire bench free: AT, ADR, ATR, RR of a student that talks with a teacher. */
#include "cmd/bench.h"
#include "run/free_setting.h"

static int run(int argc, char **argv, GError **error);

const struct command command_bench_free = {
    "bench free", "Benchmark a student in free dialogues with a teacher", run};

static int run(int argc, char **argv, GError **error)
{
    static const struct bench_roles roles = {"The model that answers",
                                             "The model that scores and comments", true};
    return bench_command(argc, argv, &command_bench_free, &setting_free, &roles, error);
}
