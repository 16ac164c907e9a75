# SPDX-License-Identifier: BSD-3-Clause
"""The tables of the pixels, written in one pass; of the clusters; of the indices."""

import warnings
from contextlib import ExitStack, closing
from itertools import islice
from typing import NamedTuple

import numpy as np
from astropy import units
from astropy.io import fits
from astropy.table import Column, Table, vstack
from astropy.wcs.utils import wcs_to_celestial_frame
from joblib import cpu_count
from scipy.sparse.csgraph import connected_components
from sklearn.utils import gen_batches

from skesom._common.labels import SKY, known_sums, means_by_cluster
from skesom._common.texts import unique_names
from skesom._common.thread_pools import in_threads
from skesom._common.threads import one_thread
from skesom._sky.header_cards import to_ascii
from skesom.io.label_maps import short_ascii
from skesom.maps.neighbor_agreement import agreement_with_neighbors
from skesom.metrics.measures import CLUSTER_MEASURES, MAP_MEASURES
from skesom.pixels import cluster_table

TABLES = "pixels.fits", "pixels_scaled.fits"
_MAX_BANDS = 990  # FITS tables have at most 999 columns
_MAX_PIXELS = 10_000_000  # of nine bands, whose tables are 1.2 GB
_SAMPLE_SIZE = 200_000
_SEED = 0
_MAX_PAIRWISE = 2_000  # for measures whose time grows with the square of the pixels
_OF_MAP = "topographic_error", "kaski_lagus_error", "trustworthiness", "continuity"
_OF_CLUSTERS = "davies_bouldin", "calinski_harabasz", "silhouette"
_RESERVED = {"row", "column", "ra", "dec", "l", "b", "lon", "lat"} | {
    *("unit", "distance", "activation", "cluster")
}


class PixelSummary(NamedTuple):
    """Results of a pass over the pixels, beside their tables."""

    distances: np.ndarray | None  # of each pixel to its nearest unit, NaN if masked
    agreement: np.ndarray | None  # of the runs on it and beside it, NaN if masked
    sample: np.ndarray  # features of at most 200 000 pixels, a row for each
    sample_labels: np.ndarray
    means: np.ndarray  # row, column, fluxes, features; a column for each cluster


class ChosenTables(NamedTuple):
    """Which tables a report has beside that of the clusters."""

    of_pixels: tuple[str, ...]  # of TABLES
    has_details: bool  # validity indices, and images of the clusters in each band
    why_no_pixels: str | None  # None also where nobody asked for them


def choose_tables(result, tables):
    """Return the tables to write of those asked for, True, False or "auto"."""
    has_details = tables is True
    if not tables:
        return ChosenTables((), has_details, None)
    n_bands = 1 if result.is_voxel else result.cube.shape[2]
    if max(n_bands, len(result.feature_names)) > _MAX_BANDS:
        reason = "FITS tables cannot have so many columns"
        return ChosenTables((), has_details, reason)
    n_pixels = np.count_nonzero(result.label_map > SKY)
    if tables == "auto" and n_pixels > _MAX_PIXELS:
        reason = f"tables of {n_pixels} pixels are gigabytes; tables=True writes them"
        return ChosenTables((), has_details, reason)
    if has_details:
        return ChosenTables(TABLES, has_details, None)
    return ChosenTables(TABLES[:1], has_details, None)


