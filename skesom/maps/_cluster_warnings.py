# SPDX-License-Identifier: BSD-3-Clause
"""Warn of clusters that say little about the sky."""

import warnings

import numpy as np

# With fewer, the mean and the spread of a typical cluster are those of noise: that of
# five pixels is uncertain by 45 % of their scatter.
_FEWEST_PIXELS_PER_CLUSTER = 5
# The largest cluster of eight holds 20 to 50 % of the pixels of galaxies; beyond this
# share it was a few odd pixels, or the sky, that ruled the others.
_LARGEST_SHARE = 0.9


def warn_of_clusters(labels, n_bands, *, asked_for=None):
    """Warn if pixels are too few, or if one cluster holds nearly all of them."""
    sizes = np.bincount(labels[labels >= 0])
    n_clusters = np.count_nonzero(sizes)
    n_pixels = len(labels)
    if n_clusters > 1 and n_pixels < _FEWEST_PIXELS_PER_CLUSTER * n_clusters:
        _warn(
            f"{n_pixels} pixels are few for {n_clusters} clusters: a cluster of "
            f"{n_pixels / n_clusters:.2g} pixels is hardly more than their noise. Ask "
            "for fewer clusters, or mask less."
        )
    if 1 < n_pixels < n_bands:
        _warn(
            f"{n_pixels} pixels are few for {n_bands} bands: distances between so few "
            "spectra are mostly noise. Bin the bands, or reduce them by PCA to fewer "
            "than there are pixels."
        )
    share = sizes.max(initial=0) / max(sizes.sum(), 1)
    if share > _LARGEST_SHARE and n_pixels > 1 and asked_for != 1:
        _warn(
            f"One cluster holds {share:.1%} of the clustered pixels: outliers, empty "
            "sky or few bright pixels rule the map. Stretch the fluxes (AsinhStretch), "
            "mask outliers and sky (CubeMasker), or try another epsilon or number of "
            "clusters."
        )


def _warn(text):
    warnings.warn(text, UserWarning, stacklevel=5)  # the line that calls fit
