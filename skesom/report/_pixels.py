# SPDX-License-Identifier: BSD-3-Clause
"""One pass over the pixels: their tables, and what is summed up on the way."""

from contextlib import ExitStack
from typing import NamedTuple

import numpy as np
from astropy import units
from astropy.wcs.utils import wcs_to_celestial_frame

from skesom._common.labels import SKY
from skesom._common.pipelines import map_inside
from skesom.report._table_files import Column, open_table

_SAMPLE_SIZE = 200_000
_SEED = 0
_INT, _FLOAT, _DOUBLE = np.dtype(np.int32), np.dtype(np.float32), np.dtype(np.float64)


class PixelSummary(NamedTuple):
    """What a pass over the pixels gives beside their tables."""

    distances: np.ndarray | None
    """Of each pixel to its nearest unit, shape (n_rows, n_columns), NaN if masked."""
    sample: np.ndarray
    """Features of at most 200 000 pixels, shape (n_sampled, n_features)."""
    sample_labels: np.ndarray
    """Their labels."""
    centroids: dict
    """Means over the pixels of each cluster, arrays of length n_clusters by name."""
    agreement: np.ndarray | None
    """Share of the members of a consensus that agree on each pixel, NaN if masked;
    None of other clusterers."""


def pass_over_pixels(result, folder=None, tables=None):
    """Look once at all pixels that are not masked, strip by strip."""
    n_rows = int(np.count_nonzero(result.label_map > SKY))
    chosen = _sampled(n_rows)
    sums = _ClusterMeans(int(result.label_map.max(initial=-1)) + 1)
    sample, sample_labels, start = [], [], 0
    distances = None
    if result.som is not None:
        distances = np.full(result.label_map.shape, np.nan, dtype=_FLOAT)
    agreement = None
    if hasattr(result.clusterer, "agreement_"):
        agreement = np.full(result.label_map.shape, np.nan, dtype=_FLOAT)
    with ExitStack() as stack:
        write, write_scaled = _open_tables(stack, result, folder, tables, n_rows)
        for rows in result.strips():
            block = _Block(result, rows)
            if distances is not None:
                distances[rows][block.valid] = block.distances
            if agreement is not None:
                agreement[rows][block.valid] = block.agreement()
            first, last = np.searchsorted(chosen, [start, start + len(block.labels)])
            picked = chosen[first:last] - start
            sample.append(block.features[picked])
            sample_labels.append(block.labels[picked])
            start += len(block.labels)
            sums.add(block)
            write(*block.result_columns())
            write_scaled(*block.scaled_columns())
    return PixelSummary(
        distances,
        np.concatenate(sample),
        np.concatenate(sample_labels),
        sums.means(),
        agreement,
    )


def _sampled(n_rows):
    """Return which rows are sampled, ascending; the same for the same number."""
    if n_rows <= _SAMPLE_SIZE:
        return np.arange(n_rows)
    generator = np.random.default_rng(_SEED)
    rows = generator.choice(n_rows, _SAMPLE_SIZE, replace=False, shuffle=False)
    return np.sort(rows)


def _open_tables(stack, result, folder, tables, n_rows):
    """Return the functions that write rows of both tables."""
    if tables is None:
        return (lambda *values: None), (lambda *values: None)
    columns, scaled = result_columns(result), scaled_columns(result)
    return [
        stack.enter_context(open_table(folder / f"{name}.{tables}", some, n_rows))
        for name, some in (("pixels", columns), ("pixels_scaled", scaled))
    ]


def result_columns(result):
    """Return the columns of the table of results."""
    cube = result.cube
    columns = list(_PLACE)
    columns += [
        Column(name, _DOUBLE, units.deg, f"{name} of the middle of the pixel")
        for name in sky_names(cube.wcs)
    ]
    columns += [
        Column(name, cube.dtype, unit, f"flux in {band}")
        for name, band, unit in zip(
            column_names(cube.band_names), cube.band_names, cube.band_units, strict=True
        )
    ]
    if result.som is not None:
        columns.append(Column("unit", _INT, None, "nearest unit of the map, from 0"))
        columns.append(
            Column("distance", _FLOAT, None, "distance to that unit, scaled features")
        )
    if hasattr(result.som, "epsilon_"):
        text = "exp(-2 distance^2 / epsilon^2), 1 at the unit"
        columns.append(Column("activation", _FLOAT, None, text))
    return [*columns, _CLUSTER]


