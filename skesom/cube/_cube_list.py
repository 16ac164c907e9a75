# SPDX-License-Identifier: BSD-3-Clause
"""One cube or several on different grids: the same to those who ask for bands."""

from itertools import pairwise
from typing import NamedTuple

import numpy as np
from astropy import units

from skesom.cube._base import check_cube
from skesom.cube._container import Cube


def is_cube_list(X):
    """Tell whether X is a list (or tuple) of cubes instead of one cube."""
    return isinstance(X, list | tuple) and len(X) > 0 and isinstance(X[0], Cube)


def check_cubes(X, estimator, *, reset):
    """Return X as a list of cubes after checking each of them."""
    if not is_cube_list(X):
        return [check_cube(X, estimator=estimator, reset=reset)]
    name = type(estimator).__name__
    for number, cube in enumerate(X):
        if not isinstance(cube, Cube):
            raise ValueError(
                f"{name} takes a list of Cubes, but entry {number} is a "
                f"{type(cube).__name__}."
            )
        check_cube(cube)
    names = all_band_names(X)
    if len(set(names)) < len(names):
        repeated = sorted({band for band in names if names.count(band) > 1})
        raise ValueError(
            f"Several bands are named {', '.join(map(repr, repeated))}. Rename them "
            "with Cube.replace(band_names=...)."
        )
    if reset:
        estimator.n_features_in_ = len(names)
    elif len(names) != estimator.n_features_in_:
        raise ValueError(
            f"X has {len(names)} bands, but {name} was fitted on "
            f"{estimator.n_features_in_} bands."
        )
    return list(X)


def all_band_names(cubes):
    """Return the names of the bands of all cubes in order."""
    return [name for cube in cubes for name in cube.band_names]


def split_bands(values, cubes):
    """Cut a sequence with one entry per band into the parts of each cube."""
    ends = np.cumsum([0] + [cube.shape[2] for cube in cubes])
    return [values[start:end] for start, end in pairwise(ends)]


def numbers_per_band(values, band_names, parameter, *, positive=False):
    """Return one number for each band, from one for all or one for each."""
    numbers = np.asarray(values, dtype=np.float64)
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


class Band(NamedTuple):
    """One band of a cube, for those who do not care how many cubes there are."""

    cube: Cube
    """The cube that holds it."""
    number: int
    """Its place there."""
    given_scale: np.ndarray | None = None
    """Height and width of a pixel in arcsec if the user tells, else the cube does."""

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
        """Full width at half maximum in arcsec, NaN if the cube does not know it."""
        return self.cube.fwhm[self.number]

    @property
    def pixel_scale(self):
        """Height and width of a pixel in arcsec, None if unknown."""
        scale = self.given_scale
        scale = self.cube.pixel_scale if scale is None else scale
        return None if scale is None else np.array(scale, dtype=np.float64)

    @property
    def pixel_size(self):
        """Side of a square pixel of the same area in arcsec, None if unknown."""
        scale = self.pixel_scale
        return None if scale is None else float(np.sqrt(np.prod(scale)))

    @property
    def directions(self):
        """Steps to the east and north (rows, arcsec) per column and row, or None.

        Taken in the middle of the image; None if the cube has no WCS.
        """
        wcs = self.cube.wcs
        if wcs is None:
            return None
        n_rows, n_columns = self.cube.shape[:2]
        column, row = (n_columns - 1) / 2, (n_rows - 1) / 2
        middle = wcs.pixel_to_world(column, row)
        beside = wcs.pixel_to_world([column + 1, column], [row, row + 1])
        offsets = middle.spherical_offsets_to(beside)
        steps = np.array([offset.to_value(units.arcsec) for offset in offsets])
        if self.given_scale is not None:
            height, width = self.given_scale
            steps *= [width, height] / np.linalg.norm(steps, axis=0)
        return steps


def list_bands(cubes, pixel_scale=None):
    """Return the bands of all cubes in order."""
    return [
        Band(cube, number, pixel_scale)
        for cube in cubes
        for number in range(cube.shape[2])
    ]
