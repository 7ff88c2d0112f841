/* lossy_utf8.h -- bytes that arrive in any portions, as text: whole characters go out, halves wait. */
#ifndef FIRE_MODEL_LOSSY_UTF8_H
#define FIRE_MODEL_LOSSY_UTF8_H

#include <glib.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Moves the whole characters at the start of `bytes` to the end of `text`. What can never become a character goes as one
 * U+FFFD for each longest start of one (Unicode 15, 3.9); the start of a character at the end of `bytes` stays there,
 * three bytes at most, or goes as U+FFFD where `at_end`. */
void lossy_utf8_move(GString *bytes, bool at_end, GString *text);

/* True for valid UTF-8; NUL is a character like any other. */
bool lossy_utf8_is_valid(const char *text, size_t n_bytes);

#endif
