#include "chat/retry.h"

#include <glib.h>
#include <math.h>
#include <string.h>

bool retry_status(int status, const struct retry_headers *headers)
{
    const char *word = headers->x_should_retry;
    if (word && g_ascii_strcasecmp(word, "true") == 0)
        return true;
    if (word && g_ascii_strcasecmp(word, "false") == 0)
        return false;
    return status == 408 || status == 409 || status == 429 || status >= 500;
}

bool retry_transfer(CURLcode code)
{
    switch (code) {
    case CURLE_COULDNT_RESOLVE_PROXY:
    case CURLE_COULDNT_RESOLVE_HOST:
    case CURLE_COULDNT_CONNECT:
    case CURLE_WEIRD_SERVER_REPLY:
    case CURLE_HTTP2:
    case CURLE_HTTP2_STREAM:
    case CURLE_PARTIAL_FILE:
    case CURLE_OPERATION_TIMEDOUT:
    case CURLE_SSL_CONNECT_ERROR:
    case CURLE_GOT_NOTHING:
    case CURLE_SEND_ERROR:
    case CURLE_RECV_ERROR:
    case CURLE_BAD_CONTENT_ENCODING:
        return true;
    default:
        return false;
    }
}

/* A whole string that is one finite number. */
static bool parse_number(const char *text, double *number)
{
    char *end;
    *number = g_ascii_strtod(text, &end);
    while (g_ascii_isspace(*end))
        end++;
    return end != text && *end == '\0' && isfinite(*number);
}

/* "41.7s", "850ms", "1m2.5s", "2 seconds", "1h": seconds, NAN where it is no duration. */
static double parse_duration(const char *text)
{
    double total = NAN;
    while (g_ascii_isdigit(*text)) {
        char *unit;
        double number = g_ascii_strtod(text, &unit);
        while (*unit == ' ')
            unit++;
        double scale;
        if (g_str_has_prefix(unit, "ms") || g_str_has_prefix(unit, "milli"))
            scale = 1e-3;
        else if (*unit == 's')
            scale = 1;
        else if (*unit == 'm')
            scale = 60;
        else if (*unit == 'h')
            scale = 3600;
        else
            break;
        total = (isnan(total) ? 0 : total) + number * scale;
        while (g_ascii_isalpha(*unit))
            unit++;
        text = unit;
    }
    return total;
}

static double parse_hint(const char *message)
{
    static const char *const phrases[] = {"try again in ", "retry in ", "retry after ",
                                          "try again after "};
    g_autofree char *lower = g_ascii_strdown(message, -1);
    for (size_t i = 0; i < G_N_ELEMENTS(phrases); i++) {
        const char *at = strstr(lower, phrases[i]);
        double seconds = at ? parse_duration(at + strlen(phrases[i])) : NAN;
        if (!isnan(seconds))
            return seconds;
    }
    return NAN;
}

double retry_asked_s(const struct retry_headers *headers, const char *message, time_t now)
{
    double number, asked = NAN;
    if (headers->retry_after_ms && parse_number(headers->retry_after_ms, &number)) {
        asked = number / 1000;
    } else if (headers->retry_after) {
        time_t date;
        if (parse_number(headers->retry_after, &number))
            asked = number;
        else if ((date = curl_getdate(headers->retry_after, NULL)) != -1)
            asked = difftime(date, now);
    } else if (message) {
        asked = parse_hint(message);
    }
    return asked > 0 ? asked : NAN;
}

double retry_backoff_s(int k, double base_s, double random)
{
    double wait = base_s * fmin(120, ldexp(1, MIN(k, 16) - 1));
    return wait * (1 - 0.25 * random);
}

static bool holds_any(const char *text, const char *const *words)
{
    if (!text)
        return false;
    g_autofree char *lower = g_ascii_strdown(text, -1);
    for (; *words; words++)
        if (strstr(lower, *words))
            return true;
    return false;
}

/* Some services say "check your quota and billing" about the rate of a minute, too: such words
 * count only where the server gives no time to come back. */
bool retry_is_quota(int status, const char *type, const char *code, const char *message,
                    double asked_s)
{
    static const char *const names[] = {"insufficient_quota", "billing", "quota_exhausted",
                                        "insufficient_balance", NULL};
    static const char *const sure[] = {"insufficient_quota",
                                       "insufficient quota",
                                       "insufficient balance",
                                       "per day",
                                       "perday",
                                       "daily",
                                       "(rpd)",
                                       "(tpd)",
                                       NULL};
    static const char *const maybe[] = {"exceeded your current quota", "billing", "credit balance",
                                        NULL};
    if (status == 402)
        return true;
    if (status != 429 && status != 403)
        return false;
    if (holds_any(type, names) || holds_any(code, names))
        return true;
    return status == 429 &&
           (holds_any(message, sure) || (isnan(asked_s) && holds_any(message, maybe)));
}
