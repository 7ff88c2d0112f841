/* score_free.c -- fire score free: AT, ADR, ATR, RR of recorded dialogues, no model needed. */
#include "base/error.h"
#include "base/log.h"
#include "cmd/command.h"
#include "cmd/input.h"
#include "cmd/run_options.h"
#include "cmd/table_options.h"

static int run(int argc, char **argv, GError **error);

const struct command command_score_free = {"score free",
                                           "AT, ADR, ATR and RR of recorded dialogues", run};

struct options {
    struct table_options table;
    struct input_options input;
    char *protocol_name, *threshold, *turns, *penalty;
    char **set;
};

static bool set_option(struct protocol *protocol, const char *name, const char *value,
                       GError **error)
{
    g_autofree char *assignment = g_strdup_printf("%s=%s", name, value ? value : "");
    return !value || protocol_set(protocol, assignment, error);
}

static bool parse_protocol(struct protocol *protocol, const struct options *options, GError **error)
{
    return protocol_from_options(protocol, options->protocol_name, options->set, error) &&
           set_option(protocol, "threshold", options->threshold, error) &&
           set_option(protocol, "turns", options->turns, error) &&
           set_option(protocol, "penalty", options->penalty, error);
}

enum reading { READING_WHOLE, READING_CUT, READING_STOPPED };

/* Adds the dialogues of a file. CUT: it cannot be read on, what was read before counts. STOPPED:
 * nothing is to be reported. Both set `error`. */
static enum reading read_file(struct free_set *set, const char *path,
                              const struct protocol *protocol, struct complaints *complaints,
                              GError **error)
{
    struct reader *reader = reader_open(path, NEED_DIALOGUE, protocol, error);
    if (!reader)
        return READING_STOPPED;
    struct record *record;
    enum reader_status status;
    enum reading reading = READING_WHOLE;
    while ((status = reader_next(reader, &record, error)) <= READER_BAD) {
        if (status == READER_RECORD) {
            free_set_add(set, &record->dialogue);
        } else if (!complaints_add(complaints, path, record, record->cause, record->detail,
                                   error)) {
            reading = READING_STOPPED;
            break;
        }
    }
    if (status == READER_FAILED)
        reading = READING_CUT;
    reader_close(reader);
    return reading;
}

/* The file and its baseline, read, and what they give, printed. */
static int score(const char *path, const struct protocol *protocol, const struct options *options,
                 GError **error)
{
    struct complaints *complaints =
        complaints_open(options->input.rejects, options->input.strict, error);
    if (!complaints)
        return EXIT_FAILED;
    struct free_set *set = free_set_new(), *baseline = free_set_new();
    enum reading reading = READING_STOPPED;
    int n_failed = 0;
    if (table_options_read_baseline(&options->table, baseline, protocol, complaints, error))
        reading = read_file(set, path, protocol, complaints, error);
    size_t n_bad = complaints_count(complaints);
    if (!complaints_close(complaints, reading == READING_WHOLE ? error : NULL) &&
        reading == READING_WHOLE)
        reading = READING_CUT;
    if (reading != READING_STOPPED &&
        !table_options_print_free(&options->table, set, baseline, protocol, NULL, NULL, stdout,
                                  &n_failed, reading == READING_WHOLE ? error : NULL))
        reading = READING_STOPPED;
    if (n_failed > 0)
        log_warn("%d failed dialogues are left out of the metrics", n_failed);
    free_set_free(set);
    free_set_free(baseline);
    return reading == READING_WHOLE ? input_exit_code(&options->input, n_bad + (size_t)n_failed)
                                    : EXIT_FAILED;
}

static void options_clear(struct options *options)
{
    table_options_clear(&options->table);
    input_clear(&options->input);
    g_free(options->protocol_name);
    g_free(options->threshold);
    g_free(options->turns);
    g_free(options->penalty);
    g_strfreev(options->set);
}

static int run(int argc, char **argv, GError **error)
{
    struct options options = {0};
    const GOptionEntry own[] = {
        {"threshold", 0, 0, G_OPTION_ARG_STRING, &options.threshold,
         "The score that counts as solved (8)", "N"},
        {"turns", 0, 0, G_OPTION_ARG_STRING, &options.turns, "Most rounds (5)", "N"},
        {"penalty", 0, 0, G_OPTION_ARG_STRING, &options.penalty,
         "Rounds of an unsolved dialogue in AT (10)", "N"},
        PROTOCOL_OPTION(options.protocol_name),
        SET_OPTION(options.set),
        INPUT_REJECTS(options.input),
        INPUT_STRICT(options.input),
        INPUT_MAX_FAILURES(options.input),
    };
    g_autoptr(GArray) entries = g_array_new(TRUE, FALSE, sizeof(GOptionEntry));
    g_array_append_vals(entries, own, G_N_ELEMENTS(own));
    table_options_add(&options.table, entries);
    struct protocol protocol;
    int code = EXIT_USAGE;
    if (command_parse(&argc, &argv, &command_score_free, "FILE", (GOptionEntry *)entries->data, 1,
                      1, error)) {
        if (argc == 0)
            code = EXIT_DONE;
        else if (table_options_check(&options.table, error) &&
                 parse_protocol(&protocol, &options, error) &&
                 input_check_rejects(&options.input, argv + 1, 1, error))
            code = score(argv[1], &protocol, &options, error);
    }
    options_clear(&options);
    return code;
}
