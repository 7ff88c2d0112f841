#include "metric/agreement.h"

#include "metric/mean.h"
#include "metric/outcome.h"

#include <math.h>

static void add_pair(struct agreement *agreement, bool accepted, double score, double correct)
{
    size_t by = (size_t)CLAMP(floor(score + 0.5), 0, 10);
    agreement->n++;
    agreement->n_by_score[by]++;
    agreement->correct_by_score[by] += correct;
    if (accepted) {
        agreement->accepted_right += correct;
        agreement->accepted_wrong += 1 - correct;
    } else {
        agreement->rejected_right += correct;
        agreement->rejected_wrong += 1 - correct;
    }
}

void agreement_compute(struct agreement *agreement, const struct free_item *items, size_t n_items,
                       const struct protocol *protocol)
{
    *agreement = (struct agreement){0};
    for (size_t i = 0; i < n_items; i++) {
        const struct free_item *item = &items[i];
        struct outcome outcome = outcome_of(item->scores, item->n_scores, protocol);
        if (item->failed || outcome.dropped || !item->correct)
            continue;
        for (int r = 0; r < MIN(outcome.m, item->n_scores); r++)
            if (!isnan(item->scores[r]) && !isnan(item->correct[r]))
                add_pair(agreement, protocol_is_solved(protocol, item->scores[r]), item->scores[r],
                         item->correct[r]);
    }
    agreement->precision = mean_ratio(agreement->accepted_right,
                                      agreement->accepted_right + agreement->accepted_wrong);
    agreement->recall = mean_ratio(agreement->accepted_right,
                                   agreement->accepted_right + agreement->rejected_right);
    for (size_t s = 0; s < 11; s++)
        agreement->correct_by_score[s] =
            mean_ratio(agreement->correct_by_score[s], agreement->n_by_score[s]);
}
