# SPDX-License-Identifier: BSD-3-Clause
"""What training a map lowers: distances to all units, weighted by the neighborhood.

Samples enter by the moments of those of each unit, so a large table costs little more
than one search for its winners.
"""

from numbers import Real

import numpy as np
from sklearn.utils._param_validation import Interval, StrOptions, validate_params

from skesom.metrics._map import Map, blocks
from skesom.som._codebook import nearest_units


@validate_params(
    {
        "sigma": [Interval(Real, 0, None, closed="neither")],
        "neighborhood": [StrOptions({"gaussian"}), callable],
        "per_unit": ["boolean"],
    },
    prefer_skip_nested_validation=True,
)
def distortion(
    X,
    codebook,
    connections=None,
    *,
    positions=None,
    distances=None,
    sigma=1.0,
    neighborhood="gaussian",
    per_unit=False,
):
    """Return the mean distortion of the samples: what training a map lowers.

    The distortion of a sample x is sum_i h(r_ci) ||x - w_i||^2 over all units i, where
    r_ci is the distance on the map from the nearest unit c, and h(r) = exp(-r^2 / (2
    sigma^2)). A map of fixed sigma is trained to a small one.

    Parameters
    ----------
    X : array-like of shape (n_samples, n_features)
        Samples; NaN marks missing features, a sample without any is left out. A squared
        distance over the present features is scaled up by n_features / n_present.
    codebook : array-like of shape (n_units, n_features), or fitted map
        Weights of the units.
    connections : sparse or array-like of shape (n_units, n_units), default=None
        Which units are connected: the distance on the map is the number of connections
        to pass. By default ``connections_`` of a fitted map, if nothing else is given.
    positions : array-like of shape (n_units, n_dimensions), default=None
        Where units stand on the map: the distance is Euclidean.
    distances : array-like of shape (n_units, n_units), default=None
        Distances on the map, for instance on a torus.
    sigma : float, default=1.0
        Width of the neighborhood, in distances on the map.
    neighborhood : {"gaussian"} or callable, default="gaussian"
        A callable h(r, sigma) takes an array of distances, infinite where no path
        leads, and returns an array of weights.
    per_unit : bool, default=False
        Whether to return the mean over the samples of each unit.

    Returns
    -------
    distortion : float or ndarray of shape (n_units,), dtype float64
        In the squared units of X; NaN without any sample.

    Raises
    ------
    ValueError
        If the numbers of features or units differ, for infinite values, for missing
        values in the codebook, or unless one thing says how units lie on the map.

    Notes
    -----
    With the mean m_c of the n_c samples of a unit, their distortions add up to sum_i
    h(r_ci) (n_c ||m_c - w_i||^2 + sum_x ||x - m_c||^2) [2]_, so the time grows with
    n_samples + n_units^2, and the memory beside the samples with n_samples + n_units.

    References
    ----------
    .. [1] Kohonen, T. (2001), "Self-Organizing Maps", Springer,
       doi:10.1007/978-3-642-56927-2
    .. [2] Vesanto, J., Sulkava, M. & Hollmen, J. (2003), "On the decomposition of the
       self-organizing map distortion measure", Proc. Workshop on Self-Organizing Maps,
       11-16

    Examples
    --------
    >>> from skesom.metrics import distortion
    >>> X, codebook = [[1.0], [4.0]], [[0.0], [4.0]]
    >>> round(distortion(X, codebook, [[0, 1], [1, 0]]), 4)  # h(1) = 0.6065
    8.0816
    >>> (1 + 0.6065 * 9 + 0.6065 * 16) / 2
    8.08125
    """
    som = Map(codebook, connections, positions=positions, distances=distances)
    X = som.check_samples(X)
    winners, _ = nearest_units(X, som.codebook)
    weights, means, scatters = _moments(X, winners, som.n_units)
    weigh = _gaussian if neighborhood == "gaussian" else neighborhood
    hits = np.bincount(winners[winners >= 0], minlength=som.n_units)
    totals = np.zeros(som.n_units)
    hit = np.flatnonzero(hits)
    for block in blocks(len(hit), som.n_units):
        units = hit[block]
        spread = np.repeat(scatters[units, None], som.n_units, axis=1)
        for weight, mean, places in zip(
            weights[units].T, means[units].T, som.codebook.T, strict=True
        ):
            spread += weight[:, None] * (mean[:, None] - places) ** 2
        spread *= weigh(som.distances_from(units), sigma)
        totals[units] = spread.sum(axis=1)
    if per_unit:
        return np.where(hits > 0, totals, np.nan) / np.maximum(hits, 1)
    return float(totals.sum() / hits.sum()) if hits.any() else float("nan")


def _moments(X, winners, n_units):
    """Return how the samples of each unit spread about their mean.

    A sample with missing features counts n_features / n_present for each present one.
    """
    n_features = X.shape[1]
    n_present = sum(~np.isnan(column) for column in X.T)
    weights, means = np.zeros((2, n_units, n_features))
    scatters = np.zeros(n_units)
    for feature, column in enumerate(X.T):
        present = np.flatnonzero(~np.isnan(column))
        units, weight = winners[present], n_features / n_present[present]
        values = column[present].astype(np.float64)
        total = np.bincount(units, weight, n_units)
        sums = np.bincount(units, weight * values, n_units)
        mean = np.divide(sums, total, out=np.zeros(n_units), where=total > 0)
        scatters += np.bincount(units, weight * (values - mean[units]) ** 2, n_units)
        weights[:, feature], means[:, feature] = total, mean
    return weights, means, scatters


def _gaussian(distances, sigma):
    return np.exp(-0.5 * (distances / sigma) ** 2)
