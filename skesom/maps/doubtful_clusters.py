# SPDX-License-Identifier: BSD-3-Clause
"""Errors and warnings of clusters that mean little: few pixels, or nearly all of them.

docs/preparing_images.md lists what these say and what to do.
"""

from numbers import Integral

import numpy as np

from skesom._common.labels import MASKED, SKY, count_clusters
from skesom._common.pipelines import pipeline_end
from skesom._common.warn import warn_user
from skesom.pixels.flattening import valid_pixels

# The mean of five pixels is uncertain by 45 % of their scatter; fewer are just noise.
_FEWEST_PIXELS_PER_CLUSTER = 5
_LARGEST_SHARE = 0.9  # the largest of eight clusters holds 20 to 50 % in galaxies


def check_enough_pixels_to_fit(clusterer, cube):
    """Refuse to look for clusters in hardly any pixels, if others are set aside as sky.

    This saves the time of a fit where the number of clusters is a parameter. Numbers
    that a clusterer finds itself are known after its fit only, and pixels of a lazy
    cube would be made twice: `check_enough_pixels` looks at these.

    Parameters
    ----------
    clusterer : CubeClusterer
        Not fitted.
    cube : Cube
        As it comes to the clusterer.
    """
    last, _ = pipeline_end(clusterer.estimator)
    n_clusters = getattr(last, "n_clusters", None)
    if cube.sky_mask is None or cube.is_lazy or not isinstance(n_clusters, Integral):
        return
    valid = valid_pixels(cube, pattern=clusterer.pattern, min_bands=clusterer.min_bands)
    n_pixels = np.count_nonzero(valid)
    if n_pixels == 0:
        return  # which the fit refuses with a message of its own
    n_with_data = n_pixels + np.count_nonzero(cube.sky_mask)
    _check_pixels_per_cluster(n_pixels, int(n_clusters), n_with_data)


def check_enough_pixels(clusterer):
    """Refuse clusters of hardly any pixels, if all others were set aside as sky.

    Parameters
    ----------
    clusterer : CubeClusterer
        Fitted: its label map is looked at.
    """
    label_map = clusterer.labels_
    if not (label_map == SKY).any():
        return
    sizes = count_clusters(label_map)
    n_with_data = np.count_nonzero(label_map != MASKED)
    _check_pixels_per_cluster(sizes.sum(), np.count_nonzero(sizes), n_with_data)


def _check_pixels_per_cluster(n_pixels, n_clusters, n_with_data):
    """Refuse so many clusters of the pixels that stand out of the sky."""
    most_clusters = n_pixels // _FEWEST_PIXELS_PER_CLUSTER
    if n_clusters <= max(most_clusters, 1):
        return
    ask_for_fewer = ""
    if most_clusters > 1:
        ask_for_fewer = f"ask for fewer clusters (n_clusters={most_clusters}), "
    raise ValueError(
        f"Only {n_pixels} of {n_with_data} pixels stand out of the sky: {n_clusters} "
        "clusters of so few would be noise. For a list of sources use a program that "
        f'detects them; or {ask_for_fewer}cluster the sky too (sky="keep"), or take '
        "images that are larger or deeper."
    )


def warn_of_doubtful_clusters(sizes, n_pixels, n_bands, n_clusters_parameter):
    """Warn of too few pixels, or of one cluster with nearly all, after a fit.

    Parameters
    ----------
    sizes : ndarray of int of shape (n_clusters,)
        Pixels of each cluster.
    n_pixels, n_bands : int
        Shape of the table that was clustered.
    n_clusters_parameter : object
        That of the clusterer, None if it has none. Who asked for a single cluster, or
        let the number be found, is not told that there is one.
    """
    n_clusters = np.count_nonzero(sizes)
    if n_clusters > 1 and n_pixels < _FEWEST_PIXELS_PER_CLUSTER * n_clusters:
        warn_user(
            f"{n_pixels} pixels are few for {n_clusters} clusters: a cluster of "
            f"{n_pixels / n_clusters:.2g} pixels is hardly more than their noise. Ask "
            "for fewer clusters, or mask less."
        )
    if 1 < n_pixels < n_bands:
        warn_user(
            f"{n_pixels} pixels are few for {n_bands} bands: distances between so few "
            "spectra are mostly noise. Average neighboring bands (bin_bands, "
            "BandBinner), or reduce them to a few by PCA (n_components)."
        )
    largest_share = sizes.max(initial=0) / max(sizes.sum(), 1)
    if n_clusters_parameter in (1, "auto") or n_pixels == 1:
        return
    if largest_share > _LARGEST_SHARE:
        warn_user(
            f"One cluster holds {largest_share:.1%} of the clustered pixels: outliers, "
            "empty sky or few bright pixels rule the map, or small groups come off "
            "first. Ask for more clusters, stretch the fluxes (AsinhStretch), mask "
            "outliers and sky (CubeMasker), or try another epsilon."
        )
