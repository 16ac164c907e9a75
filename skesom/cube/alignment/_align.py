# SPDX-License-Identifier: BSD-3-Clause
"""Bring bands that lie on different pixel grids onto one of them."""

import numpy as np

from skesom._common.grids import (
    Grid,
    cut_grid,
    group_by_grid,
    overlap_box,
    pixel_size,
    same_grid,
)
from skesom.cube._container import Cube
from skesom.cube.alignment._align_checks import (
    check_cubes,
    check_overlap,
    check_places,
    find_undersampled,
    nothing_left,
    spread_conserve,
    warn_undersampled,
)
from skesom.cube.alignment._bands import join_bands
from skesom.cube.alignment._reference import find_reference
from skesom.cube.alignment._registration import warn_of_shifts
from skesom.cube.alignment._resample import METHODS, resample


def align(
    cubes,
    reference="coarsest",
    *,
    method="interp",
    conserve="surface brightness",
    crop=False,
    check_registration=False,
    n_jobs=-1,
):
    """Resample bands to one pixel grid.

    A band that already lies on the grid is copied untouched.

    Parameters
    ----------
    cubes : Cube or sequence of Cube
        Cubes of one or more bands, each with a WCS (unless all have the same shape
        and none has a WCS).
    reference : {"coarsest", "optimal", "first"}, int, str, WCS, Header or Cube, \
            default="coarsest"
        The grid to resample to: that of the band with the largest pixels (the first
        such band), a grid with pixels as large, north up, that holds all images, the
        grid of the first band, of the band with this index or name, or the one
        described by an `astropy.wcs.WCS` with an ``array_shape``, by a FITS header
        with NAXIS1 and NAXIS2, or by another cube.
    method : {"interp", "adaptive", "exact"}, default="interp"
        Bilinear interpolation (fast; right for bands that the target pixels
        sample well), the anti-aliased average of [1]_, or the average over the exact
        overlap of the pixels on the sphere (slowest).
    conserve : {"surface brightness", "flux"} or sequence of them, default=\
            "surface brightness"
        What a pixel holds, for all bands or for each. Surface brightness (MJy/sr)
        keeps its level whatever the pixel sizes; the flux of a pixel (Jy/pixel,
        counts) grows with its area.
    crop : bool, default=False
        Whether to cut the result to the smallest rectangle that holds all pixels with
        data in all bands.
    check_registration : bool, default=False
        Whether to compare each band with that of the reference grid (else the first)
        by cross-correlation and warn of shifts above half a pixel.
    n_jobs : int, default=-1
        Number of threads, -1 for one per processor. The result does not depend on it.

    Returns
    -------
    cube : Cube of shape (n_rows, n_columns, n_bands)
        All bands, in the order given, on the reference grid. Pixels without data in
        a band are NaN there. float32 if all cubes are.

    Raises
    ------
    ValueError
        If there is no cube, a cube has no WCS, two bands share a name, the reference
        is not a grid, a band has no data on the reference grid, or nothing remains
        after cropping.

    Warns
    -----
    UserWarning
        If interpolation leaves a band of known FWHM with pixels larger than half its
        FWHM: some of its light then falls between the samples. If a band is shifted.

    Notes
    -----
    Bands on equal grids (same shape; corners and center within 0.001 pixel) share
    one computation of coordinates. The resampling is reproject's.

    Errors are resampled with the weights of the data. That is right where the noise
    of neighbors is the same, as it nearly is in bands that were convolved to pixels
    of half their FWHM, and too large where it is independent: an error never comes
    out too small.

    Flux is conserved by the ratio of the pixel areas at the reference points of both
    grids.

    References
    ----------
    .. [1] C. E. DeForest, "On Re-sampling of Solar Images", Solar Physics 219, 3
       (2004), https://doi.org/10.1023/B:SOLA.0000021743.24248.b0

    Examples
    --------
    >>> import numpy as np
    >>> from astropy.wcs import WCS
    >>> from skesom.cube import Cube, align
    >>> def image(n_pixels, pixel_size, name):
    ...     wcs = WCS(naxis=2)
    ...     wcs.wcs.ctype = ["RA---TAN", "DEC--TAN"]
    ...     wcs.wcs.crval = [204.25, -29.87]
    ...     wcs.wcs.crpix = [(n_pixels + 1) / 2] * 2
    ...     wcs.wcs.cdelt = [-pixel_size / 3600, pixel_size / 3600]
    ...     return Cube(np.ones((n_pixels, n_pixels, 1)), wcs=wcs, band_names=[name])
    >>> align([image(40, 0.5, "r"), image(10, 2.0, "NUV")])
    <Cube 10 x 10 pixels, 2 bands (r, NUV), float64, WCS>
    """
    cubes = check_cubes(cubes)
    if method not in METHODS:
        raise ValueError(f"method must be one of {list(METHODS)}, got {method!r}.")
    conserve = spread_conserve(conserve, cubes)
    grid, band = find_reference(cubes, reference)
    name = check_places(cubes, grid, band)
    grids = [Grid(cube.wcs, cube.shape[:2]) for cube in cubes]
    if crop and not all(same_grid(source, grid) for source in grids):
        box = overlap_box(grid, grids)
        if box is None:
            names = [band for cube in cubes for band in cube.band_names]
            raise ValueError(nothing_left(names, name))
        grid = cut_grid(grid, box)
    cube = _stack(cubes, grid, name, conserve, {"method": method, "n_jobs": n_jobs})
    if crop:
        cube = _crop(cube, name)
    if check_registration:
        warn_of_shifts(cube, band or 0)
    return cube


