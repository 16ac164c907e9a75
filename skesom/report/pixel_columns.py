# SPDX-License-Identifier: BSD-3-Clause
"""The columns of the tables of pixels: positions, fluxes, units, features."""

import numpy as np
from astropy import units
from astropy.table import Column, Table
from astropy.wcs.utils import wcs_to_celestial_frame

from skesom._common.labels import known_sums

_RESERVED = {
    "row",
    "column",
    "ra",
    "dec",
    "l",
    "b",
    "lon",
    "lat",
    "unit",
    "distance",
    "activation",
    "cluster",
}


class StripOfPixels:
    """The pixels of a strip that are neither sky nor without data.

    Those of a label map of voxels are voxels.
    """

    def __init__(self, result, rows):
        self._result = result
        self._rows = rows
        self.valid = result.valid(rows)
        row, column, *band_of_voxels = np.nonzero(self.valid)
        self.row = (row + rows.start).astype(np.int32)
        self.column = column.astype(np.int32)
        self.band = band_of_voxels[0] if band_of_voxels else None
        self.labels = result.label_map[rows][self.valid]
        self.cube = result.part(rows)
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
        """Return the sums and the counts of all values in each cluster.

        Shape (2, n_values, n_clusters); the values are row, column, the fluxes of the
        bands, and the features.
        """
        numbers = self.labels.astype(np.intp) + 1  # 0 is in no cluster
        totals = [
            known_sums(numbers, self.row, n_clusters),
            known_sums(numbers, self.column, n_clusters),
        ]
        fluxes = self._fluxes()
        if self.band is None:
            for flux in fluxes.T:
                totals.append(known_sums(numbers, flux, n_clusters))
        else:
            for band in range(self.cube.shape[2]):
                inside = self.band == band
                totals.append(known_sums(numbers[inside], fluxes[inside], n_clusters))
        for feature in self.features.T:
            totals.append(known_sums(numbers, feature, n_clusters))
        return np.stack(totals, axis=1)

    def _fluxes(self):
        """Return the fluxes, which count from the sky if its level is known.

        Shape (n_pixels, n_bands), or (n_voxels,).
        """
        return self._result.above_sky(self.cube).data[self.valid]

    def table(self):
        """Return the rows of the table of pixels."""
        columns = [
            *self._position_columns(),
            *self._sky_columns(),
            *self._flux_columns(),
            *self._unit_columns(),
            self._cluster_column(),
        ]
        return Table(columns, copy=False)

    def table_of_features(self):
        """Return the rows of the table of what the clusterer was given."""
        names = self._result.feature_names
        features = self.features.astype(self._result.cube.dtype, copy=False)
        columns = [
            *self._position_columns(),
            *_value_columns("{} as the clusterer was given it", names, features),
            self._cluster_column(),
        ]
        return Table(columns, copy=False)

    def _position_columns(self):
        columns = [
            Column(self.row, "row", description="row of the pixel, from 0"),
            Column(self.column, "column", description="column of the pixel, from 0"),
        ]
        if self.band is not None:
            text = "number of the band from 0, see BANDS in cluster_map.fits"
            band = self.band.astype(np.int32)
            columns.append(Column(band, "band", description=text))
        return columns

    def _sky_columns(self):
        """Return right ascension and declination, or what the WCS has instead."""
        positions = sky_positions(self._result.cube.wcs, self.column, self.row)
        columns = []
        for name, values in positions.items():
            text = f"{name} of the middle of the pixel"
            columns.append(Column(values, name, unit=units.deg, description=text))
        return columns

    def _flux_columns(self):
        """Return a column for each band, or one for the fluxes of all voxels."""
        cube = self._result.cube
        fluxes = self._fluxes()
        if self.band is None:
            text = "flux in {}"
            names = cube.band_names
            band_units = cube.band_units
        else:
            text = "{} in that band"
            names = ["flux"]
            fluxes = fluxes[:, np.newaxis]
            has_one_unit = len(set(cube.band_units)) == 1
            band_units = cube.band_units[:1] if has_one_unit else None
        if np.isfinite(self._result.sky_level).any():
            text += " above the sky"
        return _value_columns(text, names, fluxes, band_units)

    def _unit_columns(self):
        """Return the nearest unit of the map and what belongs to it; none without."""
        som = self._result.som
        if som is None:
            return []
        columns = [
            Column(
                self.units.astype(np.int32),
                "unit",
                description="nearest unit of the map, from 0",
            ),
            Column(
                self.distances.astype(np.float32),
                "distance",
                description="distance to that unit, scaled features",
            ),
        ]
        epsilon = getattr(som, "epsilon_", None)
        if epsilon is not None:
            activation = np.exp(-2 * (self.distances / epsilon) ** 2)
            text = "exp(-2 distance^2 / epsilon^2), 1 at the unit"
            columns.append(
                Column(activation.astype(np.float32), "activation", description=text)
            )
        return columns

    def _cluster_column(self):
        text = "cluster from 0, -1 is noise"
        return Column(self.labels, "cluster", description=text)


def _value_columns(text, names, values, band_units=None):
    """Return the columns of values of bands or features, which `text` describes."""
    if band_units is None:
        band_units = [None] * len(names)
    columns = []
    for name, column_name, value, unit in zip(
        names, column_names(names), values.T, band_units, strict=True
    ):
        description = text.format(name)
        columns.append(Column(value, column_name, unit=unit, description=description))
    return columns


def column_names(names):
    """Return names of columns for bands that differ by more than their case."""
    taken = set(_RESERVED)
    unique = []
    for name in names:
        candidate = str(name)
        number = 1
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
