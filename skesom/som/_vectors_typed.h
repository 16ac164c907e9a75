/* SPDX-License-Identifier: BSD-3-Clause */
/* Included by _vectors.h for each width of vectors: for float, then for double. */

#if SINGLE
#define REAL float
#define BITS int32_t
#define SUFFIX ps
#else
#define REAL double
#define BITS int64_t
#define SUFFIX pd
#endif

/* Plain sums, and the only ones that decide who is nearer.

   Features in their order, in blocks of 64 whose sums are added in theirs; nothing is
   contracted to a fused operation (-ffp-contract=off). nearest_two adds up the same
   terms in the same order, one unit in each lane. The codebook is feature-major with the
   stride of the padded units; stride 1 and unit 0 read a row that holds one unit. */
INLINE REAL NAME(squared_distance)(
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

typedef REAL VECTOR __attribute__((vector_size(WIDTH), may_alias));
typedef VECTOR NAME(unaligned_vector) __attribute__((aligned(sizeof(REAL))));
typedef BITS MASK __attribute__((vector_size(WIDTH), may_alias));

/* c - a * b, the smaller and the larger of two vectors, roots, and bits of the lanes of a
   that are at most b, as this processor has them. No result depends on whether a product
   is rounded before it is subtracted. */
#if WIDTH == 16
#define SMALLER(a, b) CHOOSE((a) < (b), a, b)
#define LARGER(a, b) CHOOSE((a) > (b), a, b)
#define LESS_PRODUCT(c, a, b) ((c) - (a) * (b))

INLINE VECTOR NAME(square_root)(VECTOR a)
{
    for (ptrdiff_t lane = 0; lane < LANES; lane++)
        a[lane] = ROOT(a[lane]);
    return a;
}

INLINE unsigned NAME(lanes_at_most)(VECTOR a, REAL b)
{
    unsigned found = 0;
    for (ptrdiff_t lane = 0; lane < LANES; lane++)
        found |= (unsigned)(a[lane] <= b) << lane;
    return found;
}
#else
#define INTRINSIC(name) PASTE(PREFIX, name, SUFFIX)
#define SMALLER(a, b) ((VECTOR)INTRINSIC(min)((REGISTER)(a), (REGISTER)(b)))
#define LARGER(a, b) ((VECTOR)INTRINSIC(max)((REGISTER)(a), (REGISTER)(b)))
#define LESS_PRODUCT(c, a, b) \
    ((VECTOR)INTRINSIC(fnmadd)((REGISTER)(a), (REGISTER)(b), (REGISTER)(c)))
#define REGISTER __typeof__(INTRINSIC(setzero)())
#if WIDTH == 64
#define PREFIX _mm512
#define COMPARE PASTE(_mm512_cmp, SUFFIX, mask)
#else
#define PREFIX _mm256
#define COMPARE(a, b, how) INTRINSIC(movemask)(INTRINSIC(cmp)(a, b, how))
#endif

INLINE VECTOR NAME(square_root)(VECTOR a)
{
    return (VECTOR)INTRINSIC(sqrt)((REGISTER)a);
}

INLINE unsigned NAME(lanes_at_most)(VECTOR a, REAL b)
{
    return (unsigned)COMPARE((REGISTER)a, (REGISTER)FILL(b), _CMP_LE_OQ);
}
#endif

#include "_search.h"
#include "_search_patches.h"
#include "_members.h"

static const Vectors NAME(vectors) = {
    NAME(nearest_two), NAME(screen_one), NAME(renew_scores), NAME(screen),
    NAME(screen_patches), NAME(measure_members), NAME(pull_members), NAME(activate),
};

#undef SMALLER
#undef LARGER
#undef LESS_PRODUCT
#undef PREFIX
#undef COMPARE

#else
#include "_search_plain.h"
#include "_members.h"

static const Vectors NAME(vectors) = {
    NAME(nearest_two),     NULL, NULL, NULL, NULL,
    NAME(measure_members), NAME(pull_members), NAME(activate),
};
#endif

#undef SINGLE
#undef REAL
#undef BITS
#undef SUFFIX
