# SPDX-License-Identifier: BSD-3-Clause
"""Colors of clusters that everybody can tell apart, and of what is no cluster."""

from __future__ import annotations

import colorsys
from importlib import resources
from numbers import Integral
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from skesom._common.labels import without_mask
from skesom._common.strips import strips_of
from skesom._types import CubeLike
from skesom.cube.convert import as_cube

NOISE_COLOR = "#000000"
SKY_COLOR = "#1d2236"
MISSING_COLOR = "#e1e3e8"
HATCH_COLOR = "#b4b8c2"
_FEW = 10  # palettes of so few colors are whole lines of the table


def cluster_palette(n_clusters):
    """Return colors as (n_clusters, 4), from dark to light."""
    if not isinstance(n_clusters, Integral) or n_clusters < 0:
        raise ValueError(f"n_clusters must be an int from 0, got {n_clusters!r}.")
    text = (resources.files("skesom.displays") / "palettes.txt").read_text("ascii")
    lines = [line for line in text.splitlines() if not line.startswith("#")]
    rows = [line.split() for line in lines]
    # First whole palettes, a line each, then a color and from which size it is used.
    small_palettes = rows[:_FEW]
    large_palette = rows[_FEW:]
    if n_clusters == 0:
        colors = _from_hex([])
    elif n_clusters <= _FEW:
        colors = _from_hex(small_palettes[n_clusters - 1])
    elif n_clusters <= len(large_palette):
        colors = _from_hex(
            [color for color, size in large_palette if int(size) <= n_clusters]
        )
    else:  # too many to tell apart, but each differs from the next
        colors = []
        for number, level in enumerate(np.linspace(0.25, 0.85, n_clusters).tolist()):
            hue = 0.618034 * number % 1  # golden ratio
            colors.append(colorsys.hls_to_rgb(hue, level, 0.8))
    return np.column_stack([colors, np.ones(n_clusters)])


def cluster_colors(label_map: ArrayLike, cube: CubeLike) -> NDArray[Any]:
    """Choose a color for each cluster, from dark for the faintest to light.

    Neighboring clusters of a galaxy differ mainly in brightness, so colors in this
    order show its shape.

    Parameters
    ----------
    label_map : array-like of int of shape (n_rows, n_columns)
        Clusters from 0; negative labels are left out.
    cube : Cube or array-like of shape (n_rows, n_columns, n_bands)
        The images that the clusters are ordered by, scaled so that all bands have the
        same weight.

    Returns
    -------
    colors : ndarray of shape (n_clusters, 4)
        Red, green, blue and opacity, from 0 to 1.

    Notes
    -----
    Colors are chosen for color-blind readers, too. Up to ten rise evenly in lightness,
    each a third of the color circle from the one before. Up to 200 are as far as
    possible from each other and from the colors of sky, noise and missing data, by the
    method of [1]_, for normal vision in Oklab [2]_ and for protanopia, deuteranopia and
    tritanopia [3]_.

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
    >>> import numpy as np
    >>> from skesom.displays import cluster_colors
    >>> label_map = np.array([[0, 0, 1]])
    >>> cluster_colors(label_map, np.array([[[5.0], [5.0], [1.0]]])).shape
    (2, 4)
    """
    label_map = without_mask(label_map)
    data = as_cube(cube).data
    n_clusters = max(int(label_map.max(initial=-1)) + 1, 0)
    n_bands = data.shape[2]
    sums = np.zeros((n_clusters, n_bands))
    counts = np.zeros((n_clusters, n_bands))
    for rows in strips_of(data.shape, "block"):
        strip = np.asarray(data[rows])
        for band in range(n_bands):
            flux = strip[:, :, band]
            used = (label_map[rows] >= 0) & ~np.isnan(flux)
            labels = label_map[rows][used]
            sums[:, band] += np.bincount(labels, flux[used], minlength=n_clusters)
            counts[:, band] += np.bincount(labels, minlength=n_clusters)
    means = sums / np.maximum(counts, 1)
    n_bands_with_data = np.maximum((counts > 0).sum(axis=1), 1)
    brightness = means.sum(axis=1) / n_bands_with_data
    ranks = np.argsort(np.argsort(brightness, kind="stable"), kind="stable")
    return cluster_palette(n_clusters)[ranks]


def luminance_of(colors):
    """Return the brightness of colors for the eye."""
    return colors[..., :3] @ [0.299, 0.587, 0.114]


def rim_of(color):
    """Return black or white, whichever contrasts more with a color."""
    from matplotlib.colors import to_rgb

    if luminance_of(np.array(to_rgb(color))) > 0.4:
        return "black"
    return "white"


def rgb_of(color):
    """Return red, green and blue from 0 to 1 of a color as "#rrggbb"."""
    return _from_hex([color.removeprefix("#")])[0]


def _from_hex(colors):
    levels = np.frombuffer(bytes.fromhex("".join(colors)), dtype=np.uint8)
    return levels.reshape(-1, 3) / 255
