/* score_tokens.c -- fire score tokens: what the metrics' tokenisers make of texts. */
#include "base/error.h"
#include "cmd/batches.h"
#include "cmd/command.h"
#include "cmd/input.h"
#include "metric/tokenize.h"

#include <string.h>

static int run(int argc, char **argv, GError **error);

const struct command command_score_tokens = {"score tokens",
                                             "Tokens of texts, as BLEU and CIDEr see them", run};

static void add_token(void *user, const char *token, size_t n_bytes)
{
    json_array_append_new(user, json_stringn_nocheck(token, n_bytes));
}

static json_t *tokens_of(const json_t *record, const void *user, struct flaw *flaw)
{
    const enum tokenizer *tokenizer = user;
    const char *text = batches_get_string(record, "text", flaw);
    if (!text)
        return NULL;
    json_t *tokens = json_array();
    tokenize(*tokenizer, text, strlen(text), add_token, tokens);
    return json_pack("{s:o}", "tokens", tokens);
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
            code = batches_print(argc > 1 ? argv[1] : "-", &input, "tokens", false, tokens_of,
                                 &tokenizer, error);
    }
    input_clear(&input);
    return code;
}
