/* tokenize_lines.c -- fire tokenize: token ids of texts, and what they decode to. */
#include "base/error.h"
#include "cmd/batches.h"
#include "cmd/command.h"
#include "cmd/input.h"
#include "model/tokenizer.h"

static int run(int argc, char **argv, GError **error);

const struct command command_tokenize = {"tokenize", "Token ids of texts, as a model sees them",
                                         run};

struct encoding {
    const struct tokenizer *tokenizer;
    bool add_special;
};

static json_t *ids_to_json(const GArray *ids)
{
    json_t *list = json_array();
    for (guint i = 0; i < ids->len; i++)
        json_array_append_new(list, json_integer(g_array_index(ids, int32_t, i)));
    return list;
}

static json_t *encode(const json_t *record, const void *user, struct flaw *flaw)
{
    const struct encoding *encoding = user;
    const char *text = batches_get_string(record, "text", flaw);
    if (!text)
        return NULL;
    size_t n_bytes = json_string_length(json_object_get(record, "text"));
    g_autoptr(GArray) ids = g_array_new(FALSE, FALSE, sizeof(int32_t));
    g_autoptr(GError) error = NULL;
    if (!tokenizer_encode(encoding->tokenizer, text, n_bytes, encoding->add_special, ids, &error)) {
        flaw_set(flaw, "not-encoded", "%s", error->message);
        return NULL;
    }
    g_autoptr(GString) decoded = g_string_new(NULL);
    tokenizer_decode(encoding->tokenizer, (const int32_t *)(void *)ids->data, ids->len, false,
                     decoded);
    json_t *object = json_object();
    json_object_set_new(object, "ids", ids_to_json(ids));
    json_object_set_new(object, "text", json_stringn_nocheck(decoded->str, decoded->len));
    return object;
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
            code = batches_print("-", &input, "ids", true, encode,
                                 &(struct encoding){tokenizer, !no_special}, error);
        tokenizer_free(tokenizer);
    }
    input_clear(&input);
    return code;
}
