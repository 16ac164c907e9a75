# SPDX-License-Identifier: BSD-3-Clause
"""
Other clusterers on the same pixels
===================================

Self-organizing maps are one way to cluster the pixels of a galaxy. Here seven ways get
the same prepared pixels, and the same number of clusters where they take one: an
evolving map (ESOM), a classical map (CSOM), k-means, k-means after a principal
component analysis, k-means of superpixels, spectral clustering, and HDBSCAN. Three
synthetic galaxies give three agreements with the truth for each.
"""

import sys
from time import process_time

import matplotlib.pyplot as plt
import numpy as np
from sklearn.cluster import HDBSCAN, KMeans, SpectralClustering
from sklearn.decomposition import PCA
from sklearn.pipeline import make_pipeline

from skesom.datasets import POPULATIONS, make_galaxy_cube
from skesom.displays import ClusterMapDisplay, cluster_colors
from skesom.maps import compare_clusterings, make_cluster_pipeline
from skesom.pixels import CubeFlattener, SuperpixelFlattener
from skesom.som import CSOM, ESOM

SEEDS = 0, 1, 2


def ways(seed):
    """Return what makes rows of pixels, and what clusters the rows."""
    pixels, superpixels = CubeFlattener(), SuperpixelFlattener(9)
    means = KMeans(8, n_init=10, random_state=seed)
    spectral = SpectralClustering(
        8,
        affinity="nearest_neighbors",
        n_neighbors=15,
        assign_labels="cluster_qr",
        random_state=seed,
    )
    return {
        "ESOM": (pixels, ESOM(n_clusters=8, random_state=seed)),
        "CSOM": (pixels, CSOM(n_clusters=8, random_state=seed)),
        "k-means": (pixels, means),
        "PCA + k-means": (pixels, make_pipeline(PCA(3), means)),
        "superpixels + k-means": (superpixels, means),
        "spectral clustering": (pixels, spectral),
        "HDBSCAN": (pixels, HDBSCAN(min_cluster_size=30, min_samples=5, copy=False)),
    }


# %%
# The steps before the clusterer are those of ``make_cluster_pipeline``: one sharpness,
# compressed fluxes, raised colors. HDBSCAN chooses its own number of clusters and calls
# the rest noise; the noise counts as one cluster here. Seconds are those of the
# processor.

maps = {name: [] for name in ["truth", *ways(0)]}
scores, seconds = ({name: [] for name in ways(0)} for _ in range(2))
for seed in SEEDS:
    cube, truth = make_galaxy_cube((80, 80), random_state=seed)
    features = make_cluster_pipeline(ESOM(), sky="keep")[:-1].fit_transform(cube)
    for name, (flattener, clusterer) in ways(seed).items():
        start = process_time()
        labels = clusterer.fit_predict(flattener.fit_transform(features))
        seconds[name].append(process_time() - start)
        label_map = flattener.inverse_transform(labels)
        found = compare_clusterings(label_map, truth, names=POPULATIONS).scores
        scores[name].append(found["adjusted Rand index"])
        maps[name].append(label_map)
    maps["truth"].append(truth)

results = {"truth": "adjusted Rand index, seconds"}
for name, values in scores.items():
    results[name] = f"{np.mean(values):.2f} ({min(values):.2f} to {max(values):.2f})"
    results[name] += f", {np.mean(seconds[name]):.1f} s"
for name, result in results.items():
    print(f"{name:22} {result}")

# %%
# The maps of the last galaxy. A cluster has the color of the population that it matches
# best, one to one; gray clusters match none, and black is noise.
#
# The maps and spectral clustering are about equal; which is best changes from galaxy to
# galaxy, as the ranges tell. Spectral clustering needs a graph of all pixels, and its
# time grows faster than their number: these galaxies are small for its sake. k-means
# divides the light where it is brightest, and gains nothing from principal components
# of nine bands. Superpixels lose small objects where there is little noise. HDBSCAN
# looks for crowds with empty space between them, but the pixels of a galaxy form a
# continuum; its parameters are the best of some that were tried. No way finds all of
# the populations: they pass into each other, and the truth is cut at limits that no
# pixel tells.

colors = [*cluster_colors(truth, features), *50 * ["0.6"]]
figure, panels = plt.subplots(2, 4, figsize=(12, 6.6), layout="constrained")
for axes, (name, label_maps) in zip(panels.flat, maps.items(), strict=True):
    matched = compare_clusterings(truth, label_maps[-1]).matched
    ClusterMapDisplay.from_predictions(matched, colors=colors, legend=False, ax=axes)
    axes.set_axis_off()
    axes.set_title(f"{name}\n{results[name]}", fontsize="medium")

if len(sys.argv) > 1:
    figure.savefig(sys.argv[1], dpi=80)
else:
    plt.show()
