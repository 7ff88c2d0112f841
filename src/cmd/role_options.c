#include "cmd/role_options.h"

#include "base/error.h"
#include "cmd/key.h"
#include "cmd/model_spec.h"

#include <math.h>
#include <stddef.h>
#include <string.h>

#define DEFAULT_TEMPERATURE 0
#define DEFAULT_MAX_TOKENS 512

/* The options of a role; the first has no name of its own: it is --ROLE. */
static const struct {
    const char *name, *argument, *text;
    size_t offset;
} rows[] = {
    {"key-env", "NAME", "environment variable that holds the key",
     offsetof(struct role_options, key_env)},
    {"key-file", "FILE", "file that holds the key, readable by its owner only",
     offsetof(struct role_options, key_file)},
    {"api", "KIND", "kind of HTTP API: openai", offsetof(struct role_options, api)},
    {"extra-body", "JSON", "object merged into every request",
     offsetof(struct role_options, extra_body)},
    {"temperature", "T", "sampling temperature (0)", offsetof(struct role_options, temperature)},
    {"top-p", "P", "nucleus sampling; not sent unless given", offsetof(struct role_options, top_p)},
    {"max-tokens", "N", "longest answer (512)", offsetof(struct role_options, max_tokens)},
    {"seed", "N", "seed; not sent unless given", offsetof(struct role_options, seed)},
};

void role_options_clear(struct role_options *options)
{
    g_strfreev(options->models);
    for (size_t i = 0; i < G_N_ELEMENTS(rows); i++)
        g_free(*(char **)((char *)options + rows[i].offset));
    *options = (struct role_options){0};
}

void role_options_add(struct role_options *options, const char *role, const char *summary,
                      GArray *entries)
{
    if (*role) {
        GOptionEntry entry = {role,    0,      0, G_OPTION_ARG_STRING_ARRAY, &options->models,
                              summary, "MODEL"};
        g_array_append_val(entries, entry);
    }
    for (size_t i = 0; i < G_N_ELEMENTS(rows); i++) {
        g_autofree char *name =
            *role ? g_strdup_printf("%s-%s", role, rows[i].name) : g_strdup(rows[i].name);
        g_autofree char *text =
            g_strdup_printf("%s: %s", *role ? role : "both roles", rows[i].text);
        GOptionEntry entry = {
            .long_name = g_intern_string(name),
            .arg = G_OPTION_ARG_STRING,
            .arg_data = (char *)options + rows[i].offset,
            .description = g_intern_string(text),
            .arg_description = rows[i].argument,
        };
        g_array_append_val(entries, entry);
    }
}

static bool parse_real(double *value, const char *name, const char *text, double low, double high,
                       GError **error)
{
    char *end;
    double number = g_ascii_strtod(text, &end);
    if (end == text || *end || !(number >= low && number <= high)) {
        g_set_error(error, FIRE_ERROR, FIRE_ERROR_USAGE, "--%s: '%s' is not a number from %g to %g",
                    name, text, low, high);
        return false;
    }
    *value = number;
    return true;
}

static bool parse_integer(gint64 *value, const char *name, const char *text, gint64 low,
                          gint64 high, GError **error)
{
    if (g_ascii_string_to_signed(text, 10, low, high, value, NULL))
        return true;
    g_set_error(error, FIRE_ERROR, FIRE_ERROR_USAGE,
                "--%s: '%s' is not a whole number from %" G_GINT64_FORMAT " to %" G_GINT64_FORMAT,
                name, text, low, high);
    return false;
}

static const char *first_of(const char *own, const char *both)
{
    return own ? own : both;
}

