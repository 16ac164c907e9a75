/* SPDX-License-Identifier: BSD-3-Clause */
/* Distances from samples to a codebook, and the nearest units.

   The codebook is stored feature-major: row f holds feature f of every unit, so one
   vector instruction compares a feature of the sample with many units at once. Rows
   are padded to a multiple of UNIT_PADDING values; what stands there is never chosen.

   GCC and clang compile every function here three times (baseline, AVX2, AVX-512) and
   the loader picks the best one for the processor. All of them add the features in
   the same order without fused multiply-add, so they agree to the last bit. */

#ifndef SKESOM_DISTANCES_H
#define SKESOM_DISTANCES_H

#include <float.h>
#include <math.h>
#include <stddef.h>
#include <stdint.h>

#define UNIT_PADDING 64
#define BOUNDED(square, most) ((square) < (most) ? (square) : (most)) /* inf * 0 */

#if defined(__x86_64__) && defined(__linux__) && defined(__GLIBC__) \
    && ((defined(__clang__) && __clang_major__ >= 16)               \
        || (!defined(__clang__) && defined(__GNUC__) && __GNUC__ >= 12))
#define FOR_EACH_PROCESSOR \
    __attribute__((target_clones("arch=x86-64-v4", "arch=x86-64-v3", "default")))
#else
#define FOR_EACH_PROCESSOR
#endif

#if defined(__GNUC__)
#define PREFETCH(address) __builtin_prefetch(address)
#define MAYBE_UNUSED __attribute__((unused))
#define ALWAYS_INLINE inline __attribute__((always_inline))
#else
#define PREFETCH(address)
#define MAYBE_UNUSED
#define restrict
#endif

#define REAL float
#define BITS int
#define NAME(base) base##_float
#define HUGEST FLT_MAX
#include "_distances_typed.h"

/* exp(factor * squared) of the listed units, for factor < 0, and their sum.

   `activation` has room for n rounded up to 16. Vector code, with a relative error
   below 2e-7: x = m log 2 + r, and the Taylor polynomial of exp(r) for |r| < 0.35. */
FOR_EACH_PROCESSOR MAYBE_UNUSED static double activate_float(
    const float *restrict squared, const int *restrict units, ptrdiff_t n,
    double factor, float *restrict activation)
{
    const float scale = (float)(factor < -FLT_MAX ? -FLT_MAX : factor);
#if defined(__GNUC__)
    const vector_float zero = {0};
    vector_float sums = zero;
    for (ptrdiff_t i = 0; i < n; i++)
        activation[i] = BOUNDED(squared[units[i]], FLT_MAX) * scale;
    for (ptrdiff_t i = n; i % 16; i++)
        activation[i] = -FLT_MAX;
    for (ptrdiff_t i = 0; i < n; i += 16) {
        const vector_float exponent = *(const unaligned_vector_float *)(activation + i);
        const lanes_mask_float underflow = exponent < zero - 87.0f;
        const vector_float x = (vector_float)(~underflow & (lanes_mask_float)exponent);
        const lanes_mask_float m = __builtin_convertvector(
            x * 1.44269504f - 0.5f, lanes_mask_float);
        const vector_float whole = __builtin_convertvector(m, vector_float);
        const vector_float r = (x - whole * 0.693359375f) + whole * 2.12194440e-4f;
        vector_float sum = zero + 1.0f / 5040;
        sum = sum * r + 1.0f / 720;
        sum = sum * r + 1.0f / 120;
        sum = sum * r + 1.0f / 24;
        sum = sum * r + 1.0f / 6;
        sum = sum * r + 0.5f;
        sum = sum * r + 1.0f;
        sum = sum * r + 1.0f;
        sum *= (vector_float)((m + 127) << 23);
        sum = (vector_float)(~underflow & (lanes_mask_float)sum);
        *(unaligned_vector_float *)(activation + i) = sum;
        sums += sum;
    }
    float total[16];
    *(unaligned_vector_float *)total = sums;
    for (int width = 8; width > 0; width /= 2)
        for (int lane = 0; lane < width; lane++)
            total[lane] += total[lane + width];
    return total[0];
#else
    double total = 0;
    for (ptrdiff_t i = 0; i < n; i++) {
        activation[i] = expf(BOUNDED(squared[units[i]], FLT_MAX) * scale);
        total += activation[i];
    }
    return total;
#endif
}
#undef REAL
#undef BITS
#undef NAME
#undef HUGEST

#define REAL double
#define BITS long long
#define NAME(base) base##_double
#define HUGEST DBL_MAX
#include "_distances_typed.h"
#undef REAL
#undef BITS
#undef NAME
#undef HUGEST

/* The same in double precision, as the C library has it, added in order. */
MAYBE_UNUSED static double activate_double(
    const double *squared, const int *units, ptrdiff_t n, double factor,
    double *activation)
{
    const double scale = factor < -DBL_MAX ? -DBL_MAX : factor;
    double sum = 0;
    for (ptrdiff_t i = 0; i < n; i++) {
        activation[i] = exp(scale * BOUNDED(squared[units[i]], DBL_MAX));
        sum += activation[i];
    }
    return sum;
}

/* Smallest of finite or infinite numbers, but not NaN. */
FOR_EACH_PROCESSOR MAYBE_UNUSED static double smallest_of(
    const double *values, ptrdiff_t n)
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
