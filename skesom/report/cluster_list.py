# SPDX-License-Identifier: BSD-3-Clause
"""The table of the clusters of a report."""

import numpy as np
from astropy import units
from astropy.table import Column

from skesom._common.labels import means_by_cluster
from skesom.pixels import cluster_table
from skesom.report.pixel_columns import column_names, sky_positions


def cluster_list(result, pixel_summary, off_map=None):
    """Return the table of the clusters: sizes, mean position, fluxes, centroids.

    Of other images than those of the fit, also how much of them is off the map.
    """
    cube = result.cube
    label_map = result.label_map
    table = cluster_table(label_map, cube, subtract_sky=result.subtract_sky)
    ids = np.asarray(table["id"])
    means = pixel_summary.means[:, ids]  # rows are row, column, bands, features
    row = means[0]
    column = means[1]
    n_bands = len(cube.band_names)
    fluxes = means[2 : 2 + n_bands]
    features = means[2 + n_bands :]

    positions = _positions(cube.wcs, column, row)
    table.add_columns(positions, indexes=[3] * len(positions))
    identities = _identities(result, ids)
    table.add_columns(identities, indexes=[1] * len(identities))
    if pixel_summary.agreement is not None:
        table["agreement"] = Column(
            means_by_cluster(label_map, pixel_summary.agreement)[ids],
            format=".3f",
            description="mean agreement of the runs on a pixel and its neighbors",
        )
    if result.persistence is not None:
        table["persistence"] = Column(
            result.persistence[ids],
            format=".3f",
            description=(
                "share of the clusterings that hold the cluster apart from its nearest"
            ),
        )
    if off_map is not None:
        table["off_map"] = off_map.column(ids)
    for name, unit, flux in zip(cube.band_names, cube.band_units, fluxes, strict=True):
        table[f"{name}_mean"] = Column(
            flux,
            unit=unit,
            format=".4g",
            description=f"mean of {name} over the pixels of the cluster",
        )
    names = column_names(result.feature_names)
    for name, feature in zip(names, features, strict=True):
        table[f"{name}_scaled"] = Column(
            feature,
            format=".4f",
            description=f"mean of {name} as the clusterer was given it",
        )
    return table


def _positions(wcs, column, row):
    """Return the columns of mean positions in pixels and, with a WCS, on the sky."""
    columns = [
        Column(
            row,
            "mean_row",
            format=".2f",
            description="mean row of the pixels, from 0",
        ),
        Column(
            column,
            "mean_column",
            format=".2f",
            description="mean column of the pixels, from 0",
        ),
    ]
    for name, values in sky_positions(wcs, column, row).items():
        columns.append(
            Column(values, name, unit=units.deg, description="of the mean place")
        )
    return columns


def _identities(result, ids):
    """Return the columns of names of clusters, and of the clusters of the run."""
    names = [result.names[number] for number in ids]
    colors = [result.groups[number].color for number in ids]
    labels = [result.labels_text(number) for number in ids]
    return [
        Column(names, "name", dtype=str, description="name, or number without one"),
        Column(colors, "color", dtype=str, description="in all pictures"),
        Column(labels, "labels", dtype=str, description="clusters of the run in it"),
    ]
