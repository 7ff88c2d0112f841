#include "base/log.h"

#include <stdio.h>

static enum log_level max_level = LOG_LEVEL_INFO;
static void (*hook)(void *user);
static void *hook_user;

void log_set_level(enum log_level level)
{
    max_level = level;
}

void log_set_hook(void (*before)(void *user), void *user)
{
    hook = before;
    hook_user = user;
}

static void print(enum log_level level, const char *prefix, const char *format, va_list args)
    G_GNUC_PRINTF(3, 0);

static void print(enum log_level level, const char *prefix, const char *format, va_list args)
{
    if (level > max_level)
        return;
    g_autofree char *text = g_strdup_vprintf(format, args);
    GString *line = g_string_new(prefix);
    for (const char *p = text; *p; p++) {
        if ((unsigned char)*p < 0x20 || *p == 0x7f)
            g_string_append_printf(line, "\\x%02x", (unsigned char)*p);
        else
            g_string_append_c(line, *p);
    }
    g_string_append_c(line, '\n');
    if (hook)
        hook(hook_user);
    fputs(line->str, stderr);
    fflush(stderr);
    g_string_free(line, TRUE);
}

#define DEFINE_LOG(name, level, prefix)                                                            \
    void name(const char *format, ...)                                                             \
    {                                                                                              \
        va_list args;                                                                              \
        va_start(args, format);                                                                    \
        print(level, prefix, format, args);                                                        \
        va_end(args);                                                                              \
    }

DEFINE_LOG(log_error, LOG_LEVEL_ERROR, "fire: error: ")
DEFINE_LOG(log_warn, LOG_LEVEL_WARN, "fire: warning: ")
DEFINE_LOG(log_info, LOG_LEVEL_INFO, "fire: ")
DEFINE_LOG(log_debug, LOG_LEVEL_DEBUG, "fire: debug: ")
