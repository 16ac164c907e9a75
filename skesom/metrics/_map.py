# SPDX-License-Identifier: BSD-3-Clause
"""A map as the measures see it: units in the data, and how they lie on the map."""

from functools import cached_property

import numpy as np
from scipy import sparse
from scipy.sparse.csgraph import dijkstra
from scipy.spatial.distance import cdist
from sklearn.base import BaseEstimator
from sklearn.utils import check_array
from sklearn.utils.validation import check_is_fitted

from skesom._common.docstrings import fill_docstring
from skesom._common.estimator import check_estimator
from skesom._common.lazy import is_lazy
from skesom._common.masked import filled
from skesom._common.strips import strips_of
from skesom.som.input import lazy_table

_CODEBOOK = """\
codebook : array-like of shape (n_units, n_features), or fitted map
    Weights of the units."""
_SAMPLES = """\
X : array-like of shape (n_samples, n_features)
    Samples; NaN marks missing features. A distance over the present features is scaled
    up by sqrt(n_features / n_present); a sample without any is left out."""
documented = fill_docstring(
    samples=_SAMPLES,
    codebook=_CODEBOOK,
    connected=f"""\
{_SAMPLES}
{_CODEBOOK}
connections : sparse or array-like of shape (n_units, n_units), default=None
    Which units are connected; by default ``connections_`` of a fitted map. Stored
    entries of a sparse matrix and entries but 0 of an array are connections, in both
    directions.""",
    lattice=f"""\
{_CODEBOOK}
connections : sparse or array-like of shape (n_units, n_units), default=None
    Which units are connected, as in `topographic_error`: the distance on the map is
    the number of connections to pass. By default ``connections_`` of a fitted map, if
    nothing else is given.
positions : array-like of shape (n_units, n_dimensions), default=None
    Where units stand on the map: the distance is Euclidean.
distances : array-like of shape (n_units, n_units), default=None
    Distances on the map, for instance on a torus.""",
    mean="""\
per_unit : bool, default=False
    Whether to return the mean over the samples of each unit.""",
    errors="""\
Raises
------
ValueError
    If shapes do not fit, for infinite values, missing values in the codebook or a
    parameter out of its range, or unless one thing says how units lie on the map.""",
)


class Map:
    """Units in the data, and one of three descriptions of how they lie on the map."""

    def __init__(self, codebook, connections=None, *, positions=None, distances=None):
        n_given = sum(one is not None for one in (connections, positions, distances))
        if n_given > 1:
            raise ValueError(
                "Give only one of 'connections', 'positions' and 'distances'."
            )
        self._source = "A codebook alone"
        if isinstance(codebook, BaseEstimator):
            self._source = type(codebook).__name__
            if n_given == 0:
                connections = getattr(codebook, "connections_", None)
            codebook = _codebook_of(codebook)
        elif isinstance(codebook, str | type):
            check_estimator(codebook, "codebook", "a fitted skesom.som.CSOM")
        codebook = filled(codebook)
        self.codebook = check_array(
            codebook, dtype=[np.float64, np.float32], order="C", input_name="codebook"
        )
        self.n_units = len(self.codebook)
        self._connections = connections
        self._positions = positions
        self._distances = distances

    def check_samples(self, X):
        """Return samples in the dtype of the codebook."""
        dtype = self.codebook.dtype
        if is_lazy(X):
            X = lazy_table(X, "The measure of a map", dtype)
        else:
            X = check_array(
                filled(X),
                dtype=dtype,
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
        if not sparse.issparse(links):
            links = np.asarray(filled(links))
        self._check_shape("connections", links, self.n_units)
        links = sparse.coo_array(links)
        if np.isnan(links.data.astype(np.float64)).any():
            raise ValueError("'connections' contains NaN.")
        # Ones instead of strengths: an entry of 0 that is stored is a connection too.
        rows, columns = np.hstack([links.coords, links.coords[::-1]])
        return sparse.csr_array((np.ones(len(rows)), (rows, columns)), links.shape)

    def connected(self, first, second):
        """Find the pairs of units that are connected."""
        # A pair is one number, so no matrix of all units is needed.
        rows, columns = self.links.nonzero()
        links = self.n_units * rows.astype(np.intp) + columns
        return np.isin(self.n_units * first + second, links)

    def distances_from(self, units):
        """Return the distances on the map from some units to all."""
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
        positions = filled(self._positions)
        positions = check_array(positions, dtype=float, input_name="positions")
        self._check_shape("positions", positions, positions.shape[1])
        return positions

    @cached_property
    def _checked_distances(self):
        distances = np.asarray(filled(self._distances))
        self._check_shape("distances", distances, self.n_units)
        blocks_of_rows = blocks(self.n_units, self.n_units)
        are_distances = all((distances[rows] >= 0).all() for rows in blocks_of_rows)
        if not are_distances or distances.diagonal().any():
            raise ValueError(
                "'distances' must not be negative or NaN, and must be 0 from each unit "
                "to itself."
            )
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
        'is no map. Score its clusters instead, with map_scorer("silhouette").'
    )


def blocks(n_rows, n_columns):
    """Cut the rows of a matrix into slices."""
    return strips_of((n_rows, n_columns), "matrix")


def sums_of(values, winners, n_units, per_unit):
    """Return the sum of values of samples and their number, or those of each unit."""
    if not per_unit:
        return np.sum(values, dtype=np.float64), len(values)
    counts = np.bincount(winners, minlength=n_units)
    return np.bincount(winners, weights=values, minlength=n_units), counts


def mean_of(totals, counts):
    """Return the mean, or that of each unit; NaN without any value."""
    means = np.full(np.shape(totals), np.nan)
    np.divide(totals, counts, out=means, where=np.asarray(counts) > 0)
    return means if means.ndim else float(means)
