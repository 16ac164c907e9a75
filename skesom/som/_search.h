/* SPDX-License-Identifier: BSD-3-Clause */
/* Included by _vectors_typed.h: searches that look at all units.

   nearest_two measures all units by plain sums, and is the definition of the nearest
   unit. The screening functions skip work, but never change the winner: with h = half
   the squared length of a unit w, the score h - x.w of a complete sample x is half the
   squared distance less half the squared length of x. Its error is at most about one
   roundoff of the squares of x and of the distance for each rounding on the way to the
   sum (Higham 2002, "Accuracy and Stability of Numerical Algorithms", chapter 4), so
   only units whose score is that close to the best can be the nearest. Those, the
   candidates, are measured by the same plain sums as in nearest_two. Sums over many
   features are sums of blocks, so that few roundings follow each other.

   Memory: the codebook is feature-major, codebook[feature * stride + unit]. A vector
   holds LANES neighboring units of one feature; the value of the sample is the same in
   all lanes. So a plain sum of a unit adds up its features one after the other in one
   lane, in the same order and with the same bits for every width of vectors. */

/* Unit of the smallest value over the lanes; the lowest unit wins a tie. */
INLINE ptrdiff_t NAME(nearest_lane)(VECTOR values, VECTOR units, REAL *smallest)
{
    REAL unit = units[0];
    *smallest = values[0];
    for (ptrdiff_t lane = 1; lane < LANES; lane++) {
        const int tied = values[lane] == *smallest && units[lane] < unit;
        unit = values[lane] < *smallest || tied ? units[lane] : unit;
        *smallest = values[lane] < *smallest ? values[lane] : *smallest;
    }
    return (ptrdiff_t)unit;
}

/* Plain sums of one sample with all units, and its nearest two.

   Loops: 4 * LANES units, blocks of 64 features, features, four vectors of units. The
   four sums do not wait for each other, and stay in registers; a block of the codebook
   is read once. Sums are exact in the sense of the contract: features in their order,
   blocks added in theirs, no fused operations (LESS_PRODUCT is not used here).

   Each lane keeps its own nearest two units. A lane meets its units in rising order, and
   only a smaller sum replaces one, so that the lowest unit wins a tie in the lane;
   nearest_lane decides ties among the lanes by the number of the unit. Numbers of units
   are kept as REAL, which holds them exactly up to 2^24 in single precision. */
INLINE void NAME(nearest_two_by)(
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
    nearest[0] = NAME(nearest_lane)(least, least_unit, &smallest);
    const MASK taken = least_unit == FILL(nearest[0]);
    least = CHOOSE(taken, second, least);
    least_unit = CHOOSE(taken, second_unit, least_unit);
    nearest[1] = NAME(nearest_lane)(least, least_unit, &smallest);
    if (smallest == HUGEST) /* the squares of all others overflow: the lowest unit */
        nearest[1] = nearest[0] == 0;
    if (n_units == 1)
        nearest[1] = -1;
}

TARGET static void NAME(nearest_two)(
    int terms, const void *sample, const void *factors, const int *features,
    ptrdiff_t n_features, const void *codebook, ptrdiff_t stride, ptrdiff_t n_units,
    void *sums, ptrdiff_t *nearest)
{
    if (terms == ABSOLUTE_VALUES)
        NAME(nearest_two_by)(ABSOLUTE_VALUES, sample, factors, features, n_features,
                             codebook, stride, n_units, sums, nearest);
    else if (terms == WEIGHTED_SQUARES)
        NAME(nearest_two_by)(WEIGHTED_SQUARES, sample, factors, features, n_features,
                             codebook, stride, n_units, sums, nearest);
    else
        NAME(nearest_two_by)(SQUARES, sample, factors, features, n_features, codebook,
                             stride, n_units, sums, nearest);
}

