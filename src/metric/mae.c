#include "metric/mae.h"

#include "metric/mean.h"

#include <math.h>

double mae_error(const struct protocol *protocol, double label, double prediction)
{
    if (isnan(label) && protocol->label_fail == LABEL_FAIL_SKIP)
        return NAN;
    return isnan(prediction) ? MAE_FAILURE : fabs(prediction - (isnan(label) ? -1 : label));
}

void mae_add(struct mae *mae, const struct protocol *protocol, double label, double prediction)
{
    double error = mae_error(protocol, label, prediction);
    mae->no_label += isnan(label);
    if (isnan(error))
        return;
    mae->n++;
    mae->unparsed += isnan(prediction);
    mae->sum += error;
}

double mae_mean(const struct mae *mae)
{
    return mean_ratio(mae->sum, mae->n);
}
