#include "data/protocol.h"

#include "base/error.h"

#include <stdint.h>
#include <string.h>

#define VALUES(...)                                                                                \
    (const char *const[])                                                                          \
    {                                                                                              \
        __VA_ARGS__, NULL                                                                          \
    }
#define CHOICE(option, field, paper, official, row, plays, meaning, ...)                           \
    {                                                                                              \
        option, VALUES(__VA_ARGS__), 0, 0, paper, official, row, plays, meaning,                   \
            offsetof(struct protocol, field)                                                       \
    }
#define NUMBER(option, field, low, high, paper, official, row, plays, meaning)                     \
    {                                                                                              \
        option, NULL, low, high, paper, official, row, plays, meaning,                             \
            offsetof(struct protocol, field)                                                       \
    }
#define FREE PLAYS_FREE
#define BOTH (PLAYS_FREE | PLAYS_FIXED)

/* LoRA targets: bit i of the value is target_names[i]. */
static const char *const target_names[] = {"q", "k", "v", "o", "gate", "up", "down"};
#define TARGETS_OPTION "lora-targets"
#define TARGETS_ALL ((1 << G_N_ELEMENTS(target_names)) - 1)

/* The values of a CHOICE stand in the order of its enum in protocol.h. */
const struct protocol_option protocol_options[] = {
    NUMBER("threshold", threshold, 0, 10, 8, 8, "1", FREE,
           "a score that stops the dialogue and counts as solved"),
    CHOICE("stop-rule", stop_rule, STOP_RULE_GE, STOP_RULE_GE, "1", FREE,
           "solved at the threshold (ge) or above it (gt)", "ge", "gt"),
    NUMBER("turns", turns, 1, 100, 5, 5, "6", FREE, "most rounds (3 in simulate)"),
    CHOICE("no-gain", no_gain, NO_GAIN_LE, NO_GAIN_LE, "3, 4", FREE,
           "stop when the score is not above (le) or is below (lt) the one before", "le", "lt",
           "off"),
    CHOICE("parse-fail", parse_fail, PARSE_FAIL_STOP, PARSE_FAIL_STOP, "2", FREE,
           "no score in the feedback: 0 and stop; 0 and go on; ask again (--repair), then stop; "
           "leave the sample out, "
           "counted; the score before",
           "stop", "zero", "retry", "drop", "repeat-last"),
    CHOICE("zero-score", zero_score, ZERO_SCORE_GO_ON, ZERO_SCORE_STOP, "2", FREE,
           "a given 0 is a score like another; or ends the dialogue as unparsed: the released "
           "scripts write 0 for no score",
           "go-on", "stop"),
    CHOICE("final", final_score, FINAL_LAST, FINAL_LAST, "5", 0,
           "the final score of an unsolved dialogue", "last", "best"),
    NUMBER("penalty", penalty, 1, 1000, 10, 10, "8", 0, "n_k of an unsolved dialogue in AT"),
    CHOICE("atr-divisor", atr_divisor, ATR_DIVISOR_PLAYED, ATR_DIVISOR_PLAYED, "9", 0,
           "ATR divides by rounds really played, or by n_k, less one", "played", "penalty"),
    CHOICE("k-set", k_set, K_SET_PAPER, K_SET_PAPER, "10, 13", 0,
           "K: samples not solved at turn 1; all; those unsolved at turn 1 in both runs", "paper",
           "all", "common"),
    CHOICE("first-fail", first_fail, FIRST_FAIL_KEEP, FIRST_FAIL_KEEP, "11", 0,
           "a dialogue that ended unsolved after one round", "keep", "drop"),
    CHOICE("at-baseline", at_baseline, AT_BASELINE_ROW, AT_BASELINE_ROW, "12", 0,
           "AT divides by the baseline's mean n_k of the row's source, or over all its K", "row",
           "overall"),
    CHOICE("score-range", score_range, SCORE_RANGE_0_10, SCORE_RANGE_ANY, "16", FREE,
           "what counts as a score", "0-10", "1-10", "any"),
    CHOICE("score-parse", score_parse, SCORE_PARSE_TOLERANT, SCORE_PARSE_OFFICIAL, "17, 18", BOTH,
           "the first line with 'score', a colon and a number; or the released code's rule",
           "tolerant", "official"),
    CHOICE("label-score", label_score, LABEL_SCORE_TEXT, LABEL_SCORE_FIELD, "19", 0,
           "an official record's scores come from its texts or from its list", "text", "field"),
    CHOICE("label-fail", label_fail, LABEL_FAIL_SKIP, LABEL_FAIL_OFFICIAL, "33", 0,
           "MAE where the recorded score cannot be parsed: leave out, or -1 as the released code "
           "has it",
           "skip", "official"),
    CHOICE("teacher-history", teacher_history, TEACHER_HISTORY_FULL, TEACHER_HISTORY_NONE, "20",
           BOTH, "does the teacher see earlier rounds", "full", "none"),
    CHOICE("feedback", feedback, FEEDBACK_COMMENT, FEEDBACK_COMMENT, "21", BOTH,
           "the student sees the comment, or the score line too", "comment", "full"),
    CHOICE("response-text", response_text, RESPONSE_TEXT_RAW, RESPONSE_TEXT_RAW, "32", 0,
           "what BLEU and CIDEr see of a response", "raw", "answer"),
    CHOICE("feedback-text", feedback_text, FEEDBACK_TEXT_COMMENT, FEEDBACK_TEXT_WHOLE, "29", 0,
           "what BLEU and CIDEr see of a feedback", "comment", "whole"),
    CHOICE("cider", cider, CIDER_OFFICIAL, CIDER_OFFICIAL, "31", 0,
           "CIDEr's length term counts bigrams (the released quirk) or words", "official", "words"),
    CHOICE("r1-role", r1_role, R1_ROLE_ASSISTANT, R1_ROLE_USER, "22", 0,
           "where the first response stands in the student's training text", "assistant", "user"),
    CHOICE("loss-first", loss_first, 0, 0, "23", 0, "train on the first response", "no", "yes"),
    CHOICE("train-connector", train_connector, 0, 1, "25", 0, "train the projector", "no", "yes"),
    NUMBER(TARGETS_OPTION, lora_targets, 1, TARGETS_ALL, 3, 7, "26", 0,
           "linear layers of the decoder that LoRA adapts: a list of q,k,v,o,gate,up,down"),
    CHOICE("image-mode", image_mode, IMAGE_MODE_MODEL, IMAGE_MODE_PAD, "28", 0,
           "as the model folder says; padded square; tiles", "model", "pad", "anyres"),
    CHOICE("bos", bos, BOS_MODEL, BOS_MODEL, "34", 0,
           "begin tokens: as the model folder's own code has it, one, two", "model", "single",
           "double"),
    CHOICE("gain-filter", gain_filter, GAIN_FILTER_TOTAL, GAIN_FILTER_TOTAL, "35", 0,
           "the filter drops last <= first, or any step that does not rise", "total", "strict"),
    CHOICE("keep", keep, KEEP_PAPER, KEEP_PAPER, "36", 0,
           "simulation keeps >= 2 turns, gain >= 1, no negative step; or everything", "paper",
           "all"),
    {0},
};

