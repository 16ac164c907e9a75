# SPDX-License-Identifier: BSD-3-Clause
"""Pairs of bands that have something in common in a window of the grid."""

from itertools import combinations
from typing import NamedTuple

import numpy as np

from skesom._common.lazy import computed
from skesom._sky.grids import cut_grid, overlap_box, pixel_size, same_grid
from skesom.cube.alignment._grid import grid_of
from skesom.cube.alignment.correlation import Peak, Structure, find_peak, find_structure
from skesom.cube.alignment.stack import stack_cubes

# docs/benchmarks/registration.py measures what these numbers find and leave.
NEAR = 1.0  # pixels by which bands of different looks seem to differ in places
_ENOUGH_DATA = 0.5  # of a window; with less, a band gets a window of its own
_FEW = 4  # pixels that stand out of noise by an outlier or two
_FINER = 1.5  # times: images with such smaller pixels are averaged, not interpolated


class View(NamedTuple):
    """A band in a window of the grid."""

    image: np.ndarray
    structure: Structure | None  # None if it shows nothing

    @property
    def is_clear(self):
        """Whether it shows more than noise."""
        return self.structure is not None and self.structure.n_clear > _FEW


class BandPair(NamedTuple):
    """Two bands that have something in common."""

    numbers: tuple
    views: tuple
    peak: Peak  # of their correlation; its shift is that of the first band

    @property
    def is_fitting(self):
        """Whether the bands are surely at one place."""
        return self.peak.is_sure and is_near(self.peak.shift)


def is_near(shift):
    """Return whether other looks of bands at one place can give a shift."""
    return np.hypot(*shift) < NEAR


def pair_bands(bands, grid, size, n_jobs):
    """Compare each two bands in a window in which one of them has data.

    Parameters
    ----------
    bands : list of Band
    grid : Grid
    size : int
        Rows and columns of a window.
    n_jobs : int or None

    Returns
    -------
    pairs : list of BandPair
        Of two windows the one in which the bands have more in common.
    has_structure : ndarray of bool of shape (n_bands,)
        Bands that show more than noise.
    """
    pairs = {}
    has_structure = np.zeros(len(bands), dtype=bool)
    for views, bands_of_window in _look_at_windows(bands, grid, size, n_jobs):
        for number, view in views.items():
            has_structure[number] |= view.is_clear
        for numbers in combinations(views, 2):
            if bands_of_window.isdisjoint(numbers):
                continue
            first, second = (views[number] for number in numbers)
            peak = find_peak(first.structure, second.structure)
            # That two bands have a peak at one place is rarer by chance than at any.
            if peak is None or not (peak.is_sure or is_near(peak.shift)):
                continue
            before = pairs.get(numbers)
            if before is None or peak.deviations > before.peak.deviations:
                pairs[numbers] = BandPair(numbers, (first, second), peak)
    return list(pairs.values()), has_structure


def _look_at_windows(bands, grid, size, n_jobs):
    """Return views of bands by number in some windows, and whom each window is for."""
    grids = [grid_of(band.cube) for band in bands]
    boxes = {}  # the part of the grid that each band can reach
    for number, source in enumerate(grids):
        box = overlap_box(grid, [source])
        if box is not None:
            boxes[number] = box
    looks = []
    bands_left = list(boxes)
    # The middle of what all images share shows enough of most.
    common = overlap_box(grid, [grids[number] for number in boxes])
    if common is not None:
        window = _middle_window(common, size)
        views = _view_bands(bands, list(boxes), grid, window, n_jobs)
        bands_left = [
            number
            for number, box in boxes.items()
            if not _shows_enough(views.get(number), _middle_window(box, size))
        ]
        filled = {
            number: view for number, view in views.items() if number not in bands_left
        }
        looks.append((filled, set(filled)))
    # The others get a window where they have data, in which all are looked at.
    windows = {}
    for number, window in _busy_windows(bands, boxes, bands_left, grid, size):
        rows, columns = window
        key = (rows.start, rows.stop, columns.start, columns.stop)
        _, bands_of_window = windows.setdefault(key, (window, set()))
        bands_of_window.add(number)
    for window, bands_of_window in windows.values():
        views = _view_bands(bands, list(boxes), grid, window, n_jobs)
        looks.append((views, bands_of_window))
    return looks


def _shows_enough(view, window):
    """Return whether a band has data in as many pixels as half of another window."""
    if view is None:
        return False
    rows, columns = window
    n_pixels = (rows.stop - rows.start) * (columns.stop - columns.start)
    return np.count_nonzero(np.isfinite(view.image)) >= _ENOUGH_DATA * n_pixels


def _view_bands(bands, numbers, grid, window, n_jobs):
    """Return the view of each band that reaches a window of the grid, by number."""
    window_grid = cut_grid(grid, window)
    images = {}
    to_interpolate = []
    to_average = []
    for number in numbers:
        band = bands[number]
        source = grid_of(band.cube)
        if same_grid(source, grid):  # needs no resampling to be compared
            images[number] = band.image[window]
        elif overlap_box(window_grid, [source]) is not None:
            if pixel_size(grid.wcs) > _FINER * pixel_size(source.wcs):
                to_average.append(number)
            else:
                to_interpolate.append(number)
    for method, members in (("interp", to_interpolate), ("adaptive", to_average)):
        if not members:
            continue
        cubes = []
        for number in members:
            band = bands[number]
            cube = band.cube[:, :, band.number : band.number + 1]
            cubes.append(cube.replace(errors=None, band_coordinates=None))
        stack = stack_cubes(
            cubes,
            window_grid,
            is_flux=[False] * len(cubes),
            method=method,
            n_jobs=n_jobs,
        )
        for place, number in enumerate(members):
            images[number] = stack.data[:, :, place]
    order = sorted(images)
    images_in_memory = computed(*(images[number] for number in order))
    views = {}
    for number, image in zip(order, images_in_memory, strict=True):
        views[number] = View(image, find_structure(image))
    return views


def _middle_window(box, size):
    """Return a window of some rows and columns in the middle of another one."""
    window = []
    for side in box:
        start = side.start + max(0, side.stop - side.start - size) // 2
        window.append(slice(start, min(start + size, side.stop)))
    return tuple(window)


def _busy_windows(bands, boxes, numbers, grid, size):
    """Yield numbers of bands and windows of the grid, in the middle of their data."""
    on_grid = [n for n in numbers if same_grid(grid_of(bands[n].cube), grid)]
    counts = []  # of pixels with data: of each band by row, then by column
    for number in on_grid:
        has_data = np.isfinite(bands[number].image)
        counts += [has_data.sum(axis=1), has_data.sum(axis=0)]
    counts = computed(*counts)
    for number in numbers:
        if number not in on_grid:  # where it has data is known on its own pixels only
            yield number, _middle_window(boxes[number], size)
            continue
        place = 2 * on_grid.index(number)
        count_by_row, count_by_column = counts[place : place + 2]
        window = _busy_slice(count_by_row, size), _busy_slice(count_by_column, size)
        yield number, window


def _busy_slice(count, size):
    """Return a slice of some length around the middle of what is counted."""
    total = np.cumsum(count)
    middle = int(np.searchsorted(total, total[-1] / 2))
    places = np.flatnonzero(count)
    first = places[0] if len(places) else 0
    last = places[-1] if len(places) else 0
    latest_start = max(first, last + 1 - size)
    start = int(np.clip(middle - size // 2, first, latest_start))
    return slice(start, int(min(start + size, last + 1)))
