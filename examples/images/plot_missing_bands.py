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

from skesom.datasets import POPULATIONS, make_galaxy_cube
from skesom.displays import ClusterMapDisplay, cluster_colors
from skesom.maps import (
    compare_clusterings,
    make_cluster_pipeline,
    make_clusterer,
)

# %%
# Three broad bands and one of H alpha (F657N), which ends in the middle of the frame.

whole, truth = make_galaxy_cube((220, 220), n_bands=4, random_state=2)
half = whole.replace(data=whole.data.copy())
bands = list(whole.band_names)
half.data[:, 110:, bands.index("F657N")] = np.nan
others = half[:, :, [n for n, name in enumerate(bands) if name != "F657N"]]

# %%
# With ``min_bands=3`` a pixel may lack one of the four bands.


def cluster(cube, **options):
    """Return eight clusters on which twelve maps agree."""
    return make_cluster_pipeline(make_clusterer("esom"), **options).fit_predict(cube)


maps = {
    "all four bands everywhere": cluster(whole),
    "pixels without F657N left out": cluster(half),
    "F657N left out": cluster(others),
    "F657N missing in the right half": cluster(half, min_bands=3),
}

# %%
# What is the band good for? It tells H II regions from other young stars. A cluster
# stands for H II regions if most of its pixels in the left half are such. How many of
# the H II regions does it hold there, and in the right half (completeness), and how
# many of its pixels are such (purity)?


def measure(label_map):
    """Return completeness and purity of H II regions in both halves, as a text."""
    left, right = np.s_[:, :110], np.s_[:, 110:]
    classes = compare_clusterings(
        label_map[left], truth[left], names=POPULATIONS
    ).classes
    clusters = classes["clusters"][classes["class"] == "H II region"][0].split()
    inside = np.isin(label_map, [int(number) for number in clusters])
    is_region = truth == POPULATIONS.index("H II region")
    texts = []
    for half in (left, right):
        n_right = np.sum(inside[half] & is_region[half])
        found, pure = (
            n_right / is_region[half].sum(),
            n_right / max(inside[half].sum(), 1),
        )
        texts.append(f"{found:.0%} found, {pure:.0%} pure" if n_right else "none")
    return " | ".join(texts)


# %%
# Only the third way, at the lower right, keeps the H II regions where H alpha was
# observed and labels the rest too. But no method brings back what was not observed: in
# the right half H II regions and young stars look alike, and their pixels get one label
# or the other by chance.

reference = maps["all four bands everywhere"]
colors = [*cluster_colors(reference, whole), *8 * ["0.6"]]  # gray: matches none
figure, panels = plt.subplots(2, 2, figsize=(8, 8.6), layout="constrained")
figure.suptitle("H II regions in the left half | in the right half", fontsize="medium")
for axes, (name, label_map) in zip(panels.flat, maps.items(), strict=True):
    text = measure(label_map)
    print(f"{name:32} H II regions: {text}")
    matched = compare_clusterings(reference, label_map).matched
    ClusterMapDisplay.from_predictions(matched, colors=colors, legend=False, ax=axes)
    axes.axvline(109.5, color="0.7", linewidth=1)
    axes.set(xticks=[], yticks=[], xlabel="", ylabel="")
    axes.set_title(f"{name}\n{text}", fontsize="medium")

if len(sys.argv) > 1:
    figure.savefig(sys.argv[1], dpi=80)
else:
    plt.show()
