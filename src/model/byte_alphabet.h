/* byte_alphabet.h -- the printable characters that byte-level tokenizers write for the 256 bytes.
 *
 * Printable bytes of Latin-1 stand for themselves; the 68 others take U+0100, U+0101, ... in order, so that a token file
 * never holds a space or a control character ("Ġ" is the space). A bijection. */
#ifndef FIRE_MODEL_BYTE_ALPHABET_H
#define FIRE_MODEL_BYTE_ALPHABET_H

#include <glib.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* The character that stands for `byte`. */
gunichar byte_alphabet_char(uint8_t byte);

/* The byte that `c` stands for, or -1. */
int byte_alphabet_byte(gunichar c);

/* Appends the bytes that `token` (valid UTF-8) spells; false, and nothing appended, where a character stands for none. */
bool byte_alphabet_decode(const char *token, size_t n_bytes, GString *bytes);

#endif
