/* url and line: where an endpoint is, and what may be shown of what it says. */
#include "base/error.h"
#include "chat/line.h"
#include "chat/url.h"
#include "support/support.h"

#include <string.h>

static void test_forms(void)
{
    static const struct {
        const char *text, *completions, *origin;
    } cases[] = {
        {"http://h:8000", "http://h:8000/v1/chat/completions", "http://h:8000"},
        {"http://h:8000/", "http://h:8000/v1/chat/completions", "http://h:8000"},
        {"http://h:8000/v1", "http://h:8000/v1/chat/completions", "http://h:8000"},
        {"http://h:8000/v1/", "http://h:8000/v1/chat/completions", "http://h:8000"},
        {"http://h/v1/chat/completions", "http://h/v1/chat/completions", "http://h:80"},
        {"http://h/v1/chat/completions//", "http://h/v1/chat/completions", "http://h:80"},
        {"http://h/chat/completions", "http://h/chat/completions", "http://h:80"},
        {"https://Api.Example.COM/openai/v1", "https://Api.Example.COM/openai/v1/chat/completions",
         "https://api.example.com:443"},
        {"https://g/v1beta/openai", "https://g/v1beta/openai/chat/completions", "https://g:443"},
        {"https://g/api/paas/v4", "https://g/api/paas/v4/chat/completions", "https://g:443"},
        {"https://g/gateway", "https://g/gateway/v1/chat/completions", "https://g:443"},
        {"http://[::1]:80/v1", "http://[::1]:80/v1/chat/completions", "http://[::1]:80"},
        {"HTTP://h", "http://h/v1/chat/completions", "http://h:80"},
    };
    for (size_t i = 0; i < G_N_ELEMENTS(cases); i++) {
        struct url url;
        g_autoptr(GError) error = NULL;
        g_assert_true(url_init(&url, cases[i].text, &error));
        g_assert_cmpstr(url.completions, ==, cases[i].completions);
        g_assert_cmpstr(url.origin, ==, cases[i].origin);
        g_autofree char *whole = g_strconcat(url.base, "/chat/completions", NULL);
        g_assert_cmpstr(whole, ==, url.completions);
        url_clear(&url);
    }
}

static void test_refuses(void)
{
    static const char *const cases[] = {"",
                                        "h",
                                        "h:8000/v1",
                                        "ftp://h/v1",
                                        "file:///etc/passwd",
                                        "http://",
                                        "http://h:99999",
                                        "http://user:secret@h/v1",
                                        "http://secret@h/v1",
                                        "http://user:sec/ret@h/v1",
                                        "ftp://user:secret@h",
                                        "http://h/v1?key=1",
                                        "http://h/v1#x",
                                        "http://h/a b"};
    for (size_t i = 0; i < G_N_ELEMENTS(cases); i++) {
        struct url url = {0};
        g_autoptr(GError) error = NULL;
        g_assert_false(url_init(&url, cases[i], &error));
        g_assert_error(error, FIRE_ERROR, FIRE_ERROR_USAGE);
        g_assert_null(url.completions);
        g_assert_null(strstr(error->message, "secret"));
        g_assert_null(strstr(error->message, "ret@"));
    }
    g_assert_null(url_origin("ftp://h"));
    g_assert_null(url_origin("/relative"));
}

static void test_origins(void)
{
    static const struct {
        const char *a, *b;
        bool same;
    } cases[] = {
        {"http://h", "http://h:80/x?y#z", true},
        {"http://h", "https://h", false},
        {"https://h:443", "https://H", true},
        {"http://h", "http://h:81", false},
        {"http://h", "http://h.evil", false},
        {"http://h", "http://h@evil/", false},
        {"http://127.0.0.1", "http://localhost", false},
    };
    for (size_t i = 0; i < G_N_ELEMENTS(cases); i++) {
        g_autofree char *a = url_origin(cases[i].a), *b = url_origin(cases[i].b);
        g_assert_cmpint(strcmp(a, b) == 0, ==, cases[i].same);
    }
}

static void test_line(void)
{
    static const struct {
        const char *text;
        size_t max_bytes;
        const char *expected;
    } cases[] = {
        {"plain", 100, "plain"},
        {" two\r\n\tlines  ", 100, "two lines"},
        {"a\033[31mred\a\x7f", 100, "a[31mred"},
        {"\xc2\x9b"
         "31m",
         100, "31m"},                  /* C1 control */
        {"x\xe2\x80\xaey", 100, "xy"}, /* right-to-left override */
        {"bad\xff"
         "byte",
         100,
         "bad\xef\xbf\xbd"
         "byte"},
        {"abcdefghij", 10, "abcdefghij"},
        {"abcdefghijk", 10, "abcdefg..."},
        {"abcdef\xc3\xa9\xc3\xa9\xc3\xa9", 10, "abcdef..."}, /* no half character */
        {"my secret-key and secret-key", 100, "my [key] and [key]"},
        {"sec\aret-\nkey", 100, "secret- key"},
        {"se\acret\a-key", 100, "[key]"},            /* hidden by control characters */
        {"0123456 secret-key", 14, "0123456 [key]"}, /* taken out before the cut */
        {"0123456 secret-ke", 14, "0123456 sec..."},
        {"", 10, ""},
    };
    for (size_t i = 0; i < G_N_ELEMENTS(cases); i++) {
        g_autofree char *line = line_clean(cases[i].text, "secret-key", cases[i].max_bytes);
        g_assert_cmpstr(line, ==, cases[i].expected);
    }
    g_autofree char *kept = line_clean("EMPTY x", "EMPTY", 100);
    g_assert_cmpstr(kept, ==, "EMPTY x");
    g_autofree char *without = line_clean("x", NULL, 100);
    g_assert_cmpstr(without, ==, "x");
    g_assert_null(line_scrub(NULL, "secret-key"));
}

static void test_html(void)
{
    static const struct {
        const char *html, *expected;
    } cases[] = {
        {"<html><head><TITLE>502 Bad</TITLE></head><body>x</body>", "502 Bad"},
        {"<title lang=en>t</title>", "t"},
        {"<p>one</p><p>two", " one  two"},
        {"<title>open", " open"},
        {"<unclosed", ""},
        {"a > b", "a > b"},
    };
    for (size_t i = 0; i < G_N_ELEMENTS(cases); i++) {
        g_autofree char *text = line_from_html(cases[i].html);
        g_assert_cmpstr(text, ==, cases[i].expected);
    }
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/url/forms", test_forms);
    g_test_add_func("/url/refuses", test_refuses);
    g_test_add_func("/url/origins", test_origins);
    g_test_add_func("/line/clean", test_line);
    g_test_add_func("/line/html", test_html);
    return g_test_run();
}
