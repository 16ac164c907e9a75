# SPDX-License-Identifier: BSD-3-Clause
"""The bands of one or several cubes: their names, values and descriptions in order.

What is said of cubes here holds for all that has the `band_names` and descriptions of
a `Cube`, as the images of a file before their pixels are read.
"""

from collections.abc import Mapping
from itertools import pairwise
from typing import NamedTuple

import numpy as np
from astropy import units

from skesom._common.masked import filled
from skesom._common.texts import list_names
from skesom._common.warn import warn_user
from skesom._sky.lengths import side_of_pixel
from skesom.cube._container import Cube


class Band(NamedTuple):
    """One band of a cube, whose pixel scale a user may override.

    Where nothing tells how large pixels are, lengths may be numbers of pixels: a pixel
    is then the unit of length, and has the scale (1, 1).
    """

    cube: Cube
    number: int
    scale_override: np.ndarray | None = None  # height and width in arcsec
    length_unit: str = "arcsec"  # or "pixels"

    @property
    def name(self):
        """Name of the band."""
        return self.cube.band_names[self.number]

    @property
    def image(self):
        """Fluxes of shape (n_rows, n_columns)."""
        return self.cube.data[:, :, self.number]

    @property
    def fwhm(self):
        """Full width at half maximum in arcsec, NaN if the cube has none."""
        return self.cube.fwhm[self.number]

    @property
    def pixel_scale(self):
        """Height and width of a pixel in the unit of length, None if unknown."""
        if self.length_unit == "pixels":
            return np.ones(2)
        scale = self.scale_override
        if scale is None:
            scale = self.cube.pixel_scale
        if scale is None:
            return None
        return np.array(scale, dtype=np.float64)

    @property
    def pixel_size(self):
        """Side of a square pixel of the same area, None if unknown."""
        return side_of_pixel(self.pixel_scale)

    @property
    def directions(self):
        """Steps to the east and north (rows, arcsec) per column and row, or None."""
        wcs = self.cube.wcs
        if wcs is None:
            return None
        row, column = (np.array(self.image.shape) - 1) / 2
        middle = wcs.pixel_to_world(column, row)
        neighbors = wcs.pixel_to_world([column + 1, column], [row, row + 1])
        offsets = middle.spherical_offsets_to(neighbors)
        steps = np.array([offset.to_value(units.arcsec) for offset in offsets])
        if self.scale_override is not None:
            height, width = self.scale_override
            steps *= [width, height] / np.linalg.norm(steps, axis=0)
        return steps


def list_bands(cubes, pixel_scale=None, length_unit="arcsec"):
    """Return the bands of all cubes in order."""
    bands = []
    for cube in cubes:
        for number in range(cube.shape[2]):
            bands.append(Band(cube, number, pixel_scale, length_unit))
    return bands


def all_band_names(cubes):
    """Return the names of the bands of all cubes in order."""
    return [name for cube in cubes for name in cube.band_names]


def same_bands(names, fitted_names):
    """Return whether bands can be the fitted ones.

    They have the same names, or their places count: if bands of an array ("band 1")
    have no names of their own, or if both sides count with different words ("band 1"
    and "channel 1", "plane 1" and "slice 1").
    """
    if list(names) == list(fitted_names):
        return True
    words = _counted_words(names)
    fitted_words = _counted_words(fitted_names)
    if words == fitted_words:
        return False
    is_array = {"band"} in (words, fitted_words)
    are_counted = None not in (words, fitted_words)
    return is_array or are_counted


def _counted_words(names):
    """Return the words that names count with, None if they do not count.

    Of "band 1" and "band 2 to band 3" that is {"band"}.
    """
    common_words = None
    for name in names:
        words = set(name.split()) - {"to"}
        words_without_numbers = {word for word in words if not word.isdecimal()}
        if words_without_numbers in (set(), words):
            return None
        if common_words not in (None, words_without_numbers):
            return None
        common_words = words_without_numbers
    return common_words


def split_bands(values, cubes):
    """Return the parts of a sequence that has one entry for each band of all cubes."""
    ends = np.cumsum([0] + [len(cube.band_names) for cube in cubes])
    return [values[start:end] for start, end in pairwise(ends)]


def with_bands(cubes, *sequences):
    """Return each cube with its parts of sequences that have one entry for each band.

    Of one sequence these are pairs (cube, part), of two (cube, part, part).
    """
    parts = [split_bands(sequence, cubes) for sequence in sequences]
    return zip(cubes, *parts, strict=True)


def one_per_band(entries, names, kind, requirement, default=None):
    """Return one entry for each band from a sequence, or a mapping by band name.

    Parameters
    ----------
    entries : sequence or mapping
    names : list of str
        Of the bands.
    kind : str
        What an entry is, for errors, as "FWHM".
    requirement : str
        Begin of the sentence that says what there must be, for errors.
    default : object, default=None
        Entry of bands that a mapping leaves out.
    """
    if isinstance(entries, Mapping):
        unknown = [name for name in entries if name not in names]
        if unknown:
            raise ValueError(
                f"There is a {kind} for {unknown[0]!r}, but the bands are "
                f"{list_names(names)}."
            )
        entries = [entries.get(name, default) for name in names]
    if len(entries) != len(names):
        raise ValueError(
            f"{requirement} for each of the {len(names)} bands ({list_names(names)}), "
            f"got {len(entries)}."
        )
    return list(entries)


def numbers_per_band(values, band_names, parameter, *, positive=False):
    """Return one number for each band, from one for all or one for each."""
    numbers = np.asarray(filled(values), dtype=np.float64)
    if numbers.shape not in [(), (len(band_names),)]:
        raise ValueError(
            f"{parameter} must be one number or one for each of the {len(band_names)} "
            f"bands, got {numbers.size}."
        )
    numbers = np.array(np.broadcast_to(numbers, len(band_names)))
    for name, value in zip(band_names, numbers, strict=True):
        if positive and not (np.isfinite(value) and value > 0):
            raise ValueError(
                f"The {parameter} of band {name!r} must be a positive number, got "
                f"{value}."
            )
    return numbers


def join_bands(cubes):
    """Return the descriptions of the bands of all cubes, as arguments of `Cube`."""
    arguments = {}
    for name in ("band_names", "band_units", "fwhm", "zero_points", "diffraction_fwhm"):
        entries = [np.asarray(getattr(cube, name)) for cube in cubes]
        arguments[name] = np.concatenate(entries)
    arguments["band_coordinates"] = _join_coordinates(cubes)
    return arguments


def _join_coordinates(cubes):
    """Return the spectral coordinates of the bands of all cubes, None without any.

    They are in the unit of the first cube that has coordinates, NaN for those without.
    """
    unit_names = []
    for cube in cubes:
        if cube.band_coordinates is not None:
            unit_names.append(str(cube.band_coordinates.unit))
    joined = []
    unit = None
    for cube in cubes:
        coordinates = cube.band_coordinates
        if coordinates is None:
            joined.append(np.full(len(cube.fwhm), np.nan))
            continue
        if unit is None:
            unit = coordinates.unit
        try:
            joined.append(coordinates.to_value(unit, units.spectral()))
        except units.UnitConversionError:
            warn_user(
                "The spectral coordinates of the bands are left out, because those of "
                "some images are velocities and others are not "
                f"({', '.join(dict.fromkeys(unit_names))})."
            )
            return None
    return None if unit is None else np.concatenate(joined) * unit
