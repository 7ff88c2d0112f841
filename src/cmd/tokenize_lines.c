/* tokenize_lines.c -- fire tokenize: token ids of texts, and what they decode to. */
#include "base/error.h"
#include "cmd/batches.h"
#include "cmd/command.h"
#include "cmd/input.h"
#include "model/tokenizer.h"

#include <stdio.h>

static int run(int argc, char **argv, GError **error);

const struct command command_tokenize = {"tokenize", "Token ids of texts, as a model sees them",
                                         run};

struct part {
    const struct tokenizer *tokenizer;
    bool add_special;
    GString *lines;
};

static json_t *ids_to_json(const GArray *ids)
{
    json_t *list = json_array();
    for (guint i = 0; i < ids->len; i++)
        json_array_append_new(list, json_integer(g_array_index(ids, int32_t, i)));
    return list;
}

static bool add_record(void *user, const json_t *record, struct flaw *flaw)
{
    struct part *part = user;
    const char *text = batches_get_string(record, "text", flaw);
    if (!text)
        return false;
    size_t n_bytes = json_string_length(json_object_get(record, "text"));
    g_autoptr(GArray) ids = g_array_new(FALSE, FALSE, sizeof(int32_t));
    g_autoptr(GError) error = NULL;
    if (!tokenizer_encode(part->tokenizer, text, n_bytes, part->add_special, ids, &error)) {
        flaw_set(flaw, "not-encoded", "%s", error->message);
        return false;
    }
    g_autoptr(GString) decoded = g_string_new(NULL);
    tokenizer_decode(part->tokenizer, (const int32_t *)(void *)ids->data, ids->len, false, decoded);
    g_autoptr(json_t) object = json_object();
    json_object_set_new(object, "ids", ids_to_json(ids));
    json_object_set_new(object, "text", json_stringn_nocheck(decoded->str, decoded->len));
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
        g_set_error(error, FIRE_ERROR, FIRE_ERROR_IO, "cannot write the ids");
    return !ferror(stdout);
}

static int print_ids(const struct tokenizer *tokenizer, bool add_special,
                     const struct input_options *input, GError **error)
{
    struct complaints *complaints = complaints_open(input->rejects, input->strict, error);
    if (!complaints)
        return EXIT_FAILED;
    struct part parts[BATCHES_AT_ONCE];
    struct batches_job job = {.work = add_record, .take = take_part, .allow_nul = true};
    for (size_t i = 0; i < BATCHES_AT_ONCE; i++) {
        parts[i] = (struct part){tokenizer, add_special, g_string_new(NULL)};
        job.parts[i] = &parts[i];
    }
    bool done = batches_run("-", complaints, &job, error) == BATCHES_DONE;
    for (size_t i = 0; i < BATCHES_AT_ONCE; i++)
        g_string_free(parts[i].lines, TRUE);
    size_t n_bad = complaints_count(complaints);
    done = complaints_close(complaints, done ? error : NULL) && done;
    return done ? input_exit_code(input, n_bad) : EXIT_FAILED;
}

static int run(int argc, char **argv, GError **error)
{
    struct input_options input = {0};
    g_autofree char *model = NULL;
    gboolean no_special = FALSE;
    const GOptionEntry entries[] = {
        {"model", 0, 0, G_OPTION_ARG_FILENAME, &model,
         "The model folder; its tokenizer.json is read", "DIR"},
        {"no-special", 0, 0, G_OPTION_ARG_NONE, &no_special,
         "Add no begin token (special tokens in the text are parsed all the same)", NULL},
        INPUT_REJECTS(input),
        INPUT_STRICT(input),
        INPUT_MAX_FAILURES(input),
        {0}};
    int code = EXIT_USAGE;
    if (command_parse(&argc, &argv, &command_tokenize, "", entries, 0, 0, error)) {
        struct tokenizer *tokenizer = NULL;
        if (argc == 0)
            code = EXIT_DONE;
        else if (!model)
            g_set_error(error, FIRE_ERROR, FIRE_ERROR_USAGE, "--model is missing");
        else if (!(tokenizer = tokenizer_load(model, error)))
            code = EXIT_FAILED;
        else
            code = print_ids(tokenizer, !no_special, &input, error);
        tokenizer_free(tokenizer);
    }
    input_clear(&input);
    return code;
}
