# SPDX-License-Identifier: BSD-3-Clause
"""Both maps in plain Python, slow and written from their definitions.

Ties and long runs of an evolving map are only comparable when the same sums are taken
in the same order, so the order is part of the definition here: a squared distance adds
up the features from the first to the last, and the activations add up the winner and
then its neighbors from the oldest link to the newest.
"""

import math

import numpy as np
from scipy.spatial.distance import cdist


class EvolvingMap:
    """Deng & Kasabov's evolving map; every step of it in the order of the text.

    `nodes` is a list of rows, `adjacency` a list of lists of neighbors with the oldest
    link first, `strengths` a dict from pairs (low, high) to numbers.
    """

    def __init__(
        self,
        epsilon,
        *,
        learning_rate=0.2,
        forgetting=0.8,
        pruning_period=50,
        link_second=True,
        whole_ball=False,
    ):
        self.epsilon = epsilon
        self.learning_rate = learning_rate
        self.forgetting = forgetting
        self.pruning_period = pruning_period
        self.link_second = link_second
        self.whole_ball = whole_ball
        self.nodes = np.empty((0, 0))
        self.adjacency = []
        self.strengths = {}
        self.n_seen = 0
        self.n_pruned = 0
        self.n_removed = 0

    def learn(self, X):
        """Learn rows in the order given; rows without any feature are no samples."""
        X = np.asarray(X, dtype=np.float64)
        if len(self.nodes) == 0:
            self.nodes = np.empty((0, X.shape[1]))
        for sample in X:
            if not np.isnan(sample).all():
                self.learn_one(sample)
        return self

    def learn_one(self, sample):
        self.n_seen += 1
        present = np.flatnonzero(~np.isnan(sample))
        squared = self.squared_distances(sample, present)
        order = two_smallest(squared)
        squared = squared * (len(sample) / len(present))
        if len(order) == 0 or squared[order[0]] > self.epsilon * self.epsilon:
            winner, squared = self.insert(sample, order, squared)
        else:
            winner = order[0]
            self.link_winner(order, squared)
        self.adapt(sample, present, winner, squared)
        if self.pruning_period and self.n_seen % self.pruning_period == 0:
            self.prune()

    def squared_distances(self, sample, present):
        squared = np.zeros(len(self.nodes))
        for feature in present:
            difference = sample[feature] - self.nodes[:, feature]
            squared = squared + difference * difference
        return squared

    def insert(self, sample, nearest, squared):
        if len(nearest) > 0:  # a first sample is complete in all tests
            sample = np.where(np.isnan(sample), self.nodes[nearest[0]], sample)
        self.nodes = np.vstack([self.nodes, sample])
        self.adjacency.append([])
        new = len(self.nodes) - 1
        for node in nearest:
            self.connect(new, node)
        return new, np.append(squared, 0.0)

    def link_winner(self, order, squared):
        winner = order[0]
        if self.whole_ball:
            inside = squared < self.epsilon * self.epsilon
            others = [node for node in np.flatnonzero(inside) if node != winner]
        elif self.link_second:
            others = order[1:]
        else:
            others = []
        for node in others:
            if node not in self.adjacency[winner]:
                self.connect(winner, node)

    def connect(self, node, other):
        self.adjacency[node].append(other)
        self.adjacency[other].append(node)
        self.strengths[pair(node, other)] = None

    def adapt(self, sample, present, winner, squared):
        def activation(node):
            if squared[node] == 0:
                return 1.0
            return math.exp(-2 / (self.epsilon * self.epsilon) * squared[node])

        moving = self.adjacency[winner]
        if self.whole_ball:  # a link that was only just made holds its node inside
            moving = [
                node
                for node in moving
                if squared[node] < self.epsilon * self.epsilon
                or self.strengths[pair(winner, node)] is None
            ]
        activations = {node: activation(node) for node in [winner, *moving]}
        total = 0.0
        for value in activations.values():
            total += value
        for node, value in activations.items():
            step = value * (self.learning_rate / total)
            weights = self.nodes[node]
            weights[present] += step * (sample[present] - weights[present])
        for node in moving:
            link = pair(winner, node)
            product = activations[winner] * activations[node]
            if self.whole_ball:
                self.strengths[link] = min(activations[winner], activations[node])
            elif self.strengths[link] is None:
                self.strengths[link] = product
            else:
                self.strengths[link] = (
                    self.forgetting * self.strengths[link]
                    + (1 - self.forgetting) * product
                )

    def prune(self):
        if not self.strengths:
            return
        low, high = min(self.strengths, key=lambda link: (self.strengths[link], link))
        del self.strengths[low, high]
        self.adjacency[low].remove(high)
        self.adjacency[high].remove(low)
        self.n_pruned += 1
        for end in (high, low):
            if self.strengths and not self.adjacency[end]:
                self.remove(end)

    def remove(self, node):
        """Remove a node without links; the last node takes its place."""
        last = len(self.nodes) - 1
        self.n_removed += 1
        if node != last:
            self.nodes[node] = self.nodes[last]
            self.adjacency[node] = self.adjacency[last]
            for other in self.adjacency[node]:
                names = self.adjacency[other]
                names[names.index(last)] = node
                self.strengths[pair(node, other)] = self.strengths.pop(
                    pair(last, other)
                )
        self.nodes = self.nodes[:last]
        self.adjacency.pop()


