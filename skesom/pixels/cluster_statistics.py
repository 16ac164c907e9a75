# SPDX-License-Identifier: BSD-3-Clause
"""What the pixels of clusters have in common: sizes, medians and quartiles of bands."""

from __future__ import annotations

from functools import partial

import numpy as np
from astropy.table import Column, Table
from numpy.typing import ArrayLike

from skesom._common.labels import check_label_map
from skesom._common.lazy import computed, in_memory, is_lazy
from skesom._common.lazy_strips import as_strips, in_strips
from skesom._common.thread_pools import in_threads
from skesom._types import CubeLike
from skesom.cube import Cube
from skesom.cube.masking.sky_level import sky_level
from skesom.pixels._lazy_percentiles import lazy_percentiles

_QUARTILES = {"median": 50, "q25": 25, "q75": 75}


def cluster_table(
    label_map: ArrayLike, cube: CubeLike | None = None, *, subtract_sky: bool = True
) -> Table:
    """Summarize the clusters of a label map.

    Parameters
    ----------
    label_map : array-like of int of shape (n_rows, n_columns)
        Cluster of each pixel from 0; negative labels belong to no cluster. Labels of
        voxels, with an axis of bands, are summarized band by band.
    cube : Cube or array-like of shape (n_rows, n_columns, n_bands), default=None
        Fluxes to summarize.
    subtract_sky : bool, default=True
        Whether fluxes count from the level of the sky in their band: the median of the
        pixels that are labeled -2, if there are 100 of them and the images are of the
        sky (see the notes). False takes them as they are.

    Returns
    -------
    table : astropy.table.Table
        One row per cluster that has pixels: ``id``, ``pixels``, ``percentage`` (of the
        pixels in clusters) and, for each band of the cube, ``<band>_median``,
        ``<band>_q25`` and ``<band>_q75`` in the unit of the band, without NaN. The
        descriptions of columns tell the level that was subtracted.

    Raises
    ------
    ValueError
        If the labels are not such a map, or the cube has another shape.

    Notes
    -----
    Images are of the sky if their pixels have an angle (``wcs`` or ``pixel_scale``), or
    a band has a name that astronomers give. Of more than 2 million pixels, every
    second, third, ... row and column tells the level.

    Examples
    --------
    >>> from skesom.pixels import cluster_table
    >>> print(cluster_table([[0, 0, 1], [0, -1, -3]]))
     id pixels percentage
    --- ------ ----------
      0      3      75.00
      1      1      25.00
    """
    labels = check_map(label_map)
    sky_levels = None
    if cube is not None:
        cube = check_fluxes(labels, cube)
        if subtract_sky:
            sky_levels = sky_level(labels, cube)
    is_any_lazy = is_lazy(labels) or (cube is not None and cube.is_lazy)
    if labels.ndim == 2 and is_any_lazy:
        ids, n_pixels, summaries = _summarize_lazily(labels, cube)
    else:
        ids, n_pixels, summaries = _summarize(in_memory(labels), cube)
    columns = _describe_clusters(ids, n_pixels)
    for band, summary in enumerate(summaries):
        level = np.nan
        if sky_levels is not None:
            level = sky_levels[band]
        columns += _describe_band(cube, band, summary, level)
    return Table(columns, copy=False)


def _summarize(labels, cube):
    """Return clusters, their sizes, and the summary of each band.

    Parameters
    ----------
    labels : ndarray of int of shape (n_rows, n_columns), or of that of the cube
    cube : Cube or None

    Returns
    -------
    ids : ndarray of shape (n_clusters,), dtype int32
    n_pixels : ndarray of int of shape (n_clusters,)
    summaries : sequence of ndarray of shape (n_clusters, 3)
        Median and quartiles of each band; none without a cube.
    """
    ids, n_pixels = np.unique(labels[labels >= 0], return_counts=True)
    if cube is None:
        return ids, n_pixels, []
    bands = range(cube.shape[2])
    if labels.ndim == 3:
        summaries = []
        for band in bands:
            members, ends = _sort_by_cluster(labels[:, :, band], ids)
            summaries.append(_summarize_band(cube, band, members, ends))
        return ids, n_pixels, summaries
    members, ends = _sort_by_cluster(labels, ids)  # the same pixels in all bands

    def summarize(band):
        return _summarize_band(cube, band, members, ends)

    return ids, n_pixels, in_threads(summarize, bands, n_jobs=-1)


