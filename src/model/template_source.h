/* template_source.h -- what a model folder says of its chat template. */
#ifndef FIRE_MODEL_TEMPLATE_SOURCE_H
#define FIRE_MODEL_TEMPLATE_SOURCE_H

#include <glib.h>
#include <stdbool.h>

/* All owned; NULL where the folder does not say. */
struct template_source {
    char *jinja; /* with "\n" in its strings as line feeds */
    char *bos, *eos;
    char *architecture; /* of config.json */
};

/* The template is that of chat_template.jinja, chat_template.json, processor_config.json or tokenizer_config.json, the first
 * that has one, as transformers does. Absent files say nothing; FIRE_ERROR_IO and FIRE_ERROR_FORMAT where one cannot be
 * used. */
bool template_source_load(struct template_source *source, const char *folder, GError **error);
void template_source_clear(struct template_source *source); /* accepts a zeroed one */

#endif
