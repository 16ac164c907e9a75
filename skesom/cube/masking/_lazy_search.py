# SPDX-License-Identifier: BSD-3-Clause
"""The criteria of `CubeMasker` for lazy cubes: passes over strips of rows."""

import zlib
from functools import partial

import numpy as np

from skesom.cube._by_strips import Window, fixed_strips, scan
from skesom.cube.masking import _defects as defects
from skesom.cube.masking import _outliers as outliers
from skesom.cube.masking import _trails as trails
from skesom.cube.masking._sky import (
    KEPT,
    TILE,
    representative_rows,
    sampled,
    sky_statistics,
)


class Planes:
    """Planes of numbers up to 255, which is none, in compressed strips of rows.

    They are indexed as an array of shape (n_planes, n_rows, n_columns).
    """

    def __init__(self, strips, shape, parts=None):
        self.strips, self.shape = strips, shape
        self.parts = parts or [[None] * shape[0] for _ in strips]

    def around(self, rows, margin=0):
        """Return the strips that some rows need, for a task."""
        low, high = rows.start - margin, rows.stop + margin
        near = [
            pair
            for pair in zip(self.strips, self.parts, strict=True)
            if pair[0].start < high and pair[0].stop > low
        ]
        strips, parts = map(list, zip(*near, strict=True))
        return Planes(strips, self.shape, parts)

    def __getitem__(self, key):
        planes, rows = key
        if isinstance(planes, slice):
            every = range(*planes.indices(self.shape[0]))
            return np.stack([self[plane, rows] for plane in every])
        if isinstance(rows, slice):
            rows = np.arange(*rows.indices(self.shape[1]))
        values = np.full((len(rows), self.shape[2]), KEPT, dtype=np.uint8)
        for strip, part in zip(self.strips, self.parts, strict=True):
            first, last = np.searchsorted(rows, [strip.start, strip.stop])
            if first < last and part[planes] is not None:
                here = np.frombuffer(zlib.decompress(part[planes]), dtype=np.uint8)
                here = here.reshape(-1, self.shape[2])
                values[first:last] = here[rows[first:last] - strip.start]
        return values

    def take(self, plane, number, find):
        """Give a number to the places without one that a function of rows finds."""
        for strip, part in zip(self.strips, self.parts, strict=True):
            found = find(strip)
            if found.any():
                values = self[plane, strip]
                _take(values, number, found)
                part[plane] = _pack(values)

    def copy(self):
        """Return planes that do not change with these."""
        return Planes(self.strips, self.shape, [list(part) for part in self.parts])


def _pack(values):
    return None if np.all(values == KEPT) else zlib.compress(values, 1)


def _take(values, number, found):
    values[found & (values == KEPT)] = number