def pass_over_pixels(result, folder=None, names=()):
    """Look once at all pixels that are not masked; write some of TABLES to a folder."""
    label_map = result.label_map
    result.sky_level  # noqa: B018 - once, before several threads ask for it
    n_pixels = int(np.count_nonzero(label_map > SKY))
    is_sampled = _sampled(n_pixels)
    distances, agreement = None, result.agreement
    if result.som is not None:
        distances = np.full(label_map.shape, np.nan, dtype=np.float32)
    members_agree = result.agreement_of_fit is not None
    if members_agree and not result.is_of_fit:
        agreement = np.full(label_map.shape, np.nan, dtype=np.float32)
    n_clusters = int(label_map.max(initial=-1)) + 1

    def look(rows):
        """Return features, labels, sums and rows of the tables of a strip."""
        strip = _Strip(result, rows)
        if distances is not None:
            distances[rows][strip.valid] = strip.distances
        if agreement is not None and not result.is_of_fit:
            agreement[rows][strip.valid] = strip.agreement()
        tables = [*islice(strip.tables(), len(files))]
        return strip.features, strip.labels, strip.totals(n_clusters), tables

    sample, sample_labels, start, totals = [], [], 0, 0
    with ExitStack() as stack:
        opened = [closing(_TableFile(folder / name, n_pixels)) for name in names]
        files = [stack.enter_context(file) for file in opened]
        for features, labels, of_strip, tables in in_order(look, result.strips()):
            taken = is_sampled[start : start + len(labels)]
            sample.append(features[taken])
            sample_labels.append(labels[taken])
            start += len(labels)
            totals = totals + of_strip
            for file, table in zip(files, tables, strict=True):
                file.write(table)
    if agreement is not None and not (result.is_of_fit or result.is_voxel):
        agreement = agreement_with_neighbors(agreement, result.run_label_map)
    sums, counts = totals
    means = np.full(sums.shape, np.nan)
    np.divide(sums, counts, out=means, where=counts > 0)
    sampled = np.concatenate(sample), np.concatenate(sample_labels)
    return PixelSummary(distances, agreement, *sampled, means)


def table_of_pixels(result):
    """Return the table with a row for each pixel that is not masked, in memory."""
    result.sky_level  # noqa: B018 - once, before several threads ask for it

    def look(rows):
        return next(iter(_Strip(result, rows).tables()))

    return vstack(list(in_order(look, result.strips())))


def in_order(function, strips):
    """Yield the results of a function for strips, as many at once as processors."""

    def alone(rows):
        with one_thread():  # kernels with more threads would wait for each other
            return function(rows)

    strips = list(strips)
    for group in gen_batches(len(strips), cpu_count()):
        yield from in_threads(alone, strips[group], n_jobs=-1)


def _sampled(n_pixels):
    """Return whether each pixel is sampled; the same for the same number."""
    if n_pixels <= _SAMPLE_SIZE:
        return np.ones(n_pixels, dtype=bool)
    is_sampled = np.zeros(n_pixels, dtype=bool)
    generator = np.random.default_rng(_SEED)
    pixels = generator.choice(n_pixels, _SAMPLE_SIZE, replace=False, shuffle=False)
    is_sampled[pixels] = True
    return is_sampled


