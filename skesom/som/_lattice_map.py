# SPDX-License-Identifier: BSD-3-Clause
"""What all classical maps share: their parameters, and the lattice afterwards."""

from numbers import Integral, Real

import numpy as np
from sklearn.utils._param_validation import Interval, StrOptions
from sklearn.utils.validation import check_is_fitted

from skesom.som._base import summarize
from skesom.som._lattice_training import LatticeTraining
from skesom.som._metric import METRICS
from skesom.som._neighborhood import NEIGHBORHOODS
from skesom.som._schedule import DECAYS


class LatticeMap(LatticeTraining):
    """Base of the classical maps. A subclass has the parameters named below."""

    _training_constraints = {
        "shape": [
            Interval(Integral, 1, None, closed="left"),
            tuple,
            list,
            StrOptions({"auto"}),
        ],
        "topology": [StrOptions({"hexagonal", "rectangular"})],
        "toroidal": ["boolean"],
        "neighborhood": [StrOptions(set(NEIGHBORHOODS))],
        "diameter": [Interval(Real, 0, None, closed="neither"), None],
        "algorithm": [StrOptions({"batch", "online"})],
        "n_epochs": [Interval(Integral, 1, None, closed="left")],
        "sigma": [Interval(Real, 0, None, closed="neither"), "array-like", None],
        "final_sigma": [Interval(Real, 0, None, closed="neither"), None],
        "sigma_decay": [StrOptions(set(DECAYS)), callable],
        "learning_rate": [Interval(Real, 0, 1, closed="right")],
        "final_learning_rate": [Interval(Real, 0, 1, closed="right")],
        "learning_rate_decay": [StrOptions(set(DECAYS)), callable],
        "metric": [StrOptions(set(METRICS))],
        "feature_weights": ["array-like", None],
        "init": [StrOptions({"pca", "random"}), "array-like"],
        "random_state": ["random_state"],
        "verbose": ["verbose"],
    }

    def map_coordinates(self, X):
        """Return the row and column of the nearest unit of every sample.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features)
            Samples; NaN marks missing features.

        Returns
        -------
        coordinates : ndarray of shape (n_samples, 2), dtype intp
            Row and column on the lattice, -1 for a sample without any present feature.
        """
        winners = self.winners(X)
        coordinates = np.column_stack(np.divmod(winners, self.shape_[1]))
        coordinates[winners < 0] = -1
        return coordinates

    def u_matrix(self):
        """Return the mean distance of each unit to its neighbors on the lattice.

        Returns
        -------
        distances : ndarray of shape (n_rows, n_columns)
            High values are borders between clusters (Ultsch & Siemon 1990).
        """
        return super().u_matrix().reshape(self.shape_)

    def hit_map(self, X=None):
        """Return the number of samples of each unit.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features), default=None
            Samples to count; those of the training by default.

        Returns
        -------
        hits : ndarray of shape (n_rows, n_columns)
            `hits_` on the lattice, or those of X, dtype int64.
        """
        check_is_fitted(self)
        hits = self.hits_
        if X is not None:
            winners = self.winners(X)
            hits = np.bincount(winners[winners >= 0], minlength=len(hits))
        return hits.reshape(self.shape_)

    def component_planes(self):
        """Return the weights of the units on the lattice.

        Returns
        -------
        planes : ndarray of shape (n_rows, n_columns, n_features)
            ``planes[:, :, i]`` is the component plane of the feature i. It shares its
            memory with `codebook_`.
        """
        check_is_fitted(self)
        return self.codebook_.reshape(*self.shape_, -1)

    def _checked_table(self, X, sample_weight, errors, *, reset=True):
        """Return samples, their weights and errors as training takes them."""
        X = self._check_training_samples(X, reset=reset)
        sample_weight = self._check_sample_weight(sample_weight, X, reset=reset)
        return X, sample_weight, self._check_errors(errors, X)

    def _next_call(self):
        """Check the parameters; return which call comes: 1 before there is a map."""
        self._validate_params()  # scikit-learn does so at the first call only
        return getattr(self, "_n_calls", 0) + 1

    def _learn_units(self, X, sample_weight, errors, n_calls):
        """Train on samples that have been checked; return the unit of each."""
        training = self._trained(X, sample_weight, errors, n_calls)
        summary = summarize(
            X,
            training.codebook,
            sample_weight,
            metric=self._metric(),
            errors=errors,
            with_pairs=False,
        )
        self._set_lattice_attributes(training, summary, n_calls)
        return summary.winners

    def _set_lattice_attributes(self, training, summary, n_calls):
        lattice = training.lattice
        self.codebook_ = training.codebook
        self.shape_ = lattice.shape
        self.positions_ = lattice.positions
        self.connections_ = lattice.connections()
        self.hits_ = summary.hits
        self.quantization_error_ = summary.quantization_error
        self.training_errors_ = training.curve
        self.n_iter_ = self.n_epochs
        self._sums = training.sums
        self._n_calls = n_calls
