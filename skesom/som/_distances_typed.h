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
            /* What was the least comes before a second that is as far. */
            closer = (loser < second) | (closer & (loser == second));
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

/* The smallest score of a sample, or the second smallest if n_nearest is 2, of those of
   the lanes of a few vectors. */
static ALWAYS_INLINE REAL NAME(limit_of)(
    const int n_parts, const int n_nearest, const VECTOR *least, const VECTOR *second)
{
    VECTOR best = least[0], runner_up = second[0];
    for (int part = 1; part < n_parts; part++) {
        if (n_nearest == 2)
            runner_up = SMALLER(SMALLER(runner_up, second[part]),
                                LARGER(best, least[part]));
        best = SMALLER(best, least[part]);
    }
    return NAME(smallest_lane)(best, runner_up, n_nearest);
}

/* Scores of a few samples with all units, and the squared lengths of the samples.

   The counts n_samples, n_parts and n_nearest are constants to the compiler, so the
   sums stay in registers. `lanes` receives the smallest score of each sample, part and
   lane, `limit` the smallest of each sample, or the second smallest if n_nearest is 2.
   A sample with NaN has NaN for scores and HUGEST for a limit. */
static ALWAYS_INLINE void NAME(score)(
    const int n_samples, const int n_parts, const int n_nearest,
    const REAL *const *samples, ptrdiff_t n_features,
    const REAL *restrict codebook, ptrdiff_t stride, ptrdiff_t n_units,
    REAL *restrict scores, VECTOR *restrict lanes, REAL *restrict square,
    REAL *restrict limit)
{
    VECTOR minus_square[4] = {{0}, {0}, {0}, {0}}; /* the same in each lane */
    for (ptrdiff_t feature = 0; feature < n_features; feature++)
        for (int row = 0; row < n_samples; row++) {
            const VECTOR value = FILL(samples[row][feature]);
            minus_square[row] = LESS_PRODUCT(minus_square[row], value, value);
        }
    for (int row = 0; row < n_samples; row++)
        square[row] = -minus_square[row][0];
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
                            sums[row][part], weight, FILL(samples[row][feature]));
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
        for (int part = 0; part < n_parts; part++)
            lanes[row * n_parts + part] = least[row][part];
        limit[row] = NAME(limit_of)(n_parts, n_nearest, least[row], second[row]);
    }
}

/* List the units whose score is at most `limit`, and return how many, or -1 if they are
   more than MOST_CANDIDATES.

   Only a lane whose smallest score is so small holds any. */
#define MOST_CANDIDATES 16
static ALWAYS_INLINE int NAME(list_candidates)(
    const int n_parts, const REAL *restrict scores, const VECTOR *restrict lanes,
    ptrdiff_t n_units, REAL limit, ptrdiff_t *restrict candidates)
{
    const ptrdiff_t step = n_parts * LANES;
    int n_candidates = 0;
    uint64_t found = 0; /* lanes of all parts */
    for (int part = 0; part < n_parts; part++)
        found |= (uint64_t)LANES_AT_MOST(lanes[part], limit) << part * LANES;
    for (; found; found &= found - 1)
        for (ptrdiff_t begin = 0; begin < n_units; begin += 64 * step) {
            const ptrdiff_t first = begin + __builtin_ctzll(found);
            const ptrdiff_t left = (n_units - begin + step - 1) / step;
            uint64_t hits = 0; /* without a branch to guess */
            for (ptrdiff_t k = 0; k < (left < 64 ? left : 64); k++)
                hits |= (uint64_t)(scores[first + k * step] <= limit) << k;
            for (; hits; hits &= hits - 1) {
                if (n_candidates == MOST_CANDIDATES)
                    return -1;
                candidates[n_candidates++] = first + __builtin_ctzll(hits) * step;
            }
        }
    return n_candidates;
}

/* Roundings of a value on its way to a score. */
static ALWAYS_INLINE REAL NAME(n_roundings)(ptrdiff_t n_features)
{
    const ptrdiff_t n_blocks = (n_features + FEATURES_AT_A_TIME - 1) / FEATURES_AT_A_TIME;
    return (REAL)(BLOCK_END(0, n_features) + n_blocks + 4);
}

/* How far two scores can be off together, twice, where they are at most `limit`.

   A unit whose score is larger by so much is farther away. */
