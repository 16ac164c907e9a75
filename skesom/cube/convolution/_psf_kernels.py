# SPDX-License-Identifier: BSD-3-Clause
"""Kernels from measured point-spread functions, and kernels that others have made."""

import os
from collections.abc import Mapping
from typing import NamedTuple

import numpy as np
from astropy import units
from astropy.io import fits
from astropy.stats import gaussian_fwhm_to_sigma
from scipy import interpolate, signal

from skesom.cube.convolution._array_kernel import elliptical_gaussian
from skesom.cube.convolution._star_fwhm import fit_gaussian_fwhm

# Cards that hold the side of a pixel: STPSF's in arcsec, Tiny Tim's in arcsec.
_SCALE_CARDS = ("PIXELSCL", "PIXSCALE")
# Pixel sizes that differ by less than this fraction are equal.
_SAME_SIZE = 1e-3
REGULARIZATION = 1e-4


class Stamp(NamedTuple):
    """A small image of odd lengths, centered, of sum 1, with the size of its pixels.

    Parameters
    ----------
    array : ndarray of shape (n_rows, n_columns), float64
        The image.
    pixel_size : float or None
        Side of a pixel in arcsec, None if unknown.
    """

    array: np.ndarray
    pixel_size: float | None


def read_stamps(entries, bands, kind):
    """Return the stamp of each band."""
    names = [band.name for band in bands]
    if entries is None:
        entries = {}
    if isinstance(entries, Mapping):
        unknown = [name for name in entries if name not in names]
        if unknown:
            raise ValueError(
                f"There is a {kind} for {unknown[0]!r}, but the bands are "
                f"{', '.join(names)}."
            )
        entries = [entries.get(name) for name in names]
    if len(entries) != len(bands):
        raise ValueError(
            f"There must be one {kind} for each of the {len(bands)} bands "
            f"({', '.join(names)}), None where there is none, got {len(entries)}."
        )
    return [
        None if entry is None else _read_stamp(entry, band, kind)
        for entry, band in zip(entries, bands, strict=True)
    ]


def _read_stamp(entry, band, kind):
    """Return one stamp on the pixels of its band."""
    owner = f"The {kind} of band {band.name!r}"
    size = band.pixel_size
    pixel_size = None
    if isinstance(entry, str | os.PathLike):
        owner += f" ({os.fspath(entry)})"
        array, pixel_size = _read_file(entry, owner)
    else:
        array = entry
    try:
        array = np.array(array, dtype=np.float64)
    except (TypeError, ValueError) as error:
        raise ValueError(
            f"{owner} must be an image or the path of one, got {entry!r}."
        ) from error
    _check_array(array, owner)
    stamp = Stamp(array / array.sum(), pixel_size if pixel_size is not None else size)
    return stamp if size is None else to_pixel_size(stamp, size)


def _read_file(path, owner):
    """Return the first image of a FITS file and the side of its pixels in arcsec."""
    try:
        with fits.open(path) as hdus:
            for hdu in hdus:
                if hdu.is_image and hdu.header.get("NAXIS") == 2:
                    return hdu.data, _read_pixel_size(hdu.header)
    except FileNotFoundError as error:
        raise FileNotFoundError(
            f"{owner} cannot be read: there is no such file. Check its path."
        ) from error
    except OSError as error:
        raise OSError(f"{owner} cannot be read as FITS: {error}") from error
    raise ValueError(f"{owner}: the file holds no image of two axes.")


def _read_pixel_size(header):
    """Return the side of a pixel in arcsec that a header tells, else None."""
    for card in _SCALE_CARDS:
        if card in header:
            return float(header[card])
    for card in ("CD1_1", "CDELT1"):
        if header.get(card) and str(header.get("CTYPE1", "")).startswith("RA"):
            return abs(header[card]) * units.deg.to(units.arcsec)
    return None