def _sort_by_cluster(labels, ids):
    """Return the pixels of an image by their clusters, and where each cluster ends."""
    labels = labels.ravel()
    members = np.flatnonzero(labels >= 0)
    labels = labels[members]
    if labels.max(initial=0) < np.iinfo(np.int16).max:
        # NumPy sorts short integers in linear time.
        labels = labels.astype(np.int16)
    order = np.argsort(labels, kind="stable")
    ends = np.searchsorted(labels[order], ids, side="right")
    return members[order], ends


def _summarize_band(cube, band, members, ends):
    """Return the median and quartiles of one band in each cluster."""
    fluxes = in_memory(cube.data[:, :, band]).ravel()[members]
    summary = np.full((len(ends), len(_QUARTILES)), np.nan, dtype=cube.dtype)
    for cluster, values in enumerate(np.split(fluxes, ends[:-1])):
        values = values[~np.isnan(values)]
        if len(values):
            summary[cluster] = np.percentile(
                values, list(_QUARTILES.values()), overwrite_input=True
            )
    return summary + 0  # of zeros, NumPy takes one of any sign


def _summarize_lazily(labels, cube):
    """Do the same with images of which one at least is lazy."""
    if cube is None:
        return *_count_pixels_lazily(labels), []
    if not cube.is_lazy:
        cube = Cube(in_strips(cube.data, labels.chunks))
    labels = in_strips(labels, cube.data.chunks)
    ids, n_pixels = _count_pixels_lazily(labels)
    percentages = list(_QUARTILES.values())
    summaries = lazy_percentiles(labels, cube.data, ids, percentages) + 0
    return ids, n_pixels, np.moveaxis(summaries, 1, 0)


def _count_pixels_lazily(labels):
    """Return the clusters of a lazy label map that have pixels, and how many."""
    ids, n_pixels = computed(*np.unique(labels.ravel(), return_counts=True))
    return ids[ids >= 0], n_pixels[ids >= 0]


def _describe_clusters(ids, n_pixels):
    """Return the columns of the clusters and their sizes."""
    return [
        Column(ids.astype(np.int32), "id", description="cluster"),
        Column(n_pixels, "pixels", description="number of pixels"),
        Column(
            100 * n_pixels / max(n_pixels.sum(), 1),
            "percentage",
            format=".2f",
            description="of the pixels that belong to a cluster",
        ),
    ]


def _describe_band(cube, band, summary, level):
    """Return the columns of the summary of one band, above a level of the sky."""
    name = cube.band_names[band]
    above_sky = ""
    if not np.isnan(level):
        summary = summary - summary.dtype.type(level)
        above_sky = f" above the sky of {level:.4g}"
    columns = []
    for index, statistic in enumerate(_QUARTILES):
        column = Column(
            summary[:, index],
            f"{name}_{statistic}",
            unit=cube.band_units[band],
            format=".4g",
            description=(
                f"{statistic} of {name} over the pixels of the cluster{above_sky}"
            ),
        )
        columns.append(column)
    return columns


def check_map(label_map):
    """Return a label map after checking it; a lazy one is checked when computed."""
    if not is_lazy(label_map):
        return check_label_map(label_map, voxels=True)
    check = partial(check_label_map, voxels=True)
    meta = check(label_map._meta)
    strips = as_strips(label_map, "label_map")
    return strips.map_blocks(check, dtype=meta.dtype, meta=meta)


def check_fluxes(labels, cube):
    """Return the fluxes as a cube; they must have the shape of the map."""
    if not isinstance(cube, Cube):
        cube = Cube(cube)
    if cube.shape[: labels.ndim] != labels.shape:
        size_of_cube = " x ".join(map(str, cube.shape[: labels.ndim]))
        size_of_map = " x ".join(map(str, labels.shape))
        raise ValueError(
            f"The cube has {size_of_cube} pixels, but label_map has {size_of_map}."
        )
    return cube
