# SPDX-License-Identifier: BSD-3-Clause
"""What displays of clusters are given, checked: labels, colors, names, place."""

from collections.abc import Mapping
from typing import NamedTuple

import numpy as np
from astropy import units
from astropy.wcs.utils import proj_plane_pixel_scales

from skesom._common.blocks import row_blocks
from skesom.cube import Cube
from skesom.displays._palette import cluster_palette


class Clusters(NamedTuple):
    """A label map, and how it is shown."""

    label_map: np.ndarray
    wcs: object
    pixel_scale: tuple | None
    sky: np.ndarray | None
    colors: np.ndarray
    names: list

    def chosen(self, wanted):
        """Return the numbers of the clusters that are wanted, all of them for None."""
        if wanted is None:
            return list(range(len(self.names)))
        wanted = [int(number) for number in wanted]
        unknown = [number for number in wanted if not 0 <= number < len(self.names)]
        if unknown:
            raise ValueError(
                f"There is no cluster {unknown[0]}: they are numbered from 0 to "
                f"{len(self.names) - 1}."
            )
        return wanted


def as_clusters(
    label_map,
    cube=None,
    wcs=None,
    sky=None,
    colors=None,
    names=None,
    n_clusters=None,
):
    """Check what a display of clusters was given, and complete it."""
    label_map = np.asarray(label_map)
    if label_map.ndim != 2 or label_map.dtype.kind not in "iu":
        raise ValueError(
            "label_map must be integers of shape (n_rows, n_columns), got "
            f"{label_map.dtype} of shape {label_map.shape}."
        )
    if label_map.size == 0:
        raise ValueError(f"label_map has no pixels, its shape is {label_map.shape}.")
    if n_clusters is None:
        n_clusters = max(int(label_map.max()) + 1, 0)
    if sky is not None:
        sky = np.asarray(sky, dtype=bool)
        _check_shape("sky", sky.shape, label_map)
    pixel_scale = None
    if cube is not None:
        _check_shape("the cube", np.shape(cube)[:2], label_map)
    if wcs is not None:
        wcs = wcs if wcs.naxis == 2 else wcs.celestial
        pixel_scale = pixel_scale_of(wcs)
    elif isinstance(cube, Cube):
        wcs, pixel_scale = cube.wcs, cube.pixel_scale
    return Clusters(
        label_map,
        wcs,
        pixel_scale,
        sky,
        _as_colors(colors, n_clusters),
        _as_names(names, n_clusters),
    )


def pixel_scale_of(wcs):
    """Return height and width of a pixel in arcsec."""
    width, height = (
        scale * units.Unit(unit).to(units.arcsec)
        for scale, unit in zip(proj_plane_pixel_scales(wcs), wcs.wcs.cunit, strict=True)
    )
    return float(height), float(width)


def percentages(label_map, n_clusters):
    """Return the percentage of the pixels in clusters that each cluster has."""
    pixels = np.zeros(n_clusters, dtype=np.int64)
    for rows in row_blocks(label_map.shape):  # large maps, little memory
        labels = label_map[rows]
        pixels += np.bincount(labels[labels >= 0], minlength=n_clusters)
    return 100 * pixels / max(pixels.sum(), 1)


def _check_shape(name, shape, label_map):
    if tuple(shape) != label_map.shape:
        raise ValueError(
            f"{name} must have the shape of label_map, {label_map.shape}, got "
            f"{tuple(shape)}."
        )


def _as_colors(colors, n_clusters):
    if colors is None:
        return cluster_palette(n_clusters)
    from matplotlib.colors import to_rgba_array

    colors = to_rgba_array(colors) if len(colors) else np.empty((0, 4))
    if len(colors) < n_clusters:
        raise ValueError(
            f"There are {n_clusters} clusters but {len(colors)} colors: give one for "
            "each."
        )
    return colors[:n_clusters]


def _as_names(names, n_clusters):
    """Return a name for each cluster: the given ones, or numbers."""
    if names is None:
        names = {}
    if not isinstance(names, Mapping):
        names = dict(enumerate(names))
        if len(names) < n_clusters:
            raise ValueError(
                f"There are {n_clusters} clusters but {len(names)} names: give one for "
                "each, or a dict from numbers to names."
            )
    return [str(names.get(number, number)) for number in range(n_clusters)]
