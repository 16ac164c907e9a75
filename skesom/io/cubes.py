# SPDX-License-Identifier: BSD-3-Clause
"""Cubes from FITS images and images in memory, and cubes as FITS images."""

from __future__ import annotations

import os
import re
from collections.abc import Sequence
from contextlib import ExitStack
from errno import ENOMEM
from functools import partial
from itertools import groupby
from pathlib import Path
from typing import Any, Literal, NamedTuple

import numpy as np
from astropy.io import fits
from astropy.nddata.bitmask import interpret_bit_flags
from astropy.units import Quantity
from numpy.typing import ArrayLike, DTypeLike

from skesom._common.extras import import_extra
from skesom._common.fits_files import keep_files_open
from skesom._common.lazy_strips import join_strips
from skesom._common.new_files import atomic_path
from skesom._common.strips import strips_of
from skesom._common.texts import list_names
from skesom._common.warn import warn_user
from skesom._sky.grids import Grid, group_by_grid
from skesom._sky.header_cards import band_cards
from skesom._types import CubeLike, Extension, StrPath
from skesom.cube import Cube, combine_exposures
from skesom.cube.bands import join_bands, split_bands, with_bands
from skesom.cube.convert import as_cube
from skesom.io._images import describe_array
from skesom.io._pixels import apply_plane, copy_pixels, open_in_tasks
from skesom.io.fits_files import make_hdus, stand_in, write_files
from skesom.io.gather import complete_grids, gather_images
from skesom.io.label_maps import short_ascii


