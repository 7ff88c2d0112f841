/* retry: which failures are worth another try, and after how long. */
#include "chat/retry.h"
#include "support/support.h"

#include <math.h>

static void test_status(void)
{
    static const struct {
        int status;
        const char *x_should_retry;
        bool expected;
    } cases[] = {
        {400, NULL, false},    {401, NULL, false},   {403, NULL, false},    {404, NULL, false},
        {413, NULL, false},    {422, NULL, false},   {408, NULL, true},     {409, NULL, true},
        {429, NULL, true},     {500, NULL, true},    {501, NULL, true},     {502, NULL, true},
        {503, NULL, true},     {504, NULL, true},    {529, NULL, true},     {400, "true", true},
        {503, "false", false}, {503, "maybe", true}, {400, "maybe", false},
    };
    for (size_t i = 0; i < G_N_ELEMENTS(cases); i++) {
        const struct retry_headers headers = {.x_should_retry = cases[i].x_should_retry};
        g_assert_cmpint(retry_status(cases[i].status, &headers), ==, cases[i].expected);
    }
    g_assert_true(retry_transfer(CURLE_COULDNT_CONNECT));
    g_assert_true(retry_transfer(CURLE_OPERATION_TIMEDOUT));
    g_assert_true(retry_transfer(CURLE_RECV_ERROR));
    g_assert_true(retry_transfer(CURLE_GOT_NOTHING));
    g_assert_false(retry_transfer(CURLE_PEER_FAILED_VERIFICATION));
    g_assert_false(retry_transfer(CURLE_UNSUPPORTED_PROTOCOL));
}

static void test_asked(void)
{
    const time_t now = 784111777; /* Sun, 06 Nov 1994 08:49:37 GMT */
    static const struct {
        const char *ms, *after, *message;
        double expected;
    } cases[] = {
        {NULL, NULL, NULL, NAN},
        {"1500", "60", NULL, 1.5},
        {"0.5", NULL, NULL, 0.0005},
        {"soon", "60", NULL, 60},
        {NULL, "7", NULL, 7},
        {NULL, "0.25", NULL, 0.25},
        {NULL, " 3 ", NULL, 3},
        {NULL, "0", NULL, NAN},
        {NULL, "-5", NULL, NAN},
        {NULL, "nan", NULL, NAN},
        {NULL, "inf", NULL, NAN},
        {NULL, "1e400", NULL, NAN},
        {NULL, "", NULL, NAN},
        {NULL, "a while", "retry in 2s", NAN}, /* the header counts, though it says nothing */
        {NULL, "3600", NULL, 3600},
        {NULL, "Sun, 06 Nov 1994 08:49:47 GMT", NULL, 10},
        {NULL, "Sunday, 06-Nov-94 08:49:47 GMT", NULL, 10},
        {NULL, "Sun, 06 Nov 1994 08:49:00 GMT", NULL, NAN}, /* past */
        {NULL, NULL, "Please try again in 41.7s.", 41.7},
        {NULL, NULL, "Please try again in 850ms. Visit", 0.85},
        {NULL, NULL, "Try again in 6m0s", 360},
        {NULL, NULL, "try again in 1h2m3.5s", 3723.5},
        {NULL, NULL, "Please retry after 1 second.", 1},
        {NULL, NULL, "please retry in 36.5s", 36.5},
        {NULL, NULL, "try again in a moment", NAN},
        {NULL, NULL, "try again in 5", NAN},
        {"2000", NULL, "try again in 41.7s", 2},
    };
    for (size_t i = 0; i < G_N_ELEMENTS(cases); i++) {
        const struct retry_headers headers = {.retry_after_ms = cases[i].ms,
                                              .retry_after = cases[i].after};
        double asked = retry_asked_s(&headers, cases[i].message, now);
        if (!support_near(asked, cases[i].expected, 1e-12))
            g_error("case %zu: %g instead of %g", i, asked, cases[i].expected);
    }
}

static void test_backoff(void)
{
    static const double expected[] = {0.5, 1, 2, 4, 8, 16, 32, 60, 60, 60};
    for (int k = 1; k <= 10; k++) {
        support_assert_near(retry_backoff_s(k, 0.5, 0), expected[k - 1], 1e-12);
        support_assert_near(retry_backoff_s(k, 0.5, 1), 0.75 * expected[k - 1], 1e-12);
    }
    support_assert_near(retry_backoff_s(1000000, 0.5, 0), 60, 1e-12);
}

static void test_quota(void)
{
    static const struct {
        int status;
        const char *type, *code, *message;
        double asked_s;
        bool expected;
    } cases[] = {
        {429, "insufficient_quota", "insufficient_quota", "You exceeded your current quota", NAN,
         true},
        {429, NULL, "billing_hard_limit_reached", "x", NAN, true},
        {403, NULL, "billing_not_active", "x", NAN, true},
        {402, NULL, NULL, NULL, NAN, true},
        {429, "requests", "rate_limit_exceeded", "Rate limit reached for gpt on requests per min",
         1, false},
        {429, "requests", "rate_limit_exceeded", "on requests per day (RPD): Limit 200", 432, true},
        {429, NULL, NULL, "daily limit reached", NAN, true},
        {429, NULL, "429", "You exceeded your current quota, please check your plan and billing",
         NAN, true},
        {429, NULL, "429", "You exceeded your current quota, please check your plan and billing",
         36, false},
        {429, NULL, NULL, NULL, NAN, false},
        {500, "insufficient_quota", NULL, "daily", NAN, false},
        {400, NULL, NULL, "daily", NAN, false},
    };
    for (size_t i = 0; i < G_N_ELEMENTS(cases); i++)
        if (retry_is_quota(cases[i].status, cases[i].type, cases[i].code, cases[i].message,
                           cases[i].asked_s) != cases[i].expected)
            g_error("case %zu: expected %d", i, cases[i].expected);
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/retry/status", test_status);
    g_test_add_func("/retry/asked", test_asked);
    g_test_add_func("/retry/backoff", test_backoff);
    g_test_add_func("/retry/quota", test_quota);
    return g_test_run();
}
