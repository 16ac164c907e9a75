# SPDX-License-Identifier: BSD-3-Clause
"""Exposures of the same bands, side by side or of the same sky, as one image."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import combinations
from typing import NamedTuple

import numpy as np
from astropy import units
from astropy.stats import mad_std
from scipy import ndimage

from skesom._common.strips import strips_of
from skesom._common.thread_pools import in_threads
from skesom._common.warn import warn_user
from skesom._sky.grids import (
    SAME_SIZE,
    Grid,
    cut_grid,
    find_reach,
    group_by_grid,
    pixel_size,
)
from skesom.cube._container import Cube
from skesom.cube.alignment._conserved import FLUX, held_by
from skesom.cube.alignment._grid import find_coarsest, find_grid, grid_of
from skesom.cube.alignment.stack import stack_cubes
from skesom.cube.bands import list_bands
from skesom.cube.base import check_cube
from skesom.cube.convolution.filtering import smooth
from skesom.cube.masking.cube_masker import CubeMasker
from skesom.cube.masking.sky import sky_statistics

LARGEST = 20  # times the pixels of all exposures: beyond that, they lie far apart
EDGE = 1e-3  # pixels that count as none at the border of an image
FINER = 1.5  # from this ratio of pixel sizes on, pixels are averaged
SIGMA = 2.0  # pixels, over which errors are smoothed for weights and limits
HALO = 10  # rows beyond a block that have an influence on it
# A median is known to 1.25 / sqrt(number) of the scatter of its values.
ENOUGH_VALUES = 1_000_000
FEWEST_VALUES = 16  # of an overlap, whose median is taken
SIGNIFICANT = 5.0  # errors of a difference of levels from which it is told
# Outliers are further from the median of the exposures than so many of their errors,
# plus so many of the largest steps from there to the neighbors.
DEVIATIONS = 4.0
STEPS = 1.2
SCALE = 2.2  # from the middle distance from the median of three to a deviation
ALIKE = 1.1  # ratio of widths up to which nothing is said of them


class _Exposure(NamedTuple):
    """A cube on its part of the common grid."""

    start: np.ndarray  # row, column
    data: np.ndarray
    weights: np.ndarray  # inverse variances
    errors: np.ndarray | None


def combine_exposures(
    cubes: Cube | Sequence[Cube],
    *,
    match_background: bool = True,
    mask_outliers: bool = True,
    n_jobs: int | None = None,
) -> Cube:
    """Combine exposures or pointings of the same bands to one image of each band.

    Do this first, with images as they are read. The result lies on the grid of the
    (first) exposure with the largest pixels, extended to hold all of them.

    Parameters
    ----------
    cubes : sequence of Cube, or Cube
        Exposures with the same bands in the same order; the bands of a single cube are
        taken for exposures of one band.
    match_background : bool, default=True
        Whether to subtract a constant from each exposure, so that overlaps agree.
    mask_outliers : bool, default=True
        Whether to leave out hot and dead pixels and cosmic rays: those that
        `CubeMasker` finds, and values that differ from those of two or more others.
    n_jobs : int, default=None
        Number of threads. The result does not depend on it.

    Returns
    -------
    cube : Cube of shape (n_rows, n_columns, n_bands)
        The weighted mean, NaN where no exposure has data. Names are those of the first
        exposure; units, zero points and coordinates of the one that gives the grid; the
        FWHM is the largest, NaN if one is unknown. Errors are known where those of all
        exposures are.

    Raises
    ------
    ValueError
        If exposures differ in the number of bands, have units that cannot be converted,
        lie far apart, or lack a WCS on several grids, or if a cube is lazy.

    Warns
    -----
    UserWarning
        If levels differ clearly, or FWHM by more than 10 %, or if pixels differ in size
        and no unit tells what they hold.

    See Also
    --------
    skesom.io.read_cube : Combines the exposures among its files on request.

    Notes
    -----
    Values are brought to one scale by their zero points, else by their units, and by
    the area of the pixels if they hold flux, as `CubeAligner` tells it. Gaps are masked
    as `CubeMasker` does. Images are resampled by reproject: interpolated or, from
    pixels smaller by 1.5 times, averaged over the exact overlap; those that fit the
    grid are copied. Weights are inverse variances: errors, smoothed by 2 pixels so that
    noise does not change its own weight, or the noise in the sky of each exposure. The
    constants fit the medians of all differences best and add up to 0. A value is an
    outlier if it differs from the median of three or more by more than 4 standard
    deviations plus 1.2 of the largest step of the median to a neighbor, as in [1]_.

    References
    ----------
    .. [1] A. S. Fruchter and R. N. Hook, "Drizzle: A Method for the Linear
       Reconstruction of Undersampled Images", PASP 114, 144 (2002),
       https://doi.org/10.1086/338393

    Examples
    --------
    >>> import numpy as np
    >>> from astropy.wcs import WCS
    >>> from skesom.cube import Cube, combine_exposures
    >>> def pointing(first_column):
    ...     wcs = WCS({"CTYPE1": "RA---TAN", "CTYPE2": "DEC--TAN"})
    ...     wcs.wcs.cdelt, wcs.wcs.crpix = (-0.0001, 0.0001), (-first_column, 0)
    ...     return Cube(np.ones((20, 30, 1)), wcs=wcs, band_names=["g"])
    >>> combine_exposures([pointing(0), pointing(20)])
    <Cube 20 x 50 pixels, 1 bands (g), float64, WCS>
    """
    masker = CubeMasker(
        mask_outliers=mask_outliers, check_background=False, min_bands=1, n_jobs=n_jobs
    )
    cubes = [masker.fit_transform(cube) for cube in _check_exposures(cubes)]
    grid, reference = _find_common_grid(cubes)
    factors = _find_factors(cubes, reference)
    noise = factors * _measure_noise(cubes)
    # Where the noise of an exposure cannot be measured, all have the same weight.
    is_measured = np.all(noise > 0, axis=0)
    noise[:, ~is_measured] = 1
    exposures = [
        _move(cube, factors_of_bands, noise_of_bands, grid, n_jobs)
        for cube, factors_of_bands, noise_of_bands in zip(
            cubes, factors, noise, strict=True
        )
    ]
    # reproject's coadd has no errors, no outliers and no zero points, resamples what
    # fits the grid too, and draws numbers to match levels: so the sum is our own.
    if match_background:
        _match_levels(exposures, reference.band_names)
    data, errors = _average_exposures(exposures, grid.shape, mask_outliers, n_jobs)
    fwhm = np.array([cube.fwhm for cube in cubes])
    if np.any(fwhm.max(axis=0) > ALIKE * fwhm.min(axis=0)):
        warn_user(
            f"Exposures have a FWHM from {fwhm.min():.3g} to {fwhm.max():.3g} arcsec: "
            "the largest is kept. FWHMConvolver can make them equal before."
        )
    return reference.replace(
        data=data,
        errors=errors,
        wcs=grid.wcs,
        pixel_scale=reference.pixel_scale if grid.wcs is None else None,
        band_names=cubes[0].band_names,
        fwhm=fwhm.max(axis=0),
        sky_mask=None,
    )


def _check_exposures(cubes):
    """Return the exposures as cubes with the same number of bands."""
    if isinstance(cubes, Cube):
        cubes = [cubes[:, :, [band]] for band in range(cubes.shape[2])]
    cubes = [check_cube(cube) for cube in cubes]
    n_bands = {cube.shape[2] for cube in cubes}
    if len(n_bands) != 1:
        raise ValueError(
            "Exposures are cubes with the same bands in the same order, got cubes of "
            f"{' and '.join(map(str, sorted(n_bands))) or 'no'} bands."
        )
    if any(cube.is_lazy for cube in cubes):
        raise ValueError(
            "Exposures are combined in memory, but a cube is lazy (an array of dask). "
            "Pass Cube.compute() of each, or parts of them that fit (Cube.cutout)."
        )
    return cubes


def _find_common_grid(cubes):
    """Return the grid of the combined image, and the cube whose pixels it has."""
    grids = [grid_of(cube) for cube in cubes]
    if len(group_by_grid(grids)) == 1:
        return grids[0], cubes[0]
    name = cubes[0].band_names[0]
    if any(grid.wcs is None for grid in grids):
        raise ValueError(
            f"Exposures of {name!r} that lie on several pixel grids need a WCS. Add it "
            "to the headers (in memory by Cube.replace(wcs=...))."
        )
    coarsest = find_coarsest(grids)
    wcs = grids[coarsest].wcs.deepcopy()
    boxes = [_find_box(grid, wcs) for grid in grids]
    start = np.min([low for low, _ in boxes], axis=0)
    stop = np.max([high for _, high in boxes], axis=0)
    n_rows, n_columns = (stop - start).tolist()
    # Not true of NaN either, beyond the horizon of the projection.
    n_pixels = sum(np.prod(grid.shape) for grid in grids)
    if not n_rows * n_columns < LARGEST * n_pixels:
        raise ValueError(
            f"The exposures of {name!r} lie so far apart that one image of them would "
            f"have {n_rows:.0f} x {n_columns:.0f} pixels. Combine those of one field, "
            "or none (combine=False)."
        )
    if wcs.has_distortion:  # it holds on its own pixels only
        return find_grid(cubes, "optimal")[0], cubes[coarsest]
    first_row, first_column = start
    wcs.wcs.crpix -= [first_column, first_row]
    wcs.array_shape = int(n_rows), int(n_columns)
    return Grid(wcs, wcs.array_shape), cubes[coarsest]


def _find_box(grid, wcs):
    """Return the first pixel (row, column) of a WCS inside of a grid, and the end."""
    low, high = find_reach(grid, wcs)
    start = np.ceil(low - EDGE)[::-1]
    stop = np.floor(high + EDGE)[::-1] + 1
    return start, stop


def _measure_noise(cubes):
    """Return the noise in the sky of each band of each exposure."""
    noise = []
    for cube in cubes:
        statistics = [sky_statistics(band.image) for band in list_bands([cube])]
        noise.append([scatter for _, scatter in statistics])
    return np.array(noise)


def _find_factors(cubes, reference):
    """Return the factors of bands to the scale of a cube, whose pixels they get."""
    areas = [_pixel_area(cube) for cube in cubes]
    area = _pixel_area(reference)
    factors = np.ones((len(cubes), reference.shape[2]))
    for band, name in enumerate(reference.band_names):
        unit = reference.band_units[band]
        zero_point = reference.zero_points[band]
        content = held_by(unit, zero_point)
        for number, cube in enumerate(cubes):
            steps = zero_point - cube.zero_points[band]
            if np.isfinite(steps):  # magnitudes of the flux of a pixel
                factor = 10 ** (0.4 * steps) * area / areas[number]
            else:
                factor = _unit_factor(cube.band_units[band], unit, name)
                if content == FLUX:
                    factor *= area / areas[number]
            factors[number, band] = factor
        if content is None and not np.allclose(areas, area, rtol=2 * SAME_SIZE):
            warn_user(
                f"The unit of {name!r} is unknown: where pixels differ in size, values "
                "are taken for surface brightness. If they are fluxes of pixels, give "
                "the unit (BUNIT, or Cube.replace(band_units=...))."
            )
    return factors


def _pixel_area(cube):
    """Return the area of a pixel in square arcsec, 1 without a WCS."""
    if cube.wcs is None:
        return 1.0
    return np.square(pixel_size(cube.wcs))


def _unit_factor(unit, wanted, name):
    """Return the factor between two units, which may both be unknown."""
    if unit == wanted:
        return 1.0
    try:
        return unit.to(wanted)
    except (AttributeError, TypeError, units.UnitConversionError) as error:
        both = " and ".join(str(each or "no known unit") for each in (wanted, unit))
        raise ValueError(
            f"Exposures of {name!r} have {both}: they cannot be brought to one scale. "
            "Give convertible units or zero points, or combine none (combine=False)."
        ) from error


def _move(cube, factors, noise, grid, n_jobs):
    """Return a cube on its part of the grid, on the scale of all.

    Parameters
    ----------
    cube : Cube
    factors, noise : ndarray of shape (n_bands,)
        To that scale, and the noise on it, from which weights are made where the cube
        has no errors.
    grid : Grid
        Of the combined image.
    """
    start = np.zeros(2, dtype=int)
    if grid.wcs is not None:
        box = np.clip(_find_box(grid_of(cube), grid.wcs), 0, grid.shape).astype(int)
        start, stop = box
        rows, columns = map(slice, start.tolist(), stop.tolist())
        method = "interp"
        if pixel_size(grid.wcs) > FINER * pixel_size(cube.wcs):
            method = "exact"
        cube = stack_cubes(
            [cube],
            cut_grid(grid, (rows, columns)),
            is_flux=[False] * cube.shape[2],  # the factors have the area of the pixels
            method=method,
            grid_name="of the mosaic",
            n_jobs=n_jobs,
        )
    factors = factors.astype(cube.dtype)
    data = cube.data * factors
    weights = np.broadcast_to(noise**-2.0, cube.shape)
    if cube.errors is None:
        return _Exposure(start, data, weights, None)
    errors = cube.errors * factors
    weights = weights.copy()
    for band in range(cube.shape[2]):
        variance = smooth(errors[:, :, band] ** 2, SIGMA)
        np.divide(1, variance, out=weights[:, :, band], where=variance > 0)
    return _Exposure(start, data, weights, errors)


def _match_levels(exposures, names):
    """Subtract a constant from each band of each exposure, so that overlaps agree.

    Each overlap is an equation: the levels of two exposures differ by the median of
    their difference, which is known the better the more pixels there are. Of all levels
    that fit best, those with the smallest squares are taken; they add up to 0.
    """
    for band, name in enumerate(names):
        equations = []
        steps = []
        is_clear = False
        for first, second in combinations(range(len(exposures)), 2):
            difference = _overlap_difference(exposures[first], exposures[second], band)
            if len(difference) < FEWEST_VALUES:
                continue
            step = np.median(difference)
            weight = np.sqrt(len(difference))
            if abs(step) * weight > SIGNIFICANT * mad_std(difference):
                is_clear = True
            equation = np.zeros(len(exposures))
            equation[first] = weight
            equation[second] = -weight
            equations.append(equation)
            steps.append(step * weight)
        if not equations:
            continue
        levels = np.linalg.lstsq(np.array(equations), np.array(steps))[0]
        for exposure, level in zip(exposures, levels, strict=True):
            exposure.data[:, :, band] -= level
        if is_clear:
            warn_user(
                f"The levels of the exposures of {name!r} differed by up to "
                f"{np.ptp(levels):.3g}, and were brought to their mean."
            )


def _overlap_difference(first, second, band):
    """Return the differences of two exposures where both have data, or many of them."""
    image = first.data[:, :, band]
    box = []
    for start, length in zip(first.start, image.shape, strict=True):
        box.append(slice(start, start + length))
    other, _, _ = _planes_in_box(second, box, band)
    difference = (image - other).ravel()
    difference = difference[np.isfinite(difference)]
    # An odd step does not meet the same columns again and again.
    step = len(difference) // ENOUGH_VALUES | 1
    return difference[::step]


def _planes_in_box(exposure, box, band):
    """Return data, weights and errors of a band in a box of the grid, else NaN."""
    start = np.array([side.start for side in box])
    stop = np.array([side.stop for side in box])
    planes = np.full((3, *(stop - start)), np.nan)
    low = np.maximum(start, exposure.start)
    high = np.minimum(stop, exposure.start + exposure.data.shape[:2])
    if np.any(high <= low):  # the exposure lies beside the box
        return planes
    in_box = tuple(map(slice, low - start, high - start))
    rows, columns = map(slice, low - exposure.start, high - exposure.start)
    sources = exposure.data, exposure.weights, exposure.errors
    for plane, source in zip(planes, sources, strict=True):
        if source is not None:
            plane[in_box] = source[rows, columns, band]
    return planes


def _average_exposures(exposures, shape, mask_outliers, n_jobs):
    """Return the weighted mean of exposures on a grid, and its errors if any."""
    n_rows, n_columns = shape
    n_bands = exposures[0].data.shape[2]
    data = np.empty((n_rows, n_columns, n_bands), exposures[0].data.dtype)
    errors = None
    if any(exposure.errors is not None for exposure in exposures):
        errors = np.empty_like(data)

    def fill(rows):
        first_row = max(0, rows.start - HALO)
        box = slice(first_row, rows.stop + HALO), slice(0, n_columns)
        inside = slice(rows.start - first_row, rows.stop - first_row)
        for band in range(n_bands):
            planes = [_planes_in_box(exposure, box, band) for exposure in exposures]
            values, weights, errors_of_values = np.array(planes).swapaxes(0, 1)
            mean, error = _average(values, weights, errors_of_values, mask_outliers)
            data[rows, :, band] = mean[inside]
            if errors is not None:
                errors[rows, :, band] = error[inside]

    in_threads(fill, strips_of(shape, "block"), n_jobs)
    return data, errors


def _average(values, weights, errors, mask_outliers):
    """Return the weighted mean of images, and its error; their arrays are changed."""
    is_lost = np.isnan(values)
    if mask_outliers and len(values) > 2:
        is_lost |= _find_outliers(values, weights)
    for plane in (values, weights, errors):
        plane[is_lost] = 0
    with np.errstate(invalid="ignore"):
        total = weights.sum(axis=0)
        mean = (weights * values).sum(axis=0) / total
        error = np.sqrt(((weights * errors) ** 2).sum(axis=0)) / total
    return mean, error


def _find_outliers(values, weights):
    """Find values that are far from those of two or more others at their pixel.

    The test of Fruchter and Hook (2002): the limit grows with the noise, and with the
    steps of the image, as a star that is sampled elsewhere differs without being wrong.
    """
    count = np.isfinite(values).sum(axis=0)
    # NaN is sorted last, so the middle of what is there lies at half its number.
    middle = np.stack([np.maximum(count - 1, 0), count]) // 2
    median = np.take_along_axis(np.sort(values, axis=0), middle, axis=0).mean(axis=0)
    distance = np.abs(values - median)
    upper_middle = middle[1:]
    spread = np.take_along_axis(np.sort(distance, axis=0), upper_middle, axis=0)[0]
    scatter = smooth(SCALE * spread, SIGMA)
    noise = np.fmax(1 / np.sqrt(weights), scatter)
    step = np.maximum(_step_up(median, count), _step_up(-median, count))
    return (distance > DEVIATIONS * noise + STEPS * step) & (count > 2)


def _step_up(image, count):
    """Return how far the highest of the four neighbors lies above each pixel."""
    cross = ndimage.generate_binary_structure(2, 1)
    filled = np.where(count, image, -np.inf)
    return ndimage.maximum_filter(filled, footprint=cross) - image
