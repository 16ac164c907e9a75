/* SPDX-License-Identifier: BSD-3-Clause */
/* Included by _distances_widths.h for each width of vectors, for float and for double.

   nearest_two measures all units. The screening functions measure few: with h = half
   the squared length of a unit w, the score h - x.w of a complete sample x is half the
   squared distance less half the squared length of x, and it costs one fused operation
   per feature. Its error is at most about one roundoff of the squares of x and of the
   distance for each rounding on the way to the sum (Higham 2002, "Accuracy and Stability
   of Numerical Algorithms", chapter 4), so only units whose score is that close to the
   best can be the nearest. Those are measured as nearest_two would. Sums over many
   features are sums of blocks, so that few roundings follow each other. */

/* Plain sums, and the only ones that decide who is nearer. */
static ALWAYS_INLINE REAL NAME(squared_distance)(
    const REAL *sample, ptrdiff_t n_features, const REAL *codebook, ptrdiff_t stride,
    ptrdiff_t unit)
{
    REAL total = 0;
    const REAL *weight = codebook + unit;
    for (ptrdiff_t first = 0; first < n_features; first += FEATURES_AT_A_TIME) {
        REAL sum = 0;
        for (ptrdiff_t feature = first; feature < BLOCK_END(first, n_features);
             feature++) {
            const REAL difference = sample[feature] - *weight;
            sum += difference * difference;
            weight += stride;
        }
        total += sum;
    }
    return total;
}

#if HAVE_VECTORS

#define LANES ((ptrdiff_t)(WIDTH / sizeof(REAL)))
#define VECTOR NAME(vector)
#define MASK NAME(lanes_mask)
#define LOAD(address) (*(const NAME(unaligned_vector) *)(address))
#define STORE(address) (*(NAME(unaligned_vector) *)(address))
#define FILL(value) ((REAL)(value) - (VECTOR){0})
#define CHOOSE(condition, yes, no) \
    ((VECTOR)(((condition) & (MASK)(yes)) | (~(condition) & (MASK)(no))))

typedef REAL VECTOR __attribute__((vector_size(WIDTH), may_alias));
typedef VECTOR NAME(unaligned_vector) __attribute__((aligned(sizeof(REAL))));
typedef BITS MASK __attribute__((vector_size(WIDTH), may_alias));
typedef UNSIGNED_BITS NAME(lanes_bits) __attribute__((vector_size(WIDTH), may_alias));

/* Unit of the smallest value over the lanes; the lowest unit wins a tie.

   Halves are compared until one lane is left. */