def read_cube(
    paths: Any,
    *,
    hdu: Extension | list[Extension] | None = None,
    errors: Extension | list[Extension] | None = None,
    error_kind: Literal["std", "var", "ivar"] | None = None,
    masks: Extension | list[Extension] | None = None,
    weights: Extension | list[Extension] | None = None,
    ignore_flags: int | str | list[int] = "auto",
    band_names: Sequence[str] | None = None,
    fwhm: ArrayLike | Quantity | None = None,
    order: Literal["given", "wavelength"] | Sequence[int] = "given",
    combine: bool | Literal["auto"] = False,
    dtype: DTypeLike = np.float32,
    lazy: bool = False,
) -> Cube | Any:
    """Read images of one piece of sky into a cube, or into one cube per pixel grid.

    Parameters
    ----------
    paths : str, os.PathLike, image in memory, or list of them
        FITS files (also .gz, .bz2, .fz) of one or several bands; ``"image.fits[2]"`` or
        ``"image.fits[SCI,1]"`` names the HDU. Groups (.zarr) of `write_cube`. In
        memory: `Cube`, HDU, HDUList, NDData, CCDData, SpectralCube, Spectrum of
        specutils, `xarray.DataArray`, and arrays (Quantity, masked, memory map, dask)
        with the bands on the last axis.
    hdu : int, str, tuple, list of them, "all" or None, default=None
        HDUs to read of the paths that name none. "all" is every image that is not a
        companion (ERR, WHT, DQ, MASK, ...), None the first of these.
    errors : "auto", "inside", int, str, tuple, list or None, default=None
        Errors of the images. "inside" takes the HDU beside each image that is named
        ERR, SIGMA, RMS, UNC, VAR, IVAR or similar; "auto" looks also for a file beside
        it, as g_rms.fits for g.fits or g_sci.fits. A number or name is that HDU of each
        file; a list has one path, array or None for each image. Cubes and NDData keep
        theirs.
    error_kind : {"std", "var", "ivar"} or None, default=None
        Whether the errors are standard deviations, variances or inverse variances. By
        default the name of the HDU or file decides, and other names are standard
        deviations. Weights (WHT, WEIGHT) may be exposure times, and need it.
    masks : "auto", "inside", int, str, tuple, list or None, default=None
        Flags, found as `errors` by DQ, MASK, FLAGS, BPM, QUALITY; a list of one is for
        all images. Pixels with a flag become NaN. The masks of arrays and NDData are
        always used.
    weights : "auto", "inside", int, str, tuple, list or None, default=None
        Weights, exposure times or coverages, found as `errors` by WHT, WEIGHT, EXP,
        IVAR, COVERAGE, CONF. Pixels without a positive one become NaN.
    ignore_flags : "auto", int, str or list of int, default="auto"
        Flags in `masks` that do not mask, see `astropy.nddata.bitmask`: 0 is none,
        ``"4,16"`` these two, ``"~1"`` all except 1. "auto" is all except DO_NOT_USE in
        files of JWST, all except the bad ones (BAD, CR, NO_DATA, SAT) where a header
        names the bits in cards MP_* (HSC, LSST), and else none.
    band_names : sequence of str of length n_bands, default=None
        By default the filter in the header, else the name of the file, or of the
        extension if several are read. Bands of the same name get the parts in which
        their file names differ, and only these if it is the name of all bands.
    fwhm : float, array-like of shape (n_bands,) or Quantity, default=None
        FWHM of the point-spread function in arcsec, NaN where unknown. By default that
        in the header (FWHM, unless in pixels, or geometric mean of BMAJ and BMIN).
    order : {"given", "wavelength"} or sequence of int, default="given"
        Order of the bands. "wavelength" sorts by the wavelength in the header (spectral
        axis, PHOTPLAM, WAVELEN or WAVELNTH with a unit), else of the common filter in
        the name; unknown ones come last, by file names. A sequence has the numbers of
        the bands from 0. All other parameters are in the order of the files.
    combine : bool or "auto", default=False
        Whether exposures of one band become one image, by
        `skesom.cube.combine_exposures`; `order` then counts these, and `band_names` may
        do so too. True combines images of the same name, as `band_names` or FILTER give
        it. "auto" combines images with a WCS and with the same FILTER, TELESCOP and
        INSTRUME and the same size of pixels within 10 %, if there is another band.
    dtype : {numpy.float32, numpy.float64}, default=numpy.float32
        Type of the data and errors.
    lazy : bool, default=False
        Whether the cubes are lazy, for images larger than memory: only headers are read
        now, and pixels when dask computes them, in strips of rows of about 64 MB. The
        values are the same. Files that are compressed as a whole (.gz, .bz2) cannot be
        read in parts, as those compressed in tiles (.fz) can: their pixels are unpacked
        to a temporary file. A file must stay as it is until the cube is computed, and
        all workers of a cluster must find it at its path. Needs the extra ``dask``.

    Returns
    -------
    cube : Cube of shape (n_rows, n_columns, n_bands), or list of Cube
        One cube if all images lie on the same pixels, or have the same shape and no
        WCS; else one for each pixel grid (see `skesom.cube.CubeAligner`), or, if
        `order` is not "given", for each run of bands on one. Masked pixels are NaN.

    Raises
    ------
    OSError
        If a file does not exist (FileNotFoundError), is not FITS, or is damaged.
    TypeError
        If `paths` is none of the above.
    ValueError
        If a file holds no image, a companion does not fit its image, or `band_names`,
        `fwhm` or `order` do not fit the number of bands; if `combine` is True and all
        names differ, or exposures cannot be combined; if `lazy` is asked for exposures
        to be combined or HDUs in memory.
    ImportError
        If `lazy` is True and dask is missing.

    Warns
    -----
    UserWarning
        If an image without a WCS is taken to lie on the only grid of the others, bands
        have the same name, images are combined, "auto" finds no errors of an image,
        flags mask more than half of one (not if `lazy`), or a file is unpacked to the
        disk because `lazy` is True.

    Notes
    -----
    TELESCOP or INSTRUME of a space telescope and the wavelength of a band give its
    ``diffraction_fwhm``, 1.03 times wavelength by diameter of the mirror.
    A spectral axis, or PHOTPLAM, becomes ``band_coordinates``. The ``zero_points``, of
    AB magnitudes, are from PHOTFLAM and PHOTPLAM or PHOTFNU of an image in counts (with
    EXPTIME, unless it is in counts per second), or from a card such as MAGZERO if its
    name, its comment or MAGSYS contains AB, or TELESCOP, INSTRUME, ORIGIN or SURVEY
    names a survey of known magnitudes. Pixels of inverse variance 0 become NaN.

    Examples
    --------
    >>> import tempfile
    >>> import numpy as np
    >>> from skesom.cube import Cube
    >>> from skesom.io import read_cube, write_bands
    >>> cube = Cube(np.ones((4, 5, 2)), band_names=["r", "u"])
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     read_cube(write_bands(folder, cube), order="wavelength")
    <Cube 4 x 5 pixels, 2 bands (u, r), float32, no WCS>
    >>> images = [np.zeros((4, 5)), np.zeros((8, 10)), np.ones((4, 5))]
    >>> [cube.shape for cube in read_cube(images)]
    [(4, 5, 2), (8, 10, 1)]
    """
    if np.dtype(dtype) not in (np.float32, np.float64):
        raise ValueError(f"dtype must be float32 or float64, got {dtype!r}.")
    with keep_files_open():
        plan = gather_images(
            paths,
            hdu,
            {"errors": errors, "masks": masks, "weights": weights},
            error_kind,
            band_names=band_names,
            fwhm=fwhm,
            order=order,
            combine=combine,
        )
        cubes = read_images(plan, dtype, ignore_flags, lazy)
    return cubes[0] if len(cubes) == 1 else cubes