def _stack(cubes, grid, name, conserve, options):
    """Return all bands on one grid."""
    grids = [Grid(cube.wcs, cube.shape[:2]) for cube in cubes]
    if len(cubes) == 1 and same_grid(grids[0], grid):
        return cubes[0]
    ends = np.cumsum([0] + [cube.shape[2] for cube in cubes])
    places = [np.arange(*ends[number : number + 2]) for number in range(len(cubes))]
    dtype = np.result_type(*[cube.dtype for cube in cubes])
    data = np.empty((*grid.shape, ends[-1]), dtype)
    errors = None
    if any(cube.errors is not None for cube in cubes):
        errors = np.full_like(data, np.nan)
    known_of_bands = join_bands(cubes)
    undersampled = []
    for members in group_by_grid(grids):
        source = grids[members[0]]
        group = [cubes[member] for member in members]
        bands = [places[member] for member in members]
        seen = _fill([cube.data for cube in group], source, grid, data, bands, options)
        check_overlap(group, seen, name)
        known = [n for n, cube in enumerate(group) if cube.errors is not None]
        planes = [group[n].errors for n in known]
        _fill(planes, source, grid, errors, [bands[n] for n in known], options)
        if same_grid(source, grid):
            continue
        ratio = dtype.type((pixel_size(grid.wcs) / pixel_size(source.wcs)) ** 2)
        for band in np.concatenate(bands):
            if conserve[band] == "flux":
                data[:, :, band] *= ratio
                if errors is not None:
                    errors[:, :, band] *= ratio
            else:  # a count of small pixels now stands for the flux of a large one
                known_of_bands["zero_points"][band] -= 2.5 * np.log10(ratio)
        if options["method"] == "interp":
            undersampled += find_undersampled(group, source, grid)
    if undersampled:
        warn_undersampled(undersampled, grid)
    sky = None
    if any(cube.sky_mask is not None for cube in cubes):
        sky = _stack_sky(
            cubes, grids, grid, np.split(data, ends[1:-1], axis=2), options
        )
    return Cube(data, wcs=grid.wcs, errors=errors, sky_mask=sky, **known_of_bands)


def _stack_sky(cubes, grids, grid, aligned, options):
    """Return the pixels that lack no data but those of sky that was set aside."""
    sky = np.zeros(grid.shape, dtype=bool)
    missing = np.zeros(grid.shape, dtype=bool)
    for cube, source, data in zip(cubes, grids, aligned, strict=True):
        own = np.zeros(grid.shape, dtype=bool)
        if cube.sky_mask is not None:
            touched = np.zeros((*grid.shape, 1), dtype=np.float32)
            plane = cube.sky_mask[:, :, np.newaxis].astype(np.float32)
            _fill([plane], source, grid, touched, [np.arange(1)], options)
            own = touched[:, :, 0] > 0  # as NaN of one pixel makes the sum NaN
        sky |= own
        missing |= np.isnan(data).any(axis=2) & ~own
    return sky & ~missing


def _fill(arrays, source, grid, result, bands, options):
    """Copy or resample images of one grid to their bands; tell which had data."""
    if not arrays:
        return np.empty(0, dtype=bool)
    if not same_grid(source, grid):
        return resample(arrays, source, grid, result, np.concatenate(bands), **options)
    for array, places in zip(arrays, bands, strict=True):
        result[:, :, places[0] : places[-1] + 1] = array
    return np.ones(sum(map(len, bands)), dtype=bool)


def _crop(cube, reference_name):
    """Cut a cube to the rectangle around the pixels with data in all bands."""
    valid = np.isfinite(cube.data[:, :, 0])
    for band in range(1, cube.shape[2]):
        valid &= np.isfinite(cube.data[:, :, band])
    if not valid.any():
        raise ValueError(nothing_left(cube.band_names, reference_name))
    box = []
    for axis in range(2):
        seen = np.flatnonzero(valid.any(axis=1 - axis))
        box.append(slice(int(seen[0]), int(seen[-1]) + 1))
    if all(part == slice(0, n) for part, n in zip(box, valid.shape, strict=True)):
        return cube
    cut = cube[tuple(box)]
    errors = None if cut.errors is None else np.ascontiguousarray(cut.errors)
    return cut.replace(data=np.ascontiguousarray(cut.data), errors=errors)
