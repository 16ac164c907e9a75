/* SPDX-License-Identifier: BSD-3-Clause */
/* Included by _vectors_typed.h, for double: the most probable of some normals.

   Sixteen rows are measured side by side, each by its own sums in the order of the
   features, so that the result does not depend on the width of the vectors. */

#if !HAVE_VECTORS
#undef LANES
#define LANES 1
#undef CHOOSE
#define CHOOSE(condition, yes, no) ((condition) ? (yes) : (no))
typedef double VECTOR;
typedef double NAME(unaligned_vector);
typedef int MASK;
#endif

#define STEPS (ABREAST_ROWS / LANES) /* vectors of a feature */

/* Squared Mahalanobis distances of 16 rows: the squares of rows of `factor` times the
   differences, from the diagonal on, or of its one row where it is diagonal. */
INLINE void NAME(squared_lengths)(
    const int full, const double *restrict apart, ptrdiff_t n_features,
    const double *restrict factor, VECTOR *totals)
{
    for (int step = 0; step < STEPS; step++)
        totals[step] = FILL(0);
    for (ptrdiff_t row = 0; row < n_features; row++) {
        const ptrdiff_t end = full ? n_features : row + 1;
        VECTOR along[STEPS];
        for (int step = 0; step < STEPS; step++)
            along[step] = FILL(0);
        for (ptrdiff_t feature = row; feature < end; feature++) {
            const VECTOR weight = FILL(factor[feature]);
            const double *values = apart + feature * ABREAST_ROWS;
            for (int step = 0; step < STEPS; step++)
                along[step] += weight * LOAD(values + step * LANES);
        }
        for (int step = 0; step < STEPS; step++)
            totals[step] += along[step] * along[step];
        factor += full ? n_features : 0;
    }
}

TARGET static void NAME(most_probable)(
    const double *columns, ptrdiff_t n_features, ptrdiff_t n_normals, int full,
    const double *means, const double *factors, const double *constants, double *apart,
    int *numbers)
{
    VECTOR highest[STEPS], best[STEPS], squared[STEPS];
    for (int step = 0; step < STEPS; step++) {
        highest[step] = FILL(-HUGEST);
        best[step] = FILL(-1);
    }
    for (ptrdiff_t normal = 0; normal < n_normals; normal++) {
        for (ptrdiff_t feature = 0; feature < n_features; feature++)
            for (int step = 0; step < STEPS; step++) {
                const ptrdiff_t place = feature * ABREAST_ROWS + step * LANES;
                STORE(apart + place) = LOAD(columns + place) - FILL(means[feature]);
            }
        if (full)
            NAME(squared_lengths)(1, apart, n_features, factors, squared);
        else
            NAME(squared_lengths)(0, apart, n_features, factors, squared);
        for (int step = 0; step < STEPS; step++) {
            const VECTOR density = FILL(constants[normal]) - FILL(0.5) * squared[step];
            const MASK higher = density > highest[step];
            highest[step] = CHOOSE(higher, density, highest[step]);
            best[step] = CHOOSE(higher, FILL(normal), best[step]);
        }
        means += n_features;
        factors += full ? n_features * n_features : n_features;
    }
    for (int row = 0; row < ABREAST_ROWS; row++)
        numbers[row] = (int)((double *)best)[row];
}

#undef STEPS
