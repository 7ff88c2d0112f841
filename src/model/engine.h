/* engine.h -- a model ready to run.
 *
 *   engine   configuration, weights and adapters: the same for everybody, unchanged once the last adapter is added
 *   session  one timeline over it (session.h): positions, keys and values, adapter, sampler, cancel
 *   step     engine_step advances any set of sessions together, whatever their adapter and phase
 *
 * One thread at a time opens, adds, encodes and steps. A step allocates nothing: its work memory is planned when the engine
 * opens. Memory has one bound, `max_bytes`, over weights, work memory, keys and values, and kept pictures; what the first
 * two and the pictures' share leave is for keys and values (kv_cache.h). */
#ifndef FIRE_MODEL_ENGINE_H
#define FIRE_MODEL_ENGINE_H

#include "model/config.h"
#include "model/kv_cache.h"
#include "model/lora.h"
#include "model/parameters.h"
#include "model/features.h"
#include "model/weights.h"
#include "model/workspace.h"
#include "num/backend.h"

#include <glib.h>
#include <stdbool.h>

struct session;

/* Activations: in bf16 where the weights are stored so, else in f32; or as asked. */
enum engine_compute { ENGINE_COMPUTE_AS_STORED, ENGINE_COMPUTE_F32, ENGINE_COMPUTE_BF16 };

struct engine_options {
    const char *tower; /* folder of the vision tower (original layout); NULL: as the model says */
    const struct backend *backend;
    enum weights_kept kept;
    enum engine_compute compute;
    size_t max_bytes;         /* 0: four fifths of the machine's memory */
    size_t max_picture_bytes; /* of these, for features of pictures; 0: a sixteenth */
    int max_rows;             /* most positions in a step: what a prefill is cut into */
    int n_threads;            /* 0: pool_threads() */
};
#define ENGINE_OPTIONS_INIT                                                                        \
    {                                                                                              \
        .backend = &backend_ref, .max_rows = 512                                                   \
    }

/* Called with intermediate values, for comparison with a reference: "embeds", "hidden_after_layer_0", ... (n_rows, width),
 * rows in the order of the step; after the last layer only rows whose logits are wanted. */
typedef void engine_watch(const char *name, const float *x, int n_rows, int width, void *user);

struct engine {
    struct model_config config;
    struct weights *weights;
    struct parameters parameters;
    const struct backend *backend;
    struct workers *workers;
    unsigned flags; /* LINEAR_BF16 or 0 */
    int max_rows;
    float *rope_frequencies; /* (head_dim / 2) */
    GPtrArray *adapters;     /* struct lora */
    struct workspace workspace;
    struct kv_pool kv;
    size_t max_bytes, max_picture_bytes;
    struct features_cache *pictures;
    GQueue sessions; /* struct session, the latest used last */
    engine_watch *watch;
    void *watch_user;
};

/* NULL on failure: a folder that is not as it should be (FIRE_ERROR_FORMAT), a bound that the model does not fit in
 * (FIRE_ERROR_IO). */
struct engine *engine_open(const char *folder, const struct engine_options *options,
                           GError **error);
void engine_close(struct engine *engine); /* no session may be left. Accepts NULL */

/* Adds the adapter of a PEFT folder and gives its number; -1 on failure. The same folder twice is one adapter. */
int engine_add_adapter(struct engine *engine, const char *folder, GError **error);

/* Positions that one session can have: what the model was made for, and what fits the bound. */
int engine_max_positions(const struct engine *engine);

/* Advances every session of `sessions` that has work: first those that answer, a position each, then those that read,
 * in their order, until `max_rows` positions are taken. A session that must wait for memory takes no part. Returns the
 * number of positions computed; 0: no session could go on. */
int engine_step(struct engine *engine, struct session *const *sessions, size_t n_sessions);

#endif
