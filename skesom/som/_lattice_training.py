# SPDX-License-Identifier: BSD-3-Clause
"""How a classical map is trained, as its parameters say."""

from collections import namedtuple
from numbers import Integral

import numpy as np
from tqdm import tqdm

from skesom.som._base import random_generator
from skesom.som._batch import mean_sums, moved
from skesom.som._codebook_map import CodebookMap
from skesom.som._initial_codebook import (
    automatic_shape,
    drawn_samples,
    given_codebook,
    principal_plane,
)
from skesom.som._lattice import Lattice
from skesom.som._metric import Metric, any_missing
from skesom.som._neighborhood import Neighborhood
from skesom.som._online_training import Steps, train_online
from skesom.som._row_order import Epochs
from skesom.som._schedule import decayed
from skesom.som._threads import one_blas_thread
from skesom.som._training_curve import TrainingCurve

_FINAL_SIGMA = 0.7  # neighbors weigh about a third of a unit itself
_FINAL_RADIUS = 1.25  # of neighborhoods that end at sigma: neighbors are inside

_STEPS_AT_A_TIME = 65536  # between two moments at which Ctrl-C is heard

Training = namedtuple("Training", ["codebook", "lattice", "sums", "curve"])


class LatticeTraining(CodebookMap):
    """Trains on a lattice. A subclass has the parameters of `LatticeMap`."""

    def _metric(self):
        return Metric(self.metric, self.feature_weights)

    def _trained(self, X, sample_weight, errors, n_calls=1):
        """Return the map after training on samples, the first or more of a stream."""
        sample_weight, X, errors = self._used(sample_weight, X, errors)
        if n_calls == 1:
            return self._train(X, sample_weight, errors)
        return self._follow(X, sample_weight, errors, n_calls)

    def _train(self, X, sample_weight, errors):
        """Return the trained codebook, its lattice, and the last sums per sample."""
        self._check_neighborhood()
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

    def _follow(self, X, sample_weight, errors, n_calls):
        """Return the map after one more call of a stream."""
        lattice = Lattice(self.shape_, self.topology, self.toroidal)
        share = n_calls**-0.6
        metric = self._metric()
        new = mean_sums(metric, X, self.codebook_, sample_weight, errors)
        error = TrainingCurve(metric, X, sample_weight, errors).error(
            self.codebook_, *new
        )
        sums = tuple(
            (1 - share) * old_part + share * new_part
            for old_part, new_part in zip(self._sums, new, strict=True)
        )
        sigma = self._widths(lattice, np.ones(self.n_epochs))[-1]
        with one_blas_thread():
            codebook = moved(
                self.codebook_, lattice, *sums, self._neighborhood(), sigma
            )
        curve = np.append(self.training_errors_, error)
        return Training(metric.settled(codebook), lattice, sums, curve)

    def _train_in_batch(
        self, X, sample_weight, errors, codebook, lattice, random_state
    ):
        metric, missing = self._metric(), any_missing(X)
        measure = TrainingCurve(metric, X, sample_weight, errors)
        curve = []
        widths = self._widths(lattice, np.linspace(0, 1, self.n_epochs))
        for sigma in tqdm(
            widths, type(self).__name__, unit="epoch", disable=not self.verbose
        ):
            sums = mean_sums(metric, X, codebook, sample_weight, errors, missing)
            curve.append(measure.error(codebook, *sums))
            codebook = metric.settled(
                moved(codebook, lattice, *sums, self._neighborhood(), sigma)
            )
        return Training(codebook, lattice, sums, np.array(curve))

    def _train_online(self, X, sample_weight, errors, codebook, lattice, random_state):
        metric = self._metric()
        steps = self._steps(Epochs(X, sample_weight), lattice, random_state)
        codebook, curve = train_online(
            X, errors, codebook, lattice, steps, metric, self._neighborhood()
        )
        if not np.isfinite(codebook).all():
            raise ValueError(
                "Online training diverged: units were pushed away without end. With "
                f"neighborhood={self.neighborhood!r} choose a smaller learning_rate "
                f"(now {self.learning_rate}), or another neighborhood."
            )
        sums = mean_sums(metric, X, codebook, sample_weight, errors)
        return Training(codebook, lattice, sums, curve)

    def _steps(self, epochs, lattice, random_state):
        """Yield the steps of online training, with a progress bar if wanted."""
        n_steps = self.n_epochs * epochs.n_rows
        bar = tqdm(
            total=n_steps,
            desc=type(self).__name__,
            unit="sample",
            unit_scale=True,
            disable=not self.verbose,
        )
        with bar:
            for epoch in range(self.n_epochs):
                order = epochs.draw(random_state)
                for begin in range(0, len(order), _STEPS_AT_A_TIME):
                    rows = order[begin : begin + _STEPS_AT_A_TIME]
                    steps = epoch * len(order) + begin + np.arange(len(rows))
                    progress = steps / max(n_steps - 1, 1)
                    widths = self._widths(lattice, progress, epoch)
                    yield Steps(epoch, rows, self._rates(progress), widths)
                    bar.update(len(rows))

    def _neighborhood(self):
        return Neighborhood(self.neighborhood, self.diameter)

    def _check_neighborhood(self):
        if self.neighborhood == "mexican_hat" and self.algorithm == "batch":
            raise ValueError(
                'neighborhood="mexican_hat" needs algorithm="online": in batch '
                "training a unit becomes a weighted mean, and negative weights let its "
                "denominator pass through 0 and change its sign."
            )

    def _check_metric(self, X):
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
            bounded = self._neighborhood().ends_at_sigma
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
            return drawn_samples(X, sample_weight, n_units, random_state)
        return principal_plane(X, sample_weight, shape)
