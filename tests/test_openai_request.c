/* openai_request: bodies byte for byte, pictures in any chunking, refused parameters. */
#include "base/error.h"
#include "base/json.h"
#include "chat/openai_request.h"
#include "support/support.h"

#include <math.h>
#include <string.h>

/* Reads a whole body in chunks of n_bytes. */
static char *read_all(struct openai_body *body, size_t n_bytes)
{
    GString *out = g_string_new(NULL);
    g_autofree char *buffer = g_malloc(n_bytes);
    for (size_t n; (n = openai_body_read(body, buffer, n_bytes)) > 0;)
        g_string_append_len(out, buffer, (gssize)n);
    g_assert_cmpuint(out->len, ==, openai_body_length(body));
    return g_string_free(out, FALSE);
}

static const struct chat_message messages[] = {{CHAT_SYSTEM, "be \"brief\"", false},
                                               {CHAT_USER, "how many?", true},
                                               {CHAT_ASSISTANT, "Answer: 1", false},
                                               {CHAT_USER, "more\n", false}};

static void test_golden(void)
{
    g_autoptr(json_t) extra = json_pack("{s:i, s:n, s:[i]}", "top_k", 5, "seed", "stop", 1);
    g_autoptr(json_t) budget = json_pack("{s:i}", "max_completion_tokens", 9);
    const struct chat_image image = {(char *)"", "image/png", g_bytes_new_static("hello", 5)};
    const struct {
        struct chat_sampling sampling;
        unsigned adaptations;
        const json_t *extra_body;
        const struct chat_image *image;
        size_t n_messages;
        const char *expected;
    } cases[] = {
        {{NAN, NAN, 0, 0, false},
         0,
         NULL,
         NULL,
         1,
         "{\"model\":\"m\",\"messages\":[{\"role\":\"system\",\"content\":\"be \\\"brief\\\"\"}]}"},
        {{0, 0.5, 512, -7, true},
         0,
         NULL,
         &image,
         4,
         "{\"model\":\"m\",\"temperature\":0.0,\"top_p\":0.5,\"max_tokens\":512,\"seed\":-7,"
         "\"messages\":[{\"role\":\"system\",\"content\":\"be \\\"brief\\\"\"},"
         "{\"role\":\"user\",\"content\":[{\"type\":\"image_url\",\"image_url\":{\"url\":"
         "\"data:image/png;base64,aGVsbG8=\"}},{\"type\":\"text\",\"text\":\"how many?\"}]},"
         "{\"role\":\"assistant\",\"content\":\"Answer: 1\"},"
         "{\"role\":\"user\",\"content\":\"more\\n\"}]}"},
        {{0, 0.5, 512, 7, true},
         ADAPT_MAX_COMPLETION_TOKENS | ADAPT_NO_TEMPERATURE | ADAPT_NO_TOP_P | ADAPT_NO_SEED,
         NULL,
         NULL,
         0,
         "{\"model\":\"m\",\"max_completion_tokens\":512,\"messages\":[]}"},
        {{0, NAN, 0, 7, true},
         0,
         extra,
         NULL,
         0,
         "{\"model\":\"m\",\"temperature\":0.0,\"top_k\":5,\"stop\":[1],\"messages\":[]}"},
        {{NAN, NAN, 512, 0, false},
         0,
         budget,
         NULL,
         0,
         "{\"model\":\"m\",\"max_completion_tokens\":9,\"messages\":[]}"},
    };
    for (size_t i = 0; i < G_N_ELEMENTS(cases); i++) {
        const struct chat_request request = {.messages = messages,
                                             .n_messages = cases[i].n_messages,
                                             .image = cases[i].image,
                                             .sampling = cases[i].sampling,
                                             .sample_id = "must not be sent"};
        const struct openai_params params = {.model = "m",
                                             .max_tokens = cases[i].sampling.max_tokens,
                                             .adaptations = cases[i].adaptations,
                                             .extra_body = cases[i].extra_body};
        struct openai_body body;
        g_autoptr(GError) error = NULL;
        g_assert_true(openai_body_init(&body, &request, &params, &error));
        g_autofree char *text = read_all(&body, 1000);
        g_assert_cmpstr(text, ==, cases[i].expected);
        openai_body_clear(&body);
    }
    g_bytes_unref(image.bytes);
}