def pair(node, other):
    return (min(node, other), max(node, other))


def two_smallest(values):
    """Indices of the two smallest values, the lowest index first among equals."""
    return [int(index) for index in np.argsort(values, kind="stable")[:2]]


def places(shape, topology):
    """x and y of each unit of a lattice, one by one."""
    return np.array(
        [
            (column + row % 2 / 2, row * np.sqrt(3) / 2)
            if topology == "hexagonal"
            else (column, row)
            for row in range(shape[0])
            for column in range(shape[1])
        ]
    )


def distances(shape, topology, toroidal):
    """Distances of all pairs of units; on a torus to the nearest of nine images."""
    here = places(shape, topology)
    pitch = np.sqrt(3) / 2 if topology == "hexagonal" else 1
    turns = (-1, 0, 1) if toroidal else (0,)
    images = [
        cdist(here, here + [across * shape[1], down * shape[0] * pitch])
        for across in turns
        for down in turns
    ]
    r = np.min(images, axis=0)
    return np.sqrt(np.round(4 * r**2) / 4)  # squares are multiples of a quarter


def neighborhood(name, r, sigma, diameter=None):
    """Weights at distances of units, by the formulas."""
    gaussian = np.exp(-(r**2) / (2 * sigma**2))
    h = {
        "gaussian": gaussian,
        "cut_gaussian": gaussian * (r <= sigma),
        "bubble": 1.0 * (r <= sigma),
        "epanechnikov": np.clip(1 - (r / sigma) ** 2, 0, None),
        "mexican_hat": (1 - r**2 / (2 * sigma**2)) * gaussian,
    }[name]
    return h if diameter is None else h * (r <= diameter / 2)


def batch_epoch(X, codebook, h, sample_weight=1):
    """One epoch by the formula: weighted means of the present features."""
    squares = np.nan_to_num(X[:, None] - codebook) ** 2
    shares = h[:, squares.sum(axis=2).argmin(axis=1)] * sample_weight
    totals = shares @ ~np.isnan(X)
    means = shares @ np.nan_to_num(X) / np.where(totals > 0, totals, 1)
    return np.where(totals > 0, means, codebook)


def learned_online(X, codebook, rows, rates, weights_of, *, of_angles=False):
    """Learn one row after the other; `weights_of(step, winner)` are those of all units.

    Also returned are the sum of the squares that rows were away and the number of rows.
    """
    learned, squares, n_learned = codebook.astype(float), 0.0, 0
    for step, (row, rate) in enumerate(zip(rows, rates, strict=True)):
        present = ~np.isnan(X[row])
        if not present.any():
            continue
        sample, seen = X[row, present].astype(float), learned[:, present]
        apart = ((sample - seen) ** 2).sum(axis=1)
        winner = apart.argmin()
        if of_angles:
            winner = (seen @ sample / np.linalg.norm(seen, axis=1)).argmax()
        squares, n_learned = squares + apart[winner], n_learned + 1
        learned[:, present] += (
            rate * weights_of(step, winner)[:, None] * (sample - seen)
        )
        if of_angles:
            learned /= np.linalg.norm(learned, axis=1, keepdims=True)
    return learned, squares, n_learned
