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


def write_description(
    wcs,
    *,
    pixel_scale=None,
    band_names=None,
    band_units=None,
    fwhm=None,
    band_coordinates=None,
    zero_points=None,
    diffraction_fwhm=None,
):
    """Return arguments of `Cube` as JSON; None is left out.

    The coordinates of bands become two entries, "places" and "places_unit".
    """
    facts = {}
    if band_names is not None:
        facts["band_names"] = list(band_names)
    if band_units is not None:
        facts["band_units"] = [
            None if unit is None else unit.to_string() for unit in band_units
        ]
    if fwhm is not None:
        facts["fwhm"] = _none_for_nan(fwhm)
    if zero_points is not None:
        facts["zero_points"] = _none_for_nan(zero_points)
    if diffraction_fwhm is not None:
        facts["diffraction_fwhm"] = _none_for_nan(diffraction_fwhm)
    if band_coordinates is not None:
        facts["places"] = _none_for_nan(band_coordinates.value)
        facts["places_unit"] = band_coordinates.unit.to_string()
    if wcs is not None:
        if any((wcs.cpdis1, wcs.cpdis2, wcs.det2im1, wcs.det2im2)):
            raise ValueError(
                "The WCS has distortions in lookup tables, which only FITS files hold. "
                "Write these, or align the cube with CubeAligner before."
            )
        facts["wcs"] = wcs.to_header(relax=True).tostring(padding=False)
    if pixel_scale is not None:
        facts["pixel_scale"] = _none_for_nan(pixel_scale)
    return json.dumps(facts)


def _none_for_nan(numbers):
    """Return numbers as a list in which None stands for NaN, which JSON has not."""
    return [None if np.isnan(number) else float(number) for number in numbers]


def read_description(text, label):
    """Return the arguments of `Cube` that a description holds."""
    facts = json.loads(text)
    if "wcs" in facts:
        check_cards(facts["wcs"].encode("ascii"), label)
        facts["wcs"] = WCS(fits.Header.fromstring(facts["wcs"]))
    if "places" in facts:
        unit = unit_of(facts.pop("places_unit"))
        facts["band_coordinates"] = units.Quantity(facts.pop("places"), unit)
    return facts
