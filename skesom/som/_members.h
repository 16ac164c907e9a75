/* SPDX-License-Identifier: BSD-3-Clause */
/* Included by _distances_widths.h for each width of vectors, for float and for double.

   The few nodes that learn from a sample. Where features are many, their weights are also
   stored node by node, in rows padded with zeros to whole lines of the cache, so that a
   few instructions handle a node; row_length is 0 where there are no such rows. Sums over
   such a row add up halves, quarters and so on of a line: the same bits for any width of
   vectors, but others than those of squared_distance. In double precision distances are
   added up as there. */

#define LINE ((ptrdiff_t)(64 / sizeof(REAL)))
#define GROUP ((ptrdiff_t)(16 / sizeof(REAL))) /* nodes handled together */

#if HAVE_VECTORS
#define LANES ((ptrdiff_t)(WIDTH / sizeof(REAL)))
#define PARTS (64 / WIDTH)
#define LOAD(address) (*(const NAME(unaligned_vector) *)(address))
#define STORE(address) (*(NAME(unaligned_vector) *)(address))

typedef REAL NAME(group) __attribute__((vector_size(16), may_alias));
typedef BITS NAME(group_mask) __attribute__((vector_size(16), may_alias));
typedef NAME(group) NAME(unaligned_group) __attribute__((aligned(sizeof(REAL))));

/* Sums of the first and third, and of the second and fourth quarter of a line, added. */
static ALWAYS_INLINE NAME(group) NAME(fold)(const NAME(vector) *line)
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
static ALWAYS_INLINE NAME(group) NAME(sums)(const NAME(group) *folded)
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

#if SINGLE
static ALWAYS_INLINE NAME(group) NAME(squares_of_difference)(
    const REAL *restrict sample, const REAL *restrict row, ptrdiff_t row_length)
{
    NAME(vector) total[PARTS];
    for (int part = 0; part < PARTS; part++) {
        const NAME(vector) difference =
            LOAD(sample + part * LANES) - LOAD(row + part * LANES);
        total[part] = difference * difference;
    }
    for (ptrdiff_t begin = LINE; begin < row_length; begin += LINE)
        for (int part = 0; part < PARTS; part++) {
            const NAME(vector) difference =
                LOAD(sample + begin + part * LANES) - LOAD(row + begin + part * LANES);
            total[part] += difference * difference;
        }
    return NAME(fold)(total);
}

static ALWAYS_INLINE void NAME(measure_group)(
    const REAL *restrict sample, const REAL *restrict rows, ptrdiff_t row_length,
    const int *restrict members, REAL *restrict squared)
{
    NAME(group) folded[GROUP];
    UNROLL
    for (ptrdiff_t k = 0; k < GROUP; k++)
        folded[k] = NAME(squares_of_difference)(
            sample, rows + members[k] * row_length, row_length);
    *(NAME(unaligned_group) *)squared = NAME(sums)(folded);
}
#endif

/* Pull a row to the sample; return its squares, folded. */
static ALWAYS_INLINE NAME(group) NAME(pull_row)(
    const REAL *restrict sample, REAL share, REAL *restrict row, ptrdiff_t row_length)
{
    NAME(vector) total[PARTS];
    for (ptrdiff_t begin = 0; begin < row_length; begin += LINE)
        for (int part = 0; part < PARTS; part++) {
            REAL *place = row + begin + part * LANES;
            const NAME(vector) old = LOAD(place);
            const NAME(vector) moved =
                old + share * (LOAD(sample + begin + part * LANES) - old);
            STORE(place) = moved;
            total[part] = begin == 0 ? moved * moved : total[part] + moved * moved;
        }
    return NAME(fold)(total);
}

static ALWAYS_INLINE void NAME(pull_group)(
    const REAL *restrict sample, ptrdiff_t n_features, REAL *restrict rows,
    ptrdiff_t row_length, REAL *restrict codebook, ptrdiff_t stride,
    const int *restrict members, REAL step, const REAL *restrict activation)
{
    NAME(group) folded[GROUP];
    const REAL *moved[GROUP];
    UNROLL
    for (ptrdiff_t k = 0; k < GROUP; k++) {
        REAL *row = rows + members[k] * row_length;
        folded[k] = NAME(pull_row)(sample, activation[k] * step, row, row_length);
        moved[k] = row;
    }
    for (ptrdiff_t feature = 0; feature < n_features; feature++) {
        UNROLL
        for (ptrdiff_t k = 0; k < GROUP; k++)
            codebook[members[k]] = moved[k][feature];
        codebook += stride;
    }
    const NAME(group) half_squares = NAME(sums)(folded) / 2;
    for (ptrdiff_t k = 0; k < GROUP; k++)
        codebook[members[k]] = half_squares[k];
}

