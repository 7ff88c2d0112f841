#include "metric/bleu.h"

#include <math.h>

static const double tiny = 1e-15, small = 1e-9;

void bleu_compute(double bleu[4], const struct bleu_counts *counts)
{
    double ratio = ((double)counts->n_tokens + tiny) / ((double)counts->n_reference_tokens + small);
    double brevity = ratio < 1 ? exp(1 - 1 / ratio) : 1;
    double product = 1;
    for (int k = 0; k < 4; k++) {
        product *= ((double)counts->matches[k] + tiny) / ((double)counts->grams[k] + small);
        bleu[k] = pow(product, 1.0 / (k + 1)) * brevity;
    }
}

void bleu_counts_add(struct bleu_counts *sum, const struct bleu_counts *counts)
{
    for (int k = 0; k < 4; k++) {
        sum->matches[k] += counts->matches[k];
        sum->grams[k] += counts->grams[k];
    }
    sum->n_tokens += counts->n_tokens;
    sum->n_reference_tokens += counts->n_reference_tokens;
}
