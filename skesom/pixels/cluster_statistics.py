# SPDX-License-Identifier: BSD-3-Clause
"""What the pixels of clusters have in common: sizes, medians and quartiles of bands."""

from __future__ import annotations

from functools import partial

import numpy as np
from astropy.table import Column, Table
from numpy.typing import ArrayLike

from skesom._common.labels import check_label_map
from skesom._common.lazy import computed, is_lazy
from skesom._common.lazy_strips import as_strips, in_strips
from skesom._common.thread_pools import in_threads
from skesom._types import CubeLike
from skesom.cube import Cube
from skesom.cube.masking.sky_level import sky_level

_QUARTILES = {"median": 50, "q25": 25, "q75": 75}
_DIGIT = 8  # bits of lazy values that are found in a pass
_AT_A_TIME = 16  # strips, whose counts are in memory together


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
    labels = checked_map(label_map)
    cube = None if cube is None else checked_fluxes(labels, cube)
    level = None
    if cube is not None and subtract_sky:
        level = sky_level(labels, cube)
    if labels.ndim == 2 and (is_lazy(labels) or getattr(cube, "is_lazy", False)):
        return _make_table(*_summarize_lazily(labels, cube), cube, level)
    labels = computed(labels)[0] if is_lazy(labels) else labels
    ids, pixels = np.unique(labels[labels >= 0], return_counts=True)
    n_bands = 0 if cube is None else cube.shape[2]
    if labels.ndim == 2:  # the same pixels in all bands
        own = _members(labels, ids)
        tasks = [partial(_summarize, cube, band, *own) for band in range(n_bands)]
        bands = in_threads(lambda task: task(), tasks, n_jobs=-1) if tasks else ()
    else:
        images = enumerate(np.moveaxis(labels, 2, 0) if n_bands else ())
        bands = (_summarize(cube, band, *_members(one, ids)) for band, one in images)
    return _make_table(ids, pixels, bands, cube, level)


def _members(labels, ids):
    """Return the pixels of an image by their clusters, and where each cluster ends."""
    labels = labels.ravel()
    members = np.flatnonzero(labels >= 0)
    labels = labels[members]
    if labels.max(initial=0) < np.iinfo(np.int16).max:
        # NumPy sorts short integers in linear time.
        labels = labels.astype(np.int16)
    order = np.argsort(labels, kind="stable")
    return members[order], np.searchsorted(labels[order], ids, side="right")


def _make_table(ids, pixels, bands, cube, level):
    """Return the table of clusters, with columns of the summary of each band."""
    share = 100 * pixels / max(pixels.sum(), 1)
    percentage = Column(share, "percentage", format=".2f")
    percentage.description = "of the pixels that belong to a cluster"
    columns = [
        Column(ids.astype(np.int32), "id", description="cluster"),
        Column(pixels, "pixels", description="number of pixels"),
        percentage,
    ]
    for band, summary in enumerate(bands):
        known = np.nan if level is None else level[band]
        columns += _describe_summary(cube, band, summary, known)
    return Table(columns, copy=False)


def _count_lazily(labels):
    """Return the clusters of a lazy label map that have pixels, and how many."""
    ids, pixels = computed(*np.unique(labels.ravel(), return_counts=True))
    return ids[ids >= 0], pixels[ids >= 0]


def _summarize_lazily(labels, cube):
    """Return clusters, their sizes, and medians and quartiles of each band, or none."""
    if cube is None:
        return *_count_lazily(labels), ()
    cube = cube if cube.is_lazy else Cube(in_strips(cube.data, labels.chunks))
    labels = in_strips(labels, cube.data.chunks)
    ids, pixels = _count_lazily(labels)
    summary = _percentiles(labels, cube, ids, list(_QUARTILES.values()))
    return ids, pixels, np.moveaxis(summary, 1, 0)


