#include "model/chat_template.h"

#include "base/error.h"
#include "model/template_source.h"

#include <string.h>

#define IMAGE "<image>"
#define LLAVA_SYSTEM                                                                               \
    "You are a helpful language and vision assistant. You are able to understand the visual "      \
    "content that the user "                                                                       \
    "provides, and assist the user with a variety of tasks using natural language."
#define VICUNA_SYSTEM                                                                              \
    "A chat between a curious user and an artificial intelligence assistant. The assistant gives " \
    "helpful, detailed, "                                                                          \
    "and polite answers to the user's questions."
#define HEADER(role) "<|start_header_id|>" role "<|end_header_id|>\n\n"

/* What stands around texts. END stands for the token that ends an answer. */
#define END "\x01"

struct around {
    const char *start, *end; /* start NULL: the family has no such turn */
};

struct family {
    const char *name;
    enum model_layout layout; /* LAYOUT_ORIGINAL, or any other */
    struct around turns[3];   /* by turn_role */
    const char *answer;       /* the head of the answer to come */
    const char *system;       /* the system message where none is given; NULL: none */
    const char *end;          /* the token that ends an answer; NULL: the folder's eos token */
    bool spells_begin;        /* the begin token is spelled in front */
    bool adds_special;        /* and the tokenizer adds one */
    bool system_in_user;      /* the system message stands inside the first user turn */
};

static const struct family families[] = {
    {.name = "llama3",
     .turns = {{HEADER("system"), END}, {HEADER("user"), END}, {HEADER("assistant"), END}},
     .answer = HEADER("assistant"),
     .end = "<|eot_id|>",
     .adds_special = true},
    {.name = "vicuna_v1",
     .turns = {{"", " "}, {"USER: ", " "}, {"ASSISTANT: ", " "}},
     .answer = "ASSISTANT:",
     .adds_special = true},
    {.name = "mistral",
     .turns = {{NULL, NULL}, {"[INST] ", " [/INST]"}, {"", END}},
     .answer = "",
     .adds_special = true},
    {.name = "llava_llama_3",
     .layout = LAYOUT_ORIGINAL,
     .turns = {{HEADER("system"), END}, {HEADER("user"), END}, {HEADER("assistant"), END}},
     .answer = HEADER("assistant"),
     .system = LLAVA_SYSTEM,
     .end = "<|eot_id|>",
     .spells_begin = true,
     .adds_special = true},
    {.name = "llava_v1",
     .layout = LAYOUT_ORIGINAL,
     .turns = {{"", " "}, {"USER: ", " "}, {"ASSISTANT: ", END}},
     .answer = "ASSISTANT:",
     .system = VICUNA_SYSTEM,
     .adds_special = true},
    {.name = "llava_mistral",
     .layout = LAYOUT_ORIGINAL,
     .turns = {{"<<SYS>>\n", "\n<</SYS>>\n\n"}, {"[INST] ", " [/INST]"}, {" ", " " END}},
     .answer = "",
     .adds_special = true,
     .system_in_user = true},
};

struct chat_template {
    struct family family; /* as the folder's template changes it */
    const char *image;    /* what a picture is */
    const char *head;     /* in front of each text, behind the picture */
    bool trims;           /* texts lose the white space around them */
    bool system_twice;    /* a slip of an early template */
    char *begin, *end;    /* the tokens */
};

/* Recognition */

static const struct family *find_family(const char *name)
{
    for (size_t i = 0; i < G_N_ELEMENTS(families); i++)
        if (strcmp(families[i].name, name) == 0)
            return &families[i];
    return NULL;
}

static char *list_names(void)
{
    GString *list = g_string_new(NULL);
    for (size_t i = 0; i < G_N_ELEMENTS(families); i++)
        g_string_append_printf(list, "%s%s", i > 0 ? ", " : "", families[i].name);
    return g_string_free(list, FALSE);
}

/* The family of a Jinja template. LLaMA-3.1 and later write dates and tools into the system turn, which we do not. */
static const char *recognise_jinja(const char *jinja)
{
    if (strstr(jinja, "<|start_header_id|>"))
        return strstr(jinja, "<|eot_id|>") && !strstr(jinja, "tools") &&
                       !strstr(jinja, "date_string")
                   ? "llama3"
                   : NULL;
    if (strstr(jinja, "'ASSISTANT:'"))
        return strstr(jinja, ".upper() + ': '") ? "vicuna_v1" : NULL;
    /* LLaMA-2's own chat template writes [INST] too, but otherwise. */
    static const char *const others[] = {"tools", ".strip()", "system_message"};
    for (size_t i = 0; i < G_N_ELEMENTS(others); i++)
        if (strstr(jinja, others[i]))
            return NULL;
    return strstr(jinja, "'[INST] '") && strstr(jinja, "' [/INST]'") ? "mistral" : NULL;
}

