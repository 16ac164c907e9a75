/* SPDX-License-Identifier: BSD-3-Clause */
/* What the Cython modules see of the vector code; docs/kernels.md explains the whole.

   All arrays of real numbers, `void` here, have the type of the table of functions.

   The codebook is stored feature-major: row f holds feature f of every unit, so one
   vector instruction compares a feature of the sample with many units at once. One
   more row holds half the squared length of every unit. Rows are padded to a multiple
   of UNIT_PADDING values; the padding is never chosen, because its half squared length
   is the largest number. Without vector types the screening functions are NULL. */

#ifndef SKESOM_KERNELS_H
#define SKESOM_KERNELS_H

#include <stddef.h>
#include <stdint.h>
#include <string.h>

#define UNIT_PADDING 64
#define FEATURES_AT_A_TIME 64 /* features of a block of a sum */
#define SCREENED 32 /* samples at most that screen takes at a time, bits of its result */
#define ABREAST_ROWS 16 /* that most_probable measures side by side */
#define PATCH 16 /* units at most that are searched or left out together */
#define TO_PATCHES(n) (((n) + PATCH - 1) / PATCH * PATCH)
#define FEATURES_FOR_AXES 32 /* from which patches are seen along some axes, too */
#define AXES 7 /* the fewest that fill up the centers of 400 units */
#define N_BOUNDS(n_features, n_patches) \
    TO_PATCHES((n_patches) + ((n_features) < FEATURES_FOR_AXES ? 0 : AXES))
#define ROOM_FOR(n_patches) /* bounds, and the scores and twice the numbers of pairs */ \
    (TO_PATCHES((n_patches) + AXES) * SCREENED * (1 + PATCH / 2 + 2) + 2 * PATCH)
enum { SQUARES, WEIGHTED_SQUARES, ABSOLUTE_VALUES }; /* what nearest_two adds up */

typedef struct {
    /* Sums of one sample over the listed features, for all units, and its nearest two.

       The terms are squared differences, the same times a factor for each feature, or
       absolute differences. `sums` has room for the padded units. With one unit there is
       no second: nearest[1] is -1. Ties go to the lowest unit. */
    void (*nearest_two)(
        int terms, const void *sample, const void *factors, const int *features,
        ptrdiff_t n_features, const void *codebook, ptrdiff_t stride, ptrdiff_t n_units,
        void *sums, ptrdiff_t *nearest);

    /* Nearest two units of a complete sample, and the squared distance of the nearest.

       A distance that is clearly less than `bound` comes from the score, not from a sum.
       `scores` has room for twice the padded units: where `next` is not NULL, its scores
       follow those of the sample. They are there before where `scored`. Return 0 if
       nearest_two has to decide. */
    int (*screen_one)(
        const void *sample, const void *next, int scored, ptrdiff_t n_features,
        const void *codebook, ptrdiff_t stride, ptrdiff_t n_units, double bound,
        void *scores, ptrdiff_t *nearest, void *squared);

    /* Set the scores of a sample and some units by their squared distances. */
    void (*renew_scores)(
        const void *sample, ptrdiff_t n_features, const int *units, ptrdiff_t n,
        const void *squared, void *scores);

    /* The nearest unit, or the nearest two, of up to SCREENED samples.

       `nearest` and, if it is not NULL, `squared` have n_nearest entries for each sample;
       `rows` has the codebook unit by unit, or is NULL; `scores` has room for SCREENED
       times the padded units. Return one bit for each sample that is decided. A sample
       with missing features is not. */
    uint32_t (*screen)(
        const void *samples, int n_samples, ptrdiff_t n_features, const void *codebook,
        ptrdiff_t stride, ptrdiff_t n_units, const void *rows, int n_nearest,
        void *scores, ptrdiff_t *nearest, void *squared);

    /* The same as `screen`, where the units are in patches.

       `patches` holds the centers, padded to a multiple of PATCH, and the patches;
       `radii` is padded likewise, with what is far below zero; `units` has the unit of
       each place. Where features are many, axes of the length 1 follow the centers, with
       half squared lengths of 0: `radii` are those along the axes, and radii across them
       follow, and the places of the centers on each axis.
       There must be two units in each patch at least. `room` has
       ROOM_FOR(n_patches) places. Where so many patches are within reach that a search
       of all units is faster, `worthwhile` becomes 0 and nothing is decided. */
    uint32_t (*screen_patches)(
        const void *samples, int n_samples, ptrdiff_t n_features, const void *patches,
        const void *radii, const int *units, ptrdiff_t n_patches, const void *rows,
        int n_nearest, void *room, ptrdiff_t *nearest, void *squared, int *worthwhile);

    /* Squared distances of a sample to the listed nodes.

       Nodes are read from `rows`, padded with zeros to row_length as the sample is, or
       from the codebook where row_length is 0. The list and the distances are written
       up to the next multiple of 16 bytes. */
    void (*measure_members)(
        const void *sample, ptrdiff_t n_features, const void *rows, ptrdiff_t row_length,
        const void *codebook, ptrdiff_t stride, int *members, ptrdiff_t n_members,
        void *squared);

    /* Pull the listed nodes to the sample, each by step times its activation.

       Rows, codebook and half the squared lengths change. The list is followed by its
       last node and the activations by zeros, as the functions above and below do. */
    void (*pull_members)(
        const void *sample, ptrdiff_t n_features, void *rows, ptrdiff_t row_length,
        void *codebook, ptrdiff_t stride, const int *members, ptrdiff_t n_members,
        double step, const void *activation);

    /* Set activation to exp(factor * squared), for factor < 0, and return the sum.

       Both arrays have room for n rounded up to 16; zeros follow the activations. */
    double (*activate)(
        const void *squared, ptrdiff_t n, double factor, void *activation);
} Vectors;

/* exp(x), with an error below 1 unit in the last place for -708 < x < 709 and 0 below, in
   the same bits everywhere: x = m log 2 + r with log 2 in two parts (Cody & Waite 1980,
   "Software Manual for the Elementary Functions"), and the Taylor polynomial of exp(r)
   for |r| < 0.35, in pairs of terms that do not wait for each other. */
static inline double exponential(double x)
{
    const int underflow = x < -708.0;
    const double bounded = underflow ? -708.0 : x;
    const double magic = 6755399441055744.0; /* 1.5 * 2^52: what is added is rounded */
    const double shifted = bounded * 1.4426950408889634 + magic;
    const double m = shifted - magic;
    const double r = (bounded - m * 6.93147180369123816490e-01) - m * 1.90821492927058770002e-10;
    const double r2 = r * r, r4 = r2 * r2;
    const double low = (0.5 + r * (1.0 / 6)) + r2 * (1.0 / 24 + r * (1.0 / 120));
    const double middle = (1.0 / 720 + r * (1.0 / 5040))
                          + r2 * (1.0 / 40320 + r * (1.0 / 362880));
    const double high = (1.0 / 3628800 + r * (1.0 / 39916800))
                        + r2 * (1.0 / 479001600 + r * (1.0 / 6227020800));
    const double value = 1.0 + (r + r2 * (low + r4 * (middle + r4 * high)));
    uint64_t bits;
    double power;
    memcpy(&bits, &shifted, sizeof(bits));
    bits = (bits + 1023) << 52;
    memcpy(&power, &bits, sizeof(power));
    return underflow ? 0 : value * power;
}

#if defined(__GNUC__)
#define PREFETCH(address) __builtin_prefetch(address)
#else
#define PREFETCH(address)
#endif

#endif