def _percentiles(labels, cube, ids, ranks):
    """Return percentiles without NaN, of shape (n_clusters, n_bands, n_percentiles).

    They are those of NumPy bit by bit, but no values are kept: each pass counts the
    next digit of the values that begin like the wanted ones.
    """
    key = np.dtype(f"u{cube.dtype.itemsize}")
    n_bits = 8 * key.itemsize
    heads = np.zeros((len(ids), cube.shape[2], 2 * len(ranks)), dtype=key)
    for known in range(0, n_bits, _DIGIT):
        counts = _count_all(labels, cube.data, ids, heads, n_bits - known)
        if known == 0:
            n_values = counts[:, :, :1].sum(axis=-1)
            places = np.maximum(n_values - 1, 0) * np.divide(ranks, 100)
            steps, places = places % 1, np.floor(places)
            last = np.minimum(places + 1, np.maximum(n_values - 1, 0))
            places = np.concatenate([places, last], axis=-1)[..., np.newaxis]
        ends = np.cumsum(counts, axis=-1)
        digits = np.argmax(ends > places, axis=-1)[..., np.newaxis]
        places -= np.take_along_axis(ends - counts, digits, axis=-1)
        heads = heads * key.type(2**_DIGIT) + digits[..., 0].astype(key)
    sign = key.type(1 << (n_bits - 1))
    found = np.where(heads & sign, heads & ~sign, ~heads).view(cube.dtype)
    summary = np.full(steps.shape, np.nan, dtype=cube.dtype)
    for place in zip(*np.nonzero(n_values > 0)[:2], strict=True):
        pairs = found[place].reshape(2, -1).T
        for rank, (pair, step) in enumerate(zip(pairs, steps[place], strict=True)):
            # NumPy itself goes from one value to the next.
            summary[place][rank] = np.quantile(pair, [step])[0]
    return summary + 0


def _count_all(labels, data, ids, heads, n_left):
    """Return how many values go on with each digit, for each head of a value."""
    from dask import delayed

    count = partial(_count, ids=ids, heads=heads, n_left=n_left)
    count = delayed(count, pure=False, traverse=False)
    strips = zip(labels.to_delayed().ravel(), data.to_delayed().ravel(), strict=True)
    tasks = [count(*strip) for strip in strips]
    groups = range(0, len(tasks), _AT_A_TIME)
    return sum(sum(computed(*tasks[i : i + _AT_A_TIME])) for i in groups)


def _count(labels, data, ids, heads, n_left):
    """Return the counts of one strip."""
    key, n_bits = heads.dtype, 8 * heads.dtype.itemsize
    counts = np.zeros((*heads.shape, 2**_DIGIT), dtype=np.int64)
    for cluster, own in enumerate(ids):
        values = data[labels == own]
        for band, wanted in enumerate(heads[cluster]):
            bits = values[:, band][~np.isnan(values[:, band])].view(key)
            sign = key.type(1 << (n_bits - 1))
            bits = np.where(bits & sign, ~bits, bits | sign)  # in the order of values
            digits = (bits >> key.type(n_left - _DIGIT)) & key.type(2**_DIGIT - 1)
            for head in set(wanted.tolist()):
                some = n_left == n_bits or bits >> key.type(n_left % n_bits) == head
                found = digits[some].astype(np.int64).ravel()
                counts[cluster, band, wanted == head] = np.bincount(
                    found, minlength=256
                )
    return counts


def _summarize(cube, band, members, ends):
    """Return the median and quartiles of one band in each cluster."""
    flux = computed(cube.data[:, :, band])[0].ravel()[members]
    summary = np.full((len(ends), len(_QUARTILES)), np.nan, dtype=cube.dtype)
    for cluster, values in enumerate(np.split(flux, ends[:-1])):
        if len(values := values[~np.isnan(values)]):
            ranks = list(_QUARTILES.values())
            summary[cluster] = np.percentile(values, ranks, overwrite_input=True)
    return summary + 0  # of zeros, NumPy takes one of any sign


def _describe_summary(cube, band, summary, level):
    """Return the median and quartile columns of one band, above a level of the sky."""
    name, above = cube.band_names[band], ""
    if not np.isnan(level):
        summary = summary - summary.dtype.type(level)
        above = f" above the sky of {level:.4g}"
    return [
        Column(
            summary[:, place],
            f"{name}_{statistic}",
            unit=cube.band_units[band],
            format=".4g",
            description=f"{statistic} of {name} over the pixels of the cluster{above}",
        )
        for place, statistic in enumerate(_QUARTILES)
    ]


def checked_map(label_map):
    """Return a label map after checking it; a lazy one is checked when computed."""
    if not is_lazy(label_map):
        return check_label_map(label_map, voxels=True)
    check = partial(check_label_map, voxels=True)
    meta = check(label_map._meta)
    strips = as_strips(label_map, "label_map")
    return strips.map_blocks(check, dtype=meta.dtype, meta=meta)


def checked_fluxes(labels, cube):
    """Return the fluxes as a cube; they must have the shape of the map."""
    cube = cube if isinstance(cube, Cube) else Cube(cube)
    if cube.shape[: labels.ndim] != labels.shape:
        sizes = (
            " x ".join(map(str, s[: labels.ndim])) for s in (cube.shape, labels.shape)
        )
        raise ValueError("The cube has {} pixels, but label_map has {}.".format(*sizes))
    return cube
