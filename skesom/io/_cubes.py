# SPDX-License-Identifier: BSD-3-Clause
"""Cubes from FITS images and from images in memory."""

import numbers
from itertools import groupby, pairwise

import numpy as np
from astropy.nddata.bitmask import interpret_bit_flags

from skesom._common.grids import group_by_grid
from skesom.cube._container import Cube
from skesom.cube.alignment._align import align
from skesom.cube.alignment._bands import join_coordinates
from skesom.io._companions import apply_mask, fill_errors
from skesom.io._gather import complete_grids, describe_all, name_bands, spread_fwhm
from skesom.io._images import copy_pixels
from skesom.io._order import find_order
from skesom.io._planes import find_planes


def read_cube(
    paths,
    *,
    hdu=None,
    errors=None,
    error_kind=None,
    masks=None,
    weights=None,
    ignore_flags=0,
    band_names=None,
    fwhm=None,
    order="given",
    align_to="coarsest",
    method="interp",
    dtype=np.float32,
):
    """Read images of one piece of sky into a cube, or into one cube per pixel grid.

    Parameters
    ----------
    paths : str, os.PathLike, image in memory, or list of them
        FITS files of one band each or of several bands (images of three axes).
        ``"image.fits[2]"`` or ``"image.fits[SCI,1]"`` names the HDU to read.
        Compressed files (.gz, .bz2, .fz) are read as they are. Images in memory are
        `Cube`, `astropy.nddata.NDData` or ``CCDData``, `xarray.DataArray`, Quantity,
        masked and plain arrays; the last have their bands on the last axis.
    hdu : int, str, tuple, list of them, "all" or None, default=None
        HDU that holds the image, for the paths that do not name one. A list reads
        several HDUs of each file, "all" every image that is not a companion (ERR,
        WHT, DQ, MASK, ...); None takes the first of these.
    errors : "auto", int, str, tuple, list or None, default=None
        Where the errors of the images are. "auto" looks in each file for an HDU that
        goes with the image and is named ERR, SIGMA, RMS, UNCERT, VAR, IVAR or the
        like; a number or name is that HDU in each file; a list has one path, array or
        None per image. None reads no errors. Those of a Cube or NDData are kept in
        any case.
    error_kind : {"std", "var", "ivar"} or None, default=None
        Whether the errors are standard deviations, variances or inverse variances. By
        default the name of the HDU decides; what has no such name is a standard
        deviation.
    masks : "auto", int, str, tuple, list or None, default=None
        Where flags are, as for `errors`. Pixels whose flags are not zero become NaN.
        "auto" takes DQ, MASK, FLAGS, BPM, QUALITY. The masks of arrays and NDData are
        used in any case.
    weights : "auto", int, str, tuple, list or None, default=None
        Where weights, exposure times or coverages are, as for `errors`. Pixels
        without a positive weight become NaN. "auto" takes WHT, WEIGHT, EXP, IVAR,
        COVERAGE, CONF.
    ignore_flags : int, str or list of int, default=0
        Flags in `masks` that do not rule a pixel out, in the notation of
        `astropy.nddata.bitmask.interpret_bit_flags`: ``"4,16"`` ignores these two,
        ``"~1"`` all but 1 (DO_NOT_USE of JWST).
    band_names : sequence of str of length n_bands, default=None
        Names of the bands. By default the filter named in the header, else the name
        of the file (of the extension, if several are read). Where all files name
        the same filter they are named by the files; other repeated names are numbered.
    fwhm : float, array-like of shape (n_bands,) or Quantity, default=None
        Full width at half maximum of the point-spread function in arcsec, one for all
        bands or one for each, NaN where unknown. By default the header's FWHM card,
        which is taken to be in arcsec unless its comment speaks of pixels, or the
        geometric mean of BMAJ and BMIN.
    order : {"given", "wavelength"} or sequence of int, default="given"
        Order of the bands of the cube. "wavelength" sorts them by what headers say
        (spectral axis, PHOTPLAM, WAVELEN or WAVELNTH with a unit), else by the common
        filters that their names speak of; bands of unknown wavelength come last, in
        the order of their file names, images in memory as they are given. So the cube
        does not depend on the order of the files. Numbers from 0 of the bands as they
        are given say it outright. Whatever has an entry for each band or image
        (`errors`, `masks`, `weights`, `band_names`, `fwhm`) is in the order of the
        files in any case, and stays with its band.
    align_to : {"coarsest", "first"}, int, str, WCS, Header, Cube or None, \
            default="coarsest"
        Grid that bands on different grids are resampled to, see
        `skesom.cube.align`. It is also used for a single grid: a WCS here resamples
        all bands. None leaves all pixels as they are and returns a list. "first" and
        numbers count the bands as they are given.
    method : {"interp", "adaptive", "exact"}, default="interp"
        How to resample, see `skesom.cube.align`.
    dtype : {numpy.float32, numpy.float64}, default=numpy.float32
        Type of the data and errors.

    Returns
    -------
    cube : Cube of shape (n_rows, n_columns, n_bands), or list of Cube
        The bands in the order of the files, or in `order`. Blank pixels, and pixels
        that a resampled image does not reach, are NaN. The WCS is None if no image has
        one. With ``align_to=None`` a list with one cube for each pixel grid, in the
        order of first appearance; where another `order` comes back to a grid, with a
        cube for each run of bands on one grid.

    Raises
    ------
    FileNotFoundError
        If a file does not exist.
    OSError
        If a file is not FITS, or is damaged.
    ValueError
        If a file holds no image, the images cannot share a grid (different shapes
        without a WCS, no overlap on the sky), a companion does not fit its image, or
        `band_names`, `fwhm` or `order` do not fit the number of bands.

    Warns
    -----
    UserWarning
        If an image without a WCS is taken to lie on the grid of the others, or if
        resampling loses light (see `skesom.cube.align`).

    See Also
    --------
    skesom.cube.align : Resample cubes, for instance after convolving each of them.
    write_bands : Write a cube as one file per band.

    Notes
    -----
    A spectral axis (frequency, wavelength, velocity) is kept as the cube's
    ``band_coordinates``; so is PHOTPLAM, the pivot wavelength of Hubble's images.

    The cube's ``zero_points`` are those of AB magnitudes: from PHOTFLAM and PHOTPLAM or
    PHOTFNU of an image in counts (by its EXPTIME, unless it is in counts per second),
    or from a card such as MAGZERO if it, its comment or MAGSYS speaks of AB.

    An inverse variance of zero says that nothing was measured: the pixel becomes NaN.

    Examples
    --------
    >>> import tempfile
    >>> import numpy as np
    >>> from skesom.cube import Cube
    >>> from skesom.io import read_cube, write_bands
    >>> cube = Cube(np.ones((4, 5, 2)), band_names=["F438W", "F814W"])
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     read_cube(write_bands(folder, cube))
    <Cube 4 x 5 pixels, 2 bands (F438W, F814W), float32, no WCS>
    >>> images = [np.zeros((4, 5)), np.zeros((8, 10)), np.ones((4, 5))]
    >>> [cube.shape for cube in read_cube(images, align_to=None)]
    [(4, 5, 2), (8, 10, 1)]
    >>> cubes = [Cube(np.ones((4, 5, 1)), band_names=[name]) for name in ("r", "u")]
    >>> read_cube(cubes, order="wavelength").band_names
    ('u', 'r')
    """
    if np.dtype(dtype) not in (np.float32, np.float64):
        raise ValueError(f"dtype must be float32 or float64, got {dtype!r}.")
    if error_kind not in (None, "std", "var", "ivar"):
        raise ValueError(
            f"error_kind must be 'std', 'var', 'ivar' or None, got {error_kind!r}."
        )
    ignore_flags = interpret_bit_flags(ignore_flags)
    images = describe_all(paths, hdu, error_kind)
    images = find_planes(images, "errors", errors, error_kind)
    images = find_planes(images, "masks", masks)
    images = find_planes(images, "weights", weights)
    grids = complete_grids(images, align_to is not None)
    is_given = isinstance(order, str) and order == "given"
    order = find_order(images, order, band_names)
    images = _describe_fully(images, grids, name_bands(images, order, band_names), fwhm)

    cubes, owners = _read_groups(images, order, dtype, ignore_flags)
    if align_to is None and is_given:
        return cubes
    runs = _cut_into_runs(cubes, owners)
    if align_to is None:
        return runs
    if cubes[0].wcs is None:
        _check_no_target(images, align_to)
        return cubes[0]
    if isinstance(align_to, str) and align_to == "first":
        align_to = 0
    if isinstance(align_to, numbers.Integral) and align_to in order:
        align_to = order.index(align_to)
    try:
        return align(runs, align_to, method=method)
    except ValueError as error:
        raise ValueError(f"{error}{_name_files(str(error), images)}") from error


