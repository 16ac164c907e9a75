/* SPDX-License-Identifier: BSD-3-Clause */
/* Included by _vectors_typed.h for a compiler without vector types: the same sums, one
   unit at a time. Nothing is screened.

   Units rise in the outer loop, and only a smaller sum replaces the nearest: the lowest
   unit wins a tie. Features are added in blocks of 64, as by squared_distance. */

static void NAME(nearest_two)(
    int terms, const void *sample_of_reals, const void *factors_of_terms,
    const int *features, ptrdiff_t n_features, const void *codebook, ptrdiff_t stride,
    ptrdiff_t n_units, void *sums, ptrdiff_t *nearest)
{
    const REAL *sample = sample_of_reals, *factors = factors_of_terms;
    REAL least = HUGEST, second = HUGEST;
    nearest[0] = 0;
    nearest[1] = n_units > 1 ? 1 : -1;
    for (ptrdiff_t unit = 0; unit < n_units; unit++) {
        const REAL *weights = (const REAL *)codebook + unit;
        REAL sum = 0;
        for (ptrdiff_t first = 0; first < n_features; first += FEATURES_AT_A_TIME) {
            REAL part = 0;
            for (ptrdiff_t k = first; k < BLOCK_END(first, n_features); k++) {
                const ptrdiff_t feature = features[k];
                const REAL difference = sample[feature] - weights[feature * stride];
                if (terms == ABSOLUTE_VALUES)
                    part += difference < 0 ? -difference : difference;
                else if (terms == WEIGHTED_SQUARES)
                    part += difference * difference * factors[feature];
                else
                    part += difference * difference;
            }
            sum += part;
        }
        ((REAL *)sums)[unit] = sum;
        if (sum < least) {
            if (unit > 0) {
                second = least;
                nearest[1] = nearest[0];
            }
            least = sum;
            nearest[0] = unit;
        } else if (unit > 0 && sum < second) {
            second = sum;
            nearest[1] = unit;
        }
    }
}
