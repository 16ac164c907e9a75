# SPDX-License-Identifier: BSD-3-Clause
"""A map as the measures see it: units in the data, and how they lie on the map.

It may come from a fitted estimator or from anywhere else: a codebook, and either the
connections of the units, or their positions, or the distances between them.
"""

from functools import cached_property

import numpy as np
from scipy import sparse
from scipy.sparse.csgraph import dijkstra
from scipy.spatial.distance import cdist
from sklearn.base import BaseEstimator
from sklearn.utils import check_array
from sklearn.utils.validation import check_is_fitted

_ENTRIES_PER_BLOCK = 2**17  # of a matrix whose rows are worked on in blocks


class Map:
    """Units in the data, and how they lie on the map.

    Parameters
    ----------
    codebook : array-like of shape (n_units, n_features), or fitted map
        An estimator brings its ``connections_`` along; they count unless anything of
        the following is given.
    connections : sparse or array-like of shape (n_units, n_units), default=None
        Stored entries of a sparse matrix, entries but 0 of an array. A connection holds
        in both directions.
    positions : array-like of shape (n_units, n_dimensions), default=None
        Where the units stand on the map.
    distances : array-like of shape (n_units, n_units), default=None
        Distances between the units on the map.

    Attributes
    ----------
    codebook : ndarray of shape (n_units, n_features)
        C-contiguous, float32 or float64.
    n_units : int
        Number of units.
    """

    def __init__(self, codebook, connections=None, *, positions=None, distances=None):
        self._source = "A codebook alone"
        if isinstance(codebook, BaseEstimator):
            self._source = type(codebook).__name__
            estimator, codebook = codebook, _codebook_of(codebook)
            if connections is None and positions is None and distances is None:
                connections = getattr(estimator, "connections_", None)
        self.codebook = check_array(
            codebook, dtype=[np.float64, np.float32], order="C", input_name="codebook"
        )
        self.n_units = len(self.codebook)
        self._connections = connections
        self._positions = positions
        self._distances = distances
        given = [connections, positions, distances]
        if sum(one is not None for one in given) > 1:
            raise ValueError(
                "Give only one of 'connections', 'positions' and 'distances': each "
                "says how far the units are apart on the map."
            )

    def check_samples(self, X):
        """Return samples as the kernels want them, in the dtype of the codebook."""
        X = check_array(
            X,
            dtype=self.codebook.dtype,
            order="C",
            ensure_all_finite="allow-nan",
            input_name="X",
        )
        n_features = self.codebook.shape[1]
        if X.shape[1] != n_features:
            raise ValueError(
                f"X has {X.shape[1]} features, but the codebook has {n_features}."
            )
        return X

    @cached_property
    def links(self):
        """The connections, both ways, as entries of a csr_array (n_units, n_units)."""
        if self._connections is None:
            raise ValueError(
                f"{self._source} does not say which units are connected: give "
                "'connections'."
            )
        links = self._connections
        links = links if sparse.issparse(links) else np.asarray(links)
        self._check_shape("connections", links, self.n_units)
        links = sparse.coo_array(links)
        if np.isnan(links.data.astype(np.float64)).any():
            raise ValueError("'connections' contains NaN.")
        rows = np.concatenate([links.row, links.col])
        columns = np.concatenate([links.col, links.row])
        return sparse.csr_array((np.ones(len(rows)), (rows, columns)), links.shape)

    def connected(self, first, second):
        """Tell which pairs of units are connected."""
        rows, columns = (axis.astype(np.intp) for axis in self.links.nonzero())
        return np.isin(self.n_units * first + second, self.n_units * rows + columns)

    def distances_from(self, units):
        """Measure from some units to all on the map."""
        if self._distances is not None:
            return np.asarray(self._checked_distances[units], dtype=np.float64)
        if self._positions is not None:
            return cdist(self._checked_positions[units], self._checked_positions)
        if self._connections is None:
            raise ValueError(
                f"{self._source} does not say how far units are apart on the map: give "
                "'connections', 'positions' or 'distances'."
            )
        return dijkstra(self.links, indices=units, unweighted=True)

    @cached_property
    def _checked_positions(self):
        positions = check_array(
            self._positions, dtype=np.float64, input_name="positions"
        )
        self._check_shape("positions", positions, positions.shape[1])
        return positions

    @cached_property
    def _checked_distances(self):
        distances = np.asarray(self._distances)
        self._check_shape("distances", distances, self.n_units)
        for block in blocks(self.n_units, self.n_units):
            if not (distances[block] >= 0).all():
                raise ValueError("'distances' must not be negative or NaN.")
        if np.any(distances.diagonal() != 0):
            raise ValueError("'distances' must be 0 from each unit to itself.")
        return distances

    def _check_shape(self, name, array, n_columns):
        if array.shape != (self.n_units, n_columns):
            raise ValueError(
                f"{name!r} must have the shape ({self.n_units}, {n_columns}) for the "
                f"{self.n_units} units of the codebook, got {array.shape}."
            )


def _codebook_of(estimator):
    """Return the weights of the units of a fitted estimator."""
    check_is_fitted(estimator)
    for name in ("codebook_", "cluster_centers_"):
        if hasattr(estimator, name):
            return getattr(estimator, name)
    raise TypeError(
        f"{type(estimator).__name__} has neither codebook_ nor cluster_centers_, so it "
        "has no quality as a map. Score its clusters instead, for example with "
        'map_scorer("silhouette").'
    )


def blocks(n_rows, n_columns):
    """Cut the rows of a matrix into slices of about 1 MB, which caches hold."""
    step = max(1, _ENTRIES_PER_BLOCK // max(n_columns, 1))
    for begin in range(0, n_rows, step):
        yield slice(begin, min(begin + step, n_rows))


def mean_of_known(values):
    """Return the mean of the values that are not NaN, a float; NaN without any."""
    known = values[~np.isnan(values)]
    return float(np.mean(known, dtype=np.float64)) if len(known) else float("nan")


def averaged(values, winners, n_units, per_unit):
    """Return the mean of values of samples, or their mean in each unit."""
    if not per_unit:
        return mean_of_known(values)
    counts = np.bincount(winners, minlength=n_units)
    totals = np.bincount(winners, weights=values, minlength=n_units)
    return np.divide(totals, counts, out=np.full(n_units, np.nan), where=counts > 0)
