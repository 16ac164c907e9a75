# SPDX-License-Identifier: BSD-3-Clause
"""What all classical maps share: training on a lattice, and the lattice afterwards."""

from collections import namedtuple
from numbers import Integral, Real

import numpy as np
from sklearn.utils._param_validation import Interval, StrOptions
from sklearn.utils.validation import check_is_fitted
from tqdm import tqdm

from skesom.som._base import random_generator
from skesom.som._batch import mean_sums, moved
from skesom.som._codebook import by_feature
from skesom.som._codebook_map import CodebookMap
from skesom.som._initial_codebook import (
    automatic_shape,
    drawn_samples,
    given_codebook,
    principal_plane,
)
from skesom.som._lattice import Lattice
from skesom.som._metric import METRICS, Metric, any_missing
from skesom.som._neighbourhood import NEIGHBOURHOODS, Neighbourhood
from skesom.som._online import learn_one_by_one
from skesom.som._schedule import DECAYS, decayed
from skesom.som._threads import one_blas_thread

_STEPS_AT_A_TIME = 65536  # between two moments at which Ctrl-C is heard
_FINAL_SIGMA = 0.7  # neighbours weigh about a third of a unit itself
_FINAL_RADIUS = 1.25  # of neighbourhoods that end at sigma: neighbours are inside

Training = namedtuple("Training", ["codebook", "lattice", "sums"])


