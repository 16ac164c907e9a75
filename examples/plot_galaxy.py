# SPDX-License-Identifier: BSD-3-Clause
"""
Populations of a galaxy
=======================

Nine images of a galaxy go in, one per Hubble filter, and a map of its populations comes
out: the old disc, the bulge, the young arms, H II regions, star clusters and dust lanes
have different spectra, and so they fall into different clusters. The galaxy is a
synthetic one, so that the truth is known and the map can be compared with it.
"""

import sys

import matplotlib.pyplot as plt
import numpy as np
from sklearn.metrics import adjusted_rand_score

from skesom.datasets import make_galaxy_cube
from skesom.displays import cluster_colors
from skesom.io import cluster_table
from skesom.maps import make_cluster_pipeline
from skesom.som import ESOM, ConsensusClusterer

# %%
# A cube holds the images, their place on the sky, the names of the bands, and how sharp
# each of them is.

cube, truth = make_galaxy_cube(random_state=0)
print(cube)

# %%
# The pipeline brings all bands to one sharpness, compresses the fluxes, raises the
# contrast of the colors, and clusters the pixels by what twelve evolving maps agree
# on.

consensus = ConsensusClusterer(ESOM(), n_clusters=8, random_state=0, n_jobs=-1)
pipeline = make_cluster_pipeline(consensus)
label_map = pipeline.fit_predict(cube)
agreement = adjusted_rand_score(truth.ravel(), label_map.ravel())
print(f"agreement with the truth (adjusted Rand index): {agreement:.2f}")
print(f"agreement of the runs: {pipeline[-1].agreement_.mean():.0%}")

# %%
# The galaxy as the eye would see it, the clusters of its pixels, and the median
# spectrum of each cluster: that of H II regions stands out where oxygen (F373N, F502N)
# and hydrogen (F487N, F657N) shine.

scaled = pipeline[:-2].transform(cube)
colors = cluster_colors(label_map, scaled)
bands = dict(zip(cube.band_names, np.moveaxis(scaled.data, -1, 0), strict=True))
red = (bands["F814W"] + bands["F657N"]) / 2
green = (bands["F814W"] + 2 * bands["F438W"]) / 3
blue = (bands["F438W"] + bands["F336W"]) / 2
picture = np.clip((np.dstack([red, green, blue]) + 2) / 6, 0, 1)

figure, (left, middle, right) = plt.subplots(
    1, 3, figsize=(13, 4.1), layout="constrained", width_ratios=[1, 1, 1]
)
left.imshow(picture, origin="lower")
left.set_title("nine images, shown in color")
middle.imshow(colors[label_map], origin="lower", interpolation="nearest")
middle.set_title("clusters of their pixels")
for axes in (left, middle):
    axes.set_axis_off()
table = cluster_table(label_map, scaled)
for row, color in zip(table, colors, strict=True):
    medians = [row[f"{band}_median"] for band in cube.band_names]
    right.plot(medians, "o-", color=color, label=f"{row['percentage']:.1f} %")
right.set_xticks(range(9), cube.band_names, rotation=90, fontsize="small")
right.set(title="spectra of the clusters", ylabel="median flux, stretched and scaled")
right.grid(alpha=0.3)
figure.legend(loc="outside right center", title="pixels", frameon=False)

if len(sys.argv) > 1:
    figure.savefig(sys.argv[1], dpi=100)
else:
    plt.show()
