# SPDX-License-Identifier: BSD-3-Clause
"""Stamps: small images of point-spread functions and kernels, read and centered."""

import os
from contextlib import suppress
from typing import NamedTuple

import numpy as np
from astropy import units
from astropy.stats import gaussian_fwhm_to_sigma
from scipy import fft, interpolate, ndimage

from skesom._common.fits_files import open_fits
from skesom._common.masked import filled
from skesom._common.warn import warn_user
from skesom._sky.grids import SAME_SIZE
from skesom.cube.bands import one_per_band
from skesom.cube.convolution.stars import fit_gaussian

_SCALE_CARDS = ("PIXELSCL", "PIXSCALE")  # in arcsec, of STPSF and Tiny Tim
NEAR = 0.1  # pixels; a core that is nearer to the middle of a pixel stays there
FAR_OFF = 1.0  # pixels; the middle of an even frame may be half a pixel off


class Stamp(NamedTuple):
    """A centered image of odd lengths and of sum 1, with its pixel size in arcsec."""

    array: np.ndarray
    pixel_size: float | None
    remark: str = ""  # what was done to it


def read_stamps(entries, bands, kind):
    """Return the stamp of each band, None where there is none.

    Parameters
    ----------
    entries : mapping, sequence or None
        As `psfs` and `kernels` of `FWHMConvolver`.
    bands : list of Band
    kind : {"PSF", "kernel"}

    Returns
    -------
    stamps : list of (Stamp or None)
    """
    if entries is None:
        return [None] * len(bands)
    names = [band.name for band in bands]
    entries = one_per_band(entries, names, kind, f"There must be one {kind}")
    stamps = []
    for entry, band in zip(entries, bands, strict=True):
        stamp = None
        if entry is not None:
            stamp = _read_stamp(entry, band, kind)
        stamps.append(stamp)
    return stamps


def _read_stamp(entry, band, kind):
    """Return one stamp on the pixels of its band.

    A PSF is centered. A kernel must be, as its peak may be off the middle on purpose.
    """
    owner = f"The {kind} of band {band.name!r}"
    size = band.pixel_size
    if isinstance(entry, str | os.PathLike):
        try:
            entry = read_psf(os.fspath(entry))
        except OSError as error:
            text = f"{owner} ({entry}) cannot be read as FITS: {error}"
            raise type(error)(text) from error
    if isinstance(entry, tuple) and len(entry) == 3 and np.ndim(entry[0]) == 2:
        entry, size_in_file, path = entry
        owner = f"{owner} ({path})"
        size = _choose_pixel_size(size_in_file, band.pixel_size, owner)
    try:
        array = np.array(filled(entry), dtype=np.float64)
    except (TypeError, ValueError) as error:
        raise ValueError(
            f"{owner} must be an image or the path of one, got {entry!r}."
        ) from error
    _check_stamp_array(array, owner)
    remark = ""
    if kind == "PSF":
        array, remark = _centered(array, owner)
    else:
        _check_middle(array, owner)
    stamp = Stamp(array / array.sum(), size, remark)
    if band.pixel_size is None:
        return stamp
    return to_pixel_size(stamp, band.pixel_size)


def read_psf(path):
    """Return the first image of a file, its pixel size (None if unknown), its path."""
    with open_fits(path) as hdus:
        images = [hdu for hdu in hdus if hdu.is_image and hdu.header.get("NAXIS", 0)]
        for hdu in images:
            if len(hdu.shape) == 2:
                size = _read_pixel_size(hdu.header)
                native = hdu.data.dtype.newbyteorder("=")
                return hdu.data.astype(native), size, os.fspath(path)
    if images:
        raise ValueError(
            f"{path} has no image of two axes, as PSFs and kernels are: the first one "
            f"has {len(images[0].shape)}."
        )
    raise ValueError(f"{path} has no image, and so no PSF or kernel.")


def _choose_pixel_size(size_in_file, size_of_band, owner):
    """Return the size of the pixels of a file, by default that of its band."""
    if size_in_file is not None:
        if not 0 < size_in_file < np.inf:
            raise ValueError(
                f"{owner} must have pixels of a positive number of arcsec, got "
                f"{size_in_file}."
            )
        return size_in_file
    if size_of_band is not None:
        warn_user(
            f"{owner} does not tell the size of its pixels: taken as that of the band, "
            f"{size_of_band:.4g} arcsec."
        )
    return size_of_band


def _read_pixel_size(header):
    """Return the side of a pixel in arcsec from a header, else None."""
    with suppress(TypeError, ValueError):  # of cards that are no numbers
        for card in _SCALE_CARDS:
            if card in header:
                return float(header[card])
        # The length of the first column of the matrix, also of a turned frame.
        side = np.hypot(header.get("CD1_1", 0), header.get("CD2_1", 0))
        if not side:
            length = np.hypot(header.get("PC1_1", 1), header.get("PC2_1", 0))
            side = abs(header.get("CDELT1", 0)) * length
        if side and str(header.get("CTYPE1")).startswith(("RA", "GLON", "ELON")):
            return float(side * units.deg.to(units.arcsec))
    return None


