/* counting.c -- "How many red circles are there in the picture?"
 *
 * Marks never touch, so that what is painted is what is counted. The novice has a temper and a
 * first error, both drawn from (seed, index): so a few dozen scenes show every way in which a
 * dialogue can end. */
#include "base/rng.h"
#include "world/generator.h"

#include <stdlib.h>
#include <string.h>

#define SIDE 336 /* one tile of the paper's models */
#define MIN_RADIUS 14
#define MAX_RADIUS 28
#define MIN_GAP 5 /* pixels between marks, and to the border */
#define MAX_TARGETS 9
#define MAX_OTHERS 6
#define N_TRIES 200
/* Draws about the picture and about the novice come from different streams. */
#define NOVICE_STREAM ((uint64_t)1 << 63)

/* A whole number from lo to hi. */
static int draw_between(struct rng *rng, int lo, int hi)
{
    return lo + (int)rng_below(rng, (unsigned)(hi - lo) + 1u);
}

static bool is_free(const struct scene *scene, const struct mark *mark)
{
    for (size_t i = 0; i < scene->n_marks; i++) {
        const struct mark *other = &scene->marks[i];
        int dx = mark->x - other->x, dy = mark->y - other->y;
        int least = mark->radius + other->radius + MIN_GAP;
        if (dx * dx + dy * dy < least * least)
            return false;
    }
    return true;
}

/* Adds a mark of this look at a free place, smaller where it is crowded; none where it is full. */
static void place(struct scene *scene, struct rng *rng, enum shape shape, enum colour colour)
{
    struct mark mark = {shape, colour, 0, 0, draw_between(rng, MIN_RADIUS, MAX_RADIUS)};
    for (int i = 0; i < 2 * N_TRIES; i++) {
        if (i == N_TRIES)
            mark.radius = MIN_RADIUS;
        mark.x = draw_between(rng, mark.radius + MIN_GAP, SIDE - mark.radius - MIN_GAP);
        mark.y = draw_between(rng, mark.radius + MIN_GAP, SIDE - mark.radius - MIN_GAP);
        if (is_free(scene, &mark)) {
            scene_add_mark(scene, &mark);
            return;
        }
    }
}

static int count_targets(const struct scene *scene)
{
    int n = 0;
    for (size_t i = 0; i < scene->n_marks; i++)
        n += target_matches(&scene->target, &scene->marks[i]);
    return n;
}

/* Places n marks that match the target, or n that do not. */
static void place_many(struct scene *scene, struct rng *rng, int n, bool matching)
{
    const struct target *target = &scene->target;
    while (n > 0) {
        struct mark look = {.shape = (enum shape)draw_between(rng, 0, N_SHAPES - 1),
                            .colour = (enum colour)draw_between(rng, 0, N_COLOURS - 1)};
        if (matching && target->shape != TARGET_ANY)
            look.shape = (enum shape)target->shape;
        if (matching && target->colour != TARGET_ANY)
            look.colour = (enum colour)target->colour;
        if (target_matches(target, &look) != matching)
            continue;
        place(scene, rng, look.shape, look.colour);
        n--;
    }
}

static void counting_make(struct scene *scene)
{
    struct rng rng;
    rng_init(&rng, scene->seed, scene->index);
    scene->width = scene->height = SIDE;
    scene->background = (enum background)draw_between(&rng, 0, N_BACKGROUNDS - 1);
    scene->target.shape = draw_between(&rng, 0, N_SHAPES - 1);
    scene->target.colour = draw_between(&rng, 0, N_COLOURS - 1);
    int form = draw_between(&rng, 0, 7); /* half the questions name both, an eighth neither */
    if (form >= 6)
        scene->target.shape = TARGET_ANY;
    if (form == 4 || form == 5 || form == 7)
        scene->target.colour = TARGET_ANY;
    place_many(scene, &rng, draw_between(&rng, 1, MAX_TARGETS), true);
    if (form != 7)
        place_many(scene, &rng, draw_between(&rng, 0, MAX_OTHERS), false);
    g_autofree char *name = target_name(&scene->target, true);
    scene->question = g_strdup_printf("How many %s are there in the picture?", name);
    scene->answer = g_strdup_printf("%d", count_targets(scene));
}