class _Reading(NamedTuple):
    """How pixels are read."""

    dtype: Any
    ignore_flags: Any
    lazy: bool


def read_images(plan, dtype, ignore_flags, lazy):
    """Return the cubes of a plan of images."""
    if ignore_flags != "auto":
        ignore_flags = interpret_bit_flags(ignore_flags)
    reading = _Reading(dtype, ignore_flags, lazy)
    images = [_combined(image, reading) for image in plan.images]
    cubes, cube_of_band = _read_grids(complete_grids(images), plan.order, reading)
    if plan.is_sorted:
        cubes = _split_into_runs(cubes, cube_of_band)
    return cubes


def _combined(image, reading):
    """Return an image, combined if it has several exposures."""
    if not image.exposures:
        return image
    if reading.lazy:
        raise ValueError(
            f"{len(image.exposures)} exposures of {list_names(image.band_names)} are "
            "combined in memory. Combine them before with lazy=False, or pass "
            "combine=False."
        )
    names = image.band_names
    exposures = [each._replace(band_names=names) for each in image.exposures]
    cubes = []
    for exposure in complete_grids(exposures):
        ranks = np.arange(exposure.n_bands)
        cubes.append(_read_grid([exposure], ranks, reading))
    cube = combine_exposures(cubes)
    files = list_names([os.path.basename(each.label) for each in image.exposures])
    warn_user(
        f"{len(cubes)} exposures of {list_names(names)} combined to one image of "
        f"{cube.shape[0]} x {cube.shape[1]} pixels: {files}."
    )
    return describe_array(cube, image.label)


def _read_grids(images, order, reading):
    """Return a cube for each grid, and the number of the cube of each band in order."""
    positions = split_bands(np.argsort(order), images)  # of the bands of each image
    cubes = []
    cube_of_band = np.empty(len(order), dtype=int)
    grids = group_by_grid([image.grid for image in images])
    for cube_number, image_numbers in enumerate(grids):
        image_numbers = sorted(image_numbers, key=lambda number: positions[number][0])
        in_order = np.concatenate([positions[number] for number in image_numbers])
        cube_of_band[in_order] = cube_number
        ranks = np.searchsorted(np.sort(in_order), in_order)
        images_of_grid = [images[number] for number in image_numbers]
        cubes.append(_read_grid(images_of_grid, ranks, reading))
    return cubes, cube_of_band


def _read_grid(images, ranks, reading):
    """Return the cube of images on one grid, each band read to its rank."""
    read = _read_strips if reading.lazy else _read_all
    try:
        data, errors = read(images, ranks, reading)
    except MemoryError as error:
        raise OSError(ENOMEM, f"{error}", images[0].label) from error
    order = np.argsort(ranks)
    attributes = {}
    for name, values in join_bands(images).items():
        attributes[name] = None if values is None else values[order]
    if len(images) == 1:
        attributes |= images[0].known
    return Cube(data, wcs=images[0].grid.wcs, errors=errors, **attributes)


def _read_all(images, ranks, reading):
    """Return data and errors of images, the latter None if no image has them."""
    shape = (*images[0].grid.shape, len(ranks))
    return _fill(images, ranks, shape, reading, is_complete=True)


def _read_strip(images, ranks, reading, n_rows, openers):
    """Return data and errors of a strip of rows, which openers give."""
    shape = (n_rows, images[0].grid.shape[1], len(ranks))
    next_opener = iter(openers).__next__
    images = [_replace_openers(image, next_opener) for image in images]
    return _fill(images, ranks, shape, reading, is_complete=False)


def _fill(images, ranks, shape, reading, *, is_complete):
    """Return data and errors, filled from images and the planes beside them."""
    data = np.empty(shape, reading.dtype)
    errors = None
    if any(image.has_errors for image in images):
        errors = np.full_like(data, np.nan)
    for image, ranks_of_image in with_bands(images, ranks):
        copy_pixels(image, data, ranks_of_image)
        for plane in image.planes:
            apply_plane(
                plane, data, errors, ranks_of_image, reading.ignore_flags, is_complete
            )
    return data, errors


def _replace_openers(image, next_opener):
    """Return what tasks need of an image, with other openers of it and its planes."""
    opener = next_opener()
    planes = tuple(plane._replace(open=next_opener()) for plane in image.planes)
    grid = Grid(None, image.grid.shape)
    return image._replace(open=opener, grid=grid, plate=None, known={}, planes=planes)


