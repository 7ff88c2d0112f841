/* fake.h -- starts tests/tools/fake_server.c for a test and reads its log. */
#ifndef FIRE_TESTS_FAKE_H
#define FIRE_TESTS_FAKE_H

#include <glib.h>
#include <jansson.h>

struct fake;

/* Starts $FIRE_TOOLS/fake_server with `options` (NULL at the end; NULL for none), a log and
 * --with-parent; aborts the test where it does not start. */
struct fake *fake_start(const char *const *options);
void fake_stop(struct fake *fake);

/* "http://127.0.0.1:PORT/v1", belongs to `fake`. */
const char *fake_url(const struct fake *fake);

/* The log's file, which grows as requests are answered; belongs to `fake`. */
const char *fake_log_path(const struct fake *fake);

/* The log's lines so far whose "model" is `model` (NULL: all). New reference. */
json_t *fake_log(const struct fake *fake, const char *model);

#endif
