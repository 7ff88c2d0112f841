#include "cmd/engine_settings.h"

#include "base/error.h"
#include "num/cpu/cpu.h"

#include <string.h>

void engine_settings_clear(struct engine_settings *settings)
{
    g_free(settings->tower);
    g_free(settings->weights);
    g_free(settings->compute);
    g_free(settings->memory);
    g_free(settings->template_name);
    *settings = (struct engine_settings){0};
}

void engine_settings_add(struct engine_settings *settings, GArray *entries)
{
    const GOptionEntry rows[] = {
        {"vision-tower", 0, 0, G_OPTION_ARG_FILENAME, &settings->tower,
         "Folder of the vision tower (original LLaVA layout)", "DIR"},
        {"weights", 0, 0, G_OPTION_ARG_STRING, &settings->weights,
         "How weights are kept: bf16, q8, q4 (as the folder has them)", "TYPE"},
        {"compute", 0, 0, G_OPTION_ARG_STRING, &settings->compute,
         "Activations in f32 or bf16 (as the folder's weights)", "TYPE"},
        {"memory", 0, 0, G_OPTION_ARG_STRING, &settings->memory,
         "Most memory of weights, keys and values: 12G, 900M (4/5 of the machine's)", "SIZE"},
        {"template", 0, 0, G_OPTION_ARG_STRING, &settings->template_name,
         "Chat template (recognised by the folder)", "NAME"},
    };
    g_array_append_vals(entries, rows, G_N_ELEMENTS(rows));
}

/* The place of `text` among the names, which end with NULL; -1 with an error where it is none of them. */
static int find_name(const char *option, const char *text, const char *const *names, GError **error)
{
    g_autofree char *list = g_strjoinv(", ", (char **)(uintptr_t)names);
    for (int i = 0; names[i]; i++)
        if (strcmp(names[i], text) == 0)
            return i;
    g_set_error(error, FIRE_ERROR, FIRE_ERROR_USAGE, "unknown %s '%s': there is %s", option, text,
                list);
    return -1;
}

static bool parse_size(size_t *n_bytes, const char *text, GError **error)
{
    static const char units[] = "KMGT";
    char *end;
    double number = g_ascii_strtod(text, &end);
    const char *unit = *end ? strchr(units, g_ascii_toupper(*end)) : NULL;
    double bytes = number * (unit ? (double)((uint64_t)1 << (10 * (unit - units + 1))) : 1);
    if (end == text || (*end && (!unit || end[1])) || !(bytes >= 1 && bytes <= 1e15)) {
        g_set_error(error, FIRE_ERROR, FIRE_ERROR_USAGE,
                    "--memory: '%s' is not a size: write 900M or 12G", text);
        return false;
    }
    *n_bytes = (size_t)bytes;
    return true;
}

/* The best that the machine can, or what $FIRE_ISA asks for: ref, avx2, avx512, amx. */
static bool choose_backend(const struct backend **backend, GError **error)
{
    static const char *const names[] = {"ref", "avx2", "avx512", "amx", NULL};
    static const enum cpu_isa isas[] = {CPU_BEST, CPU_AVX2, CPU_AVX512, CPU_AMX};
    const char *asked = g_getenv("FIRE_ISA");
    int i = asked ? find_name("FIRE_ISA", asked, names, error) : -1;
    if (asked && i < 0)
        return false;
    const struct backend *cpu = i == 0 ? NULL : backend_cpu(i > 0 ? isas[i] : CPU_BEST);
    if (i > 0 && !cpu) {
        g_set_error(error, FIRE_ERROR, FIRE_ERROR_USAGE, "FIRE_ISA: this machine has no %s", asked);
        return false;
    }
    *backend = cpu ? cpu : &backend_ref;
    return true;
}

bool engine_settings_resolve(const struct engine_settings *settings, struct engine_options *options,
                             GError **error)
{
    static const char *const weights[] = {"bf16", "q8", "q4", NULL};
    static const enum weights_kept kept[] = {WEIGHTS_BF16, WEIGHTS_Q8, WEIGHTS_Q4};
    static const char *const compute[] = {"f32", "bf16", NULL};
    int i;
    options->tower = settings->tower;
    if (!choose_backend(&options->backend, error))
        return false;
    if (settings->weights) {
        if ((i = find_name("--weights", settings->weights, weights, error)) < 0)
            return false;
        options->kept = kept[i];
    }
    if (settings->compute) {
        if ((i = find_name("--compute", settings->compute, compute, error)) < 0)
            return false;
        options->compute = i == 0 ? ENGINE_COMPUTE_F32 : ENGINE_COMPUTE_BF16;
    }
    return !settings->memory || parse_size(&options->max_bytes, settings->memory, error);
}
