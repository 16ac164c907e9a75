# SPDX-License-Identifier: BSD-3-Clause
"""
Shapes that k-means cannot part
===============================

k-means gives each point to the nearest of a few centers, so its clusters are convex. A
map covers any shape with many units, and its second stage cuts between units where few
samples are. This example compares both on seven sets of points whose clusters are
known: on moons, linked rings, spirals and others, on groups where k-means is as good,
and on long bodies side by side, where the maps fail too. Each set is drawn ten times.
"""

import sys

import matplotlib.pyplot as plt
import numpy as np
from scipy.optimize import linear_sum_assignment
from sklearn.cluster import KMeans
from sklearn.datasets import make_blobs, make_moons
from sklearn.metrics import adjusted_rand_score, confusion_matrix

from skesom.som import CSOM, ESOM

# %%
# Each function draws points, and the number of the cluster of each point.


def moons(rng):
    return make_moons(1000, noise=0.06, random_state=int(rng.integers(2**31)))


def linked_rings(rng):
    """Two rings in three dimensions, one through the other."""
    angle = rng.uniform(0, 2 * np.pi, (2, 500))
    flat = np.zeros(500)
    first = np.column_stack([np.cos(angle[0]), np.sin(angle[0]), flat])
    second = np.column_stack([1 + np.cos(angle[1]), flat, np.sin(angle[1])])
    return together(first, second, 0.06 * rng.normal(size=(1000, 3)))


def ring_and_core(rng):
    angle = rng.uniform(0, 2 * np.pi, 700)
    ring = 3 * np.column_stack([np.cos(angle), np.sin(angle)])
    return together(ring, np.zeros((300, 2)), 0.3 * rng.normal(size=(1000, 2)))


def spirals(rng):
    turn = 1 + 9 * np.sqrt(rng.uniform(size=(2, 750)))
    arms = [
        t[:, np.newaxis] * np.column_stack([np.cos(t + side), np.sin(t + side)])
        for t, side in zip(turn, (0, np.pi), strict=True)
    ]
    return together(*arms, 0.25 * rng.normal(size=(1500, 2)))


def wide_and_narrow(rng):
    angle, radius = rng.uniform(0, 2 * np.pi, 900), 4 * np.sqrt(rng.uniform(size=900))
    large = radius[:, np.newaxis] * np.column_stack([np.cos(angle), np.sin(angle)])
    small = [[5.5, 0]] + 0.3 * rng.normal(size=(100, 2))
    return together(large, small, np.zeros((1000, 2)))


def round_groups(rng):
    centers = [[0, 0], [4, 0], [0, 4], [4, 4], [8, 2]]
    seed = int(rng.integers(2**31))
    return make_blobs(1000, centers=centers, cluster_std=0.9, random_state=seed)


def long_and_close(rng):
    """Three long normal distributions side by side, whose tails touch."""
    along = rng.normal(0, 3, (3, 400, 1))
    across = rng.normal(0, 0.12, (3, 400, 1)) + 0.6 * np.arange(3).reshape(3, 1, 1)
    return together(*np.concatenate([along, across], axis=2), np.zeros((1200, 2)))


def together(*parts):
    """Join groups of points; the last part is the scatter of all."""
    *groups, scatter = parts
    sizes = [len(group) for group in groups]
    return np.concatenate(groups) + scatter, np.repeat(np.arange(len(sizes)), sizes)


# %%
# All three are told the true number of clusters. The adjusted Rand index is 1 where the
# clusters are the true ones, and 0 where they are as good as chance.

METHODS = {
    "k-means": lambda k, seed: KMeans(k, n_init=5, random_state=seed),
    "ESOM": lambda k, seed: ESOM(k, random_state=seed),
    "CSOM": lambda k, seed: CSOM(k, random_state=seed),
}
SHAPES = (
    *(moons, linked_rings, ring_and_core, spirals),
    *(wide_and_narrow, round_groups, long_and_close),
)
SEEDS = range(10)
COLORS = ["#0072b2", "#e69f00", "#009e73", "#cc79a7", "0.3"]
TURN = np.array([[0.9, 0.2], [-0.4, 0.4], [0.1, -0.9]])  # how the rings are seen


def measure(draw):
    """Return the index for each seed and method, and the clusters of the first seed."""
    scores, first = [], None
    for seed in SEEDS:
        points, truth = draw(np.random.default_rng(seed))
        found = [
            make(truth.max() + 1, seed).fit_predict(points) for make in METHODS.values()
        ]
        scores.append([adjusted_rand_score(truth, labels) for labels in found])
        first = first or (points, [truth, *found])
    return np.array(scores), first


def in_colors_of_truth(labels, truth):
    """Number clusters so that most points have the number of their true one."""
    _, new = linear_sum_assignment(confusion_matrix(labels, truth), maximize=True)
    return new[labels]


measured = [measure(draw) for draw in SHAPES]
print(f"{'':16}" + "".join(f"{name:>16}" for name in METHODS))
for draw, (scores, _) in zip(SHAPES, measured, strict=True):
    cells = zip(scores.mean(axis=0), scores.std(axis=0), strict=True)
    print(f"{draw.__name__:16}" + "".join(f"{m:z9.2f} +- {s:.2f}" for m, s in cells))

# %%
# The first drawing of each set, in the colors of the clusters. The numbers are the mean
# index of ten drawings and its standard deviation. A small lattice is too coarse for
# the spirals. No map parts long groups that are as
# near to each other as units are: a cut across is then as cheap as one between them
# (they are eight times as long as they look here).

figure, axes = plt.subplots(
    4, len(SHAPES), figsize=(15, 8.6), layout="constrained", squeeze=False
)
for column, (scores, (points, labelings)) in zip(axes.T, measured, strict=True):
    # Rings in three dimensions are seen from aside.
    flat = points[:, :2] if points.shape[1] == 2 else points @ TURN
    for row, (ax, labels) in enumerate(zip(column, labelings, strict=True)):
        numbers = in_colors_of_truth(labels, labelings[0])
        ax.scatter(*flat.T, s=2, c=np.array(COLORS)[numbers])
        ax.set(xticks=[], yticks=[])
        if row:
            index = scores[:, row - 1]
            ax.set_title(f"{index.mean():z.2f} ± {index.std():.2f}", fontsize=11)
for ax, draw in zip(axes[0], SHAPES, strict=True):
    ax.set_title(draw.__name__.replace("_", " "), fontsize=12)
for ax, name in zip(axes[:, 0], ("truth", *METHODS), strict=True):
    ax.set_ylabel(name, fontsize=12)

if len(sys.argv) > 1:
    figure.savefig(sys.argv[1], dpi=70)
else:
    plt.show()
