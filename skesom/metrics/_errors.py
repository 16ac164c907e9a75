# SPDX-License-Identifier: BSD-3-Clause
"""Errors of a map: distances to units, folds, and the distortion of training."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from numbers import Real
from typing import Any, Literal

import numpy as np
from numpy.typing import ArrayLike
from scipy import sparse
from scipy.sparse.csgraph import dijkstra
from sklearn.base import BaseEstimator
from sklearn.utils._param_validation import Interval, StrOptions

from skesom._common.decorators import validate_params
from skesom._common.lazy import add_up
from skesom.metrics._map import Map, blocks, documented, mean_of, sums_of
from skesom.metrics._measure import Measure
from skesom.som.codebook import nearest_units
from skesom.som.metric import membership


@documented
def quantization_error(
    X: ArrayLike, codebook: ArrayLike | BaseEstimator, *, per_unit: bool = False
) -> float | Any:
    """Return the mean distance of the samples to their nearest unit.

    The distance ||x - w_c|| to the nearest unit c is Euclidean, not squared.

    Parameters
    ----------
    %(samples)s
    %(codebook)s
    %(mean)s

    Returns
    -------
    error : float or ndarray of shape (n_units,), dtype float64
        In the units of X; NaN without any sample.

    %(errors)s

    References
    ----------
    .. [1] Kohonen, T. (2001), "Self-Organizing Maps", Springer,
       doi:10.1007/978-3-642-56927-2

    Examples
    --------
    >>> from skesom.metrics import quantization_error
    >>> X, codebook = [[0, 0], [3, 4], [10, 1]], [[0, 0], [10, 0]]
    >>> quantization_error(X, codebook)
    2.0
    >>> quantization_error(X, codebook, per_unit=True)
    array([2.5, 1. ])
    """
    return _mean(_nearest_distances, X, Map(codebook), per_unit)


@documented
def topographic_error(
    X: ArrayLike,
    codebook: ArrayLike | BaseEstimator,
    connections: Any = None,
    *,
    per_unit: bool = False,
) -> float | Any:
    """Return the share of samples whose two nearest units are not connected.

    Where a map folds over itself, units far apart on it are near in the data.

    Parameters
    ----------
    %(connected)s
    per_unit : bool, default=False
        Whether to return the share among the samples of each unit.

    Returns
    -------
    error : float or ndarray of shape (n_units,), dtype float64
        From 0, the best, to 1; NaN for a map of one unit, or without any sample.

    %(errors)s

    References
    ----------
    .. [1] Kiviluoto, K. (1996), "Topology preservation in self-organizing maps", Proc.
       International Conference on Neural Networks, 294-299,
       doi:10.1109/ICNN.1996.548907

    Examples
    --------
    >>> from skesom.metrics import topographic_error
    >>> line = [[0, 1, 0], [1, 0, 1], [0, 1, 0]]  # 0 - 1 - 2
    >>> topographic_error([[0.1], [0.9], [1.8]], [[0.0], [1.0], [2.0]], line)
    0.0
    >>> topographic_error([[0.1], [0.9], [1.8]], [[0.0], [2.0], [1.0]], line)
    0.6666666666666666
    """
    return _mean(_folds, X, Map(codebook, connections), per_unit)


@documented
def kaski_lagus_error(
    X: ArrayLike,
    codebook: ArrayLike | BaseEstimator,
    connections: Any = None,
    *,
    per_unit: bool = False,
) -> float | Any:
    """Return the mean way from the samples over the map to their second nearest unit.

    The way of a sample x is ||x - w_c||, from x to its nearest unit c, plus the length
    of the shortest path from c to the second nearest unit along connections of the map,
    each of the length ||w_i - w_j||.

    Parameters
    ----------
    %(connected)s
    %(mean)s

    Returns
    -------
    error : float or ndarray of shape (n_units,), dtype float64
        In the units of X; infinite if no path joins the two units of a sample (in an
        evolving map); NaN for a map of one unit, or without any sample.

    %(errors)s

    References
    ----------
    .. [1] Kaski, S. & Lagus, K. (1996), "Comparing self-organizing maps", Artificial
       Neural Networks - ICANN 96, 809-814, doi:10.1007/3-540-61510-5_136

    Examples
    --------
    >>> from skesom.metrics import kaski_lagus_error
    >>> line = [[0, 1, 0], [1, 0, 1], [0, 1, 0]]  # 0 - 1 - 2
    >>> kaski_lagus_error([[0.25]], [[0.0], [1.0], [2.0]], line)  # 0.25 + 1
    1.25
    >>> kaski_lagus_error([[0.25]], [[0.0], [2.0], [1.0]], line)  # 0.25 + 2 + 1
    3.25
    """
    return _mean(_ways, X, Map(codebook, connections), per_unit)


def _mean(measure, X, som, per_unit):
    """Return the mean of a measure of samples, or their mean in each unit."""

    def of_block(X):
        winners, values = measure(X, som)
        return sums_of(values, winners, som.n_units, per_unit)

    return mean_of(*add_up(of_block, som.check_samples(X)))


def _nearest_distances(X, som):
    """Return the nearest unit of the samples that have one, and the distance."""
    winners, distances = nearest_units(X, som.codebook)
    known = winners >= 0
    return winners[known], distances[known]


def _folds(X, som):
    """Return the nearest units, and whether the second ones are not connected."""
    first, second, _ = _two_nearest(X, som)
    return first, ~som.connected(first, second)


def _ways(X, som):
    """Return the nearest units, and the ways over them to the second ones."""
    first, second, distances = _two_nearest(X, som)
    return first, distances + _paths(som, first, second)


def _two_nearest(X, som):
    """Return the two units nearest to the samples that have them, and the distance."""
    winners, distances = nearest_units(X, som.codebook, second=True)
    has_winners = winners[:, 1] >= 0
    first, second = winners[has_winners].T
    return first, second, distances[has_winners]


def _paths(som, first, second):
    """Return the lengths of the shortest paths between pairs of units on the map."""
    lengths = _gaps(som, first, second)
    # Between units that are connected there is no shorter path than the straight one.
    pairs_apart = np.flatnonzero(~som.connected(first, second))
    links = som.links.tocoo()
    gaps_of_links = _gaps(som, links.row, links.col)
    graph = sparse.csr_array((gaps_of_links, (links.row, links.col)), links.shape)
    # One search from each first unit finds the ways to all second units.
    units, unit_of_pair = np.unique(first[pairs_apart], return_inverse=True)
    order = np.argsort(unit_of_pair, kind="stable")
    ends = np.searchsorted(unit_of_pair[order], np.arange(len(units) + 1))
    for block in blocks(len(units), som.n_units):
        paths = dijkstra(graph, indices=units[block])
        in_block = order[ends[block.start] : ends[block.stop]]
        pairs = pairs_apart[in_block]
        lengths[pairs] = paths[unit_of_pair[in_block] - block.start, second[pairs]]
    return lengths


def _gaps(som, first, second):
    """Return the distances between pairs of units in the data."""
    gaps = som.codebook[first].astype(np.float64) - som.codebook[second]
    return np.sqrt(np.einsum("ij,ij->i", gaps, gaps))


@documented
@validate_params(
    {
        "sigma": [Interval(Real, 0, None, closed="neither")],
        "neighborhood": [StrOptions({"gaussian"}), callable],
        "per_unit": ["boolean"],
    },
    prefer_skip_nested_validation=True,
)
def distortion(
    X: ArrayLike,
    codebook: ArrayLike | BaseEstimator,
    connections: Any = None,
    *,
    positions: ArrayLike | None = None,
    distances: ArrayLike | None = None,
    sigma: float = 1.0,
    neighborhood: Literal["gaussian"] | Callable[..., Any] = "gaussian",
    per_unit: bool = False,
) -> float | Any:
    """Return the mean distortion of the samples: what training a map lowers.

    The distortion of a sample x is sum_i h(r_ci) ||x - w_i||^2 over all units i, where
    r_ci is the distance on the map from the nearest unit c, and h(r) is
    exp(-r^2 / (2 sigma^2)).

    Parameters
    ----------
    X : array-like of shape (n_samples, n_features)
        Samples; NaN marks missing features, a sample without any is left out. A squared
        distance over the present features is scaled up by n_features / n_present.
    %(lattice)s
    sigma : float, default=1.0
        Width of the neighborhood, in distances on the map.
    neighborhood : {"gaussian"} or callable, default="gaussian"
        A callable h(r, sigma) takes an array of distances, infinite without a path, and
        returns an array of weights.
    %(mean)s

    Returns
    -------
    distortion : float or ndarray of shape (n_units,), dtype float64
        In the squared units of X; NaN without any sample.

    %(errors)s

    Notes
    -----
    Sums are taken over the mean and spread of the samples of each unit [2]_: the time
    grows with n_samples + n_units^2.

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
    add = partial(_sums_at_units, codebook=som.codebook)
    hits, weights, differences, squares = add_up(add, X)
    # The squares about any unit are those about the mean of the samples, and that of
    # the way of the mean: no sample is needed twice. Sums are of differences to the
    # winner, because those of samples far from the origin would lose digits.
    shift = differences / np.where(weights > 0, weights, 1)
    means = som.codebook + shift
    scatters = (squares - weights * shift**2).sum(axis=1)
    totals = np.zeros(som.n_units)
    units_hit = np.flatnonzero(hits)
    for block in blocks(len(units_hit), som.n_units):
        units = units_hit[block]
        spread = np.repeat(scatters[units, None], som.n_units, axis=1)
        for feature, values_of_units in enumerate(som.codebook.T):
            gaps = means[units, feature, None] - values_of_units
            spread += weights[units, feature, None] * gaps**2
        map_distances = som.distances_from(units)
        if neighborhood == "gaussian":
            spread *= np.exp(-0.5 * (map_distances / sigma) ** 2)
        else:
            spread *= neighborhood(map_distances, sigma)
        totals[units] = spread.sum(axis=1)
    if per_unit:
        return mean_of(totals, hits)
    return mean_of(totals.sum(), hits.sum())