def _describe_fully(images, grids, names, fwhm):
    """Return the images with their grids, and the names and widths of their bands."""
    fwhm = spread_fwhm(images, fwhm)
    return [
        image._replace(
            grid=grid, band_names=[names[band] for band in bands], fwhm=fwhm[bands]
        )
        for image, grid, bands in zip(images, grids, _number_bands(images), strict=True)
    ]


def _number_bands(images):
    """Return the numbers of the bands of each image, counted through all of them."""
    ends = np.cumsum([0] + [len(image.band_names) for image in images])
    return [list(range(start, end)) for start, end in pairwise(ends)]


def _read_groups(images, order, dtype, ignore_flags):
    """Return a cube for each grid, and for each band in order the cube it is in."""
    place = {band: number for number, band in enumerate(order)}
    bands_of = _number_bands(images)
    cubes, owners = [], [None] * len(order)
    for number, members in enumerate(group_by_grid([image.grid for image in images])):
        # Images that are in order straight away need not be put in order.
        members = sorted(members, key=lambda member: place[bands_of[member][0]])
        cube = _read_group([images[member] for member in members], dtype, ignore_flags)
        places = [place[band] for member in members for band in bands_of[member]]
        cubes.append(_put_in_order(cube, np.argsort(places).tolist()))
        for band_place in places:
            owners[band_place] = number
    return cubes, owners


