# SPDX-License-Identifier: BSD-3-Clause
"""Pixel grids on the sky: how large their pixels are, and which grids are the same."""

import pickle
import warnings
from typing import NamedTuple

import numpy as np
from astropy import units
from astropy.wcs import WCS, WCSCOMPARE_ANCILLARY, Sip
from astropy.wcs.utils import pixel_to_pixel, proj_plane_pixel_area

# Grids whose corners and centers agree this well (in pixels) are the same grid.
_SAME_PLACE = 1e-3
# Pixel sizes that differ by less than this fraction are equal.
SAME_SIZE = 1e-3
# Points along each side of an image that are followed to another grid.
_OUTLINE = 65
_NUMBERS = "crval", "crpix", "lonpole", "latpole"  # of a WCS


class Grid(NamedTuple):
    """The pixels of an image and where they lie on the sky."""

    wcs: WCS | None  # celestial, None if unknown
    shape: tuple  # (n_rows, n_columns)

    def __reduce__(self):  # the pickle of a WCS is rounded, by 1e-7 pixels and more
        if self.wcs is None:
            return Grid, tuple(self)
        self.wcs.wcs.set()
        exact = {name: getattr(self.wcs.wcs, name) for name in _NUMBERS}
        exact |= {"pc": self.wcs.wcs.get_pc(), "cdelt": self.wcs.wcs.get_cdelt()}
        sip = self.wcs.sip
        if sip is not None:
            sip = sip.a, sip.b, sip.ap, sip.bp, sip.crpix
        return _restore, (*self, exact, self.wcs.wcs.get_pv(), sip)


def _restore(wcs, shape, exact, projection, sip):
    """Return the grid of a WCS that gets back its numbers."""
    for name, value in exact.items():
        setattr(wcs.wcs, name, value)
    if projection:  # an empty list is refused
        wcs.wcs.set_pv(projection)
    wcs.sip = None if sip is None else Sip(*sip)
    return Grid(wcs, shape)


def portable_grid(grid):
    """Return a copy of a grid that stays the same, bit for bit, in other processes."""
    # wcslib tells the coefficients of some distortions (TPV) in its headers only. They
    # are rounded there, by 1e-8 pixels, and so here for all.
    if grid.wcs is None:
        return grid
    cards = grid.wcs.wcs.to_header(relax=True)
    if grid.wcs.wcs.get_pv() or "PV1_" not in cards:
        return Grid(grid.wcs.deepcopy(), grid.shape)
    with warnings.catch_warnings(action="ignore"):  # of what astropy corrects again
        return pickle.loads(pickle.dumps(grid))


def same_grid(first, second):
    """Check whether two grids have the same pixels."""
    if first.shape != second.shape:
        return False
    if first.wcs is None or second.wcs is None:
        return first.wcs is second.wcs
    if _same_cards(first.wcs, second.wcs):
        return True
    rows, columns = first.shape
    x = np.array([0, columns - 1, 0, columns - 1, (columns - 1) / 2])
    y = np.array([0, 0, rows - 1, rows - 1, (rows - 1) / 2])
    x_second, y_second = pixel_to_pixel(first.wcs, second.wcs, x, y)
    return bool(np.all(np.hypot(x_second - x, y_second - y) < _SAME_PLACE))


def _same_cards(first, second):
    """Check whether two WCS have the same keywords, apart from dates."""
    return (
        not (first.has_distortion or second.has_distortion)
        and first.wcs.radesys == second.wcs.radesys
        and np.array_equal(first.wcs.equinox, second.wcs.equinox, equal_nan=True)
        and first.wcs.compare(second.wcs, WCSCOMPARE_ANCILLARY)
    )


def group_by_grid(grids):
    """Return the places of the images on each pixel grid, a list for each grid."""
    groups = []
    for place, grid in enumerate(grids):
        for group in groups:
            if same_grid(grids[group[0]], grid):
                group.append(place)
                break
        else:
            groups.append([place])
    return groups


def pixel_size(wcs):
    """Return the side of a square pixel of the same area, in arcsec."""
    return np.sqrt(proj_plane_pixel_area(wcs)) * units.deg.to(units.arcsec)


def overlap_box(grid, sources):
    """Return the part of a grid that all of some images can reach."""
    low, high = np.zeros(2), np.array(grid.shape[::-1]) - 1.0
    for source in sources:
        if same_grid(source, grid):
            continue
        first, last = find_reach(source, grid.wcs)
        if not np.isfinite([first, last]).all():  # beyond the horizon of the projection
            continue
        low = np.maximum(low, np.floor(first))
        high = np.minimum(high, np.ceil(last))
    if np.any(high < low):
        return None
    ends = np.array([low, high + 1], dtype=int).T.tolist()
    columns, rows = (slice(*pair) for pair in ends)
    return rows, columns


def find_reach(source, wcs):
    """Return the least and largest (column, row) of an image's edge in another WCS."""
    place = np.stack(pixel_to_pixel(source.wcs, wcs, *_outline(source.shape)))
    return place.min(axis=1), place.max(axis=1)


def _outline(shape):
    """Return the columns and rows of points around the outer edge of an image."""
    along = np.linspace(0, 1, _OUTLINE)
    zeros, ones = np.zeros(_OUTLINE), np.ones(_OUTLINE)
    x = np.concatenate([along, along, zeros, ones])
    y = np.concatenate([zeros, ones, along, along])
    rows, columns = shape
    return x * columns - 0.5, y * rows - 0.5


def cut_grid(grid, box):
    """Return the part of a grid in a box of slices (rows, columns)."""
    shape = tuple(part.stop - part.start for part in box)
    return Grid(None if grid.wcs is None else grid.wcs[box], shape)
