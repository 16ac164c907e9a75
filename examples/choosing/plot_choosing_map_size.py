# SPDX-License-Identifier: BSD-3-Clause
"""
How to choose the size of a classical map
=========================================

A classical map has as many units as you ask for. With too few, one unit has to stand
for several populations. With too many, units have hardly any pixels, and training takes
long. Runs on random halves of the pixels of a synthetic galaxy show both.
"""

import sys
from itertools import combinations

import matplotlib.pyplot as plt
import numpy as np
from sklearn.metrics import adjusted_rand_score

from skesom.datasets import make_galaxy_cube
from skesom.displays import cluster_colors
from skesom.maps import make_cluster_pipeline
from skesom.metrics import topographic_error
from skesom.pixels import flatten, unflatten
from skesom.som import CSOM

cube, truth = make_galaxy_cube((144, 144), random_state=3)
features = make_cluster_pipeline(CSOM())[:-1].fit_transform(cube)
X, valid = flatten(features)
known = truth[valid]

# %%
# Three runs of each size. A map that is trained in batch does not depend on a seed, so
# each run learns from another half of the pixels and labels all of them.

sides = np.array([3, 5, 10, 20, 40])
runs = {}
for side in sides:
    runs[side] = []
    for seed in range(3):
        order = np.random.default_rng(seed).permutation(len(X))
        runs[side].append(CSOM(shape=(side, side)).fit(X[order[: len(X) // 2]]))
labels = {side: [csom.predict(X) for csom in runs[side]] for side in sides}


def over(values):
    """Return mean and standard deviation over the runs of each size."""
    return np.array([(np.mean(each), np.std(each)) for each in values]).T


errors = over([[csom.quantization_error_ for csom in runs[side]] for side in sides])
folds = over([[topographic_error(X, csom) for csom in runs[side]] for side in sides])
thin = over([[np.mean(csom.hits_ < 10) for csom in runs[side]] for side in sides])
of_truth = over([[adjusted_rand_score(known, one) for one in labels[s]] for s in sides])
of_pairs = over(
    [
        [adjusted_rand_score(*pair) for pair in combinations(labels[side], 2)]
        for side in sides
    ]
)
print("units   error   folds   below 10 pixels   agreement of runs   with the truth")
for number, side in enumerate(sides):
    print(
        f"{side**2:5}{errors[0][number]:8.2f}{folds[0][number]:8.2f}"
        f"{thin[0][number]:18.0%}"
        f"{of_pairs[0][number]:12.2f} +- {of_pairs[1][number]:.2f}"
        f"{of_truth[0][number]:9.2f} +- {of_truth[1][number]:.2f}"
    )

# %%

figure = plt.figure(figsize=(10, 6.2), layout="constrained")
grid = figure.add_gridspec(2, 12, height_ratios=(1, 0.85))
shown = {"too small": 3, "default": 10, "large": 40}
for column, (word, side) in enumerate(shown.items()):
    label_map = unflatten(labels[side][0], valid)
    axes = figure.add_subplot(grid[0, 3 * column : 3 * column + 3])
    axes.imshow(
        cluster_colors(label_map, features)[label_map],
        origin="lower",
        interpolation="nearest",
    )
    axes.set_title(f"{word}\n{side} x {side} units", fontsize=11)
    axes.set_axis_off()
axes = figure.add_subplot(grid[0, 9:])
axes.imshow(cluster_colors(truth, features)[truth], origin="lower")
axes.set_title(f"the truth\n{len(np.unique(known))} populations", fontsize=11)
axes.set_axis_off()

curves = {
    "errors of the map": {
        "quantization error": errors,
        "topographic error": folds,
    },
    "share of units": {"below 10 pixels": thin},
    "agreement (ARI)": {"of two runs": of_pairs, "with the truth": of_truth},
}
for column, (title, lines) in enumerate(curves.items()):
    axes = figure.add_subplot(grid[1, 4 * column : 4 * column + 4])
    for (name, (mean, spread)), marker in zip(lines.items(), "os", strict=False):
        axes.errorbar(sides**2, mean, spread, marker=marker, capsize=3, label=name)
    axes.axvline(100, color="0.6", linestyle=":")
    axes.set_xscale("log")
    axes.set_xlabel("units of the map")
    axes.set_title(title, fontsize=11)
    axes.set_ylim(0)
    axes.legend(frameon=False)

if len(sys.argv) > 1:
    figure.savefig(sys.argv[1], dpi=90)
else:
    plt.show()