def _check_stamp_array(array, owner):
    """Check that an array can be a point-spread function or a kernel."""
    if array.ndim != 2:
        raise ValueError(f"{owner} must have two axes, got {array.ndim}.")
    if not np.isfinite(array).all():
        raise ValueError(
            f"{owner} holds NaN or infinite values. Replace them, by 0 in the wings."
        )
    if not array.sum() > 0:
        raise ValueError(f"{owner} must have a positive sum, got {array.sum():g}.")


def _check_middle(array, owner):
    """Check that the peak of a kernel is in the middle of odd lengths."""
    if not np.all(np.array(array.shape) % 2):
        raise ValueError(
            f"{owner} has the shape {array.shape}, but needs odd lengths with the peak "
            "in the middle. Cut a row or column, or resample it."
        )
    peak = np.unravel_index(np.argmax(array), array.shape)
    middle = array.shape[0] // 2, array.shape[1] // 2
    if peak != middle:
        raise ValueError(
            f"{owner} has its peak at row {peak[0]}, column {peak[1]} instead of the "
            f"middle ({middle[0]}, {middle[1]}) and would shift the image. Center it."
        )


def _centered(array, owner):
    """Return a point-spread function in the middle of odd lengths, and a remark.

    The remark says from where it was brought there; "" if it was there.
    """
    middle = (np.array(array.shape) - 1) / 2
    peak = np.array(np.unravel_index(np.argmax(array), array.shape))
    if np.array_equal(peak, middle):
        return array, ""
    # First a frame of odd lengths around the pixel of the peak, then a shift by the
    # part of a pixel that is left.
    half = np.maximum(peak, np.array(array.shape) - 1 - peak)
    before = half - peak
    after = half + 1 + peak - array.shape
    framed = np.pad(array, np.stack([before, after], axis=1))
    _, offset = fit_core(framed)
    offset = np.nan_to_num(offset)
    center = peak + offset
    if np.abs(offset).max() > NEAR:
        spectrum = ndimage.fourier_shift(fft.fft2(framed), -offset)
        framed = fft.ifft2(spectrum).real
    row, column = center
    n_rows, n_columns = array.shape
    text = f"row {row:.2f}, column {column:.2f} of {n_rows} x {n_columns} pixels"
    if np.abs(center - middle).max() > FAR_OFF:
        warn_user(
            f"{owner} is shifted to the middle of its frame: its core is at {text}."
        )
    return framed, f"centered from {text}, "


def to_pixel_size(stamp, pixel_size):
    """Bring a stamp to pixels of another size in arcsec around the same middle."""
    ratio = pixel_size / stamp.pixel_size
    if abs(ratio - 1) < SAME_SIZE:
        return stamp
    # Rows, which become columns, then the other axis.
    array = _rebin_rows(stamp.array, ratio).T
    array = _rebin_rows(array, ratio).T
    return Stamp(array / array.sum(), pixel_size, stamp.remark)


def _rebin_rows(array, ratio):
    """Return an array with rows that are higher by a ratio, around the same middle.

    A spline goes through the cumulative sum; its differences between the borders of
    the new rows lose no light.
    """
    n_rows, n_columns = array.shape
    cumulative = np.concatenate([np.zeros((1, n_columns)), array.cumsum(axis=0)])
    borders = np.arange(n_rows + 1) - n_rows / 2
    half = int(np.ceil(n_rows / ratio / 2 - 0.5))
    new_borders = (np.arange(2 * half + 2) - half - 0.5) * ratio
    spline = interpolate.make_interp_spline(borders, cumulative, k=3)
    new_borders = np.clip(new_borders, borders[0], borders[-1])
    return np.diff(spline(new_borders), axis=0)


def gaussian_stamp(fwhm, pixel_size):
    """Return a round Gaussian point-spread function; both lengths are in arcsec."""
    sigma = fwhm / pixel_size * gaussian_fwhm_to_sigma
    return Stamp(elliptical_gaussian(np.eye(2) * sigma**2), pixel_size)


def fit_core(array):
    """Return the FWHM of the core, and its offset from the middle; see `fit_gaussian`.

    The core is what is around the middle, as far as a disk with the area of the pixels
    above half of the peak is wide.
    """
    area = np.count_nonzero(array >= array.max() / 2)
    guess = max(1.0, 2 * np.sqrt(area / np.pi))
    half = max(2, int(np.ceil(guess)))
    core = []
    for length in array.shape:
        middle = length // 2
        core.append(slice(max(0, middle - half), middle + half + 1))
    return fit_gaussian(array[tuple(core)], guess)


def elliptical_gaussian(covariance):
    """Return a Gaussian of any direction, of the right width also below a pixel.

    It is the inverse transform of its known Fourier transform: sampling a narrow one at
    the pixel centers would miss the width. The covariance is that of (columns, rows) in
    pixels squared.
    """
    reach = max(32, int(np.ceil(5 * np.sqrt(np.linalg.eigvalsh(covariance)[-1]))))
    length = 2 * reach + 1
    rows = fft.fftfreq(length)[:, np.newaxis]
    columns = fft.rfftfreq(length)
    exponent = (
        covariance[0, 0] * columns**2
        + 2 * covariance[0, 1] * columns * rows
        + covariance[1, 1] * rows**2
    )
    transfer = np.exp(-2 * np.pi**2 * exponent)
    return fft.fftshift(fft.irfft2(transfer, (length, length)))
