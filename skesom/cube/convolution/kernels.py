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
from skesom.cube.base import one_per_band
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
    """The treatment of one band."""

    method: str  # "none", "gaussian", "elliptical", "wiener" or "kernel"
    fwhm: float  # before, in the unit of length of the bands, NaN if unknown
    result: float  # after
    beam: Beam | None = None  # the Gaussian that the band is convolved with,
    array: np.ndarray | None = None  # or a kernel on its pixels
    remark: str = ""

    @property
    def kernel_fwhm(self):
        """Width of the Gaussian in arcsec, 0 for none, NaN for another kernel."""
        if self.array is not None:
            return np.nan
        return 0.0 if self.beam is None else self.beam.major

    def describe(self, length_unit):
        """Return the kernel and the widths before and after in one line."""
        before = "unknown"
        if not np.isnan(self.fwhm):
            before = f"{self.fwhm:.4g} {length_unit}"
        after = "unknown"
        if not np.isnan(self.result):
            after = f"{self.result:.4g} {length_unit}"
        remark = f" ({self.remark})" if self.remark else ""
        if self.method == "none":
            return f"{before}{remark}, left as it is"
        if self.beam is None:
            kind = {"wiener": "Wiener", "kernel": "ready"}[self.method]
            rows, columns = self.array.shape
            kernel = f"{kind} kernel of {rows} x {columns} pixels"
        elif self.beam.is_round:
            kernel = f"Gaussian of {self.beam.major:.4g} {length_unit}"
        else:
            major, minor, angle, _ = self.beam
            widths = f"{major:.4g} x {minor:.4g} {length_unit}"
            kernel = f"Gaussian of {widths} at {angle:.4g} deg"
        return f"{before} to {after} by a {kernel}{remark}"


def match_gaussian(beam, target):
    """Match one Gaussian to a round and wider one."""
    missing = beam.missing(target)
    remark = f"from {beam.source}" if beam.source != "given" else ""
    if not beam.is_round:
        remark = f"minor axis {beam.minor:.4g} arcsec at {beam.angle:.4g} deg"
    if missing.major == 0:
        return Match("none", beam.major, beam.major, remark=remark)
    method = "gaussian" if beam.is_round else "elliptical"
    return Match(method, beam.major, target, missing, remark=remark)


def match_stamps(bands, beams, stamps, target):
    """Match measured point-spread functions."""
    stamps = [
        stamp or gaussian_stamp(beam.major, band.pixel_size)
        for band, beam, stamp in zip(bands, beams, stamps, strict=True)
    ]
    widest = int(np.argmax([beam.major for beam in beams]))
    result = beams[widest].major if target is None else target
    matches = []
    for number, (beam, stamp) in enumerate(zip(beams, stamps, strict=True)):
        if target is not None:
            wanted = gaussian_stamp(target, stamp.pixel_size)
        elif number != widest:
            wanted = to_pixel_size(stamps[widest], stamp.pixel_size)
        else:
            matches.append(Match("none", result, result, remark="the target"))
            continue
        array, residual = matching_kernel(stamp, wanted)
        remark = f"{stamp.remark}residual {residual:.2g}"
        matches.append(Match("wiener", beam.major, result, array=array, remark=remark))
    return matches


def stamp_beam(stamp, band):
    """Return the round beam that fits a measured point-spread function."""
    fwhm = fit_core(stamp.array)[0] * pixel_size(band)
    if np.isnan(fwhm):
        raise ValueError(
            f"The core of the PSF of band {band.name!r} fits no Gaussian. Pass the "
            "fwhm of the band in arcsec."
        )
    size = "{} x {}".format(*band.image.shape)
    if fwhm > max(band.image.shape) * band.pixel_size:
        raise ValueError(
            f"The PSF of band {band.name!r} is {fwhm:.4g} arcsec wide, more than the "
            f"image of {size} pixels of {band.pixel_size:.4g}. Check its pixel size."
        )
    return Beam(fwhm, fwhm, source="its PSF")


def kernel_on_pixels(match, pixel_scale, directions, band_name):
    """Return the kernel on the pixels of a band, None for none."""
    if match.array is not None:
        has_lobes = np.any(match.array < 0)
        return LobedKernel(match.array) if has_lobes else PositiveKernel(match.array)
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
    widths = np.sqrt(np.diag(covariance).clip(0))  # of 0, rounded
    if abs(covariance[0, 1]) < 1e-6 * max(widths) ** 2:
        return GaussianKernel(np.where(widths < 1e-3 * max(widths), 0, widths)[::-1])
    return PositiveKernel(elliptical_gaussian(covariance))


def elliptical_gaussian(covariance):
    """Return a Gaussian of any direction, of the right width also below a pixel."""
    reach = max(32, int(np.ceil(5 * np.sqrt(np.linalg.eigvalsh(covariance)[-1]))))
    length = 2 * reach + 1
    rows, columns = fft.fftfreq(length)[:, np.newaxis], fft.rfftfreq(length)
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
    entries = {} if entries is None else entries
    names = [band.name for band in bands]
    entries = one_per_band(entries, names, kind, f"There must be one {kind}")
    return [
        None if entry is None else _read_stamp(entry, band, kind)
        for entry, band in zip(entries, bands, strict=True)
    ]


