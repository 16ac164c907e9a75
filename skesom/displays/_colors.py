# SPDX-License-Identifier: BSD-3-Clause
"""Colors of clusters that everybody can tell apart, and of what is no cluster."""

from __future__ import annotations

import colorsys
from numbers import Integral
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from skesom._common.blocks import row_blocks
from skesom._common.labels import without_mask
from skesom._types import CubeLike
from skesom.cube._convert import as_cube

NOISE_COLOR = "#000000"
SKY_COLOR = "#1d2236"
MISSING_COLOR = "#e1e3e8"
HATCH_COLOR = "#b4b8c2"
# Palettes of 1 to 10 colors.
_FEW = [
    "5f0d6f",
    "5f0d6f00feff",
    "5f0d6f00a5a9ffcb56",
    "5f0d6f00888de19100fbc0ff",
    "5f0d6f007a7fc37500cf94ff00ffea",
    "5f0d6f007277b16400b57be500dbc7ffc366",
    "5f0d6f006d72a55900a46ad200c3b0ffa546e8c7ff",
    "5f0d6f00696e9d5200985fc600b3a0f4912ccfaeff44ffd2",
    "5f0d6f00666b974c008f56bc00a694e48110bc9bff0fe9bcffbb7b",
    "5f0d6f006469924700894fb5009d8bd77600ae8dfc00d7acffa867d2ceff",
]
# Further colors, from dark to light, and the size of the smallest palette with each:
# they were added to ten one by one, see the notes of `cluster_colors`.
_MANY = (
    "5f0d6f7900005e28436b005e4328862828a16b28280051365e286b6b285186000d284379860036"
    "5e1b9436511b791b5e7900795e366b3636a15136867928438600517936009400364336ae514386"
    "5e3694862851861b798636280051a1940d5ea1000d3643bc006469a11b438636796b4394864351"
    "7936a1006b5e794386366b285151ae924700865128a1286bae1b5e7951868636ae5151c95e51bc"
    "9443795e5e94006ba1a14343ae3628a1436bae365e5e5eaea15100006bbc945179435ed7ae4351"
    "bc286b894fb5008628ae3694a143a16b5ec9bc4343946b003679ae008679a15e6b6b6bbc436be4"
    "518651bc4386a16b430086aebc5179796bc9c9510d4379d7bc5e36946ba1ae5e94ae6b5e43946b"
    "a15ed77979c9d75151866be46b9428c95e6ba16bbcc951ae009d8bd7518651a100c96b5e2894d7"
    "a179bce451798679f25186ff36a1a1ae6be4a179d7c9795e5ea1860da1c9d77600bc8643a186bc"
    "c9798679a16bc979a1d7797900aeaef26b36f25e949486ffbc79e49494d7a1a15e51a1f2c986a1"
    "e46bc9c986bc86ae79e4864394ae5186a1e41bbcaeae8dfc6baed7ff795e6bbc94aeae6bd786e4"
    "1bc979f279c9d7a10d79aef2d794bcff79aef294436bbcd7aea1ff5ec994f29486e494d7d7a1c9"
    "e4a1a194c95e86bcf279c9bce4ae4300d7acffa1285ed779ff94e4ffa867f2a1d700d7f279c9ff"
    "e4bc00bcc986c9c94386d7bcf2a1ffd7c95e51e4aea1d7a186d7e436e4d7ffaec9bcd78694e4a1"
    "51e4fff2bce4d7d76b6bf294ffc943a1e4bcbce486d2ceffc9e45e6bf2d7a1f279ffd70028ffc9"
    "e4e443bcf25e79f2ffaef2ae79ff94"
)
_USED_FROM = (
    "0a0c575b300e861aa09b9d6ab4884b277553b596aa702f1e6c1455414a8a8dbc5f230a89a490472b80"
    "6d39690ac69a11919738c12821622db98f92ae6750a27699c50a4636795da317a82a78bf101b98583a"
    "372c8e64c31c734c7b748b1287729c49420a9e31b351a5331fa161b683846b150a4348c0ba1d406ea7"
    "4d5a3bab1671af0fb27c65b1663c0ab72e229f3e598518bea656935c4568269534bd3f13b04e0ac27d"
    "250ac8c47f24357e8c4fa9ad77c744197a206f6029945282630aac5eb80b3dbb3281540d"
)
_GOLDEN_RATIO = 0.618034


def cluster_palette(n_clusters):
    """Return colors as (n_clusters, 4), from dark to light."""
    if not isinstance(n_clusters, Integral) or n_clusters < 0:
        raise ValueError(f"n_clusters must be an int from 0, got {n_clusters!r}.")
    used_from = np.frombuffer(bytes.fromhex(_USED_FROM), dtype=np.uint8)
    if n_clusters <= len(_FEW):
        colors = _from_hex("".join(_FEW[n_clusters - 1 : n_clusters]))
    elif n_clusters <= len(used_from):
        colors = _from_hex(_MANY)[used_from <= n_clusters]
    else:  # too many to tell apart, but each differs from the next
        lightness = np.linspace(0.25, 0.85, n_clusters).tolist()
        hues = [_GOLDEN_RATIO * number % 1 for number in range(n_clusters)]
        pairs = zip(hues, lightness, strict=True)
        colors = [colorsys.hls_to_rgb(hue, level, 0.8) for hue, level in pairs]
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
    sums, counts = np.zeros((2, n_clusters, data.shape[2]))
    for rows in row_blocks(data.shape):
        part = np.asarray(data[rows])
        for band in range(data.shape[2]):
            flux = part[:, :, band]
            used = (label_map[rows] >= 0) & ~np.isnan(flux)
            labels = label_map[rows][used]
            sums[:, band] += np.bincount(labels, flux[used], minlength=n_clusters)
            counts[:, band] += np.bincount(labels, minlength=n_clusters)
    means = sums / np.maximum(counts, 1)
    n_known = np.maximum((counts > 0).sum(axis=1), 1)
    brightness = means.sum(axis=1) / n_known
    ranks = np.argsort(np.argsort(brightness, kind="stable"), kind="stable")
    return cluster_palette(n_clusters)[ranks]


def luminance_of(colors):
    """Return the brightness of colors for the eye."""
    return colors[..., :3] @ [0.299, 0.587, 0.114]


def _from_hex(text):
    levels = np.frombuffer(bytes.fromhex(text), dtype=np.uint8)
    return levels.reshape(-1, 3) / 255
