/* chat_template: which family a folder has, and what a conversation becomes. */
#include "base/error.h"
#include "base/json.h"
#include "model/chat_template.h"
#include "support/support.h"

#include <string.h>

/* A tokenizer that knows the special tokens of all families, but those in `without`. */
static struct tokenizer *make_tokenizer(const char *without)
{
    static const char *const tokens[] = {"<s>", "</s>", "<|begin_of_text|>", "<|eot_id|>",
                                         "<|start_header_id|>"};
    json_t *added = json_array();
    json_int_t id = 1;
    for (size_t i = 0; i < G_N_ELEMENTS(tokens); i++)
        if (!strstr(without, tokens[i]))
            json_array_append_new(
                added, json_pack("{s:I,s:s,s:b}", "id", id++, "content", tokens[i], "special", 1));
    g_autoptr(json_t) file = json_pack("{s:o,s:{s:{s:i},s:[]}}", "added_tokens", added, "model",
                                       "vocab", "a", 0, "merges");
    g_autofree char *text = json_print(file);
    g_autoptr(GError) error = NULL;
    struct tokenizer *tokenizer = tokenizer_parse(text, strlen(text), &error);
    g_assert_no_error(error);
    return tokenizer;
}

static void write_json(const char *folder, const char *name, json_t *object)
{
    g_autofree char *text = json_print(object);
    g_free(support_write(folder, name, text));
    json_decref(object);
}

/* A folder whose tokenizer_config.json holds the template, or none. */
static char *make_folder(const char *jinja, const char *begin, const char *end,
                         const char *architecture)
{
    char *folder = support_folder();
    json_t *config = json_pack("{s:s,s:{s:s}}", "bos_token", begin, "eos_token", "content", end);
    if (jinja)
        json_object_set_new(config, "chat_template", json_string(jinja));
    write_json(folder, "tokenizer_config.json", config);
    write_json(folder, "config.json", json_pack("{s:[s]}", "architectures", architecture));
    return folder;
}

/* Templates in the manner of the families, each with the marks by which it is known. */
#define LOOP "{% for m in messages %}{% set message = m %}"
#define IMAGES(mark) "{% for c in m['content'] if c['type'] == 'image' %}{{ " mark " }}{% endfor %}"
#define TEXTS(what)                                                                                \
    "{% for content in m['content'] if content['type'] == 'text' %}{{ " what " }}{% endfor %}"
#define HEADER "{{ '<|start_header_id|>' + message['role'] + '<|end_header_id|>\\n\\n' }}"
#define ANSWER                                                                                     \
    "{% if add_generation_prompt %}{{ '<|start_header_id|>assistant<|end_header_id|>\\n\\n' }}{% " \
    "endif %}"
#define LLAMA3_PLAIN                                                                               \
    LOOP HEADER IMAGES("'<image>\\n'")                                                             \
        TEXTS("content['text']") "{{ '<|eot_id|>' }}{% endfor %}" ANSWER
#define LLAMA3_HEAD                                                                                \
    LOOP HEADER IMAGES("'<image>'")                                                                \
        TEXTS("'\\n' + content['text'] + '<|eot_id|>'") "{% endfor %}" ANSWER
#define LLAMA3_TRIM                                                                                \
    "{{ bos_token }}" LOOP                                                                         \
    "{{ '<|start_header_id|>' + message['role'] + '<|end_header_id|>\n\n' + "                      \
    "message['content'] | trim + '<|eot_id|>' }}{% endfor %}" ANSWER
#define LLAMA31                                                                                    \
    "{{ bos_token }}{% if tools is not none %}{{ '<|start_header_id|><|eot_id|>' }}{% endif %}"
#define VICUNA                                                                                     \
    LOOP "{% if message['role'] != 'system' %}{{ message['role'].upper() + ': ' }}{% endif "       \
         "%}" IMAGES("'<image>\\n'")                                                               \
             TEXTS("content['text'] + ' '") "{% endfor %}{{ 'ASSISTANT:' }}"