static ALWAYS_INLINE ptrdiff_t NAME(nearest_lane)(
    const VECTOR *values, const VECTOR *units, REAL *smallest)
{
    REAL value[LANES], unit[LANES];
    STORE(value) = *values;
    STORE(unit) = *units;
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

static ALWAYS_INLINE void NAME(nearest_two_by)(
    const int terms, const REAL *restrict sample, const REAL *restrict factors,
    const int *restrict features, ptrdiff_t n_features, const REAL *restrict codebook,
    ptrdiff_t stride, ptrdiff_t n_units, REAL *restrict sums, ptrdiff_t *restrict nearest)
{
    VECTOR least = FILL(HUGEST), second = FILL(HUGEST);
    VECTOR units;
    for (ptrdiff_t lane = 0; lane < LANES; lane++)
        units[lane] = (REAL)lane;
    VECTOR least_unit = units, second_unit = units;
    for (ptrdiff_t unit = 0; unit < n_units; unit += 4 * LANES) {
        VECTOR totals[4] = {{0}, {0}, {0}, {0}};
        for (ptrdiff_t first = 0; first < n_features; first += FEATURES_AT_A_TIME) {
            VECTOR part_sums[4] = {{0}, {0}, {0}, {0}};
            for (ptrdiff_t k = first; k < BLOCK_END(first, n_features); k++) {
                const VECTOR value = FILL(sample[features[k]]);
                const REAL *weights = codebook + features[k] * stride + unit;
                for (int part = 0; part < 4; part++) {
                    const VECTOR difference = value - LOAD(weights + part * LANES);
                    if (terms == ABSOLUTE_VALUES)
                        part_sums[part] +=
                            CHOOSE(difference < 0, -difference, difference);
                    else if (terms == WEIGHTED_SQUARES)
                        part_sums[part] +=
                            difference * difference * FILL(factors[features[k]]);
                    else
                        part_sums[part] += difference * difference;
                }
            }
            for (int part = 0; part < 4; part++)
                totals[part] += part_sums[part];
        }
        if (unit + 4 * LANES > n_units)
            for (ptrdiff_t unused = n_units - unit; unused < 4 * LANES; unused++)
                ((REAL *)totals)[unused] = HUGEST;
        for (int part = 0; part < 4; part++) {
            const VECTOR distance = totals[part];
            STORE(sums + unit + part * LANES) = distance;
            MASK closer = distance < least;
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
    const MASK taken = least_unit == FILL(nearest[0]);
    least = CHOOSE(taken, second, least);
    least_unit = CHOOSE(taken, second_unit, least_unit);
    nearest[1] = NAME(nearest_lane)(&least, &least_unit, &smallest);
    if (smallest == HUGEST) /* the squares of all others overflow: the lowest unit */
        nearest[1] = nearest[0] == 0;
    if (n_units == 1)
        nearest[1] = -1;
}

/* Sums of one sample over the listed features, for all units, and its nearest two.

   The terms are squared differences, the same times a factor for each feature, or
   absolute differences. `sums` has room for the padded units. With one unit there is no
   second: nearest[1] is -1. Ties go to the lowest unit. */
MAYBE_UNUSED static void NAME(nearest_two)(
    int terms, const REAL *restrict sample, const REAL *restrict factors,
    const int *restrict features, ptrdiff_t n_features, const REAL *restrict codebook,
    ptrdiff_t stride, ptrdiff_t n_units, REAL *restrict sums, ptrdiff_t *restrict nearest)
{
    switch (terms) {
    case ABSOLUTE_VALUES:
        NAME(nearest_two_by)(ABSOLUTE_VALUES, sample, factors, features, n_features,
                             codebook, stride, n_units, sums, nearest);
        return;
    case WEIGHTED_SQUARES:
        NAME(nearest_two_by)(WEIGHTED_SQUARES, sample, factors, features, n_features,
                             codebook, stride, n_units, sums, nearest);
        return;
    default:
        NAME(nearest_two_by)(SQUARES, sample, factors, features, n_features, codebook,
                             stride, n_units, sums, nearest);
    }
}

/* The smallest value over the lanes of `least`, or the second smallest over both. */
static ALWAYS_INLINE REAL NAME(smallest_lane)(VECTOR least, VECTOR second, int n_nearest)
{
#if defined(__clang__)
    REAL values[2 * LANES];
    STORE(values) = least;
    STORE(values + LANES) = second;
    REAL best = HUGEST, runner_up = HUGEST;
    for (ptrdiff_t i = 0; i < n_nearest * LANES; i++) {
        const REAL loser = values[i] < best ? best : values[i];
        best = values[i] < best ? values[i] : best;
        runner_up = loser < runner_up ? loser : runner_up;
    }
    return n_nearest == 1 ? best : runner_up;
#else
    MASK lanes;
    for (ptrdiff_t lane = 0; lane < LANES; lane++)
        lanes[lane] = lane;
    for (ptrdiff_t width = LANES / 2; width > 0; width /= 2) {
        const VECTOR other = __builtin_shuffle(least, lanes ^ (BITS)width);
        if (n_nearest == 2)
            second = SMALLER(
                SMALLER(second, __builtin_shuffle(second, lanes ^ (BITS)width)),
                LARGER(least, other));
        least = SMALLER(least, other);
    }
    return n_nearest == 1 ? least[0] : second[0];
#endif
}

/* Scores of a few complete samples with all units.

   The counts n_samples, n_parts and n_nearest are constants to the compiler, so the
   sums stay in registers. `limit` receives the smallest score of each sample, or the
   second smallest if n_nearest is 2. */
static ALWAYS_INLINE void NAME(score)(
    const int n_samples, const int n_parts, const int n_nearest,
    const REAL *restrict samples, ptrdiff_t n_features, const REAL *restrict codebook,
    ptrdiff_t stride, ptrdiff_t n_units, REAL *restrict scores, REAL *restrict limit)
{
    VECTOR least[4][4], second[4][4];
    for (int row = 0; row < n_samples; row++)
        for (int part = 0; part < n_parts; part++)
            least[row][part] = second[row][part] = FILL(HUGEST);
    for (ptrdiff_t unit = 0; unit < n_units; unit += n_parts * LANES) {
        VECTOR sums[4][4];
        const REAL *weights = codebook + unit;
        for (int part = 0; part < n_parts; part++)
            for (int row = 0; row < n_samples; row++)
                sums[row][part] = LOAD(weights + n_features * stride + part * LANES);
        for (ptrdiff_t first = 0; first < n_features; first += FEATURES_AT_A_TIME) {
            if (first > 0)
                for (int part = 0; part < n_parts; part++)
                    for (int row = 0; row < n_samples; row++) {
                        REAL *so_far = scores + row * stride + unit + part * LANES;
                        if (first > FEATURES_AT_A_TIME)
                            sums[row][part] += LOAD(so_far);
                        STORE(so_far) = sums[row][part];
                        sums[row][part] = FILL(0);
                    }
            for (ptrdiff_t feature = first; feature < BLOCK_END(first, n_features);
                 feature++) {
                for (int part = 0; part < n_parts; part++) {
                    const VECTOR weight = LOAD(weights + part * LANES);
                    for (int row = 0; row < n_samples; row++)
                        sums[row][part] = LESS_PRODUCT(
                            sums[row][part], weight,
                            FILL(samples[row * n_features + feature]));
                }
                weights += stride;
            }
        }
        if (n_features > FEATURES_AT_A_TIME)
            for (int part = 0; part < n_parts; part++)
                for (int row = 0; row < n_samples; row++)
                    sums[row][part] +=
                        LOAD(scores + row * stride + unit + part * LANES);
        for (int row = 0; row < n_samples; row++)
            for (int part = 0; part < n_parts; part++) {
                const VECTOR sum = sums[row][part];
                STORE(scores + row * stride + unit + part * LANES) = sum;
                if (n_nearest == 2)
                    second[row][part] = SMALLER(
                        second[row][part], LARGER(sum, least[row][part]));
                least[row][part] = SMALLER(sum, least[row][part]);
            }
    }
    for (int row = 0; row < n_samples; row++) {
        for (int part = 1; part < n_parts; part++) {
            if (n_nearest == 2)
                second[row][0] = SMALLER(
                    SMALLER(second[row][0], second[row][part]),
                    LARGER(least[row][0], least[row][part]));
            least[row][0] = SMALLER(least[row][0], least[row][part]);
        }
        limit[row] = NAME(smallest_lane)(least[row][0], second[row][0], n_nearest);
    }
}

/* List the units whose score is at most `limit`, and return how many.

   Each lane collects one bit for each vector of scores. The list is given up, and -1
   returned, when it would be longer than MOST_CANDIDATES. */
#define MOST_CANDIDATES 16
#define VECTORS_AT_A_TIME ((ptrdiff_t)(8 * sizeof(REAL)))
static ALWAYS_INLINE int NAME(list_candidates)(
    const REAL *restrict scores, ptrdiff_t n_units, REAL limit, int *restrict candidates)
{
    const VECTOR limits = FILL(limit);
    int n_candidates = 0;
    for (ptrdiff_t first = 0; first < n_units; first += VECTORS_AT_A_TIME * LANES) {
        const ptrdiff_t end =
            n_units - first < VECTORS_AT_A_TIME * LANES
                ? n_units - first : VECTORS_AT_A_TIME * LANES;
        NAME(lanes_bits) found = {0};
        NAME(lanes_bits) bit = found + 1;
        for (ptrdiff_t unit = 0; unit < end; unit += LANES) {
            found |= (NAME(lanes_bits))(LOAD(scores + first + unit) <= limits) & bit;
            bit += bit;
        }
        uint64_t words[WIDTH / 8];
        int filled[WIDTH / 8], n_filled = 0;
        memcpy(words, &found, WIDTH);
        for (int word = 0; word < WIDTH / 8; word++) { /* without a branch to guess */
            filled[n_filled] = word;
            n_filled += words[word] != 0;
        }
        for (int k = 0; k < n_filled; k++) {
            uint64_t rest = words[filled[k]];
            const ptrdiff_t lane = filled[k] * (ptrdiff_t)(8 / sizeof(REAL));
            do {
                const int place = __builtin_ctzll(rest);
                if (n_candidates == MOST_CANDIDATES)
                    return -1;
                candidates[n_candidates++] =
                    (int)(first + place % VECTORS_AT_A_TIME * LANES + lane
                          + place / VECTORS_AT_A_TIME);
                rest &= rest - 1;
            } while (rest);
        }
    }
    return n_candidates;
}

/* Of units whose scores come close, the nearest one or two and the squared distances.

   Return 0 if they are too many to be measured one by one, or too few because the
   scores are not finite. */
static ALWAYS_INLINE int NAME(decide)(
    const REAL *restrict sample, ptrdiff_t n_features, const REAL *restrict codebook,
    ptrdiff_t stride, ptrdiff_t n_units, const int n_nearest,
    const REAL *restrict scores, REAL limit, ptrdiff_t *restrict nearest,
    REAL *restrict squared)
{
    int candidates[MOST_CANDIDATES];
    REAL square = 0;
    for (ptrdiff_t feature = 0; feature < n_features; feature++)
        square += sample[feature] * sample[feature];
    const REAL distance = 2 * limit + square;
    const ptrdiff_t n_blocks = (n_features + FEATURES_AT_A_TIME - 1) / FEATURES_AT_A_TIME;
    const ptrdiff_t n_roundings =
        BLOCK_END(0, n_features) + n_blocks + 4; /* of a value on its way to a sum */
    const REAL slack =
        10 * (REAL)n_roundings * ROUNDOFF * (square + (distance > 0 ? distance : 0));
    if (!(limit + slack < HUGEST))
        return 0;
    const int n = NAME(list_candidates)(scores, n_units, limit + slack, candidates);
    if (n < n_nearest)
        return 0;
    REAL best = 0, runner_up = 0;
    ptrdiff_t winner = -1, second = -1;
    for (int k = 0; k < n; k++) {
        const ptrdiff_t unit = candidates[k];
        const REAL own =
            NAME(squared_distance)(sample, n_features, codebook, stride, unit);
        if (winner < 0 || own < best || (own == best && unit < winner)) {
            runner_up = best;
            second = winner;
            best = own;
            winner = unit;
        } else if (second < 0 || own < runner_up || (own == runner_up && unit < second)) {
            runner_up = own;
            second = unit;
        }
    }
    nearest[0] = winner;
    squared[0] = best;
    if (n_nearest == 2) {
        nearest[1] = second;
        squared[1] = runner_up;
    }
    return 1;
}

/* Nearest two units of a complete sample, and their squared distances.

   `scores` has room for the padded units. Return 0 if nearest_two has to decide. */
MAYBE_UNUSED static int NAME(screen_one)(
    const REAL *restrict sample, ptrdiff_t n_features, const REAL *restrict codebook,
    ptrdiff_t stride, ptrdiff_t n_units, REAL *restrict scores,
    ptrdiff_t *restrict nearest, REAL *restrict squared)
{
    REAL limit;
    NAME(score)(1, 4, 2, sample, n_features, codebook, stride, n_units, scores, &limit);
    return NAME(decide)(
        sample, n_features, codebook, stride, n_units, 2, scores, limit, nearest, squared);
}

/* The same for four complete samples, with the nearest unit only or the nearest two.

   `nearest` and `squared` have n_nearest entries for each sample, `scores` room for four
   times the padded units. Return one bit for each sample that is decided. */
MAYBE_UNUSED static int NAME(screen_four)(
    const REAL *restrict samples, ptrdiff_t n_features, const REAL *restrict codebook,
    ptrdiff_t stride, ptrdiff_t n_units, int n_nearest, REAL *restrict scores,
    ptrdiff_t *restrict nearest, REAL *restrict squared)
{
    REAL limit[4];
    int decided = 0;
    if (n_nearest == 1) {
        NAME(score)(
            4, 2, 1, samples, n_features, codebook, stride, n_units, scores, limit);
        for (int row = 0; row < 4; row++)
            decided |= NAME(decide)(
                samples + row * n_features, n_features, codebook, stride, n_units, 1,
                scores + row * stride, limit[row], nearest + row, squared + row) << row;
        return decided;
    }
    NAME(score)(4, 1, 2, samples, n_features, codebook, stride, n_units, scores, limit);
    for (int row = 0; row < 4; row++)
        decided |= NAME(decide)(
            samples + row * n_features, n_features, codebook, stride, n_units, 2,
            scores + row * stride, limit[row], nearest + 2 * row, squared + 2 * row)
            << row;
    return decided;
}

#undef LANES
#undef VECTOR
#undef MASK
#undef LOAD
#undef STORE
#undef FILL
#undef CHOOSE
#undef MOST_CANDIDATES
#undef VECTORS_AT_A_TIME

#else /* a compiler without vector types: the same sums, one unit at a time */

MAYBE_UNUSED static void NAME(nearest_two)(
    int terms, const REAL *sample, const REAL *factors, const int *features,
    ptrdiff_t n_features, const REAL *codebook, ptrdiff_t stride, ptrdiff_t n_units,
    REAL *sums, ptrdiff_t *nearest)
{
    REAL least = HUGEST, second = HUGEST;
    nearest[0] = 0;
    nearest[1] = n_units > 1 ? 1 : -1;
    for (ptrdiff_t unit = 0; unit < n_units; unit++) {
        REAL sum = 0;
        for (ptrdiff_t first = 0; first < n_features; first += FEATURES_AT_A_TIME) {
            REAL part = 0;
            for (ptrdiff_t k = first; k < BLOCK_END(first, n_features); k++) {
                const ptrdiff_t feature = features[k];
                const REAL difference =
                    sample[feature] - codebook[feature * stride + unit];
                if (terms == ABSOLUTE_VALUES)
                    part += difference < 0 ? -difference : difference;
                else if (terms == WEIGHTED_SQUARES)
                    part += difference * difference * factors[feature];
                else
                    part += difference * difference;
            }
            sum += part;
        }
        sums[unit] = sum;
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

MAYBE_UNUSED static int NAME(screen_one)(
    const REAL *sample, ptrdiff_t n_features, const REAL *codebook, ptrdiff_t stride,
    ptrdiff_t n_units, REAL *scores, ptrdiff_t *nearest, REAL *squared)
{
    return 0;
}

MAYBE_UNUSED static int NAME(screen_four)(
    const REAL *samples, ptrdiff_t n_features, const REAL *codebook, ptrdiff_t stride,
    ptrdiff_t n_units, int n_nearest, REAL *scores, ptrdiff_t *nearest, REAL *squared)
{
    return 0;
}

#endif
