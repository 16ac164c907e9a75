# SPDX-License-Identifier: BSD-3-Clause
"""Exposures of the same bands, side by side or of the same sky, as one image."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from astropy import units

from skesom._common.warn import warn_user
from skesom._sky.grids import SAME_SIZE, pixel_size
from skesom.cube._container import Cube
from skesom.cube.alignment._conserved import FLUX, held_by
from skesom.cube.alignment._exposure_levels import match_levels
from skesom.cube.alignment._exposure_mean import average_exposures
from skesom.cube.alignment._placed_exposures import find_common_grid, place_on_grid
from skesom.cube.bands import list_bands
from skesom.cube.base import check_cube
from skesom.cube.masking.cube_masker import CubeMasker
from skesom.cube.masking.sky import sky_statistics

ALIKE = 1.1  # ratio of widths up to which nothing is said of them


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
    grid, reference = find_common_grid(cubes)
    factors = _find_factors(cubes, reference)
    noise = factors * _measure_noise(cubes)
    # Where the noise of an exposure cannot be measured, all have the same weight.
    is_measured = np.all(noise > 0, axis=0)
    noise[:, ~is_measured] = 1
    exposures = []
    for cube, factors_of_cube, noise_of_cube in zip(cubes, factors, noise, strict=True):
        exposures.append(
            place_on_grid(cube, factors_of_cube, noise_of_cube, grid, n_jobs)
        )
    # The coadd of reproject knows no errors, outliers and zero points, resamples what
    # fits the grid too, and draws numbers to match levels: so the sum is our own.
    if match_background:
        match_levels(exposures, reference.band_names)
    data, errors = average_exposures(exposures, grid.shape, mask_outliers, n_jobs)
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
    if not cubes:
        raise ValueError("There are no exposures to combine, got an empty sequence.")
    numbers_of_bands = sorted({cube.shape[2] for cube in cubes})
    if len(numbers_of_bands) > 1:
        raise ValueError(
            "Exposures are cubes with the same bands in the same order, got cubes of "
            f"{' and '.join(map(str, numbers_of_bands))} bands."
        )
    if any(cube.is_lazy for cube in cubes):
        raise ValueError(
            "Exposures are combined in memory, but a cube is lazy (an array of dask). "
            "Pass Cube.compute() of each, or parts of them that fit (Cube.cutout)."
        )
    return cubes


def _measure_noise(cubes):
    """Return the noise in the sky of each band of each exposure."""
    noise = []
    for cube in cubes:
        statistics = [sky_statistics(band.image) for band in list_bands([cube])]
        noise.append([scatter for _, scatter in statistics])
    return np.array(noise)


def _find_factors(cubes, reference):
    """Return the factors of bands to the scale of a cube, whose pixels they get."""
    areas = [_pixel_area_or_one(cube) for cube in cubes]
    area = _pixel_area_or_one(reference)
    factors = np.ones((len(cubes), reference.shape[2]))
    for band, name in enumerate(reference.band_names):
        unit = reference.band_units[band]
        zero_point = reference.zero_points[band]
        content = held_by(unit, zero_point)
        for number, cube in enumerate(cubes):
            magnitudes = zero_point - cube.zero_points[band]
            if np.isfinite(magnitudes):  # of the flux of a pixel
                factor = 10 ** (0.4 * magnitudes) * area / areas[number]
            else:
                factor = _factor_between(cube.band_units[band], unit, name)
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


def _pixel_area_or_one(cube):
    """Return the area of a pixel in square arcsec, 1 without a WCS."""
    if cube.wcs is None:
        return 1.0
    return np.square(pixel_size(cube.wcs))


def _factor_between(unit, target_unit, band_name):
    """Return the factor from a unit to another one, which may both be unknown."""
    if unit == target_unit:
        return 1.0
    try:
        return unit.to(target_unit)
    except (AttributeError, TypeError, units.UnitConversionError) as error:
        first = target_unit or "no known unit"
        second = unit or "no known unit"
        raise ValueError(
            f"Exposures of {band_name!r} have {first} and {second}: they cannot be "
            "brought to one scale. Give convertible units or zero points, or combine "
            "none (combine=False)."
        ) from error
