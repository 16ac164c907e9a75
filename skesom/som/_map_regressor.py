# SPDX-License-Identifier: BSD-3-Clause
"""Maps as regressors: units that hold the mean target of their training samples."""

from __future__ import annotations

from numbers import Real
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import ArrayLike, NDArray
from sklearn.base import RegressorMixin
from sklearn.utils import check_array, check_consistent_length
from sklearn.utils.validation import check_is_fitted, validate_data

from skesom._common.estimator import keep_parameters
from skesom._types import Errors
from skesom.som._unit_votes import UnitVotes, inherited, weights_of
from skesom.som.docstrings import fill_docstrings

if TYPE_CHECKING:
    from skesom.som._csom import CSOM
    from skesom.som._esom import ESOM


@fill_docstrings
class MapRegressor(RegressorMixin, UnitVotes):
    """Predict numbers from the units of a self-organizing map.

    The map is trained without the targets; a sample then has the mean target of the
    training samples of its nearest unit, and some of its neighbors.

    Parameters
    ----------
    %(estimator)s
    %(smoothing)s
    unlabeled : float, default=None
        What stands in y for an unknown target, which trains the map, no more.

    Attributes
    ----------
    %(estimator_attribute)s
    unit_targets_ : ndarray of shape (n_units,) or (n_units, n_targets)
        Mean target of the training samples of each unit and, by weight, of its
        neighbors; where they have none, that of the nearest unit.
    target_hits_ : ndarray of shape (n_units,) or (n_units, n_targets), dtype float64
        Weight of these training samples, over the calls of `partial_fit`.

    Raises
    ------
    ValueError
        For a parameter out of its range, data that the map refuses, or no known target.

    %(votes_warning)s

    See Also
    --------
    MapClassifier : The same for classes.

    References
    ----------
    .. [1] Kohonen, T. (2001), "Self-Organizing Maps", Springer,
       doi:10.1007/978-3-642-56927-2
    .. [2] Masters, D. et al. (2015), "Mapping the galaxy color-redshift relation:
       optimal photometric redshift calibration strategies for cosmology surveys", The
       Astrophysical Journal 813, 53, doi:10.1088/0004-637X/813/1/53

    Examples
    --------
    A few redshifts, and a map of all samples:

    >>> import numpy as np
    >>> from skesom.som import CSOM, MapRegressor
    >>> z = np.linspace(0, 1, 500)
    >>> colors = np.column_stack([np.sin(3 * z), np.cos(3 * z)])
    >>> measured = np.where(np.arange(500) % 10 == 0, z, np.nan)
    >>> regressor = MapRegressor(CSOM(shape=20), unlabeled=np.nan)
    >>> bool(regressor.fit(colors, measured).score(colors, z) > 0.99)
    True
    """

    # What a model in a file may hold: kind and axes of each array.
    _stored = {
        "target_hits_": "counts units *",
        "unit_targets_": "values units *",
        "_mean": "floats targets",
        "_totals": "floats units columns",
        "_target_sums": "floats units *",
    }

    _parameter_constraints = {**UnitVotes._unit_constraints, "unlabeled": [Real, None]}

    def __init__(
        self,
        estimator: ESOM | CSOM | None = None,
        *,
        smoothing: float = 0.5,
        n_neighbors: int = 1,
        unlabeled: float | None = None,
    ) -> None:
        self.estimator = estimator
        self.smoothing = smoothing
        self.n_neighbors = n_neighbors
        self.unlabeled = unlabeled

    def __sklearn_tags__(self):
        tags = super().__sklearn_tags__()
        tags.target_tags.multi_output = True
        return tags

    def predict(self, X: ArrayLike, errors: Errors = None) -> NDArray[np.float64]:
        """Return the mean target of the training samples of the nearest units.

        %(X_errors)s

        Returns
        -------
        y : ndarray of shape (n_samples,) or (n_samples, n_targets), dtype float64
            Targets; for a sample without any present feature the mean in training.

        Examples
        --------
        >>> import numpy as np
        >>> from skesom.som import CSOM, MapRegressor
        >>> x = np.linspace(0, 1, 101)[:, np.newaxis]
        >>> regressor = MapRegressor(CSOM(shape=20)).fit(x, 10 * x[:, 0])
        >>> bool(abs(regressor.predict([[0.5]]) - 5) < 0.5)
        True
        """
        check_is_fitted(self)
        totals = self._sum_over_nearest(X, self._totals, errors)
        return self._means(totals).reshape(len(totals), *self.unit_targets_.shape[1:])

    def _learn(self, X, y, fit_params, *, stream=False):
        """Train the map, and add up the targets of its units."""
        more = stream and hasattr(self, "estimator_")
        som = self._map_to_learn(fit_params, more=more)
        y = self._checked_targets(X, y, more)
        sample_weight = weights_of(fit_params, y)
        before = getattr(som, "_network", None) if more else None
        # Unknown targets are refused before the map of a stream has learned from them.
        self._weights_of_targets(y, np.zeros(len(y)), sample_weight, more)
        winners = som._learn_checked(X, **fit_params, stream=stream)
        weights = self._weights_of_targets(y, winners, sample_weight, more)
        self.estimator_ = som
        keep_parameters(self)
        values = np.where(weights > 0, y.reshape(weights.shape), 0) * weights
        sums = sums_by_unit(values, winners, len(som.codebook_))
        hits = sums_by_unit(weights, winners, len(som.codebook_))
        if more:
            network = getattr(som, "_network", None)
            sums = sums + inherited(self._target_sums, before, network)
            old_hits = self.target_hits_.reshape(-1, hits.shape[1])
            hits = hits + inherited(old_hits, before, network)
        self._set_means(sums, hits, y.shape[1:])
        return self

    def _checked_targets(self, X, y, more):
        """Return one row of targets for each sample."""
        y = validate_data(self, y=self._known_targets(y), skip_check_array=True)
        finite = self.unlabeled is None or np.isfinite(self.unlabeled) or "allow-nan"
        y = check_array(
            y,
            dtype=float,
            ensure_all_finite=finite,
            ensure_2d=False,
            estimator=self,
            input_name="y",
        )
        check_consistent_length(X, y)
        if more and y.shape[1:] != self.unit_targets_.shape[1:]:
            raise ValueError(
                f"y has the shape {y.shape} and not that of the first call, "
                f"{(len(y), *self.unit_targets_.shape[1:])}."
            )
        return y

    def _weights_of_targets(self, y, winners, sample_weight, more):
        """Return how much each target counts, of shape (n_samples, n_targets)."""
        labeled = self._is_labeled(y.reshape(len(y), -1))
        weights = (winners >= 0).astype(float)
        if sample_weight is not None:
            weights *= sample_weight
        known = labeled[weights > 0]  # if there is none, the map refuses the weights
        if not more and len(known) and not known.any(axis=0).all():
            raise ValueError(
                f"A target is {self.unlabeled!r} in all {len(known)} samples that have "
                "any weight and feature: at least one must be known."
            )
        return labeled * weights[:, np.newaxis]

    def _set_means(self, sums, hits, shape):
        """Set the means of the units from sums and weights for each target."""
        self._target_sums = sums
        self._mean = sums.sum(axis=0) / hits.sum(axis=0)

        def filled(total, count):
            pair = np.column_stack([total, count])
            return self._completed(pair, count > 0)

        self._totals = np.hstack(list(map(filled, sums.T, hits.T)))
        self.target_hits_ = hits.reshape(-1, *shape)
        self.unit_targets_ = self._means(self._totals).reshape(-1, *shape)

    def _means(self, totals):
        """Return means from pairs of columns, a sum and a weight for each target."""
        sums, weights = totals[:, ::2], totals[:, 1::2]
        means = sums / np.where(weights > 0, weights, 1)
        return np.where(weights > 0, means, self._mean)


def sums_by_unit(values, winners, n_units):
    """Return the sums of each column of values over the samples of each unit."""
    assigned = winners >= 0
    units = winners[assigned]
    return np.column_stack([np.bincount(units, v, n_units) for v in values[assigned].T])
