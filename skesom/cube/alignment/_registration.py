# SPDX-License-Identifier: BSD-3-Clause
"""The check that bands show the same sky at the same place, and its correction."""

from itertools import combinations, pairwise, product
from typing import NamedTuple

import numpy as np
from astropy import units
from astropy.wcs import WCS, Sip
from astropy.wcs.utils import pixel_to_pixel
from scipy import ndimage

from skesom._common.lazy import computed
from skesom._sky.grids import Grid, cut_grid, overlap_box, pixel_size, same_grid
from skesom.cube.alignment._grid import grid_of
from skesom.cube.alignment.correlation import (
    CLEAR,
    LARGEST_SHIFT,
    find_peak,
    find_shift,
    find_structure,
)
from skesom.cube.alignment.stack import stack_cubes
from skesom.cube.bands import list_bands, with_bands

# docs/benchmarks/registration.py measures what these numbers find and leave.
TOLERANCE = 0.5  # pixels by which measures of one shift may differ
LEAST_MOVED = 1.0  # pixels; bands of different looks differ by up to .7 in places
SMALLEST_SHIFT = 0.1  # pixels: how well shifts are measured
SURE = 3.0  # times the scatter of the quarters of an image
WINDOW = 1024  # pixels; the middle of a large image is enough
WINDOW_OF_CHECK = 384  # to see that there is a shift, in a seventh of the time
ENOUGH_DATA = 0.5  # share of a window with data, below which another one is looked for
CLOSEST = 0.002  # of a wavelength, between filters
MOST_BANDS = 20  # of a check that nobody asked for; channels of spectra are more
FEW = 4  # pixels that stand out of noise by an outlier or two
FINER = 1.5  # times: images with such smaller pixels are averaged, not interpolated


class Registration(NamedTuple):
    """What a comparison of bands found."""

    shifts: np.ndarray  # (n_bands, 2): rows and columns by which bands lie off
    doubts: dict  # number of a band of which it is unknown whether it fits: why
    has_structure: np.ndarray  # whether a band shows more than noise


class _View(NamedTuple):
    """A band in a window of the grid."""

    image: np.ndarray
    structure: tuple | None  # see `find_structure`


class _Pair(NamedTuple):
    """Two bands that have something in common."""

    numbers: tuple
    views: tuple
    peak: tuple  # see `find_peak`


def why_not(cubes):
    """Return the reason for which a check would be slow or tell nothing, or None."""
    n_bands = sum(cube.shape[2] for cube in cubes)
    if not 1 < n_bands <= MOST_BANDS:
        return f"{n_bands} band{'s' * (n_bands > 1)}"
    for places in (cube.band_coordinates for cube in cubes if cube.shape[2] > 1):
        # Channels: velocities, or as close to each other as no filters are.
        if places is not None and (
            not places.unit.is_equivalent(units.m, units.spectral())
            or np.all(np.abs(np.diff(places.value) / places.value[:-1]) < CLOSEST)
        ):
            return "channels of a spectrum"
    return None


def measure_shifts(cubes, grid, first, *, is_asked, n_jobs=None):
    """Return by how many pixels of a grid bands lie off the place of most others.

    `first` is the number of the band that stays if no place is that of more bands. A
    measurement that nobody asked for looks at less of the images, and takes shifts up
    to a pixel for other looks.
    """
    size, least = WINDOW_OF_CHECK, LEAST_MOVED
    if is_asked:
        size, least = WINDOW, SMALLEST_SHIFT
    cubes, grid = on_sky(cubes, grid)
    bands = list_bands(cubes)
    pairs, has_structure = _compare(bands, grid, size, n_jobs)
    # The tree of the pairs that have most in common (Kruskal 1956), first of those that
    # surely fit, so that all of them have a say in whether another band is shifted.
    tree = _Tree(len(bands), least)
    for pair in sorted(pairs, key=_rank):
        tree.join(pair, pairs)
    doubts = {}
    for number in tree.apart(first):
        doubts[number] = "too little in common with them"
        if not has_structure[number]:
            doubts[number] = "nothing but noise"
        if number in tree.doubts:
            shift, other, doubt = tree.doubts[number]
            text = text_of_shift(shift)
            doubts[number] = f"off {bands[other].name!r} by {text}, but {doubt}"
    return Registration(tree.places(first), doubts, has_structure)


