# SPDX-License-Identifier: BSD-3-Clause
"""The table of the clusters: sizes, fluxes, centroids."""

import numpy as np
from astropy import units
from astropy.table import Column

from skesom.io import cluster_table
from skesom.report._pixels import column_names, sky_names


def cluster_list(result, summary):
    """Return the table of the clusters."""
    table = cluster_table(result.label_map, result.cube)
    ids = np.asarray(table["id"])
    centroids = {name: values[ids] for name, values in summary.centroids.items()}
    place = [
        Column(centroids[name], f"mean_{name}", format=".2f", description=text)
        for name, text in (
            ("row", "mean row of the pixels, from 0"),
            ("column", "mean column of the pixels, from 0"),
        )
    ]
    wcs = result.cube.wcs
    if wcs is not None:
        sky = wcs.pixel_to_world_values(centroids["column"], centroids["row"])
        if wcs.wcs.lng > wcs.wcs.lat:
            sky = sky[::-1]
        place += [
            Column(values, name, unit=units.deg, description="of the mean place")
            for name, values in zip(sky_names(wcs), sky, strict=True)
        ]
    table.add_columns(place, indexes=[3] * len(place))
    if summary.agreement is not None:
        table["agreement"] = Column(
            _means(summary.agreement, result.label_map)[ids],
            format=".3f",
            description="mean share of the runs that agree on a pixel",
        )
    cube = result.cube
    for number, name in enumerate(cube.band_names):
        table[f"{name}_mean"] = Column(
            centroids["flux", number],
            unit=cube.band_units[number],
            format=".4g",
            description=f"mean of {name} over the pixels of the cluster",
        )
    for number, name in enumerate(column_names(result.feature_names)):
        table[f"{name}_scaled"] = Column(
            centroids["scaled", number],
            format=".4f",
            description=f"mean of {name} as the clusterer was given it",
        )
    return table


def _means(values, label_map):
    """Return the mean of the values of each cluster."""
    inside = label_map >= 0
    labels = label_map[inside]
    return np.bincount(labels, values[inside]) / np.maximum(np.bincount(labels), 1)
