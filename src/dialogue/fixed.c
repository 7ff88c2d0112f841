#include "dialogue/fixed.h"

#include "data/label.h"
#include "data/parse.h"

#include <math.h>

bool fixed_has_item(const struct dialogue *dialogue, enum fixed_role role, size_t i_turn)
{
    return i_turn < dialogue->n_turns &&
           (role == FIXED_STUDENT || dialogue->turns[i_turn].feedback);
}

void fixed_request(struct message_list *list, const struct prompts *prompts,
                   const struct protocol *protocol, const struct dialogue *dialogue,
                   enum fixed_role role, size_t i_turn)
{
    const struct sample *sample = &dialogue->sample;
    if (role == FIXED_STUDENT)
        prompt_student(list, prompts, protocol, sample, dialogue->turns, i_turn);
    else
        prompt_teacher(list, prompts, protocol, sample, dialogue->turns, i_turn + 1, 0);
}

void fixed_predict(struct fixed_prediction *prediction, const struct protocol *protocol,
                   const struct dialogue *dialogue, enum fixed_role role, size_t i_turn,
                   const char *text)
{
    const struct turn *turn = &dialogue->turns[i_turn];
    bool teacher = role == FIXED_TEACHER;
    *prediction = (struct fixed_prediction){
        .role = role,
        .i_turn = i_turn,
        .text = fixed_text(protocol, role, text),
        .label = fixed_text(protocol, role, teacher ? turn->feedback : turn->response),
        .score = teacher ? parse_score(protocol, text) : NAN,
        .label_score = teacher ? label_score(turn, protocol) : NAN,
    };
}

void fixed_prediction_clear(struct fixed_prediction *prediction)
{
    g_free(prediction->text);
    g_free(prediction->label);
    *prediction = (struct fixed_prediction){0};
}

char *fixed_text(const struct protocol *protocol, enum fixed_role role, const char *text)
{
    if (role == FIXED_STUDENT)
        return protocol->response_text == RESPONSE_TEXT_ANSWER ? parse_answer(text)
                                                               : g_strdup(text);
    if (protocol->feedback_text == FEEDBACK_TEXT_WHOLE)
        return g_strdup(text);
    char *comment = parse_comment(protocol, text);
    return comment ? comment : g_strdup("");
}