#define VICUNA_TWICE                                                                               \
    LOOP "{% if message['role'] == 'system' %}{{ message['content'][0]['text'] }}{% else %}"       \
         "{{ message['role'].upper() + ': ' }}{% endif %}" IMAGES("'<image>\\n'")                  \
             TEXTS("content['text'] + ' '") "{% endfor %}{{ 'ASSISTANT:' }}"
#define MISTRAL(answer)                                                                            \
    LOOP "{% if message['role'] == 'user' %}{{ '[INST] ' }}" IMAGES("'<image>\\n'")                \
        TEXTS("content['text']") "{{ ' [/INST]' }}{% else %}{{ " answer                            \
                                 " }}{% endif %}{% endfor %}"
#define MISTRAL_SYSTEM                                                                             \
    "{% if messages[0]['role'] == 'system' %}{{ '<<SYS>>\\n' + messages[0]['content'][0]['text'] " \
    "+ "                                                                                           \
    "'\\n<</SYS>>\\n\\n' }}{% endif %}" MISTRAL("' ' + message['content'][0]['text'] + '<\\s> '")
#define LLAMA2 "{{ bos_token + '[INST] ' + message['content'].strip() + ' [/INST]' }}"

static const struct chat_turn talk[] = {
    {TURN_USER, "Which? ", true}, {TURN_ASSISTANT, " A", false}, {TURN_USER, "No.", false}};
static const struct chat_turn guided[] = {{TURN_SYSTEM, "Help.", false},
                                          {TURN_USER, "Which?", false}};
/* Marks in a text are no pictures. */
static const struct chat_turn marked[] = {{TURN_USER, " <image>\nSee <image> it", true}};

#define SYSTEM "<|start_header_id|>system<|end_header_id|>\n\n"
#define USER "<|start_header_id|>user<|end_header_id|>\n\n"
#define ASSISTANT "<|start_header_id|>assistant<|end_header_id|>\n\n"
#define EOT "<|eot_id|>"
#define STOCK                                                                                      \
    "You are a helpful language and vision assistant. You are able to understand the visual "      \
    "content that the user "                                                                       \
    "provides, and assist the user with a variety of tasks using natural language."
#define CURIOUS                                                                                    \
    "A chat between a curious user and an artificial intelligence assistant. The assistant gives " \
    "helpful, detailed, "                                                                          \
    "and polite answers to the user's questions."

