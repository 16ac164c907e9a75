/* SPDX-License-Identifier: BSD-3-Clause */
/* Included by _distances.h once for float and once for double. */

#if defined(__GNUC__)

#define LANES ((ptrdiff_t)(64 / sizeof(REAL)))
#define VECTOR NAME(vector)
#define LOAD(address) (*(const NAME(unaligned_vector) *)(address))
#define FILL(value) ((REAL)(value) - (VECTOR){0})
#define CHOOSE(condition, yes, no)                                         \
    ((VECTOR)(((condition) & (NAME(lanes_mask))(yes))                      \
              | (~(condition) & (NAME(lanes_mask))(no))))

typedef REAL VECTOR __attribute__((vector_size(64), may_alias));
typedef VECTOR NAME(unaligned_vector) __attribute__((aligned(sizeof(REAL))));
typedef BITS NAME(lanes_mask) __attribute__((vector_size(64), may_alias));

/* Unit of the smallest value over the lanes; the lowest unit wins a tie.

   Halves are compared until one lane is left. */
static ALWAYS_INLINE ptrdiff_t NAME(nearest_lane)(
    const VECTOR *values, const VECTOR *units, REAL *smallest)
{
    REAL value[LANES], unit[LANES];
    *(NAME(unaligned_vector) *)value = *values;
    *(NAME(unaligned_vector) *)unit = *units;
    for (ptrdiff_t width = LANES / 2; width > 0; width /= 2)
        for (ptrdiff_t lane = 0; lane < width; lane++) {
            const REAL other = value[lane + width];
            const int nearer = other < value[lane];
            const int tied = other == value[lane] && unit[lane + width] < unit[lane];
            value[lane] = nearer ? other : value[lane];
            unit[lane] = nearer | tied ? unit[lane + width] : unit[lane];
        }
    *smallest = value[0];
    return (ptrdiff_t)unit[0];
}

/* 0, 1, 2, ... */
static ALWAYS_INLINE void NAME(number_lanes)(VECTOR *numbers)
{
    for (ptrdiff_t lane = 0; lane < LANES; lane++)
        (*numbers)[lane] = (REAL)lane;
}

/* Squared distances of one sample to all units, and its nearest two units.

   Only the listed features are compared. `squared` has room for the padded units.
   With one unit there is no second: nearest[1] is -1. Ties go to the lowest unit. */
FOR_EACH_PROCESSOR MAYBE_UNUSED static void NAME(nearest_two)(
    const REAL *restrict sample, const int *restrict features, ptrdiff_t n_features,
    const REAL *restrict codebook, ptrdiff_t stride, ptrdiff_t n_units,
    REAL *restrict squared, ptrdiff_t *restrict nearest)
{
    VECTOR least = FILL(HUGEST), second = FILL(HUGEST);
    VECTOR units;
    NAME(number_lanes)(&units);
    VECTOR least_unit = units, second_unit = units;
    for (ptrdiff_t unit = 0; unit < n_units; unit += 4 * LANES) {
        VECTOR sums[4] = {{0}, {0}, {0}, {0}};
        for (ptrdiff_t k = 0; k < n_features; k++) {
            const VECTOR value = FILL(sample[features[k]]);
            const REAL *weights = codebook + features[k] * stride + unit;
            for (int part = 0; part < 4; part++) {
                const VECTOR difference = value - LOAD(weights + part * LANES);
                sums[part] += difference * difference;
            }
        }
        if (unit + 4 * LANES > n_units)
            for (ptrdiff_t unused = n_units - unit; unused < 4 * LANES; unused++)
                ((REAL *)sums)[unused] = HUGEST;
        for (int part = 0; part < 4; part++) {
            const VECTOR distance = sums[part];
            *(NAME(unaligned_vector) *)(squared + unit + part * LANES) = distance;
            NAME(lanes_mask) closer = distance < least;
            const VECTOR loser = CHOOSE(closer, least, distance);
            const VECTOR loser_unit = CHOOSE(closer, least_unit, units);
            least = CHOOSE(closer, distance, least);
            least_unit = CHOOSE(closer, units, least_unit);
            closer = loser < second;
            second = CHOOSE(closer, loser, second);
            second_unit = CHOOSE(closer, loser_unit, second_unit);
            units += FILL(LANES);
        }
    }
    REAL smallest;
    nearest[0] = NAME(nearest_lane)(&least, &least_unit, &smallest);
    const NAME(lanes_mask) taken = least_unit == FILL(nearest[0]);
    least = CHOOSE(taken, second, least);
    least_unit = CHOOSE(taken, second_unit, least_unit);
    nearest[1] = NAME(nearest_lane)(&least, &least_unit, &smallest);
    if (smallest == HUGEST) /* the squares of all others overflow: the lowest unit */
        nearest[1] = nearest[0] == 0;
    if (n_units == 1)
        nearest[1] = -1;
}

