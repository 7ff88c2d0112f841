#include "data/flaw.h"

#include <stdarg.h>

bool flaw_set(struct flaw *flaw, const char *cause, const char *format, ...)
{
    g_assert(!flaw->cause);
    va_list arguments;
    va_start(arguments, format);
    flaw->detail = g_strdup_vprintf(format, arguments);
    va_end(arguments);
    flaw->cause = cause;
    return false;
}

void flaw_clear(struct flaw *flaw)
{
    g_free(flaw->detail);
    *flaw = (struct flaw){0};
}