#undef FREE
#undef BOTH

static int *field_of(const struct protocol *protocol, const struct protocol_option *option)
{
    return (int *)((char *)(uintptr_t)protocol + option->offset);
}

bool protocol_init(struct protocol *protocol, const char *name, GError **error)
{
    bool official = strcmp(name, "official") == 0;
    if (!official && strcmp(name, "paper") != 0) {
        g_set_error(error, FIRE_ERROR, FIRE_ERROR_USAGE, "unknown protocol '%s' (paper, official)",
                    name);
        return false;
    }
    protocol->official = official;
    for (const struct protocol_option *option = protocol_options; option->name; option++)
        *field_of(protocol, option) = official ? option->official : option->paper;
    return true;
}

static bool parse_targets(const char *text, int *targets)
{
    int bits = 0;
    g_auto(GStrv) names = g_strsplit(text, ",", -1);
    for (char **name = names; *name; name++) {
        size_t i = 0;
        while (i < G_N_ELEMENTS(target_names) && strcmp(target_names[i], *name) != 0)
            i++;
        if (i == G_N_ELEMENTS(target_names))
            return false;
        bits |= 1 << i;
    }
    if (bits == 0)
        return false;
    *targets = bits;
    return true;
}

static bool parse_value(const struct protocol_option *option, const char *text, int *value,
                        GError **error)
{
    if (strcmp(option->name, TARGETS_OPTION) == 0) {
        if (parse_targets(text, value))
            return true;
        g_set_error(error, FIRE_ERROR, FIRE_ERROR_USAGE,
                    "option '%s': '%s' is not a list of q,k,v,o,gate,up,down", option->name, text);
        return false;
    }
    if (!option->values) {
        gint64 number;
        if (g_ascii_string_to_signed(text, 10, option->min, option->max, &number, NULL)) {
            *value = (int)number;
            return true;
        }
        g_set_error(error, FIRE_ERROR, FIRE_ERROR_USAGE,
                    "option '%s': '%s' is not a whole number from %d to %d", option->name, text,
                    option->min, option->max);
        return false;
    }
    for (int i = 0; option->values[i]; i++) {
        if (strcmp(option->values[i], text) == 0) {
            *value = i;
            return true;
        }
    }
    g_autofree char *all = g_strjoinv(", ", (char **)(uintptr_t)option->values);
    g_set_error(error, FIRE_ERROR, FIRE_ERROR_USAGE, "option '%s' has no value '%s' (%s)",
                option->name, text, all);
    return false;
}

