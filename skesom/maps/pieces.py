# SPDX-License-Identifier: BSD-3-Clause
"""The connected pieces of clusters as a catalog: place, size, fluxes, shape."""

from __future__ import annotations

from functools import partial

import numpy as np
from astropy import units
from astropy.table import Column, Table
from numpy.typing import ArrayLike

from skesom._common.labels import check_label_map, known_sums, names_of
from skesom._common.masked import filled
from skesom._common.strips import strips_of
from skesom._common.thread_pools import each_in_threads
from skesom._types import CubeLike, Names
from skesom.cube.base import check_cube
from skesom.cube.masking.sky_level import sky_level
from skesom.io.outlines import number_pieces
from skesom.maps.positions import icrs_positions

_OF_PIXEL = 1 / 12  # variance of a pixel along its sides
# Labels flicker where more than so much of the clusters is in pieces of fewer pixels
# than this: docs/noisy_regions.md, docs/benchmarks/noisy_bands.py.
SMALL_PIECE = 15
MUCH_IN_SMALL_PIECES = 0.1
_ANGLES = units.sr, units.arcsec**2, units.deg**2
_SHAPE = {
    "semimajor_axis": (units.pix, "1-sigma radius along the major axis"),
    "semiminor_axis": (units.pix, "1-sigma radius along the minor axis"),
    "orientation": (units.deg, "of the major axis from the x axis, counter-clockwise"),
    "ellipticity": (None, "1 - semiminor / semimajor axis"),
}


def find_pieces(
    label_map: ArrayLike,
    cube: CubeLike,
    *,
    agreement: ArrayLike | None = None,
    names: Names | None = None,
    min_size: int = 10,
    max_pieces: int = 10_000,
    subtract_sky: bool = True,
) -> Table:
    """Measure the connected pieces of clusters: a table that catalogs can be.

    Pixels of a piece touch by their sides. `crossmatch` and `read_catalog` take the
    table, or a file of it, with the names of the clusters as types.

    Parameters
    ----------
    label_map : array-like of int of shape (n_rows, n_columns)
        Clusters from 0; negative pixels are in no cluster.
    cube : Cube or array-like of shape (n_rows, n_columns, n_bands)
        The images, in the units of the fluxes.
    agreement : array-like of shape (n_rows, n_columns), default=None
        Share of the runs that agree on each pixel, for its mean; as none if all NaN.
    names : sequence or dict of str, default=None
        Name of each cluster; its number by default.
    min_size : int, default=10
        Pieces of fewer pixels are left out, but each cluster keeps its largest.
    max_pieces : int, default=10000
        If there are more, the smaller ones are left out, but each cluster keeps its
        largest.
    subtract_sky : bool, default=True
        Whether fluxes count from the level of the sky, as in `cluster_table`.

    Returns
    -------
    table : astropy.table.Table
        A row per piece, by falling size: ``id`` from 1, ``cluster``, ``cluster_name``,
        mean place ``x``, ``y`` (pixels from 0) and ``ra``, ``dec`` (ICRS, degrees),
        ``pixels``, ``area`` (arcsec^2), ``<band>_flux`` and ``<band>_error`` (sums over
        the pixels with data), ``agreement``, and ``semimajor_axis``,
        ``semiminor_axis``, ``orientation``, ``ellipticity`` of its area. What is not
        known is no column. ``meta`` tells what was left out, and what errors are.

    Raises
    ------
    ValueError
        If the label map, the cube and `agreement` do not have the same pixels.

    Notes
    -----
    Errors are those of the cube. Without them they come from the scatter of pixels in
    and beside the piece: the difference of each to the mean of its neighbors in the
    row, which a slope does not change. Noise is taken as independent from pixel to
    pixel; where images were smoothed, errors are too small. Sums of a surface
    brightness are times the area of a pixel. Shapes are those of the area, by its
    second moments, with a pixel added to what is thinner than a pixel.

    Examples
    --------
    >>> import numpy as np
    >>> from skesom.maps import find_pieces
    >>> label_map = np.zeros((20, 20), dtype=int)
    >>> label_map[2:6, 3:9] = 1
    >>> table = find_pieces(label_map, np.ones((20, 20, 1)), names=["disc", "knot"])
    >>> table["cluster_name"].tolist(), table["pixels"].tolist()
    (['disc', 'knot'], [376, 24])
    >>> float(table["x"][1]), float(table["y"][1]), float(table["band 1_flux"][1])
    (5.5, 3.5, 24.0)
    """
    labels, cube = check_label_map(label_map), check_cube(cube)
    agreement = filled(agreement)
    for name, image in (("cube", cube), ("agreement", agreement)):
        if image is not None and np.shape(image)[:2] != labels.shape:
            raise ValueError(
                f"{name} must have the pixels of label_map, {labels.shape}, got "
                f"{np.shape(image)[:2]}."
            )
    image, *pieces = number_largest(labels, min_size, max_pieces)
    level = sky_level(labels, cube) if subtract_sky else None
    table = measure_pieces(image, pieces, cube, agreement, names, level)
    _add_shapes(table, image)
    return table