def _read_strips(images, ranks, reading):
    """Return data and errors of images as arrays of dask, one task for each strip."""
    import_extra("dask.array", "Lazy cubes need dask: pip install 'skesom[dask]'.")
    from dask import delayed

    shape = (*images[0].grid.shape, len(ranks))
    strips = strips_of(shape)
    openers_of_parts = []
    for image in images:
        for part in (image, *image.planes):
            openers_of_parts.append(open_in_tasks(part, strips))
    images = [_replace_openers(image, lambda: None) for image in images]
    read = partial(_read_strip, images, ranks, reading)
    # As a task of its own, it would let dask read many strips ahead.
    read = delayed(read, nout=2, pure=False, traverse=False)
    heights = [rows.stop - rows.start for rows in strips]
    data_strips = []
    error_strips = []
    openers_of_strips = zip(*openers_of_parts, strict=True)
    for height, openers in zip(heights, openers_of_strips, strict=True):
        data, errors = read(height, list(openers))
        data_strips.append(data)
        error_strips.append(errors)
    data = join_strips(data_strips, heights, shape[1:], reading.dtype)
    errors = None
    if any(image.has_errors for image in images):
        errors = join_strips(error_strips, heights, shape[1:], reading.dtype)
    return data, errors


def _split_into_runs(cubes, cube_of_band):
    """Split cubes so that their bands, one cube after the other, are in order."""
    runs = []
    n_taken = [0] * len(cubes)
    for number, bands in groupby(cube_of_band):
        cube = cubes[number]
        start = n_taken[number]
        n_taken[number] += len(list(bands))
        if n_taken[number] - start == cube.shape[2]:
            runs.append(cube)
        else:
            runs.append(cube[:, :, start : n_taken[number]])
    return runs


def write_bands(
    folder: StrPath, cube: CubeLike, *, overwrite: bool = False
) -> list[Path]:
    """Write a cube as one FITS image per band, which `read_cube` reads back.

    Files are named by their bands. Headers have the WCS, FILTER, BUNIT, FWHM (arcsec),
    spectral coordinate (SPECVAL, SPECUNIT) and zero point (MAGZERO). Errors are in the
    extension ERR, for ``errors="auto"``. Either all files are written or none. A lazy
    cube is computed once, and written strip by strip.

    Parameters
    ----------
    folder : str or os.PathLike
        Where to write; made if it does not exist.
    cube : Cube or array-like of shape (n_rows, n_columns, n_bands)
        The cube.
    overwrite : bool, default=False
        Whether existing files may be replaced.

    Returns
    -------
    paths : list of pathlib.Path
        The files in the order of the bands.

    Raises
    ------
    FileExistsError
        If a file exists and `overwrite` is False.
    ValueError
        If two bands would go to the same file.

    Examples
    --------
    >>> import tempfile
    >>> import numpy as np
    >>> from skesom.cube import Cube
    >>> from skesom.io import write_bands
    >>> cube = Cube(np.ones((4, 5, 2)), band_names=["F438W", "[O III]"])
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     [path.name for path in write_bands(folder, cube)]
    ['F438W.fits', 'O_III.fits']
    """
    cube = as_cube(cube)
    folder = Path(folder)
    paths = []
    for band_name in cube.band_names:
        name = re.sub("[^A-Za-z0-9.+-]+", "_", short_ascii(band_name)).strip("_.")
        paths.append(folder / f"{name or 'band'}.fits")
    # Some file systems ignore case.
    if len({path.name.lower() for path in paths}) < len(paths):
        raise ValueError(
            f"Bands {list(cube.band_names)} would share a file, without case and "
            "special characters. Rename them with Cube.replace(band_names=...)."
        )
    folder.mkdir(parents=True, exist_ok=True)
    with ExitStack() as stack:
        temporary_paths = []
        for path in paths:
            context = atomic_path(path, overwrite=overwrite)
            temporary_paths.append(stack.enter_context(context))
        # Lazy bands in one pass; others one by one, because they are copied.
        files = (
            _describe_band(cube, band, path)
            for band, path in enumerate(temporary_paths)
        )
        write_files(files)
    return paths


def _describe_band(cube, band, path):
    """Return the file that `write_files` takes for one band of a cube."""
    image = cube.data[:, :, band]
    hdus = make_hdus(stand_in(image), cube.wcs)
    images = {0: image}
    header = hdus[0].header
    header.update(band_cards(cube, band))
    if cube.errors is not None:
        errors = cube.errors[:, :, band]
        images[len(hdus)] = errors
        hdus.append(fits.ImageHDU(stand_in(errors), name="ERR"))
        if "BUNIT" in header:
            hdus[-1].header["BUNIT"] = header["BUNIT"]
    return path, hdus, images