/* Pictures of every remainder, read in chunks of awkward sizes, and again from the middle. */
static void test_picture_chunks(void)
{
    static const size_t sizes[] = {0, 1, 2, 3, 4, 5, 6, 7, 12287, 12288, 12289, 100001};
    static const size_t chunks[] = {1, 3, 5, 1000, 16384, 65536, 1 << 20};
    for (size_t i = 0; i < G_N_ELEMENTS(sizes); i++) {
        g_autofree guint8 *bytes = g_malloc(sizes[i] + 1);
        for (size_t j = 0; j < sizes[i]; j++)
            bytes[j] = (guint8)(j * 2654435761u >> 11);
        g_autofree char *base64 = g_base64_encode(bytes, sizes[i]);
        const struct chat_image image = {(char *)"", "image/webp", g_bytes_new(bytes, sizes[i])};
        const struct chat_message message = {CHAT_USER, "", true};
        const struct chat_request request = {.messages = &message,
                                             .n_messages = 1,
                                             .image = &image,
                                             .sampling = {.temperature = NAN, .top_p = NAN}};
        const struct openai_params params = {.model = "m"};
        struct openai_body body;
        g_assert_true(openai_body_init(&body, &request, &params, NULL));
        g_autofree char *expected =
            g_strdup_printf("{\"model\":\"m\",\"messages\":[{\"role\":\"user\",\"content\":[{"
                            "\"type\":\"image_url\","
                            "\"image_url\":{\"url\":\"data:image/webp;base64,%s\"}}]}]}",
                            base64);
        for (size_t j = 0; j < G_N_ELEMENTS(chunks); j++) {
            body.position = 0;
            g_autofree char *text = read_all(&body, chunks[j]);
            g_assert_cmpstr(text, ==, expected);
        }
        for (size_t from = 0; from <= strlen(expected); from += 1 + strlen(expected) / 97) {
            char buffer[64];
            body.position = from;
            size_t n = openai_body_read(&body, buffer, sizeof buffer);
            g_assert_cmpmem(buffer, n, expected + from,
                            MIN(sizeof buffer, strlen(expected) - from));
        }
        openai_body_clear(&body);
        g_bytes_unref(image.bytes);
    }
}

static void test_refuses(void)
{
    for (size_t n = 1; n <= 2; n++) {
        const struct chat_image image = {(char *)"", "image/png", g_bytes_new_static("x", 1)};
        const struct chat_message broken[] = {{CHAT_USER, n == 1 ? "\xff" : "fine", true},
                                              {CHAT_USER, "\xed\xa0\x80", false}};
        const struct chat_request request = {.messages = broken, .n_messages = n, .image = &image};
        const struct openai_params params = {.model = "m"};
        struct openai_body body;
        g_autoptr(GError) error = NULL;
        g_assert_false(openai_body_init(&body, &request, &params, &error));
        g_assert_error(error, FIRE_ERROR, FIRE_ERROR_FORMAT);
        g_bytes_unref(image.bytes);
    }
    struct openai_body zeroed = {0};
    openai_body_clear(&zeroed);
}

static void test_adaptations(void)
{
    static const struct chat_sampling all = {0, 0.5, 512, 1, true}, none = {NAN, NAN, 0, 0, false};
    static const struct {
        int status;
        const char *code, *param, *message;
        const struct chat_sampling *sampling;
        unsigned before, expected;
    } cases[] = {
        {400, "unsupported_parameter", "max_tokens", "x", &all, 0, ADAPT_MAX_COMPLETION_TOKENS},
        {400, "unsupported_value", "temperature", "Only the default", &all, 0,
         ADAPT_NO_TEMPERATURE},
        {400, NULL, NULL, "'max_tokens' is unknown, use 'max_completion_tokens'", &all, 0,
         ADAPT_MAX_COMPLETION_TOKENS},
        {400, NULL, NULL, "top_p and temperature cannot both be given", &all, 0, ADAPT_NO_TOP_P},
        {422, NULL, "seed", "Extra inputs are not permitted", &all, 0, ADAPT_NO_SEED},
        /* Nothing to adapt: not named, not sent, adapted already, another status. */
        {400, NULL, "messages", "bad messages", &all, 0, 0},
        {400, NULL, NULL, "the max_tokens_limit and my_seed", &all, 0, 0},
        {400, NULL, "max_tokens", "x", &none, 0, 0},
        {400, NULL, "max_tokens", "x", &all, ADAPT_MAX_COMPLETION_TOKENS, 0},
        {500, NULL, "max_tokens", "x", &all, 0, 0},
        {400, NULL, NULL, NULL, &all, 0, 0},
        /* The size of the budget is meant, not its name. */
        {400, NULL, "max_tokens", "max_tokens is too large: 512", &all, 0, 0},
        {400, NULL, NULL, "maximum context length is 100, max_tokens 512", &all, 0, 0},
        {400, "unsupported_parameter", "max_tokens", "at most", &all, 0,
         ADAPT_MAX_COMPLETION_TOKENS},
    };
    for (size_t i = 0; i < G_N_ELEMENTS(cases); i++) {
        unsigned adaptation =
            openai_adaptation_for(cases[i].status, cases[i].code, cases[i].param, cases[i].message,
                                  cases[i].sampling, cases[i].before);
        if (adaptation != cases[i].expected)
            g_error("case %zu: %u instead of %u", i, adaptation, cases[i].expected);
    }
    g_assert_null(openai_adaptation_notes(&all, 0));
    g_assert_null(openai_adaptation_notes(&none, ADAPT_NO_SEED));
    g_autofree char *notes = openai_adaptation_notes(&all, ADAPT_NO_SEED | ADAPT_NO_TOP_P);
    g_assert_cmpstr(notes, ==, "top_p not sent, seed not sent");
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/openai_request/golden", test_golden);
    g_test_add_func("/openai_request/picture-chunks", test_picture_chunks);
    g_test_add_func("/openai_request/refuses", test_refuses);
    g_test_add_func("/openai_request/adaptations", test_adaptations);
    return g_test_run();
}
