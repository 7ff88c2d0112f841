/* support.h -- what several tests need. */
#ifndef FIRE_TESTS_SUPPORT_H
#define FIRE_TESTS_SUPPORT_H

#include <glib.h>
#include <jansson.h>

/* A path under $FIRE_SHARED (default ../shared), or NULL after g_test_skip where it is absent. Free
 * with g_free. */
char *support_shared(const char *relative);

/* A path under tests/data, absolute. Free with g_free. */
char *support_data(const char *relative);

/* A new empty folder, removed with all it holds when the test program ends. Free the path with
 * g_free. */
char *support_folder(void);

/* The lines of a JSON Lines file, split at 0x0A only, as a JSON array; aborts the test where one
 * cannot be read. */
json_t *support_json_lines(const char *path);

/* Writes text to folder/name and returns the path. Free with g_free. */
char *support_write(const char *folder, const char *name, const char *text);

/* |a - b| <= tolerance * max(1, |b|); NAN equals NAN. */
#define support_assert_near(a, b, tolerance)                                                       \
    do {                                                                                           \
        double near_a = (a), near_b = (b);                                                         \
        if (!support_near(near_a, near_b, (tolerance)))                                            \
            g_error("%s:%d: %s = %.17g, expected %.17g", __FILE__, __LINE__, #a, near_a, near_b);  \
    } while (0)
gboolean support_near(double a, double b, double tolerance);

/* Runs the default main context until *flag is set; aborts the test after 60 s. */
void support_wait(const gboolean *flag);

#endif
