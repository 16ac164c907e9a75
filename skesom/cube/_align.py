# SPDX-License-Identifier: BSD-3-Clause
"""Bring bands that lie on different pixel grids onto one of them."""

import numbers
import warnings

import numpy as np
from astropy.io.fits import Header
from astropy.wcs import WCS
from astropy.wcs.wcsapi import HighLevelWCSWrapper, SlicedLowLevelWCS
from joblib import Parallel, delayed

from skesom.cube._container import Cube
from skesom.cube._grid import Grid, group_by_grid, pixel_size, same_grid

# Pixel sizes that differ by less than this fraction are equal: the first band wins.
_SAME_SIZE = 1e-3
# Large enough to hide the cost of a call, small enough to stay in the cache.
_PIXELS_PER_STRIP = 2**18
_METHODS = ("interp", "adaptive", "exact")


def align(cubes, reference="coarsest", *, method="interp", n_jobs=-1):
    """Resample bands to one pixel grid.

    Values are taken as surface brightness: a flat sky keeps its level whatever the
    pixel sizes. A band that already lies on the grid is copied untouched.

    Parameters
    ----------
    cubes : Cube or sequence of Cube
        Cubes of one or more bands, each with a WCS.
    reference : {"coarsest", "first"}, int, str, WCS, Header or Cube, default="coarsest"
        The grid to resample to: that of the band with the largest pixels (the first
        such band), of the first band, of the band with this index or name, or the
        one described by an `astropy.wcs.WCS` with an ``array_shape``, by a FITS
        header with NAXIS1 and NAXIS2, or by another cube.
    method : {"interp", "adaptive", "exact"}, default="interp"
        Bilinear interpolation (fast; right for bands that the target pixels
        sample well), the anti-aliased average of [1]_, or the average over the exact
        overlap of the pixels on the sphere (slowest).
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
        is not a grid, or a band has no data on the reference grid.

    Warns
    -----
    UserWarning
        If interpolation leaves a band of known FWHM with pixels larger than half its
        FWHM: some of its light then falls between the samples.

    Notes
    -----
    Bands on equal grids (same shape; corners and centre within 0.001 pixel) share
    one computation of coordinates. The resampling is reproject's.

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
    cubes = _check_cubes(cubes)
    if method not in _METHODS:
        raise ValueError(f"method must be one of {list(_METHODS)}, got {method!r}.")
    grid, name = _find_reference(cubes, reference)
    grids = [Grid(cube.wcs, cube.shape[:2]) for cube in cubes]
    if len(cubes) == 1 and same_grid(grids[0], grid):
        return cubes[0]

    first_band = np.cumsum([0] + [cube.shape[2] for cube in cubes])
    data = np.empty(
        (*grid.shape, first_band[-1]), np.result_type(*[cube.dtype for cube in cubes])
    )
    undersampled = []
    for members in group_by_grid(grids):
        source = grids[members[0]]
        if same_grid(source, grid):
            for member in members:
                bands = slice(first_band[member], first_band[member + 1])
                data[:, :, bands] = cubes[member].data
            continue
        group = [cubes[member] for member in members]
        bands = np.concatenate(
            [np.arange(first_band[m], first_band[m + 1]) for m in members]
        )
        seen = _resample(group, source, grid, data, bands, method, n_jobs)
        _check_overlap(group, seen, name)
        if method == "interp":
            undersampled += _find_undersampled(group, source, grid)
    if undersampled:
        _warn_undersampled(undersampled, grid)
    return Cube(
        data,
        wcs=grid.wcs,
        band_names=[name for cube in cubes for name in cube.band_names],
        band_units=[unit for cube in cubes for unit in cube.band_units],
        fwhm=np.concatenate([cube.fwhm for cube in cubes]),
    )


def _check_cubes(cubes):
    """Return the cubes as a list after checking that they can be combined."""
    cubes = [cubes] if isinstance(cubes, Cube) else list(cubes)
    if not cubes:
        raise ValueError("There is nothing to align: the list of cubes is empty.")
    names = [name for cube in cubes for name in cube.band_names]
    repeated = sorted({name for name in names if names.count(name) > 1})
    if repeated:
        raise ValueError(
            f"Several bands are named {', '.join(map(repr, repeated))}. Rename them "
            "with Cube.replace(band_names=...)."
        )
    for cube in cubes:
        if cube.wcs is None:
            raise ValueError(
                f"{_bands(cube.band_names)} cannot be aligned without a WCS. Give the "
                "cube one with Cube.replace(wcs=...)."
            )
    return cubes


def _find_reference(cubes, reference):
    """Return the reference grid and what to call it in messages."""
    owners = [cube for cube in cubes for _ in cube.band_names]
    names = [name for cube in cubes for name in cube.band_names]
    if isinstance(reference, str) and reference == "coarsest":
        sizes = np.array([pixel_size(cube.wcs) for cube in owners])
        band = int(np.argmax(sizes >= sizes.max() * (1 - _SAME_SIZE)))
    elif isinstance(reference, str) and reference == "first":
        band = 0
    elif isinstance(reference, str):
        if reference not in names:
            raise ValueError(
                f"There is no band {reference!r} to align to, only {names}; "
                "'coarsest' and 'first' are understood too."
            )
        band = names.index(reference)
    elif isinstance(reference, numbers.Integral):
        if not 0 <= reference < len(names):
            raise ValueError(
                f"There is no band number {reference} to align to: the {len(names)} "
                "bands are counted from 0."
            )
        band = int(reference)
    else:
        return _as_grid(reference), "of the reference"
    return Grid(owners[band].wcs, owners[band].shape[:2]), f"of band {names[band]!r}"


def _as_grid(reference):
    """Return the grid that a WCS, a FITS header or a cube describes."""
    if isinstance(reference, Cube):
        wcs, shape = reference.wcs, reference.shape[:2]
    else:
        if isinstance(reference, Header):
            reference = WCS(reference)
        if not isinstance(reference, WCS):
            raise ValueError(
                "The grid to align to is 'coarsest', 'first', a band, a WCS, a FITS "
                f"header or a Cube, got {type(reference).__name__}."
            )
        wcs = reference.celestial if reference.has_celestial else None
        shape = None if wcs is None else wcs.array_shape
    if wcs is None:
        raise ValueError("The grid to align to has no celestial WCS.")
    if shape is None:
        raise ValueError(
            "The WCS to align to does not say how many pixels the image has: set its "
            "array_shape to (n_rows, n_columns)."
        )
    return Grid(wcs, tuple(int(length) for length in shape))


def _resample(group, source, grid, data, bands, method, n_jobs):
    """Fill bands of data from cubes on one grid; tell which bands had any data."""
    # Importing reproject takes seconds, and most cubes need no resampling.
    import reproject

    function = getattr(reproject, f"reproject_{method}")
    options = {}
    if method != "exact":
        # The check costs as much again; only distortions can fold back on the image.
        distorted = source.wcs.has_distortion or grid.wcs.has_distortion
        options["roundtrip_coords"] = distorted
    stack = [np.moveaxis(cube.data, 2, 0) for cube in group]
    stack = stack[0] if len(stack) == 1 else np.concatenate(stack)
    rows, columns = grid.shape
    # The exact method visits every input pixel in each call.
    height = rows if method == "exact" else max(1, _PIXELS_PER_STRIP // columns)

    def fill(start, wcs_in, wcs_out):
        stop = min(start + height, rows)
        part = HighLevelWCSWrapper(
            SlicedLowLevelWCS(wcs_out, [slice(start, stop), slice(0, columns)])
        )
        strip = np.empty((len(stack), stop - start, columns), stack.dtype)
        function(
            (stack, wcs_in),
            part,
            shape_out=strip.shape,
            output_array=strip,
            return_footprint=False,
            **options,
        )
        data[start:stop, :, bands] = np.moveaxis(strip, 0, 2)
        return np.isfinite(strip).any(axis=(1, 2))

    # A WCS is not safe to share between threads, so that each strip has its own.
    seen = Parallel(n_jobs=n_jobs, require="sharedmem")(
        delayed(fill)(start, source.wcs.deepcopy(), grid.wcs.deepcopy())
        for start in range(0, rows, height)
    )
    return np.any(seen, axis=0)


def _check_overlap(group, seen, reference_name):
    """Refuse bands that have data, but none on the reference grid."""
    bands = [(cube, band) for cube in group for band in range(cube.shape[2])]
    lost = [
        cube.band_names[band]
        for (cube, band), has_data in zip(bands, seen, strict=True)
        if not has_data and np.isfinite(cube.data[:, :, band]).any()
    ]
    if lost:
        raise ValueError(
            f"{_bands(lost)} and the grid {reference_name} do not overlap on the sky. "
            "Leave out what shows another field, or correct its WCS."
        )


def _find_undersampled(group, source, grid):
    """Return (name, FWHM) of the bands whose light the target pixels would miss."""
    size = pixel_size(grid.wcs)
    if size <= pixel_size(source.wcs) * (1 + _SAME_SIZE):
        return []
    return [
        (name, fwhm)
        for cube in group
        for name, fwhm in zip(cube.band_names, cube.fwhm, strict=True)
        if size > fwhm / 2
    ]


def _warn_undersampled(undersampled, grid):
    """Say which bands should have been smoothed before."""
    size = pixel_size(grid.wcs)
    listed = ", ".join(f"{name!r} ({fwhm:.3g} arcsec)" for name, fwhm in undersampled)
    warnings.warn(
        f"Pixels of {size:.3g} arcsec are larger than half the FWHM of {listed}, so "
        f"part of the light falls between them. Smooth to {2 * size:.3g} arcsec before "
        "aligning, align to a finer grid, or use the method 'adaptive'.",
        UserWarning,
        stacklevel=3,
    )


def _bands(names):
    """Return "Band 'a'" or "Bands 'a', 'b'" for a message."""
    plural = "s" if len(names) > 1 else ""
    return f"Band{plural} {', '.join(map(repr, names))}"