def _check_array(array, owner):
    """Refuse what cannot be a point-spread function or a kernel."""
    if array.ndim != 2:
        raise ValueError(f"{owner} must have two axes, got {array.ndim}.")
    if not np.isfinite(array).all():
        raise ValueError(
            f"{owner} holds NaN or infinite values. Replace them, by 0 in the wings."
        )
    if array.shape[0] % 2 == 0 or array.shape[1] % 2 == 0:
        raise ValueError(
            f"{owner} has the shape {array.shape}, but needs odd lengths with the peak "
            "in the middle. Cut a row or column, or resample it."
        )
    if not array.sum() > 0:
        raise ValueError(f"{owner} must have a positive sum, got {array.sum():g}.")
    peak = np.unravel_index(np.argmax(array), array.shape)
    middle = array.shape[0] // 2, array.shape[1] // 2
    if peak != middle:
        raise ValueError(
            f"{owner} has its peak at row {peak[0]}, column {peak[1]} instead of the "
            f"middle ({middle[0]}, {middle[1]}) and would shift the image. Center it."
        )


def to_pixel_size(stamp, pixel_size):
    """Bring a stamp to other pixels around the same middle.

    Notes
    -----
    Along each axis the light up to a place is interpolated by a spline, and its
    differences between the borders of the new pixels are their light. So none is
    lost, and pixels of any size average over their area.
    """
    ratio = pixel_size / stamp.pixel_size
    if abs(ratio - 1) < _SAME_SIZE:
        return stamp
    array = stamp.array
    for _ in range(2):
        length = len(array)
        collected = np.concatenate([np.zeros((1, array.shape[1])), array.cumsum(0)])
        borders = np.arange(length + 1) - length / 2
        half = int(np.ceil(length / ratio / 2 - 0.5))
        wanted = (np.arange(2 * half + 2) - half - 0.5) * ratio
        spline = interpolate.make_interp_spline(borders, collected, k=3)
        inside = np.clip(wanted, borders[0], borders[-1])
        array = np.diff(spline(inside), axis=0).T
    return Stamp(array / array.sum(), pixel_size)


def gaussian_stamp(fwhm, pixel_size):
    """Return a round Gaussian point-spread function."""
    sigma = fwhm / pixel_size * gaussian_fwhm_to_sigma
    return Stamp(elliptical_gaussian(np.eye(2) * sigma**2), pixel_size)


def stamp_fwhm(stamp):
    """Return the FWHM of the core of a point-spread function."""
    array = stamp.array
    above = np.count_nonzero(array >= array.max() / 2)
    guess = max(1.0, 2 * np.sqrt(above / np.pi))
    half = max(2, int(np.ceil(guess)))
    rows, columns = (
        slice(max(0, length // 2 - half), length // 2 + half + 1)
        for length in array.shape
    )
    return fit_gaussian_fwhm(array[rows, columns], guess)


def matching_kernel(stamp, target):
    """Return the kernel that turns one point-spread function into another.

    Notes
    -----
    Wiener filter with a Laplacian penalty and a regularization of 1e-4, by
    `photutils.psf_matching.make_wiener_kernel`, as in [1]_.

    References
    ----------
    .. [1] A. Boucaud et al., "Convolution kernels for multi-wavelength imaging",
       Astronomy and Astrophysics 596 (2016), A63.
    """
    try:
        from photutils.psf_matching import make_wiener_kernel
    except ImportError as error:
        raise ImportError(
            "Matching measured point-spread functions needs photutils 3 or newer: "
            "pip install skesom[psf]"
        ) from error
    shape = np.maximum(stamp.array.shape, target.array.shape)
    source, wanted = (_padded(part.array, shape) for part in (stamp, target))
    kernel = make_wiener_kernel(
        source, wanted, regularization=REGULARIZATION, penalty="laplacian"
    )
    matched = signal.fftconvolve(source, kernel, mode="same")
    return kernel, float(np.abs(matched - wanted).sum())


def _padded(array, shape):
    """Return an array of odd lengths in the middle of a larger one of zeros."""
    margin = (np.array(shape) - array.shape) // 2
    return np.pad(array, [(width, width) for width in margin])
