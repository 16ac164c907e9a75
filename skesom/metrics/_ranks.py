# SPDX-License-Identifier: BSD-3-Clause
"""Ranks of distances that tie.

Distances tie often on a lattice. A measure that ranks them is its mean over all orders
that the ties allow, so that it does not depend on how units are numbered.
"""

import numpy as np

_ROUNDING = 1e-9  # relative difference of distances that are the same


def mean_over_orders(distances, of_rank):
    """Return the mean of a function of rank over all orders that ties allow."""
    order = np.argsort(distances, axis=1)
    ordered = np.take_along_axis(distances, order, axis=1)
    first = np.ones(ordered.shape, dtype=bool)
    first[:, 1:] = ordered[:, 1:] > ordered[:, :-1] * (1 + _ROUNDING)
    begins = np.flatnonzero(first)
    sizes = np.diff(begins, append=first.size)
    values = np.broadcast_to(of_rank, distances.shape).ravel()
    means = np.repeat(np.add.reduceat(values, begins) / sizes, sizes)
    np.put_along_axis(ordered, order, means.reshape(ordered.shape), axis=1)
    return ordered
