# SPDX-License-Identifier: BSD-3-Clause
"""
How to choose the number of clusters
====================================

The pixels of a galaxy are a continuum, so no number is the true one. Few clusters mix
populations, many split them. What you can see without the truth is whether runs agree:
a number at which they do not is a number that the data do not support.
"""

import sys
from itertools import combinations

import matplotlib.pyplot as plt
import numpy as np
from sklearn.metrics import adjusted_rand_score, completeness_score, homogeneity_score

from skesom.datasets import make_galaxy_cube
from skesom.displays import cluster_colors
from skesom.maps import make_cluster_pipeline
from skesom.pixels import flatten, unflatten
from skesom.som import ESOM

cube, truth = make_galaxy_cube((144, 144), random_state=3)
features = make_cluster_pipeline(ESOM())[:-1].fit_transform(cube)
X, valid = flatten(features)
known = truth[valid]

# %%
# Five runs for each number, with other orders of the pixels.

numbers = np.array([2, 3, 4, 5, 6, 8, 10, 12, 16, 24])
labels = {
    number: [ESOM(number, random_state=seed).fit_predict(X) for seed in range(5)]
    for number in numbers
}


def over(values):
    """Return mean and standard deviation over the runs of each number."""
    return np.array([(np.mean(each), np.std(each)) for each in values]).T


def with_truth(score):
    """Compare the clusters of all runs with the truth."""
    return over([[score(known, one) for one in labels[n]] for n in numbers])


of_pairs = over(
    [
        [adjusted_rand_score(*pair) for pair in combinations(labels[number], 2)]
        for number in numbers
    ]
)
curves = {
    "agreement of two runs (ARI)": {"": of_pairs},
    "mixed or split?": {
        "not mixed (homogeneity)": with_truth(homogeneity_score),
        "not split (completeness)": with_truth(completeness_score),
    },
    "agreement with the truth (ARI)": {"": with_truth(adjusted_rand_score)},
}
for title, lines in curves.items():
    for name, (mean, spread) in lines.items():
        print(name or title)
        for number, *found in zip(numbers, mean, spread, strict=True):
            print(f"    {number:2} clusters: {found[0]:.2f} +- {found[1]:.2f}")

# %%

figure = plt.figure(figsize=(10, 6.2), layout="constrained")
grid = figure.add_gridspec(2, 12, height_ratios=(1, 0.85))
shown = {"too few": 2, "default": 8, "too many": 24}
for column, (word, number) in enumerate(shown.items()):
    label_map = unflatten(labels[number][0], valid)
    axes = figure.add_subplot(grid[0, 3 * column : 3 * column + 3])
    axes.imshow(
        cluster_colors(label_map, features)[label_map],
        origin="lower",
        interpolation="nearest",
    )
    axes.set_title(f"{word}\n{number} clusters", fontsize=11)
    axes.set_axis_off()
axes = figure.add_subplot(grid[0, 9:])
axes.imshow(cluster_colors(truth, features)[truth], origin="lower")
axes.set_title(f"the truth\n{len(np.unique(known))} populations", fontsize=11)
axes.set_axis_off()

for column, (title, lines) in enumerate(curves.items()):
    axes = figure.add_subplot(grid[1, 4 * column : 4 * column + 4])
    for (name, (mean, spread)), marker in zip(lines.items(), "os", strict=False):
        axes.errorbar(numbers, mean, spread, marker=marker, capsize=3, label=name)
    axes.axvline(8, color="0.6", linestyle=":")
    axes.set_xlabel("number of clusters")
    axes.set_title(title, fontsize=11)
    axes.set_ylim(0, 1)
    if len(lines) > 1:
        axes.legend(frameon=False, fontsize=9)

if len(sys.argv) > 1:
    figure.savefig(sys.argv[1], dpi=90)
else:
    plt.show()
