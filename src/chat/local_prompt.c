#include "chat/local_prompt.h"

static bool render(const struct chat_template *template, const struct chat_request *request,
                   GString *text, GError **error)
{
    static const enum turn_role roles[] = {
        [CHAT_SYSTEM] = TURN_SYSTEM, [CHAT_USER] = TURN_USER, [CHAT_ASSISTANT] = TURN_ASSISTANT};
    g_autofree struct chat_turn *turns = g_new(struct chat_turn, request->n_messages);
    for (size_t i = 0; i < request->n_messages; i++) {
        const struct chat_message *message = &request->messages[i];
        turns[i] = (struct chat_turn){roles[message->role], message->text,
                                      request->image && message->has_image};
    }
    return chat_template_render(template, turns, request->n_messages, text, error);
}

bool local_prompt_init(struct local_prompt *prompt, const char *folder,
                       const struct model_config *config, const struct local_options *options,
                       GError **error)
{
    prompt->picture_mode = options->picture_mode;
    prompt->bos = options->bos;
    prompt->stop_ids = g_array_new(FALSE, FALSE, sizeof(int));
    g_array_append_vals(prompt->stop_ids, config->eos_tokens, (guint)config->n_eos_tokens);
    if (!(prompt->tokenizer = tokenizer_load(folder, error)) ||
        !(prompt->template = chat_template_load(folder, config->layout, prompt->tokenizer,
                                                options->template_name, error)))
        return false;
    int end = tokenizer_find(prompt->tokenizer, chat_template_end(prompt->template));
    if (end >= 0)
        g_array_append_val(prompt->stop_ids, end);
    return true;
}

void local_prompt_clear(struct local_prompt *prompt)
{
    chat_template_free(prompt->template);
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
    struct features *picture = NULL;
    if (!render(prompt->template, request, text, error) ||
        !prompt_encode(config, prompt->tokenizer, text->str, text->len,
                       chat_template_adds_special(prompt->template), prompt->bos, ids, error))
        return false;
    if (request->image &&
        !(picture = picture_encode(engine, request->image->bytes, request->image->digest,
                                   prompt->picture_mode, error)))
        return false;
    bool ok = sequence_init(sequence, (const int *)(void *)ids->data, ids->len, config->image_token,
                            config->text.vocab_size, engine_max_positions(engine), &picture,
                            picture ? 1 : 0, error);
    features_unref(picture);
    return ok;
}

const int *local_prompt_stop_ids(const struct local_prompt *prompt, size_t *n)
{
    *n = prompt->stop_ids->len;
    return (const int *)(void *)prompt->stop_ids->data;
}
