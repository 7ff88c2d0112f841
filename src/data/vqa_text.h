/* vqa_text.h -- the text normalisation of the official VQAv2 evaluation (PEERS.md 4.1).
 *
 * Punctuation: each of 21 marks is deleted where the text has one beside a space, or holds
 * digit-comma-digit anywhere, else it becomes a space; then the first 32 periods that no digit
 * follows go. Words: lower case, number words up to ten become digits, articles go, contractions
 * written without their apostrophe get it. */
#ifndef FIRE_DATA_VQA_TEXT_H
#define FIRE_DATA_VQA_TEXT_H

/* Free with g_free. */
char *vqa_text_normalize(const char *text);

/* Line feeds and tabs become spaces; trimmed. What the evaluation does before it compares at all.
 * Free with g_free. */
char *vqa_text_trim(const char *text);

#endif
