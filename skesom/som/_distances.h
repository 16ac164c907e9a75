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
#include <stddef.h>

#define UNIT_PADDING 64

#if defined(__x86_64__) && defined(__linux__) && defined(__GLIBC__) \
    && ((defined(__clang__) && __clang_major__ >= 16)               \
        || (!defined(__clang__) && defined(__GNUC__) && __GNUC__ >= 12))
#define FOR_EACH_PROCESSOR \
    __attribute__((target_clones("arch=x86-64-v4", "arch=x86-64-v3", "default")))
#else
#define FOR_EACH_PROCESSOR
#endif

#if defined(__GNUC__)
#define MAYBE_UNUSED __attribute__((unused))
#else
#define MAYBE_UNUSED
#define restrict
#endif

#define REAL float
#define BITS int
#define NAME(base) base##_float
#define HUGEST FLT_MAX
#include "_distances_typed.h"
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

#endif
