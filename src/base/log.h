/* log.h -- messages for people, on stderr.
 *
 * Rooms report failure through GError; they log only what happens while work goes on (a retry, a
 * parked endpoint). The level and the hook below are the only mutable state at file scope in the
 * program. */
#ifndef FIRE_BASE_LOG_H
#define FIRE_BASE_LOG_H

#include <glib.h>

enum log_level { LOG_LEVEL_ERROR, LOG_LEVEL_WARN, LOG_LEVEL_INFO, LOG_LEVEL_DEBUG };

/* Messages above `level` are not printed. The default is LOG_LEVEL_INFO. */
void log_set_level(enum log_level level);

/* `before` is called before each message, so that a progress line can clear itself; NULL for none.
 */
void log_set_hook(void (*before)(void *user), void *user);

/* Each prints one line: "fire: error: ...", "fire: warning: ..." or "fire: ...". Line breaks and
 * other control characters in the message are printed as \xNN, so that what a server says cannot
 * forge a line or drive a terminal. */
void log_error(const char *format, ...) G_GNUC_PRINTF(1, 2);
void log_warn(const char *format, ...) G_GNUC_PRINTF(1, 2);
void log_info(const char *format, ...) G_GNUC_PRINTF(1, 2);
void log_debug(const char *format, ...) G_GNUC_PRINTF(1, 2);

#endif
