# SPDX-License-Identifier: BSD-3-Clause
"""Maps as regressors: units that know the mean target of their training samples."""

from numbers import Real

import numpy as np
from sklearn.base import RegressorMixin
from sklearn.utils import check_array, check_consistent_length
from sklearn.utils.validation import validate_data

from skesom.som._unit_classifier import is_labeled
from skesom.som._unit_votes import UnitVotes


class UnitRegressor(RegressorMixin, UnitVotes):
    """Base of the maps whose units know the mean targets of their samples.

    A subclass has the parameters `n_neighbors` and `unlabeled`, sets ``codebook_``,
    and then calls `_add_targets`.
    """

    _vote_constraints = {**UnitVotes._vote_constraints, "unlabeled": [Real, None]}

    def __sklearn_tags__(self):
        tags = super().__sklearn_tags__()
        tags.target_tags.single_output = True
        tags.target_tags.multi_output = True
        return tags

    def predict(self, X, errors=None):
        """Return the mean target of the training samples of the nearest units.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features)
            Samples; NaN marks missing features.
        errors : array-like of shape (n_samples, n_features), default=None
            Measurement errors of X, see `winners`.

        Returns
        -------
        y : ndarray of shape (n_samples,) or (n_samples, n_targets), dtype float64
            Targets; for a sample without any present feature the mean in training.
        """
        X = self._check_samples(X)
        errors = self._check_errors(errors, X)
        known = self._sum_over_nearest(X, self._known, errors)
        return self._means(known).reshape(len(X), *self.unit_targets_.shape[1:])

    def _check_targets(self, X, y, *, reset=True):
        """Return one row of targets for each sample."""
        y = validate_data(self, y=y, skip_check_array=True)
        finite = self.unlabeled is None or np.isfinite(self.unlabeled)
        y = check_array(
            y,
            dtype=np.float64,
            ensure_2d=False,
            ensure_all_finite=finite or "allow-nan",
            input_name="y",
            estimator=self,
        )
        check_consistent_length(X, y)
        if not reset and y.shape[1:] != self.unit_targets_.shape[1:]:
            raise ValueError(
                f"y has the shape {y.shape} and not that of the first call, "
                f"{(len(y), *self.unit_targets_.shape[1:])}."
            )
        return y

    def _weights_of_targets(self, X, sample_weight, y, *, first_call):
        """Return how much each target counts, of shape (n_samples, n_targets)."""
        labeled = is_labeled(y.reshape(len(y), -1), self.unlabeled)
        weights = (labeled & ~np.isnan(X).all(axis=1, keepdims=True)).astype(float)
        if sample_weight is not None:
            weights *= sample_weight[:, np.newaxis]
        if first_call and not weights.any(axis=0).all():
            raise ValueError(
                f"A target is {self.unlabeled!r} in all {len(X)} samples that have "
                "any weight and feature: at least one must be known."
            )
        return weights

    def _add_targets(self, y, weights, winners, *, first_call):
        """Tell the units the targets of their samples, on top of earlier ones."""
        shape, n_units = y.shape[1:], len(self.codebook_)
        values = np.where(weights > 0, y.reshape(weights.shape), 0) * weights
        sums = _sums_by_unit(values, winners, n_units)
        hits = _sums_by_unit(weights, winners, n_units)
        if not first_call:
            sums += self._target_sums
            hits += self.target_hits_.reshape(hits.shape)
        self._target_sums = sums
        self._mean = sums.sum(axis=0) / hits.sum(axis=0)
        self._known = np.hstack(
            [
                self._lent(np.column_stack([total, count]), count > 0)
                for total, count in zip(sums.T, hits.T, strict=True)
            ]
        )
        self.target_hits_ = hits.reshape(-1, *shape)
        self.unit_targets_ = self._means(self._known).reshape(-1, *shape)

    def _means(self, known):
        """Return means from pairs of columns, a sum and a weight for each target."""
        sums, weights = known[:, ::2], known[:, 1::2]
        means = sums / np.where(weights > 0, weights, 1)
        return np.where(weights > 0, means, self._mean)


def _sums_by_unit(values, winners, n_units):
    """Return the sums of each column of values over the samples of each unit."""
    assigned = winners >= 0
    units = winners[assigned]
    return np.column_stack([np.bincount(units, v, n_units) for v in values[assigned].T])