class _Strip:
    """The pixels of a strip that are neither sky nor without data."""

    def __init__(self, result, rows):
        self._result, self._rows = result, rows
        self.valid = result.valid(rows)
        row, column, *self._bands = np.nonzero(self.valid)  # bands of voxels only
        self.row = (row + rows.start).astype(np.int32)
        self.column = column.astype(np.int32)
        self.labels = result.label_map[rows][self.valid]
        self.part = result.part(rows)
        self.features = result.features(rows)
        if result.som is not None:
            self.units, self.distances = result.nearest_units(rows, self.features)

    def agreement(self):
        """Return the share of the runs of a consensus that agree."""
        if len(self.labels) == 0:
            return np.empty(0, dtype=np.float32)
        errors = self._result.errors(self._rows)
        return self._result.clusterer.agreement(self.features, errors)

    def totals(self, n_clusters):
        """Return sum and count of row, column, fluxes and features in each cluster."""
        labels = self.labels.astype(np.intp) + 1  # 0 is in no cluster
        own = [(labels, values) for values in (self.row, self.column, *self.features.T)]
        own[2:2] = self._fluxes(labels)
        return np.stack([known_sums(*each, n_clusters) for each in own], axis=1)

    def _part_above_sky(self):
        """Return the fluxes of the strip, which count from the sky if it is known."""
        return self._result.above_sky(self.part).data

    def _fluxes(self, labels):
        """Return labels and fluxes of the pixels or voxels of each band."""
        fluxes = self._part_above_sky()[self.valid]
        if not self._bands:
            return [(labels, of_band) for of_band in fluxes.T]
        bands = (self._bands[0] == band for band in range(self.part.shape[2]))
        return [(labels[own], fluxes[own]) for own in bands]

    def tables(self):
        """Yield the rows of the table of results, and of that of the features."""
        cube, names = self._result.cube, self._result.feature_names
        text, bands, band_units = "flux in {}", cube.band_names, cube.band_units
        place = [
            Column(self.row, "row", description="row of the pixel, from 0"),
            Column(self.column, "column", description="column of the pixel, from 0"),
        ]
        positions = sky_positions(cube.wcs, self.column, self.row)
        middle = "{} of the middle of the pixel"
        sky = [
            Column(values, name, unit=units.deg, description=middle.format(name))
            for name, values in positions.items()
        ]
        for band in self._bands:
            about = "number of the band from 0, see BANDS in cluster_map.fits"
            place.append(Column(band.astype(np.int32), "band", description=about))
            text, bands = "{} in that band", ["flux"]
            band_units = band_units[:1] * (len(set(band_units)) == 1)
        fluxes = self._part_above_sky()[self.valid]
        fluxes = fluxes.reshape(len(self.labels), len(bands))
        if np.isfinite(self._result.sky_level).any():
            text += " above the sky"
        fluxes = _columns(text, bands, fluxes, band_units)
        text = "cluster from 0, -1 is noise"
        cluster = Column(self.labels, "cluster", description=text)
        yield Table([*place, *sky, *fluxes, *self._units(), cluster], copy=False)
        features = self.features.astype(cube.dtype, copy=False)
        scaled = _columns("{} as the clusterer was given it", names, features)
        yield Table([*place, *scaled, cluster], copy=False)

    def _units(self):
        if self._result.som is None:
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


def _columns(text, names, table, band_units=None):
    """Return the columns of values of bands or features."""
    band_units = band_units or [None] * len(names)
    return [
        Column(values, column, unit=unit, description=text.format(name))
        for name, column, values, unit in zip(
            names, column_names(names), table.T, band_units, strict=True
        )
    ]


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
    try:
        frame = wcs_to_celestial_frame(wcs)
    except ValueError:  # of the Sun or a planet
        names = []
    else:
        names = list(frame.get_representation_component_names())[:2]
    if not names or not set(names) <= _RESERVED:
        names = ["lon", "lat"]
    sky = np.array(wcs.pixel_to_world_values(column, row), dtype=np.float64)
    if wcs.wcs.lng > wcs.wcs.lat:
        sky = sky[::-1]
    return dict(zip(names, sky, strict=True))


class _TableFile:
    """A FITS table that is written strip by strip and is never in memory as a whole."""

    def __init__(self, path, n_rows):
        self._path, self._n_rows, self._stream = path, n_rows, None

    def write(self, table):
        """Append rows; the first ones decide on names, types and units."""
        if self._stream is None:
            self._stream = fits.StreamingHDU(str(self._path), self._header(table))
        types = [(c.name, c.dtype.newbyteorder(">")) for c in table.itercols()]
        rows = np.empty(len(table), dtype=types)
        for column in table.itercols():
            rows[column.name] = column
        if len(rows):
            self._stream.write(rows.view(np.uint8))  # BITPIX of tables counts bytes

    def _header(self, table):
        names = unique_names(map(short_ascii, table.colnames))
        types = [column.dtype for column in table.itercols()]
        empty = np.empty(0, dtype=[*zip(names, types, strict=True)])
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", fits.verify.VerifyWarning)  # as write_map
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


