# SPDX-License-Identifier: BSD-3-Clause
"""Whether neighbors on the map are neighbors in the data, and the reverse."""

from __future__ import annotations

from numbers import Integral
from typing import Any

import numpy as np
from numpy.typing import ArrayLike
from scipy.spatial.distance import cdist
from sklearn.base import BaseEstimator
from sklearn.utils._param_validation import Interval

from skesom._common.decorators import validate_params
from skesom._common.docstrings import fill_docstring
from skesom._common.lazy import in_memory
from skesom.metrics._map import Map, blocks, documented, mean_of, sums_of
from skesom.metrics._measure import Measure
from skesom.som.codebook import nearest_units

_constraints = {
    "n_neighbors": [Interval(Integral, 1, None, closed="left")],
    "per_unit": ["boolean"],
}
_shared = fill_docstring(
    sections="""\
Parameters
----------
X : array-like of shape (n_samples, n_features)
    Samples. One with a missing feature (NaN) is left out, because it has no rank.
%(lattice)s
n_neighbors : int, default=5
    Number k of neighbors, fewer than half of the samples.
%(mean)s

Returns
-------
preservation : float or ndarray of shape (n_units,), dtype float64
    From 0 to 1, the best; about 0.5 if the map is unrelated to the data. NaN for a
    unit without samples.

%(errors)s""",
    reference="""\
References
----------
.. [1] Venna, J. & Kaski, S. (2001), "Neighborhood preservation in nonlinear
   projection methods: an experimental study", Artificial Neural Networks - ICANN
   2001, 485-491, doi:10.1007/3-540-44668-0_68""",
)


@documented
@_shared
@validate_params(_constraints, prefer_skip_nested_validation=True)
def trustworthiness(
    X: ArrayLike,
    codebook: ArrayLike | BaseEstimator,
    connections: Any = None,
    *,
    positions: ArrayLike | None = None,
    distances: ArrayLike | None = None,
    n_neighbors: int = 5,
    per_unit: bool = False,
) -> float | Any:
    """Measure how far neighbors on the map are neighbors in the data.

    With n samples and k neighbors the trustworthiness is 1 - 2 / (n k (2 n - 3 k - 1))
    sum_x sum_y (r(x, y) - k), where y goes over the samples that are among the k
    nearest of x on the map but not in the data, and r is the rank of y by its distance
    from x in the data. A sample stands on the map where its nearest unit does.

    %(sections)s

    See Also
    --------
    continuity : The same with data and map exchanged.

    Notes
    -----
    Ties, as between all samples of a unit, count as the mean over all orders that they
    allow. The time grows with n^2 log n, the memory with n.

    %(reference)s

    Examples
    --------
    >>> import numpy as np
    >>> from skesom.metrics import trustworthiness
    >>> samples = np.array([[0.0], [1.0], [3.0], [7.0]])  # each is a unit
    >>> trustworthiness(samples, samples, positions=samples, n_neighbors=1)
    1.0
    >>> swapped = samples[[0, 2, 1, 3]]  # each neighbor has rank 2 in the data
    >>> trustworthiness(samples, samples, positions=swapped, n_neighbors=1)
    0.5
    """
    som = Map(codebook, connections, positions=positions, distances=distances)
    return _preserved(X, som, n_neighbors, per_unit, by_map=True)


@documented
@_shared
@validate_params(_constraints, prefer_skip_nested_validation=True)
def continuity(
    X: ArrayLike,
    codebook: ArrayLike | BaseEstimator,
    connections: Any = None,
    *,
    positions: ArrayLike | None = None,
    distances: ArrayLike | None = None,
    n_neighbors: int = 5,
    per_unit: bool = False,
) -> float | Any:
    """Measure how far neighbors in the data are neighbors on the map.

    It is `trustworthiness` with data and map exchanged.

    %(sections)s

    See Also
    --------
    trustworthiness : With notes and an example.

    %(reference)s

    Examples
    --------
    >>> import numpy as np
    >>> from skesom.metrics import continuity
    >>> samples = np.array([[0.0], [1.0], [3.0], [7.0]])  # each is a unit
    >>> continuity(samples, samples, positions=samples, n_neighbors=1)
    1.0
    """
    som = Map(codebook, connections, positions=positions, distances=distances)
    return _preserved(X, som, n_neighbors, per_unit, by_map=False)


def _preserved(X, som, n_neighbors, per_unit, *, by_map):
    """Return one minus the ranks by which neighbors miss the other neighborhood."""
    X = in_memory(som.check_samples(X))
    X = X[~np.isnan(X).any(axis=1)]
    n_samples = len(X)
    if 2 * n_neighbors >= n_samples:
        raise ValueError(
            f"n_neighbors={n_neighbors} must be fewer than half of the samples without "
            f"missing features, of which there are {n_samples}."
        )
    winners, _ = nearest_units(X, som.codebook)
    order = np.argsort(winners, kind="stable")  # samples of a unit share its distances
    X = X[order].astype(np.float64)
    winners = winners[order]
    ranks = np.arange(n_samples)  # 0 is the sample itself
    is_neighbor = (ranks <= n_neighbors).astype(np.float64)
    excess = np.maximum(ranks - n_neighbors, 0).astype(np.float64)
    penalties = np.empty(n_samples)
    for block in blocks(n_samples, max(n_samples, som.n_units)):
        in_data = cdist(X[block], X)
        units, rows = np.unique(winners[block], return_inverse=True)
        on_map = som.distances_from(units)[:, winners][rows]
        itself = np.arange(len(rows)), ranks[block]
        in_data[itself] = on_map[itself] = -1  # first in both orders
        if by_map:
            neighbors = _mean_over_orders(on_map, is_neighbor)
            excesses = _mean_over_orders(in_data, excess)
        else:
            neighbors = _mean_over_orders(in_data, is_neighbor)
            excesses = _mean_over_orders(on_map, excess)
        penalties[block] = np.einsum("ij,ij->i", neighbors, excesses)
    scale = 2 / (n_neighbors * (2 * n_samples - 3 * n_neighbors - 1))
    return mean_of(*sums_of(1 - scale * penalties, winners, som.n_units, per_unit))


