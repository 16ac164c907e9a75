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
    compare_with_truth,
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
# stands for H II regions if most of its pixels are such; the share of H II regions in
# it is counted in each half. Only NaN keeps them where H alpha was observed, and yet
# labels the other half. The line marks where the band ends.

reference = maps["all four bands everywhere"]
colors = [*cluster_colors(reference, whole), *8 * ["0.6"]]  # gray: matches none
is_region = truth == POPULATIONS.index("H II region")
figure, panels = plt.subplots(2, 2, figsize=(8, 8.6), layout="constrained")
for axes, (name, label_map) in zip(panels.flat, maps.items(), strict=True):
    found = compare_with_truth(label_map, truth, names=POPULATIONS).classes
    row = found[found["class"] == "H II region"][0]
    inside = np.isin(label_map, [int(number) for number in row["clusters"].split()])
    text = "H II regions found: "
    text += ", ".join(
        f"{inside[half][is_region[half]].mean():.0%} {side}"
        for side, half in (("left", np.s_[:, :110]), ("right", np.s_[:, 110:]))
    )
    print(f"{name:32} {text}, purity {row['purity']:.0%}")
    matched = compare_clusterings(reference, label_map).matched
    ClusterMapDisplay.from_predictions(matched, colors=colors, legend=False, ax=axes)
    axes.axvline(109.5, color="0.7", linewidth=1)
    axes.set(xticks=[], yticks=[], xlabel="", ylabel="")
    axes.set_title(f"{name}\n{text}", fontsize="medium")

if len(sys.argv) > 1:
    figure.savefig(sys.argv[1], dpi=80)
else:
    plt.show()