def cluster_list(result, summary, off_map=None):
    """Return the table of the clusters: sizes, mean place, fluxes, centroids.

    Of other images than those of the fit, also how much of them is off the map.
    """
    cube = result.cube
    table = cluster_table(result.label_map, cube, subtract_sky=result.subtract_sky)
    row, column, *means = summary.means[:, np.asarray(table["id"])]
    place = {}
    for name, values in (("row", row), ("column", column)):
        text = f"mean {name} of the pixels, from 0"
        place[f"mean_{name}"] = Column(values, format=".2f", description=text)
    for name, values in sky_positions(cube.wcs, column, row).items():
        place[name] = Column(values, unit=units.deg, description="of the mean place")
    table.add_columns([*place.values()], [3] * len(place), [*place])
    table.add_columns(_identities(result, table["id"]), [1, 1, 1])
    if summary.agreement is not None:
        values = means_by_cluster(result.label_map, summary.agreement)[table["id"]]
        text = "mean agreement of the runs on a pixel and its neighbors"
        table["agreement"] = Column(values, format=".3f", description=text)
    if result.persistence is not None:
        values = result.persistence[table["id"]]
        text = "share of the clusterings that hold the cluster apart from its nearest"
        table["persistence"] = Column(values, format=".3f", description=text)
    if off_map is not None:
        table["off_map"] = off_map.column(table["id"])
    for name, unit in zip(cube.band_names, cube.band_units, strict=True):
        text = f"mean of {name} over the pixels of the cluster"
        table[f"{name}_mean"] = Column(
            means.pop(0), unit=unit, format=".4g", description=text
        )
    for name, values in zip(column_names(result.feature_names), means, strict=True):
        text = f"mean of {name} as the clusterer was given it"
        table[f"{name}_scaled"] = Column(values, format=".4f", description=text)
    return table


def _identities(result, ids):
    """Return the columns of names of clusters, and of their parts."""
    names = [result.names[number] for number in ids]
    colors = [result.groups[number].color for number in ids]
    labels = [result.labels_text(number) for number in ids]
    return [
        Column(names, "name", dtype=str, description="name, or number without one"),
        Column(colors, "color", dtype=str, description="in all pictures"),
        Column(labels, "labels", dtype=str, description="clusters of the run in it"),
    ]


def validity_indices(result, summary):
    """Return the table of the validity indices of the map and of the clusters."""
    rows = []
    sample, labels = summary.sample, summary.sample_labels
    if result.som is not None:
        known = ~np.isnan(summary.distances)
        mean, n_known = np.nan, np.count_nonzero(known)
        if n_known:
            mean = np.mean(summary.distances, where=known, dtype=np.float64)
        measure = MAP_MEASURES["quantization_error"]
        rows.append(_index_row(measure, float(mean), n_known))
        for name in _OF_MAP:
            rows.append(_measured(MAP_MEASURES[name], sample, som=result.som))
    inside = (labels >= 0) & ~np.isnan(sample).any(axis=1)
    sample, labels = sample[inside], labels[inside]
    for name in _OF_CLUSTERS:
        rows.append(_measured(CLUSTER_MEASURES[name], sample, labels=labels))
    names = ("index", "value", "better", "pixels", "meaning")
    table = Table(rows=rows, names=names, dtype=(str, float, str, np.int64, str))
    table["value"].info.format = ".6g"
    return table


def _measured(measure, sample, *, som=None, labels=None):
    """Return the row of a measure, which takes labels or a map beside the sample."""
    rows = np.arange(len(sample))
    if measure.is_pairwise and len(sample) > _MAX_PAIRWISE:
        rng = np.random.default_rng(_SEED)
        rows = np.sort(rng.choice(len(sample), _MAX_PAIRWISE, replace=False))
    where = ""
    try:
        if measure.name == "kaski_lagus_error":  # infinite where no way leads
            where = ", where links lead there"
            rows = np.flatnonzero(_are_joined(sample, som))
        value = float(
            measure.function(sample[rows], som if labels is None else labels[rows])
        )
    except ValueError:  # of one unit, of one cluster, or of no pixel
        value = np.nan
    return _index_row(measure, value, len(rows), where)


def _index_row(measure, value, n_pixels, where=""):
    """Return the row of a value: its name, which way is better, and what it tells."""
    better = "high" if measure.greater_is_better else "low"
    # The samples of a run are its pixels.
    meaning = measure.words.replace("sample", "pixel") + where
    return measure.title, value, better, n_pixels, meaning


def _are_joined(sample, som):
    """Return where a way over the map joins the two nearest units of a pixel."""
    _, parts = connected_components(som.connections_, directed=False)
    first, second = som.winners(sample, k=2).T
    return parts[first] == parts[second]
