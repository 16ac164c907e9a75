# SPDX-License-Identifier: BSD-3-Clause
"""Warnings of widths that are unknown, and of odd ones."""

import numpy as np

from skesom._common.warn import warn_user

SHARPEST = 1.5  # pixels
LEAST_OF_LIMIT = 0.9  # the hole in the mirror makes the core narrower by 5 to 10 %
MOST_OF_LIMIT = 10.0  # beyond, if also so many pixels wide: pixels taken as arcsec
WIDEST = 25.0


def warn_of_unknown(bands, unknown):
    """Warn that bands stay as they are, and tell how their widths can be known."""
    which = ", ".join(band.name for band in unknown)
    which = "all bands" if len(unknown) == len(bands) else which
    scale = ", with pixel_scale (--pixel-scale)"
    scale *= any(band.pixel_size is None for band in unknown)
    warn_user(
        f"The bands stay as sharp as they are, because the FWHM of {which} is unknown. "
        "Give fwhm (--fwhm) in arcsec to bring them to one width, or 'stars' to "
        f"measure it on stars{scale}."
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
