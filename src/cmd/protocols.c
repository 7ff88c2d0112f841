/* protocols.c -- fire protocols: every option on which results depend, with its value in each
 * protocol. */
#include "cmd/command.h"
#include "cmd/run_options.h"
#include "data/protocol.h"

#include <stdint.h>
#include <stdio.h>
#include <string.h>

static int run(int argc, char **argv, GError **error);

const struct command command_protocols = {
    "protocols", "Print the options of the protocols with their values", run};

/* What a value may be: "ge gt", "0 .. 10". */
static char *describe_values(const struct protocol_option *option)
{
    if (option->values)
        return g_strjoinv(" ", (char **)(uintptr_t)option->values);
    if (strcmp(option->name, "lora-targets") == 0)
        return g_strdup("a list");
    return g_strdup_printf("%d .. %d", option->min, option->max);
}

static json_t *option_to_json(const struct protocol_option *option, const struct protocol *paper,
                              const struct protocol *official, const struct protocol *effective)
{
    g_autofree char *in_paper = protocol_get(paper, option);
    g_autofree char *in_official = protocol_get(official, option);
    g_autofree char *value = protocol_get(effective, option);
    json_t *object = json_pack("{s:s, s:s, s:s, s:s}", "name", option->name, "value", value,
                               "paper", in_paper, "official", in_official);
    if (option->values) {
        json_t *values = json_array();
        for (int i = 0; option->values[i]; i++)
            json_array_append_new(values, json_string(option->values[i]));
        json_object_set_new(object, "values", values);
    } else if (strcmp(option->name, "lora-targets") != 0) {
        json_object_set_new(object, "min", json_integer(option->min));
        json_object_set_new(object, "max", json_integer(option->max));
    }
    json_object_set_new(object, "rows", json_string(option->row));
    json_object_set_new(object, "meaning", json_string(option->meaning));
    return object;
}

static void print_json(const struct protocol *paper, const struct protocol *official,
                       const struct protocol *effective)
{
    json_t *options = json_array();
    for (const struct protocol_option *option = protocol_options; option->name; option++)
        json_array_append_new(options, option_to_json(option, paper, official, effective));
    g_autoptr(json_t) all = json_pack(
        "{s:s, s:o}", "protocol", effective->official ? "official" : "paper", "options", options);
    g_autofree char *line = json_print(all);
    puts(line);
}

/* `effective` is NULL where nobody asked for it: no column then. */
static void print_text(const struct protocol *paper, const struct protocol *official,
                       const struct protocol *effective)
{
    /* As wide as the longest value, which the user may have given as a long list. */
    int width = (int)strlen("value");
    for (const struct protocol_option *option = protocol_options; option->name; option++) {
        g_autofree char *value = protocol_get(effective ? effective : paper, option);
        width = MAX(width, (int)strlen(value));
    }
    printf("%-15s  ", "option");
    if (effective)
        printf("%-*s  ", width, "value");
    printf("%-9s  %-9s  %-6s  %s\n", "paper", "official", "row", "meaning (values)");
    for (const struct protocol_option *option = protocol_options; option->name; option++) {
        g_autofree char *value = effective ? protocol_get(effective, option) : NULL;
        g_autofree char *in_paper = protocol_get(paper, option);
        g_autofree char *in_official = protocol_get(official, option);
        g_autofree char *values = describe_values(option);
        printf("%-15s  ", option->name);
        if (effective)
            printf("%-*s  ", width, value);
        printf("%-9s  %-9s  %-6s  %s (%s)\n", in_paper, in_official, option->row, option->meaning,
               values);
    }
}

static int run(int argc, char **argv, GError **error)
{
    gboolean as_json = FALSE;
    g_autofree char *name = NULL;
    g_auto(GStrv) assignments = NULL;
    const GOptionEntry entries[] = {
        PROTOCOL_OPTION(name),
        SET_OPTION(assignments),
        {"json", 0, 0, G_OPTION_ARG_NONE, &as_json, "One JSON object", NULL},
        {0}};
    if (!command_parse(&argc, &argv, &command_protocols, "", entries, 0, 0, error))
        return EXIT_USAGE;
    if (argc == 0)
        return EXIT_DONE;
    struct protocol paper, official, effective;
    if (!protocol_init(&paper, "paper", error) || !protocol_init(&official, "official", error) ||
        !protocol_from_options(&effective, name, assignments, error))
        return EXIT_USAGE;
    if (as_json)
        print_json(&paper, &official, &effective);
    else
        print_text(&paper, &official, name || assignments ? &effective : NULL);
    return EXIT_DONE;
}
