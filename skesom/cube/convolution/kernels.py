# SPDX-License-Identifier: BSD-3-Clause
"""The kernel of each band: a Gaussian, one from measured PSFs, or a given one."""

import os
from contextlib import suppress
from typing import NamedTuple

import numpy as np
from astropy import units
from astropy.stats import gaussian_fwhm_to_sigma
from scipy import fft, interpolate, ndimage, signal

from skesom._common.extras import import_photutils
from skesom._common.fits_files import open_fits
from skesom._common.masked import filled
from skesom._common.warn import warn_user
from skesom._sky.grids import SAME_SIZE
from skesom.cube.bands import one_per_band
from skesom.cube.convolution.beams import Beam, pixel_size
from skesom.cube.convolution.filtering import (
    GaussianKernel,
    LobedKernel,
    PositiveKernel,
)
from skesom.cube.convolution.stars import fit_gaussian

_SCALE_CARDS = ("PIXELSCL", "PIXSCALE")  # in arcsec, of STPSF and Tiny Tim
REGULARIZATION = 1e-4  # of Wiener filters: what is sharper is not brought back
NEAR = 0.1  # pixels; a core that is nearer to the middle of a pixel stays there
FAR_OFF = 1.0  # pixels; the middle of an even frame may be half a pixel off


class Match(NamedTuple):
    """How one band is convolved, and its width before and after."""

    method: str  # "none", "gaussian", "elliptical", "wiener" or "kernel"
    fwhm: float  # before, in the unit of length of the bands, NaN if unknown
    result: float  # after
    beam: Beam | None = None  # the Gaussian that the band is convolved with,
    array: np.ndarray | None = None  # or a kernel on its pixels
    remark: str = ""  # for the summary

    @property
    def kernel_fwhm(self):
        """Width of the Gaussian in arcsec, 0 for none, NaN for another kernel."""
        if self.array is not None:
            return np.nan
        if self.beam is None:
            return 0.0
        return self.beam.major

    def describe(self, length_unit):
        """Return the kernel and the widths before and after in one line."""
        before = _text_of_width(self.fwhm, length_unit)
        after = _text_of_width(self.result, length_unit)
        remark = ""
        if self.remark:
            remark = f" ({self.remark})"
        if self.method == "none":
            return f"{before}{remark}, left as it is"
        if self.array is not None:
            kind = "Wiener" if self.method == "wiener" else "ready"
            n_rows, n_columns = self.array.shape
            kernel = f"{kind} kernel of {n_rows} x {n_columns} pixels"
        elif self.beam.is_round:
            kernel = f"Gaussian of {self.beam.major:.4g} {length_unit}"
        else:
            widths = f"{self.beam.major:.4g} x {self.beam.minor:.4g} {length_unit}"
            kernel = f"Gaussian of {widths} at {self.beam.angle:.4g} deg"
        return f"{before} to {after} by a {kernel}{remark}"


def _text_of_width(width, length_unit):
    """Return a width with its unit, "unknown" for NaN."""
    if np.isnan(width):
        return "unknown"
    return f"{width:.4g} {length_unit}"


def match_gaussian(beam, target):
    """Match one Gaussian to a round and wider one."""
    kernel = beam.missing(target)
    if not beam.is_round:
        remark = f"minor axis {beam.minor:.4g} arcsec at {beam.angle:.4g} deg"
    elif beam.source != "given":
        remark = f"from {beam.source}"
    else:
        remark = ""
    if kernel.major == 0:
        return Match("none", beam.major, beam.major, remark=remark)
    method = "gaussian" if beam.is_round else "elliptical"
    return Match(method, beam.major, target, beam=kernel, remark=remark)


def match_stamps(bands, beams, psfs, target):
    """Match measured point-spread functions by Wiener kernels.

    Parameters
    ----------
    bands : list of Band
    beams : list of Beam
        Of these bands.
    psfs : list of Stamp or None
        Of these bands; a band without one is a Gaussian as wide as its beam.
    target : float or None
        Width of the Gaussian that all bands are brought to. None brings them to the
        function of the widest band.

    Returns
    -------
    matches : list of Match
    """
    stamps = []
    for band, beam, psf in zip(bands, beams, psfs, strict=True):
        if psf is None:
            psf = gaussian_stamp(beam.major, band.pixel_size)
        stamps.append(psf)
    widest = int(np.argmax([beam.major for beam in beams]))
    result = beams[widest].major if target is None else target
    matches = []
    for number, (beam, stamp) in enumerate(zip(beams, stamps, strict=True)):
        if target is None and number == widest:
            matches.append(Match("none", result, result, remark="the target"))
            continue
        if target is None:
            wanted = to_pixel_size(stamps[widest], stamp.pixel_size)
        else:
            wanted = gaussian_stamp(target, stamp.pixel_size)
        array, residual = matching_kernel(stamp, wanted)
        remark = f"{stamp.remark}residual {residual:.2g}"
        matches.append(Match("wiener", beam.major, result, array=array, remark=remark))
    return matches


def stamp_beam(stamp, band):
    """Return the round beam that fits a measured point-spread function."""
    n_pixels, _ = fit_core(stamp.array)
    fwhm = n_pixels * pixel_size(band)
    if np.isnan(fwhm):
        raise ValueError(
            f"The core of the PSF of band {band.name!r} fits no Gaussian. Pass the "
            "fwhm of the band in arcsec."
        )
    n_rows, n_columns = band.image.shape
    if fwhm > max(n_rows, n_columns) * band.pixel_size:
        raise ValueError(
            f"The PSF of band {band.name!r} is {fwhm:.4g} arcsec wide, more than the "
            f"image of {n_rows} x {n_columns} pixels of {band.pixel_size:.4g}. Check "
            "its pixel size."
        )
    return Beam(fwhm, fwhm, source="its PSF")


