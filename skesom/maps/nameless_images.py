# SPDX-License-Identifier: BSD-3-Clause
"""Images whose light has no names of stars: pictures for the eye, maps of lines."""

from skesom._sky.narrow_bands import describe_filter, find_continua

OF_PICTURE = (
    "No magnitudes, names or populations: the values are those of a picture, levels "
    "from 0 to 255 that were stretched for the eye. Give the images that the picture "
    "was made of."
)
OF_LINES = (
    "No names of stars and no populations: all bands are emission lines, whose ratios "
    "tell of gas and not of stars. Bands of the continuum beside them would tell more."
)


def are_of_lines(cube, continua=None):
    """Return whether all bands are narrow, with no continuum beside any of them."""
    is_narrow = [describe_filter(name).is_narrow for name in cube.band_names]
    return all(is_narrow) and not find_continua(cube, continua)
