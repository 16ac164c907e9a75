# SPDX-License-Identifier: BSD-3-Clause
"""The kernel of each band: a Gaussian, one from measured PSFs, or a given one."""

from typing import NamedTuple

import numpy as np
from astropy.stats import gaussian_fwhm_to_sigma
from scipy import signal

from skesom._common.extras import import_photutils
from skesom.cube.convolution.beams import Beam, require_pixel_size
from skesom.cube.convolution.filtering import (
    GaussianKernel,
    LobedKernel,
    PositiveKernel,
)
from skesom.cube.convolution.stamps import (
    elliptical_gaussian,
    fit_core,
    gaussian_stamp,
    to_pixel_size,
)

REGULARIZATION = 1e-4  # of Wiener filters: what is sharper is not brought back


class Match(NamedTuple):
    """How one band is convolved, and its width before and after."""

    method: str  # "none", "gaussian", "elliptical", "wiener" or "kernel"
    fwhm: float  # before, in the unit of length of the bands, NaN if unknown
    result: float  # after
    # A band is convolved with a Gaussian, with a kernel on its pixels, or not at all.
    beam: Beam | None = None
    array: np.ndarray | None = None
    remark: str = ""  # for the summary

    @property
    def kernel_fwhm(self):
        """Width of the Gaussian, 0 without a kernel, NaN for another kernel."""
        if self.array is not None:
            return np.nan
        if self.beam is None:
            return 0.0
        return self.beam.major

    def describe(self, length_unit):
        """Return the kernel and the widths before and after in one line."""
        before = _text_of_width(self.fwhm, length_unit)
        after = _text_of_width(self.result, length_unit)
        remark = f" ({self.remark})" if self.remark else ""
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
    """Return how a band with a Gaussian beam gets a round and wider one."""
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
    """Return how bands with measured point-spread functions become alike.

    The kernels are those of Wiener filters.

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
    fwhm = n_pixels * require_pixel_size(band)
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
    """Return the kernel on the pixels of a band, None if it stays as it is.

    Parameters
    ----------
    match : Match
    pixel_scale : ndarray of shape (2,)
        Height and width of a pixel in the unit of length, NaN if unknown.
    directions : ndarray of shape (2, 2) or None
        As `Band.directions`, for elliptical beams.
    band_name : str
        For errors.
    """
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
        # What is so narrow is 0 but for rounding.
        sigmas = np.where(sigmas < 1e-3 * max(sigmas), 0, sigmas)
        sigma_of_columns, sigma_of_rows = sigmas
        return GaussianKernel((sigma_of_rows, sigma_of_columns))
    return PositiveKernel(elliptical_gaussian(covariance))


def matching_kernel(stamp, target):
    """Return the Wiener kernel from one point-spread function to another.

    Parameters
    ----------
    stamp, target : Stamp
        With pixels of one size.

    Returns
    -------
    kernel : ndarray of shape (n_rows, n_columns)
    residual : float
        Sum of the absolute differences that are left, as a share of the light.
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