static const char *const number_words[] = {
    "zero",  "one",   "two",  "three", "four",   "five",   "six",
    "seven", "eight", "nine", "ten",   "eleven", "twelve",
};

/* The value of the word [start, start + n); -1 where it is no number of at most six digits. */
static int word_value(const char *start, size_t n)
{
    int value = 0;
    for (size_t i = 0; i < G_N_ELEMENTS(number_words); i++)
        if (strlen(number_words[i]) == n && g_ascii_strncasecmp(start, number_words[i], n) == 0)
            return (int)i;
    for (size_t i = 0; i < n; i++) {
        if (n > 6 || !g_ascii_isdigit(start[i]))
            return -1;
        value = 10 * value + (start[i] - '0');
    }
    return value;
}

/* The first number in a text, in digits or as a word; -1 where there is none. */
static int find_number(const char *text)
{
    while (*text) {
        size_t n = 0;
        while (g_ascii_isalnum(text[n]))
            n++;
        int value = n > 0 ? word_value(text, n) : -1;
        if (value >= 0)
            return value;
        text += n > 0 ? n : 1;
    }
    return -1;
}

/* The half of the picture that holds most of the marks that match the target, or that do not. */
static const char *busiest_half(const struct scene *scene, bool matching)
{
    static const char *const names[] = {"left", "right", "upper", "lower"};
    int counts[G_N_ELEMENTS(names)] = {0};
    for (size_t i = 0; i < scene->n_marks; i++) {
        const struct mark *mark = &scene->marks[i];
        if (target_matches(&scene->target, mark) != matching)
            continue;
        counts[mark->x < scene->width / 2 ? 0 : 1]++;
        counts[mark->y < scene->height / 2 ? 2 : 3]++;
    }
    size_t best = 0;
    for (size_t i = 1; i < G_N_ELEMENTS(names); i++)
        if (counts[i] > counts[best])
            best = i;
    return names[best];
}

static char *comment_on(const struct scene *scene, int error)
{
    g_autofree char *many = target_name(&scene->target, true);
    const char *extent = abs(error) > 2 ? "far" : "slightly";
    if (error == 0)
        return g_strdup_printf("That is right: you found all the %s and nothing else.", many);
    if (error < 0)
        return g_strdup_printf("You counted %s too few %s. Look again at the %s half of the "
                               "picture, where you may have missed some.",
                               extent, many, busiest_half(scene, true));
    if ((size_t)count_targets(scene) < scene->n_marks)
        return g_strdup_printf("You counted %s too many %s. Look again at the %s half of the "
                               "picture, where there are also shapes that are not asked for.",
                               extent, many, busiest_half(scene, false));
    return g_strdup_printf("You counted %s too many %s. Go through the %s half of the picture "
                           "again and count nothing twice.",
                           extent, many, busiest_half(scene, true));
}

static void counting_judge(const struct scene *scene, const char *answer, struct verdict *verdict)
{
    /* By how far the count is off: the further, the lower, and only the truth reaches 8. */
    static const int scores[] = {10, 7, 6, 5, 4, 3, 2};
    int counted = find_number(answer), error = counted - count_targets(scene);
    if (counted < 0) {
        g_autofree char *many = target_name(&scene->target, true);
        verdict->score = 1;
        verdict->comment = g_strdup_printf("Your answer names no number. Count the %s.", many);
        return;
    }
    verdict->score = abs(error) < (int)G_N_ELEMENTS(scores) ? scores[abs(error)] : 1;
    verdict->comment = comment_on(scene, error);
}

enum temper {
    TEMPER_QUICK,    /* believes the feedback and moves as far as it says */
    TEMPER_SLOW,     /* moves by one, whatever it says */
    TEMPER_HASTY,    /* moves too far */
    TEMPER_STUBBORN, /* stays */
};

