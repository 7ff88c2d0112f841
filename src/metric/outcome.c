#include "metric/outcome.h"

#include <math.h>

/* What an unparsed score counts. */
static double score_of_unparsed(const struct protocol *protocol, double before)
{
    return protocol->parse_fail == PARSE_FAIL_REPEAT_LAST ? before : 0;
}

static bool ends_at_unparsed(const struct protocol *protocol)
{
    return protocol->parse_fail != PARSE_FAIL_ZERO &&
           protocol->parse_fail != PARSE_FAIL_REPEAT_LAST;
}

struct outcome outcome_of(const double *scores, int n_scores, const struct protocol *protocol)
{
    struct outcome outcome = {0};
    int n = CLAMP(n_scores, 1, protocol->turns);
    for (int i = 0; i < n; i++) {
        double score = i < n_scores ? scores[i] : NAN;
        bool parsed = !isnan(score);
        if (!parsed) {
            outcome.n_unparsed++;
            score = score_of_unparsed(protocol, outcome.last);
        }
        if (i == 0)
            outcome.first = outcome.best = score;
        outcome.m = i + 1;
        outcome.last = score;
        outcome.best = MAX(outcome.best, score);
        outcome.solved = protocol_is_solved(protocol, score);
        if (outcome.solved || (!parsed && ends_at_unparsed(protocol)))
            break;
    }
    outcome.n_k = outcome.solved ? outcome.m : protocol->penalty;
    outcome.dropped =
        (protocol->parse_fail == PARSE_FAIL_DROP && outcome.n_unparsed > 0) ||
        (protocol->first_fail == FIRST_FAIL_DROP && outcome.m == 1 && !outcome.solved);
    bool best = protocol->final_score == FINAL_BEST && !outcome.solved;
    outcome.gain = (best ? outcome.best : outcome.last) - outcome.first;
    int rounds = protocol->atr_divisor == ATR_DIVISOR_PENALTY ? outcome.n_k : outcome.m;
    outcome.rate = rounds > 1 ? outcome.gain / (rounds - 1) : 0;
    return outcome;
}
