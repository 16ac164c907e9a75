# SPDX-License-Identifier: BSD-3-Clause
"""Cubes from FITS images, and FITS images from cubes."""

import numbers
import os
import warnings
from itertools import pairwise

import numpy as np
from astropy import units

from skesom.cube._align import align
from skesom.cube._container import Cube
from skesom.cube._grid import group_by_grid
from skesom.io._headers import make_unique
from skesom.io._images import describe_image, read_pixels


def read_cube(
    paths,
    *,
    hdu=None,
    band_names=None,
    fwhm=None,
    align_to="coarsest",
    method="interp",
    dtype=np.float32,
):
    """Read FITS images of one piece of sky into a cube.

    Parameters
    ----------
    paths : str, os.PathLike or sequence of them
        One file per band, or files with several bands each (images of three axes).
        ``"image.fits[2]"`` or ``"image.fits[SCI,1]"`` names the HDU to read.
        Compressed files (.gz, .fz) are read as they are.
    hdu : int, str, tuple or None, default=None
        HDU that holds the image, for the paths that do not name one. None takes the
        first image of the file that is not a companion (ERR, WHT, DQ, MASK, ...).
    band_names : sequence of str of length n_bands, default=None
        Names of the bands. By default the filter named in the header, else the name
        of the file; repeated names are numbered.
    fwhm : float, array-like of shape (n_bands,) or Quantity, default=None
        Full width at half maximum of the point-spread function in arcsec, one for all
        bands or one for each, NaN where unknown. By default the header's FWHM card,
        which is taken to be in arcsec unless its comment speaks of pixels.
    align_to : {"coarsest", "first"}, int, str, WCS, Header or Cube, default="coarsest"
        Grid that bands on different grids are resampled to, see
        `skesom.cube.align`. It is also used for a single grid: a WCS here resamples
        all bands.
    method : {"interp", "adaptive", "exact"}, default="interp"
        How to resample, see `skesom.cube.align`.
    dtype : {numpy.float32, numpy.float64}, default=numpy.float32
        Type of the data.

    Returns
    -------
    cube : Cube of shape (n_rows, n_columns, n_bands)
        The bands in the order of the files. Blank pixels, and pixels that a resampled
        image does not reach, are NaN. The WCS is None if no file has one.

    Raises
    ------
    FileNotFoundError
        If a file does not exist.
    OSError
        If a file is not FITS, or is damaged.
    ValueError
        If a file holds no image, the images cannot share a grid (different shapes
        without a WCS, no overlap on the sky), or `band_names` or `fwhm` do not fit
        the number of bands.

    Warns
    -----
    UserWarning
        If an image without a WCS is taken to lie on the grid of the others, or if
        resampling loses light (see `skesom.cube.align`).

    See Also
    --------
    skesom.cube.align : Resample cubes, for instance after convolving each of them.
    write_bands : Write a cube as one file per band.

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
    """
    if np.dtype(dtype) not in (np.float32, np.float64):
        raise ValueError(f"dtype must be float32 or float64, got {dtype!r}.")
    if isinstance(paths, str | os.PathLike):
        paths = [paths]
    images = [describe_image(path, hdu) for path in paths]
    _check_distinct(images)
    grids = _complete_grids(images)
    names = _name_bands(images, band_names)
    fwhm = _spread_fwhm(images, fwhm)
    ends = np.cumsum([0] + [len(image.band_names) for image in images])
    images = [
        image._replace(grid=grid, band_names=names[start:end], fwhm=fwhm[start:end])
        for image, grid, (start, end) in zip(images, grids, pairwise(ends), strict=True)
    ]

    groups = group_by_grid(grids)
    cubes = [_read_group([images[m] for m in members], dtype) for members in groups]
    if cubes[0].wcs is None:
        _check_no_target(images, align_to)
        return cubes[0]
    order = [b for members in groups for m in members for b in range(*ends[m : m + 2])]
    if isinstance(align_to, numbers.Integral) and align_to in order:
        align_to = order.index(align_to)
    cube = align(cubes, align_to, method=method)
    return cube if order == sorted(order) else cube[:, :, np.argsort(order)]


