#include "data/dialogue.h"

#include "data/label.h"

#include <math.h>
#include <string.h>

static const char *const stop_names[] = {NULL,       "score",   "no-gain", "max-turns",
                                         "unparsed", "refused", "failed"};

const char *stop_name(enum stop stop)
{
    return stop_names[stop];
}

bool stop_from_name(const char *name, enum stop *stop)
{
    for (size_t i = 1; i < G_N_ELEMENTS(stop_names); i++) {
        if (strcmp(stop_names[i], name) == 0) {
            *stop = (enum stop)i;
            return true;
        }
    }
    return false;
}

void turn_clear(struct turn *turn)
{
    g_free(turn->response);
    g_free(turn->feedback);
    json_decref(turn->meta);
    *turn = (struct turn){0};
}

void dialogue_clear(struct dialogue *dialogue)
{
    sample_clear(&dialogue->sample);
    for (size_t i = 0; i < dialogue->n_turns; i++)
        turn_clear(&dialogue->turns[i]);
    g_free(dialogue->turns);
    *dialogue = (struct dialogue){0};
}

void dialogue_add_turn(struct dialogue *dialogue, struct turn *turn)
{
    /* Grown by doubling: at every power of two. */
    if ((dialogue->n_turns & (dialogue->n_turns - 1)) == 0)
        dialogue->turns =
            g_renew(struct turn, dialogue->turns, dialogue->n_turns ? dialogue->n_turns * 2 : 1);
    dialogue->turns[dialogue->n_turns++] = *turn;
    *turn = (struct turn){0};
}

json_t *score_to_json(double score)
{
    if (isnan(score))
        return json_null();
    if (score == floor(score) && fabs(score) < 1e15)
        return json_integer((json_int_t)score);
    return json_real(score);
}

static json_t *turn_to_json(const struct turn *turn)
{
    json_t *object = json_object();
    json_object_set_new(object, "response", json_string(turn->response));
    json_object_set_new(object, "feedback",
                        turn->feedback ? json_string(turn->feedback) : json_null());
    json_object_set_new(object, "score", score_to_json(turn->score));
    if (json_object_get(turn->meta, LABEL_KEY)) { /* the line gives `score` */
        g_autoptr(json_t) meta = json_copy(turn->meta);
        json_object_del(meta, LABEL_KEY);
        if (json_object_size(meta) > 0)
            json_object_set(object, "meta", meta);
    } else if (turn->meta) {
        json_object_set(object, "meta", turn->meta);
    }
    return object;
}

json_t *dialogue_to_json(const struct dialogue *dialogue)
{
    json_t *object = json_object();
    sample_to_json(&dialogue->sample, object);
    if (dialogue->n_turns == 0 && dialogue->stop == STOP_NONE)
        return object;
    json_t *turns = json_array();
    for (size_t i = 0; i < dialogue->n_turns; i++)
        json_array_append_new(turns, turn_to_json(&dialogue->turns[i]));
    json_object_set_new(object, "turns", turns);
    if (dialogue->stop != STOP_NONE)
        json_object_set_new(object, "stop", json_string(stop_name(dialogue->stop)));
    return object;
}