static const struct {
    const char *jinja, *architecture, *name; /* of --template */
    enum model_layout layout;
    const char *family, *end;
    bool adds_special;
    const char *talk, *guided, *marked; /* NULL: refused */
} cases[] = {
    {LLAMA3_PLAIN, "LlavaNextForConditionalGeneration", NULL, LAYOUT_HF, "llama3", EOT, true,
     USER "<image>\nWhich? " EOT ASSISTANT " A" EOT USER "No." EOT ASSISTANT,
     SYSTEM "Help." EOT USER "Which?" EOT ASSISTANT, USER "<image>\n \nSee  it" EOT ASSISTANT},
    {LLAMA3_HEAD, "LlavaNextForConditionalGeneration", NULL, LAYOUT_HF, "llama3", EOT, true,
     USER "<image>\nWhich? " EOT ASSISTANT "\n A" EOT USER "\nNo." EOT ASSISTANT,
     SYSTEM "\nHelp." EOT USER "\nWhich?" EOT ASSISTANT, USER "<image>\n \nSee  it" EOT ASSISTANT},
    {LLAMA3_TRIM, "LlamaForCausalLM", NULL, LAYOUT_TEXT, "llama3", EOT, false,
     "<|begin_of_text|>" USER "<image>\nWhich?" EOT ASSISTANT "A" EOT USER "No." EOT ASSISTANT,
     "<|begin_of_text|>" SYSTEM "Help." EOT USER "Which?" EOT ASSISTANT,
     "<|begin_of_text|>" USER "<image>\nSee  it" EOT ASSISTANT},
    {VICUNA, "LlavaNextForConditionalGeneration", NULL, LAYOUT_HF, "vicuna_v1", "</s>", true,
     "USER: <image>\nWhich?  ASSISTANT:  A USER: No. ASSISTANT:", "Help. USER: Which? ASSISTANT:",
     "USER: <image>\n \nSee  it ASSISTANT:"},
    {VICUNA_TWICE, "LlavaNextForConditionalGeneration", NULL, LAYOUT_HF, "vicuna_v1", "</s>", true,
     "USER: <image>\nWhich?  ASSISTANT:  A USER: No. ASSISTANT:",
     "Help.Help. USER: Which? ASSISTANT:", "USER: <image>\n \nSee  it ASSISTANT:"},
    {MISTRAL_SYSTEM, "LlavaNextForConditionalGeneration", NULL, LAYOUT_HF, "mistral", "</s>", true,
     "[INST] <image>\nWhich?  [/INST]  A<\\s> [INST] No. [/INST]",
     "<<SYS>>\nHelp.\n<</SYS>>\n\n[INST] Which? [/INST]", "[INST] <image>\n \nSee  it [/INST]"},
    {MISTRAL("' ' + message['content'][0]['text'] + '</s> '"), "LlavaNextForConditionalGeneration",
     NULL, LAYOUT_HF, "mistral", "</s>", true,
     "[INST] <image>\nWhich?  [/INST]  A</s> [INST] No. [/INST]", NULL,
     "[INST] <image>\n \nSee  it [/INST]"},
    {"{{ bos_token }}" MISTRAL("message['content'] + eos_token"), "MistralForCausalLM", NULL,
     LAYOUT_TEXT, "mistral", "</s>", false,
     "<s>[INST] <image>\nWhich?  [/INST] A</s>[INST] No. [/INST]", NULL,
     "<s>[INST] <image>\n \nSee  it [/INST]"},
    {LLAMA3_TRIM, "LlavaLlamaForCausalLM", NULL, LAYOUT_ORIGINAL, "llava_llama_3", EOT, true,
     "<|begin_of_text|>" SYSTEM STOCK EOT USER "<image>\nWhich?" EOT ASSISTANT " A" EOT USER
     "No." EOT ASSISTANT,
     "<|begin_of_text|>" SYSTEM "Help." EOT USER "Which?" EOT ASSISTANT,
     "<|begin_of_text|>" SYSTEM STOCK EOT USER "<image>\nSee  it" EOT ASSISTANT},
    {NULL, "LlavaLlamaForCausalLM", "llava_v1", LAYOUT_ORIGINAL, "llava_v1", "</s>", true,
     CURIOUS " USER: <image>\nWhich? ASSISTANT:  A</s>USER: No. ASSISTANT:",
     "Help. USER: Which? ASSISTANT:", CURIOUS " USER: <image>\nSee  it ASSISTANT:"},
    {NULL, "LlavaMistralForCausalLM", NULL, LAYOUT_ORIGINAL, "llava_mistral", "</s>", true,
     "[INST] <image>\nWhich? [/INST]  A </s>[INST] No. [/INST]",
     "[INST] <<SYS>>\nHelp.\n<</SYS>>\n\nWhich? [/INST]", "[INST] <image>\nSee  it [/INST]"},
    /* Named where the folder says nothing, or something else. */
    {NULL, "LlavaNextForConditionalGeneration", "vicuna_v1", LAYOUT_HF, "vicuna_v1", "</s>", true,
     "USER: <image>\nWhich?  ASSISTANT:  A USER: No. ASSISTANT:", "Help. USER: Which? ASSISTANT:",
     "USER: <image>\n \nSee  it ASSISTANT:"},
    {LLAMA31, "LlamaForCausalLM", "mistral", LAYOUT_TEXT, "mistral", "</s>", true,
     "[INST] <image>\nWhich?  [/INST] A</s>[INST] No. [/INST]", NULL,
     "[INST] <image>\n \nSee  it [/INST]"},
};

static void assert_renders(const struct chat_template *template, const struct chat_turn *turns,
                           size_t n_turns, const char *expected)
{
    g_autoptr(GString) text = g_string_new(NULL);
    g_autoptr(GError) error = NULL;
    bool good = chat_template_render(template, turns, n_turns, text, &error);
    if (expected) {
        g_assert_no_error(error);
        g_assert_cmpstr(text->str, ==, expected);
    } else {
        g_assert_false(good);
        g_assert_error(error, FIRE_ERROR, FIRE_ERROR_FORMAT);
        g_assert_nonnull(strstr(error->message, "system message"));
    }
}

