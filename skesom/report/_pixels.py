# SPDX-License-Identifier: BSD-3-Clause
"""One pass over the pixels: their two tables, and the numbers summed up on the way."""

from contextlib import ExitStack, closing
from typing import NamedTuple

import numpy as np
from astropy import units
from astropy.io import fits
from astropy.table import Column, Table
from astropy.wcs.utils import wcs_to_celestial_frame

from skesom._common.labels import SKY
from skesom.io import to_ascii

TABLES = "pixels.fits", "pixels_scaled.fits"
MAX_BANDS = 990  # FITS tables have at most 999 columns
_SAMPLE_SIZE = 200_000
_SEED = 0
_RESERVED = {"row", "column", "ra", "dec", "l", "b", "lon", "lat"} | {
    *("unit", "distance", "activation", "cluster")
}


class PixelSummary(NamedTuple):
    """What a pass over the pixels gives beside their tables."""

    distances: np.ndarray | None
    """Of each pixel to its nearest unit, shape (n_rows, n_columns), NaN if masked."""
    agreement: np.ndarray | None
    """Share of the runs of a consensus that agree on each pixel, NaN if masked."""
    sample: np.ndarray
    """Features of at most 200 000 pixels, shape (n_sampled, n_features)."""
    sample_labels: np.ndarray
    """Their labels."""
    means: np.ndarray
    """Means over the pixels of each cluster of row, column, fluxes and features, shape
    (2 + n_bands + n_features, n_clusters)."""


def pass_over_pixels(result, folder=None):
    """Look once at all pixels that are not masked; write their tables to a folder."""
    n_pixels = int(np.count_nonzero(result.label_map > SKY))
    chosen = _sampled(n_pixels)
    sums = _ClusterSums(int(result.label_map.max(initial=-1)) + 1)
    distances = agreement = None
    if result.som is not None:
        distances = np.full(result.label_map.shape, np.nan, dtype=np.float32)
    if hasattr(result.clusterer, "agreement_"):
        agreement = np.full(result.label_map.shape, np.nan, dtype=np.float32)
    sample, sample_labels, start = [], [], 0
    with ExitStack() as stack:
        files = []
        if folder is not None:
            opened = (_TableFile(folder / name, n_pixels) for name in TABLES)
            files = [stack.enter_context(closing(file)) for file in opened]
        for rows in result.strips():
            strip = _Strip(result, rows)
            if distances is not None:
                distances[rows][strip.valid] = strip.distances
            if agreement is not None:
                agreement[rows][strip.valid] = strip.agreement()
            first, last = np.searchsorted(chosen, [start, start + len(strip.labels)])
            places = chosen[first:last] - start
            sample.append(strip.features[places])
            sample_labels.append(strip.labels[places])
            start += len(strip.labels)
            sums.add(strip.labels, strip.numbers())
            for file, table in zip(files, strip.tables() if files else (), strict=True):
                file.write(table)
    return PixelSummary(
        distances,
        agreement,
        np.concatenate(sample),
        np.concatenate(sample_labels),
        sums.means(),
    )


def _sampled(n_pixels):
    """Return which pixels are sampled, ascending; the same for the same number."""
    if n_pixels <= _SAMPLE_SIZE:
        return np.arange(n_pixels)
    generator = np.random.default_rng(_SEED)
    pixels = generator.choice(n_pixels, _SAMPLE_SIZE, replace=False, shuffle=False)
    return np.sort(pixels)


