/* retry.h -- what to do about a request that failed: pure rules, no clock, no network.
 *
 * The rules are those of the official Python client, made explicit, with a higher cap for long
 * jobs. */
#ifndef FIRE_CHAT_RETRY_H
#define FIRE_CHAT_RETRY_H

#include <curl/curl.h>
#include <stdbool.h>
#include <time.h>

/* A server may ask for a wait of at most this long; a longer one ends the call. */
#define RETRY_MAX_ASKED_S 120.0

/* Headers of a reply, NULL where absent. */
struct retry_headers {
    const char *retry_after_ms, *retry_after, *x_should_retry;
};

/* Whether an HTTP status is worth another try: 408, 409, 429 and 500 and above, unless
 * x-should-retry says otherwise. */
bool retry_status(int status, const struct retry_headers *headers);

/* Whether a failed transfer is: what the network may do again, not what would only repeat itself (a
 * certificate that is not trusted). */
bool retry_transfer(CURLcode code);

/* Seconds the server asked for: retry-after-ms, else Retry-After in seconds or as a date (against
 * `now`), else a hint in the message ("try again in 1m2.5s"). NAN where there is none, or none
 * above 0. `message` may be NULL. */
double retry_asked_s(const struct retry_headers *headers, const char *message, time_t now);

/* Seconds before try k + 1 (k = 1 after the first): base * 2^(k-1), at most 120 times the base (60
 * s for the usual 0.5), less up to a quarter of it; `random` is uniform over [0, 1). */
double retry_backoff_s(int k, double base_s, double random);

/* Whether the account is exhausted (quota, billing, a day's allowance) rather than the rate of the
 * moment exceeded. Strings may be NULL; `asked_s` is NAN or the wait the server asked for. */
bool retry_is_quota(int status, const char *type, const char *code, const char *message,
                    double asked_s);

#endif
