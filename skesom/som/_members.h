/* SPDX-License-Identifier: BSD-3-Clause */
/* Included by _distances_widths.h for each width of vectors, for float and for double.

   The few nodes that learn from a sample. Where features are many, their weights are also
   stored node by node, in rows padded with zeros to whole lines of the cache, so that a
   few instructions handle a node; row_length is 0 where there are no such rows. Squared
   distances are added up in the order of squared_distance: the same bits. */

#define LINE ((ptrdiff_t)(64 / sizeof(REAL)))

/* A step n times, without a loop whose end is hard to guess where n is small. */
#define REPEAT(n, step) \
    do { \
        ptrdiff_t left = (n); \
        for (; left >= 8; left -= 8) { step step step step step step step step } \
        switch (left) { \
        case 7: step /* fall through */ \
        case 6: step /* fall through */ \
        case 5: step /* fall through */ \
        case 4: step /* fall through */ \
        case 3: step /* fall through */ \
        case 2: step /* fall through */ \
        case 1: step \
        } \
    } while (0)

#if HAVE_VECTORS
#define LANES ((ptrdiff_t)(WIDTH / sizeof(REAL)))
#define LOAD(address) (*(const NAME(unaligned_vector) *)(address))
#define STORE(address) (*(NAME(unaligned_vector) *)(address))

static ALWAYS_INLINE void NAME(square_differences)(
    const REAL *sample, const REAL *row, REAL *restrict squares)
{
    for (ptrdiff_t lane = 0; lane < LINE; lane += LANES) {
        const NAME(vector) difference = LOAD(sample + lane) - LOAD(row + lane);
        STORE(squares + lane) = difference * difference;
    }
}

static ALWAYS_INLINE void NAME(pull_line)(
    const REAL *restrict sample, REAL share, REAL *restrict row)
{
    for (ptrdiff_t lane = 0; lane < LINE; lane += LANES) {
        const NAME(vector) old = LOAD(row + lane);
        STORE(row + lane) = old + share * (LOAD(sample + lane) - old);
    }
}

#undef LANES
#undef LOAD
#undef STORE

#else

static void NAME(square_differences)(
    const REAL *sample, const REAL *row, REAL *restrict squares)
{
    for (ptrdiff_t lane = 0; lane < LINE; lane++)
        squares[lane] = (sample[lane] - row[lane]) * (sample[lane] - row[lane]);
}

static void NAME(pull_line)(const REAL *restrict sample, REAL share, REAL *restrict row)
{
    for (ptrdiff_t lane = 0; lane < LINE; lane++)
        row[lane] = row[lane] + share * (sample[lane] - row[lane]);
}

#endif

static ALWAYS_INLINE REAL NAME(distance_to_row)(
    const REAL *restrict sample, ptrdiff_t n_features, const REAL *restrict row)
{
    REAL total = 0;
    for (ptrdiff_t first = 0; first < n_features; first += FEATURES_AT_A_TIME) {
        REAL squares[FEATURES_AT_A_TIME];
        const ptrdiff_t n = BLOCK_END(first, n_features) - first;
        for (ptrdiff_t begin = 0; begin < n; begin += LINE)
            NAME(square_differences)(sample + first + begin, row + first + begin,
                                     squares + begin);
        const REAL *square = squares;
        REAL sum = 0;
        REPEAT(n, sum += *square++;);
        total += sum;
    }
    return total;
}

/* Squared distances of a sample to the listed nodes.

   With rows, zeros follow the sample up to row_length. */
MAYBE_UNUSED static void NAME(measure_members)(
    const REAL *restrict sample, ptrdiff_t n_features, const REAL *restrict rows,
    ptrdiff_t row_length, const REAL *restrict codebook, ptrdiff_t stride,
    const int *restrict members, ptrdiff_t n_members, REAL *restrict squared)
{
    for (ptrdiff_t k = 0; k < n_members; k++)
        squared[k] = row_length > 0
                         ? NAME(distance_to_row)(sample, n_features,
                                                 rows + members[k] * row_length)
                         : NAME(squared_distance)(sample, n_features, codebook, stride,
                                                  members[k]);
}

/* Pull the listed nodes to the sample, each by step times its activation.

   Rows, codebook and half the squared lengths change. */
MAYBE_UNUSED static void NAME(pull_members)(
    const REAL *restrict sample, ptrdiff_t n_features, REAL *restrict rows,
    ptrdiff_t row_length, REAL *restrict codebook, ptrdiff_t stride,
    const int *restrict members, ptrdiff_t n_members, REAL step,
    const REAL *restrict activation)
{
    for (ptrdiff_t k = 0; k < n_members; k++) {
        REAL *restrict weight = codebook + members[k];
        const REAL share = activation[k] * step;
        double square = 0;
        if (row_length == 0) {
            for (ptrdiff_t feature = 0; feature < n_features; feature++) {
                const REAL moved = *weight + share * (sample[feature] - *weight);
                square += moved * moved;
                *weight = moved;
                weight += stride;
            }
        } else {
            REAL *restrict row = rows + members[k] * row_length;
            for (ptrdiff_t begin = 0; begin < n_features; begin += LINE)
                NAME(pull_line)(sample + begin, share, row + begin);
            for (ptrdiff_t first = 0; first < n_features; first += FEATURES_AT_A_TIME) {
                const REAL *moved = row + first;
                REAL sum = 0;
                REPEAT(BLOCK_END(first, n_features) - first,
                       *weight = *moved; weight += stride; sum += *moved * *moved;
                       moved++;);
                square += sum;
            }
        }
        *weight = (REAL)(square / 2);
    }
}

#undef LINE
#undef REPEAT
