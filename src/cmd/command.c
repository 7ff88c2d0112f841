#include "cmd/command.h"

#include "base/error.h"

#include <stdio.h>
#include <string.h>

bool command_parse(int *argc, char ***argv, const struct command *command, const char *arguments,
                   const GOptionEntry *entries, int min, int max, GError **error)
{
    gboolean help = FALSE;
    const GOptionEntry own[] = {{"help", 'h', 0, G_OPTION_ARG_NONE, &help, "Print this help", NULL},
                                {0}};
    g_autoptr(GOptionContext) context = g_option_context_new(arguments);
    g_option_context_set_help_enabled(context, FALSE);
    g_option_context_set_summary(context, command->summary);
    if (entries)
        g_option_context_add_main_entries(context, entries, NULL);
    g_option_context_add_main_entries(context, own, NULL);
    g_autoptr(GError) cause = NULL;
    if (!g_option_context_parse(context, argc, argv, &cause)) {
        g_set_error(error, FIRE_ERROR, FIRE_ERROR_USAGE, "%s", cause->message);
        return false;
    }
    if (help) {
        g_autofree char *program = g_strdup_printf("fire %s", command->name);
        g_set_prgname(program);
        g_autofree char *text = g_option_context_get_help(context, TRUE, NULL);
        fputs(text, stdout);
        *argc = 0;
        return true;
    }
    /* GOption leaves "--" in place. */
    if (*argc > 1 && strcmp((*argv)[1], "--") == 0) {
        memmove(*argv + 1, *argv + 2, (size_t)(*argc - 1) * sizeof **argv);
        --*argc;
    }
    int n = *argc - 1;
    if (n < min)
        g_set_error(error, FIRE_ERROR, FIRE_ERROR_USAGE, "too few arguments: fire %s %s",
                    command->name, arguments);
    else if (max >= 0 && n > max)
        g_set_error(error, FIRE_ERROR, FIRE_ERROR_USAGE, "unexpected argument '%s'",
                    (*argv)[1 + max]);
    else
        return true;
    return false;
}