def number_largest(labels, min_size, max_pieces):
    """Find the largest pieces of a label map, numbered from 1 by falling size.

    Return the image of the numbers, cluster and size of each, and what has none.
    """
    image, clusters = number_pieces(labels)
    sizes = np.bincount(image.ravel(), minlength=len(clusters))
    order = 1 + np.argsort(-sizes[1:], kind="stable")
    is_kept = sizes[order] >= min_size
    is_kept[max_pieces:] = False
    is_kept[np.unique(clusters[order], return_index=True)[1]] = True
    kept, lost = order[is_kept], order[~is_kept]
    numbers = np.zeros(len(sizes), dtype=np.int32)
    numbers[kept] = np.arange(1, len(kept) + 1)
    left_out = ""
    if len(lost):
        share = sizes[lost].sum() / sizes[1:].sum()
        what = f"of fewer than {max(min_size, sizes[lost].max() + 1)} pixels"
        left_out = f"{len(lost)} pieces {what}, {share:.1%} of the pixels in clusters"
    return numbers[image], clusters[kept], sizes[kept], left_out


def share_in_small_pieces(labels):
    """Return the share of the clustered pixels in pieces of fewer than 15 pixels."""
    image, clusters = number_pieces(labels)
    sizes = np.bincount(image.ravel(), minlength=len(clusters))[1:]
    if not len(sizes):
        return 0.0
    return float(sizes[sizes < SMALL_PIECE].sum() / sizes.sum())


def measure_pieces(image, pieces, cube, agreement=None, names=None, level=None):
    """Return the table of numbered pieces, without shapes, above a level of the sky."""
    clusters, sizes, left_out = pieces
    table = Table({"id": np.arange(1, len(sizes) + 1), "cluster": clusters})
    table["cluster_name"] = np.array(names_of(clusters, names), dtype=str)
    level = np.zeros(cube.shape[2]) if level is None else np.nan_to_num(level)
    x, y, *means = _means(image, len(sizes), cube, agreement, level)
    table["x"], table["y"] = x * units.pix, y * units.pix
    for name, values in icrs_positions(cube.wcs, x, y).items():
        table[name] = values * units.deg
    table["pixels"], area = sizes, None
    if cube.pixel_scale is not None:
        area = np.prod(cube.pixel_scale) * units.arcsec**2
        table["area"] = sizes * area
        table["area"].info.format = ".4g"
    if agreement is not None:
        agreement_of_pieces = means.pop()
        # Of equal members it is missing everywhere, as if it had not been given.
        if len(table) == 0 or not np.isnan(agreement_of_pieces).all():
            table["agreement"] = agreement_of_pieces
            table["agreement"].info.format = ".3f"
    table["x"].info.format = table["y"].info.format = ".2f"
    origin = "the errors of the images"
    if cube.errors is None:
        origin = "the scatter of pixels in and beside the piece"
    for name, unit, (flux, error) in zip(
        cube.band_names, cube.band_units, means, strict=True
    ):
        factor, unit = _flux_unit(unit, area)
        for kind, values, text in (
            ("flux", flux, f"sum of {name} over the pixels of the piece"),
            ("error", error, f"standard deviation of {name}_flux, from {origin}"),
        ):
            values = factor * values
            column = Column(values, unit=unit, format=".5g", description=text)
            table[f"{name}_{kind}"] = column
    table.meta |= {"errors": f"from {origin}", "left_out": left_out or "nothing"}
    return table


