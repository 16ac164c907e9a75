/* SPDX-License-Identifier: BSD-3-Clause */
/* Included by _distances.h once for each width of vectors: float, then double. */

#if WIDTH == 64
#define SMALLER_float(a, b) ((VECTOR)_mm512_min_ps((__m512)(a), (__m512)(b)))
#define LARGER_float(a, b) ((VECTOR)_mm512_max_ps((__m512)(a), (__m512)(b)))
#define LESS_PRODUCT_float(c, a, b) \
    ((VECTOR)_mm512_fnmadd_ps((__m512)(a), (__m512)(b), (__m512)(c)))
#define LANES_AT_MOST_float(a, b) \
    ((unsigned)_mm512_cmp_ps_mask((__m512)(a), _mm512_set1_ps(b), _CMP_LE_OQ))
#define SMALLER_double(a, b) ((VECTOR)_mm512_min_pd((__m512d)(a), (__m512d)(b)))
#define LARGER_double(a, b) ((VECTOR)_mm512_max_pd((__m512d)(a), (__m512d)(b)))
#define LESS_PRODUCT_double(c, a, b) \
    ((VECTOR)_mm512_fnmadd_pd((__m512d)(a), (__m512d)(b), (__m512d)(c)))
#define LANES_AT_MOST_double(a, b) \
    ((unsigned)_mm512_cmp_pd_mask((__m512d)(a), _mm512_set1_pd(b), _CMP_LE_OQ))
#define SQUARE_ROOT_float(a) ((VECTOR)_mm512_sqrt_ps((__m512)(a)))
#define SQUARE_ROOT_double(a) ((VECTOR)_mm512_sqrt_pd((__m512d)(a)))
#elif WIDTH == 32
#define SQUARE_ROOT_float(a) ((VECTOR)_mm256_sqrt_ps((__m256)(a)))
#define SQUARE_ROOT_double(a) ((VECTOR)_mm256_sqrt_pd((__m256d)(a)))
#define SMALLER_float(a, b) ((VECTOR)_mm256_min_ps((__m256)(a), (__m256)(b)))
#define LARGER_float(a, b) ((VECTOR)_mm256_max_ps((__m256)(a), (__m256)(b)))
#define LESS_PRODUCT_float(c, a, b) \
    ((VECTOR)_mm256_fnmadd_ps((__m256)(a), (__m256)(b), (__m256)(c)))
#define LANES_AT_MOST_float(a, b) \
    ((unsigned)_mm256_movemask_ps( \
        _mm256_cmp_ps((__m256)(a), _mm256_set1_ps(b), _CMP_LE_OQ)))
#define SMALLER_double(a, b) ((VECTOR)_mm256_min_pd((__m256d)(a), (__m256d)(b)))
#define LARGER_double(a, b) ((VECTOR)_mm256_max_pd((__m256d)(a), (__m256d)(b)))
#define LESS_PRODUCT_double(c, a, b) \
    ((VECTOR)_mm256_fnmadd_pd((__m256d)(a), (__m256d)(b), (__m256d)(c)))
#define LANES_AT_MOST_double(a, b) \
    ((unsigned)_mm256_movemask_pd( \
        _mm256_cmp_pd((__m256d)(a), _mm256_set1_pd(b), _CMP_LE_OQ)))
#else
#define SMALLER_float(a, b) CHOOSE((a) < (b), a, b)
#define LARGER_float(a, b) CHOOSE((a) > (b), a, b)
#define LESS_PRODUCT_float(c, a, b) ((c) - (a) * (b))
#define SMALLER_double(a, b) CHOOSE((a) < (b), a, b)
#define LARGER_double(a, b) CHOOSE((a) > (b), a, b)
#define LESS_PRODUCT_double(c, a, b) ((c) - (a) * (b))
#define LANES_AT_MOST_float(a, b) \
    ((unsigned)(((a)[0] <= (b)) | ((a)[1] <= (b)) << 1 | ((a)[2] <= (b)) << 2 \
                | ((a)[3] <= (b)) << 3))
#define LANES_AT_MOST_double(a, b) ((unsigned)(((a)[0] <= (b)) | ((a)[1] <= (b)) << 1))
#define SQUARE_ROOT_float(a) \
    ((VECTOR){sqrtf((a)[0]), sqrtf((a)[1]), sqrtf((a)[2]), sqrtf((a)[3])})
#define SQUARE_ROOT_double(a) ((VECTOR){sqrt((a)[0]), sqrt((a)[1])})
#endif

#define REAL float
#define SINGLE 1
#define ROOT sqrtf
#define BITS int32_t
#define HUGEST FLT_MAX
#define ROUNDOFF ((float)FLT_EPSILON / 2)
#define SMALLER SMALLER_float
#define LARGER LARGER_float
#define LESS_PRODUCT LESS_PRODUCT_float
#define LANES_AT_MOST LANES_AT_MOST_float
#define SQUARE_ROOT SQUARE_ROOT_float
#include "_distances_typed.h"
#include "_members.h"
#include "_activation.h"
#undef REAL
#undef SINGLE
#undef BITS
#undef HUGEST
#undef ROUNDOFF
#undef SMALLER
#undef LARGER
#undef LESS_PRODUCT
#undef LANES_AT_MOST
#undef SQUARE_ROOT
#undef ROOT

#define REAL double
#define SINGLE 0
#define ROOT sqrt
#define BITS int64_t
#define HUGEST DBL_MAX
#define ROUNDOFF (DBL_EPSILON / 2)
#define SMALLER SMALLER_double
#define LARGER LARGER_double
#define LESS_PRODUCT LESS_PRODUCT_double
#define LANES_AT_MOST LANES_AT_MOST_double
#define SQUARE_ROOT SQUARE_ROOT_double
#include "_distances_typed.h"
#include "_members.h"
#undef REAL
#undef SINGLE
#undef BITS
#undef HUGEST
#undef ROUNDOFF
#undef SMALLER
#undef LARGER
#undef LESS_PRODUCT
#undef LANES_AT_MOST
#undef SQUARE_ROOT
#undef ROOT

#undef SMALLER_float
#undef LARGER_float
#undef LESS_PRODUCT_float
#undef LANES_AT_MOST_float
#undef SMALLER_double
#undef LARGER_double
#undef LESS_PRODUCT_double
#undef LANES_AT_MOST_double
#undef SQUARE_ROOT_float
#undef SQUARE_ROOT_double
