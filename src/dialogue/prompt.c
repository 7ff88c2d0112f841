#include "dialogue/prompt.h"

#include "base/error.h"
#include "data/parse.h"
#include "dialogue/template.h"

#include <errno.h>
#include <glib/gstdio.h>
#include <string.h>
#include <sys/stat.h>

#define MAX_TEMPLATE_BYTES (1 << 20)

enum template_id {
    STUDENT_SYSTEM,
    STUDENT_QUESTION,
    STUDENT_FEEDBACK,
    TEACHER_SYSTEM,
    TEACHER_QUESTION,
    TEACHER_RESPONSE,
    TEACHER_REPAIR,
    TEACHER_INSTRUCTION,
    N_TEMPLATES,
};

/* Adding a template: a row here, a file in share/prompts, a line in docs/prompts.md. No student's
 * row may know PLACE_ANSWER; the values of prompt_student do not hold it either. */
static const struct {
    const char *name; /* of its file, without .txt */
    unsigned known, needed;
    bool optional; /* no file, or an empty one: not said at all */
} templates[N_TEMPLATES] = {
    [STUDENT_SYSTEM] = {"student_system", 0, 0, true},
    [STUDENT_QUESTION] = {"student_question", 1 << PLACE_QUESTION, 1 << PLACE_QUESTION, false},
    [STUDENT_FEEDBACK] = {"student_feedback", 1 << PLACE_QUESTION | 1 << PLACE_FEEDBACK,
                          1 << PLACE_FEEDBACK, false},
    [TEACHER_SYSTEM] = {"teacher_system", 0, 0, true},
    [TEACHER_QUESTION] = {"teacher_question", 1 << PLACE_QUESTION | 1 << PLACE_ANSWER,
                          1 << PLACE_QUESTION | 1 << PLACE_ANSWER, false},
    [TEACHER_RESPONSE] = {"teacher_response",
                          1 << PLACE_QUESTION | 1 << PLACE_ANSWER | 1 << PLACE_RESPONSE,
                          1 << PLACE_RESPONSE, false},
    [TEACHER_REPAIR] = {"teacher_repair", 0, 0, false},
    [TEACHER_INSTRUCTION] = {"teacher_instruction", 0, 0, false},
};

struct prompts {
    char *texts[N_TEMPLATES]; /* without the line breaks at their end; NULL: not said */
    char *hash;
};

/* Takes the text over where it can be used; `path` is for the message. */
static bool set_template(struct prompts *prompts, enum template_id id, const char *path,
                         const char *text, size_t n_bytes, GError **error)
{
    if (!g_utf8_validate(text, (gssize)n_bytes, NULL)) {
        g_set_error(error, FIRE_ERROR, FIRE_ERROR_FORMAT, "prompt '%s': not UTF-8 text", path);
        return false;
    }
    while (n_bytes > 0 && (text[n_bytes - 1] == '\n' || text[n_bytes - 1] == '\r'))
        n_bytes--;
    g_autofree char *trimmed = g_strndup(text, n_bytes);
    if (n_bytes == 0 && !templates[id].optional) {
        g_set_error(error, FIRE_ERROR, FIRE_ERROR_FORMAT, "prompt '%s': empty", path);
        return false;
    }
    if (!template_check(trimmed, templates[id].known, templates[id].needed, error)) {
        g_prefix_error(error, "prompt '%s': ", path);
        return false;
    }
    g_free(prompts->texts[id]);
    prompts->texts[id] = n_bytes ? g_steal_pointer(&trimmed) : NULL;
    return true;
}

static bool load_embedded(struct prompts *prompts, GError **error)
{
    for (int id = 0; id < N_TEMPLATES; id++) {
        const struct embedded_prompt *row = embedded_prompts;
        while (row->name && strcmp(row->name, templates[id].name) != 0)
            row++;
        const char *text = row->name && row->text ? row->text : "";
        if (!set_template(prompts, (enum template_id)id, templates[id].name, text, strlen(text),
                          error))
            return false;
    }
    return true;
}

