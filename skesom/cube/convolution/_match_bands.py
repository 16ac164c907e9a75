# SPDX-License-Identifier: BSD-3-Clause
"""From what is known of all bands to one target and a kernel for each band."""

import numpy as np

from skesom.cube.convolution._beams import find_beams, in_arcsec
from skesom.cube.convolution._matching import (
    Match,
    match_gaussian,
    match_legacy,
    match_stamps,
    stamp_beam,
)
from skesom.cube.convolution._psf_kernels import read_stamps

# Widths in other units come back from their conversion with a rounding error.
_ROUNDING = 1e-9


def match_bands(bands, *, fwhm, target, psfs, kernels, legacy):
    """Decide what is done to each band."""
    measured = psfs is not None
    kernels = read_stamps(kernels, bands, "kernel")
    psfs = read_stamps(psfs, bands, "PSF")
    _check_ways(bands, psfs, kernels, legacy)
    beams = find_beams(_trust_stamps(fwhm, bands, psfs), bands)
    _check_known(bands, beams, kernels)
    usual = [
        number
        for number, (beam, kernel) in enumerate(zip(beams, kernels, strict=True))
        if beam is not None and kernel is None
    ]
    width = _target_fwhm(target, bands, beams, usual)
    if legacy:
        found = [match_legacy(beams[number], width) for number in usual]
    elif measured:
        found = match_stamps(
            [bands[number] for number in usual],
            [beams[number] for number in usual],
            [psfs[number] for number in usual],
            None if isinstance(target, str) else width,
        )
    else:
        found = [match_gaussian(beams[number], width) for number in usual]
    found = dict(zip(usual, found, strict=True))
    for number, (beam, kernel) in enumerate(zip(beams, kernels, strict=True)):
        known = np.nan if beam is None else beam.major
        if kernel is not None:
            found[number] = Match("kernel", known, width, array=kernel.array)
        elif beam is None:
            found[number] = Match("none", np.nan, np.nan)
    return width, [found[number] for number in range(len(bands))]


def _check_ways(bands, psfs, kernels, legacy):
    """Refuse to match one band in two ways."""
    for band, psf, kernel in zip(bands, psfs, kernels, strict=True):
        if psf is not None and kernel is not None:
            raise ValueError(
                f"Band {band.name!r} has both a PSF and a kernel. Give only one."
            )
        if legacy and (psf is not None or kernel is not None):
            raise ValueError(
                "kernel='target' convolves with a Gaussian and takes neither psfs nor "
                "kernels."
            )


def _trust_stamps(fwhm, bands, psfs):
    """Return the widths that are known, measured ones where the user gives none."""
    if fwhm is not None:
        return fwhm
    return {
        band.name: stamp_beam(psf, band)
        for band, psf in zip(bands, psfs, strict=True)
        if psf is not None
    }


def _check_known(bands, beams, kernels):
    """Refuse bands that are to be matched although nothing is known of them."""
    if any(kernel is not None for kernel in kernels):
        return
    unknown = [
        band.name for band, beam in zip(bands, beams, strict=True) if beam is None
    ]
    if unknown:
        raise ValueError(
            f"The FWHM of these bands is unknown: {', '.join(unknown)}. Pass fwhm, one "
            "value in arcsec for each band, or give the Cube its fwhm."
        )


def _target_fwhm(target, bands, beams, usual):
    """Return the common width in arcsec; no band may be worse."""
    if isinstance(target, str):
        return max((beam.major for beam in beams if beam is not None), default=np.nan)
    width = in_arcsec("target", target)
    if np.ndim(width) or not (np.isfinite(width) and width > 0):
        raise ValueError(f"target must be one positive number of arcsec, got {target}.")
    for number in usual:
        if beams[number].major > width * (1 + _ROUNDING):
            raise ValueError(
                f"Band {bands[number].name!r} has a FWHM of {beams[number].major:g} "
                f"arcsec and cannot be brought to the sharper target of {width:g} "
                "arcsec. Raise target or leave the band out."
            )
    return float(width)
