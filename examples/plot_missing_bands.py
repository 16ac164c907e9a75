# SPDX-License-Identifier: BSD-3-Clause
"""
A band that covers half of the frame
====================================

Surveys end somewhere, and detectors have gaps: one band is often missing in a part of
the frame. Pixels without it can be left out, or the band can. Both maps take a third
way: a missing value is NaN, and pixels and units are compared by the bands that are
there.
"""

import sys

import matplotlib.pyplot as plt
import numpy as np
from sklearn.metrics import adjusted_rand_score

from skesom.datasets import POPULATIONS, make_galaxy_cube
from skesom.displays import ClusterMapDisplay, cluster_colors
from skesom.maps import (
    compare_clusterings,
    compare_with_truth,
    make_cluster_pipeline,
    make_clusterer,
)

# %%
# The image in H alpha (F657N) ends in the middle of the frame.

whole, truth = make_galaxy_cube((220, 220), random_state=2)
half = whole.replace(data=whole.data.copy())
bands = list(whole.band_names)
half.data[:, 110:, bands.index("F657N")] = np.nan
others = half[:, :, [n for n, name in enumerate(bands) if name != "F657N"]]

# %%
# With ``min_bands=8`` a pixel may lack one of nine bands.


def cluster(cube, **options):
    """Return eight clusters on which twelve maps agree."""
    return make_cluster_pipeline(make_clusterer("esom"), **options).fit_predict(cube)


maps = {
    "all nine bands everywhere": cluster(whole),
    "pixels without F657N left out": cluster(half),
    "F657N left out": cluster(others),
    "F657N missing in the right half": cluster(half, min_bands=8),
}

# %%
# Each half is compared with the map of all data, by the adjusted Rand index. The line
# marks where the band ends: a border of clusters along it would come from the data, not
# from the sky.

reference = maps["all nine bands everywhere"]
colors = [*cluster_colors(reference, whole), *8 * ["0.6"]]  # gray: matches none
figure, panels = plt.subplots(2, 2, figsize=(8, 8.6), layout="constrained")
for axes, (name, label_map) in zip(panels.flat, maps.items(), strict=True):
    matched = compare_clusterings(reference, label_map).matched
    ClusterMapDisplay.from_predictions(matched, colors=colors, legend=False, ax=axes)
    axes.axvline(109.5, color="0.7", linewidth=1)
    axes.set(xticks=[], yticks=[], xlabel="", ylabel="")
    scores = []
    for part in (np.s_[:, :110], np.s_[:, 110:]):
        known = label_map[part] >= 0
        pair = reference[part][known], label_map[part][known]
        scores.append(f"{adjusted_rand_score(*pair):.2f}" if known.any() else "no data")
    text = "{}, {}".format(*scores)
    print(f"{name:32} {text}")
    axes.set_title(f"{name}\n{text}", fontsize="medium")
    found = compare_with_truth(label_map, truth, names=POPULATIONS)
    print(found.classes, found.scores)

if len(sys.argv) > 1:
    figure.savefig(sys.argv[1], dpi=80)
else:
    plt.show()
