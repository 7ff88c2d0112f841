#include "chat/local_prompt.h"

#include "base/error.h"

#include <string.h>

static void render(GString *text, const struct chat_request *request)
{
    static const char *const names[] = {"system", "user", "assistant"};
    g_string_append(text, "<|begin_of_text|>");
    for (size_t i = 0; i < request->n_messages; i++) {
        const struct chat_message *message = &request->messages[i];
        g_string_append_printf(text, "<|start_header_id|>%s<|end_header_id|>\n\n%s",
                               names[message->role],
                               message->has_image ? PROMPT_IMAGE_MARK "\n" : "");
        g_auto(GStrv) parts = g_strsplit(message->text, PROMPT_IMAGE_MARK, -1);
        for (char **part = parts; *part; part++)
            g_string_append(text, *part);
        g_string_append(text, "<|eot_id|>");
    }
    g_string_append(text, "<|start_header_id|>assistant<|end_header_id|>\n\n");
}

bool local_prompt_init(struct local_prompt *prompt, const char *folder,
                       const struct model_config *config, const struct local_options *options,
                       GError **error)
{
    prompt->picture_mode = options->picture_mode;
    prompt->bos = options->bos;
    prompt->stop_ids = g_array_new(FALSE, FALSE, sizeof(int));
    g_array_append_vals(prompt->stop_ids, config->eos_tokens, (guint)config->n_eos_tokens);
    return (prompt->tokenizer = tokenizer_load(folder, error)) != NULL;
}

void local_prompt_clear(struct local_prompt *prompt)
{
    tokenizer_free(prompt->tokenizer);
    if (prompt->stop_ids)
        g_array_unref(prompt->stop_ids);
    *prompt = (struct local_prompt){0};
}

bool local_prompt_build(const struct local_prompt *prompt, struct engine *engine,
                        const struct chat_request *request, struct sequence *sequence,
                        GError **error)
{
    const struct model_config *config = &engine->config;
    g_autoptr(GString) text = g_string_new(NULL);
    g_autoptr(GArray) ids = g_array_new(FALSE, FALSE, sizeof(int32_t));
    struct picture *picture = NULL;
    render(text, request);
    if (!prompt_encode(config, prompt->tokenizer, text->str, text->len, prompt->bos, ids, error))
        return false;
    if (request->image &&
        !(picture = picture_encode(engine, request->image->bytes, request->image->digest,
                                   prompt->picture_mode, error)))
        return false;
    bool ok = sequence_init(sequence, (const int *)(void *)ids->data, ids->len, config->image_token,
                            config->text.vocab_size, engine_max_positions(engine), &picture,
                            picture ? 1 : 0, error);
    picture_unref(picture);
    return ok;
}

const int *local_prompt_stop_ids(const struct local_prompt *prompt, size_t *n)
{
    *n = prompt->stop_ids->len;
    return (const int *)(void *)prompt->stop_ids->data;
}

const char *const *local_prompt_stop_strings(const struct local_prompt *prompt G_GNUC_UNUSED)
{
    return NULL;
}