struct novice {
    enum temper temper;
    int start; /* its first answer */
};

/* A fifth are right at once; the others are off by up to 7. */
static struct novice draw_novice(const struct scene *scene)
{
    static const enum temper tempers[] = {TEMPER_QUICK, TEMPER_QUICK,   TEMPER_QUICK, TEMPER_SLOW,
                                          TEMPER_SLOW,  TEMPER_SLOW,    TEMPER_SLOW,  TEMPER_HASTY,
                                          TEMPER_HASTY, TEMPER_STUBBORN};
    static const int errors[] = {0, 0, 1, 1, 2, 3, 4, 5, 6, 7};
    struct rng rng;
    rng_init(&rng, scene->seed, scene->index | NOVICE_STREAM);
    enum temper temper = tempers[rng_below(&rng, G_N_ELEMENTS(tempers))];
    int error = errors[rng_below(&rng, G_N_ELEMENTS(errors))], truth = count_targets(scene);
    bool below = rng_below(&rng, 2) && error <= truth;
    return (struct novice){temper, below ? truth - error : truth + error};
}

/* Where a feedback points: +1 count more, -1 count fewer, 0 stay; *far: by a lot. False where it
 * points nowhere. The phrase that stands first counts. */
static bool read_direction(const char *feedback, int *direction, bool *far)
{
    static const struct {
        const char *phrase;
        int direction;
    } phrases[] = {{"too many", -1},  {"fewer", -1},   {"overcount", -1},
                   {"too few", 1},    {"missed", 1},   {"more than", 1},
                   {"undercount", 1}, {"is right", 0}, {"is correct", 0}};
    g_autofree char *lower = g_ascii_strdown(feedback, -1);
    const char *first = NULL;
    for (size_t i = 0; i < G_N_ELEMENTS(phrases); i++) {
        const char *at = strstr(lower, phrases[i].phrase);
        if (at && (!first || at < first)) {
            first = at;
            *direction = phrases[i].direction;
        }
    }
    *far = strstr(lower, "far too") != NULL;
    return first != NULL;
}

static int next_count(enum temper temper, int previous, const char *feedback)
{
    int direction, step = 1;
    bool far;
    if (temper == TEMPER_STUBBORN)
        return previous;
    if (!read_direction(feedback, &direction, &far)) /* told nothing: some try their luck */
        return temper == TEMPER_SLOW ? previous : previous + 1;
    if (temper == TEMPER_QUICK)
        step = far ? 3 : 1;
    else if (temper == TEMPER_HASTY)
        step = far ? 5 : 3;
    return MAX(previous + direction * step, 0);
}

static void counting_attempt(const struct scene *scene, const struct novice_view *view,
                             struct attempt *attempt)
{
    static const char *const thoughts[] = {
        [TEMPER_QUICK] = "I take the feedback to heart and count the %s again.",
        [TEMPER_SLOW] = "I go over the %s once more, with care.",
        [TEMPER_HASTY] = "I must have been quite wrong about the %s.",
        [TEMPER_STUBBORN] = "I counted the %s again and stay with what I said.",
    };
    struct novice novice = draw_novice(scene);
    g_autofree char *many = target_name(&scene->target, true);
    int previous = view->previous ? find_number(view->previous) : -1;
    int count = novice.start;
    const char *thought = "I look for the %s in the picture and count them.";
    if (previous >= 0) {
        count = next_count(novice.temper, previous, view->feedback);
        thought = thoughts[novice.temper];
    }
    g_auto(GStrv) parts = g_strsplit(thought, "%s", 2);
    attempt->thought = g_strjoinv(many, parts);
    attempt->answer = g_strdup_printf("%d", count);
}

const struct generator generator_counting = {
    "counting",       "shapes of several colours; how many are there of one kind?",
    counting_make,    counting_judge,
    counting_attempt,
};