/* Nearest unit of four complete samples at once: each weight is loaded once for all. */
FOR_EACH_PROCESSOR MAYBE_UNUSED static void NAME(nearest_of_four)(
    const REAL *restrict samples, ptrdiff_t n_features,
    const REAL *restrict codebook, ptrdiff_t stride, ptrdiff_t n_units,
    ptrdiff_t *restrict winners, REAL *restrict squared)
{
    VECTOR units;
    NAME(number_lanes)(&units);
    VECTOR least[4], least_unit[4];
    for (int row = 0; row < 4; row++) {
        least[row] = FILL(HUGEST);
        least_unit[row] = units;
    }
    for (ptrdiff_t unit = 0; unit < n_units; unit += LANES) {
        VECTOR sums[4] = {{0}, {0}, {0}, {0}};
        for (ptrdiff_t feature = 0; feature < n_features; feature++) {
            const VECTOR weights = LOAD(codebook + feature * stride + unit);
            for (int row = 0; row < 4; row++) {
                const VECTOR difference =
                    FILL(samples[row * n_features + feature]) - weights;
                sums[row] += difference * difference;
            }
        }
        if (unit + LANES > n_units)
            for (int row = 0; row < 4; row++)
                for (ptrdiff_t lane = n_units - unit; lane < LANES; lane++)
                    ((REAL *)&sums[row])[lane] = HUGEST;
        for (int row = 0; row < 4; row++) {
            const NAME(lanes_mask) closer = sums[row] < least[row];
            least[row] = CHOOSE(closer, sums[row], least[row]);
            least_unit[row] = CHOOSE(closer, units, least_unit[row]);
        }
        units += FILL(LANES);
    }
    for (int row = 0; row < 4; row++)
        winners[row] = NAME(nearest_lane)(
            &least[row], &least_unit[row], &squared[row]);
}

#undef LANES
#undef VECTOR
#undef LOAD
#undef FILL
#undef CHOOSE

#else /* a compiler without vector types: the same sums, one unit at a time */

MAYBE_UNUSED static void NAME(nearest_two)(
    const REAL *sample, const int *features, ptrdiff_t n_features,
    const REAL *codebook, ptrdiff_t stride, ptrdiff_t n_units,
    REAL *squared, ptrdiff_t *nearest)
{
    REAL least = HUGEST, second = HUGEST;
    nearest[0] = 0;
    nearest[1] = n_units > 1 ? 1 : -1;
    for (ptrdiff_t unit = 0; unit < n_units; unit++) {
        REAL sum = 0;
        for (ptrdiff_t k = 0; k < n_features; k++) {
            const REAL difference =
                sample[features[k]] - codebook[features[k] * stride + unit];
            sum += difference * difference;
        }
        squared[unit] = sum;
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

MAYBE_UNUSED static void NAME(nearest_of_four)(
    const REAL *samples, ptrdiff_t n_features, const REAL *codebook,
    ptrdiff_t stride, ptrdiff_t n_units, ptrdiff_t *winners, REAL *squared)
{
    for (int row = 0; row < 4; row++) {
        winners[row] = 0;
        squared[row] = HUGEST;
        for (ptrdiff_t unit = 0; unit < n_units; unit++) {
            REAL sum = 0;
            for (ptrdiff_t feature = 0; feature < n_features; feature++) {
                const REAL difference = samples[row * n_features + feature]
                                        - codebook[feature * stride + unit];
                sum += difference * difference;
            }
            if (sum < squared[row]) {
                squared[row] = sum;
                winners[row] = unit;
            }
        }
    }
}

#endif
