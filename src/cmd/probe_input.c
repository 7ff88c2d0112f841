#include "cmd/probe_input.h"

#include "base/error.h"
#include "base/json.h"
#include "model/chat_template.h"
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

/* One message: {"role","content"}; the content is text, or a list of {"type":"text","text"} and {"type":"image"}. The first
 * picture of a message stands at its head, as everywhere here. */
static bool read_message(const json_t *item, struct chat_turn *turn, GString *text, GError **error)
{
    static const char *const roles[] = {"system", "user", "assistant"};
    const char *role = json_get_string(item, "role");
    const json_t *content = json_object_get(item, "content");
    guint i_role = 0;
    while (i_role < G_N_ELEMENTS(roles) && (!role || strcmp(role, roles[i_role]) != 0))
        i_role++;
    if (i_role == G_N_ELEMENTS(roles)) {
        g_set_error(error, FIRE_ERROR, FIRE_ERROR_FORMAT,
                    "'role' is not system, user or assistant");
        return false;
    }
    *turn = (struct chat_turn){.role = (enum turn_role)i_role};
    if (json_is_string(content)) {
        const char *mark = strstr(json_string_value(content), PROMPT_IMAGE_MARK);
        turn->has_image = mark != NULL;
        g_string_append(text, json_string_value(content));
        return true;
    }
    size_t i;
    const json_t *part;
    bool ok = json_is_array(content);
    json_array_foreach (content, i, part) {
        const char *type = json_get_string(part, "type"), *said = json_get_string(part, "text");
        bool image = type && strcmp(type, "image") == 0;
        ok = ok && ((image && !turn->has_image) || (type && strcmp(type, "text") == 0 && said));
        turn->has_image |= image;
        if (!image && said)
            g_string_append(text, said);
    }
    if (!ok)
        g_set_error(error, FIRE_ERROR, FIRE_ERROR_FORMAT,
                    "'content' is neither text nor a list of texts and at most one picture");
    return ok;
}

static bool render_messages(const json_t *list, const struct chat_template *template, GString *text,
                            GError **error)
{
    size_t n = json_array_size(list);
    g_autofree struct chat_turn *turns = g_new0(struct chat_turn, n);
    g_autoptr(GPtrArray) texts = g_ptr_array_new_with_free_func(g_free);
    for (size_t i = 0; i < n; i++) {
        GString *said = g_string_new(NULL);
        bool ok = read_message(json_array_get(list, i), &turns[i], said, error);
        g_ptr_array_add(texts, g_string_free(said, FALSE));
        turns[i].text = texts->pdata[i];
        if (!ok) {
            g_prefix_error(error, "message %zu: ", i);
            return false;
        }
    }
    return chat_template_render(template, turns, n, text, error);
}

static bool read_messages(const struct probe_input *input, const char *template_name,
                          const char *folder, const struct model_config *config,
                          const struct tokenizer *tokenizer, GArray *ids, GError **error)
{
    gsize n_bytes;
    g_autofree char *bytes = read_file(input->messages, &n_bytes, error);
    if (!bytes)
        return false;
    g_autoptr(json_t) list = json_parse(bytes, n_bytes, error);
    if (list && json_array_size(list) == 0)
        g_set_error(error, FIRE_ERROR, FIRE_ERROR_FORMAT, "no list of messages");
    if (json_array_size(list) == 0) {
        g_prefix_error(error, "messages '%s': ", input->messages);
        return false;
    }
    struct chat_template *template =
        chat_template_load(folder, config->layout, tokenizer, template_name, error);
    if (!template)
        return false;
    g_autoptr(GString) text = g_string_new(NULL);
    bool ok = render_messages(list, template, text, error);
    if (ok)
        ok = prompt_encode(config, tokenizer, text->str, text->len,
                           chat_template_adds_special(template), PROMPT_BOS_MODEL, ids, error);
    else
        g_prefix_error(error, "messages '%s': ", input->messages);
    chat_template_free(template);
    return ok;
}

/* Literally: original LLaVA's code adds its begin token to every prompt, llava-hf's prompts spell it. */
static bool encode_literally(const struct model_config *config, const struct tokenizer *tokenizer,
                             const char *text, size_t n_bytes, GArray *ids, GError **error)
{
    return prompt_encode(config, tokenizer, text, n_bytes, config->layout == LAYOUT_ORIGINAL,
                         PROMPT_BOS_MODEL, ids, error);
}

bool probe_input_read(const struct probe_input *input, const char *folder,
                      const char *template_name, const struct model_config *config,
                      const struct tokenizer *tokenizer, GArray *ids, GError **error)
{
    if (input->ids) {
        bool ok = read_ids(input->ids, config, ids, error);
        if (!ok)
            g_prefix_error(error, "ids '%s': ", input->ids);
        return ok;
    }
    if (input->messages)
        return read_messages(input, template_name, folder, config, tokenizer, ids, error);
    if (input->prompt)
        return encode_literally(config, tokenizer, input->prompt, strlen(input->prompt), ids,
                                error);
    gsize n_bytes;
    g_autofree char *text = read_file(input->prompt_file, &n_bytes, error);
    return text && encode_literally(config, tokenizer, text, n_bytes, ids, error);
}
