/* bench_fixed.c -- fire bench fixed: BLEU, CIDEr and MAE of what a model says after recorded prefixes. */
#include "cmd/bench.h"
#include "run/fixed_setting.h"

static int run(int argc, char **argv, GError **error);

const struct command command_bench_fixed = {
    "bench fixed", "Benchmark a student or a teacher on recorded dialogues", run};

static int run(int argc, char **argv, GError **error)
{
    static const struct bench_roles roles = {"The model that goes on as the student",
                                             "The model that goes on as the teacher", false};
    return bench_command(argc, argv, &command_bench_fixed, &setting_fixed, &roles, error);
}
