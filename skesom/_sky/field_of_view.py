# SPDX-License-Identifier: BSD-3-Clause
"""Whether images show the sky, and which part of it."""

from astropy.coordinates import SkyCoord

from skesom._sky.filters import are_of_telescopes


def is_of_the_sky(cube):
    """Return whether a cube is of the sky.

    Its pixels have an angle (by a WCS, or as it is given), or its bands have names that
    astronomers give. A photo in R, G and B, the channels of a spectrometer over land
    and the dyes of a microscope have neither.
    """
    return cube.pixel_scale is not None or are_of_telescopes(cube.band_names)


def text_of_cutout(cutout):
    """Return where a cutout is, and how large."""
    ra, dec, size = cutout
    place = SkyCoord(ra, dec, unit="deg").to_string("hmsdms", precision=2)
    return f"{size.value:g} {size.unit} around {place} (ICRS)"
