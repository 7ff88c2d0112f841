/* free_setting.h -- the free setting: student and teacher talk until the loop ends (paper Sec. 3.4.2). */
#ifndef FIRE_RUN_FREE_SETTING_H
#define FIRE_RUN_FREE_SETTING_H

#include "run/driver.h"

extern const struct setting setting_free;

#endif