def kernel_on_pixels(match, pixel_scale, directions, band_name):
    """Return the kernel on the pixels of a band, None for none."""
    if match.array is not None:
        if np.any(match.array < 0):
            return LobedKernel(match.array)
        return PositiveKernel(match.array)
    if match.beam is None:
        return None
    if not np.isfinite(pixel_scale).all():
        raise ValueError(
            f"Band {band_name!r} has no WCS, so the size of its pixels is unknown. "
            "Pass pixel_scale in arcsec per pixel."
        )
    if match.beam.is_round:
        return GaussianKernel(match.beam.major * gaussian_fwhm_to_sigma / pixel_scale)
    if directions is None:
        raise ValueError(
            f"The beam of band {band_name!r} is elliptical, but without a WCS the "
            "direction of north is unknown. Give the cube its WCS, or a round beam."
        )
    to_pixels = np.linalg.inv(directions)
    covariance = to_pixels @ match.beam.covariance() @ to_pixels.T
    sigmas = np.sqrt(np.diag(covariance).clip(0))  # 0 may be rounded below it
    if abs(covariance[0, 1]) < 1e-6 * max(sigmas) ** 2:  # along the pixel axes
        sigma_of_columns, sigma_of_rows = np.where(
            sigmas < 1e-3 * max(sigmas), 0, sigmas
        )
        return GaussianKernel((sigma_of_rows, sigma_of_columns))
    return PositiveKernel(elliptical_gaussian(covariance))


def elliptical_gaussian(covariance):
    """Return a Gaussian of any direction, of the right width also below a pixel.

    It is the inverse transform of its known Fourier transform: sampling a narrow one at
    the pixel centers would miss the width.
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


class Stamp(NamedTuple):
    """A centered image of odd lengths and of sum 1, with its pixel size in arcsec."""

    array: np.ndarray
    pixel_size: float | None
    remark: str = ""  # what was done to it


def read_stamps(entries, bands, kind):
    """Return the stamp of each band, None where there is none."""
    if entries is None:
        return [None] * len(bands)
    names = [band.name for band in bands]
    entries = one_per_band(entries, names, kind, f"There must be one {kind}")
    stamps = []
    for entry, band in zip(entries, bands, strict=True):
        stamps.append(None if entry is None else _read_stamp(entry, band, kind))
    return stamps


def _read_stamp(entry, band, kind):
    """Return one stamp on the pixels of its band."""
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
    _check_array(array, owner)
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
    other = ""
    if images:
        other = f", but one of {len(images[0].shape)}"
    raise ValueError(f"{path} holds no image of two axes{other}: it is no PSF.")


def _choose_pixel_size(in_file, of_band, owner):
    """Return the size of the pixels of a file, by default that of its band."""
    if in_file is not None:
        if not 0 < in_file < np.inf:
            raise ValueError(f"{owner} must have pixels of some arcsec, got {in_file}.")
        return in_file
    if of_band is not None:
        warn_user(
            f"{owner} does not tell the size of its pixels: taken as that of the band, "
            f"{of_band:.4g} arcsec."
        )
    return of_band


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


def _check_array(array, owner):
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
    """Check that the peak of a kernel is in the middle, since only it knows why not."""
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
    """Return a point-spread function in the middle of odd lengths, and a remark."""
    middle = (np.array(array.shape) - 1) / 2
    peak = np.array(np.unravel_index(np.argmax(array), array.shape))
    if np.array_equal(peak, middle):
        return array, ""
    # A frame of odd lengths around the pixel of the peak, then the rest of a pixel.
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
    """Bring a stamp to other pixels around the same middle.

    A spline goes through the cumulative sum along each axis; its differences between
    the borders of the other pixels lose no light.
    """
    ratio = pixel_size / stamp.pixel_size
    if abs(ratio - 1) < SAME_SIZE:
        return stamp
    array = stamp.array
    for _ in range(2):  # of rows, which are transposed, then of columns
        length = len(array)
        nothing = np.zeros((1, array.shape[1]))
        collected = np.concatenate([nothing, array.cumsum(axis=0)])
        borders = np.arange(length + 1) - length / 2
        half = int(np.ceil(length / ratio / 2 - 0.5))
        wanted = (np.arange(2 * half + 2) - half - 0.5) * ratio
        spline = interpolate.make_interp_spline(borders, collected, k=3)
        inside = np.clip(wanted, borders[0], borders[-1])
        array = np.diff(spline(inside), axis=0).T
    return Stamp(array / array.sum(), pixel_size, stamp.remark)


def gaussian_stamp(fwhm, pixel_size):
    """Return a round Gaussian point-spread function."""
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


def matching_kernel(stamp, target):
    """Return the Wiener kernel from one point-spread function to another.

    The residual beside it is the sum of the absolute differences that are left, as a
    share of the light.
    """
    shape = np.maximum(stamp.array.shape, target.array.shape)
    source = _pad_to(stamp.array, shape)
    wanted = _pad_to(target.array, shape)
    kernel = import_photutils("psf_matching").make_wiener_kernel(
        source, wanted, regularization=REGULARIZATION, penalty="laplacian"
    )
    matched = signal.fftconvolve(source, kernel, mode="same")
    return kernel, float(np.abs(matched - wanted).sum())


def _pad_to(array, shape):
    """Return an array of odd lengths in the middle of zeros."""
    margins = (shape - array.shape) // 2
    return np.pad(array, [(margin, margin) for margin in margins])
