# SPDX-License-Identifier: BSD-3-Clause
"""
How to choose epsilon
=====================

Epsilon is the distance beyond which a sample is new to an evolving map and becomes a
unit. Here the automatic value is divided and multiplied, and the truth of a synthetic
galaxy shows what that does. The two curves on the left need no truth, so you can draw
them for your own images.
"""

import sys
import warnings

import matplotlib.pyplot as plt
import numpy as np
from sklearn.exceptions import ConvergenceWarning
from sklearn.metrics import adjusted_rand_score

from skesom.datasets import make_galaxy_cube
from skesom.displays import cluster_colors
from skesom.maps import make_cluster_pipeline
from skesom.pixels import flatten, unflatten
from skesom.som import ESOM

# %%
# All steps before the map are done once.

cube, truth = make_galaxy_cube((144, 144), random_state=3)
features = make_cluster_pipeline(ESOM())[:-1].fit_transform(cube)
X, valid = flatten(features)
known = truth[valid]
automatic = ESOM(random_state=0).forecast(X).epsilon

# %%
# Three runs for each epsilon, with other orders of the pixels. ``max_nodes`` is large
# here, so that a small epsilon shows its effect. Maps of few units warn that they have
# fewer than eight clusters.

factors = np.array([1 / 2, 0.7, 1, 2, 4, 8])
runs = {}
with warnings.catch_warnings():
    warnings.simplefilter("ignore", ConvergenceWarning)
    for factor in factors:
        esom = ESOM(epsilon=factor * automatic, max_nodes=6000)
        runs[factor] = [
            ESOM(**esom.get_params() | {"random_state": seed}).fit(X)
            for seed in range(3)
        ]


def of_runs(measure):
    """Return mean and standard deviation of a measure over the runs."""
    values = np.array([[measure(esom) for esom in runs[f]] for f in factors])
    return values.mean(axis=1), values.std(axis=1)


nodes = of_runs(lambda esom: len(esom.codebook_))
thin = of_runs(lambda esom: np.mean(esom.hits_ < 3))
agreement = of_runs(lambda esom: adjusted_rand_score(known, esom.labels_))
print("epsilon / automatic   units   units below 3 pixels   agreement with the truth")
for number, factor in enumerate(factors):
    print(
        f"{factor:19.2f}{nodes[0][number]:8.0f}{thin[0][number]:23.0%}"
        f"{agreement[0][number]:21.2f} +- {agreement[1][number]:.2f}"
    )

# %%

figure = plt.figure(figsize=(10, 6.2), layout="constrained")
grid = figure.add_gridspec(2, 12, height_ratios=(1, 0.85))
shown = {"too small": 1 / 2, "automatic": 1, "too large": 8}
for column, (word, factor) in enumerate(shown.items()):
    esom = runs[factor][0]
    label_map = unflatten(esom.labels_, valid)
    axes = figure.add_subplot(grid[0, 3 * column : 3 * column + 3])
    axes.imshow(
        cluster_colors(label_map, features)[label_map],
        origin="lower",
        interpolation="nearest",
    )
    axes.set_title(f"{word}\n{len(esom.codebook_)} units", fontsize=11)
    axes.set_axis_off()
axes = figure.add_subplot(grid[0, 9:])
axes.imshow(cluster_colors(truth, features)[truth], origin="lower")
axes.set_title(f"the truth\n{len(np.unique(known))} populations", fontsize=11)
axes.set_axis_off()

curves = {
    "units": nodes,
    "share of units below 3 pixels": thin,
    "agreement with the truth (ARI)": agreement,
}
for column, (name, (mean, spread)) in enumerate(curves.items()):
    axes = figure.add_subplot(grid[1, 4 * column : 4 * column + 4])
    axes.errorbar(factors, mean, spread, marker="o", capsize=3)
    axes.axvline(1, color="0.6", linestyle=":")
    axes.set_xscale("log")
    axes.set_xticks(factors, ["1/2", "0.7", "1", "2", "4", "8"], minor=False)
    axes.minorticks_off()
    axes.set_xlabel("epsilon / automatic epsilon")
    axes.set_title(name, fontsize=11)
    axes.set_ylim(0)
    if name == "units":
        axes.set_yscale("log")
        axes.set_ylim(1)

if len(sys.argv) > 1:
    figure.savefig(sys.argv[1], dpi=90)
else:
    plt.show()
