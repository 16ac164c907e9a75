# SPDX-License-Identifier: BSD-3-Clause
"""Numbers that say how good a map and its clusters are."""

import numpy as np
from astropy.table import Table
from sklearn.metrics import (
    calinski_harabasz_score,
    davies_bouldin_score,
    silhouette_score,
)

from skesom.metrics import (
    continuity,
    kaski_lagus_error,
    topographic_error,
    trustworthiness,
)

_SLOW = 2_000  # rows of measures whose time grows with the square of the rows
_SEED = 0


def validity_indices(result, summary):
    """Return the table of the validity indices."""
    rows = _of_clusters(summary)
    if result.som is not None:
        rows = _of_map(result, summary) + rows
    names = ("index", "value", "better", "pixels", "meaning")
    types = (str, float, str, np.int64, str)
    table = Table(rows=rows, names=names, dtype=types)
    table["value"].info.format = ".6g"
    return table


def _of_map(result, summary):
    """Return the rows about the units of the map."""
    known = ~np.isnan(summary.distances)
    error = np.nan
    if known.any():
        error = float(np.mean(summary.distances, where=known, dtype=np.float64))
    rows = [
        (
            *("quantization error", error, "low", np.count_nonzero(known)),
            "mean distance of a pixel to its nearest unit",
        )
    ]
    measures = [
        ("topographic error", topographic_error, "low", None)
        + ("share of pixels whose two nearest units are not linked",),
        ("Kaski-Lagus error", kaski_lagus_error, "low", None)
        + ("mean way over the map from a pixel to its second nearest unit",),
        ("trustworthiness", trustworthiness, "high", _SLOW)
        + ("whether pixels that are near on the map are alike",),
        ("continuity", continuity, "high", _SLOW)
        + ("whether pixels that are alike are near on the map",),
    ]
    for name, measure, better, most, meaning in measures:
        sample = _some(summary.sample, most)
        value = _value(measure, sample, result.som)
        rows.append((name, value, better, len(sample), meaning))
    return rows


def _of_clusters(summary):
    """Return the rows about the clusters."""
    inside = summary.sample_labels >= 0
    inside &= ~np.isnan(summary.sample).any(axis=1)
    measures = [
        ("Davies-Bouldin index", davies_bouldin_score, "low", None)
        + ("width of clusters against their separation",),
        ("Calinski-Harabasz index", calinski_harabasz_score, "high", None)
        + ("variance between clusters against that within",),
        ("silhouette", silhouette_score, "high", _SLOW)
        + ("from -1 to 1, how much nearer pixels are to their own cluster",),
    ]
    rows = []
    for name, measure, better, most, meaning in measures:
        sample = _some(summary.sample[inside], most)
        labels = _some(summary.sample_labels[inside], most)
        value = np.nan
        if 2 <= len(np.unique(labels)) < len(labels):
            value = _value(measure, sample, labels)
        rows.append((name, value, better, len(sample), meaning))
    return rows


def _some(rows, most):
    """Return at most so many rows, the same ones of tables of the same length."""
    if most is None or len(rows) <= most:
        return rows
    chosen = np.random.default_rng(_SEED).choice(len(rows), most, replace=False)
    return rows[np.sort(chosen)]


def _value(measure, *arguments):
    """Return a measure, NaN where it cannot be told (a map of one unit)."""
    try:
        return float(measure(*arguments))
    except ValueError:
        return np.nan