static ALWAYS_INLINE REAL NAME(slack_of)(ptrdiff_t n_features, REAL square, REAL limit)
{
    const REAL distance = 2 * limit + square;
    return 10 * NAME(n_roundings)(n_features) * ROUNDOFF
           * (square + (distance > 0 ? distance : 0));
}

/* The nearest one or two of some units by plain sums, and the squared distances.

   `places` says where in the codebook the units are. `squared` may be NULL. */
static ALWAYS_INLINE void NAME(measure)(
    const int n_nearest, const REAL *restrict sample, ptrdiff_t n_features,
    const REAL *restrict codebook, ptrdiff_t stride,
    const ptrdiff_t *restrict places, const ptrdiff_t *restrict candidates, int n,
    ptrdiff_t *restrict nearest, REAL *restrict squared)
{
    if (n == 1 && squared == NULL) {
        nearest[0] = candidates[0];
        return;
    }
    REAL best = 0, runner_up = 0;
    ptrdiff_t winner = -1, second = -1;
    for (int k = 0; k < n; k++) {
        const ptrdiff_t unit = candidates[k];
        const REAL own =
            NAME(squared_distance)(sample, n_features, codebook, stride, places[k]);
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
    if (n_nearest == 2)
        nearest[1] = second;
    if (squared) {
        squared[0] = best;
        if (n_nearest == 2)
            squared[1] = runner_up;
    }
}

/* Of units whose scores come close, the nearest one or two and the squared distances.

   `squared` may be NULL. Return 0 if they are too many to be measured one by one, or
   too few because the scores are not finite. */
static ALWAYS_INLINE int NAME(decide)(
    const int n_parts, const int n_nearest, const REAL *restrict sample,
    ptrdiff_t n_features, const REAL *restrict codebook, ptrdiff_t stride,
    ptrdiff_t n_units, const REAL *restrict scores, const VECTOR *restrict lanes,
    REAL square, REAL limit, ptrdiff_t *restrict nearest, REAL *restrict squared)
{
    ptrdiff_t candidates[MOST_CANDIDATES];
    const REAL slack = NAME(slack_of)(n_features, square, limit);
    if (!(limit + slack < HUGEST))
        return 0;
    const int n = NAME(list_candidates)(
        n_parts, scores, lanes, n_units, limit + slack, candidates);
    if (n < n_nearest)
        return 0;
    NAME(measure)(n_nearest, sample, n_features, codebook, stride, candidates, candidates,
                  n, nearest, squared);
    return 1;
}

/* Nearest two units of a complete sample, and the squared distance of the nearest.

   A distance that is clearly less than `bound` is not measured but comes from the score.
   `scores` has room for the padded units. Return 0 if nearest_two has to decide. */
MAYBE_UNUSED static int NAME(screen_one)(
    const REAL *restrict sample, ptrdiff_t n_features, const REAL *restrict codebook,
    ptrdiff_t stride, ptrdiff_t n_units, double bound, REAL *restrict scores,
    ptrdiff_t *restrict nearest, REAL *restrict squared)
{
    const REAL *rows[1] = {sample};
    REAL square, limit;
    VECTOR lanes[4];
    ptrdiff_t candidates[MOST_CANDIDATES];
    /* The lanes share out the units, so the second smallest of the lanes will do: it is
       not less than the second smallest score, and seldom more. */
    NAME(score)(1, 4, 1, rows, n_features, codebook, stride, n_units, scores, lanes,
                &square, &limit);
    const VECTOR none[4] = {FILL(HUGEST), FILL(HUGEST), FILL(HUGEST), FILL(HUGEST)};
    limit = NAME(limit_of)(4, 2, lanes, none);
    const REAL slack = NAME(slack_of)(n_features, square, limit);
    if (!(limit + slack < HUGEST))
        return 0;
    const int n = NAME(list_candidates)(
        4, scores, lanes, n_units, limit + slack, candidates);
    if (n < 2)
        return 0;
    if (n == 2) { /* mostly, and the scores tell them apart */
        const REAL gap = scores[candidates[1]] - scores[candidates[0]];
        if (gap > slack || gap < -slack) {
            const int swapped = gap < 0; /* without a branch to guess */
            nearest[0] = candidates[swapped];
            nearest[1] = candidates[1 - swapped];
            *squared = 2 * scores[nearest[0]] + square;
            if (!(*squared + 2 * slack < bound))
                *squared = NAME(squared_distance)(sample, n_features, codebook, stride,
                                                  nearest[0]);
            return 1;
        }
    }
    REAL both[2];
    NAME(measure)(2, sample, n_features, codebook, stride, candidates, candidates, n,
                  nearest, both);
    *squared = both[0];
    return 1;
}

/* The same for some samples, four at a time. */
static ALWAYS_INLINE uint32_t NAME(screen_by_four)(
    const int n_parts, const int n_nearest, const REAL *restrict samples,
    int n_samples, ptrdiff_t n_features, const REAL *restrict codebook, ptrdiff_t stride,
    ptrdiff_t n_units, REAL *restrict scores, ptrdiff_t *restrict nearest,
    REAL *restrict squared)
{
    uint32_t decided = 0;
    for (int first = 0; first < n_samples; first += 4) {
        const int n = n_samples - first < 4 ? n_samples - first : 4;
        const REAL *rows[4];
        VECTOR lanes[4 * 4];
        REAL square[4], limit[4];
        for (int row = 0; row < 4; row++) /* the last one again where there is no more */
            rows[row] = samples + (first + (row < n ? row : n - 1)) * n_features;
        NAME(score)(4, n_parts, n_nearest, rows, n_features, codebook, stride, n_units,
                    scores, lanes, square, limit);
        for (int row = 0; row < n; row++) {
            const int place = (first + row) * n_nearest;
            decided |= (uint32_t)NAME(decide)(
                           n_parts, n_nearest, rows[row], n_features, codebook, stride,
                           n_units, scores + row * stride, lanes + row * n_parts,
                           square[row], limit[row], nearest + place, squared ? squared + place : NULL)
                       << (first + row);
        }
    }
    return decided;
}

/* Add the next features to the scores of a few samples with a few units. */
#define ROWS_IN_BLOCK (WIDTH == 64 ? 8 : 4)
static ALWAYS_INLINE void NAME(add_block)(
    const REAL *const *samples, ptrdiff_t first, ptrdiff_t end,
    const REAL *restrict codebook, ptrdiff_t stride, REAL *restrict scores)
{
    VECTOR sums[8][2];
    for (int row = 0; row < ROWS_IN_BLOCK; row++)
        sums[row][0] = sums[row][1] = FILL(0);
    const REAL *weights = codebook + first * stride;
    for (ptrdiff_t feature = first; feature < end; feature++) {
        const VECTOR low = LOAD(weights), high = LOAD(weights + LANES);
        for (int row = 0; row < ROWS_IN_BLOCK; row++) {
            const VECTOR value = FILL(samples[row][feature]);
            sums[row][0] = LESS_PRODUCT(sums[row][0], low, value);
            sums[row][1] = LESS_PRODUCT(sums[row][1], high, value);
        }
        weights += stride;
    }
    for (int row = 0; row < ROWS_IN_BLOCK; row++)
        for (int part = 0; part < 2; part++)
            STORE(scores + row * stride + part * LANES) =
                LOAD(scores + row * stride + part * LANES) + sums[row][part];
}

/* The sum of the squares. */
static ALWAYS_INLINE REAL NAME(square_of)(const REAL *restrict sample, ptrdiff_t n)
{
    VECTOR minus_squares = FILL(0);
    REAL square = 0;
    ptrdiff_t feature = 0;
    for (; feature + LANES <= n; feature += LANES)
        minus_squares = LESS_PRODUCT(minus_squares, LOAD(sample + feature),
                                     LOAD(sample + feature));
    for (; feature < n; feature++)
        square += sample[feature] * sample[feature];
    for (int lane = 0; lane < LANES; lane++)
        square -= minus_squares[lane];
    return square;
}

/* The same for many features: a block of the codebook stays in the nearest cache while
   all samples come by. */
static ALWAYS_INLINE uint32_t NAME(screen_in_blocks)(
    const int n_nearest, const REAL *restrict samples, int n_samples,
    ptrdiff_t n_features, const REAL *restrict codebook, ptrdiff_t stride,
    ptrdiff_t n_units, REAL *restrict scores, ptrdiff_t *restrict nearest,
    REAL *restrict squared)
{
    uint32_t decided = 0;
    const REAL *rows[SCREENED];
    for (int row = 0; row < SCREENED; row++)
        rows[row] = samples + (row < n_samples ? row : n_samples - 1) * n_features;
    for (int row = 0; row < SCREENED; row++)
        memcpy(scores + row * stride, codebook + n_features * stride,
               sizeof(REAL) * (size_t)stride);
    for (ptrdiff_t first = 0; first < n_features; first += FEATURES_AT_A_TIME)
        for (ptrdiff_t unit = 0; unit < n_units; unit += 2 * LANES)
            for (int row = 0; row < n_samples; row += ROWS_IN_BLOCK)
                NAME(add_block)(rows + row, first, BLOCK_END(first, n_features),
                                codebook + unit, stride, scores + row * stride + unit);
    for (int row = 0; row < n_samples; row++) {
        const REAL *own = scores + row * stride;
        VECTOR least[2], second[2];
        least[0] = least[1] = second[0] = second[1] = FILL(HUGEST);
        for (ptrdiff_t unit = 0; unit < n_units; unit += 2 * LANES)
            for (int part = 0; part < 2; part++) {
                const VECTOR score = LOAD(own + unit + part * LANES);
                if (n_nearest == 2)
                    second[part] = SMALLER(second[part], LARGER(score, least[part]));
                least[part] = SMALLER(score, least[part]);
            }
        const REAL limit = NAME(limit_of)(2, n_nearest, least, second);
        const int place = row * n_nearest;
        decided |= (uint32_t)NAME(decide)(
                       2, n_nearest, rows[row], n_features, codebook, stride, n_units,
                       own, least, NAME(square_of)(rows[row], n_features), limit,
                       nearest + place, squared ? squared + place : NULL)
                   << row;
    }
    return decided;
}

/* The same for up to SCREENED samples, with the nearest unit only or the nearest two.

   `nearest` and, if it is not NULL, `squared` have n_nearest entries for each sample;
   `scores` has room for SCREENED times the padded units. Return one bit for each sample
   that is decided. A sample with missing features is not. */
MAYBE_UNUSED static uint32_t NAME(screen)(
    const REAL *restrict samples, int n_samples, ptrdiff_t n_features,
    const REAL *restrict codebook, ptrdiff_t stride, ptrdiff_t n_units, int n_nearest,
    REAL *restrict scores, ptrdiff_t *restrict nearest, REAL *restrict squared)
{
    if (n_features > FEATURES_AT_A_TIME)
        return n_nearest == 1
                   ? NAME(screen_in_blocks)(1, samples, n_samples, n_features, codebook,
                                            stride, n_units, scores, nearest, squared)
                   : NAME(screen_in_blocks)(2, samples, n_samples, n_features, codebook,
                                            stride, n_units, scores, nearest, squared);
    return n_nearest == 1
               ? NAME(screen_by_four)(WIDTH == 64 ? 4 : 2, 1, samples, n_samples,
                                      n_features, codebook, stride, n_units, scores,
                                      nearest, squared)
               : NAME(screen_by_four)(2, 2, samples, n_samples, n_features, codebook,
                                      stride, n_units, scores, nearest, squared);
}

#include "_patches_typed.h"

#undef LANES
#undef VECTOR
#undef MASK
#undef LOAD
#undef STORE
#undef FILL
#undef CHOOSE
#undef MOST_CANDIDATES
#undef ROWS_IN_BLOCK

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
    ptrdiff_t n_units, double bound, REAL *scores, ptrdiff_t *nearest, REAL *squared)
{
    return 0;
}

MAYBE_UNUSED static uint32_t NAME(screen)(
    const REAL *samples, int n_samples, ptrdiff_t n_features, const REAL *codebook,
    ptrdiff_t stride, ptrdiff_t n_units, int n_nearest, REAL *scores, ptrdiff_t *nearest,
    REAL *squared)
{
    return 0;
}

MAYBE_UNUSED static uint32_t NAME(screen_patches)(
    const REAL *samples, int n_samples, ptrdiff_t n_features, const REAL *patches,
    const REAL *radii, const int *units, ptrdiff_t n_patches, int n_nearest, REAL *room,
    ptrdiff_t *nearest, REAL *squared, int *worthwhile)
{
    *worthwhile = 0;
    return 0;
}

#endif
