/* chartqa.c -- ChartQA: {imgname, query, label} in files named SPLIT_KIND.json, pictures in
 * SPLIT/png. Answers are compared as the paper's relaxed accuracy does: numbers within 5%. */
#include "data/forms.h"
#include "data/sources/source.h"

#include <string.h>

/* "test_human.json" -> "test", "human". Both NULL where the name has another form. */
static void split_name(const char *path, char **split, char **kind)
{
    *split = *kind = NULL;
    g_autofree char *name = g_path_get_basename(path);
    const char *line = strchr(name, '_');
    if (!line || line == name || !g_str_has_suffix(line, ".json"))
        return;
    *split = g_strndup(name, (gsize)(line - name));
    *kind = g_strndup(line + 1, strlen(line + 1) - strlen(".json"));
}

/* The picture's path relative to the images folder, which may be the dataset's folder, one split's
 * or the pictures' own. Where no picture is found it is the dataset's. */
static char *find_image(const struct source_file *file, const char *split, const char *name)
{
    g_autofree char *below_split = g_build_filename("png", name, NULL);
    g_autofree char *below_all = g_build_filename(split ? split : "", "png", name, NULL);
    const char *candidates[] = {below_all, below_split, name};
    for (size_t i = 0; i < G_N_ELEMENTS(candidates); i++) {
        g_autofree char *path = g_build_filename(file->images, candidates[i], NULL);
        if (g_file_test(path, G_FILE_TEST_IS_REGULAR))
            return g_strdup(candidates[i]);
    }
    return g_strdup(below_all);
}

/* The other spelling of a list answer: "[a, b]" is also right as "a, b". */
static char **list_answers(const char *label)
{
    size_t n = strlen(label);
    if (n < 3 || label[0] != '[' || label[n - 1] != ']')
        return NULL;
    char **answers = g_new0(char *, 3);
    answers[0] = g_strdup(label);
    answers[1] = g_strstrip(g_strndup(label + 1, n - 2));
    return answers;
}

bool chartqa_convert(const struct source_file *file, const json_t *record, struct sample *sample,
                     struct flaw *flaw)
{
    const char *image, *query, *label;
    if (!(image = form_need_string(record, "imgname", "", flaw)) ||
        !(query = form_need_string(record, "query", "", flaw)) ||
        !(label = form_need_string(record, "label", "", flaw)))
        return false;
    g_autofree char *split = NULL;
    g_autofree char *kind = NULL;
    split_name(file->path, &split, &kind);
    sample->source = g_strdup("chartqa");
    sample->image = find_image(file, split, image);
    sample->question = g_strdup(query);
    sample->answer = g_strdup(label);
    sample->answers = list_answers(label);
    if (split) {
        form_set_meta(&sample->meta, "split", json_string(split));
        form_set_meta(&sample->meta, "kind", json_string(kind));
    }
    form_set_meta(&sample->meta, "answer-match", json_string("relaxed"));
    return true;
}