static const char *recognise_original(const char *architecture, const struct tokenizer *tokenizer)
{
    if (architecture && strstr(architecture, "Mistral"))
        return "llava_mistral";
    return tokenizer_find(tokenizer, "<|start_header_id|>") >= 0 ? "llava_llama_3" : "llava_v1";
}

static const struct family *choose_family(const char *folder, enum model_layout layout,
                                          const struct template_source *source,
                                          const struct tokenizer *tokenizer, const char *name,
                                          GError **error)
{
    g_autofree char *names = list_names();
    const struct family *family = name ? find_family(name) : NULL;
    if (!name) {
        name = layout == LAYOUT_ORIGINAL ? recognise_original(source->architecture, tokenizer)
               : source->jinja           ? recognise_jinja(source->jinja)
                                         : NULL;
        family = name ? find_family(name) : NULL;
        if (!family)
            g_set_error(error, FIRE_ERROR, FIRE_ERROR_FORMAT,
                        "cannot use '%s': %s; name one with --template (%s)", folder,
                        source->jinja ? "its chat template is not known"
                                      : "it has no chat template",
                        names);
    } else if (!family) {
        g_set_error(error, FIRE_ERROR, FIRE_ERROR_USAGE, "unknown template '%s' (%s)", name, names);
    }
    return family;
}

/* How an answer ends in a Mistral template. */
static void read_mistral_end(struct around *assistant, const char *jinja)
{
    static const char *const ends[] = {"<\\s> ", "</s> ", "</s>"}; /* spelled in the template */
    assistant->start = strstr(jinja, "' ' + message") ? " " : "";
    assistant->end = strstr(jinja, "eos_token + ' '") ? END " " : END;
    for (size_t i = 0; i < G_N_ELEMENTS(ends) && !strstr(jinja, "eos_token"); i++) {
        g_autofree char *quoted = g_strdup_printf("'%s'", ends[i]);
        if (strstr(jinja, quoted)) {
            assistant->end = ends[i];
            break;
        }
    }
}

/* The details in which templates of one family differ. */
static void read_details(struct chat_template *template, const char *jinja)
{
    struct family *family = &template->family;
    family->spells_begin = strstr(jinja, "bos_token") != NULL;
    family->adds_special = !family->spells_begin;
    template->trims = strstr(jinja, "| trim") != NULL;
    if (strstr(jinja, "'" IMAGE "'"))
        template->image = IMAGE;
    if (strstr(jinja, "'\n' + content['text']"))
        template->head = "\n";
    template->system_twice =
        strcmp(family->name, "vicuna_v1") == 0 && strstr(jinja, "== 'system'") != NULL;
    if (strcmp(family->name, "mistral") == 0) {
        read_mistral_end(&family->turns[TURN_ASSISTANT], jinja);
        if (strstr(jinja, "'<<SYS>>\n'"))
            family->turns[TURN_SYSTEM] = (struct around){"<<SYS>>\n", "\n<</SYS>>\n\n"};
    }
}

/* Lifecycle */

static bool check_token(const char *folder, const struct chat_template *template,
                        const struct tokenizer *tokenizer, const char *what, const char *token,
                        GError **error)
{
    if (token && tokenizer_find(tokenizer, token) >= 0)
        return true;
    g_set_error(error, FIRE_ERROR, FIRE_ERROR_FORMAT,
                "cannot use '%s' with template '%s': its tokenizer has no %s%s%s", folder,
                template->family.name, what, token ? " " : "", token ? token : "");
    return false;
}

static bool set_tokens(struct chat_template *template, const char *folder,
                       const struct template_source *source, const struct tokenizer *tokenizer,
                       GError **error)
{
    const char *begin =
        source->bos ? source->bos : tokenizer_token(tokenizer, tokenizer_begin_token(tokenizer));
    const char *end = template->family.end ? template->family.end : source->eos;
    template->begin = g_strdup(begin);
    template->end = g_strdup(end);
    return (!template->family.spells_begin ||
            check_token(folder, template, tokenizer, "begin token", begin, error)) &&
           check_token(folder, template, tokenizer, "end token", end, error);
}

