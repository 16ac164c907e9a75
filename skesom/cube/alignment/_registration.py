# SPDX-License-Identifier: BSD-3-Clause
"""By how much bands are shifted: pairs of bands, judged and joined to a tree."""

from itertools import product
from typing import NamedTuple

import numpy as np
from astropy import units
from scipy import ndimage

from skesom.cube.alignment._band_pairs import NEAR, is_near, pair_bands
from skesom.cube.alignment._shifts import length_of_shift, on_sky, text_of_shift
from skesom.cube.alignment.correlation import (
    CLEAR,
    LARGEST_SHIFT,
    find_peak,
    find_shift,
    find_structure,
)
from skesom.cube.bands import list_bands

# docs/benchmarks/registration.py measures what these numbers find and leave.
TOLERANCE = 0.5  # pixels by which measures of one shift may differ
LEAST_MOVED = NEAR  # pixels; bands of different looks differ by up to .7 in places
SMALLEST_SHIFT = 0.1  # pixels: how well shifts are measured
SURE = 3.0  # times the scatter of the quarters of an image
WINDOW = 1024  # pixels; the middle of a large image is enough
WINDOW_OF_CHECK = 384  # to see that there is a shift, in a seventh of the time
CLOSEST = 0.002  # of a wavelength, between filters
MOST_BANDS = 20  # of a check that nobody asked for; channels of spectra are more


class Registration(NamedTuple):
    """The result of a comparison of bands."""

    shifts: np.ndarray  # (n_bands, 2): rows and columns by which bands lie off
    doubts: dict  # number of a band of which it is unknown whether it fits: why
    has_structure: np.ndarray  # whether a band shows more than noise


def reason_to_skip(cubes):
    """Return why a check would be slow or tell nothing, None if it would not."""
    n_bands = sum(cube.shape[2] for cube in cubes)
    if n_bands == 1:
        return "1 band"
    if n_bands > MOST_BANDS:
        return f"{n_bands} bands"
    if any(_is_spectrum(cube) for cube in cubes):
        return "channels of a spectrum"
    return None


def _is_spectrum(cube):
    """Return whether bands are channels: velocities, or closer than filters are."""
    coordinates = cube.band_coordinates
    if cube.shape[2] == 1 or coordinates is None:
        return False
    if not coordinates.unit.is_equivalent(units.m, units.spectral()):
        return True
    steps = np.diff(coordinates.value) / coordinates.value[:-1]
    return bool(np.all(np.abs(steps) < CLOSEST))


def measure_shifts(cubes, grid, preferred, *, is_asked, n_jobs=None):
    """Return by how many pixels of a grid bands lie off the place of most others.

    Parameters
    ----------
    cubes : list of Cube
    grid : Grid
    preferred : int
        Number of the band that stays if no place is that of more bands.
    is_asked : bool
        Whether the user asked to correct shifts. A measurement that nobody asked for
        looks at less of the images, and takes shifts up to a pixel for other looks.
    n_jobs : int, default=None

    Returns
    -------
    registration : Registration
    """
    if is_asked:
        size = WINDOW
        least = SMALLEST_SHIFT
    else:
        size = WINDOW_OF_CHECK
        least = LEAST_MOVED
    cubes, grid = on_sky(cubes, grid)
    bands = list_bands(cubes)
    pairs, has_structure = pair_bands(bands, grid, size, n_jobs)
    # The tree of the pairs that have most in common (Kruskal 1956), first of those that
    # surely fit, so that all of them have a say in whether another band is shifted.
    tree = _BandTree(len(bands), least)
    for pair in sorted(pairs, key=_sort_key):
        tree.join(pair, pairs)
    doubts = {}
    for number in tree.list_apart(preferred):
        if number in tree.doubts:
            shift, other, doubt = tree.doubts[number]
            offset = text_of_shift(shift)
            doubts[number] = f"off {bands[other].name!r} by {offset}, but {doubt}"
        elif not has_structure[number]:
            doubts[number] = "nothing but noise"
        else:
            doubts[number] = "too little in common with them"
    return Registration(tree.find_offsets(preferred), doubts, has_structure)


