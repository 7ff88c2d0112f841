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

/* `folder` NULL: the compiled-in ones. FIRE_ERROR_IO where the folder or a file in it cannot be
 * read; FIRE_ERROR_FORMAT where it holds no template, a .txt file that is none, or a template that
 * cannot be used. The message names the file and the place that is unknown, missing, or forbidden:
 * {answer}, the ground truth, cannot stand in a student's template (law 3). */
struct prompts *prompts_load(const char *folder, GError **error);
void prompts_free(struct prompts *prompts); /* accepts NULL */
/* SHA-256 over all templates, 64 hex digits. Owned by `prompts`. */
const char *prompts_hash(const struct prompts *prompts);

/* What tells a teacher, in a turn of its own, how to judge and in which form: the released training
 * layout has it there (PAPER.md 2.3). Owned by `prompts`. */
const char *prompts_teacher_instruction(const struct prompts *prompts);

/* The messages of one request: at most one system message, first; then user and assistant in strict
 * alternation, beginning and ending with user, because many servers' chat templates refuse anything
 * else. A zeroed struct is an empty list. */
struct message_list {
    struct chat_message *messages; /* (n_messages) texts owned by the list */
    size_t n_messages;
};
void message_list_clear(struct message_list *list);

/* Both of the following fill an uninitialised or cleared `list`. The first user message has_image
 * where the sample has a picture; the question's `<image>` marks are cut out, for the picture goes
 * as a part of its own (PAPER.md 2.4). Texts of models stand in the list as received. */

/* What the student sees before its answer of round `n_turns` + 1, given the finished turns 0 ..
 * n_turns - 1 (PAPER.md 2.3, 2.4): question with picture, then response and feedback in turn. The
 * feedback is the comment, or all of it, as `protocol->feedback` says; the official parser passes
 * all of it where it finds no comment. Never the ground truth. */
void prompt_student(struct message_list *list, const struct prompts *prompts,
                    const struct protocol *protocol, const struct sample *sample,
                    const struct turn *turns, size_t n_turns);

/* What the teacher sees to judge turns[n_turns - 1].response, whose feedback is not looked at
 * (n_turns is 1 or more): question and ground truth with the instruction naming the two-line form,
 * then earlier rounds as `protocol->teacher_history` says, then the newest response; all that the
 * user would say in a row is one message. `repair` > 0 adds the request to keep to the form. */
void prompt_teacher(struct message_list *list, const struct prompts *prompts,
                    const struct protocol *protocol, const struct sample *sample,
                    const struct turn *turns, size_t n_turns, int repair);

#endif