struct chat_template *chat_template_load(const char *folder, enum model_layout layout,
                                         const struct tokenizer *tokenizer, const char *name,
                                         GError **error)
{
    struct template_source source = {0};
    const struct family *family = NULL;
    if (template_source_load(&source, folder, error))
        family = choose_family(folder, layout, &source, tokenizer, name, error);
    struct chat_template *template = NULL;
    if (family) {
        template = g_new(struct chat_template, 1);
        *template = (struct chat_template){.family = *family, .image = IMAGE "\n", .head = ""};
        const char *own = source.jinja ? recognise_jinja(source.jinja) : NULL;
        if (own && strcmp(own, family->name) == 0)
            read_details(template, source.jinja);
        if (!set_tokens(template, folder, &source, tokenizer, error))
            g_clear_pointer(&template, chat_template_free);
    }
    template_source_clear(&source);
    return template;
}

void chat_template_free(struct chat_template *template)
{
    if (!template)
        return;
    g_free(template->begin);
    g_free(template->end);
    g_free(template);
}

const char *chat_template_name(const struct chat_template *template)
{
    return template->family.name;
}

bool chat_template_adds_special(const struct chat_template *template)
{
    return template->family.adds_special;
}

const char *chat_template_end(const struct chat_template *template)
{
    return template->end;
}

/* Rendering */

/* What Python's strip() takes. */
static bool is_white(gunichar c)
{
    return (c >= '\t' && c <= '\r') || (c >= 0x1C && c <= 0x1F) || c == 0x85 ||
           g_unichar_isspace(c);
}

static void append_stripped(GString *out, const char *text, size_t n_bytes)
{
    const char *end = text + n_bytes;
    while (text < end && is_white(g_utf8_get_char(text)))
        text = g_utf8_next_char(text);
    while (text < end && is_white(g_utf8_get_char(g_utf8_prev_char(end))))
        end = g_utf8_prev_char(end);
    g_string_append_len(out, text, end - text);
}

/* LLaVA's code takes the mark out of a turn with a picture and strips what is left. */
static void append_text(const struct chat_template *template, const struct chat_turn *turn,
                        GString *text)
{
    g_autoptr(GString) bare = g_string_new(turn->text);
    g_string_replace(bare, IMAGE, "", 0);
    if (template->trims || (turn->has_image && template->family.layout == LAYOUT_ORIGINAL))
        append_stripped(text, bare->str, bare->len);
    else
        g_string_append_len(text, bare->str, (gssize)bare->len);
}

static void append_around(const struct chat_template *template, const char *around, GString *text)
{
    for (; *around; around++) {
        if (*around == END[0])
            g_string_append(text, template->end);
        else
            g_string_append_c(text, *around);
    }
}

static void append_turn(const struct chat_template *template, const struct chat_turn *turn,
                        const struct chat_turn *system, GString *text)
{
    const struct around *around = &template->family.turns[turn->role];
    append_around(template, around->start, text);
    if (system)
        append_turn(template, system, NULL, text);
    g_string_append(text, turn->has_image ? template->image : "");
    if (turn->role == TURN_SYSTEM && template->system_twice)
        g_string_append(text, turn->text);
    g_string_append(text, template->head);
    append_text(template, turn, text);
    append_around(template, around->end, text);
}

static bool has_system(const struct chat_turn *turns, size_t n_turns)
{
    for (size_t i = 0; i < n_turns; i++)
        if (turns[i].role == TURN_SYSTEM)
            return true;
    return false;
}

bool chat_template_render(const struct chat_template *template, const struct chat_turn *turns,
                          size_t n_turns, GString *text, GError **error)
{
    const struct family *family = &template->family;
    const struct chat_turn own = {TURN_SYSTEM, family->system, false};
    const struct chat_turn *held = NULL; /* a system turn that waits for its user turn */
    if (has_system(turns, n_turns) && !family->turns[TURN_SYSTEM].start) {
        g_set_error(error, FIRE_ERROR, FIRE_ERROR_FORMAT,
                    "template '%s' has no place for a system message", family->name);
        return false;
    }
    if (family->spells_begin)
        g_string_append(text, template->begin);
    if (family->system && !has_system(turns, n_turns))
        append_turn(template, &own, NULL, text);
    for (size_t i = 0; i < n_turns; i++) {
        if (family->system_in_user && turns[i].role == TURN_SYSTEM) {
            held = &turns[i];
            continue;
        }
        append_turn(template, &turns[i], turns[i].role == TURN_USER ? held : NULL, text);
        held = turns[i].role == TURN_USER ? NULL : held;
    }
    append_around(template, family->answer, text);
    return true;
}
