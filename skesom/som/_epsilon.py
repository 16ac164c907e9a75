# SPDX-License-Identifier: BSD-3-Clause
"""Epsilon: which one gives a number of nodes, and how it grows when they are many."""

import math
import time
from typing import NamedTuple

import numpy as np

from skesom.som._codebook import distances_to_units
from skesom.som._network import Network

TARGET_NODES = 500
_PILOT_SAMPLES = 32768
_TRIALS = 16


class _TooManyNodes(Exception):
    """A trial made more nodes than are worth counting."""


def target_nodes(n_samples, max_nodes):
    """Return the number of nodes that an automatic epsilon aims at.

    Parameters
    ----------
    n_samples : int
        Number of samples.
    max_nodes : int
        Bound of the number of nodes.

    Returns
    -------
    target : int
        500, or 5 sqrt(n_samples) for a small table, or `max_nodes` if that is less.
    """
    return max(1, min(TARGET_NODES, round(5 * math.sqrt(n_samples)), max_nodes))


def choose_epsilon(X, order, fill, target, rule):
    """Choose the epsilon whose network has about the wanted number of nodes.

    Networks are grown on the first samples of the training order, with the learning
    rule that will be used, and the growth of their last part is carried on to all
    samples. Epsilon is found by bisection of the logarithm.

    Parameters
    ----------
    X : ndarray of shape (n_samples, n_features)
        The training samples.
    order : ndarray of shape (n_samples,)
        The order in which they will be learned.
    fill : ndarray of shape (n_features,)
        Values for the missing features of a first sample.
    target : int
        The number of nodes wanted.
    rule : dict
        Arguments of the learning kernel.

    Returns
    -------
    epsilon : float
        Positive; 1.0 if all samples are the same.
    """
    pilot = order[:_PILOT_SAMPLES].astype(np.intp)
    upper = _typical_distance(X[pilot[:1000]])
    if upper == 0:
        upper = _typical_distance(X[pilot])
    if upper == 0:
        return 1.0
    lower = None
    best, best_miss = upper, math.inf
    epsilon = upper
    for _ in range(_TRIALS):
        nodes = _expected_nodes(X, pilot, len(order), fill, epsilon, target, rule)
        miss = abs(math.log(nodes / target))
        if miss < best_miss:
            best, best_miss = epsilon, miss
        if miss < 0.1:
            break
        if nodes > target:
            lower = epsilon
        else:
            upper = epsilon
        if lower is None:
            epsilon = upper / 2
        elif lower >= upper:
            upper = epsilon = 2 * lower
        else:
            epsilon = math.sqrt(lower * upper)
    return best


def resolve_epsilon(epsilon, X, order, fill, max_nodes, rule):
    """Return epsilon, chosen from the data if it is "auto".

    Parameters
    ----------
    epsilon : float or "auto"
        As the user gave it.
    X, order, fill, rule
        As for `choose_epsilon`.
    max_nodes : int
        Bound of the number of nodes.

    Returns
    -------
    epsilon : float
        Positive.
    """
    if epsilon != "auto":
        return epsilon
    return choose_epsilon(X, order, fill, target_nodes(len(X), max_nodes), rule)


def make_room(network, epsilon):
    """Merge nodes with a growing epsilon until at most three quarters are left.

    As BIRCH rebuilds its tree with a larger threshold (Zhang, Ramakrishnan & Livny
    1996, doi:10.1145/233269.233324). Each merge costs the square of the number of
    nodes and is paid for by the insertions until the next one, so learning stays
    linear in the number of samples.

    Parameters
    ----------
    network : Network
        Changed in place.
    epsilon : float
        The present distance that makes a sample novel.

    Returns
    -------
    epsilon : float
        A larger one.
    """
    enough = max(1, 3 * network.n_nodes // 4)
    while True:
        epsilon = max(1.25 * epsilon, _median_spacing(network.nodes()))
        if network.n_nodes > 1:
            network.merge(epsilon)
        if network.n_nodes <= enough:
            return epsilon


class Forecast(NamedTuple):
    """What a run is going to be."""

    epsilon: float
    n_nodes: int
    seconds: float


def forecast(X, order, fill, epsilon, max_nodes, rule):
    """Foretell the nodes and the time of a run by its first samples.

    Parameters
    ----------
    X : ndarray of shape (n_samples, n_features)
        The training samples.
    order : ndarray of shape (n_learned,)
        The order in which they will be learned.
    fill : ndarray of shape (n_features,)
        Values for the missing features of a first sample.
    epsilon : float
        The distance that makes a sample novel.
    max_nodes : int
        Bound of the number of nodes.
    rule : dict
        Arguments of the learning kernel.

    Returns
    -------
    forecast : Forecast
        Epsilon, about how many nodes it makes, and about how many seconds of learning
        that takes on this machine.
    """
    pilot = order[:_PILOT_SAMPLES].astype(np.intp)
    network = Network(fill)
    counts, now = [], epsilon
    start = time.perf_counter()
    for part in np.array_split(pilot, min(4, len(pilot))):
        now = network.learn(
            X, part, epsilon=now, max_nodes=max_nodes, when_full=make_room, **rule
        )
        counts.append(max(network.n_nodes, 1))
    seconds = time.perf_counter() - start
    share = len(order) / len(pilot)
    nodes = min(counts[-1] * share ** _growth(counts), max_nodes)
    return Forecast(epsilon, round(nodes), seconds * share * nodes / counts[-1])


def _growth(counts):
    """Return the exponent of growth over the last doubling of four equal parts."""
    if len(counts) < 4:  # growth slows down, so earlier parts say less
        return 0.0
    return min(max(math.log2(counts[3] / counts[1]), 0.0), 1.0)


def _expected_nodes(X, pilot, n_samples, fill, epsilon, target, rule):
    """Return the number of nodes after n_samples, judged by the pilot samples."""

    def stop(network, epsilon):
        raise _TooManyNodes

    network = Network(fill)
    limit = 4 * target
    counts = []
    for part in np.array_split(pilot, 4) if len(pilot) >= 4 else [pilot]:
        try:
            network.learn(
                X, part, epsilon=epsilon, max_nodes=limit, when_full=stop, **rule
            )
        except _TooManyNodes:
            return limit
        counts.append(max(network.n_nodes, 1))
    return counts[-1] * (n_samples / len(pilot)) ** _growth(counts)


def _typical_distance(X):
    """Return the median distance between samples that differ, 0 without any."""
    X = X.astype(np.float64)
    distances = distances_to_units(
        np.ascontiguousarray(X), np.nan_to_num(X[:200], nan=0.0)
    )
    distances = distances[distances > 0]
    return float(np.median(distances)) if len(distances) else 0.0


def _median_spacing(nodes):
    """Return the median distance of a node to its nearest neighbour."""
    if len(nodes) < 2:
        return 0.0
    distances = distances_to_units(nodes, nodes)
    np.fill_diagonal(distances, np.inf)
    return float(np.median(distances.min(axis=1)))
