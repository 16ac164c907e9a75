# SPDX-License-Identifier: BSD-3-Clause
"""Online training: the units are pulled to one sample after the other."""

from collections import namedtuple

import numpy as np

from skesom.som._codebook import by_feature
from skesom.som._online import learn_one_by_one

Steps = namedtuple("Steps", ["epoch", "rows", "rates", "widths"])
Steps.__doc__ = """Some steps of training: rows to learn, learning rates and widths."""


def train_online(X, errors, codebook, lattice, steps, metric, neighborhood):
    """Train a codebook, one sample after the other."""
    weights = by_feature(metric.prepared(codebook))
    scratch = [
        np.empty(X.shape[1], dtype=np.intc),
        np.empty(weights.shape[1], dtype=X.dtype),
        np.empty(weights.shape[1], dtype=X.dtype),
        np.empty((2, lattice.shape[1])),
    ]
    totals = {}
    for epoch, order, rates, widths in steps:
        rows, places, how = metric.steps(X, order, errors)
        squares, n_learned = learn_one_by_one(
            rows,
            places,
            rates,
            widths,
            neighborhood.squared_reach(widths),
            neighborhood.code,
            lattice.squared_along,
            lattice.squared_across,
            lattice.hexagonal,
            weights,
            *scratch,
            **how,
        )
        totals[epoch] = totals.get(epoch, 0) + np.array([squares, n_learned])
    codebook = np.ascontiguousarray(weights[:-1, : len(codebook)].T)
    squares, n_learned = np.array(list(totals.values())).T
    codebook = metric.settled(metric.restored(codebook))
    return codebook, np.sqrt(squares / n_learned)
