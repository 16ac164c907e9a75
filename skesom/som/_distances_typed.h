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

/* Smallest value over the lanes; the lowest unit wins a tie. */
static inline ptrdiff_t NAME(nearest_lane)(
    const REAL *values, const REAL *tiles, REAL *smallest)
{
    REAL least = values[0];
    for (ptrdiff_t lane = 1; lane < LANES; lane++)
        least = values[lane] < least ? values[lane] : least;
    ptrdiff_t winner = PTRDIFF_MAX;
    for (ptrdiff_t lane = 0; lane < LANES; lane++) {
        const ptrdiff_t unit = (ptrdiff_t)tiles[lane] + lane;
        winner = values[lane] == least && unit < winner ? unit : winner;
    }
    *smallest = least;
    return winner;
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
    VECTOR least_tile = {0}, second_tile = {0};
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
        for (int part = 0; part < 4; part++)
            *(NAME(unaligned_vector) *)(squared + unit + part * LANES) = sums[part];
        for (ptrdiff_t unused = n_units; unused < unit + 4 * LANES; unused++)
            squared[unused] = HUGEST;
        for (int part = 0; part < 4; part++) {
            const VECTOR distance = LOAD(squared + unit + part * LANES);
            const VECTOR tile = FILL(unit + part * LANES);
            NAME(lanes_mask) closer = distance < least;
            const VECTOR loser = CHOOSE(closer, least, distance);
            const VECTOR loser_tile = CHOOSE(closer, least_tile, tile);
            least = CHOOSE(closer, distance, least);
            least_tile = CHOOSE(closer, tile, least_tile);
            closer = loser < second;
            second = CHOOSE(closer, loser, second);
            second_tile = CHOOSE(closer, loser_tile, second_tile);
        }
    }
    REAL smallest;
    nearest[0] = NAME(nearest_lane)((REAL *)&least, (REAL *)&least_tile, &smallest);
    const ptrdiff_t lane = nearest[0] % LANES;
    ((REAL *)&least)[lane] = ((REAL *)&second)[lane];
    ((REAL *)&least_tile)[lane] = ((REAL *)&second_tile)[lane];
    nearest[1] = NAME(nearest_lane)((REAL *)&least, (REAL *)&least_tile, &smallest);
    if (nearest[1] == nearest[0]) /* the squares of all other distances overflow */
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
    VECTOR least[4], least_tile[4];
    for (int row = 0; row < 4; row++) {
        least[row] = FILL(HUGEST);
        least_tile[row] = FILL(0);
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
            least_tile[row] = CHOOSE(closer, FILL(unit), least_tile[row]);
        }
    }
    for (int row = 0; row < 4; row++)
        winners[row] = NAME(nearest_lane)(
            (REAL *)&least[row], (REAL *)&least_tile[row], &squared[row]);
}

/* Pull units towards a sample: w += pull * (x - w), in the listed tiles of units.

   `pull` is 0 for the units of a tile that stay where they are. */
FOR_EACH_PROCESSOR MAYBE_UNUSED static void NAME(pull_tiles)(
    const REAL *restrict sample, const int *restrict features, ptrdiff_t n_features,
    REAL *restrict codebook, ptrdiff_t stride, const REAL *restrict pull,
    const int *restrict tiles, ptrdiff_t n_tiles)
{
    for (ptrdiff_t k = 0; k < n_features; k++) {
        const VECTOR value = FILL(sample[features[k]]);
        REAL *row = codebook + features[k] * stride;
        for (ptrdiff_t t = 0; t < n_tiles; t++) {
            const ptrdiff_t unit = tiles[t] * LANES;
            const VECTOR weights = LOAD(row + unit);
            *(NAME(unaligned_vector) *)(row + unit) =
                weights + LOAD(pull + unit) * (value - weights);
        }
    }
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

MAYBE_UNUSED static void NAME(pull_tiles)(
    const REAL *sample, const int *features, ptrdiff_t n_features, REAL *codebook,
    ptrdiff_t stride, const REAL *pull, const int *tiles, ptrdiff_t n_tiles)
{
    const ptrdiff_t lanes = 64 / sizeof(REAL);
    for (ptrdiff_t k = 0; k < n_features; k++)
        for (ptrdiff_t t = 0; t < n_tiles; t++)
            for (ptrdiff_t unit = tiles[t] * lanes; unit < (tiles[t] + 1) * lanes; unit++) {
                REAL *weight = codebook + features[k] * stride + unit;
                *weight += pull[unit] * (sample[features[k]] - *weight);
            }
}

#endif
