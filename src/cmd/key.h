/* key.h -- where keys come from, and to whom they may go (DESIGN.md 4). */
#ifndef FIRE_CMD_KEY_H
#define FIRE_CMD_KEY_H

#include <glib.h>
#include <stdbool.h>

/* What the command line says of one key; both may be NULL. */
struct key_source {
    const char *env;  /* name of an environment variable */
    const char *file; /* file of mode 0600 */
};

/* Finds the keys of two models (specs; NULL: none) into `keys`, NULL where a model needs none or there is none. Each model's
 * own source goes first, then the shared one, then $FIRE_API_KEY. FIRE_ERROR_USAGE where a named source gives no key, and
 * where a shared key would go to two origins. No message holds a key. Free with key_free. */
bool keys_find(char *keys[2], const char *const specs[2], const struct key_source own[2],
               const struct key_source *shared, GError **error);

/* Wipes and frees. Accepts NULL. */
void key_free(char *key);

#endif
