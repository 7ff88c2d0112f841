#include "chat/local_sampling.h"

#include "base/error.h"

#include <math.h>
#include <string.h>

static bool add_stop(GPtrArray *stop, const json_t *text)
{
    if (!json_is_string(text) || json_string_length(text) == 0)
        return false;
    g_ptr_array_add(stop, g_strdup(json_string_value(text)));
    return true;
}

static bool read_stop(struct local_sampling *sampling, const json_t *value)
{
    if (!json_is_array(value))
        return add_stop(sampling->stop, value);
    size_t i;
    const json_t *text;
    json_array_foreach (value, i, text)
        if (!add_stop(sampling->stop, text))
            return false;
    return true;
}

/* False where there is no such key, or its value is of another type. */
static bool read_key(struct local_sampling *sampling, const char *key, const json_t *value)
{
    struct sampler_options *options = &sampling->options;
    double number = json_number_value(value);
    if (strcmp(key, "stop") == 0)
        return read_stop(sampling, value);
    if (!json_is_number(value))
        return false;
    if (strcmp(key, "top_k") == 0) {
        /* vLLM writes "all" as -1. */
        options->top_k = (int)CLAMP(number, 0, 1e9);
        return json_is_integer(value) && number >= -1;
    }
    if (strcmp(key, "min_p") == 0)
        options->min_p = number;
    else if (strcmp(key, "repetition_penalty") == 0)
        options->repetition_penalty = number;
    else
        return false;
    return true;
}

bool local_sampling_init(struct local_sampling *sampling, const json_t *extra_body, GError **error)
{
    *sampling = (struct local_sampling){.options = SAMPLER_GREEDY,
                                        .stop = g_ptr_array_new_with_free_func(g_free)};
    const char *key;
    json_t *value;
    json_object_foreach ((json_t *)(uintptr_t)extra_body, key, value)
        if (!read_key(sampling, key, value)) {
            g_autofree char *text = json_print(value);
            g_set_error(error, FIRE_ERROR, FIRE_ERROR_USAGE,
                        "--extra-body: a model folder cannot take '%s' with the value %s "
                        "(top_k, min_p, repetition_penalty, stop)",
                        key, text);
            return false;
        }
    g_ptr_array_add(sampling->stop, NULL);
    if (sampler_options_check(&sampling->options, error))
        return true;
    g_prefix_error(error, "--extra-body: ");
    return false;
}

void local_sampling_clear(struct local_sampling *sampling)
{
    if (sampling->stop)
        g_ptr_array_unref(sampling->stop);
    *sampling = (struct local_sampling){0};
}

bool local_sampling_of(struct sampler_options *options, const struct local_sampling *sampling,
                       const struct chat_sampling *request, GError **error)
{
    *options = sampling->options;
    if (!isnan(request->temperature))
        options->temperature = request->temperature;
    if (!isnan(request->top_p))
        options->top_p = request->top_p;
    options->seed = request->has_seed ? (uint64_t)request->seed : 0;
    return sampler_options_check(options, error);
}
