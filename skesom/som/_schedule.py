# SPDX-License-Identifier: BSD-3-Clause
"""How a width or a learning rate falls from its first to its last value."""

import numpy as np


def linear(first, last, progress):
    """Fall by the same amount in each step."""
    return first + (last - first) * progress


def exponential(first, last, progress):
    """Fall by the same factor in each step."""
    return first * (last / first) ** progress


def inverse(first, last, progress):
    """Fall as 1 / (1 + c t): the reciprocal grows by the same amount in each step."""
    return first / (1 + (first / last - 1) * progress)


DECAYS = {"linear": linear, "exponential": exponential, "inverse": inverse}


def decayed(decay, first, last, progress, name):
    """Return the values at each progress of training."""
    values = DECAYS.get(decay, decay)(first, last, progress)
    values = np.asarray(values, dtype=np.float64)
    if values.shape != progress.shape or not (np.isfinite(values) & (values > 0)).all():
        raise ValueError(
            f"'{name}' must return a positive number for each of the "
            f"{len(progress)} values of progress that it is given, got "
            f"{np.array2string(values, threshold=8)}."
        )
    return np.ascontiguousarray(values)
