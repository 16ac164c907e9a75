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

#define UNIT_PADDING 64
#define FEATURES_AT_A_TIME 64 /* features of a block of a sum */
#define SCREENED 32 /* samples at most that screen takes at a time, bits of its result */
#define PATCH 16 /* units at most that are searched or left out together */
#define TO_PATCHES(n) (((n) + PATCH - 1) / PATCH * PATCH)
#define ROOM_FOR(n_patches) /* bounds, and the scores and twice the numbers of pairs */ \
    (TO_PATCHES(n_patches) * SCREENED * (1 + PATCH / 2 + 2) + 2 * PATCH)
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
       `scores` has room for the padded units. Return 0 if nearest_two has to decide. */
    int (*screen_one)(
        const void *sample, ptrdiff_t n_features, const void *codebook, ptrdiff_t stride,
        ptrdiff_t n_units, double bound, void *scores, ptrdiff_t *nearest,
        void *squared);

    /* The nearest unit, or the nearest two, of up to SCREENED samples.

       `nearest` and, if it is not NULL, `squared` have n_nearest entries for each sample;
       `scores` has room for SCREENED times the padded units. Return one bit for each
       sample that is decided. A sample with missing features is not. */
    uint32_t (*screen)(
        const void *samples, int n_samples, ptrdiff_t n_features, const void *codebook,
        ptrdiff_t stride, ptrdiff_t n_units, int n_nearest, void *scores,
        ptrdiff_t *nearest, void *squared);

    /* The same as `screen`, where the units are in patches.

       `patches` holds the centers, padded to a multiple of PATCH, and the patches;
       `radii` is padded likewise, with what is far below zero; `units` has the unit of
       each place. There must be two units in each patch at least. `room` has
       ROOM_FOR(n_patches) places. Where so many patches are within reach that a search
       of all units is faster, `worthwhile` becomes 0 and nothing is decided. */
    uint32_t (*screen_patches)(
        const void *samples, int n_samples, ptrdiff_t n_features, const void *patches,
        const void *radii, const int *units, ptrdiff_t n_patches, int n_nearest,
        void *room, ptrdiff_t *nearest, void *squared, int *worthwhile);

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

#if defined(__GNUC__)
#define PREFETCH(address) __builtin_prefetch(address)
#else
#define PREFETCH(address)
#endif

#endif