#undef LANES
#undef PARTS
#undef LOAD
#undef STORE

#else

static REAL NAME(sum_of_line)(REAL *line)
{
    for (ptrdiff_t half = LINE / 2; half > 0; half /= 2)
        for (ptrdiff_t lane = 0; lane < half; lane++)
            line[lane] += line[lane + half];
    return line[0];
}

#if SINGLE
static void NAME(measure_group)(
    const REAL *restrict sample, const REAL *restrict rows, ptrdiff_t row_length,
    const int *restrict members, REAL *restrict squared)
{
    for (ptrdiff_t k = 0; k < GROUP; k++) {
        const REAL *row = rows + members[k] * row_length;
        REAL total[LINE] = {0};
        for (ptrdiff_t i = 0; i < row_length; i++)
            total[i % LINE] += (sample[i] - row[i]) * (sample[i] - row[i]);
        squared[k] = NAME(sum_of_line)(total);
    }
}
#endif

static void NAME(pull_group)(
    const REAL *restrict sample, ptrdiff_t n_features, REAL *restrict rows,
    ptrdiff_t row_length, REAL *restrict codebook, ptrdiff_t stride,
    const int *restrict members, REAL step, const REAL *restrict activation)
{
    for (ptrdiff_t k = 0; k < GROUP; k++) {
        REAL *row = rows + members[k] * row_length;
        REAL *weight = codebook + members[k];
        REAL total[LINE] = {0};
        for (ptrdiff_t i = 0; i < n_features; i++) {
            row[i] += activation[k] * step * (sample[i] - row[i]);
            total[i % LINE] += row[i] * row[i];
            *weight = row[i];
            weight += stride;
        }
        *weight = NAME(sum_of_line)(total) / 2;
    }
}

#endif

/* Squared distances of a sample to the listed nodes.

   With rows, zeros follow the sample up to row_length, and the list and the distances are
   set up to the next multiple of GROUP. */
MAYBE_UNUSED static void NAME(measure_members)(
    const REAL *restrict sample, ptrdiff_t n_features, const REAL *restrict rows,
    ptrdiff_t row_length, const REAL *restrict codebook, ptrdiff_t stride,
    int *restrict members, ptrdiff_t n_members, REAL *restrict squared)
{
    if (row_length == 0) {
        for (ptrdiff_t k = 0; k < n_members; k++)
            squared[k] = NAME(squared_distance)(sample, n_features, codebook, stride,
                                                members[k]);
        return;
    }
    for (ptrdiff_t k = 0; k < GROUP - 1; k++)
        members[n_members + k] = members[n_members - 1];
#if SINGLE
    if (row_length == LINE) /* a constant to the compiler */
        for (ptrdiff_t k = 0; k < n_members; k += GROUP)
            NAME(measure_group)(sample, rows, LINE, members + k, squared + k);
    else
        for (ptrdiff_t k = 0; k < n_members; k += GROUP)
            NAME(measure_group)(sample, rows, row_length, members + k, squared + k);
#else
    for (ptrdiff_t k = 0; k < n_members; k++)
        squared[k] = NAME(squared_distance)(sample, n_features,
                                            rows + members[k] * row_length, 1, 0);
#endif
}

/* Pull the listed nodes to the sample, each by step times its activation.

   Rows, codebook and half the squared lengths change. With rows, the activations are
   followed by zeros and the list by its last node, up to the next multiple of GROUP. */
MAYBE_UNUSED static void NAME(pull_members)(
    const REAL *restrict sample, ptrdiff_t n_features, REAL *restrict rows,
    ptrdiff_t row_length, REAL *restrict codebook, ptrdiff_t stride,
    const int *restrict members, ptrdiff_t n_members, REAL step,
    const REAL *restrict activation)
{
    if (row_length > 0) {
        if (row_length == LINE) /* a constant to the compiler */
            for (ptrdiff_t k = 0; k < n_members; k += GROUP)
                NAME(pull_group)(sample, n_features, rows, LINE, codebook, stride,
                                 members + k, step, activation + k);
        else
            for (ptrdiff_t k = 0; k < n_members; k += GROUP)
                NAME(pull_group)(sample, n_features, rows, row_length, codebook, stride,
                                 members + k, step, activation + k);
        return;
    }
    for (ptrdiff_t k = 0; k < n_members; k++) {
        REAL *restrict weight = codebook + members[k];
        const REAL share = activation[k] * step;
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

#undef LINE
#undef GROUP
