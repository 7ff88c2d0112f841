#include "cmd/probe_input.h"

#include "base/error.h"
#include "base/json.h"
#include "model/prompt_encode.h"

#include <errno.h>
#include <string.h>

enum { ANY_IMAGE_TOKEN = -200, MAX_IDS = 1 << 24 };

void probe_input_clear(struct probe_input *input)
{
    g_free(input->prompt);
    g_free(input->prompt_file);
    g_free(input->messages);
    g_free(input->ids);
    *input = (struct probe_input){0};
}

void probe_input_add(struct probe_input *input, GArray *entries)
{
    const GOptionEntry rows[] = {
        {"prompt", 0, 0, G_OPTION_ARG_STRING, &input->prompt,
         "Prompt, taken literally; <image> where a picture goes", "TEXT"},
        {"prompt-file", 0, 0, G_OPTION_ARG_FILENAME, &input->prompt_file,
         "File that holds the prompt", "FILE"},
        {"messages", 0, 0, G_OPTION_ARG_FILENAME, &input->messages,
         "JSON list of {role, content}, through the chat template", "FILE"},
        {"ids", 0, 0, G_OPTION_ARG_FILENAME, &input->ids, "JSON list of token ids", "FILE"},
    };
    g_array_append_vals(entries, rows, G_N_ELEMENTS(rows));
}

bool probe_input_check(const struct probe_input *input, GError **error)
{
    int n = (input->prompt != NULL) + (input->prompt_file != NULL) + (input->messages != NULL) +
            (input->ids != NULL);
    if (n == 1)
        return true;
    g_set_error(error, FIRE_ERROR, FIRE_ERROR_USAGE,
                "exactly one of --prompt, --prompt-file, --messages and --ids must be given");
    return false;
}

static char *read_file(const char *path, gsize *n_bytes, GError **error)
{
    char *text;
    g_autoptr(GError) cause = NULL;
    if (g_file_get_contents(path, &text, n_bytes, &cause))
        return text;
    g_set_error(error, FIRE_ERROR, FIRE_ERROR_IO, "%s", cause->message);
    return NULL;
}

static bool read_ids(const char *path, const struct model_config *config, GArray *ids,
                     GError **error)
{
    gsize n_bytes;
    g_autofree char *text = read_file(path, &n_bytes, error);
    if (!text)
        return false;
    g_autoptr(json_t) list = json_parse(text, n_bytes, error);
    if (!list)
        return false;
    if (!json_is_array(list) || json_array_size(list) > MAX_IDS) {
        g_set_error(error, FIRE_ERROR, FIRE_ERROR_FORMAT, "no list of ids");
        return false;
    }
    size_t i;
    const json_t *item;
    json_array_foreach (list, i, item) {
        json_int_t value = json_integer_value(item);
        if (!json_is_integer(item) || value < G_MININT32 || value > G_MAXINT32) {
            g_set_error(error, FIRE_ERROR, FIRE_ERROR_FORMAT, "element %zu is no token id", i);
            return false;
        }
        int32_t id = value == ANY_IMAGE_TOKEN ? config->image_token : (int32_t)value;
        g_array_append_val(ids, id);
    }
    return true;
}

bool probe_input_read(const struct probe_input *input, const char *folder,
                      const struct model_config *config, const struct tokenizer *tokenizer,
                      GArray *ids, GError **error)
{
    if (input->ids) {
        bool ok = read_ids(input->ids, config, ids, error);
        if (!ok)
            g_prefix_error(error, "ids '%s': ", input->ids);
        return ok;
    }
    if (input->prompt)
        return prompt_encode(config, tokenizer, input->prompt, strlen(input->prompt),
                             PROMPT_BOS_MODEL, ids, error);
    gsize n_bytes;
    g_autofree char *text = read_file(input->prompt_file, &n_bytes, error);
    return text && prompt_encode(config, tokenizer, text, n_bytes, PROMPT_BOS_MODEL, ids, error);
}