def _read_group(images, dtype):
    """Return the cube of images on one grid, read straight to their places."""
    names = [name for image in images for name in image.band_names]
    data = np.empty((*images[0].grid.shape, len(names)), dtype)
    start = 0
    for image in images:
        end = start + len(image.band_names)
        read_pixels(image, data[:, :, start:end])
        start = end
    return Cube(
        data,
        wcs=images[0].grid.wcs,
        band_names=names,
        band_units=[image.unit for image in images for _ in image.band_names],
        fwhm=np.concatenate([image.fwhm for image in images]),
    )


def _check_distinct(images):
    """Refuse an empty list and an image that is given twice."""
    if not images:
        raise ValueError("There is nothing to read: the list of paths is empty.")
    seen = set()
    for image in images:
        place = (os.path.realpath(image.path), image.hdu)
        if place in seen:
            raise ValueError(
                f"{image.label} (HDU {image.hdu}) is given twice. Leave one out, or "
                "name another HDU of the file as in image.fits[2]."
            )
        seen.add(place)


def _complete_grids(images):
    """Return the grid of each image; those without a WCS must fit the others."""
    grids = [image.grid for image in images]
    without = [image.label for image in images if image.grid.wcs is None]
    if not without:
        return grids
    first_of = {}
    for image in images:
        first_of.setdefault(image.grid.shape, image.label)
    if len(first_of) > 1:
        shapes = ", ".join(
            f"{label} has {rows} x {columns}"
            for (rows, columns), label in first_of.items()
        )
        raise ValueError(
            f"Images of different shapes need a WCS to be aligned, and {without[0]} "
            f"has none: {shapes} rows x columns. Cut the images to the same pixels, or "
            "add the WCS to their headers."
        )
    known = [image for image in images if image.grid.wcs is not None]
    if not known:
        return grids
    if len(group_by_grid([image.grid for image in known])) > 1:
        raise ValueError(
            f"{without[0]} has no WCS, and the other images lie on different grids, so "
            "that its place on the sky is unknown. Add the WCS to its header."
        )
    warnings.warn(
        f"{', '.join(without)} without a WCS: taken to lie on the pixels of "
        f"{known[0].label}, which has the same shape.",
        UserWarning,
        stacklevel=3,
    )
    return [known[0].grid] * len(images)


def _name_bands(images, band_names):
    """Return one unique name for each band of all images."""
    found = [name for image in images for name in image.band_names]
    if band_names is None:
        return make_unique(found)
    names = [band_names] if isinstance(band_names, str) else list(map(str, band_names))
    if len(names) != len(found):
        raise ValueError(
            f"band_names has {len(names)} entries, but the files hold {len(found)} "
            f"bands ({', '.join(found)})."
        )
    if len(set(names)) < len(names):
        raise ValueError(f"band_names must be unique, got {names}.")
    return names


def _spread_fwhm(images, fwhm):
    """Return the FWHM of each band in arcsec, NaN where unknown."""
    found = np.concatenate([image.fwhm for image in images])
    if fwhm is None:
        return found
    if isinstance(fwhm, units.Quantity):
        fwhm = fwhm.to_value(units.arcsec)
    fwhm = np.asarray(fwhm, dtype=np.float64)
    if fwhm.ndim > 0 and fwhm.shape != found.shape:
        raise ValueError(
            f"fwhm has {fwhm.size} entries, but the files hold {found.size} bands. "
            "Give one for each band, NaN where it is unknown."
        )
    if np.any(fwhm <= 0) or np.any(np.isinf(fwhm)):
        raise ValueError(f"fwhm must be positive, got {fwhm.tolist()}.")
    return np.broadcast_to(fwhm, found.shape).copy()


def _check_no_target(images, align_to):
    """Refuse to align images that have no place on the sky."""
    if not isinstance(align_to, str | numbers.Integral):
        raise ValueError(
            f"{images[0].label} has no WCS, so it cannot be aligned to another grid. "
            "Add the WCS to its header, or leave align_to out."
        )
