/* SPDX-License-Identifier: BSD-3-Clause */
/* Included by _vectors_typed.h: the few nodes of an evolving map that learn from a sample.

   Where features are many, their weights are also stored node by node, in rows padded
   with zeros to whole lines of the cache, so that a few instructions handle a node;
   row_length is 0 where there are no such rows. In single precision, sums over a row add
   up halves, quarters and so on of a line: other bits than those of squared_distance.
   That is the order for vectors of any width, and for none.

   Rows and codebook hold the same weights: rows[node * row_length + feature] and
   codebook[feature * stride + node]. A pull writes both, and half the squared length
   behind the features. GROUP nodes are handled side by side, so that their sums make one
   vector of 16 bytes and do not wait for each other. */

/* Halves, quarters and so on of n values, added. */
INLINE REAL NAME(sum_by_halves)(REAL *values, ptrdiff_t n)
{
    for (ptrdiff_t half = n / 2; half > 0; half /= 2)
        for (ptrdiff_t lane = 0; lane < half; lane++)
            values[lane] += values[lane + half];
    return values[0];
}

#if HAVE_VECTORS
typedef REAL NAME(group) __attribute__((vector_size(16), may_alias));
typedef BITS NAME(group_mask) __attribute__((vector_size(16), may_alias));
typedef NAME(group) NAME(unaligned_group) __attribute__((aligned(sizeof(REAL))));

/* Sums of the first and third, and of the second and fourth quarter of a line, added. */
INLINE NAME(group) NAME(fold)(const VECTOR *line)
{
#if WIDTH == 16
    return (line[0] + line[2]) + (line[1] + line[3]);
#else
    typedef REAL half_line __attribute__((vector_size(32)));
#if WIDTH == 32
    const half_line half = (half_line)line[0] + (half_line)line[1];
#else
    const half_line half = (half_line)_mm512_castpd512_pd256((__m512d)line[0])
                           + (half_line)_mm512_extractf64x4_pd((__m512d)line[0], 1);
#endif
    return (NAME(group))_mm256_castpd256_pd128((__m256d)half)
           + (NAME(group))_mm256_extractf128_pd((__m256d)half, 1);
#endif
}

/* The sum of each of the vectors. */
INLINE NAME(group) NAME(sums)(const NAME(group) *folded)
{
#if SINGLE
    const NAME(group) low = SHUFFLE(folded[0], folded[1], 0, 4, 1, 5)
                            + SHUFFLE(folded[0], folded[1], 2, 6, 3, 7);
    const NAME(group) high = SHUFFLE(folded[2], folded[3], 0, 4, 1, 5)
                             + SHUFFLE(folded[2], folded[3], 2, 6, 3, 7);
    return SHUFFLE(low, high, 0, 1, 4, 5) + SHUFFLE(low, high, 2, 3, 6, 7);
#else
    return SHUFFLE(folded[0], folded[1], 0, 2) + SHUFFLE(folded[0], folded[1], 1, 3);
#endif
}

/* The squares of the differences of a row and a sample, folded to 16 bytes. */
INLINE NAME(group) NAME(squares_of_difference)(
    const REAL *restrict sample, const REAL *restrict row, ptrdiff_t row_length)
{
    VECTOR total[LINE_PARTS] = {{0}};
    for (ptrdiff_t begin = 0; begin < row_length; begin += LINE)
        for (int part = 0; part < LINE_PARTS; part++) {
            const VECTOR difference =
                LOAD(sample + begin + part * LANES) - LOAD(row + begin + part * LANES);
            total[part] += difference * difference;
        }
    return NAME(fold)(total);
}

INLINE void NAME(measure_group)(
    const REAL *restrict sample, const REAL *restrict rows, ptrdiff_t row_length,
    const int *restrict members, REAL *restrict squared)
{
    NAME(group) folded[GROUP];
    for (ptrdiff_t k = 0; k < GROUP; k++)
        folded[k] = NAME(squares_of_difference)(
            sample, rows + members[k] * row_length, row_length);
    *(NAME(unaligned_group) *)squared = NAME(sums)(folded);
}

