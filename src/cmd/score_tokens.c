/* score_tokens.c -- fire score tokens: what the metrics' tokenisers make of texts. */
#include "base/error.h"
#include "cmd/batches.h"
#include "cmd/command.h"
#include "cmd/input.h"
#include "metric/tokenize.h"

#include <stdio.h>
#include <string.h>

static int run(int argc, char **argv, GError **error);

const struct command command_score_tokens = {"score tokens",
                                             "Tokens of texts, as BLEU and CIDEr see them", run};

struct part {
    enum tokenizer tokenizer;
    GString *lines;
};

static void add_token(void *user, const char *token, size_t n_bytes)
{
    json_array_append_new(user, json_stringn_nocheck(token, n_bytes));
}

static bool add_record(void *user, const json_t *record, struct flaw *flaw)
{
    struct part *part = user;
    const char *text = batches_get_string(record, "text", flaw);
    if (!text)
        return false;
    json_t *tokens = json_array();
    tokenize(part->tokenizer, text, strlen(text), add_token, tokens);
    g_autoptr(json_t) object = json_pack("{s:o}", "tokens", tokens);
    g_autofree char *line = json_print(object);
    g_string_append(part->lines, line);
    g_string_append_c(part->lines, '\n');
    return true;
}

static bool take_part(void *user_part, void *user G_GNUC_UNUSED, GError **error)
{
    struct part *part = user_part;
    fwrite(part->lines->str, 1, part->lines->len, stdout);
    g_string_truncate(part->lines, 0);
    if (ferror(stdout))
        g_set_error(error, FIRE_ERROR, FIRE_ERROR_IO, "cannot write the tokens");
    return !ferror(stdout);
}

static int print_tokens(enum tokenizer tokenizer, const struct input_options *input,
                        const char *path, GError **error)
{
    struct complaints *complaints = complaints_open(input->rejects, input->strict, error);
    if (!complaints)
        return EXIT_FAILED;
    struct part parts[BATCHES_AT_ONCE];
    struct batches_job job = {.work = add_record, .take = take_part};
    for (size_t i = 0; i < BATCHES_AT_ONCE; i++) {
        parts[i] = (struct part){tokenizer, g_string_new(NULL)};
        job.parts[i] = &parts[i];
    }
    bool done = batches_run(path, complaints, &job, error) == BATCHES_DONE;
    for (size_t i = 0; i < BATCHES_AT_ONCE; i++)
        g_string_free(parts[i].lines, TRUE);
    size_t n_bad = complaints_count(complaints);
    done = complaints_close(complaints, done ? error : NULL) && done;
    return done ? input_exit_code(input, n_bad) : EXIT_FAILED;
}

static int run(int argc, char **argv, GError **error)
{
    struct input_options input = {0};
    enum tokenizer tokenizer = TOKENIZER_WHITESPACE;
    g_autofree char *name = NULL;
    const GOptionEntry entries[] = {
        {"tokenizer", 0, 0, G_OPTION_ARG_STRING, &name, "whitespace (default) or ptb", "NAME"},
        INPUT_REJECTS(input),
        INPUT_STRICT(input),
        INPUT_MAX_FAILURES(input),
        {0}};
    int code = EXIT_USAGE;
    if (command_parse(&argc, &argv, &command_score_tokens, "[FILE]", entries, 0, 1, error)) {
        if (argc == 0)
            code = EXIT_DONE;
        else if (name && !tokenizer_from_name(name, &tokenizer))
            g_set_error(error, FIRE_ERROR, FIRE_ERROR_USAGE,
                        "unknown tokenizer '%s' (whitespace, ptb)", name);
        else if (input_check_rejects(&input, argv + 1, argc - 1, error))
            code = print_tokens(tokenizer, &input, argc > 1 ? argv[1] : "-", error);
    }
    input_clear(&input);
    return code;
}
