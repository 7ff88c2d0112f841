#include "cmd/key.h"

#include "base/error.h"
#include "chat/url.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define DEFAULT_ENV "FIRE_API_KEY"
#define MAX_KEY_BYTES 8192

void key_free(char *key)
{
    if (key)
        explicit_bzero(key, strlen(key));
    g_free(key);
}

/* A key goes into a header line: printable ASCII only. `where` names its source. */
static char *check_key(const char *text, const char *where, GError **error)
{
    g_autofree char *key = g_strstrip(g_strdup(text));
    bool printable = true;
    for (const char *p = key; *p; p++)
        printable = printable && *p > 0x20 && *p < 0x7f;
    if (*key && printable)
        return g_steal_pointer(&key);
    g_set_error(error, FIRE_ERROR, FIRE_ERROR_USAGE, "%s holds no key%s", where,
                printable ? "" : " (blanks or other characters that no key has)");
    explicit_bzero(key, strlen(key));
    return NULL;
}

static char *read_key_file(const char *path, GError **error)
{
    char text[MAX_KEY_BYTES + 1];
    struct stat status;
    char *key = NULL;
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    ssize_t n = -1;
    if (fd >= 0 && fstat(fd, &status) == 0) {
        if (status.st_mode & 077) {
            g_set_error(error, FIRE_ERROR, FIRE_ERROR_USAGE,
                        "key file '%s' is open to others: chmod 600 it", path);
            close(fd);
            return NULL;
        }
        n = read(fd, text, MAX_KEY_BYTES);
    }
    if (n < 0) {
        g_set_error(error, FIRE_ERROR, FIRE_ERROR_USAGE, "cannot read key file '%s': %s", path,
                    g_strerror(errno));
    } else {
        g_autofree char *where = g_strdup_printf("key file '%s'", path);
        text[n] = '\0';
        key = check_key(text, where, error);
        explicit_bzero(text, sizeof text);
    }
    if (fd >= 0)
        close(fd);
    return key;
}

static char *read_key_env(const char *name, GError **error)
{
    const char *value = g_getenv(name);
    g_autofree char *where = g_strdup_printf("environment variable '%s'", name);
    if (value)
        return check_key(value, where, error);
    g_set_error(error, FIRE_ERROR, FIRE_ERROR_USAGE, "%s is not set", where);
    return NULL;
}

static bool is_given(const struct key_source *source)
{
    return source->env || source->file;
}

/* False with an error where the source gives no key. */
static bool read_key(char **key, const struct key_source *source, GError **error)
{
    *key = source->file ? read_key_file(source->file, error) : read_key_env(source->env, error);
    return *key != NULL;
}

bool keys_find(char *keys[2], const char *const specs[2], const struct key_source own[2],
               const struct key_source *shared, GError **error)
{
    static const struct key_source standard = {.env = DEFAULT_ENV};
    g_autofree char *first = specs[0] ? url_origin(specs[0]) : NULL,
                    *second = specs[1] ? url_origin(specs[1]) : NULL;
    const char *const origins[2] = {first, second};
    bool needs[2];
    for (int i = 0; i < 2; i++) {
        if (is_given(&own[i]) && !origins[i]) {
            g_set_error(error, FIRE_ERROR, FIRE_ERROR_USAGE,
                        "a key is given for a model that is no http address");
            return false;
        }
        needs[i] = origins[i] && !is_given(&own[i]);
    }
    const struct key_source *common = is_given(shared)        ? shared
                                      : g_getenv(DEFAULT_ENV) ? &standard
                                                              : NULL;
    if (common && needs[0] && needs[1] && strcmp(first, second) != 0) {
        g_set_error(error, FIRE_ERROR, FIRE_ERROR_USAGE,
                    "one key would go to '%s' and to '%s': say whose it is with --student-key-env "
                    "or --teacher-key-env",
                    first, second);
        return false;
    }
    for (int i = 0; i < 2; i++) {
        const struct key_source *source = !origins[i] ? NULL : is_given(&own[i]) ? &own[i] : common;
        if (source && !read_key(&keys[i], source, error))
            return false;
    }
    return true;
}