bool protocol_set(struct protocol *protocol, const char *assignment, GError **error)
{
    const char *equals = strchr(assignment, '=');
    if (!equals) {
        g_set_error(error, FIRE_ERROR, FIRE_ERROR_USAGE, "'%s' is not NAME=VALUE", assignment);
        return false;
    }
    g_autofree char *name = g_strndup(assignment, (gsize)(equals - assignment));
    for (const struct protocol_option *option = protocol_options; option->name; option++)
        if (strcmp(option->name, name) == 0)
            return parse_value(option, equals + 1, field_of(protocol, option), error);
    g_set_error(error, FIRE_ERROR, FIRE_ERROR_USAGE,
                "unknown protocol option '%s'; 'fire protocols' lists them", name);
    return false;
}

bool protocol_set_all(struct protocol *protocol, char *const *assignments, GError **error)
{
    for (; assignments && *assignments; assignments++)
        if (!protocol_set(protocol, *assignments, error))
            return false;
    return true;
}

char *protocol_get(const struct protocol *protocol, const struct protocol_option *option)
{
    int value = *field_of(protocol, option);
    if (option->values)
        return g_strdup(option->values[value]);
    if (strcmp(option->name, TARGETS_OPTION) != 0)
        return g_strdup_printf("%d", value);
    GString *list = g_string_new(NULL);
    for (size_t i = 0; i < G_N_ELEMENTS(target_names); i++)
        if (value & 1 << i)
            g_string_append_printf(list, "%s%s", list->len ? "," : "", target_names[i]);
    return g_string_free(list, FALSE);
}

json_t *protocol_to_json(const struct protocol *protocol)
{
    json_t *object = json_object();
    json_object_set_new(object, "protocol", json_string(protocol->official ? "official" : "paper"));
    for (const struct protocol_option *option = protocol_options; option->name; option++) {
        g_autofree char *value = protocol_get(protocol, option);
        json_object_set_new(object, option->name, json_string(value));
    }
    return object;
}

bool protocol_from_json(struct protocol *protocol, const json_t *object, GError **error)
{
    struct protocol read;
    const char *name = json_get_string(object, "protocol");
    if (!name) {
        g_set_error(error, FIRE_ERROR, FIRE_ERROR_FORMAT, "missing key 'protocol'");
        return false;
    }
    if (!protocol_init(&read, name, error))
        return false;
    for (const struct protocol_option *option = protocol_options; option->name; option++) {
        /* An option that is younger than the run has its default: nothing depended on it then. */
        const char *value = json_get_string(object, option->name);
        if (value && !parse_value(option, value, field_of(&read, option), error))
            return false;
    }
    *protocol = read;
    return true;
}

/* The option's value as the loop sees it. */
static int played_value(const struct protocol *protocol, const struct protocol_option *option)
{
    int value = *field_of(protocol, option);
    bool is_drop =
        option->offset == offsetof(struct protocol, parse_fail) && value == PARSE_FAIL_DROP;
    return is_drop ? PARSE_FAIL_STOP : value; /* they differ in the metrics only */
}

char *protocol_play_difference(const struct protocol *a, const struct protocol *b, unsigned setting)
{
    GString *names = g_string_new(NULL);
    for (const struct protocol_option *option = protocol_options; option->name; option++)
        if (option->plays & setting && played_value(a, option) != played_value(b, option))
            g_string_append_printf(names, "%s%s", names->len ? ", " : "", option->name);
    bool none = names->len == 0;
    char *list = g_string_free(names, none);
    return none ? NULL : list;
}

bool protocol_is_solved(const struct protocol *protocol, double score)
{
    /* NAN compares false. */
    return protocol->stop_rule == STOP_RULE_GT ? score > protocol->threshold
                                               : score >= protocol->threshold;
}
