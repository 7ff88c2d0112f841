/* prompt.h -- what student and teacher are shown: the templates of share/prompts and the histories
 * built from them.
 *
 * Templates are text files with {name} places, compiled in and replaceable by `--prompts DIR` (a
 * file that DIR lacks stays as compiled in). Their hash is stored with every run. */
#ifndef FIRE_DIALOGUE_PROMPT_H
#define FIRE_DIALOGUE_PROMPT_H

#include "chat/chat.h"
#include "data/dialogue.h"
#include "data/protocol.h"

/* Made by tools/embed; ended by a row whose name is NULL. */
struct embedded_prompt {
    const char *name, *text;
};
extern const struct embedded_prompt embedded_prompts[];

struct prompts;

/* `folder` NULL: the compiled-in ones. FIRE_ERROR_IO or FORMAT names the file and the place that is
 * unknown, missing, or forbidden: {answer}, the ground truth, cannot stand in a student's template
 * (law 3). */
struct prompts *prompts_load(const char *folder, GError **error);
void prompts_free(struct prompts *prompts); /* accepts NULL */
/* SHA-256 over all templates, hex. Owned by `prompts`. */
const char *prompts_hash(const struct prompts *prompts);

/* The messages of one request; free with message_list_free. */
struct message_list {
    struct chat_message *messages; /* texts owned by the list */
    size_t n_messages;
};
void message_list_clear(struct message_list *list);

/* What the student sees before its answer of round `n_turns` + 1, given the finished turns 0 ..
 * n_turns - 1 (PAPER.md 2.3, 2.4): question with picture, then response and feedback in turn, as
 * `protocol->feedback` says. Never the ground truth. */
void prompt_student(struct message_list *list, const struct prompts *prompts,
                    const struct protocol *protocol, const struct sample *sample,
                    const struct turn *turns, size_t n_turns);

/* What the teacher sees to judge turns[n_turns - 1].response (its feedback is not looked at):
 * question and ground truth, the instruction naming the two-line form, earlier rounds as
 * `protocol->teacher_history` says. `repair` > 0 adds the request to keep to the form. */
void prompt_teacher(struct message_list *list, const struct prompts *prompts,
                    const struct protocol *protocol, const struct sample *sample,
                    const struct turn *turns, size_t n_turns, int repair);

#endif
