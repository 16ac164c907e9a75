# SPDX-License-Identifier: BSD-3-Clause
"""Shifts of bands: measured, told in words, and taken off by moving the WCS."""

from itertools import pairwise

import numpy as np
from astropy.wcs import WCS, Sip
from astropy.wcs.utils import pixel_to_pixel

from skesom._sky.grids import Grid
from skesom.cube.bands import with_bands


def length_of_shift(shifts):
    """Return the lengths of shifts of shape (2,) or (n_shifts, 2)."""
    shifts = np.asarray(shifts)
    return np.hypot(shifts[..., 0], shifts[..., 1])


def text_of_shift(shift, scale=None):
    """Return a shift in pixels, and in arcsec by the height and width of a pixel."""
    rows, columns = np.round(shift, 1) + 0  # no -0.0
    text = f"{rows:+.1f} rows and {columns:+.1f} columns"
    if scale is None:
        return text
    n_arcsec = length_of_shift(np.multiply(shift, scale))
    return f"{text} ({n_arcsec:.3g} arcsec)"


def on_sky(cubes, grid):
    """Return cubes and their grid, with a WCS of one arcsec if they have none."""
    if grid.wcs is not None:
        return cubes, grid
    wcs = WCS({"CTYPE1": "RA---TAN", "CTYPE2": "DEC--TAN"})
    wcs.wcs.cdelt = np.array([-1, 1]) / 3600
    return [cube.replace(wcs=wcs) for cube in cubes], Grid(wcs, grid.shape)


def shift_cubes(cubes, grid, shifts):
    """Return cubes whose WCS is moved; bands that move differently become cubes.

    Parameters
    ----------
    cubes : list of Cube
    grid : Grid
        Whose pixels shifts count.
    shifts : array-like of shape (n_bands, 2)
        Rows and columns by which the sky of each band lies off.

    Returns
    -------
    moved : list of Cube
        Whose bands are the same in the same order.
    """
    moved = []
    for cube, shifts_of_cube in with_bands(cubes, np.asarray(shifts)):
        n_bands = len(shifts_of_cube)
        differs_from_next = np.any(np.diff(shifts_of_cube, axis=0) != 0, axis=1)
        starts = np.flatnonzero(differs_from_next) + 1
        for start, stop in pairwise([0, *starts, n_bands]):
            bands = cube
            if stop - start < n_bands:
                bands = cube[:, :, start:stop]
            shift = shifts_of_cube[start]
            if shift.any():
                bands = bands.replace(wcs=_shift_wcs(cube.wcs, grid, shift))
            moved.append(bands)
    return moved


def _shift_wcs(wcs, grid, shift):
    """Return a WCS by which a pixel of a grid gets the sky that lies off by a shift."""
    row, column = np.array(grid.shape) / 2
    row_shift, column_shift = shift
    columns_there, rows_there = pixel_to_pixel(
        grid.wcs,
        wcs,
        np.array([column, column + column_shift]),
        np.array([row, row + row_shift]),
    )
    offset = np.array([np.diff(columns_there)[0], np.diff(rows_there)[0]])
    wcs = wcs.deepcopy()
    wcs.wcs.crpix = wcs.wcs.crpix + offset
    if wcs.sip is not None:
        # The distortion belongs to the image, and goes with it.
        wcs.sip = Sip(
            wcs.sip.a, wcs.sip.b, wcs.sip.ap, wcs.sip.bp, wcs.sip.crpix + offset
        )
    return wcs
