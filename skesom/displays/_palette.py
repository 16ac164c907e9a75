# SPDX-License-Identifier: BSD-3-Clause
"""Colors for clusters that everybody can tell apart, and for what is no cluster."""

from functools import lru_cache
from numbers import Integral

import numpy as np

from skesom._common.blocks import row_blocks
from skesom.displays._color_vision import as_colors, perceived

NOISE_COLOR = "#000000"
SKY_COLOR = "#1d2236"
MISSING_COLOR = "#e1e3e8"
HATCH_COLOR = "#b4b8c2"

_NOT_FOR_CLUSTERS = [
    [level / 255 for level in bytes.fromhex(color[1:])]
    for color in (NOISE_COLOR, SKY_COLOR, MISSING_COLOR, "#ffffff")
]
_LIGHTNESS = 0.36, 0.90  # dark enough for white paper, light enough for a dark sky
_CHROMA = 0.08, 0.19  # neither gray nor glaring
_STEPS = 20  # of red, green and blue
# Eyes with all cones see more of red and green; tritanopes are rare.
_WEIGHTS = np.array([1 / 1.5, 1, 1, 1 / 0.7])
_FEW = 10  # that need no search
_FIRST_HUE, _HUE_STEP, _SPIRAL_CHROMA = 320, -124, 0.16


def cluster_palette(n_clusters):
    """Return colors that can be told apart, also without all kinds of cones.

    Parameters
    ----------
    n_clusters : int
        Number of colors. About 20 can be told apart wherever they are in a picture,
        200 still where they touch.

    Returns
    -------
    colors : ndarray of shape (n_clusters, 4)
        Red, green, blue and opacity, from 0 to 1, from dark to light.

    See Also
    --------
    cluster_colors : The same colors, the faintest cluster in the darkest.

    Notes
    -----
    Up to ten colors rise evenly in lightness, each a third of the color circle from
    the one before. Further ones are, one after the other, as far as can be from those
    chosen before and from the colors of sky, noise and missing data, in the manner
    of [1]_. A distance is the smallest of those in Oklab [2]_ that eyes with all cones
    and, by the model of [3]_, protanopes, deuteranopes and tritanopes see.

    References
    ----------
    .. [1] Glasbey, C. et al. (2007), "Color displays for categorical images", Color
       Res. Appl. 32, 304-309, doi:10.1002/col.20327
    .. [2] Ottosson, B. (2020), "A perceptual color space for image processing",
       https://bottosson.github.io/posts/oklab
    .. [3] Machado, G., Oliveira, M. & Fernandes, L. (2009), "A physiologically-based
       model for simulation of color vision deficiency", IEEE Trans. Vis. Comput. Graph.
       15, 1291-1298, doi:10.1109/TVCG.2009.113

    Examples
    --------
    >>> from skesom.displays import cluster_palette
    >>> cluster_palette(3).shape
    (3, 4)
    """
    if not isinstance(n_clusters, Integral) or n_clusters < 0:
        raise ValueError(f"n_clusters must be an int from 0, got {n_clusters!r}.")
    find = _spiral if n_clusters <= _FEW else _distinct_colors
    return np.column_stack([find(n_clusters), np.ones(n_clusters)])


def cluster_colors(label_map, cube):
    """Choose a color for each cluster, from dark for the faintest to light.

    Neighboring clusters of a galaxy differ in brightness first, so the order of the
    colors makes its shape readable.

    Parameters
    ----------
    label_map : array-like of int of shape (n_rows, n_columns)
        Clusters from 0; negative labels are left out.
    cube : Cube or array-like of shape (n_rows, n_columns, n_bands)
        The images that the clusters are ordered by, stretched so that all bands weigh
        the same.

    Returns
    -------
    colors : ndarray of shape (n_clusters, 4)
        Red, green, blue and opacity, from 0 to 1, see `cluster_palette`.

    Examples
    --------
    >>> import numpy as np
    >>> from skesom.displays import cluster_colors
    >>> label_map = np.array([[0, 0, 1]])
    >>> cluster_colors(label_map, np.array([[[5.0], [5.0], [1.0]]])).shape
    (2, 4)
    """
    label_map = np.asarray(label_map)
    data = np.asarray(getattr(cube, "data", cube))
    n_clusters = max(int(label_map.max(initial=-1)) + 1, 0)
    sums = np.zeros((n_clusters, data.shape[2]))
    counts = np.zeros((n_clusters, data.shape[2]))
    for rows in row_blocks(data.shape):
        for band in range(data.shape[2]):
            flux = data[rows][:, :, band]
            used = (label_map[rows] >= 0) & ~np.isnan(flux)
            labels = label_map[rows][used]
            sums[:, band] += np.bincount(labels, flux[used], minlength=n_clusters)
            counts[:, band] += np.bincount(labels, minlength=n_clusters)
    means = sums / np.maximum(counts, 1)
    n_known = np.maximum((counts > 0).sum(axis=1), 1)
    brightness = means.sum(axis=1) / n_known
    ranks = np.argsort(np.argsort(brightness, kind="stable"), kind="stable")
    return cluster_palette(n_clusters)[ranks]


def _spiral(n_colors):
    """Return colors of rising lightness, about a third of the color circle apart."""
    angle = np.deg2rad(_FIRST_HUE + _HUE_STEP * np.arange(n_colors))
    first, last = _LIGHTNESS
    lightness = np.linspace(first, last, n_colors)
    oklab = [lightness, _SPIRAL_CHROMA * np.cos(angle), _SPIRAL_CHROMA * np.sin(angle)]
    return as_colors(np.stack(oklab, axis=1))


@lru_cache(maxsize=16)
def _distinct_colors(n_colors):
    """Choose colors that are far apart among many, and sort them by lightness."""
    colors = _spiral(_FEW)
    candidates, places = _candidates()
    taken = perceived([*_NOT_FOR_CLUSTERS, *colors])
    near = np.min([_distances(places, place) for place in taken.swapaxes(0, 1)], axis=0)
    for _ in range(n_colors - _FEW):
        best = int(np.argmax(near))
        colors = np.vstack([colors, candidates[best]])
        near = np.minimum(near, _distances(places, places[:, best]))
    return colors[np.argsort(perceived(colors)[0, :, 0], kind="stable")]


def _candidates():
    """Return colors of fair lightness and chroma, and where the eye places them."""
    steps = np.linspace(0, 1, _STEPS)
    colors = np.stack(np.meshgrid(steps, steps, steps), axis=-1).reshape(-1, 3)
    places = perceived(colors)
    lightness, chroma = places[0, :, 0], np.hypot(places[0, :, 1], places[0, :, 2])
    fair = (lightness > _LIGHTNESS[0]) & (lightness < _LIGHTNESS[1])
    fair &= (chroma > _CHROMA[0]) & (chroma < _CHROMA[1])
    return colors[fair], places[:, fair]


def _distances(places, place):
    """Return how far one color is from many, for the eye that sees it least."""
    apart = np.linalg.norm(places - place[:, np.newaxis], axis=2)
    return np.min(apart * _WEIGHTS[:, np.newaxis], axis=0)
