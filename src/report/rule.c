#include "report/rule.h"

#include <string.h>

char *rule_of_protocol(const struct protocol *protocol)
{
    const char *name = protocol->official ? "official" : "paper";
    struct protocol plain;
    protocol_init(&plain, name, NULL);
    GString *rule = g_string_new("protocol ");
    g_string_append(rule, name);
    const char *before = " with ";
    for (const struct protocol_option *option = protocol_options; option->name; option++) {
        g_autofree char *value = protocol_get(protocol, option);
        g_autofree char *usual = protocol_get(&plain, option);
        if (strcmp(value, usual) == 0)
            continue;
        g_string_append_printf(rule, "%s%s=%s", before, option->name, value);
        before = ", ";
    }
    return g_string_free(rule, FALSE);
}

char *rule_of_intervals(int n_resamples, uint64_t seed)
{
    if (n_resamples == 0)
        return g_strdup("no intervals");
    return g_strdup_printf("95%% intervals: %d resamples of pictures, seed %" G_GUINT64_FORMAT,
                           n_resamples, seed);
}
