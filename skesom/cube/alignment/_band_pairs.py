# SPDX-License-Identifier: BSD-3-Clause
"""Pairs of bands that have something in common in a window of the grid."""

from itertools import combinations
from typing import NamedTuple

import numpy as np

from skesom._common.lazy import computed
from skesom._sky.grids import cut_grid, overlap_box, pixel_size, same_grid
from skesom.cube.alignment._grid import grid_of
from skesom.cube.alignment._shifts import length_of_shift
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
    return length_of_shift(shift) < NEAR


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
            first, second = numbers
            pair_of_views = (views[first], views[second])
            peak = find_peak(views[first].structure, views[second].structure)
            # Chance rarely has a peak without a shift, so that it need not be as high
            # as one at any place.
            if peak is None or not (peak.is_sure or is_near(peak.shift)):
                continue
            earlier = pairs.get(numbers)
            if earlier is None or peak.deviations > earlier.peak.deviations:
                pairs[numbers] = BandPair(numbers, pair_of_views, peak)
    return list(pairs.values()), has_structure


def _look_at_windows(bands, grid, size, n_jobs):
    """Return views of bands in windows of the grid.

    Each entry is a dict of views by the number of the band, and the set of the bands
    for which its window was chosen.
    """
    grids = [grid_of(band.cube) for band in bands]
    boxes = {}  # the part of the grid that each band can reach
    for number, source in enumerate(grids):
        box = overlap_box(grid, [source])
        if box is not None:
            boxes[number] = box
    views_by_window = []
    bands_left = list(boxes)
    # The middle of what all images share shows enough of most.
    common = overlap_box(grid, [grids[number] for number in boxes])
    if common is not None:
        window = _middle_window(common, size)
        views = _view_bands(bands, list(boxes), grid, window, n_jobs)
        bands_left = []
        filled_views = {}
        for number, box in boxes.items():
            view = views.get(number)
            if _shows_enough(view, _middle_window(box, size)):
                filled_views[number] = view
            else:
                bands_left.append(number)
        views_by_window.append((filled_views, set(filled_views)))
    # The others get a window where they have data, in which all are looked at.
    windows = {}
    for number, window in _busy_windows(bands, boxes, bands_left, grid, size):
        rows, columns = window
        key = (rows.start, rows.stop, columns.start, columns.stop)
        _, bands_of_window = windows.setdefault(key, (window, set()))
        bands_of_window.add(number)
    for window, bands_of_window in windows.values():
        views = _view_bands(bands, list(boxes), grid, window, n_jobs)
        views_by_window.append((views, bands_of_window))
    return views_by_window


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
        for index, number in enumerate(members):
            images[number] = stack.data[:, :, index]
    in_order = dict(sorted(images.items()))
    images_in_memory = computed(*in_order.values())  # lazy ones together
    views = {}
    for number, image in zip(in_order, images_in_memory, strict=True):
        views[number] = View(image, find_structure(image))
    return views


def _middle_window(box, size):
    """Return a window of `size` rows and columns in the middle of a box."""
    window = []
    for side in box:
        start = side.start + max(0, side.stop - side.start - size) // 2
        window.append(slice(start, min(start + size, side.stop)))
    return tuple(window)


def _busy_windows(bands, boxes, numbers, grid, size):
    """Yield numbers of bands and windows of the grid, in the middle of their data."""
    on_grid = []
    counts = []  # of pixels with data: of each band by row, then by column
    for number in numbers:
        if same_grid(grid_of(bands[number].cube), grid):
            has_data = np.isfinite(bands[number].image)
            on_grid.append(number)
            counts.append(has_data.sum(axis=1))
            counts.append(has_data.sum(axis=0))
    counts = computed(*counts)  # lazy ones together
    windows = {}
    for index, number in enumerate(on_grid):
        rows = _busy_slice(counts[2 * index], size)
        columns = _busy_slice(counts[2 * index + 1], size)
        windows[number] = (rows, columns)
    for number in numbers:
        # Of a band on another grid, it is known only there where it has data.
        if number not in windows:
            windows[number] = _middle_window(boxes[number], size)
        yield number, windows[number]


def _busy_slice(count, size):
    """Return a slice around the median of the pixels that are counted by line.

    It has `size` lines, or fewer if those with data are fewer.
    """
    total = np.cumsum(count)
    middle = int(np.searchsorted(total, total[-1] / 2))
    lines_with_data = np.flatnonzero(count)
    first = 0
    last = 0
    if len(lines_with_data) > 0:
        first = lines_with_data[0]
        last = lines_with_data[-1]
    latest_start = max(first, last + 1 - size)
    start = int(np.clip(middle - size // 2, first, latest_start))
    return slice(start, int(min(start + size, last + 1)))
