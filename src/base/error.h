/* error.h -- the one error domain of fire. */
#ifndef FIRE_BASE_ERROR_H
#define FIRE_BASE_ERROR_H

#include <glib.h>

#define FIRE_ERROR (fire_error_quark())

/* Few codes, because few callers act on them: main.c turns USAGE into exit code 2 and everything
 * else into 1. */
enum fire_error {
    FIRE_ERROR_USAGE,     /* the command line, a recipe or an option's value is wrong */
    FIRE_ERROR_IO,        /* the system refused: open, read, write, lock */
    FIRE_ERROR_FORMAT,    /* a file or a reply is not what it should be */
    FIRE_ERROR_NET,       /* an endpoint did not answer as it should */
    FIRE_ERROR_CANCELLED, /* the user or the caller stopped it */
};

GQuark fire_error_quark(void);

#endif