class LazySearch:
    """The values of a lazy cube that criteria take, in `taken`."""

    def __init__(self, cube, numbers):
        self.cube, self.numbers = cube, numbers
        self.bands = range(cube.shape[2])
        self.strips = fixed_strips(cube.shape, multiple=64, whole=False)
        shape = cube.shape[2], *cube.shape[:2]
        self.taken = Planes(self.strips, shape)
        self.sample = sampled(cube.data)

    def _run(self, stage, margin=0, strips=None):
        """Let a stage see each strip, and write there which values it takes."""
        tasks = [self.taken.around(rows, margin) for rows in strips or self.strips]
        stage = partial(_run_stage, stage=stage)
        arrays, where = [self.cube.data], strips or self.strips
        results = scan(stage, arrays, where, tasks, margin=margin)
        if strips is None:
            self.taken.parts = [parts for _, parts in results]
        return [found for found, _ in results]

    def _masked_sample(self, band):
        """Return the sample of a band, NaN where a value is taken."""
        rows = representative_rows(*self.cube.shape[:2])
        masked = self.taken[band, rows] != KEPT
        return np.where(masked, np.nan, self.sample[:, :, band])

    def find_gaps(self, mask_zeros, mask_pedestal):
        """Let missing values, zeros and pedestals take theirs."""
        zeros = self.numbers["zeros"] if mask_zeros is True else None
        options = {"missing": self.numbers["missing"], "zeros": zeros}
        stage = partial(_look, **options, pedestal=mask_pedestal)
        looks = self._run(stage, defects.SMALLEST_BLOCK - 1)
        pairs = []
        for band, look in enumerate(zip(*looks, strict=True)):
            n_zeros, flat = zip(*look, strict=True)
            if mask_zeros == "auto" and any(n_zeros):
                pairs.append(("zeros", band, 0))
            if mask_pedestal:
                values = defects.frequent_values(flat)
                pairs += [("pedestal", band, value) for value in values]
        quantized = self._quantized(
            {band for name, band, _ in pairs if name != "zeros"}
        )
        self._take_gaps([p for p in pairs if p[0] == "zeros" or p[1] not in quantized])

    def _quantized(self, bands):
        """Return which of some bands have few different values."""
        few = defects.few_values
        bands = [band for band in bands if few(self.sample[:, :, band]) is not None]
        if not bands:
            return []
        stage = partial(_different_values, bands=bands)
        found = zip(*scan(stage, [self.cube.data], self.strips), strict=True)
        return [
            band
            for band, values in zip(bands, found, strict=True)
            if all(part is not None for part in values)
            and few(np.concatenate(values)) is not None
        ]

    def _take_gaps(self, pairs):
        """Let the areas that a value fills be taken: criterion, band and value."""
        stage = partial(_flags_of_values, pairs=pairs)
        flags = scan(stage, [self.cube.data], self.strips) if pairs else []
        shape = len(pairs), *self.cube.shape[:2]
        flags, gaps = Planes(self.strips, shape, flags), Planes(self.strips, shape)
        for number in range(len(pairs)):
            equal = KEPT - flags[number, :]
            candidates = (equal & 1).view(bool)
            equal = (equal[:, :-1] >> 1).view(bool)
            found = defects.solid_gaps(candidates, equal)
            gaps.take(number, 0, found.__getitem__)
        some = [n for n in range(len(pairs)) if any(part[n] for part in gaps.parts)]
        if not some:
            return
        stage = partial(_fluxes_beside, pairs=pairs, some=some)
        near = [gaps.around(rows, 1) for rows in self.strips]
        beside = scan(stage, [self.cube.data], self.strips, near)
        for number, parts in zip(some, zip(*beside, strict=True), strict=True):
            name, band, value = pairs[number]
            found = gaps[number, :] != KEPT
            sample = self.sample[:, :, band]
            found = defects.without_smooth_parts(sample, value, found, parts)
            self.taken.take(band, self.numbers[name], found.__getitem__)

    def find_lines(self):
        """Return the places of dark windows in each band."""
        skies = [sky_statistics(self._masked_sample(band)) for band in self.bands]
        blocks = self._run(partial(_dark_windows, skies=skies), defects.HALF)
        return [
            defects.dark_places([block for block in found if block is not None] or [{}])
            for found in zip(*blocks, strict=True)
        ]

    def take_bright(self, places, saturation, with_noise):
        """Let lines and saturation take values; return the noise in tiles, if asked."""
        stage = partial(
            _take_lines_and_saturation,
            places=places,
            saturation=saturation,
            numbers=self.numbers,
            with_noise=with_noise,
        )
        noise = self._run(stage, defects.SHORTEST_LINE)
        if not with_noise:
            return None
        noise = np.concatenate(noise)
        bands = [outliers.with_typical(noise[:, :, band]) for band in self.bands]
        return np.stack(bands, axis=-1)

    def find_outliers(self, noise):
        """Let outliers and trails take values."""
        number = self.numbers["outliers"]
        widths = outliers.narrowest_widths(self.cube)
        stage = partial(_take_outliers, noise=noise, widths=widths, number=number)
        self._run(stage, outliers.MARGIN)
        if not trails.may_show_trails(self.cube.shape):
            return
        excess = [
            trails.excess_noise(self._masked_sample(band), noise[:, :, band])
            for band in self.bands
        ]
        stage = partial(trails.trails_of_part, noise=noise, spread=noise * excess)
        parts = trails.parts_of_rows(self.cube.shape[0])
        for found in self._run(stage, trails.MARGIN * trails.BIN, parts):
            for (band, rows, columns), covered in found:

                def find(strip, rows=rows, columns=columns, covered=covered):
                    whole = np.zeros(
                        (strip.stop - strip.start, self.cube.shape[1]), bool
                    )
                    first = max(strip.start, rows.start)
                    last = max(first, min(strip.stop, rows.stop))
                    inside = slice(first - strip.start, last - strip.start)
                    whole[inside, columns] = covered[first - rows.start :][
                        : last - first
                    ]
                    return whole

                self.taken.take(band, number, find)

    def grow(self, distance):
        """Let what is near to taken values be taken."""
        before, reach = self.taken.copy(), int(distance)
        for band in self.bands:

            def find(strip, band=band):
                top = max(0, strip.start - reach)
                masked = before[band, top : strip.stop + reach] != KEPT
                inside = slice(strip.start - top, strip.stop - top)
                return defects.grown(masked, distance)[inside]

            self.taken.take(band, self.numbers["grow"], find)


