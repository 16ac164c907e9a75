# SPDX-License-Identifier: BSD-3-Clause
"""The table of the clusters, and that of the validity indices."""

import numpy as np
from astropy import units
from astropy.table import Column, Table
from sklearn.metrics import (
    calinski_harabasz_score,
    davies_bouldin_score,
    silhouette_score,
)

from skesom.io import cluster_table
from skesom.metrics import (
    continuity,
    kaski_lagus_error,
    topographic_error,
    trustworthiness,
)
from skesom.report._pixels import column_names, sky_positions

_FEW = 2_000  # for measures whose time grows with the square of the pixels
_SEED = 0
_OF_MAP = (
    ("topographic error", topographic_error, "low", None)
    + ("share of pixels whose two nearest units are not linked",),
    ("Kaski-Lagus error", kaski_lagus_error, "low", None)
    + ("mean way over the map from a pixel to its second nearest unit",),
    ("trustworthiness", trustworthiness, "high", _FEW)
    + ("whether pixels that are near on the map are alike",),
    ("continuity", continuity, "high", _FEW)
    + ("whether pixels that are alike are near on the map",),
)
_OF_CLUSTERS = (
    ("Davies-Bouldin index", davies_bouldin_score, "low", None)
    + ("width of clusters against their separation",),
    ("Calinski-Harabasz index", calinski_harabasz_score, "high", None)
    + ("variance between clusters against that within",),
    ("silhouette", silhouette_score, "high", _FEW)
    + ("from -1 to 1, how much nearer pixels are to their own cluster",),
)


def cluster_list(result, summary):
    """Return the table of the clusters: sizes, mean place, fluxes, centroids."""
    cube = result.cube
    table = cluster_table(result.label_map, cube)
    row, column, *means = summary.means[:, np.asarray(table["id"])]
    place = {}
    for name, values in (("row", row), ("column", column)):
        text = f"mean {name} of the pixels, from 0"
        place[f"mean_{name}"] = Column(values, format=".2f", description=text)
    for name, values in sky_positions(cube.wcs, column, row).items():
        place[name] = Column(values, unit=units.deg, description="of the mean place")
    table.add_columns([*place.values()], [3] * len(place), [*place])
    if summary.agreement is not None:
        values = _mean_agreement(summary.agreement, result.label_map)[table["id"]]
        text = "mean share of the runs that agree on a pixel"
        table["agreement"] = Column(values, format=".3f", description=text)
    for name, unit in zip(cube.band_names, cube.band_units, strict=True):
        text = f"mean of {name} over the pixels of the cluster"
        table[f"{name}_mean"] = Column(
            means.pop(0), unit=unit, format=".4g", description=text
        )
    for name, values in zip(column_names(result.feature_names), means, strict=True):
        text = f"mean of {name} as the clusterer was given it"
        table[f"{name}_scaled"] = Column(values, format=".4f", description=text)
    return table


def _mean_agreement(agreement, label_map):
    inside = label_map >= 0
    labels = label_map[inside]
    return np.bincount(labels, agreement[inside]) / np.maximum(np.bincount(labels), 1)


def validity_indices(result, summary):
    """Return the table of the validity indices of the map and of the clusters."""
    rows = []
    sample, labels = summary.sample, summary.sample_labels
    if result.som is not None:
        rows.append(_quantization_error(summary.distances))
        rows += [_measured(sample, None, result.som, *of) for of in _OF_MAP]
    inside = (labels >= 0) & ~np.isnan(sample).any(axis=1)
    sample, labels = sample[inside], labels[inside]
    rows += [_measured(sample, labels, None, *of) for of in _OF_CLUSTERS]
    names = ("index", "value", "better", "pixels", "meaning")
    table = Table(rows=rows, names=names, dtype=(str, float, str, np.int64, str))
    table["value"].info.format = ".6g"
    return table


def _quantization_error(distances):
    known = ~np.isnan(distances)
    n_known = np.count_nonzero(known)
    value = np.mean(distances, where=known, dtype=np.float64) if n_known else np.nan
    text = "mean distance of a pixel to its nearest unit"
    return "quantization error", float(value), "low", n_known, text


def _measured(sample, labels, som, name, measure, better, most, meaning):
    """Return the row of a measure, which takes labels or a map beside the sample."""
    rows = np.arange(len(sample))
    if most is not None and len(sample) > most:
        chosen = np.random.default_rng(_SEED).choice(len(sample), most, replace=False)
        rows = np.sort(chosen)
    try:
        value = float(measure(sample[rows], som if labels is None else labels[rows]))
    except ValueError:  # of one unit, of one cluster, or of no pixel
        value = np.nan
    return name, value, better, len(rows), meaning
