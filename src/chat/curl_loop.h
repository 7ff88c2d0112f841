/* curl_loop.h -- libcurl's multi interface inside a GMainContext: any number of transfers, one
 * thread, no polling.
 *
 * Belongs to the thread's default main context at the time of curl_loop_new. */
#ifndef FIRE_CHAT_CURL_LOOP_H
#define FIRE_CHAT_CURL_LOOP_H

#include <curl/curl.h>
#include <glib.h>

struct curl_loop;

/* A transfer is over: `code` is its result, `user` its CURLOPT_PRIVATE. Called from the main loop,
 * outside of libcurl; `easy` has been removed from the loop and is the callee's to clean up. */
typedef void curl_loop_done(CURL *easy, CURLcode code, void *user);

/* NULL on failure. */
struct curl_loop *curl_loop_new(curl_loop_done *done, GError **error);
/* No transfer may be left in it. Accepts NULL. */
void curl_loop_free(struct curl_loop *loop);

/* Starts a transfer; it ends with `done` unless it is removed before. */
void curl_loop_add(struct curl_loop *loop, CURL *easy);
void curl_loop_remove(struct curl_loop *loop, CURL *easy);

#endif