def _put_in_order(cube, order):
    """Return a cube with its bands in another order, in the same memory."""
    if order == sorted(order):
        return cube
    for array in (cube.data, cube.errors):
        for row in array if array is not None else ():
            row[...] = row[:, order]
    coordinates = cube.band_coordinates
    return cube.replace(
        band_names=[cube.band_names[band] for band in order],
        band_units=[cube.band_units[band] for band in order],
        fwhm=cube.fwhm[order],
        band_coordinates=None if coordinates is None else coordinates[order],
        zero_points=cube.zero_points[order],
    )


def _cut_into_runs(cubes, owners):
    """Cut cubes so that their bands, one cube after the other, are in order."""
    runs, ends = [], [0] * len(cubes)
    for number, run in groupby(owners):
        cube, start = cubes[number], ends[number]
        ends[number] += len(list(run))
        whole = ends[number] - start == cube.shape[2]
        runs.append(cube if whole else cube[:, :, start : ends[number]])
    return runs


def _read_group(images, dtype, ignore_flags):
    """Return the cube of images on one grid, read straight to their places."""
    names = [name for image in images for name in image.band_names]
    data = np.empty((*images[0].grid.shape, len(names)), dtype)
    kinds = {plane.kind for image in images for plane in image.planes}
    errors = np.full_like(data, np.nan) if kinds & {"std", "var", "ivar"} else None
    start = 0
    for image in images:
        bands = slice(start, start + len(image.band_names))
        copy_pixels(image, data[:, :, bands])
        for plane in image.planes:
            if plane.kind in ("flags", "weight"):
                apply_mask(plane, data[:, :, bands], ignore_flags)
            else:
                fill_errors(plane, errors[:, :, bands], data[:, :, bands])
        start = bands.stop
    return Cube(
        data,
        wcs=images[0].grid.wcs,
        band_names=names,
        band_units=[unit for image in images for unit in image.band_units],
        fwhm=np.concatenate([image.fwhm for image in images]),
        errors=errors,
        band_coordinates=join_coordinates(
            [image.band_coordinates for image in images],
            [len(image.band_names) for image in images],
        ),
        zero_points=np.concatenate([image.zero_points for image in images]),
    )


def _name_files(message, images):
    """Return from which files the bands are that a message speaks of."""
    owners = [
        f"{name!r} is {image.label}"
        for image in images
        for name in image.band_names
        if repr(name) in message
    ]
    return f" Here {', '.join(owners)}." if owners else ""


def _check_no_target(images, align_to):
    """Refuse to align images that have no place on the sky."""
    if not isinstance(align_to, str | numbers.Integral):
        raise ValueError(
            f"{images[0].label} has no WCS, so it cannot be aligned to another grid. "
            "Add the WCS to its header, or leave align_to out."
        )
