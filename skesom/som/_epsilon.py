# SPDX-License-Identifier: BSD-3-Clause
"""Epsilon for a number of nodes, and forecasts of runs from their first samples."""

import copy
import math
import time
from numbers import Integral
from typing import NamedTuple

import numpy as np

from skesom.som._network import Network, make_room
from skesom.som.codebook import distances_to_units

TARGET_NODES = 500  # of an image; docs/choosing.md shows more and fewer
_NODES_EACH = 2  # of a cluster asked for: not all nodes that are aimed at are met
_PILOT_SAMPLES = 32768  # at least, where a table has as many
_FIRST_PILOT = 4096  # samples of the first trials: most epsilons are far off
_PILOT_SHARE = 8  # one in so many samples, when they are many
_LONGEST_PILOT = 2**21  # so that trials take seconds on whole frames


def target_nodes(n_samples, max_nodes, n_clusters=None):
    """Return the number of nodes that an automatic epsilon aims at."""
    wanted = min(TARGET_NODES, round(5 * math.sqrt(n_samples)))
    if isinstance(n_clusters, Integral) and n_clusters > wanted:
        wanted = _NODES_EACH * int(n_clusters)
    return max(1, min(wanted, max_nodes))


def choose_epsilon(windows, fill, target, learn):
    """Choose the epsilon whose network has about the target number of nodes."""
    sizes = _pilot_sizes(windows.n_rows)
    X = windows.first(sizes[-1])
    epsilon = _typical_distance(X[:1000]) or _typical_distance(X[:_PILOT_SAMPLES])
    if epsilon == 0:
        return 1.0
    first = X[:_FIRST_PILOT]
    target = min(target, len(np.unique(first.view(f"V{first[0].nbytes}"))))
    blank = fill, windows.exponent
    for size in sizes:

        def excess(epsilon, pilot=X[:size]):
            n_nodes = _expected_nodes(
                pilot, windows.n_rows, Network(*blank), epsilon, target, learn
            )
            return math.log(n_nodes / target)

        epsilon = _find_root(excess, epsilon)
    return epsilon


class _TooManyNodesError(Exception):
    """A trial made so many nodes that their number does not matter."""


class Forecast(NamedTuple):
    """Epsilon, nodes and seconds of a run to come."""

    epsilon: float
    n_nodes: int
    seconds: float


def forecast(windows, network, epsilon, max_nodes, learn):
    """Estimate the nodes and the time of a run from its first samples."""
    n_samples = windows.n_rows
    size = min(n_samples // (2 * _PILOT_SHARE), _LONGEST_PILOT)
    pilot = windows.first(max(size, _PILOT_SAMPLES))
    network = copy.deepcopy(network)
    counts = []
    last_epsilon = epsilon
    quarters = np.array_split(pilot, min(4, len(pilot)))
    begin = time.perf_counter()
    for quarter in quarters:
        start = time.perf_counter()
        last_epsilon = learn(
            network,
            quarter,
            np.arange(len(quarter)),
            epsilon=last_epsilon,
            max_nodes=max_nodes,
            when_full=make_room,
        )
        counts.append(max(network.n_nodes, 1))
    end = time.perf_counter()
    exponent = _growth(counts)
    nodes = counts[-1] * (n_samples / len(pilot)) ** exponent
    if (
        last_epsilon != epsilon or nodes > max_nodes
    ):  # merged now and then, by up to a half
        nodes = 3 * max_nodes / 4
    # The samples after the pilot's cost what those of its last quarter did, and more
    # as nodes are added.
    seconds_after = (end - start) / len(quarters[-1]) * (n_samples - len(pilot))
    growth = max(nodes / counts[-1] / (1 + exponent), 1.0)
    return Forecast(epsilon, round(nodes), end - begin + seconds_after * growth)


def _pilot_sizes(n_samples):
    """Return how many samples the trials take, rising."""
    last = min(n_samples // _PILOT_SHARE, _LONGEST_PILOT)
    sizes = [max(last, min(n_samples, _PILOT_SAMPLES))]
    while sizes[0] > 2 * _FIRST_PILOT:
        sizes.insert(0, max(sizes[0] // 4, _FIRST_PILOT))
    return sizes


def _find_root(excess, start):
    """Return about where a noisy, falling step function of epsilon is 0."""
    best = start
    least = math.inf
    ends = {}  # (log of epsilon / start, excess), by whether there are too many nodes
    slope = 2.0
    shift = 0.0  # log of epsilon / start
    for _ in range(12):  # at most: noise may hide the root
        epsilon = start * math.exp(shift)
        surplus = excess(epsilon)
        if abs(surplus) < least:
            best = epsilon
            least = abs(surplus)
        if least < 0.12:  # of the logarithm of the number of nodes
            break
        is_over = surplus > 0
        # An end that moved but hardly fell would hold up regula falsi: bisect then.
        halve = is_over in ends and abs(surplus) > 0.5 * abs(ends[is_over][1])
        ends[is_over] = (shift, surplus)
        if len(ends) < 2:  # the root is not enclosed yet: go on by the slope
            shift += max(-1.4, min(1.4, surplus / slope))
            slope *= 0.8
            continue
        low, excess_at_low = ends[True]
        high, excess_at_high = ends[False]
        if halve:
            shift = (low + high) / 2
        else:
            share = excess_at_low / (excess_at_low - excess_at_high)
            shift = low + min(max(share, 0.1), 0.9) * (high - low)
    return best


def _growth(counts):
    """Return the exponent of growth to come, from the last doubling of four parts."""
    if len(counts) < 4:  # growth slows down, so earlier parts are misleading
        return 0.0
    # It slows down to this share, in the mean of many kinds of data.
    return 0.8 * min(max(math.log2(counts[3] / counts[1]), 0.0), 1.0)


def _expected_nodes(pilot, n_samples, network, epsilon, target, learn):
    """Return the number of nodes after n_samples, judged by the pilot samples."""
    limit = 2 * target  # a trial with more nodes is stopped
    counts = []
    if len(pilot) >= 4:
        quarters = np.array_split(pilot, 4)
    else:
        quarters = [pilot]
    for number, quarter in enumerate(quarters):
        try:
            learn(
                network,
                quarter,
                np.arange(len(quarter)),
                epsilon=epsilon,
                max_nodes=limit,
                when_full=_stop,
            )
        except _TooManyNodesError:
            learned = (number + 1) / len(quarters) * len(pilot)
            return limit * math.sqrt(n_samples / learned)
        counts.append(max(network.n_nodes, 1))
    return counts[-1] * (n_samples / len(pilot)) ** _growth(counts)


def _stop(network, epsilon):
    raise _TooManyNodesError


def _typical_distance(X):
    """Return the median distance between samples that differ, 0 without any."""
    X = np.ascontiguousarray(X, dtype=np.float64)
    distances = distances_to_units(X, np.nan_to_num(X[:200], nan=0.0))
    distances = distances[distances > 0]
    return float(np.median(distances)) if len(distances) else 0.0
