#include "base/error.h"

G_DEFINE_QUARK(fire - error - quark, fire_error)
