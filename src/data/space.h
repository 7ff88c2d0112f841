/* space.h -- white space as Python has it (str.isspace, str.strip), for the texts of models: the
 * released code trims and splits with it. */
#ifndef FIRE_DATA_SPACE_H
#define FIRE_DATA_SPACE_H

#include <glib.h>
#include <stdbool.h>

bool space_is(gunichar c);

/* [start, end) of a UTF-8 text without the white space around it. Free with g_free. */
char *space_trim(const char *start, const char *end);

#endif
