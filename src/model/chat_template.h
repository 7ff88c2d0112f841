/* chat_template.h -- from the turns of a conversation to the text that a model was trained to see.
 *
 * Model folders carry their template as a Jinja program. We do not run it: we know the families by marks in it, and the
 * details in which folders of a family differ (a begin token spelled or not, trimmed texts, how a turn ends) are read from
 * its text. Original LLaVA folders carry none; theirs are the conversations of LLaVA's code.
 *
 *   llama3         llava-hf with LLaMA-3, and LLaMA-3 text models
 *   vicuna_v1      llava-hf with Vicuna
 *   mistral        llava-hf with Mistral, and Mistral text models
 *   llava_llama_3  original LLaVA with LLaMA-3 (PAPER.md 2.4): its own system message where none is given, and a spelled
 *                  begin token on top of the one that the tokenizer adds
 *   llava_v1       original LLaVA with Vicuna
 *   llava_mistral  original LLaVA with Mistral */
#ifndef FIRE_MODEL_CHAT_TEMPLATE_H
#define FIRE_MODEL_CHAT_TEMPLATE_H

#include "model/config.h"
#include "model/tokenizer.h"

enum turn_role { TURN_SYSTEM, TURN_USER, TURN_ASSISTANT };

struct chat_turn {
    enum turn_role role;
    const char *text;
    bool has_image; /* one, at the head of the turn */
};

struct chat_template;

/* The template called `name`, or where that is NULL the one that fits the folder: by its layout, its chat_template.jinja,
 * chat_template.json, processor_config.json or tokenizer_config.json. Special strings come from the folder. FIRE_ERROR_FORMAT
 * where none is recognised (the message names --template and the choices) or the tokenizer lacks a token of it;
 * FIRE_ERROR_USAGE for an unknown name. */
struct chat_template *chat_template_load(const char *folder, enum model_layout layout,
                                         const struct tokenizer *tokenizer, const char *name,
                                         GError **error);
void chat_template_free(struct chat_template *template); /* accepts NULL */

const char *chat_template_name(const struct chat_template *template);

/* Whether the text is to be encoded with `add_special`: the family's code has the tokenizer add the begin token. */
bool chat_template_adds_special(const struct chat_template *template);

/* The token that ends an answer ("<|eot_id|>", "</s>"). Belongs to `template`. */
const char *chat_template_end(const struct chat_template *template);

/* Appends the conversation and the head of the answer to come. A picture is `<image>`, as the family has it; marks that a
 * text itself spells are taken out, so there are as many as turns with a picture. FIRE_ERROR_FORMAT where the family has no
 * place for a system message. */
bool chat_template_render(const struct chat_template *template, const struct chat_turn *turns,
                          size_t n_turns, GString *text, GError **error);

#endif