static bool resolve_sampling(struct chat_sampling *sampling, const struct role_options *own,
                             const struct role_options *both, GError **error)
{
    const char *temperature = first_of(own->temperature, both->temperature),
               *top_p = first_of(own->top_p, both->top_p);
    const char *max_tokens = first_of(own->max_tokens, both->max_tokens),
               *seed = first_of(own->seed, both->seed);
    gint64 n_tokens = DEFAULT_MAX_TOKENS, seed_value = 0;
    *sampling = (struct chat_sampling){.temperature = DEFAULT_TEMPERATURE, .top_p = NAN};
    if (temperature &&
        !parse_real(&sampling->temperature, "temperature", temperature, 0, 10, error))
        return false;
    if (top_p && !parse_real(&sampling->top_p, "top-p", top_p, 0, 1, error))
        return false;
    if (max_tokens && !parse_integer(&n_tokens, "max-tokens", max_tokens, 1, 1 << 20, error))
        return false;
    if (seed && !parse_integer(&seed_value, "seed", seed, G_MININT64, G_MAXINT64, error))
        return false;
    sampling->max_tokens = (int)n_tokens;
    sampling->seed = seed_value;
    sampling->has_seed = seed != NULL;
    return true;
}

void settings_set_number(json_t *settings, const char *name, double value)
{
    char text[G_ASCII_DTOSTR_BUF_SIZE];
    if (!isnan(value))
        json_object_set_new(settings, name,
                            json_string(g_ascii_formatd(text, sizeof text, "%.6g", value)));
}

/* What stands in the run beside this role's results, and must be equal when the run goes on. */
static json_t *describe(const struct role *role, const char *extra_body)
{
    json_t *settings = json_object();
    json_object_set_new(settings, "model", json_string(chat_model(role->chat)));
    settings_set_number(settings, "temperature", role->sampling.temperature);
    settings_set_number(settings, "top-p", role->sampling.top_p);
    settings_set_number(settings, "max-tokens", role->sampling.max_tokens);
    if (role->sampling.has_seed) {
        g_autofree char *seed = g_strdup_printf("%" G_GINT64_FORMAT, role->sampling.seed);
        json_object_set_new(settings, "seed", json_string(seed));
    }
    if (extra_body)
        json_object_set_new(settings, "extra-body", json_string(extra_body));
    return settings;
}

static bool role_open(struct role *role, const struct role_options *own,
                      const struct role_options *both, const char *key,
                      const struct model_spec_options *common, GError **error)
{
    if (!own->models)
        return true;
    const char *extra_body = first_of(own->extra_body, both->extra_body);
    struct model_spec_options options = *common;
    options.key = key;
    options.api = first_of(own->api, both->api);
    options.extra_body = extra_body;
    if (!resolve_sampling(&role->sampling, own, both, error) ||
        !(role->chat = model_spec_open(*own->models, &options, error)))
        return false;
    role->address = g_strdup(chat_name(role->chat));
    role->settings = describe(role, extra_body);
    return true;
}

static const char *first_model(const struct role_options *options)
{
    return options->models ? *options->models : NULL;
}

bool roles_open(struct role *student, const struct role_options *student_options,
                struct role *teacher, const struct role_options *teacher_options,
                const struct role_options *both, const struct request_limits *limits,
                const struct local_options *local, bool teacher_score_form, GError **error)
{
    const struct key_source shared = {both->key_env, both->key_file};
    const struct key_source own[2] = {{student_options->key_env, student_options->key_file},
                                      {teacher_options->key_env, teacher_options->key_file}};
    const char *const specs[2] = {first_model(student_options), first_model(teacher_options)};
    char *keys[2] = {NULL, NULL};
    g_autoptr(GPtrArray) hosts = model_spec_hosts_new();
    struct model_spec_options common = {.timeout_ms = limits->timeout_ms,
                                        .retries = limits->retries,
                                        .local = local,
                                        .hosts = hosts};
    *student = *teacher = (struct role){0};
    bool ok = keys_find(keys, specs, own, &shared, error) &&
              role_open(student, student_options, both, keys[0], &common, error);
    common.score_form = teacher_score_form;
    ok = ok && role_open(teacher, teacher_options, both, keys[1], &common, error);
    key_free(keys[0]);
    key_free(keys[1]);
    return ok;
}

void role_clear(struct role *role)
{
    chat_free(role->chat);
    json_decref(role->settings);
    g_free(role->address);
    *role = (struct role){0};
}
