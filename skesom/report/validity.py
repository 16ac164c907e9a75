# SPDX-License-Identifier: BSD-3-Clause
"""The table of the validity indices of a report."""

import numpy as np
from astropy.table import Table
from scipy.sparse.csgraph import connected_components

from skesom.metrics.measures import CLUSTER_MEASURES, MAP_MEASURES

_OF_MAP = ("topographic_error", "kaski_lagus_error", "trustworthiness", "continuity")
_OF_CLUSTERS = ("davies_bouldin", "calinski_harabasz", "silhouette")
_MAX_PAIRWISE = 2_000  # for measures whose time grows with the square of the pixels
_SEED = 0


def validity_indices(result, pixel_summary):
    """Return the table of the validity indices of the map and of the clusters."""
    rows = []
    sample = pixel_summary.sample
    som = result.som
    if som is not None:
        rows.append(_quantization_error(pixel_summary.distances))
        for name in _OF_MAP:
            rows.append(_index_of_map(MAP_MEASURES[name], sample, som))
    labels = pixel_summary.sample_labels
    inside = (labels >= 0) & ~np.isnan(sample).any(axis=1)
    for name in _OF_CLUSTERS:
        measure = CLUSTER_MEASURES[name]
        rows.append(_index_of_clusters(measure, sample[inside], labels[inside]))
    table = Table(
        rows=rows,
        names=("index", "value", "better", "pixels", "meaning"),
        dtype=(str, float, str, np.int64, str),
    )
    table["value"].info.format = ".6g"
    return table


def _quantization_error(distances):
    """Return the row of the mean distance to the nearest unit, of all pixels."""
    is_known = ~np.isnan(distances)
    n_known = np.count_nonzero(is_known)
    mean = np.nan
    if n_known:
        mean = float(np.mean(distances, where=is_known, dtype=np.float64))
    return _row(MAP_MEASURES["quantization_error"], mean, n_known)


def _index_of_map(measure, sample, som):
    """Return the row of a measure of how well a map shows a sample."""
    rows = _rows_for(measure, sample)
    condition = ""
    try:
        if measure.name == "kaski_lagus_error":  # infinite where no way leads
            condition = ", where links lead there"
            rows = np.flatnonzero(_are_joined(sample, som))
        value = float(measure.function(sample[rows], som))
    except ValueError:  # of one unit, or of no pixel
        value = np.nan
    return _row(measure, value, len(rows), condition)


def _index_of_clusters(measure, sample, labels):
    """Return the row of a measure of how far clusters are apart."""
    rows = _rows_for(measure, sample)
    try:
        value = float(measure.function(sample[rows], labels[rows]))
    except ValueError:  # of one cluster, or of no pixel
        value = np.nan
    return _row(measure, value, len(rows))


def _rows_for(measure, sample):
    """Return which rows of a sample a measure takes: fewer if it compares pairs."""
    if not measure.is_pairwise or len(sample) <= _MAX_PAIRWISE:
        return np.arange(len(sample))
    generator = np.random.default_rng(_SEED)
    return np.sort(generator.choice(len(sample), _MAX_PAIRWISE, replace=False))


def _row(measure, value, n_pixels, condition=""):
    """Return the row of a value: its name, which way is better, and what it tells."""
    better = "high" if measure.greater_is_better else "low"
    # The samples of a run are its pixels.
    meaning = measure.words.replace("sample", "pixel") + condition
    return measure.title, value, better, n_pixels, meaning


def _are_joined(sample, som):
    """Return where a way over the map joins the two nearest units of a pixel."""
    _, components = connected_components(som.connections_, directed=False)
    first, second = som.winners(sample, k=2).T
    return components[first] == components[second]
