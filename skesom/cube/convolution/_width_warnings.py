# SPDX-License-Identifier: BSD-3-Clause
"""Warnings of widths: what stars would tell if none are known, and odd ones."""

import warnings

import numpy as np

from skesom._common.warn import warn_user
from skesom.cube.convolution._beams import measure_star_fwhm, middle_images

SHARPEST = 1.5  # pixels
LEAST_OF_LIMIT = 0.9  # the hole in the mirror makes the core narrower by 5 to 10 %
MOST_OF_LIMIT = 10.0  # beyond, if also so many pixels wide: pixels taken as arcsec
WIDEST = 25.0
MOST_BANDS = 12  # in which stars are measured without being asked to


def warn_of_unknown(bands, unknown):
    """Warn that bands stay as they are, and offer what stars tell of their widths."""
    which = ", ".join(band.name for band in unknown)
    which = "all bands" if len(unknown) == len(bands) else which
    text = "The bands stay as sharp as they are, because the FWHM of"
    warn_user(f"{text} {which} is unknown. {_offer(unknown)}")


def _offer(bands):
    """Return what to do, after the stars of the bands were measured."""
    give = "Give fwhm (--fwhm) in arcsec to bring them to one width"
    if len(bands) > MOST_BANDS:
        return f"{give}, or 'stars' to measure it."
    found, without = [], []
    for band, image in zip(bands, middle_images(bands), strict=True):
        try:
            with warnings.catch_warnings(action="ignore"):  # of numbers as 1e300
                pixels, n_stars = measure_star_fwhm(image, band.name)
        except ImportError:
            return f"{give}, or 'stars' to measure it (pip install 'skesom[psf]')."
        except ValueError:
            without.append(band.name)
            continue
        size, unit = (band.pixel_size or 1), ("arcsec" if band.pixel_size else "pixels")
        found.append(f"{pixels * size:.3g} {unit} in {band.name} ({n_stars} stars)")
    if not found:
        return f"{give}; there are too few stars to measure it."
    use = "fwhm='stars' (--fwhm stars) uses that"
    if without:
        use = (
            f"too few in {', '.join(without)}, which need a number in arcsec; --fwhm "
            "takes a number or stars for each band"
        )
    if unit == "pixels":
        use += ", with pixel_scale (--pixel-scale)"
    return (
        f"Stars seem to give {', '.join(found)}: {use}. Compare the numbers first, as "
        "small nebulae and star clusters are taken for stars too."
    )


def warn_of_odd(bands, beams):
    """Warn of widths that no image has, mostly because of their unit."""
    sharp, limited, wide = [], [], []
    for band, beam in zip(bands, beams, strict=True):
        if beam is None or beam.source == "its PSF":
            continue
        size, limit = band.pixel_size, band.cube.diffraction_fwhm[band.number]
        text = f"{band.name} ({beam.minor:.3g} arcsec"
        pixels = beam.minor / size if size else np.nan
        if pixels < SHARPEST:
            sharp.append(f"{text}, {pixels:.2g} pixels)")
        if beam.minor < LEAST_OF_LIMIT * limit:
            limited.append(f"{text} instead of {limit:.3g})")
        elif beam.minor > MOST_OF_LIMIT * limit and pixels > WIDEST:
            wide.append(f"{text}, {pixels:.3g} pixels)")
    problems = [
        (sharp, f"less than {SHARPEST} pixels, which few cameras reach:"),
        (limited, "below the diffraction limit of the telescope:"),
        (wide, f"more than {WIDEST:g} pixels, though the telescope is sharper:"),
    ]
    for found, problem in problems:
        if found:
            warn_user(
                f"The FWHM is {problem} {', '.join(found)}. Check its unit: numbers "
                "are in arcsec, and pixels are given as in --fwhm 2.5pix.",
            )