/* The smallest value over the lanes of `least`, or the second smallest over both. */
INLINE REAL NAME(smallest_lane)(VECTOR least, VECTOR second, int n_nearest)
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
INLINE REAL NAME(limit_of)(
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

/* The squared length of a sample. */
INLINE REAL NAME(square_of)(const REAL *restrict sample, ptrdiff_t n)
{
    VECTOR minus_squares = FILL(0), minus_rest = FILL(0); /* the rest in each lane */
    ptrdiff_t feature = 0;
    for (; feature + LANES <= n; feature += LANES)
        minus_squares = LESS_PRODUCT(minus_squares, LOAD(sample + feature),
                                     LOAD(sample + feature));
    for (; feature < n; feature++)
        minus_rest = LESS_PRODUCT(minus_rest, FILL(sample[feature]),
                                  FILL(sample[feature]));
    REAL square = -minus_rest[0];
    for (int lane = 0; n >= LANES && lane < LANES; lane++)
        square -= minus_squares[lane];
    return square;
}

/* Scores of a few samples with all units, and the squared lengths of the samples.

   Loops: n_parts * LANES units, blocks of 64 features, features, vectors of units,
   samples. Each weight that is loaded serves n_samples fused operations, and each value
   of a sample n_parts of them: as a tile of a matrix product. Sums start from half the
   squared length, the row of the codebook behind the features. From the second block on
   the sum of the blocks before waits in `scores`, so that a rounding is one of a block
   and not of all features. Scores are not exact; slack_of bounds their errors.

   The counts n_samples, n_parts and n_nearest are constants to the compiler, so the
   sums stay in registers. `lanes` receives the smallest score of each sample, part and
   lane, `limit` the smallest of each sample, or the second smallest if n_nearest is 2.
   A sample with NaN has NaN for scores and HUGEST for a limit. */
INLINE void NAME(score)(
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

   Only a lane whose smallest score is so small holds any. Lane l of part p holds the
   units p * LANES + l + k * step for k = 0, 1, ...: these are compared 64 at a time, a bit
   for each. */
INLINE int NAME(list_candidates)(
    const int n_parts, const REAL *restrict scores, const VECTOR *restrict lanes,
    ptrdiff_t n_units, REAL limit, ptrdiff_t *restrict candidates)
{
    const ptrdiff_t step = n_parts * LANES;
    int n_candidates = 0;
    uint64_t found = 0; /* lanes of all parts */
    for (int part = 0; part < n_parts; part++)
        found |= (uint64_t)NAME(lanes_at_most)(lanes[part], limit) << part * LANES;
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
INLINE REAL NAME(n_roundings)(ptrdiff_t n_features)
{
    const ptrdiff_t n_blocks = (n_features + FEATURES_AT_A_TIME - 1) / FEATURES_AT_A_TIME;
    return (REAL)(BLOCK_END(0, n_features) + n_blocks + 4);
}

/* How far two scores can be off together, twice, where they are at most `limit`.

   A unit whose score is larger by so much is farther away by plain sums, too: those have
   an error of their own, which the factor covers. So what is left out can neither be the
   nearest nor tie with it. */
INLINE REAL NAME(slack_of)(ptrdiff_t n_features, REAL square, REAL limit)
{
    const REAL distance = 2 * limit + square;
    return 10 * NAME(n_roundings)(n_features) * ROUNDOFF
           * (square + (distance > 0 ? distance : 0));
}

/* The squared distance of a sample to a row, by sums in any order.

   Lanes are features here, and rows hold a unit each. The order of the additions depends
   on the width of the vectors, so the result only strikes candidates off. */
INLINE REAL NAME(rough_distance)(
    const REAL *restrict sample, const REAL *restrict row, ptrdiff_t n)
{
    VECTOR sums[4] = {{0}, {0}, {0}, {0}};
    REAL total = 0;
    ptrdiff_t feature = 0;
    for (; feature + 4 * LANES <= n; feature += 4 * LANES)
        for (int part = 0; part < 4; part++) {
            const VECTOR difference = LOAD(sample + feature + part * LANES)
                                      - LOAD(row + feature + part * LANES);
            sums[part] += difference * difference;
        }
    for (; feature < n; feature++)
        total += (sample[feature] - row[feature]) * (sample[feature] - row[feature]);
    const VECTOR sum = (sums[0] + sums[1]) + (sums[2] + sums[3]);
    for (int lane = 0; lane < LANES; lane++)
        total += sum[lane];
    return total;
}

/* Strike off the candidates that are clearly farther than others; return how many stay.

   Sums of squares are off by a part of themselves, scores by one of the squares of the
   sample. Plain sums, in which all terms wait for each other, are few then. The limit
   allows for the roundings of both kinds of sums: the nearest by plain sums stays. */
INLINE int NAME(strike_off)(
    const int n_nearest, const REAL *restrict sample, ptrdiff_t n_features,
    const REAL *restrict rows, ptrdiff_t *places, ptrdiff_t *candidates, int n)
{
    REAL squared[MOST_CANDIDATES];
    REAL best = HUGEST, runner_up = HUGEST;
    for (int k = 0; k < n; k++) {
        const REAL own = squared[k] = NAME(rough_distance)(
            sample, rows + candidates[k] * n_features, n_features);
        const REAL loser = own < best ? best : own;
        best = own < best ? own : best;
        runner_up = loser < runner_up ? loser : runner_up;
    }
    const REAL roundings = NAME(n_roundings)(n_features) + (REAL)(n_features / LANES) / 4
                           + (REAL)(5 * LANES);
    const REAL limit = (n_nearest == 1 ? best : runner_up) * (1 + 4 * roundings * ROUNDOFF);
    int n_left = 0;
    for (int k = 0; k < n; k++) {
        places[n_left] = places[k];
        candidates[n_left] = candidates[k];
        n_left += squared[k] <= limit;
    }
    return n_left;
}

/* The nearest one or two of some units by plain sums, and the squared distances.

   The same sums and the same rule for ties (the lowest unit) as in nearest_two, so it
   does not matter in which order candidates come. A single candidate is the winner
   without a sum, where no distance is wanted.

   `places` says where in the codebook the units are, `rows` has their weights unit by
   unit. `squared` may be NULL, and `rows`, too. */
INLINE void NAME(measure)(
    const int n_nearest, const REAL *restrict sample, ptrdiff_t n_features,
    const REAL *restrict codebook, ptrdiff_t stride, const REAL *restrict rows,
    ptrdiff_t *places, ptrdiff_t *candidates, int n, ptrdiff_t *restrict nearest,
    REAL *restrict squared)
{
    if (rows && n > n_nearest && n_features >= FEATURES_FOR_ROWS)
        n = NAME(strike_off)(n_nearest, sample, n_features, rows, places, candidates, n);
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

   They are written for a row; `squared` may be NULL. Return the bit of the row, or 0 if
   they are too many to be measured one by one, or too few because the scores are not
   finite. */
INLINE uint32_t NAME(decide)(
    int row, const int n_nearest, const REAL *restrict sample, ptrdiff_t n_features,
    const REAL *restrict codebook, ptrdiff_t stride, ptrdiff_t n_units,
    const REAL *restrict rows, const REAL *restrict scores,
    const VECTOR *restrict lanes, REAL square, REAL limit, ptrdiff_t *restrict nearest,
    REAL *restrict squared)
{
    ptrdiff_t candidates[MOST_CANDIDATES];
    const REAL slack = NAME(slack_of)(n_features, square, limit);
    if (!(limit + slack < HUGEST))
        return 0;
    const int n = NAME(list_candidates)(
        2, scores, lanes, n_units, limit + slack, candidates);
    if (n < n_nearest)
        return 0;
    NAME(measure)(n_nearest, sample, n_features, codebook, stride, rows, candidates,
                  candidates, n, nearest + row * n_nearest,
                  squared ? squared + row * n_nearest : NULL);
    return (uint32_t)1 << row;
}

/* The score of a unit from its squared distance, the inverse of what screen_one does:
   for the few nodes that have moved since the others were scored. Distances are as close
   to the truth as scores, so the bound of slack_of holds. */
TARGET static void NAME(renew_scores)(
    const void *sample, ptrdiff_t n_features, const int *units, ptrdiff_t n,
    const void *squared, void *scores)
{
    const REAL square = NAME(square_of)(sample, n_features);
    for (ptrdiff_t k = 0; k < n; k++)
        ((REAL *)scores)[units[k]] = (((const REAL *)squared)[k] - square) / 2;
}

/* See _kernels.h. Where two candidates are left whose scores are farther apart than the
   slack, scores tell which is nearer, and plain sums would tell the same. The distance
   decides whether a sample is novel: unless it is clearly below `bound` it is measured
   plainly. Nothing else of the result depends on it. */
TARGET static int NAME(screen_one)(
    const void *sample, const void *next, int scored, ptrdiff_t n_features,
    const void *codebook, ptrdiff_t stride, ptrdiff_t n_units, double bound,
    void *scores_of_units, ptrdiff_t *nearest, void *squared_distance)
{
    const REAL *rows[2] = {sample, next};
    REAL *scores = scores_of_units, *squared = squared_distance;
    REAL squares[2], limits[2], limit;
    VECTOR lanes[8];
    ptrdiff_t candidates[MOST_CANDIDATES];
    if (scored) {
        squares[0] = NAME(square_of)(sample, n_features);
        for (int part = 0; part < 4; part++)
            lanes[part] = FILL(HUGEST);
        for (ptrdiff_t unit = 0; unit < n_units; unit += 4 * LANES)
            for (int part = 0; part < 4; part++)
                lanes[part] = SMALLER(LOAD(scores + unit + part * LANES), lanes[part]);
    } else if (next) /* a codebook that is not in the nearest cache is read once for both */
        NAME(score)(2, 4, 1, rows, n_features, codebook, stride, n_units, scores, lanes,
                    squares, limits);
    else
        NAME(score)(1, 4, 1, rows, n_features, codebook, stride, n_units, scores, lanes,
                    squares, limits);
    /* The lanes share out the units, so the second smallest of the lanes will do: it is
       not less than the second smallest score, and seldom more. */
    const REAL square = squares[0];
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
    NAME(measure)(2, sample, n_features, codebook, stride, NULL, candidates, candidates,
                  n, nearest, both);
    *squared = both[0];
    return 1;
}

/* See `screen`: samples four at a time, the whole codebook for each four. */
INLINE uint32_t NAME(screen_by_four)(
    const int n_nearest, const REAL *restrict samples,
    int n_samples, ptrdiff_t n_features, const REAL *restrict codebook, ptrdiff_t stride,
    ptrdiff_t n_units, const REAL *restrict rows_of_units, REAL *restrict scores,
    ptrdiff_t *restrict nearest, REAL *restrict squared)
{
    uint32_t decided = 0;
    for (int first = 0; first < n_samples; first += 4) {
        const int n = n_samples - first < 4 ? n_samples - first : 4;
        const REAL *rows[4];
        VECTOR lanes[4 * 2];
        REAL square[4], limit[4];
        for (int row = 0; row < 4; row++) /* the last one again where there is no more */
            rows[row] = samples + (first + (row < n ? row : n - 1)) * n_features;
        NAME(score)(4, 2, n_nearest, rows, n_features, codebook, stride, n_units,
                    scores, lanes, square, limit);
        for (int row = 0; row < n; row++)
            decided |= NAME(decide)(
                first + row, n_nearest, rows[row], n_features, codebook, stride, n_units,
                rows_of_units, scores + row * stride, lanes + row * 2, square[row],
                limit[row], nearest, squared);
    }
    return decided;
}

/* Add the next features to the scores of ROWS_IN_BLOCK samples with 2 * LANES units.

   The sum of a block of features begins at 0 and is added to the score as a whole, as in
   `score`. */
INLINE void NAME(add_block)(
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

/* See `screen`: for many features.

   Loops: blocks of 64 features, 2 * LANES units, samples. The 64 x 2 * LANES weights of
   a block stay in the nearest cache while all SCREENED samples come by; scores are
   stored between blocks, (sample, unit) with the stride of the codebook. */
INLINE uint32_t NAME(screen_in_blocks)(
    int n_nearest, const REAL *restrict samples, int n_samples,
    ptrdiff_t n_features, const REAL *restrict codebook, ptrdiff_t stride,
    ptrdiff_t n_units, const REAL *restrict rows_of_units, REAL *restrict scores,
    ptrdiff_t *restrict nearest, REAL *restrict squared)
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
        decided |= NAME(decide)(
            row, n_nearest, rows[row], n_features, codebook, stride, n_units,
            rows_of_units, own, least,
            NAME(square_of)(rows[row], n_features), limit, nearest, squared);
    }
    return decided;
}

TARGET static uint32_t NAME(screen)(
    const void *samples, int n_samples, ptrdiff_t n_features, const void *codebook,
    ptrdiff_t stride, ptrdiff_t n_units, const void *rows, int n_nearest, void *scores,
    ptrdiff_t *nearest, void *squared)
{
    if (n_features > FEATURES_AT_A_TIME)
        return NAME(screen_in_blocks)(n_nearest, samples, n_samples, n_features, codebook,
                                      stride, n_units, rows, scores, nearest, squared);
    return n_nearest == 1 /* a constant to the compiler */
               ? NAME(screen_by_four)(1, samples, n_samples, n_features, codebook, stride,
                                      n_units, rows, scores, nearest, squared)
               : NAME(screen_by_four)(2, samples, n_samples, n_features, codebook, stride,
                                      n_units, rows, scores, nearest, squared);
}
