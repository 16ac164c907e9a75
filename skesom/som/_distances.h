/* SPDX-License-Identifier: BSD-3-Clause */
/* Distances from samples to a codebook, and the nearest units.

   The codebook is stored feature-major: row f holds feature f of every unit, so one
   vector instruction compares a feature of the sample with many units at once. One
   more row holds half the squared length of every unit. Rows are padded to a multiple
   of UNIT_PADDING values; what stands there is never chosen, because its half squared
   length is the largest number.

   The squared distance of a sample and a unit is the sum of the squared differences,
   feature by feature in blocks of 64, without fused multiply-add: the same bits on every
   processor.
   A search may use faster arithmetic to find the few units that can be the nearest,
   but what it returns is decided by these sums. See _distances_typed.h, and
   _patches_typed.h for searches that leave most units out.

   GCC and clang compile every function for 16, 32 and 64 byte vectors (baseline, AVX2,
   AVX-512), and the widest that the processor has is used. The environment variable
   SKESOM_VECTOR_BYTES sets a smaller bound. */

#ifndef SKESOM_DISTANCES_H
#define SKESOM_DISTANCES_H

#include <float.h>
#include <math.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#define UNIT_PADDING 64
enum { SQUARES, WEIGHTED_SQUARES, ABSOLUTE_VALUES }; /* what nearest_two adds up */
enum { NOTHING_SHARED, SHARED_SAMPLE, SHARED_PATCH }; /* by pairs of these */
#define FEATURES_AT_A_TIME 64
#define SCREENED 32 /* samples at most that screen takes at a time, bits of its result */
#define PATCH 16 /* units at most that are searched or left out together */
#define TO_PATCHES(n) (((n) + PATCH - 1) / PATCH * PATCH)
#define ROOM_FOR(n_patches) /* bounds, and the scores and twice the numbers of pairs */ \
    (TO_PATCHES(n_patches) * SCREENED * (1 + PATCH / 2 + 2) + 2 * PATCH)
#define BLOCK_END(first, n) \
    ((n) - (first) < FEATURES_AT_A_TIME ? (n) : (first) + FEATURES_AT_A_TIME)
#define BOUNDED(square, most) ((square) < (most) ? (square) : (most)) /* inf * 0 */

#if defined(__GNUC__)
#define UNROLL _Pragma("GCC unroll 4")
#define PREFETCH(address) __builtin_prefetch(address)
#define MAYBE_UNUSED __attribute__((unused))
#define ALWAYS_INLINE inline __attribute__((always_inline))
#else
#define UNROLL
#define PREFETCH(address)
#define MAYBE_UNUSED
#define ALWAYS_INLINE inline
#define restrict
#endif

#if defined(__GNUC__) && __BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__
#define HAVE_VECTORS 1
#else
#define HAVE_VECTORS 0
#endif

#if HAVE_VECTORS && defined(__x86_64__)
#define SEVERAL_WIDTHS 1
#include <immintrin.h>
#else
#define SEVERAL_WIDTHS 0
#endif

#if defined(__clang__)
#define SHUFFLE(a, b, ...) __builtin_shufflevector(a, b, __VA_ARGS__)
#else
#define SHUFFLE(a, b, ...) __builtin_shuffle(a, b, (NAME(group_mask)){__VA_ARGS__})
#endif

#define PASTE_NAMES(base, real, width) base##_##real##_##width
#define PASTE(base, real, width) PASTE_NAMES(base, real, width)
#define NAME(base) PASTE(base, REAL, WIDTH)

/* c - a * b and the smaller and larger of two vectors, as this processor has them */
#define WIDTH 16
#include "_distances_widths.h"
#undef WIDTH

#if SEVERAL_WIDTHS

#define WIDTH 32
#if defined(__clang__)
#pragma clang attribute push(__attribute__((target("avx2,fma"))), apply_to = function)
#else
#pragma GCC push_options
#pragma GCC target("avx2,fma")
#endif
#include "_distances_widths.h"
#if defined(__clang__)
#pragma clang attribute pop
#else
#pragma GCC pop_options
#endif
#undef WIDTH

#define WIDTH 64
#if defined(__clang__)
#pragma clang attribute push( \
    __attribute__((target("avx2,fma,avx512f,avx512bw,avx512dq,avx512vl"))), \
    apply_to = function)
#else
#pragma GCC push_options
#pragma GCC target("avx2,fma,avx512f,avx512bw,avx512dq,avx512vl")
#endif
#include "_distances_widths.h"
#if defined(__clang__)
#pragma clang attribute pop
#else
#pragma GCC pop_options
#endif
#undef WIDTH

#endif

