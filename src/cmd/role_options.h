/* role_options.h -- what the command line says of each model: its spec, key and sampling, for both roles and for one.
 *
 * `--temperature` holds for both roles, `--student-temperature` for one; the same with every option here. */
#ifndef FIRE_CMD_ROLE_OPTIONS_H
#define FIRE_CMD_ROLE_OPTIONS_H

#include "base/json.h"
#include "chat/chat.h"

#include <glib.h>
#include <stdbool.h>

/* One set of options; a zeroed struct has none given. Strings are owned. */
struct role_options {
    char **models; /* the specs of `--student`: one; NULL: none; unused for both roles */
    char *key_env, *key_file;
    char *api, *extra_body;
    char *temperature, *top_p, *max_tokens, *seed; /* as written: checked when resolved */
};

void role_options_clear(struct role_options *options);

/* Appends GOptionEntry rows for `role` ("student", "teacher", or "" for both) to `entries`. `summary` describes --ROLE.
 * Names are interned: they live as long as the program. */
void role_options_add(struct role_options *options, const char *role, const char *summary,
                      GArray *entries);

/* A role ready to be used. */
struct role {
    struct chat *chat; /* NULL: the role was not asked for */
    struct chat_sampling sampling;
    json_t *
        settings; /* what must not change within a run: model, sampling, extra body; flat object of strings */
    char *address; /* what may: the chat's name */
};

/* Adds a number, as text, to the settings of a run; nothing where it is NAN. */
void settings_set_number(json_t *settings, const char *name, double value);

/* Limits of all requests; part of what may change within a run. */
struct request_limits {
    int timeout_ms, retries;
};

struct local_options; /* of chat/local.h */

/* Opens the roles that `student` and `teacher` name (model specs of DESIGN.md 4), with `both` behind them. A key is looked
 * for in the role's own options, then in those of both, then in $FIRE_API_KEY; one key for two origins is a usage error.
 * A model folder that both name is loaded once, as `local` says.
 * A
 * model folder that both name is loaded once, as `local` says; `teacher_score_form` holds the teacher to its form. Clear both
 * roles with role_clear, also after an error. */
bool roles_open(struct role *student, const struct role_options *student_options,
                struct role *teacher, const struct role_options *teacher_options,
                const struct role_options *both, const struct request_limits *limits,
                const struct local_options *local, bool teacher_score_form, GError **error);
void role_clear(struct role *role);

#endif