/* Pull a row to the sample; return its squares, folded. */
INLINE NAME(group) NAME(pull_row)(
    const REAL *restrict sample, REAL share, REAL *restrict row, ptrdiff_t row_length)
{
    VECTOR total[LINE_PARTS] = {{0}};
    for (ptrdiff_t begin = 0; begin < row_length; begin += LINE)
        for (int part = 0; part < LINE_PARTS; part++) {
            REAL *place = row + begin + part * LANES;
            const VECTOR old = LOAD(place);
            const VECTOR moved =
                old + share * (LOAD(sample + begin + part * LANES) - old);
            STORE(place) = moved;
            total[part] += moved * moved;
        }
    return NAME(fold)(total);
}

/* Pull GROUP nodes: first their rows, then feature by feature their places in the
   codebook. A node that fills up the list a second time has the activation 0, and stays
   where it is. */
INLINE void NAME(pull_group)(
    const REAL *restrict sample, ptrdiff_t n_features, REAL *restrict rows,
    ptrdiff_t row_length, REAL *restrict codebook, ptrdiff_t stride,
    const int *restrict members, REAL step, const REAL *restrict activation)
{
    NAME(group) folded[GROUP];
    const REAL *moved[GROUP];
    for (ptrdiff_t k = 0; k < GROUP; k++) {
        REAL *row = rows + members[k] * row_length;
        folded[k] = NAME(pull_row)(sample, activation[k] * step, row, row_length);
        moved[k] = row;
    }
    for (ptrdiff_t feature = 0; feature < n_features; feature++) {
        for (ptrdiff_t k = 0; k < GROUP; k++)
            codebook[members[k]] = moved[k][feature];
        codebook += stride;
    }
    const NAME(group) half_squares = NAME(sums)(folded) / 2;
    for (ptrdiff_t k = 0; k < GROUP; k++)
        codebook[members[k]] = half_squares[k];
}

#else

INLINE void NAME(measure_group)(
    const REAL *restrict sample, const REAL *restrict rows, ptrdiff_t row_length,
    const int *restrict members, REAL *restrict squared)
{
    for (ptrdiff_t k = 0; k < GROUP; k++) {
        const REAL *row = rows + members[k] * row_length;
        REAL total[LINE] = {0};
        for (ptrdiff_t i = 0; i < row_length; i++)
            total[i % LINE] += (sample[i] - row[i]) * (sample[i] - row[i]);
        squared[k] = NAME(sum_by_halves)(total, LINE);
    }
}

INLINE void NAME(pull_group)(
    const REAL *restrict sample, ptrdiff_t n_features, REAL *restrict rows,
    ptrdiff_t row_length, REAL *restrict codebook, ptrdiff_t stride,
    const int *restrict members, REAL step, const REAL *restrict activation)
{
    for (ptrdiff_t k = 0; k < GROUP; k++) {
        REAL *row = rows + members[k] * row_length;
        REAL *weight = codebook + members[k];
        REAL square = 0;
        for (ptrdiff_t i = 0; i < n_features; i++) {
            row[i] += activation[k] * step * (sample[i] - row[i]);
            square += row[i] * row[i];
            *weight = row[i];
            weight += stride;
        }
        *weight = square / 2;
    }
}
#endif

