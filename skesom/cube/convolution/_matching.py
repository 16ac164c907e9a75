# SPDX-License-Identifier: BSD-3-Clause
"""Decide for each band which kernel brings it to the common point-spread function."""

from typing import NamedTuple

import numpy as np
from astropy.stats import gaussian_fwhm_to_sigma

from skesom.cube.convolution._array_kernel import (
    PositiveKernel,
    elliptical_gaussian,
    make_kernel,
)
from skesom.cube.convolution._beams import Beam
from skesom.cube.convolution._gaussian import GaussianKernel
from skesom.cube.convolution._psf_kernels import (
    gaussian_stamp,
    matching_kernel,
    stamp_fwhm,
    to_pixel_size,
)


class Match(NamedTuple):
    """What is done to one band.

    Parameters
    ----------
    method : {"none", "gaussian", "elliptical", "wiener", "kernel"}
        Name of the way.
    fwhm : float
        Full width at half maximum of the band in arcsec before, NaN if unknown.
    result : float
        Full width at half maximum afterwards, NaN if unknown.
    beam : Beam or None
        The Gaussian that it is convolved with.
    array : ndarray or None
        The kernel on the pixels of the band, where it is no Gaussian.
    remark : str
        How it was found.
    """

    method: str
    fwhm: float
    result: float
    beam: Beam | None = None
    array: np.ndarray | None = None
    remark: str = ""

    @property
    def kernel_fwhm(self):
        """Width of the Gaussian in arcsec, 0 for none, NaN for another kernel."""
        if self.array is not None:
            return np.nan
        return 0.0 if self.beam is None else self.beam.major

    def describe(self):
        """Return one line on what is done."""
        before = "unknown" if np.isnan(self.fwhm) else f"{self.fwhm:.4g} arcsec"
        after = "unknown" if np.isnan(self.result) else f"{self.result:.4g} arcsec"
        remark = f" ({self.remark})" if self.remark else ""
        if self.method == "none":
            return f"{before}{remark}, left as it is"
        if self.beam is None:
            kind = {"wiener": "Wiener", "kernel": "ready"}[self.method]
            rows, columns = self.array.shape
            how = f"{kind} kernel of {rows} x {columns} pixels"
        elif self.beam.is_round:
            how = f"Gaussian of {self.beam.major:.4g} arcsec"
        else:
            major, minor, angle, _ = self.beam
            how = f"Gaussian of {major:.4g} x {minor:.4g} arcsec at {angle:.4g} deg"
        return f"{before} to {after} by a {how}{remark}"


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


def match_legacy(beam, target):
    """Convolve with the target itself, as if the band were a point."""
    kernel = Beam(target, target)
    return Match("gaussian", beam.major, float(np.hypot(beam.major, target)), kernel)


def match_stamps(bands, beams, stamps, target):
    """Match measured point-spread functions."""
    widest = int(np.argmax([beam.major for beam in beams]))
    stamps = [
        gaussian_stamp(beam.major, band.pixel_size) if stamp is None else stamp
        for band, beam, stamp in zip(bands, beams, stamps, strict=True)
    ]
    matches = []
    for number, (beam, stamp) in enumerate(zip(beams, stamps, strict=True)):
        if target is None and number == widest:
            matches.append(Match("none", beam.major, beam.major, remark="the target"))
            continue
        if target is None:
            wanted = to_pixel_size(stamps[widest], stamp.pixel_size)
        else:
            wanted = gaussian_stamp(target, stamp.pixel_size)
        array, residual = matching_kernel(stamp, wanted)
        result = beams[widest].major if target is None else target
        remark = f"residual {residual:.2g}"
        matches.append(Match("wiener", beam.major, result, array=array, remark=remark))
    return matches


def stamp_beam(stamp, band):
    """Return the round beam that fits a measured point-spread function."""
    if band.pixel_size is None:
        raise ValueError(
            f"Band {band.name!r} has no WCS, so the size of its pixels is unknown. "
            "Pass pixel_scale in arcsec per pixel."
        )
    fwhm = stamp_fwhm(stamp) * band.pixel_size
    if np.isnan(fwhm):
        raise ValueError(
            f"The core of the PSF of band {band.name!r} fits no Gaussian, so that its "
            "width is unknown. Pass the fwhm of the band in arcsec."
        )
    return Beam(fwhm, fwhm, source="its PSF")


def kernel_on_pixels(match, pixel_scale, directions, band_name):
    """Return what convolves the pixels of a band."""
    if match.array is not None:
        return make_kernel(match.array)
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
            f"The beam of band {band_name!r} is elliptical, but without a WCS nobody "
            "knows where north is. Give the cube its WCS, or a round beam."
        )
    to_pixels = np.linalg.inv(directions)
    covariance = match.beam.covariance(gaussian_fwhm_to_sigma)
    covariance = to_pixels @ covariance @ to_pixels.T
    widths = np.sqrt(np.diag(covariance))
    if abs(covariance[0, 1]) < 1e-6 * max(widths) ** 2:
        return GaussianKernel(np.where(widths < 1e-3 * max(widths), 0, widths)[::-1])
    return PositiveKernel(elliptical_gaussian(covariance))