def _run_stage(data, rows, near, stage):
    """Return what a stage finds, and the packed criteria of the strip."""
    stop = data.top + len(data.values)
    taken = Window(near[:, data.top : stop], data.top, len(data), axis=1)
    found = stage(data, taken, rows)
    return found, [_pack(plane) for plane in taken[:, rows]]


def _plane(window, values):
    """Return a window of one plane with the rows of another window."""
    return Window(values, window.top, len(window))


def _look(data, taken, rows, missing, zeros, pedestal):
    """Take what is missing; return the numbers of zeros and the flat values."""
    found = []
    for band, values in enumerate(taken[:, rows]):
        image = data[rows, :, band]
        _take(values, missing, np.isnan(image))
        is_zero = image == 0
        if zeros is not None:
            _take(values, zeros, is_zero)
        plane = _plane(data, data.values[:, :, band])
        flat = defects.flat_values(plane, rows) if pedestal else None
        found.append((np.count_nonzero(is_zero), flat))
    return found


def _different_values(data, rows, _, bands):
    return [defects.few_values(data[rows, :, band]) for band in bands]


def _flags_of_values(data, rows, _, pairs):
    """Return packed planes: which values a pixel has, and whether its right one too."""
    planes = []
    for _, band, value in pairs:
        image = data[rows, :, band]
        flags = (image == value).astype(np.uint8)
        flags[:, :-1] += np.uint8(2) * (image[:, 1:] == image[:, :-1])
        planes.append(_pack(KEPT - flags))
    return planes


def _fluxes_beside(data, rows, near, pairs, some):
    """Return the places and fluxes that touch gaps."""
    found = []
    top = max(0, rows.start - 1)
    for number in some:
        _, band, value = pairs[number]
        gaps = near[number, top : rows.stop + 1] != KEPT
        image = _plane(data, data.values[:, :, band])
        gaps = Window(gaps, top, len(data))
        found.append(defects.pixels_beside(image, value, gaps, rows))
    return found


def _dark_windows(data, taken, rows, skies):
    """Return the dark windows of each band, None of a band without noise."""
    found = []
    for band, (level, noise) in enumerate(skies):
        image = _plane(data, data.values[:, :, band])
        masked = _plane(data, taken.values[band] != KEPT)
        found.append(
            defects.dark_windows(image, masked, rows, level, noise)
            if noise > 0
            else None
        )
    return found


def _take_lines_and_saturation(
    data, taken, rows, places, saturation, numbers, with_noise
):
    """Take lines and saturated values, around the strip too; return the noise."""
    slab = slice(data.top, data.top + len(data.values))
    for band, values in enumerate(taken.values):
        if places is not None:
            lines = defects.lines_of_rows(places[band], slab, data.shape[1])
            _take(values, numbers["lines"], lines)
        if saturation[band] < np.inf:
            bright = data.values[:, :, band] >= saturation[band]
            _take(values, numbers["saturation"], bright)
    if with_noise:
        bands = range(len(taken.values))
        noise = [outliers.noise_of_rows(data, taken, band, rows) for band in bands]
        return np.stack(noise, axis=-1)
    return None


def _take_outliers(data, taken, rows, noise, widths, number):
    """Take outliers."""
    for band, width in enumerate(widths):
        found = outliers.outliers_of_rows(data, taken, band, rows, noise, width)
        _take(taken[band, rows], number, found)


def take_faint(cube, taken, number, *, level, noise, least):
    """Let what is not bright enough for its noise be taken."""
    per_value = noise if np.ndim(noise) == 3 else None
    options = {"level": level, "least": least, "number": number}
    if per_value is None:
        options["per_band"] = noise
    stage = partial(_take_faint, **options)
    near = [taken.around(rows) for rows in taken.strips]
    arrays = [cube.data, per_value]
    taken.parts = list(scan(stage, arrays, taken.strips, near))


def _take_faint(data, noise, rows, near, level, least, number, per_band=None):
    """Return the packed criteria of a strip after faint values are taken."""
    taken, noise = near[:, rows], per_band if noise is None else noise[rows]
    for band, values in enumerate(taken):
        _take(values, number, find_faint(data[rows], noise, band, level[band], least))
    return [_pack(plane) for plane in taken]


def find_faint(data, noise, band, level, least):
    """Find the values of a band that are less than so many times their noise."""
    spread = np.broadcast_to(noise[..., band], data.shape[:2])
    signal = data[:, :, band] - data.dtype.type(level)
    return ~((spread > 0) & (signal >= least * spread))
