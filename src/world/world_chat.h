/* world_chat.h -- the world's teacher and student, behind the interface of a model.
 *
 * The oracle finds its scene by the request's sample_id, never by its text, reads the student's
 * newest answer from the last user message (after the last "Answer:" in it, else after its last
 * line that ends with a colon) and judges it by the scene. The novice is SCRIPTED: it
 * sees no picture, puts its first answer near or on the truth (drawn from the world's seed), and
 * then moves by what the feedback says. Both are pure functions of the scene and the messages, so
 * jobs and order do not matter. Nothing is measured by them but the program itself.
 *
 * Token counts are words (runs without white space); sampling parameters are ignored. */
#ifndef FIRE_WORLD_WORLD_CHAT_H
#define FIRE_WORLD_WORLD_CHAT_H

#include "chat/chat.h"

enum world_role { WORLD_ORACLE, WORLD_NOVICE };

/* "oracle" or "novice", as in `world:DIR#oracle`; false for anything else. */
bool world_role_from_name(const char *name, enum world_role *role);

/* Reads the scenes of the world in `dir`; see world.h for errors. A request whose sample_id has no
 * scene there ends with CHAT_FAILED. */
struct chat *world_chat_open(const char *dir, enum world_role role, GError **error);

#endif
