# SPDX-License-Identifier: BSD-3-Clause
"""Base of the supervised maps: units that hold the targets of their samples."""

from __future__ import annotations

from numbers import Integral, Real
from typing import Any, Self

import numpy as np
from numpy.typing import ArrayLike, NDArray
from sklearn.base import MetaEstimatorMixin, clone
from sklearn.utils import gen_batches
from sklearn.utils._param_validation import Interval
from sklearn.utils.validation import _check_sample_weight, has_fit_parameter

from skesom._common.decorators import fit_context
from skesom._common.estimator import LinkedEstimator, by_fit
from skesom._common.lazy import in_memory
from skesom._common.masked import filled
from skesom._common.warn import warn_unused
from skesom.som._csom import CSOM
from skesom.som._esom import ESOM
from skesom.som.codebook import nearest_units
from skesom.som.docstrings import fill_docstrings
from skesom.som.measured_units import DISTANCES_AT_A_TIME

_LEAST = 0.1  # of a sample: direct neighbors have more at a smoothing of 0.5


@fill_docstrings
class UnitVotes(MetaEstimatorMixin, LinkedEstimator):
    """Base of the supervised maps; the units of `estimator_` are looked up."""

    # Which scikit-learn would read from the signatures, if they named these.
    __metadata_request__fit = __metadata_request__partial_fit = dict.fromkeys(
        ["sample_weight", "errors"]
    )
    _unit_constraints = {
        "estimator": [ESOM, CSOM, None],
        "smoothing": [Interval(Real, 0, None, closed="left")],
        "n_neighbors": [Interval(Integral, 1, None, closed="left")],
    }

    def __sklearn_tags__(self):
        tags = super().__sklearn_tags__()
        tags.input_tags.allow_nan = True
        return tags

    @property
    def n_features_in_(self) -> int:
        """Number of features seen during fit."""
        return self.estimator_.n_features_in_

    @property
    def feature_names_in_(self) -> NDArray[np.object_]:
        """Names of the features, when all are strings."""
        return self.estimator_.feature_names_in_

    @feature_names_in_.deleter
    def feature_names_in_(self):
        pass  # scikit-learn deletes it when y is checked; it is that of the map

    @fit_context(prefer_skip_nested_validation=False)
    def fit(self, X: ArrayLike, y: ArrayLike | None = None, **fit_params: Any) -> Self:
        """Train the map, and let its units learn the targets of their samples.

        %(X_targets)s
        %(fit_params)s

        %(fitted)s

        Examples
        --------
        >>> from sklearn.datasets import load_iris
        >>> from skesom.som import CSOM, MapClassifier, MapRegressor
        >>> X, y = load_iris(return_X_y=True)
        >>> MapClassifier(CSOM(shape=(6, 4))).fit(X, y).unit_classes_.shape
        (24,)
        >>> MapRegressor(CSOM(shape=(6, 4))).fit(X[:, :3], X[:, 3]).unit_targets_.shape
        (24,)
        """
        self._check_targets(y)
        return self._learn(*all_in_memory(X, y, fit_params))

    @fit_context(prefer_skip_nested_validation=False)
    def partial_fit(
        self, X: ArrayLike, y: ArrayLike | None = None, **fit_params: Any
    ) -> Self:
        """Train on the first samples, then follow a stream of them.

        Parameters that were changed since the last call count from this one on; those
        of the map are fixed by the first.

        %(X_targets)s
        %(fit_params)s

        %(fitted)s

        Examples
        --------
        >>> from sklearn.datasets import load_iris
        >>> from skesom.som import CSOM, MapRegressor
        >>> X = load_iris().data
        >>> regressor = MapRegressor(CSOM(shape=(6, 4)))
        >>> for start in range(0, 150, 50):
        ...     part = X[start : start + 50]
        ...     regressor = regressor.partial_fit(part[:, :3], part[:, 3])
        >>> regressor.unit_targets_.shape
        (24,)
        """
        self._validate_params()  # scikit-learn does so at the first call only
        self._check_targets(y)
        return self._learn(*all_in_memory(X, y, fit_params), stream=True)

    def _check_targets(self, y):
        """Refuse to learn without targets, in the words of scikit-learn."""
        if y is None:
            name = type(self).__name__
            raise ValueError(
                f"This {name} estimator requires y to be passed, but the target y is "
                f"None: give {name}.fit(X, y), with one target for each sample."
            )

    def _map_to_learn(self, fit_params, *, more):
        """Return the map of the stream or a new one; refuse arguments unknown to it."""
        if more:
            som = self.estimator_
        else:
            som = clone(self.estimator or ESOM(random_state=0))
            som.set_params(n_clusters=None)
        for name in fit_params:
            if not has_fit_parameter(som, name):
                raise ValueError(
                    f"{type(som).__name__} takes no {name!r} in fit: leave it out, or "
                    "use a CSOM for sample_weight and errors."
                )
        som._validate_params()
        if isinstance(som, ESOM):
            warn_unused(self, ["smoothing"], "an ESOM, whose units are on no lattice")
        return som

    def _known_targets(self, y):
        """Return targets of which those that are masked or NA are unlabeled."""
        is_plain = isinstance(getattr(y, "dtype", np.dtype(int)), np.dtype)
        is_plain = is_plain or not hasattr(y, "isna")
        hidden = getattr(y, "mask", False) if is_plain else y.isna()
        if callable(hidden) or not np.any(hidden):  # pandas has a method of that name
            return filled(y)
        if self.unlabeled is None:
            raise ValueError(
                f"y is masked in {np.count_nonzero(hidden)} samples. Leave them out, "
                "or say by 'unlabeled' what stands for samples without a target."
            )
        known = np.where(hidden, self.unlabeled, np.asarray(getattr(y, "unmasked", y)))
        return np.array(known.tolist()) if known.dtype == object else known

    def _is_labeled(self, y):
        """Return which samples have a label or a target."""
        if self.unlabeled is None:
            return np.ones(y.shape, dtype=bool)
        if self.unlabeled != self.unlabeled:  # NaN
            return ~np.isnan(y)
        return y != self.unlabeled

    def _completed(self, table, known):
        """Smooth rows over a lattice, and fill those of units without samples."""
        som, table = self.estimator_, table.astype(np.float64)
        if self.smoothing > 0 and isinstance(som, CSOM):
            lattice = som._lattice(som.shape_)
            columns = np.column_stack([table, known]).astype(np.float64)
            smoothed = lattice.smooth(columns, self.smoothing)
            table, known = smoothed[:, :-1], smoothed[:, -1] >= _LEAST
        if known.any() and not known.all():
            units = som.codebook_
            nearest, _ = som._metric().nearest(units[~known], units[known])
            table[~known] = table[known][nearest]
        return table

    @by_fit
    def _sum_over_nearest(self, X, table, errors=None):
        """Add up the rows of a table over the nearest units of every sample."""
        som = self.estimator_
        samples = som._checked(in_memory(X), in_memory(errors))
        table = np.vstack([table, np.zeros(table.shape[1])])  # for units numbered -1
        metric, codebook = som._metric(), som.codebook_
        n_neighbors = min(self.n_neighbors, len(codebook))
        if n_neighbors == 1:
            nearest, _ = metric.nearest(samples.X, codebook, errors=samples.errors)
            return table[nearest]
        sums = np.empty((len(samples), table.shape[1]))
        size = max(1, DISTANCES_AT_A_TIME // len(codebook))
        for rows in gen_batches(len(samples), size):
            some = samples[rows]
            distances = metric.distances(some.X, codebook, errors=some.errors)
            nearest = np.argpartition(distances, n_neighbors - 1)[:, :n_neighbors]
            nearest[np.isnan(distances[:, 0])] = -1
            sums[rows] = table[nearest].sum(axis=1)
        return sums


def all_in_memory(X, y, fit_params):
    """Return the arguments of `fit` without dask arrays and masks, but that of y."""
    given = {name: filled(in_memory(values)) for name, values in fit_params.items()}
    return filled(in_memory(X)), in_memory(y), given


def weights_of(fit_params, y):
    """Return the sample weights among arguments of fit as float64, or None."""
    weights = fit_params.get("sample_weight")
    return None if weights is None else _check_sample_weight(weights, y, dtype=float)


def inherited(table, before, after, *, by_class=False):
    """Pass rows of units on to a later network; of removed units to the nearest."""
    if before is None:
        return table
    nodes = before.units()
    if by_class:
        targets = after.nearest_of_class(nodes, before.node_class[: len(nodes)])
    else:
        targets, _ = nearest_units(nodes, after.units())
    old, new = before.identity[: before.n_nodes], after.identity[: after.n_nodes]
    _, place, still = np.intersect1d(old, new, True, return_indices=True)
    targets[place] = still
    passed = np.zeros((len(new), table.shape[1]), dtype=table.dtype)
    np.add.at(passed, targets[targets >= 0], table[targets >= 0])
    return passed
