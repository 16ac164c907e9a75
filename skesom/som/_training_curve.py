# SPDX-License-Identifier: BSD-3-Clause
"""How far the samples are from their units while a map is trained in batch.

An epoch adds up the samples of each unit. With n samples of the sum s at a unit w, the
squared differences add up to sum x^2 - 2 w s + n w^2, and the first term never changes,
so that the error of an epoch costs no more than a look at the units.
"""

import numpy as np

_ROWS_PER_BLOCK = 4096


class TrainingCurve:
    """Measures the root mean square of the differences of samples and units.

    Parameters
    ----------
    metric : Metric
        Says what weight a feature has, and whether samples have the length 1.
    X : ndarray of shape (n_samples, n_features)
        Training samples; NaN marks missing features.
    sample_weight : ndarray of shape (n_samples,), default=None
        How often each sample counts; once by default.
    errors : ndarray of shape (n_samples, n_features), default=None
        Measurement errors, which divide the differences.
    """

    def __init__(self, metric, X, sample_weight=None, errors=None):
        self._metric = metric
        self._scale = np.ones(X.shape[1]) if metric.scale is None else metric.scale
        # Around a typical sample few digits cancel out.
        self._origin = np.nan_to_num(metric.values(X[:1])[0])
        self._squares = self._known = 0.0
        for begin in range(0, len(X), _ROWS_PER_BLOCK):
            rows = slice(begin, begin + _ROWS_PER_BLOCK)
            differences = (metric.values(X[rows]) - self._origin).ravel()
            if metric.scale is None and sample_weight is None and errors is None:
                squares = float(np.dot(differences, differences))
                if not np.isnan(squares):  # nothing is missing
                    self._squares += squares
                    self._known += len(X[rows])
                    continue
            self._add(
                differences.reshape(X[rows].shape),
                1.0 if sample_weight is None else sample_weight[rows],
                1.0 if errors is None else errors[rows],
            )
        # The sums of an epoch are those of one sample, present or not.
        total = len(X) if sample_weight is None else sample_weight.sum()
        self._squares /= total
        self._known /= total

    def _add(self, differences, sample_weight, errors):
        missing = np.isnan(differences)
        scaled = self._scale * differences / errors
        squares = np.where(missing, 0, scaled**2).sum(axis=1)
        self._squares += np.sum(sample_weight * squares)
        self._known += np.sum(sample_weight * ~missing.all(axis=1))

    def error(self, codebook, sums, counts):
        """Return the error of an epoch."""
        units = self._metric.values(codebook).astype(np.float64) - self._origin
        sums = sums - counts * self._origin
        changes = self._scale**2 * units * (counts * units - 2 * sums)
        return float(np.sqrt(max(self._squares + changes.sum(), 0) / self._known))