def _read_stamp(entry, band, kind):
    """Return one stamp on the pixels of its band."""
    owner, size = f"The {kind} of band {band.name!r}", band.pixel_size
    if isinstance(entry, str | os.PathLike):
        try:
            entry = read_psf(os.fspath(entry))
        except OSError as error:
            text = f"{owner} ({entry}) cannot be read as FITS: {error}"
            raise type(error)(text) from error
    if isinstance(entry, tuple) and len(entry) == 3 and np.ndim(entry[0]) == 2:
        entry, known, path = entry
        owner += f" ({path})"
        size = _pixel_size_of(known, size, owner)
    try:
        array = np.array(filled(entry), dtype=np.float64)
    except (TypeError, ValueError) as error:
        raise ValueError(
            f"{owner} must be an image or the path of one, got {entry!r}."
        ) from error
    _check_array(array, owner)
    array, remark = (_centered if kind == "PSF" else _in_middle)(array, owner)
    stamp = Stamp(array / array.sum(), size, remark)
    return stamp if band.pixel_size is None else to_pixel_size(stamp, band.pixel_size)


def read_psf(path):
    """Return the first image of a file, its pixel size (None if unknown), its path."""
    with open_fits(path) as hdus:
        images = [hdu for hdu in hdus if hdu.is_image and hdu.header.get("NAXIS", 0)]
        for hdu in images:
            if len(hdu.shape) == 2:
                size = _read_pixel_size(hdu.header)
                native = hdu.data.dtype.newbyteorder("=")
                return hdu.data.astype(native), size, os.fspath(path)
    found = "".join(f", but one of {len(hdu.shape)}" for hdu in images[:1])
    raise ValueError(f"{path} holds no image of two axes{found}: it is no PSF.")


def _pixel_size_of(known, of_band, owner):
    """Return the size of the pixels of a file, by default those of its band."""
    if known is None and of_band is not None:
        warn_user(
            f"{owner} does not tell the size of its pixels: taken as that of the band, "
            f"{of_band:.4g} arcsec."
        )
    if known is not None and not 0 < known < np.inf:
        raise ValueError(f"{owner} must have pixels of some arcsec, got {known}.")
    return of_band if known is None else known


def _read_pixel_size(header):
    """Return the side of a pixel in arcsec from a header, else None."""
    get = header.get
    with suppress(TypeError, ValueError):
        for card in _SCALE_CARDS:
            if card in header:
                return float(header[card])
        side = np.hypot(get("CD1_1", 0), get("CD2_1", 0))  # of a turned frame too
        turned = np.hypot(get("PC1_1", 1), get("PC2_1", 0))
        side = side or abs(get("CDELT1", 0)) * turned
        if side and str(get("CTYPE1")).startswith(("RA", "GLON", "ELON")):
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


def _in_middle(array, owner):
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
    return array, ""


def _centered(array, owner):
    """Return a point-spread function in the middle of odd lengths, and a remark."""
    middle = (np.array(array.shape) - 1) / 2
    peak = np.array(np.unravel_index(np.argmax(array), array.shape))
    if np.array_equal(peak, middle):
        return array, ""
    half = np.maximum(peak, np.array(array.shape) - 1 - peak)
    after = half + 1 + peak - array.shape
    framed = np.pad(array, np.stack([half - peak, after], axis=1))
    offset = np.nan_to_num(fit_core(framed)[1])
    center = peak + offset
    if np.abs(offset).max() > NEAR:
        spectrum = ndimage.fourier_shift(fft.fft2(framed), -offset)
        framed = fft.ifft2(spectrum).real
    text = "row {:.2f}, column {:.2f} of {} x {} pixels".format(*center, *array.shape)
    if np.abs(center - middle).max() > FAR_OFF:
        warn_user(
            f"{owner} is shifted to the middle of its frame: its core is at {text}."
        )
    return framed, f"centered from {text}, "


def to_pixel_size(stamp, pixel_size):
    """Bring a stamp to other pixels around the same middle."""
    # Differences of a spline through the cumulative sum along each axis lose no light.
    ratio = pixel_size / stamp.pixel_size
    if abs(ratio - 1) < SAME_SIZE:
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
    return Stamp(array / array.sum(), pixel_size, stamp.remark)


def gaussian_stamp(fwhm, pixel_size):
    """Return a round Gaussian point-spread function."""
    sigma = fwhm / pixel_size * gaussian_fwhm_to_sigma
    return Stamp(elliptical_gaussian(np.eye(2) * sigma**2), pixel_size)


def fit_core(array):
    """Return the FWHM of the core around the middle, and its place from there."""
    area = np.count_nonzero(array >= array.max() / 2)
    guess = max(1.0, 2 * np.sqrt(area / np.pi))
    half = max(2, int(np.ceil(guess)))
    core = tuple(slice(max(0, n // 2 - half), n // 2 + half + 1) for n in array.shape)
    return fit_gaussian(array[core], guess)


def matching_kernel(stamp, target):
    """Return the Wiener kernel from one point-spread function to another."""
    arrays = stamp.array, target.array
    shape = np.max([array.shape for array in arrays], axis=0)
    margins = ((shape - array.shape) // 2 for array in arrays)  # of odd lengths
    source, wanted = (
        np.pad(array, [(width, width) for width in margin])
        for array, margin in zip(arrays, margins, strict=True)
    )
    kernel = import_photutils("psf_matching").make_wiener_kernel(
        source, wanted, regularization=REGULARIZATION, penalty="laplacian"
    )
    matched = signal.fftconvolve(source, kernel, mode="same")
    return kernel, float(np.abs(matched - wanted).sum())
