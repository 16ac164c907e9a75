# SPDX-License-Identifier: BSD-3-Clause
"""Whether what is near on the map is near in the data, and the other way round."""

from numbers import Integral

import numpy as np
from scipy.spatial.distance import cdist
from sklearn.utils._param_validation import Interval, validate_params

from skesom.metrics._map import Map, averaged, blocks
from skesom.metrics._ranks import mean_over_orders
from skesom.som._codebook import nearest_units

_constraints = {
    "n_neighbors": [Interval(Integral, 1, None, closed="left")],
    "per_unit": ["boolean"],
}


@validate_params(_constraints, prefer_skip_nested_validation=True)
def trustworthiness(
    X,
    codebook,
    connections=None,
    *,
    positions=None,
    distances=None,
    n_neighbors=5,
    per_unit=False,
):
    """Tell how far neighbors on the map are neighbors in the data.

    With n samples and k neighbors the trustworthiness is 1 - 2 / (n k (2 n - 3 k - 1))
    sum_x sum_y (r(x, y) - k), where y goes over the samples that are among the k
    nearest of x on the map but not in the data, and r is the rank of y by its distance
    from x in the data. A sample stands on the map where its nearest unit does.

    Parameters
    ----------
    X : array-like of shape (n_samples, n_features)
        Samples. One with a missing feature (NaN) is left out, because it has no rank.
    codebook : array-like of shape (n_units, n_features), or fitted map
        Weights of the units.
    connections : sparse or array-like of shape (n_units, n_units), default=None
        Which units are connected: the distance on the map is the number of connections
        to pass. By default ``connections_`` of a fitted map, if nothing else is given.
    positions : array-like of shape (n_units, n_dimensions), default=None
        Where units stand on the map: the distance is Euclidean.
    distances : array-like of shape (n_units, n_units), default=None
        Distances on the map, for instance on a torus.
    n_neighbors : int, default=5
        Number k of neighbors, fewer than half of the samples.
    per_unit : bool, default=False
        Whether to return the mean over the samples of each unit: where the map can be
        trusted.

    Returns
    -------
    trustworthiness : float or ndarray of shape (n_units,), dtype float64
        From 0 to 1, the best; about 0.5 if the map is unrelated to the data. NaN for a
        unit without samples.

    Raises
    ------
    ValueError
        If the numbers of features or units differ, for infinite values, for missing
        values in the codebook, for too many neighbors, or unless one thing says how
        units lie on the map.

    See Also
    --------
    continuity : The same with data and map exchanged.

    Notes
    -----
    Ties, as between all samples of a unit, count as the mean over all orders that they
    allow. So the best value may not be reached where units hold more than k samples.
    The time grows with n^2 log n, the memory with n, because blocks of the
    distances are worked on.

    References
    ----------
    .. [1] Venna, J. & Kaski, S. (2001), "Neighborhood preservation in nonlinear
       projection methods: an experimental study", Artificial Neural Networks - ICANN
       2001, 485-491, doi:10.1007/3-540-44668-0_68

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


@validate_params(_constraints, prefer_skip_nested_validation=True)
def continuity(
    X,
    codebook,
    connections=None,
    *,
    positions=None,
    distances=None,
    n_neighbors=5,
    per_unit=False,
):
    """Tell how far neighbors in the data are neighbors on the map.

    This is the preservation of the original neighborhoods: 1 - 2 / (n k (2 n - 3 k -
    1)) sum_x sum_y (r(x, y) - k), where y goes over the samples that are among the k
    nearest of x in the data but not on the map, and r is the rank of y by its distance
    from x on the map.

    Parameters
    ----------
    X : array-like of shape (n_samples, n_features)
        Samples. One with a missing feature (NaN) is left out, because it has no rank.
    codebook : array-like of shape (n_units, n_features), or fitted map
        Weights of the units.
    connections, positions, distances : array-like, default=None
        How units lie on the map, one of the three as in `trustworthiness`.
    n_neighbors : int, default=5
        Number k of neighbors, fewer than half of the samples.
    per_unit : bool, default=False
        Whether to return the mean over the samples of each unit: where the map tears.

    Returns
    -------
    continuity : float or ndarray of shape (n_units,), dtype float64
        From 0 to 1, the best; about 0.5 if the map is unrelated to the data. NaN for a
        unit without samples.

    Raises
    ------
    ValueError
        As `trustworthiness`.

    See Also
    --------
    trustworthiness : The same with data and map exchanged; with notes and an example.

    References
    ----------
    .. [1] Venna, J. & Kaski, S. (2001), "Neighborhood preservation in nonlinear
       projection methods: an experimental study", Artificial Neural Networks - ICANN
       2001, 485-491, doi:10.1007/3-540-44668-0_68
    """
    som = Map(codebook, connections, positions=positions, distances=distances)
    return _preserved(X, som, n_neighbors, per_unit, by_map=False)


def _preserved(X, som, n_neighbors, per_unit, *, by_map):
    """Return one minus the scaled penalties of samples.

    A neighbor, on the map or else in the data, is penalized by the number of ranks by
    which it misses the neighborhood in the other.
    """
    X = som.check_samples(X)
    X = X[~np.isnan(X).any(axis=1)]
    n_samples = len(X)
    if 2 * n_neighbors >= n_samples:
        raise ValueError(
            f"n_neighbors={n_neighbors} must be fewer than half of the samples without "
            f"missing features, of which there are {n_samples}."
        )
    winners, _ = nearest_units(X, som.codebook)
    order = np.argsort(winners, kind="stable")  # samples of a unit share its distances
    X, winners = X[order].astype(np.float64), winners[order]
    ranks = np.arange(n_samples)  # 0 is the sample itself
    inside = (ranks <= n_neighbors).astype(np.float64)
    excess = np.maximum(ranks - n_neighbors, 0).astype(np.float64)
    penalties = np.empty(n_samples)
    for block in blocks(n_samples, max(n_samples, som.n_units)):
        in_data = cdist(X[block], X)
        units, rows = np.unique(winners[block], return_inverse=True)
        on_map = som.distances_from(units)[:, winners][rows]
        itself = np.arange(len(rows)), ranks[block]
        in_data[itself] = on_map[itself] = -1
        near, far = (on_map, in_data) if by_map else (in_data, on_map)
        near, far = mean_over_orders(near, inside), mean_over_orders(far, excess)
        penalties[block] = np.einsum("ij,ij->i", near, far)
    scale = 2 / (n_neighbors * (2 * n_samples - 3 * n_neighbors - 1))
    return averaged(1 - scale * penalties, winners, som.n_units, per_unit)
