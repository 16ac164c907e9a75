# SPDX-License-Identifier: BSD-3-Clause
"""Convolution around gaps: the weights of a kernel count on valid pixels only."""

import numpy as np


class RenormalisedKernel:
    """Base of the kernels whose weights have a sum that can be divided by.

    A subclass says in `_filter` how an image without gaps is convolved. What is
    missing (NaN, and everything outside of the frame) takes no part, so that nothing
    darkens at borders and beside gaps.
    """

    def convolve(self, image, variance=None):
        """Convolve an image with NaN, and the variance of its pixels."""
        masked = np.isnan(image)
        has_gaps = masked.any()
        weights = self._weights(masked if has_gaps else None, image)
        filled = np.where(masked, image.dtype.type(0), image) if has_gaps else image
        smoothed = self._filter(filled)
        for weight in weights:
            smoothed /= weight
        if has_gaps:
            smoothed[masked] = np.nan
        if variance is None:
            return smoothed, None
        return smoothed, self._spread(variance, masked, weights)

    def _weights(self, masked, image):
        """Return factors of the share of the kernel that lies on valid pixels."""
        if masked is None:
            valid = np.ones_like(image)
        else:
            valid = np.logical_not(masked).astype(image.dtype)
        weight = self._filter(valid, precise=False)
        if masked is not None:
            weight[masked] = 1
        return (weight,)

    def _spread(self, variance, masked, weights):
        """Return the variance of the weighted means."""
        unknown = np.isnan(variance) | masked
        spread = self._filter(
            np.where(unknown, variance.dtype.type(0), variance), squared=True
        )
        if not np.array_equal(unknown, masked):
            valid, known = (
                self._filter(np.logical_not(part).astype(variance.dtype), squared=True)
                for part in (masked, unknown)
            )
            spread *= np.divide(valid, known, out=known, where=~unknown)
        for weight in weights:
            spread /= weight
            spread /= weight
        np.maximum(spread, 0, out=spread)  # rounding in Fourier space
        spread[unknown] = np.nan
        return spread

    def _filter(self, image, *, squared=False, precise=True):
        """Convolve an image without NaN that is zero outside of its frame."""
        raise NotImplementedError