def _sums_at_units(X, codebook):
    """Add up samples at their winners.

    A sample counts n_features / n_present for each present feature.

    Parameters
    ----------
    X : ndarray of shape (n_samples, n_features)
    codebook : ndarray of shape (n_units, n_features)

    Returns
    -------
    hits : ndarray of shape (n_units,)
        Number of samples.
    weights, differences, squares : ndarray of shape (n_units, n_features)
        Sums of the weights of samples, and of their weighted differences to the winner
        and the squares of these.
    """
    n_units, n_features = codebook.shape
    winners, _ = nearest_units(X, codebook)
    has_winner = winners >= 0
    X = X[has_winner]
    winners = winners[has_winner]
    differences = X.astype(np.float64) - codebook[winners]
    is_present = ~np.isnan(differences)
    weights = is_present * (n_features / is_present.sum(axis=1, keepdims=True))
    differences[~is_present] = 0
    weighted = weights * differences
    hits = np.bincount(winners, minlength=n_units)
    add = membership(winners, n_units, np.ones(len(winners)))
    return hits, add @ weights, add @ weighted, add @ (weighted * differences)


MEASURES = (
    Measure(
        quantization_error,
        title="quantization error",
        greater_is_better=False,
        limits=(0.0, np.inf),
        words="mean distance of a sample to its nearest unit",
        needs_connections=False,
    ),
    Measure(
        topographic_error,
        title="topographic error",
        greater_is_better=False,
        limits=(0.0, 1.0),
        words="share of samples whose two nearest units are not linked",
    ),
    Measure(
        kaski_lagus_error,
        title="Kaski-Lagus error",
        greater_is_better=False,
        limits=(0.0, np.inf),
        words="mean way over the map to the second nearest unit",
    ),
    Measure(
        distortion,
        title="distortion",
        greater_is_better=False,
        limits=(0.0, np.inf),
        words="squared distances to all units, weighted by the neighborhood",
    ),
)