class _Tree:
    """Bands joined by pairs, each band to the one that it has most in common with.

    The places of bands add up along the tree.
    """

    def __init__(self, n_bands, least):
        self.least = least  # pixels from which on a shift is one
        self.groups = np.arange(n_bands)  # bands that are joined have the same number
        self.offsets = np.zeros((n_bands, 2))  # within a group
        self.fitting = np.arange(n_bands)  # those that are joined without a shift
        self.doubts = {}  # number of a band: a shift that is not believed

    def join(self, pair, pairs):
        """Join the groups of two bands, unless their shift is uncertain."""
        first, second = pair.numbers
        if self.groups[first] == self.groups[second]:
            return
        shift, doubt = _judge(pair, self.least)
        members = self.groups == self.groups[first]
        offsets = self.offsets.copy()
        offsets[members] += offsets[second] + shift - offsets[first]
        is_shift = np.hypot(*shift) >= self.least
        if doubt is None and is_shift and not self._closes(pair, pairs, offsets):
            doubt = "other bands do not agree"
        if doubt is not None:
            # The first doubt of a band is that of what it has most in common with.
            self.doubts.setdefault(first, (shift, second, doubt))
            self.doubts.setdefault(second, (-shift, first, doubt))
            return
        self.offsets = offsets
        self.groups[members] = self.groups[second]
        if not is_shift:
            members = self.fitting == self.fitting[first]
            self.fitting[members] = self.fitting[second]

    def _closes(self, pair, pairs, offsets):
        """Return whether most pairs between two groups find the same shift.

        These are the loops of bands that the pair would close.
        """
        sides = {self.groups[number] for number in pair.numbers}
        gaps = []
        for other in pairs:
            first, second = other.numbers
            if {self.groups[first], self.groups[second]} == sides:
                shift = offsets[first] - offsets[second]
                gaps.append(np.hypot(*(shift - other.peak.shift)))
        n_closed = np.count_nonzero(np.array(gaps) < 2 * TOLERANCE)
        return 2 * n_closed > len(gaps)

    def places(self, first):
        """Return how far bands lie off the place at which most of their group lie."""
        places = np.zeros_like(self.offsets)
        for group in np.unique(self.groups):
            members = np.flatnonzero(self.groups == group)
            offsets = self.offsets[members]
            # Among places of as many bands, that of the first one.
            anchors = sorted(members, key=lambda number: number != first)
            n_near = []
            for anchor in anchors:
                distances = np.hypot(*(offsets - self.offsets[anchor]).T)
                n_near.append(np.count_nonzero(distances < LEAST_MOVED))
            anchor = anchors[int(np.argmax(n_near))]
            places[members] = offsets - self.offsets[anchor]
            places[self.fitting == self.fitting[anchor]] = 0
        places[np.hypot(*places.T) < self.least] = 0
        return places.round(2)

    def apart(self, first):
        """Return the numbers of the bands that are not of the largest group."""
        sizes = np.bincount(self.groups, minlength=len(self.groups))
        largest = np.argmax(sizes)
        if sizes[self.groups[first]] == sizes[largest]:
            largest = self.groups[first]
        return np.flatnonzero(self.groups != largest).tolist()