def _sort_key(pair):
    """Return what sorts pairs by what they have in common, those that fit first."""
    return not pair.is_fitting, -pair.peak.deviations, pair.numbers


class _BandTree:
    """Bands joined by pairs, each band to the one that it has most in common with.

    The offsets of bands add up along the tree.
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
        is_shift = length_of_shift(shift) >= self.least
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
                gaps.append(length_of_shift(shift - other.peak.shift))
        return _most_agree(gaps)

    def find_offsets(self, preferred):
        """Return how far bands lie off the place at which most of their group lie.

        Among places of as many bands, it is that of the preferred band.
        """
        offsets_from_most = np.zeros_like(self.offsets)
        for group in np.unique(self.groups):
            members = np.flatnonzero(self.groups == group)
            offsets = self.offsets[members]
            # argmax takes the first of several, so the preferred band comes first.
            anchors = sorted(members, key=lambda number: number != preferred)
            n_near = []
            for anchor in anchors:
                distances = length_of_shift(offsets - self.offsets[anchor])
                n_near.append(np.count_nonzero(distances < LEAST_MOVED))
            anchor = anchors[int(np.argmax(n_near))]
            offsets_from_most[members] = offsets - self.offsets[anchor]
            offsets_from_most[self.fitting == self.fitting[anchor]] = 0
        offsets_from_most[length_of_shift(offsets_from_most) < self.least] = 0
        return offsets_from_most.round(2)

    def list_apart(self, preferred):
        """Return the numbers of the bands that are not of the largest group.

        Of groups that are as large, it is that of the preferred band.
        """
        sizes = np.bincount(self.groups, minlength=len(self.groups))
        largest = np.argmax(sizes)
        if sizes[self.groups[preferred]] == sizes[largest]:
            largest = self.groups[preferred]
        return np.flatnonzero(self.groups != largest).tolist()


def _judge(pair, least):
    """Return the shift of the first band of a pair, and why it is uncertain or None.

    A shift shorter than `least` is as good as none.
    """
    shift = pair.peak.shift
    size = length_of_shift(shift)
    if size < least:
        return shift, None
    # The peak of a lone star is flat, and noise moves it; so it does where bands have
    # little in common.
    is_flat = not is_near(shift) and pair.peak.gain < CLEAR
    if is_flat or not pair.peak.is_sure:
        return np.zeros(2), None
    if size > LARGEST_SHIFT:
        return shift, f"no more than {LARGEST_SHIFT:g} pixels are corrected"
    # Moved back by whole pixels, the image must show the same as the other one, whole
    # and in quarters.
    step = np.rint(shift)
    view, other = pair.views
    image = ndimage.shift(view.image, -step, order=0, cval=np.nan)
    remaining = find_peak(find_structure(image), other.structure)
    if remaining is None:
        return shift, "it is not gone when it is taken off"
    if length_of_shift(step + remaining.shift - shift) > TOLERANCE:
        return shift, "it is not gone when it is taken off"
    gaps = []
    for quarter in _quarters(image.shape):
        shift_of_quarter = find_shift(image[quarter], other.image[quarter])
        if shift_of_quarter is not None:
            gaps.append(length_of_shift(step + shift_of_quarter - shift))
    is_sure = _most_agree(gaps)
    if least >= LEAST_MOVED:  # what nobody asked for is done only if it is sure
        scatter = np.sqrt(np.mean(np.square(gaps))) if len(gaps) > 1 else np.inf
        is_sure = is_sure and size > SURE * scatter
    if not is_sure:
        return shift, "the quarters of the image do not agree"
    return step + remaining.shift, None


def _quarters(shape):
    """Return slices (rows, columns) of the quarters of an image."""
    n_rows, n_columns = shape
    row_halves = (slice(n_rows // 2), slice(n_rows // 2, None))
    column_halves = (slice(n_columns // 2), slice(n_columns // 2, None))
    return list(product(row_halves, column_halves))


def _most_agree(gaps):
    """Return whether most measures of a shift differ from it by less than a pixel."""
    n_near = np.count_nonzero(np.array(gaps) < 2 * TOLERANCE)
    return 2 * n_near > len(gaps)
