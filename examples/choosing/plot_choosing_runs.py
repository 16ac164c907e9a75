# SPDX-License-Identifier: BSD-3-Clause
"""
How to choose the number of runs
================================

One run of a map is one opinion: with another order of the pixels some borders lie
elsewhere. A consensus of several runs changes less. Here each result is made several
times with other seeds, and the maps show in color where two of them differ.
"""

import sys
import time
from itertools import combinations

import matplotlib.pyplot as plt
import numpy as np
from sklearn.metrics import adjusted_rand_score

from skesom.consensus import ConsensusClusterer
from skesom.datasets import make_galaxy_cube
from skesom.displays import cluster_colors
from skesom.maps import compare_clusterings, make_cluster_pipeline
from skesom.pixels import flatten, unflatten
from skesom.som import ESOM

cube, truth = make_galaxy_cube((144, 144), random_state=3)
features = make_cluster_pipeline(ESOM())[:-1].fit_transform(cube)
X, valid = flatten(features)
known = truth[valid]

# %%
# Three results for each number of runs, each with its own seed.

numbers = np.array([1, 3, 6, 12, 24])
labels, seconds = {}, {}
for number in numbers:
    start = time.process_time()
    labels[number] = [
        ConsensusClusterer(ESOM(), n_estimators=int(number), random_state=seed)
        .fit(X)
        .labels_
        for seed in range(3)
    ]
    seconds[number] = (time.process_time() - start) / 3

of_pairs = {
    number: [adjusted_rand_score(*pair) for pair in combinations(labels[number], 2)]
    for number in numbers
}
of_truth = {
    number: [adjusted_rand_score(known, one) for one in labels[number]]
    for number in numbers
}
print("runs   agreement of two results   with the truth   CPU seconds")
for number in numbers:
    print(
        f"{number:4}{np.mean(of_pairs[number]):20.3f} +- {np.std(of_pairs[number]):.3f}"
        f"{np.mean(of_truth[number]):10.3f} +- {np.std(of_truth[number]):.3f}"
        f"{seconds[number]:9.1f}"
    )

# %%

figure = plt.figure(figsize=(10, 6.2), layout="constrained")
grid = figure.add_gridspec(2, 12, height_ratios=(1, 0.85))
for column, number in enumerate((1, 12, 24)):
    first, second = (unflatten(one, valid) for one in labels[number][:2])
    comparison = compare_clusterings(first, second)
    colors = cluster_colors(comparison.matched, features)[comparison.matched]
    colors[comparison.disagreement <= 0] = 1  # white where they agree
    axes = figure.add_subplot(grid[0, 3 * column : 3 * column + 3])
    axes.imshow(colors, origin="lower", interpolation="nearest")
    word = "run" if number == 1 else "runs"
    axes.set_title(
        f"{number} {word}\n{1 - comparison.agreement:.0%} of the pixels differ",
        fontsize=11,
    )
    axes.set(xticks=[], yticks=[])
label_map = unflatten(labels[12][0], valid)
axes = figure.add_subplot(grid[0, 9:])
axes.imshow(
    cluster_colors(label_map, features)[label_map],
    origin="lower",
    interpolation="nearest",
)
axes.set_title("the clusters\nof 12 runs", fontsize=11)
axes.set_axis_off()

curves = {
    "agreement of two results (ARI)": of_pairs,
    "agreement with the truth (ARI)": of_truth,
}
for column, (title, values) in enumerate(curves.items()):
    axes = figure.add_subplot(grid[1, 4 * column : 4 * column + 4])
    mean, spread = (
        [of(values[number]) for number in numbers] for of in (np.mean, np.std)
    )
    axes.errorbar(numbers, mean, spread, marker="o", capsize=3)
    axes.set_title(title, fontsize=11)
    axes.set_ylim(0, 1)
axes = figure.add_subplot(grid[1, 8:])
axes.plot(numbers, [seconds[number] for number in numbers], marker="o")
axes.set_title("CPU seconds", fontsize=11)
axes.set_ylim(0)
for axes in figure.axes[-3:]:
    axes.axvline(12, color="0.6", linestyle=":")
    axes.set_xlabel("runs")

if len(sys.argv) > 1:
    figure.savefig(sys.argv[1], dpi=90)
else:
    plt.show()