/* Bytes of the widest vectors that the processor has and the environment allows. */
static int vector_bytes(void)
{
    static int bytes = 0;
    if (bytes == 0) {
        int widest = 16;
        const char *bound = getenv("SKESOM_VECTOR_BYTES");
#if SEVERAL_WIDTHS
        __builtin_cpu_init();
        if (__builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma"))
            widest = 32;
        if (widest == 32 && __builtin_cpu_supports("avx512f")
            && __builtin_cpu_supports("avx512bw") && __builtin_cpu_supports("avx512dq")
            && __builtin_cpu_supports("avx512vl"))
            widest = 64;
#endif
        bytes = bound && atoi(bound) >= 16 && atoi(bound) < widest ? atoi(bound) : widest;
    }
    return bytes;
}

#if SEVERAL_WIDTHS
#define AT_BEST_WIDTH(base, real, arguments)                     \
    (vector_bytes() >= 64   ? PASTE(base, real, 64) arguments    \
     : vector_bytes() >= 32 ? PASTE(base, real, 32) arguments    \
                            : PASTE(base, real, 16) arguments)
#else
#define AT_BEST_WIDTH(base, real, arguments) PASTE(base, real, 16) arguments
#endif

#define DISPATCH(real)                                                               \
    MAYBE_UNUSED static void nearest_two_##real(                                     \
        int terms, const real *sample, const real *factors, const int *features,     \
        ptrdiff_t n_features, const real *codebook, ptrdiff_t stride,                \
        ptrdiff_t n_units, real *sums, ptrdiff_t *nearest)                           \
    {                                                                                \
        AT_BEST_WIDTH(nearest_two, real,                                             \
                      (terms, sample, factors, features, n_features, codebook,       \
                       stride, n_units, sums, nearest));                             \
    }                                                                                \
    MAYBE_UNUSED static int screen_one_##real(                                       \
        const real *sample, ptrdiff_t n_features, const real *codebook,              \
        ptrdiff_t stride, ptrdiff_t n_units, double bound, real *scores,             \
        ptrdiff_t *nearest, real *squared)                                           \
    {                                                                                \
        return AT_BEST_WIDTH(screen_one, real,                                       \
                             (sample, n_features, codebook, stride, n_units, bound,  \
                              scores, nearest, squared));                            \
    }                                                                                \
    MAYBE_UNUSED static uint32_t screen_##real(                                      \
        const real *samples, int n_samples, ptrdiff_t n_features,                    \
        const real *codebook, ptrdiff_t stride, ptrdiff_t n_units, int n_nearest,    \
        real *scores, ptrdiff_t *nearest, real *squared)                             \
    {                                                                                \
        return AT_BEST_WIDTH(screen, real,                                           \
                             (samples, n_samples, n_features, codebook, stride,      \
                              n_units, n_nearest, scores, nearest, squared));        \
    }                                                                                \
    MAYBE_UNUSED static uint32_t screen_patches_##real(                              \
        const real *samples, int n_samples, ptrdiff_t n_features,                    \
        const real *patches, const real *radii, const int *units,                    \
        ptrdiff_t n_patches, int n_nearest, real *room, ptrdiff_t *nearest,          \
        real *squared, int *worthwhile)                                              \
    {                                                                                \
        return AT_BEST_WIDTH(screen_patches, real,                                   \
                             (samples, n_samples, n_features, patches, radii, units, \
                              n_patches, n_nearest, room, nearest, squared,          \
                              worthwhile));                                          \
    }                                                                                \
    MAYBE_UNUSED static void measure_members_##real(                                 \
        const real *sample, ptrdiff_t n_features, const real *rows,                  \
        ptrdiff_t row_length, const real *codebook, ptrdiff_t stride,                \
        int *members, ptrdiff_t n_members, real *squared)                      \
    {                                                                                \
        AT_BEST_WIDTH(measure_members, real,                                         \
                      (sample, n_features, rows, row_length, codebook, stride,       \
                       members, n_members, squared));                                \
    }                                                                                \
    MAYBE_UNUSED static void pull_members_##real(                                    \
        const real *sample, ptrdiff_t n_features, real *rows, ptrdiff_t row_length,  \
        real *codebook, ptrdiff_t stride, const int *members, ptrdiff_t n_members,   \
        real step, const real *activation)                                           \
    {                                                                                \
        AT_BEST_WIDTH(pull_members, real,                                            \
                      (sample, n_features, rows, row_length, codebook, stride,       \
                       members, n_members, step, activation));                       \
    }
DISPATCH(float)
DISPATCH(double)

/* Whether one of n numbers is `wanted`, without a branch to guess for n up to 16.

   There must be room for n rounded up to 16. */
MAYBE_UNUSED static int contains(const int *values, int n, int wanted)
{
    int found = 0;
    for (int first = 0; first < n; first += 16)
        for (int i = 0; i < 16; i++)
            found |= (values[first + i] == wanted) & (first + i < n);
    return found;
}

/* Copy n numbers; there must be room for n rounded up to 16. */
MAYBE_UNUSED static void copy_list(const int *values, int n, int *copy)
{
    for (int first = 0; first < n; first += 16)
        memcpy(copy + first, values + first, 16 * sizeof(int));
}

/* exp(factor * squared), for factor < 0, and the sum; see activate in the other file. */
MAYBE_UNUSED static double activate_float(
    const float *squared, ptrdiff_t n, double factor, float *activation)
{
    return AT_BEST_WIDTH(activate, float, (squared, n, factor, activation));
}

/* The same in double precision, as the C library has it, added in order. */
MAYBE_UNUSED static double activate_double(
    const double *squared, ptrdiff_t n, double factor, double *activation)
{
    const double scale = factor < -DBL_MAX ? -DBL_MAX : factor;
    double sum = 0;
    for (ptrdiff_t i = 0; i < n; i++) {
        activation[i] = exp(scale * BOUNDED(squared[i], DBL_MAX));
        sum += activation[i];
    }
    for (ptrdiff_t i = n; i % 16; i++)
        activation[i] = 0;
    return sum;
}

/* Smallest of finite or infinite numbers, but not NaN, whose count is a multiple of 8. */
MAYBE_UNUSED static double smallest_of(const double *values, ptrdiff_t n)
{
    double least[8];
    for (int lane = 0; lane < 8; lane++)
        least[lane] = HUGE_VAL;
    for (ptrdiff_t i = 0; i + 8 <= n; i += 8)
        for (int lane = 0; lane < 8; lane++)
            least[lane] = values[i + lane] < least[lane] ? values[i + lane] : least[lane];
    double smallest = least[0];
    for (int lane = 1; lane < 8; lane++)
        smallest = least[lane] < smallest ? least[lane] : smallest;
    return smallest;
}

#endif
