#include "base/version.h"

#include <build_version.h>

const char *version_string(void)
{
    return FIRE_VERSION;
}

const char *version_commit(void)
{
    return FIRE_COMMIT;
}
