# SPDX-License-Identifier: BSD-3-Clause
"""
How to choose the stretch
=========================

Fluxes are heavy-tailed: a few pixels are a thousand times as bright as most. The asinh
stretch brings them together. Its softening is the flux, in units of the noise, where
the straight line turns into a logarithm. A very large softening is no stretch at all. A
very small one takes the logarithm of noise. The part of the typical flux that is added
by default (``light``) would hide that, and is left out here.
"""

import sys

import matplotlib.pyplot as plt
import numpy as np
from sklearn.metrics import adjusted_rand_score

from skesom.datasets import make_galaxy_cube
from skesom.displays import cluster_colors
from skesom.maps import make_cluster_pipeline
from skesom.pixels import flatten, unflatten
from skesom.som import ESOM

cube, truth = make_galaxy_cube((144, 144), random_state=3)

# %%
# The steps before the map are done for each softening. Then follow three runs with
# other orders of the pixels.

softenings = np.array([0.01, 0.1, 1, 3, 10, 100, 1000])
runs, features = {}, {}
for softening in softenings:
    steps = make_cluster_pipeline(ESOM())[:-1]
    steps.set_params(stretch__softening=softening, stretch__light=0)
    features[softening] = steps.fit_transform(cube)
    X, valid = flatten(features[softening])
    runs[softening] = [ESOM(random_state=seed).fit(X) for seed in range(3)]
known = truth[valid]


def alike(esom):
    """Return the share of neighboring pixels that have the same cluster."""
    label_map = unflatten(esom.labels_, valid)
    return np.mean(label_map[:, 1:] == label_map[:, :-1])


def over(measure):
    """Return mean and standard deviation of a measure over the runs."""
    values = np.array([[measure(esom) for esom in runs[s]] for s in softenings])
    return values.mean(axis=1), values.std(axis=1)


curves = {
    "neighbors in one cluster": over(alike),
    "share of units below 3 pixels": over(lambda esom: np.mean(esom.hits_ < 3)),
    "agreement with the truth (ARI)": over(
        lambda esom: adjusted_rand_score(known, esom.labels_)
    ),
}
for name, (mean, spread) in curves.items():
    print(name)
    for softening, *number in zip(softenings, mean, spread, strict=True):
        print(f"    softening {softening:7g}: {number[0]:.2f} +- {number[1]:.2f}")

# %%

figure = plt.figure(figsize=(10, 6.2), layout="constrained")
grid = figure.add_gridspec(2, 12, height_ratios=(1, 0.85))
shown = {"too strong": 0.01, "default": 3, "too weak": 1000}
for column, (word, softening) in enumerate(shown.items()):
    label_map = unflatten(runs[softening][0].labels_, valid)
    axes = figure.add_subplot(grid[0, 3 * column : 3 * column + 3])
    axes.imshow(
        cluster_colors(label_map, features[3])[label_map],
        origin="lower",
        interpolation="nearest",
    )
    axes.set_title(f"{word}\nsoftening {softening:g}", fontsize=11)
    axes.set_axis_off()
axes = figure.add_subplot(grid[0, 9:])
axes.imshow(cluster_colors(truth, features[3])[truth], origin="lower")
axes.set_title(f"the truth\n{len(np.unique(known))} populations", fontsize=11)
axes.set_axis_off()

for column, (name, (mean, spread)) in enumerate(curves.items()):
    axes = figure.add_subplot(grid[1, 4 * column : 4 * column + 4])
    axes.errorbar(softenings, mean, spread, marker="o", capsize=3)
    axes.axvline(3, color="0.6", linestyle=":")
    axes.set_xscale("log")
    axes.set_xlabel("softening (times the noise)")
    axes.set_title(name, fontsize=11)
    axes.set_ylim(0)

if len(sys.argv) > 1:
    figure.savefig(sys.argv[1], dpi=90)
else:
    plt.show()
