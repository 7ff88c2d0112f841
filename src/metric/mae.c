#include "metric/mae.h"

#include <math.h>

void mae_add(struct mae *mae, const struct protocol *protocol, double label, double prediction)
{
    if (isnan(label)) {
        mae->no_label++;
        if (protocol->label_fail == LABEL_FAIL_SKIP)
            return;
        label = -1;
    }
    mae->n++;
    if (isnan(prediction)) {
        mae->unparsed++;
        mae->sum += MAE_FAILURE;
    } else {
        mae->sum += fabs(prediction - label);
    }
}

double mae_mean(const struct mae *mae)
{
    return mae->n > 0 ? mae->sum / mae->n : NAN;
}
