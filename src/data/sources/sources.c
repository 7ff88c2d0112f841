#include "data/sources/source.h"

#include <string.h>

const struct source sources[] = {
    {"chartqa", "{train,val,test}_{human,augmented}.json", chartqa_convert},
    {"llava", "any file in the LLaVA layout: one array, or one record a line", llava_convert},
    {0},
};

const struct source *source_find(const char *name)
{
    for (const struct source *source = sources; source->name; source++)
        if (strcmp(source->name, name) == 0)
            return source;
    return NULL;
}
