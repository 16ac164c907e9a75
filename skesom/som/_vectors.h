/* SPDX-License-Identifier: BSD-3-Clause */
/* The vector code for each type and instruction set, and the choice among them.

   GCC and clang compile the files below for 16, 32 and 64 byte vectors (baseline, AVX2,
   AVX-512). Without the target attribute or off x86 there are 16 bytes, without vector
   types plain loops. */

#include <float.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "_kernels.h"

#define MOST_CANDIDATES 32 /* units that are measured one by one */
#define FEATURES_FOR_ROWS 32 /* from which candidates are compared by rows, first */
#define ROWS_IN_BLOCK (WIDTH == 64 ? 8 : 4)
#define PARTS ((int)(PATCH / LANES)) /* vectors of a patch */
#define ABREAST (WIDTH == 16 ? 2 : 4) /* sums that do not wait for each other */
#define LINE ((ptrdiff_t)(64 / sizeof(REAL))) /* of the cache */
#define LINE_PARTS (64 / WIDTH) /* vectors of a line */
#define GROUP ((ptrdiff_t)(16 / sizeof(REAL))) /* nodes that learn together */
#define HUGEST ((REAL)(SINGLE ? FLT_MAX : DBL_MAX))
#define ROUNDOFF ((REAL)(SINGLE ? FLT_EPSILON : DBL_EPSILON) / 2)
#define ROOT(value) ((REAL)(SINGLE ? sqrtf((float)(value)) : sqrt(value)))
#define LANES ((ptrdiff_t)(WIDTH / sizeof(REAL)))
#define VECTOR NAME(vector)
#define MASK NAME(lanes_mask)
#define LOAD(address) (*(const NAME(unaligned_vector) *)(address))
#define STORE(address) (*(NAME(unaligned_vector) *)(address))
#define FILL(value) ((REAL)(value) - (VECTOR){0})
#define CHOOSE(condition, yes, no) \
    ((VECTOR)(((condition) & (MASK)(yes)) | (~(condition) & (MASK)(no))))
#define BLOCK_END(first, n) \
    ((n) - (first) < FEATURES_AT_A_TIME ? (n) : (first) + FEATURES_AT_A_TIME)

#if defined(__GNUC__)
#define INLINE static inline __attribute__((always_inline)) TARGET
#else
#define INLINE static inline
#define restrict
#endif

#if defined(__GNUC__) && __BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__
#define HAVE_VECTORS 1
#else
#define HAVE_VECTORS 0
#endif

#if HAVE_VECTORS && defined(__x86_64__) && defined(__has_attribute)
#if __has_attribute(target)
#define SEVERAL_WIDTHS 1
#include <immintrin.h>
#endif
#endif

#if defined(__clang__)
#define SHUFFLE(a, b, ...) __builtin_shufflevector(a, b, __VA_ARGS__)
#else
#define SHUFFLE(a, b, ...) __builtin_shuffle(a, b, (NAME(group_mask)){__VA_ARGS__})
#endif

#define PASTE_NAMES(base, real, width) base##_##real##_##width
#define PASTE(base, real, width) PASTE_NAMES(base, real, width)
#define NAME(base) PASTE(base, REAL, WIDTH)

#define WIDTH 16
#define TARGET
#define SINGLE 1
#include "_vectors_typed.h"
#define SINGLE 0
#include "_vectors_typed.h"
#undef WIDTH
#undef TARGET

#if SEVERAL_WIDTHS
#define WIDTH 32
#define TARGET __attribute__((target("avx2,fma")))
#define SINGLE 1
#include "_vectors_typed.h"
#define SINGLE 0
#include "_vectors_typed.h"
#undef WIDTH
#undef TARGET

#define WIDTH 64
#define TARGET __attribute__((target("avx2,fma,avx512f,avx512bw,avx512dq,avx512vl")))
#define SINGLE 1
#include "_vectors_typed.h"
#define SINGLE 0
#include "_vectors_typed.h"
#undef WIDTH
#undef TARGET
#endif

/* Return the functions for items of a size and for the widest vectors that the processor
   has and the environment allows. */
static const Vectors *best_vectors(size_t item_size)
{
    const int single = item_size == sizeof(float);
#if SEVERAL_WIDTHS
    const char *bound = getenv("SKESOM_VECTOR_BYTES");
    const int most = bound && atoi(bound) >= 16 ? atoi(bound) : 64;
    __builtin_cpu_init();
    if (most >= 32 && __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma")) {
        if (most >= 64 && __builtin_cpu_supports("avx512f")
            && __builtin_cpu_supports("avx512bw") && __builtin_cpu_supports("avx512dq")
            && __builtin_cpu_supports("avx512vl"))
            return single ? &vectors_float_64 : &vectors_double_64;
        return single ? &vectors_float_32 : &vectors_double_32;
    }
#endif
    return single ? &vectors_float_16 : &vectors_double_16;
}