class LatticeMap(CodebookMap):
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
        "neighbourhood": [StrOptions(set(NEIGHBOURHOODS))],
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
        """Return the mean distance of each unit to its neighbours on the lattice.

        Returns
        -------
        distances : ndarray of shape (n_rows, n_columns)
            High values are borders between clusters (Ultsch & Siemon 1990).
        """
        return super().u_matrix().reshape(self.shape_)

    def hit_map(self):
        """Return the number of training samples of each unit.

        Returns
        -------
        hits : ndarray of shape (n_rows, n_columns)
            `hits_` on the lattice.
        """
        check_is_fitted(self)
        return self.hits_.reshape(self.shape_)

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

    def _metric(self):
        return Metric(self.metric, self.feature_weights)

    def _train(self, X, sample_weight, errors):
        """Return the trained codebook, its lattice, and the last sums per sample."""
        self._check_neighbourhood()
        self._check_metric(X)
        random_state = random_generator(self.random_state)
        # One BLAS thread: a matrix product must not depend on how many there are.
        with one_blas_thread():
            shape = self._checked_shape(X, sample_weight)
            lattice = Lattice(shape, self.topology, self.toroidal)
            codebook = self._initial_codebook(X, sample_weight, shape, random_state)
            if self.algorithm == "online":
                train = self._train_online
            else:
                train = self._train_in_batch
            codebook = self._metric().settled(codebook)
            return train(X, sample_weight, errors, codebook, lattice, random_state)

    def _train_in_batch(
        self, X, sample_weight, errors, codebook, lattice, random_state
    ):
        metric, missing = self._metric(), any_missing(X)
        widths = self._widths(lattice, np.linspace(0, 1, self.n_epochs))
        for sigma in tqdm(
            widths, type(self).__name__, unit="epoch", disable=not self.verbose
        ):
            sums = mean_sums(metric, X, codebook, sample_weight, errors, missing)
            codebook = metric.settled(
                moved(codebook, lattice, *sums, self._neighbourhood(), sigma)
            )
        return Training(codebook, lattice, sums)

    def _train_online(self, X, sample_weight, errors, codebook, lattice, random_state):
        metric, neighbourhood = self._metric(), self._neighbourhood()
        weights = by_feature(metric.prepared(codebook))
        scratch = [
            np.empty(X.shape[1], dtype=np.intc),
            np.empty(weights.shape[1], dtype=X.dtype),
            np.empty(weights.shape[1], dtype=X.dtype),
            np.empty((2, lattice.shape[1])),
        ]
        n_steps = self.n_epochs * len(X)
        bar = tqdm(
            total=n_steps,
            desc=type(self).__name__,
            unit="sample",
            unit_scale=True,
            disable=not self.verbose,
        )
        with bar:
            for epoch in range(self.n_epochs):
                order = _order(len(X), sample_weight, random_state)
                for begin in range(0, len(X), _STEPS_AT_A_TIME):
                    part = order[begin : begin + _STEPS_AT_A_TIME]
                    steps = epoch * len(X) + begin + np.arange(len(part))
                    progress = steps / max(n_steps - 1, 1)
                    widths = self._widths(lattice, progress, epoch)
                    rows, place, how = metric.steps(X, part, errors)
                    learn_one_by_one(
                        rows,
                        place,
                        self._rates(progress),
                        widths,
                        neighbourhood.squared_reach(widths),
                        neighbourhood.code,
                        lattice.squared_along,
                        lattice.squared_across,
                        lattice.hexagonal,
                        weights,
                        *scratch,
                        **how,
                    )
                    bar.update(len(part))
        codebook = metric.restored(
            np.ascontiguousarray(weights[:-1, : len(codebook)].T)
        )
        if not np.isfinite(codebook).all():
            raise ValueError(
                "Online training diverged: units were pushed away without end. With "
                f"neighbourhood={self.neighbourhood!r} choose a smaller learning_rate "
                f"(now {self.learning_rate}), or another neighbourhood."
            )
        sums = mean_sums(metric, X, codebook, sample_weight, errors)
        return Training(codebook, lattice, sums)

    def _neighbourhood(self):
        return Neighbourhood(self.neighbourhood, self.diameter)

    def _check_neighbourhood(self):
        if self.neighbourhood == "mexican_hat" and self.algorithm == "batch":
            raise ValueError(
                'neighbourhood="mexican_hat" needs algorithm="online": in batch '
                "training a unit becomes a weighted mean, and negative weights let its "
                "denominator pass through 0 and change its sign."
            )

    def _check_metric(self, X):
        if self.algorithm == "online" and self._metric().of_angles:
            raise ValueError(
                f'metric={self.metric!r} needs algorithm="batch": units must keep the '
                "length 1, which a pull towards a sample changes."
            )
        if self.feature_weights is None:
            return
        weights = np.asarray(self.feature_weights, dtype=np.float64)
        if weights.shape != (X.shape[1],):
            raise ValueError(
                "'feature_weights' must be one number for each of the "
                f"n_features={X.shape[1]} features, got shape {weights.shape}."
            )
        if not (np.isfinite(weights) & (weights >= 0)).all() or not weights.any():
            raise ValueError(
                "'feature_weights' must be finite, not negative and not all zero, got "
                f"{weights}."
            )
        if self.algorithm == "online" and not weights.all():
            raise ValueError(
                "algorithm=\"online\" needs 'feature_weights' above zero, got "
                f"{weights}. Leave features out, or train in batch."
            )

    def _checked_shape(self, X, sample_weight):
        """Return (n_rows, n_columns)."""
        shape = self.shape
        if isinstance(shape, str):
            return automatic_shape(X, sample_weight, self.topology, self.toroidal)
        if isinstance(shape, Integral):
            return 1, int(shape)
        if len(shape) != 2 or not all(
            isinstance(side, Integral) and side >= 1 for side in shape
        ):
            raise ValueError(
                "The 'shape' of the lattice must be two integers >= 1, the number of "
                'rows and of columns, or one for a chain of units, or "auto". Got '
                f"{shape!r}."
            )
        return int(shape[0]), int(shape[1])

    def _widths(self, lattice, progress, epoch=None):
        """Return sigma at each progress; in a given epoch if they are given so."""
        if self.sigma is not None and np.ndim(self.sigma) > 0:
            widths = np.asarray(self.sigma, dtype=np.float64)
            if widths.shape != (self.n_epochs,) or not (widths > 0).all():
                raise ValueError(
                    f"'sigma' must be one positive number or n_epochs={self.n_epochs} "
                    f"of them, got an array of shape {widths.shape}."
                )
            return widths if epoch is None else np.full(len(progress), widths[epoch])
        last = self.final_sigma
        if last is None:
            bounded = self._neighbourhood().ends_at_sigma
            last = _FINAL_RADIUS if bounded else _FINAL_SIGMA
        first = self.sigma
        if first is None:
            # On a torus no unit is farther than half a side.
            first = max(max(lattice.shape) / (4 if lattice.toroidal else 2), last)
        last = min(first, last)
        return decayed(self.sigma_decay, first, last, progress, "sigma_decay")

    def _rates(self, progress):
        first = self.learning_rate
        last = min(first, self.final_learning_rate)
        return decayed(
            self.learning_rate_decay, first, last, progress, "learning_rate_decay"
        )

    def _initial_codebook(self, X, sample_weight, shape, random_state):
        n_units = shape[0] * shape[1]
        if not isinstance(self.init, str):
            return given_codebook(self.init, X, n_units)
        if self.init == "random":
            return drawn_samples(X, n_units, random_state)
        return principal_plane(X, sample_weight, shape)

    def _set_lattice_attributes(self, codebook, lattice, hits, quantization_error):
        self.codebook_ = codebook
        self.shape_ = lattice.shape
        self.positions_ = lattice.positions
        self.connections_ = lattice.connections()
        self.hits_ = hits
        self.quantization_error_ = quantization_error
        self.n_iter_ = self.n_epochs


def _order(n_samples, sample_weight, random_state):
    """Draw the order of an epoch, in which heavy samples come more often.

    An epoch has as many steps as samples. A sample comes as often as its weight asks
    for, up to rounding to one of the two next integers (systematic sampling).
    """
    order = random_state.permutation(n_samples)
    if sample_weight is not None and np.ptp(sample_weight) > 0:
        ends = np.cumsum(sample_weight)
        places = (np.arange(n_samples) + random_state.uniform()) / n_samples
        picked = np.searchsorted(ends, places * ends[-1], side="right")
        order = np.minimum(picked, n_samples - 1)[order]
    return order.astype(np.intp, copy=False)
