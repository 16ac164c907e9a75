# SPDX-License-Identifier: BSD-3-Clause
"""Plate solutions of the Digitized Sky Survey, and images they do not describe."""

import re
import warnings

from astropy import units
from astropy.wcs import WCS, FITSFixedWarning
from astropy.wcs.utils import proj_plane_pixel_scales

_PLATE = re.compile(r"AMD[XY]\d+|PLT.*|PPO\d|CNPIX\d|[XY]PIXELSZ")
# Plate solutions and plain projections of one image differ by less, in pixels.
_CLOSE = 5.0


def warn_of_plate(header, wcs, label):
    """Warn if a plate solution and the other cards put an image at two places.

    Cards of the plate stand in all images of the Digitized Sky Survey, and WCSLIB
    prefers them. Programs that turn or resample images copy them without a change.
    """
    if wcs is None or not {"AMDX1", "CRVAL1", "NAXIS1", "NAXIS2"} <= set(header):
        return
    plain = header.copy()
    for card in list(header):
        if _PLATE.fullmatch(card):
            plain.remove(card, ignore_missing=True, remove_all=True)
    if "EQUINOX" not in plain:  # EPOCH was that of the observation
        plain.remove("EPOCH", ignore_missing=True)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", FITSFixedWarning)
        plain = WCS(plain).celestial
    middle = (header["NAXIS1"] - 1) / 2, (header["NAXIS2"] - 1) / 2
    places = [one.pixel_to_world(*middle).icrs for one in (wcs, plain)]
    offset = places[0].separation(places[1])
    pixel = min(proj_plane_pixel_scales(plain)) * units.deg
    if offset > _CLOSE * pixel:
        warnings.warn(
            f"{label}: the cards of the photographic plate (AMDX1, PLTRAH, ...) and "
            f"those of the image (CRVAL1, CRPIX1, ...) put its middle "
            f"{offset.to_value(units.arcmin):.3g} arcmin apart. Those of the plate are "
            "used. If the image was turned or resampled, delete them, and EPOCH with "
            "them, or give it a WCS by Cube.replace(wcs=...).",
            UserWarning,
            stacklevel=2,
        )
