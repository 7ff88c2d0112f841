#include "report/published.h"

#include <glib.h>
#include <math.h>
#include <string.h>

const char *const published_students[PUBLISHED_N_STUDENTS] = {"LLaVA-Next-8B", "FIRE100K-LLaVA-8B",
                                                              "FIRE-LLaVA-8B"};
const char *const published_metrics[PUBLISHED_N_METRICS] = {"at", "adr", "atr_all", "rr"};

#define LOST                                                                                       \
    {                                                                                              \
        NAN, NAN, NAN, NAN                                                                         \
    }

/* Names as `plain_name` has them. */
static const struct published_free rows[] = {
    {NULL, 4, {{1.00, 0.97, 0.41, 0.25}, {0.92, 1.27, 0.55, 0.34}, {0.84, 1.56, 0.66, 0.39}}},
    {"vqav2", 5, {{1.00, 1.45, 0.42, 0.40}, {0.86, 1.83, 0.55, 0.54}, LOST}},
    {"gqa", 5, {{1.00, 1.51, 0.51, 0.43}, {0.81, 1.93, 0.63, 0.58}, LOST}},
    {"textvqa", 5, {{1.00, 0.91, 0.34, 0.26}, {0.95, 1.20, 0.49, 0.33}, LOST}},
    {"chartqa", 5, {{1.00, 0.71, 0.39, 0.25}, {1.07, 1.03, 0.56, 0.27}, LOST}},
    {"docvqa", 5, {{1.00, 0.97, 0.56, 0.24}, {1.06, 0.84, 0.51, 0.22}, {0.81, 1.65, 0.97, 0.41}}},
    {"dvqa", 5, {{1.00, 1.66, 0.50, 0.42}, {0.79, 1.87, 0.46, 0.51}, {0.74, 1.97, 0.46, 0.50}}},
    {"geoqa", 5, {{1.00, 0.14, 0.07, 0.08}, {0.84, 0.70, 0.33, 0.28}, {0.84, 0.74, 0.35, 0.27}}},
    {"synthdog", 5, {{1.00, 0.14, 0.05, 0.04}, {0.93, 0.18, 0.07, 0.08}, {0.95, 0.19, 0.08, 0.06}}},
    {"mathvista",
     6,
     {{1.00, 0.84, 0.45, 0.19}, {0.89, 1.09, 0.68, 0.29}, {0.83, 1.36, 0.77, 0.34}}},
    {"mathverse",
     6,
     {{1.00, 0.14, 0.13, 0.08}, {0.95, 0.34, 0.30, 0.16}, {0.93, 0.65, 0.49, 0.17}}},
    {"mmmu", 6, {{1.00, 0.94, 0.53, 0.22}, {0.86, 1.38, 0.81, 0.38}, {0.80, 1.73, 1.05, 0.41}}},
    {"mme", 6, {{1.00, 1.31, 0.31, 0.21}, {0.95, 2.20, 0.60, 0.39}, {0.96, 2.04, 0.57, 0.36}}},
    {"mmvet", 6, {{1.00, 0.80, 0.31, 0.13}, {0.97, 0.99, 0.48, 0.23}, LOST}},
    {"seedbench", 6, {{1.00, 2.30, 0.56, 0.48}, {0.83, 3.18, 0.75, 0.68}, LOST}},
    {"scienceqa", 6, {{1.00, 2.81, 0.70, 0.56}, {0.98, 2.95, 0.78, 0.62}, LOST}},
    {"llavawild", 6, {{1.00, 0.45, 0.19, 0.03}, {0.99, 0.79, 0.33, 0.12}, LOST}},
};

static const struct {
    const char *name, *plain;
} other_names[] = {
    {"geoqaplus", "geoqa"},          {"synthdogen", "synthdog"},
    {"llavainthewild", "llavawild"}, {"llavabenchinthewild", "llavawild"},
    {"llavabenchwild", "llavawild"},
};

const struct published_fixed published_fixed[] = {
    {"student", "LLaVA-Next-8B", 2, {0.33, 0.23, 0.17, 0.13}, 0.60, NAN},
    {"student", "FIRE-LLaVA", 2, {0.54, 0.46, 0.39, 0.34}, 2.36, NAN},
    {"teacher", "LLaVA-Next-8B", 3, {0.34, 0.21, 0.15, 0.10}, 0.51, 1.88},
    {"teacher", "FD-LLaVA", 3, {0.55, 0.45, 0.39, 0.33}, 2.27, 0.30},
    {0},
};

/* Lower-case letters and digits only. */
static char *plain_name(const char *source)
{
    GString *plain = g_string_new(NULL);
    for (; *source; source++)
        if (g_ascii_isalnum(*source))
            g_string_append_c(plain, g_ascii_tolower(*source));
    for (size_t i = 0; i < G_N_ELEMENTS(other_names); i++)
        if (strcmp(plain->str, other_names[i].name) == 0)
            g_string_assign(plain, other_names[i].plain);
    return g_string_free(plain, FALSE);
}

const struct published_free *published_free_find(const char *source)
{
    if (!source)
        return &rows[0];
    g_autofree char *plain = plain_name(source);
    for (size_t i = 1; i < G_N_ELEMENTS(rows); i++)
        if (strcmp(rows[i].source, plain) == 0)
            return &rows[i];
    return NULL;
}
