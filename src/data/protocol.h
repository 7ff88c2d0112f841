/* protocol.h -- the named rules of a run: every reading of the paper on which results depend
 * (DESIGN.md 5).
 *
 * One const table in protocol.c holds each option's name, values, meaning, and its value in `paper`
 * and in `official`; `fire protocols` prints it. Options whose user comes later (training, local
 * models) stand in it already. */
#ifndef FIRE_DATA_PROTOCOL_H
#define FIRE_DATA_PROTOCOL_H

#include "base/json.h"

#include <glib.h>
#include <stdbool.h>

enum stop_rule { STOP_RULE_GE, STOP_RULE_GT };
enum no_gain { NO_GAIN_LE, NO_GAIN_LT, NO_GAIN_OFF };
enum parse_fail {
    PARSE_FAIL_STOP,
    PARSE_FAIL_ZERO,
    PARSE_FAIL_RETRY,
    PARSE_FAIL_DROP,
    PARSE_FAIL_REPEAT_LAST
};
enum zero_score { ZERO_SCORE_GO_ON, ZERO_SCORE_STOP };
enum final_score { FINAL_LAST, FINAL_BEST };
enum atr_divisor { ATR_DIVISOR_PLAYED, ATR_DIVISOR_PENALTY };
enum k_set { K_SET_PAPER, K_SET_ALL, K_SET_COMMON };
enum first_fail { FIRST_FAIL_KEEP, FIRST_FAIL_DROP };
enum at_baseline { AT_BASELINE_ROW, AT_BASELINE_OVERALL };
enum score_range { SCORE_RANGE_0_10, SCORE_RANGE_1_10, SCORE_RANGE_ANY };
enum score_parse { SCORE_PARSE_TOLERANT, SCORE_PARSE_OFFICIAL };
enum label_score { LABEL_SCORE_TEXT, LABEL_SCORE_FIELD };
enum label_fail { LABEL_FAIL_SKIP, LABEL_FAIL_OFFICIAL };
enum teacher_history { TEACHER_HISTORY_FULL, TEACHER_HISTORY_NONE };
enum feedback_view { FEEDBACK_COMMENT, FEEDBACK_FULL };
enum response_text { RESPONSE_TEXT_RAW, RESPONSE_TEXT_ANSWER };
enum feedback_text { FEEDBACK_TEXT_COMMENT, FEEDBACK_TEXT_WHOLE };
enum cider_length { CIDER_OFFICIAL, CIDER_WORDS };
enum r1_role { R1_ROLE_ASSISTANT, R1_ROLE_USER };
enum image_mode { IMAGE_MODE_MODEL, IMAGE_MODE_PAD, IMAGE_MODE_ANYRES };
enum bos { BOS_MODEL, BOS_SINGLE, BOS_DOUBLE };
enum gain_filter { GAIN_FILTER_TOTAL, GAIN_FILTER_STRICT };
enum keep_rule { KEEP_PAPER, KEEP_ALL };

/* Every field is an int, so that one table can set any of them: a number, or a value of the enum
 * named beside it. */
struct protocol {
    int official;        /* 0: started from `paper`, 1: from `official` */
    int threshold;       /* 0 .. 10 */
    int stop_rule;       /* enum stop_rule */
    int turns;           /* 1 .. 100 */
    int no_gain;         /* enum no_gain */
    int parse_fail;      /* enum parse_fail */
    int zero_score;      /* enum zero_score */
    int final_score;     /* enum final_score; option `final` */
    int penalty;         /* 1 .. 1000 */
    int atr_divisor;     /* enum atr_divisor */
    int k_set;           /* enum k_set */
    int first_fail;      /* enum first_fail */
    int at_baseline;     /* enum at_baseline */
    int score_range;     /* enum score_range */
    int score_parse;     /* enum score_parse */
    int label_score;     /* enum label_score */
    int label_fail;      /* enum label_fail */
    int teacher_history; /* enum teacher_history */
    int feedback;        /* enum feedback_view */
    int response_text;   /* enum response_text */
    int feedback_text;   /* enum feedback_text */
    int cider;           /* enum cider_length */
    int r1_role;         /* enum r1_role */
    int loss_first;      /* bool */
    int train_connector; /* bool */
    int lora_targets;    /* bits: 1 q, 2 k, 4 v, 8 o, 16 gate, 32 up, 64 down */
    int image_mode;      /* enum image_mode */
    int bos;             /* enum bos */
    int gain_filter;     /* enum gain_filter */
    int keep;            /* enum keep_rule */
};

/* In which settings an option decides what is asked, so that a run under another value would have
 * other dialogues: bits. */
enum { PLAYS_FREE = 1, PLAYS_FIXED = 2 };

/* One row of the option table. */
struct protocol_option {
    const char *name;
    /* NULL-terminated names of 0, 1, ...; NULL: a number, or for lora-targets a list. */
    const char *const *values;
    int min, max;        /* bounds of a number */
    int paper, official; /* its value in the two protocols */
    const char *row;     /* rows of PAPER.md 3.1: "3, 4" */
    unsigned plays;      /* PLAYS_FREE, PLAYS_FIXED; 0: it decides how results are read */
    const char *meaning;
    size_t offset; /* of its field in struct protocol */
};

/* The table, ended by a row whose name is NULL. */
extern const struct protocol_option protocol_options[];

/* `name` is "paper" or "official"; false and FIRE_ERROR_USAGE otherwise. `turns` is set to 5 (the
 * bench's value). */
bool protocol_init(struct protocol *protocol, const char *name, GError **error);

/* "NAME=VALUE"; FIRE_ERROR_USAGE names what is wrong and which values there are. */
bool protocol_set(struct protocol *protocol, const char *assignment, GError **error);

/* All of a NULL-terminated list (NULL: none), in order. */
bool protocol_set_all(struct protocol *protocol, char *const *assignments, GError **error);

/* The value of one option as the user would write it. Free with g_free. */
char *protocol_get(const struct protocol *protocol, const struct protocol_option *option);

/* {"protocol": "paper", "threshold": "8", ...}: every option by name, in table order, values as
 * strings. New reference. */
json_t *protocol_to_json(const struct protocol *protocol);
bool protocol_from_json(struct protocol *protocol, const json_t *object, GError **error);

/* The options by which `a` and `b` would make other dialogues in a setting (PLAYS_FREE or
 * PLAYS_FIXED): "threshold, turns"; NULL: none. Free with g_free. */
char *protocol_play_difference(const struct protocol *a, const struct protocol *b,
                               unsigned setting);

/* Does `score` (NAN: none) pass the threshold? */
bool protocol_is_solved(const struct protocol *protocol, double score);

#endif