@documented
@validate_params({"per_unit": ["boolean"]}, prefer_skip_nested_validation=True)
def topographic_product(
    codebook: ArrayLike | BaseEstimator,
    connections: Any = None,
    *,
    positions: ArrayLike | None = None,
    distances: ArrayLike | None = None,
    per_unit: bool = False,
) -> float | Any:
    """Measure whether a map has fewer dimensions than its data, or more.

    Of the N units let a(j, k) be the k-th nearest to unit j on the map and v(j, k) that
    in the data, let D and d be the distances on the map and in the data, and ::

        P3(j, k) = prod_{l=1..k} [ d(j, a(j, l)) / d(j, v(j, l))
                                   D(j, a(j, l)) / D(j, v(j, l)) ]^(1 / 2k)

    The topographic product is the mean of log P3(j, k) over all j and k = 1..N-1.

    Parameters
    ----------
    %(lattice)s
    per_unit : bool, default=False
        Whether to return the mean over k for each unit j.

    Returns
    -------
    product : float or ndarray of shape (n_units,), dtype float64
        0 if neighborhoods are preserved; below 0 the map has too few dimensions, above
        0 too many. NaN without any pair of units to compare.

    %(errors)s

    Notes
    -----
    Units at random have a product near 0 too: look at `topographic_error` first. Ties
    count as the mean over all orders that they allow. Pairs of units at the same place,
    in the data or on the map, and pairs that no path joins are left out. The time grows
    with N^2 log N.

    References
    ----------
    .. [1] Bauer, H.-U. & Pawelzik, K. R. (1992), "Quantifying the neighborhood
       preservation of self-organizing feature maps", IEEE Trans. Neural Networks 3,
       570-579, doi:10.1109/72.143371

    Examples
    --------
    >>> import numpy as np
    >>> from skesom.metrics import topographic_product
    >>> line = np.array([[0.0], [1.0], [2.0], [3.0]])
    >>> topographic_product(2 * line, positions=line)
    0.0
    >>> folded = [[0, 0], [1, 0], [1, 1], [0, 1]]  # a line that fills a square
    >>> round(topographic_product(folded, positions=line), 4)
    -0.0482
    """
    som = Map(codebook, connections, positions=positions, distances=distances)
    products = _products(som)
    if per_unit:
        return products
    defined = products[~np.isnan(products)]
    return mean_of(defined.sum(), len(defined))


def _products(som):
    """Return the topographic product of each unit, NaN without any other to compare."""
    # With H(l) = 1 + 1/2 + .. + 1/l it is the sum over the other units i of [H(rank of
    # i in the data - 1) - H(that on the map - 1)] log(d_ij D_ij), over 2 (N - 1).
    n_units = som.n_units
    harmonic = np.concatenate([[0.0], np.cumsum(1 / np.arange(1, n_units))])
    codebook = som.codebook.astype(np.float64)
    products = np.full(n_units, np.nan)
    for block in blocks(n_units, n_units):
        in_data = cdist(codebook[block], codebook)
        on_map = som.distances_from(np.arange(block.start, block.stop))
        apart = (in_data > 0) & (on_map > 0) & np.isfinite(on_map)
        logs = np.log(in_data, out=np.zeros_like(in_data), where=apart)
        logs += np.log(on_map, out=np.zeros_like(on_map), where=apart)
        in_data[~apart] = on_map[~apart] = np.inf  # the last ranks
        gain = _mean_over_orders(in_data, harmonic)
        gain -= _mean_over_orders(on_map, harmonic)
        count = apart.sum(axis=1)
        total = np.einsum("ij,ij->i", gain, logs)
        np.divide(total, 2 * count, out=products[block], where=count > 0)
    return products


def _mean_over_orders(distances, of_rank):
    """Return the mean of a function of rank over all orders that ties allow."""
    order = np.argsort(distances, axis=1)
    ordered = np.take_along_axis(distances, order, axis=1)
    # Those of one distance share the ranks that they take together. Distances on a map
    # that is turned are the same but for rounding.
    first = np.ones(ordered.shape, dtype=bool)
    first[:, 1:] = ordered[:, 1:] > ordered[:, :-1] * (1 + 1e-9)
    begins = np.flatnonzero(first)
    sizes = np.diff(begins, append=first.size)
    values = np.broadcast_to(of_rank, distances.shape).ravel()
    means = np.repeat(np.add.reduceat(values, begins) / sizes, sizes)
    np.put_along_axis(ordered, order, means.reshape(ordered.shape), axis=1)
    return ordered


MEASURES = (
    Measure(
        trustworthiness,
        title="trustworthiness",
        greater_is_better=True,
        limits=(0.0, 1.0),
        words="whether samples that are near on the map are alike",
        min_samples=11,  # for five neighbors
        is_pairwise=True,
    ),
    Measure(
        continuity,
        title="continuity",
        greater_is_better=True,
        limits=(0.0, 1.0),
        words="whether samples that are alike are near on the map",
        min_samples=11,  # for five neighbors
        is_pairwise=True,
    ),
    Measure(
        topographic_product,
        title="topographic product",
        greater_is_better=None,
        limits=(-np.inf, np.inf),
        words="below 0 the map has too few dimensions for its data, above 0 too many",
    ),
)
