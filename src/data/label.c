#include "data/label.h"

#include "data/parse.h"

#include <math.h>

void label_keep(struct turn *turn, bool has_text, bool has_list, const json_t *listed)
{
    json_t *from = json_object();
    if (has_text)
        json_object_set_new(from, "text", json_true());
    if (has_list)
        json_object_set_new(from, "list", listed ? json_incref((json_t *)listed) : json_null());
    if (!turn->meta)
        turn->meta = json_object();
    json_object_set_new(turn->meta, LABEL_KEY, from);
}

double label_score(const struct turn *turn, const struct protocol *protocol)
{
    const json_t *from = json_object_get(turn->meta, LABEL_KEY);
    if (!from)
        return turn->score;
    const json_t *listed = json_object_get(from, "list");
    bool has_text = json_object_get(from, "text") != NULL;
    if (has_text && !(listed && protocol->label_score == LABEL_SCORE_FIELD))
        return parse_score(protocol, turn->feedback);
    return json_is_number(listed) ? parse_in_range(protocol, json_number_value(listed)) : NAN;
}