TARGET static void NAME(measure_members)(
    const void *sample, ptrdiff_t n_features, const void *rows, ptrdiff_t row_length,
    const void *codebook, ptrdiff_t stride, int *members, ptrdiff_t n_members,
    void *squared_distances)
{
    REAL *squared = squared_distances;
    for (ptrdiff_t k = 0; k < GROUP - 1; k++)
        members[n_members + k] = members[n_members - 1];
    if (row_length == 0)
        for (ptrdiff_t k = 0; k < n_members; k++)
            squared[k] = NAME(squared_distance)(sample, n_features, codebook, stride,
                                                members[k]);
    else if (!SINGLE)
        for (ptrdiff_t k = 0; k < n_members; k++)
            squared[k] = NAME(squared_distance)(
                sample, n_features, (const REAL *)rows + members[k] * row_length, 1, 0);
    else if (row_length == LINE) /* a constant to the compiler */
        for (ptrdiff_t k = 0; k < n_members; k += GROUP)
            NAME(measure_group)(sample, rows, LINE, members + k, squared + k);
    else
        for (ptrdiff_t k = 0; k < n_members; k += GROUP)
            NAME(measure_group)(sample, rows, row_length, members + k, squared + k);
}

TARGET static void NAME(pull_members)(
    const void *sample_of_reals, ptrdiff_t n_features, void *rows, ptrdiff_t row_length,
    void *codebook, ptrdiff_t stride, const int *members, ptrdiff_t n_members,
    double step, const void *activations)
{
    const REAL *sample = sample_of_reals, *activation = activations;
    for (ptrdiff_t k = 0; row_length == LINE && k < n_members; k += GROUP)
        NAME(pull_group)(sample, n_features, rows, LINE, codebook, stride, members + k,
                         (REAL)step, activation + k); /* LINE: see measure_members */
    for (ptrdiff_t k = 0; row_length > LINE && k < n_members; k += GROUP)
        NAME(pull_group)(sample, n_features, rows, row_length, codebook, stride,
                         members + k, (REAL)step, activation + k);
    for (ptrdiff_t k = 0; row_length == 0 && k < n_members; k++) {
        REAL *weight = (REAL *)codebook + members[k];
        const REAL share = activation[k] * (REAL)step;
        double square = 0;
        for (ptrdiff_t feature = 0; feature < n_features; feature++) {
            const REAL moved = *weight + share * (sample[feature] - *weight);
            square += moved * moved;
            *weight = moved;
            weight += stride;
        }
        *weight = (REAL)(square / 2);
    }
}

#if SINGLE
/* exp(x) for -87 <= x <= 0, with a relative error below 2e-7: x = m log 2 + r, and the
   Taylor polynomial of exp(r) for |r| < 0.35. */
INLINE float NAME(exp)(float x)
{
    const int32_t m = (int32_t)(x * 1.44269504f - 0.5f);
    const float whole = (float)m;
    const float r = (x - whole * 0.693359375f) + whole * 2.12194440e-4f;
    const float square = r * r; /* pairs of terms, so that few wait */
    const float low = (1.0f + r) + square * (0.5f + r * (1.0f / 6));
    const float high = (1.0f / 24 + r * (1.0f / 120))
                       + square * (1.0f / 720 + r * (1.0f / 5040));
    const int32_t bits = (m + 127) << 23;
    float power;
    memcpy(&power, &bits, sizeof(power));
    return (low + square * square * high) * power;
}
#else
INLINE double NAME(exp)(double x)
{
    return exponential(x);
}
#endif

/* Sixteen sums, whatever the width of the vectors: the same bits on all processors. */
TARGET static double NAME(activate)(
    const void *squared, ptrdiff_t n, double factor, void *activation)
{
    const REAL scale = (REAL)(factor < -HUGEST ? -HUGEST : factor);
    const REAL least = SINGLE ? -87 : -708;
    REAL total[16] = {0};
    for (ptrdiff_t first = 0; first < n; first += 16) {
        const REAL *restrict distances = (const REAL *)squared + first;
        REAL *restrict activations = (REAL *)activation + first;
        for (int lane = 0; lane < 16; lane++) {
            const REAL distance = distances[lane];
            const REAL x = scale * (distance < HUGEST ? distance : HUGEST);
            const int underflow = x < least || lane >= n - first;
            const REAL value = NAME(exp)(underflow ? 0 : x);
            activations[lane] = underflow ? 0 : value;
            total[lane] += activations[lane];
        }
    }
    return NAME(sum_by_halves)(total, 16);
}