static bool load_file(struct prompts *prompts, enum template_id id, const char *path,
                      GError **error)
{
    GStatBuf status;
    if (g_stat(path, &status) != 0 || !S_ISREG(status.st_mode)) {
        g_set_error(error, FIRE_ERROR, FIRE_ERROR_IO, "cannot read '%s': not a regular file", path);
        return false;
    }
    if (status.st_size > MAX_TEMPLATE_BYTES) {
        g_set_error(error, FIRE_ERROR, FIRE_ERROR_FORMAT, "prompt '%s': larger than %d bytes", path,
                    MAX_TEMPLATE_BYTES);
        return false;
    }
    g_autofree char *text = NULL;
    gsize n_bytes;
    g_autoptr(GError) cause = NULL;
    if (!g_file_get_contents(path, &text, &n_bytes, &cause)) {
        g_set_error(error, FIRE_ERROR, FIRE_ERROR_IO, "%s", cause->message);
        return false;
    }
    return set_template(prompts, id, path, text, n_bytes, error);
}

/* Index of the template whose file is called `name`; N_TEMPLATES where there is none. */
static int find_template(const char *name)
{
    int id = 0;
    while (id < N_TEMPLATES && !(g_str_has_prefix(name, templates[id].name) &&
                                 strcmp(name + strlen(templates[id].name), ".txt") == 0))
        id++;
    return id;
}

/* A .txt file under a wrong name would be passed over without a word: an error instead. */
static bool load_entry(struct prompts *prompts, const char *folder, const char *name, int *n_loaded,
                       GError **error)
{
    if (!g_str_has_suffix(name, ".txt"))
        return true;
    g_autofree char *path = g_build_filename(folder, name, NULL);
    int id = find_template(name);
    if (id == N_TEMPLATES) {
        g_set_error(error, FIRE_ERROR, FIRE_ERROR_FORMAT,
                    "prompt '%s': no template has this name; docs/prompts.md lists them", path);
        return false;
    }
    ++*n_loaded;
    return load_file(prompts, (enum template_id)id, path, error);
}

static bool load_folder(struct prompts *prompts, const char *folder, GError **error)
{
    g_autoptr(GError) cause = NULL;
    g_autoptr(GDir) entries = g_dir_open(folder, 0, &cause);
    if (!entries) {
        g_set_error(error, FIRE_ERROR, FIRE_ERROR_IO, "cannot open prompts: %s", cause->message);
        return false;
    }
    int n_loaded = 0;
    for (const char *name; (name = g_dir_read_name(entries));)
        if (!load_entry(prompts, folder, name, &n_loaded, error))
            return false;
    if (n_loaded > 0)
        return true;
    g_set_error(error, FIRE_ERROR, FIRE_ERROR_FORMAT,
                "prompts '%s': no template in this folder; docs/prompts.md lists their names",
                folder);
    return false;
}

static char *hash_templates(const struct prompts *prompts)
{
    g_autoptr(GChecksum) sum = g_checksum_new(G_CHECKSUM_SHA256);
    for (int id = 0; id < N_TEMPLATES; id++) {
        if (!prompts->texts[id])
            continue;
        /* Names and texts end with a NUL, so that no two sets run together alike. */
        g_checksum_update(sum, (const guchar *)templates[id].name,
                          (gssize)strlen(templates[id].name) + 1);
        g_checksum_update(sum, (const guchar *)prompts->texts[id],
                          (gssize)strlen(prompts->texts[id]) + 1);
    }
    return g_strdup(g_checksum_get_string(sum));
}

struct prompts *prompts_load(const char *folder, GError **error)
{
    struct prompts *prompts = g_new0(struct prompts, 1);
    if (!load_embedded(prompts, error) || (folder && !load_folder(prompts, folder, error))) {
        prompts_free(prompts);
        return NULL;
    }
    prompts->hash = hash_templates(prompts);
    return prompts;
}

void prompts_free(struct prompts *prompts)
{
    if (!prompts)
        return;
    for (int id = 0; id < N_TEMPLATES; id++)
        g_free(prompts->texts[id]);
    g_free(prompts->hash);
    g_free(prompts);
}

const char *prompts_hash(const struct prompts *prompts)
{
    return prompts->hash;
}

