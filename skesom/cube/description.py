# SPDX-License-Identifier: BSD-3-Clause
"""The facts of a cube beside its arrays, as one text for xarray and Zarr."""

import json

import numpy as np
from astropy import units
from astropy.io import fits
from astropy.wcs import WCS

from skesom._common.fits_checks import check_cards
from skesom._sky.units import unit_of

DESCRIPTION = "skesom"  # the attribute that holds the text
_NUMBERS = "fwhm", "zero_points", "diffraction_fwhm", "pixel_scale", "places"


def write_description(wcs, *, pixel_scale=None, band_coordinates=None, **known):
    """Return arguments of `Cube` as JSON."""
    if band_coordinates is not None:
        known["places"] = band_coordinates.value
        known["places_unit"] = band_coordinates.unit.to_string()
    if wcs is not None:
        if any((wcs.cpdis1, wcs.cpdis2, wcs.det2im1, wcs.det2im2)):
            raise ValueError(
                "The WCS has distortions in lookup tables, which only FITS files hold. "
                "Write these, or align the cube with CubeAligner before."
            )
        known["wcs"] = wcs.to_header(relax=True).tostring(padding=False)
    if pixel_scale is not None:
        known["pixel_scale"] = pixel_scale
    for name in set(_NUMBERS) & set(known):  # JSON has no NaN
        known[name] = [None if np.isnan(v) else float(v) for v in known[name]]
    if "band_units" in known:
        known["band_units"] = [
            unit and unit.to_string() for unit in known["band_units"]
        ]
    return json.dumps(known)


def read_description(text, label):
    """Return the arguments of `Cube` that a description holds."""
    known = json.loads(text)
    if "wcs" in known:
        check_cards(known["wcs"].encode("ascii"), label)
        known["wcs"] = WCS(fits.Header.fromstring(known["wcs"]))
    if "places" in known:
        places = known.pop("places"), unit_of(known.pop("places_unit"))
        known["band_coordinates"] = units.Quantity(*places)
    return known