def _judge(pair, least):
    """Return the shift of the first band of a pair, and why it is uncertain."""
    shift = pair.peak.shift
    size = np.hypot(*shift)
    # The peak of a lone star is flat, and noise moves it; so it does where bands have
    # little in common.
    is_flat = not _is_near(shift) and pair.peak.gain < CLEAR
    if size < least:
        return shift, None
    if is_flat or not pair.peak.is_sure:
        return np.zeros(2), None
    if size > LARGEST_SHIFT:
        return shift, f"no more than {LARGEST_SHIFT:g} pixels are corrected"
    # Moved back, the image must show the same as the other one, whole and in quarters.
    step = np.rint(shift)
    view, other = pair.views
    image = ndimage.shift(view.image, -step, order=0, cval=np.nan)
    rest = find_peak(find_structure(image), other.structure)
    if rest is None or np.hypot(*(step + rest.shift - shift)) > TOLERANCE:
        return shift, "it is not gone when it is taken off"
    halves = ((slice(n // 2), slice(n // 2, None)) for n in image.shape)
    quarters = [find_shift(image[part], other.image[part]) for part in product(*halves)]
    gaps = [np.hypot(*(step + each - shift)) for each in quarters if each is not None]
    n_near = np.count_nonzero(np.array(gaps) < 2 * TOLERANCE)
    agree = 2 * n_near > len(gaps)
    if least >= LEAST_MOVED:  # what nobody asked for is done only if it is sure
        scatter = np.sqrt(np.mean(np.square(gaps))) if len(gaps) > 1 else np.inf
        agree = agree and size > SURE * scatter
    if not agree:
        return shift, "the quarters of the image do not agree"
    return step + rest.shift, None


def _rank(pair):
    """Return what sorts pairs by what they have in common, those that fit first."""
    is_fitting = pair.peak.is_sure and _is_near(pair.peak.shift)
    return not is_fitting, -pair.peak.deviations, pair.numbers


def _is_near(shift):
    """Return whether other looks of bands at one place can give a shift."""
    return np.hypot(*shift) < LEAST_MOVED


def text_of_shift(shift, scale=None):
    """Return a shift in pixels, and in arcsec by the height and width of a pixel."""
    text = "{:+.1f} rows and {:+.1f} columns".format(*np.round(shift, 1) + 0)
    if scale is None:
        return text
    return f"{text} ({np.hypot(*np.multiply(shift, scale)):.3g} arcsec)"


def _compare(bands, grid, size, n_jobs):
    """Return pairs of bands with something in common, and which bands show anything."""
    grids = [grid_of(band.cube) for band in bands]
    boxes = [overlap_box(grid, [each]) for each in grids]
    numbers = [number for number, box in enumerate(boxes) if box is not None]
    looks = []  # views of bands in a window, and the bands that it is for
    # The middle of what all images share shows enough of most.
    common = overlap_box(grid, [grids[number] for number in numbers])
    lacking = numbers
    if common is not None:
        views = _views(bands, numbers, grid, _middle(common, size), n_jobs)
        lacking = [
            number
            for number in numbers
            if not _is_filled(views.get(number), _middle(boxes[number], size))
        ]
        filled = {number: views[number] for number in views if number not in lacking}
        looks.append((filled, set(filled)))
    windows = {}
    for number, window in _busy_windows(bands, boxes, lacking, grid, size):
        windows.setdefault(_ends(window), (window, set()))[1].add(number)
    for window, wanted in windows.values():
        looks.append((_views(bands, numbers, grid, window, n_jobs), wanted))
    pairs = {}
    has_structure = np.zeros(len(bands), dtype=bool)
    for views, wanted in looks:
        for number, view in views.items():
            structure = view.structure
            has_structure[number] |= structure is not None and structure.n_clear > FEW
        for both in combinations(views, 2):
            if wanted.isdisjoint(both):
                continue
            first, second = (views[number] for number in both)
            peak = find_peak(first.structure, second.structure)
            # That two bands have a peak at one place is rarer by chance than at any.
            if peak is None or not (peak.is_sure or _is_near(peak.shift)):
                continue
            if both not in pairs or peak.deviations > pairs[both].peak.deviations:
                pairs[both] = _Pair(both, (first, second), peak)
    return list(pairs.values()), has_structure


def _is_filled(view, window):
    """Return whether a band shows as much as it would in a window of its own."""
    rows, columns = window
    n_pixels = (rows.stop - rows.start) * (columns.stop - columns.start)
    n_valid = 0 if view is None else np.count_nonzero(np.isfinite(view.image))
    return n_valid >= ENOUGH_DATA * n_pixels


def _views(bands, numbers, grid, window, n_jobs):
    """Return what each band that reaches a window of the grid shows there."""
    part = cut_grid(grid, window)
    images = {}
    others = {"interp": [], "adaptive": []}
    for number in numbers:
        band = bands[number]
        source = grid_of(band.cube)
        if same_grid(source, grid):  # needs no resampling to be compared
            images[number] = band.image[window]
        elif overlap_box(part, [source]) is not None:
            is_finer = pixel_size(grid.wcs) > FINER * pixel_size(source.wcs)
            others["adaptive" if is_finer else "interp"].append(number)
    for method, members in others.items():
        cubes = []
        for number in members:
            cube = bands[number].cube
            place = bands[number].number
            cube = cube[:, :, place : place + 1]
            cubes.append(cube.replace(errors=None, band_coordinates=None))
        if cubes:
            stack = stack_cubes(
                cubes,
                part,
                is_flux=[False] * len(cubes),
                method=method,
                n_jobs=n_jobs,
            ).data
            images |= {number: stack[:, :, n] for n, number in enumerate(members)}
    order = sorted(images)
    known = computed(*(images[number] for number in order))
    return {
        number: _View(image, find_structure(image))
        for number, image in zip(order, known, strict=True)
    }


def _middle(box, size):
    """Return slices of some length in the middle of other slices."""
    starts = [part.start + max(0, part.stop - part.start - size) // 2 for part in box]
    return tuple(
        slice(start, min(start + size, part.stop))
        for start, part in zip(starts, box, strict=True)
    )


def _busy_windows(bands, boxes, numbers, grid, size):
    """Yield numbers of bands and windows of the grid, in the middle of their data."""
    on_grid = [n for n in numbers if same_grid(grid_of(bands[n].cube), grid)]
    valid = [np.isfinite(bands[number].image) for number in on_grid]
    counts = computed(*(each.sum(axis=axis) for each in valid for axis in (1, 0)))
    for number in numbers:
        if number not in on_grid:  # where it has data is known on its own pixels only
            yield number, _middle(boxes[number], size)
            continue
        place = 2 * on_grid.index(number)
        window = []
        for count in counts[place : place + 2]:
            total = np.cumsum(count)
            middle = int(np.searchsorted(total, total[-1] / 2))
            filled = np.flatnonzero(count)
            first, last = (filled[0], filled[-1]) if len(filled) else (0, 0)
            start = int(np.clip(middle - size // 2, first, max(first, last + 1 - size)))
            window.append(slice(start, int(min(start + size, last + 1))))
        yield number, tuple(window)


def _ends(box):
    """Return the first and last rows and columns of a window."""
    return tuple(end for part in box for end in (part.start, part.stop))


def on_sky(cubes, grid):
    """Return cubes and their grid, with a WCS of one arcsec if they have none."""
    if grid.wcs is not None:
        return cubes, grid
    wcs = WCS({"CTYPE1": "RA---TAN", "CTYPE2": "DEC--TAN"})
    wcs.wcs.cdelt = np.array([-1, 1]) / 3600
    return [cube.replace(wcs=wcs) for cube in cubes], Grid(wcs, grid.shape)


def shift_cubes(cubes, grid, shifts):
    """Return cubes whose WCS is moved; bands that move differently are cut apart."""
    moved = []
    for cube, own in with_bands(cubes, np.asarray(shifts)):
        starts = np.flatnonzero(np.any(np.diff(own, axis=0) != 0, axis=1)) + 1
        for start, stop in pairwise([0, *starts, len(own)]):
            part = cube if stop - start == len(own) else cube[:, :, start:stop]
            if own[start].any():
                part = part.replace(wcs=_shift_wcs(cube.wcs, grid, own[start]))
            moved.append(part)
    return moved


def _shift_wcs(wcs, grid, shift):
    """Return a WCS by which a pixel of a grid gets the sky that lies off by a shift."""
    rows, columns = np.outer([1, 1], grid.shape).T / 2 + np.outer(shift, [0, 1])
    offset = np.diff(pixel_to_pixel(grid.wcs, wcs, columns, rows), axis=1)[:, 0]
    wcs = wcs.deepcopy()
    wcs.wcs.crpix = wcs.wcs.crpix + offset
    if wcs.sip is not None:
        parts = wcs.sip.a, wcs.sip.b, wcs.sip.ap, wcs.sip.bp
        wcs.sip = Sip(*parts, wcs.sip.crpix + offset)
    return wcs