def scaled_columns(result):
    """Return the columns of the table of normalized results."""
    dtype = result.cube.dtype
    features = [
        Column(name, dtype, None, f"{feature} as the clusterer was given it")
        for name, feature in zip(
            column_names(result.feature_names), result.feature_names, strict=True
        )
    ]
    return [*_PLACE, *features, _CLUSTER]


_PLACE = (
    Column("row", _INT, None, "row of the pixel, from 0"),
    Column("column", _INT, None, "column of the pixel, from 0"),
)
_CLUSTER = Column("cluster", _INT, None, "cluster from 0, -1 is noise")
_RESERVED = {"row", "column", "ra", "dec", "l", "b", "lon", "lat"} | {
    *("unit", "distance", "activation", "cluster")
}


def column_names(names):
    """Return names of columns for bands, no two of them alike but for their case."""
    taken, unique = set(_RESERVED), []
    for name in names:
        candidate, number = str(name), 1
        while candidate.lower() in taken:
            candidate = f"flux_{name}" if number == 1 else f"flux_{name}_{number}"
            number += 1
        taken.add(candidate.lower())
        unique.append(candidate)
    return unique


def sky_names(wcs):
    """Return what longitude and latitude are called; none without a WCS."""
    if wcs is None:
        return []
    try:
        frame = wcs_to_celestial_frame(wcs)
    except ValueError:  # of the Sun or a planet
        return ["lon", "lat"]
    names = list(frame.get_representation_component_names())[:2]
    return names if set(names) <= _RESERVED else ["lon", "lat"]


class _Block:
    """The pixels of a strip that are not masked."""

    def __init__(self, result, rows):
        self._result, self._rows = result, rows
        self.valid = result.label_map[rows] > SKY
        row, column = np.nonzero(self.valid)
        self.row = (row + rows.start).astype(_INT)
        self.column = column.astype(_INT)
        self.labels = result.label_map[rows][self.valid]
        self.fluxes = result.cube.data[rows][self.valid]
        self.features = result.features(rows)
        self.sky = []
        wcs = result.cube.wcs
        if wcs is not None:
            self.sky = wcs.pixel_to_world_values(self.column, self.row)
            if wcs.wcs.lng > wcs.wcs.lat:
                self.sky = self.sky[::-1]
        self.units = self.distances = None
        if result.som is not None:
            self.units, self.distances = self._nearest()

    def _nearest(self):
        if len(self.labels) == 0:
            return np.empty(0, dtype=_INT), np.empty(0, dtype=_FLOAT)
        _, table = map_inside(self._result.clusterer, self.features)
        return self._result.som.winners(table, return_distance=True)

    def agreement(self):
        """Return the share of the members of a consensus that agree."""
        if self._result.is_of_fit:
            return self._result.step.agreement_[self._rows][self.valid]
        if len(self.labels) == 0:
            return np.empty(0, dtype=_FLOAT)
        return self._result.clusterer.agreement(self.features)

    def result_columns(self):
        """Return the values of the table of results, column by column."""
        values = [self.row, self.column, *self.sky, *self.fluxes.T]
        if self.units is not None:
            values += [self.units, self.distances]
        epsilon = getattr(self._result.som, "epsilon_", None)
        if epsilon is not None:
            values.append(np.exp(-2 * (self.distances / epsilon) ** 2))
        return [*values, self.labels]

    def scaled_columns(self):
        """Return the values of the table of normalized results."""
        return [self.row, self.column, *self.features.T, self.labels]


class _ClusterMeans:
    """Means over the pixels of each cluster."""

    def __init__(self, n_clusters):
        self._n_clusters = n_clusters
        self._sums, self._counts = {}, {}

    def add(self, block):
        """Add the pixels of a strip."""
        inside = block.labels >= 0
        labels = block.labels[inside]
        self._add("row", block.row[inside], labels)
        self._add("column", block.column[inside], labels)
        for kind, table in (("flux", block.fluxes), ("scaled", block.features)):
            for number, values in enumerate(table.T):
                self._add((kind, number), values[inside], labels)

    def _add(self, name, values, labels):
        known = ~np.isnan(values)
        if not known.all():
            values, labels = values[known], labels[known]
        sums = np.bincount(labels, values, minlength=self._n_clusters)
        counts = np.bincount(labels, minlength=self._n_clusters)
        self._sums[name] = self._sums.get(name, 0) + sums
        self._counts[name] = self._counts.get(name, 0) + counts

    def means(self):
        """Return the means by name, NaN where there was nothing."""
        return {
            name: np.divide(
                sums,
                self._counts[name],
                out=np.full(self._n_clusters, np.nan),
                where=self._counts[name] > 0,
            )
            for name, sums in self._sums.items()
        }