static void test_families(void)
{
    struct tokenizer *tokenizer = make_tokenizer("");
    for (size_t i = 0; i < G_N_ELEMENTS(cases); i++) {
        bool eot = strcmp(cases[i].end, EOT) == 0;
        g_autofree char *folder = make_folder(cases[i].jinja, eot ? "<|begin_of_text|>" : "<s>",
                                              eot ? EOT : "</s>", cases[i].architecture);
        g_autoptr(GError) error = NULL;
        struct chat_template *template =
            chat_template_load(folder, cases[i].layout, tokenizer, cases[i].name, &error);
        g_assert_no_error(error);
        g_assert_cmpstr(chat_template_name(template), ==, cases[i].family);
        g_assert_cmpstr(chat_template_end(template), ==, cases[i].end);
        g_assert_true(chat_template_adds_special(template) == cases[i].adds_special);
        assert_renders(template, talk, G_N_ELEMENTS(talk), cases[i].talk);
        assert_renders(template, guided, G_N_ELEMENTS(guided), cases[i].guided);
        assert_renders(template, marked, G_N_ELEMENTS(marked), cases[i].marked);
        chat_template_free(template);
    }
    tokenizer_free(tokenizer);
}

/* Folders without a template that is known. */
static void test_unknown(void)
{
    static const char *const unknown[] = {NULL, LLAMA31, LLAMA2, "{{ messages[0]['content'] }}",
                                          "{{ '<|im_start|>' + message['role'] }}"};
    struct tokenizer *tokenizer = make_tokenizer("");
    for (size_t i = 0; i < G_N_ELEMENTS(unknown); i++) {
        g_autofree char *folder = make_folder(unknown[i], "<s>", "</s>", "LlamaForCausalLM");
        g_autoptr(GError) error = NULL;
        g_assert_null(chat_template_load(folder, LAYOUT_HF, tokenizer, NULL, &error));
        g_assert_error(error, FIRE_ERROR, FIRE_ERROR_FORMAT);
        g_assert_nonnull(strstr(error->message,
                                "--template (llama3, vicuna_v1, mistral, llava_llama_3, llava_v1, "
                                "llava_mistral)"));
        g_assert_nonnull(
            strstr(error->message, unknown[i] ? "is not known" : "has no chat template"));
        g_clear_error(&error);
        g_assert_null(chat_template_load(folder, LAYOUT_HF, tokenizer, "alpaca", &error));
        g_assert_error(error, FIRE_ERROR, FIRE_ERROR_USAGE);
        g_assert_nonnull(strstr(error->message, "unknown template 'alpaca'"));
    }
    tokenizer_free(tokenizer);
}

static void test_missing_tokens(void)
{
    static const struct {
        const char *jinja, *without, *message;
        enum model_layout layout;
    } missing[] = {
        {LLAMA3_PLAIN, "<|eot_id|>", "no end token <|eot_id|>", LAYOUT_HF},
        {LLAMA3_TRIM, "<|begin_of_text|>", "no begin token <|begin_of_text|>", LAYOUT_HF},
        {NULL, "<|begin_of_text|>", "no begin token <|begin_of_text|>", LAYOUT_ORIGINAL},
    };
    for (size_t i = 0; i < G_N_ELEMENTS(missing); i++) {
        struct tokenizer *tokenizer = make_tokenizer(missing[i].without);
        g_autofree char *folder =
            make_folder(missing[i].jinja, "<|begin_of_text|>", EOT, "LlavaLlamaForCausalLM");
        g_autoptr(GError) error = NULL;
        g_assert_null(chat_template_load(folder, missing[i].layout, tokenizer, NULL, &error));
        g_assert_error(error, FIRE_ERROR, FIRE_ERROR_FORMAT);
        g_assert_nonnull(strstr(error->message, missing[i].message));
        tokenizer_free(tokenizer);
    }
}

