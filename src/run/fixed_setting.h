/* fixed_setting.h -- the fixed setting: a model goes on from each prefix of a recorded dialogue (paper Sec. 3.4.1). */
#ifndef FIRE_RUN_FIXED_SETTING_H
#define FIRE_RUN_FIXED_SETTING_H

#include "run/driver.h"

/* Asks each role whose chat is there for every one of its recorded texts, one after the other. The predictions are the
 * replies that the store's recorder keeps; a sample that is through has ended with STOP_MAX_TURNS. */
extern const struct setting setting_fixed;

#endif