def _means(image, n_pieces, cube, agreement, level):
    """Return mean column and row, flux and error of each band, mean agreement."""
    add_up = partial(_sums_of_strip, image, n_pieces, cube, agreement)
    last = 2 + 2 * cube.shape[2]
    totals = np.zeros((last + (agreement is not None), 2, n_pieces))
    strips, n_jobs = strips_of(cube.shape, "sums"), 1 if cube.is_lazy else -1
    # In the order of the strips, which the last bit of a sum depends on.
    for present, sums in each_in_threads(add_up, strips, n_jobs):
        totals[:, :, present] += sums
    sums, counts = np.moveaxis(totals, 1, 0)
    means = np.full(sums.shape, np.nan)
    np.divide(sums, counts, out=means, where=counts > 0)
    known = np.where(counts > 0, counts, np.nan)[2:last:2]
    fluxes = sums[2:last:2] - level[:, np.newaxis] * known
    errors = np.sqrt(known * means[3:last:2])
    return *means[:2], *zip(fluxes, errors, strict=True), *means[last:]


def _sums_of_strip(image, n_pieces, cube, agreement, rows):
    """Return the pieces in a strip, and sum and count of the values that are known."""
    numbers, part = image[rows].astype(np.intp), cube[rows].compute()
    is_present = np.bincount(numbers.ravel(), minlength=n_pieces + 1) > 0
    is_present[0] = True  # what is in no piece
    present = np.flatnonzero(is_present)[1:] - 1
    numbers = (np.cumsum(is_present) - 1)[numbers]
    row, column = np.ogrid[rows, : image.shape[1]]
    values = [np.broadcast_to(each, numbers.shape) for each in (column, row)]
    for band in range(part.shape[2]):
        flux = np.ascontiguousarray(part.data[:, :, band])
        if part.errors is None:
            variance = np.full(flux.shape, np.nan)
            beside = (flux[:, :-2] + flux[:, 2:]) / 2
            # The mean of two has half the variance of one.
            variance[:, 1:-1] = (flux[:, 1:-1] - beside) ** 2 / 1.5
        else:
            variance = part.errors[:, :, band].astype(np.float64) ** 2
        values += [flux, variance]
    if agreement is not None:
        values.append(agreement[rows])
    return present, np.array([known_sums(numbers, v, len(present)) for v in values])


def _flux_unit(unit, area):
    """Return the factor and the unit of sums over pixels, also of a brightness."""
    is_known = isinstance(unit, units.UnitBase) and area is not None
    for angle in _ANGLES if is_known else ():
        kinds = {str(base.physical_type) for base in (unit * angle).bases}
        if not kinds & {"angle", "solid angle"}:
            return area.to_value(angle), unit * angle
    return 1.0, unit


def _add_shapes(table, image):
    """Add the shapes of the areas, by their second moments as SExtractor does."""
    x, y, moments = np.asarray(table["x"]), np.asarray(table["y"]), 0
    for rows in strips_of(image.shape, "block"):
        row, column = inside = np.nonzero(image[rows])
        number = image[rows][inside] - 1
        away = column - x[number], row + rows.start - y[number]
        products = [away[k] * away[m] for k, m in ((0, 0), (1, 1), (0, 1))]
        moments += np.array([np.bincount(number, p, len(table)) for p in products])
    xx, yy, xy = moments / np.asarray(table["pixels"])
    while (thin := xx * yy - xy**2 < _OF_PIXEL**2).any():  # narrower than a pixel
        xx[thin] += _OF_PIXEL
        yy[thin] += _OF_PIXEL
    middle, half = (xx + yy) / 2, np.hypot((xx - yy) / 2, xy)
    major, minor = np.sqrt(middle + half), np.sqrt(np.maximum(middle - half, 0))
    angle = (np.rad2deg(np.arctan2(2 * xy, xx - yy) / 2) + 90) % 180 - 90
    values = major, minor, angle, 1 - minor / major
    for row, (name, (unit, text)) in zip(values, _SHAPE.items(), strict=True):
        table[name] = Column(row, unit=unit, format=".3f", description=text)