const char *prompts_teacher_instruction(const struct prompts *prompts)
{
    return prompts->texts[TEACHER_INSTRUCTION];
}

void message_list_clear(struct message_list *list)
{
    for (size_t i = 0; i < list->n_messages; i++)
        g_free((char *)(uintptr_t)list->messages[i].text);
    g_free(list->messages);
    *list = (struct message_list){0};
}

/* Takes `text` over. What one role says in a row becomes one message. */
static void add_message(struct message_list *list, enum chat_role role, char *text)
{
    struct chat_message *last = list->n_messages ? &list->messages[list->n_messages - 1] : NULL;
    if (last && last->role == role) {
        char *joined = g_strconcat(last->text, "\n\n", text, NULL);
        g_free((char *)(uintptr_t)last->text);
        g_free(text);
        last->text = joined;
        return;
    }
    list->messages = g_renew(struct chat_message, list->messages, list->n_messages + 1);
    list->messages[list->n_messages++] = (struct chat_message){role, text, false};
}

static void add_filled(struct message_list *list, const struct prompts *prompts,
                       enum template_id id, const char *const values[N_PLACES])
{
    add_message(list, CHAT_USER, template_fill(prompts->texts[id], values));
}

/* Starts the list: system message where there is one, then the question with the picture. */
static void begin_list(struct message_list *list, const struct prompts *prompts,
                       enum template_id system, enum template_id question,
                       const struct sample *sample, const char *const values[N_PLACES])
{
    *list = (struct message_list){0};
    if (prompts->texts[system])
        add_message(list, CHAT_SYSTEM, template_fill(prompts->texts[system], values));
    add_filled(list, prompts, question, values);
    list->messages[list->n_messages - 1].has_image = sample->image && *sample->image;
}

/* The question without `<image>` marks, also those that appear by cutting, and trimmed. */
static char *cut_image_marks(const char *question)
{
    static const char mark[] = "<image>";
    const size_t n_mark = sizeof mark - 1;
    GString *text = g_string_new(NULL);
    for (const char *p = question; *p; p++) {
        g_string_append_c(text, *p);
        if (text->len >= n_mark && memcmp(text->str + text->len - n_mark, mark, n_mark) == 0)
            g_string_truncate(text, text->len - n_mark);
    }
    return g_strstrip(g_string_free(text, FALSE));
}

void prompt_student(struct message_list *list, const struct prompts *prompts,
                    const struct protocol *protocol, const struct sample *sample,
                    const struct turn *turns, size_t n_turns)
{
    g_autofree char *question = cut_image_marks(sample->question);
    const char *values[N_PLACES] = {[PLACE_QUESTION] = question}; /* and no ground truth: law 3 */
    begin_list(list, prompts, STUDENT_SYSTEM, STUDENT_QUESTION, sample, values);
    for (size_t i = 0; i < n_turns; i++) {
        g_autofree char *feedback = parse_shown(protocol, turns[i].feedback);
        values[PLACE_FEEDBACK] = feedback;
        add_message(list, CHAT_ASSISTANT, g_strdup(turns[i].response));
        add_filled(list, prompts, STUDENT_FEEDBACK, values);
    }
}

void prompt_teacher(struct message_list *list, const struct prompts *prompts,
                    const struct protocol *protocol, const struct sample *sample,
                    const struct turn *turns, size_t n_turns, int repair)
{
    g_autofree char *question = cut_image_marks(sample->question);
    const char *values[N_PLACES] = {[PLACE_QUESTION] = question, [PLACE_ANSWER] = sample->answer};
    begin_list(list, prompts, TEACHER_SYSTEM, TEACHER_QUESTION, sample, values);
    size_t newest = n_turns - 1;
    for (size_t i = protocol->teacher_history == TEACHER_HISTORY_FULL ? 0 : newest; i <= newest;
         i++) {
        values[PLACE_RESPONSE] = turns[i].response;
        add_filled(list, prompts, TEACHER_RESPONSE, values);
        if (i < newest)
            add_message(list, CHAT_ASSISTANT, g_strdup(turns[i].feedback ? turns[i].feedback : ""));
    }
    if (repair > 0)
        add_filled(list, prompts, TEACHER_REPAIR, values);
}