class _Strip:
    """The pixels of a strip that are neither sky nor without data."""

    def __init__(self, result, rows):
        self._result, self._rows = result, rows
        self.valid = result.valid(rows)
        row, column = np.nonzero(self.valid)
        self.row = (row + rows.start).astype(np.int32)
        self.column = column.astype(np.int32)
        self.labels = result.label_map[rows][self.valid]
        self.fluxes = result.cube.data[rows][self.valid]
        self.features = result.features(rows)
        self.units = self.distances = None
        if result.som is not None:
            self.units, self.distances = result.nearest_units(self.features)

    def agreement(self):
        """Return the share of the runs of a consensus that agree."""
        if self._result.is_of_fit:
            return self._result.step.agreement_[self._rows][self.valid]
        if len(self.labels) == 0:
            return np.empty(0, dtype=np.float32)
        return self._result.clusterer.agreement(self.features)

    def numbers(self):
        """Return row, column, fluxes and features."""
        return [self.row, self.column, *self.fluxes.T, *self.features.T]

    def tables(self):
        """Return the rows of the table of results, and of that of the features."""
        place = [
            Column(self.row, "row", description="row of the pixel, from 0"),
            Column(self.column, "column", description="column of the pixel, from 0"),
        ]
        text = "cluster from 0, -1 is noise"
        cluster = Column(self.labels, "cluster", description=text)
        values = [*self._sky(), *self._fluxes(), *self._units()]
        return (
            Table([*place, *values, cluster], copy=False),
            Table([*place, *self._features(), cluster], copy=False),
        )

    def _sky(self):
        wcs = self._result.cube.wcs
        for name, values in sky_positions(wcs, self.column, self.row).items():
            text = f"{name} of the middle of the pixel"
            yield Column(values, name, unit=units.deg, description=text)

    def _fluxes(self):
        cube = self._result.cube
        names = column_names(cube.band_names)
        for number, values in enumerate(self.fluxes.T):
            unit, text = cube.band_units[number], f"flux in {cube.band_names[number]}"
            yield Column(values, names[number], unit=unit, description=text)

    def _units(self):
        if self.units is None:
            return
        text = "nearest unit of the map, from 0"
        yield Column(self.units.astype(np.int32), "unit", description=text)
        text = "distance to that unit, scaled features"
        yield Column(self.distances.astype(np.float32), "distance", description=text)
        epsilon = getattr(self._result.som, "epsilon_", None)
        if epsilon is not None:
            values = np.exp(-2 * (self.distances / epsilon) ** 2).astype(np.float32)
            text = "exp(-2 distance^2 / epsilon^2), 1 at the unit"
            yield Column(values, "activation", description=text)

    def _features(self):
        features = self._result.feature_names
        table = self.features.astype(self._result.cube.dtype, copy=False)
        for name, values, feature in zip(
            column_names(features), table.T, features, strict=True
        ):
            text = f"{feature} as the clusterer was given it"
            yield Column(values, name, description=text)


def column_names(names):
    """Return names of columns for bands that differ by more than their case."""
    taken, unique = set(_RESERVED), []
    for name in names:
        candidate, number = str(name), 1
        while candidate.lower() in taken:
            candidate = f"flux_{name}" if number == 1 else f"flux_{name}_{number}"
            number += 1
        taken.add(candidate.lower())
        unique.append(candidate)
    return unique


def sky_positions(wcs, column, row):
    """Return longitude and latitude in degrees by their names; none without a WCS."""
    if wcs is None:
        return {}
    names = ["lon", "lat"]
    try:
        frame = wcs_to_celestial_frame(wcs)
    except ValueError:  # of the Sun or a planet
        pass
    else:
        of_frame = list(frame.get_representation_component_names())[:2]
        names = of_frame if set(of_frame) <= _RESERVED else names
    sky = np.array(wcs.pixel_to_world_values(column, row), dtype=np.float64)
    if wcs.wcs.lng > wcs.wcs.lat:
        sky = sky[::-1]
    return dict(zip(names, sky, strict=True))


class _ClusterSums:
    """Sums over the pixels of each cluster, added up strip by strip."""

    def __init__(self, n_clusters):
        self._n_clusters = n_clusters
        self._sums = self._counts = 0

    def add(self, labels, columns):
        """Add the pixels of a strip."""
        inside = labels >= 0
        sums, counts = [], []
        for values in columns:
            known = inside & ~np.isnan(values)
            some = labels[known]
            sums.append(np.bincount(some, values[known], minlength=self._n_clusters))
            counts.append(np.bincount(some, minlength=self._n_clusters))
        self._sums = self._sums + np.array(sums)
        self._counts = self._counts + np.array(counts)

    def means(self):
        """Return the means of each column, NaN where nothing was added."""
        empty = np.full(self._sums.shape, np.nan)
        return np.divide(self._sums, self._counts, out=empty, where=self._counts > 0)


class _TableFile:
    """A FITS table that is written strip by strip and is never in memory as a whole."""

    def __init__(self, path, n_rows):
        self._path, self._n_rows = path, n_rows
        self._stream = None

    def write(self, table):
        """Append rows; the first ones decide on names, types and units."""
        if self._stream is None:
            self._stream = fits.StreamingHDU(str(self._path), self._header(table))
        rows = table.as_array()
        rows = rows.astype(rows.dtype.newbyteorder(">"), copy=False)
        if len(rows):
            self._stream.write(rows.view(np.uint8))  # BITPIX of tables counts bytes

    def _header(self, table):
        names = [to_ascii(name) for name in table.colnames]
        types = [column.dtype for column in table.itercols()]
        empty = np.empty(0, dtype=[*zip(names, types, strict=True)])
        header = fits.BinTableHDU(empty, name="PIXELS").header
        header["NAXIS2"] = self._n_rows
        for number, column in enumerate(table.itercols(), 1):
            comment = column.description
            if column.unit is not None:
                try:
                    header[f"TUNIT{number}"] = column.unit.to_string("fits")
                except ValueError:  # the standard has no electrons
                    comment += f" [{column.unit}]"
            header[f"TCOMM{number}"] = to_ascii(comment)
        return header

    def close(self):
        """Close the file."""
        if self._stream is not None:
            self._stream.close()