static void assert_family(const char *folder, const struct tokenizer *tokenizer, const char *family)
{
    g_autoptr(GError) error = NULL;
    struct chat_template *template = chat_template_load(folder, LAYOUT_HF, tokenizer, NULL, &error);
    g_assert_no_error(error);
    g_assert_cmpstr(chat_template_name(template), ==, family);
    chat_template_free(template);
}

/* Each file that may hold a template hides those after it. */
static void test_places(void)
{
    struct tokenizer *tokenizer = make_tokenizer("");
    g_autofree char *folder = support_folder();
    /* A length past every integer, as transformers writes it, and a list of named templates. */
    g_free(support_write(folder, "tokenizer_config.json",
                         "{\"model_max_length\":1000000000000000019884624838656,\"eos_token\":\"</"
                         "s>\",\"chat_template\":["
                         "{\"name\":\"tool_use\",\"template\":\"x\"},{\"name\":\"default\","
                         "\"template\":\"'[INST] ' ' "
                         "[/INST]'\"}]}"));
    assert_family(folder, tokenizer, "mistral");
    write_json(folder, "processor_config.json", json_pack("{s:s}", "chat_template", VICUNA));
    assert_family(folder, tokenizer, "vicuna_v1");
    write_json(folder, "chat_template.json", json_pack("{s:s}", "chat_template", LLAMA3_PLAIN));
    assert_family(folder, tokenizer, "llama3");
    g_free(support_write(folder, "chat_template.jinja", VICUNA));
    assert_family(folder, tokenizer, "vicuna_v1");
    g_free(support_write(folder, "tokenizer_config.json", "{\"eos_token\":"));
    g_autoptr(GError) error = NULL;
    g_assert_null(chat_template_load(folder, LAYOUT_HF, tokenizer, NULL, &error));
    g_assert_error(error, FIRE_ERROR, FIRE_ERROR_FORMAT);
    g_assert_nonnull(strstr(error->message, "tokenizer_config.json"));
    tokenizer_free(tokenizer);
}

/* The reference folders: layout b's prompts start with two begin tokens (PAPER.md 2.4), layout a's with one. */
static void test_reference(void)
{
    static const struct {
        const char *folder;
        enum model_layout layout;
        const char *family;
        int n_begin;
    } folders[] = {{"a-f32", LAYOUT_HF, "llama3", 1},
                   {"b-f32", LAYOUT_ORIGINAL, "llava_llama_3", 2}};
    for (size_t i = 0; i < G_N_ELEMENTS(folders); i++) {
        g_autofree char *name = g_strdup_printf("reference/engine/models/%s", folders[i].folder);
        g_autofree char *folder = support_shared(name);
        if (!folder)
            return;
        g_autoptr(GError) error = NULL;
        struct tokenizer *tokenizer = tokenizer_load(folder, &error);
        struct chat_template *template =
            chat_template_load(folder, folders[i].layout, tokenizer, NULL, &error);
        g_assert_no_error(error);
        g_assert_cmpstr(chat_template_name(template), ==, folders[i].family);
        g_autoptr(GString) text = g_string_new(NULL);
        g_assert_true(chat_template_render(template, talk + 2, 1, text, NULL));
        g_autoptr(GArray) ids = g_array_new(FALSE, FALSE, sizeof(int32_t));
        tokenizer_encode(tokenizer, text->str, text->len, chat_template_adds_special(template), ids,
                         &error);
        g_assert_no_error(error);
        int n_begin = 0;
        while (g_array_index(ids, int32_t, n_begin) == tokenizer_begin_token(tokenizer))
            n_begin++;
        g_assert_cmpint(n_begin, ==, folders[i].n_begin);
        chat_template_free(template);
        tokenizer_free(tokenizer);
    }
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/chat_template/families", test_families);
    g_test_add_func("/chat_template/unknown", test_unknown);
    g_test_add_func("/chat_template/missing_tokens", test_missing_tokens);
    g_test_add_func("/chat_template/places", test_places);
    g_test_add_func("/chat_template/reference", test_reference);
    return g_test_run();
}
