# SPDX-License-Identifier: BSD-3-Clause
"""
One run, or what many agree on
==============================

With another seed a map learns in another order, and some pixels change their cluster:
labels flicker from run to run. ``ConsensusClusterer`` makes twelve runs and finds what
they agree on. How much of the flicker is left? And is it nearer to the truth?
"""

import sys
from itertools import combinations

import matplotlib.pyplot as plt
import numpy as np
from sklearn.metrics import adjusted_rand_score

from skesom.consensus import ConsensusClusterer
from skesom.datasets import make_galaxy_cube
from skesom.displays import ClusterMapDisplay, ValueMapDisplay, cluster_colors
from skesom.maps import CubeClusterer, compare_clusterings, make_cluster_pipeline
from skesom.som import ESOM

# %%
# Eight single runs and three consensuses of twelve runs cluster the same pixels, all
# with different seeds.

cube, truth = make_galaxy_cube((160, 160), random_state=3)
features = make_cluster_pipeline(ESOM())[:-1].fit_transform(cube)
clusterers = {
    "single runs": [ESOM(n_clusters=8, random_state=seed) for seed in range(8)],
    "consensus of 12": [
        ConsensusClusterer(ESOM(), n_clusters=8, random_state=seed, n_jobs=-1)
        for seed in range(3)
    ],
}
fitted = {
    name: [CubeClusterer(each).fit(features) for each in group]
    for name, group in clusterers.items()
}
maps = {name: [each.labels_ for each in group] for name, group in fitted.items()}

# %%
# The adjusted Rand index of two runs tells of the flicker, and that of a run with the
# truth what it is worth.


def agreement(first, second):
    """Return the adjusted Rand index of two label maps."""
    return adjusted_rand_score(first.ravel(), second.ravel())


with_truth = {
    name: [agreement(truth, m) for m in group] for name, group in maps.items()
}
with_others = {
    name: [agreement(*pair) for pair in combinations(group, 2)]
    for name, group in maps.items()
}
for name in maps:
    for kind, values in (("other seeds", with_others), ("truth", with_truth)):
        low, high = min(values[name]), max(values[name])
        mean = np.mean(values[name])
        print(f"{name:16} with {kind:12} {mean:.3f}, from {low:.3f} to {high:.3f}")

# %%
# Two runs, in the colors of the clusters of the consensus that they match (gray: none);
# the share of the runs that put a pixel where the consensus does; and the agreements as
# points. Flicker is along borders, and where one population passes into the next. A
# consensus is steadier than a run. It is not nearer to the truth than the runs are on
# average, but it spares the bad luck of the worst of them.

consensus = maps["consensus of 12"][0]
colors = [*cluster_colors(consensus, features), *8 * ["0.6"]]  # gray: matches none
single = [compare_clusterings(consensus, m).matched for m in maps["single runs"]]
pair = min(combinations(single, 2), key=lambda pair: agreement(*pair))
figure, panels = plt.subplots(2, 3, figsize=(12, 8), layout="constrained")
for axes, title, label_map in (
    (panels[0, 0], "one run", pair[0]),
    (panels[0, 1], "the run that differs most from it", pair[1]),
    (panels[0, 2], "consensus of twelve runs", consensus),
):
    shown = {"legend": False, "scale_bar": False, "compass": False, "ax": axes}
    ClusterMapDisplay.from_predictions(label_map, colors=colors, **shown)
    axes.set_title(title)
ValueMapDisplay.from_predictions(
    fitted["consensus of 12"][0].agreement_, kind="stability", ax=panels[1, 0]
)
panels[1, 0].set_title("agreement of the twelve")
for axes in panels.flat[:4]:
    axes.set_axis_off()
for axes, kind, values in (
    (panels[1, 1], "runs of other seeds", with_others),
    (panels[1, 2], "the truth", with_truth),
):
    for place, group in enumerate(values.values()):
        x = place + np.linspace(-0.15, 0.15, len(group))
        axes.plot(x, group, "o", color="C3" if place else "0.4", alpha=0.7)
    axes.set_xticks(range(len(values)), values)
    axes.set_xlim(-0.5, 1.5)
    axes.set(title=f"agreement with {kind}", ylabel="adjusted Rand index")
    axes.grid(axis="y", alpha=0.3)

if len(sys.argv) > 1:
    figure.savefig(sys.argv[1], dpi=80)
else:
    plt.show()
