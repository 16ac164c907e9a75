# SPDX-License-Identifier: BSD-3-Clause
"""
Superpixels against noise
=========================

Where images are noisy, the clusters of their pixels are noisy too: neighbors of one
kind fall into different clusters by chance. Superpixels, patches of similar neighbors,
have less noise, are fewer, and their clusters go back to the pixels of the map.
"""

import sys

import matplotlib.pyplot as plt
import numpy as np
from scipy.optimize import linear_sum_assignment
from skimage.segmentation import find_boundaries
from sklearn.cluster import KMeans
from sklearn.metrics import adjusted_rand_score
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from skesom.cube import CubeMasker, FluxShape, FWHMConvolver
from skesom.datasets import make_galaxy_cube
from skesom.displays import cluster_colors, rgb_image
from skesom.pixels import CubeFlattener, SuperpixelFlattener

# %%
# A galaxy in nine bands with three times the noise that half an hour of Hubble leaves.

cube, truth = make_galaxy_cube((240, 240), noise=3, random_state=1)
cube = make_pipeline(CubeMasker(), FWHMConvolver()).fit_transform(cube)

# %%
# Clusters shall follow the shape of the spectra, and brightness as one feature more.
# The same pipeline takes pixels or superpixels; one step makes the difference.

bands = FluxShape(brightness=True).fit_transform(cube)
maps = {}
for name, flattener in {
    "pixels": CubeFlattener(),
    "superpixels": SuperpixelFlattener(16),
}.items():
    pipeline = make_pipeline(
        flattener, StandardScaler(), KMeans(8, n_init=3, random_state=0)
    )
    labels = pipeline.fit_predict(bands)
    maps[name] = flattener.inverse_transform(labels)
    agreement = adjusted_rand_score(truth.ravel(), maps[name].ravel())
    print(f"{len(labels)} {name}: adjusted Rand index {agreement:.2f}")

# %%
# Clusters have no names. They get the colors of what they overlap best: those of
# pixels the colors of populations, and those of superpixels those of pixels.


def alike(label_map, other):
    """Return the labels as those of another map that they overlap best, one to one."""
    size = max(label_map.max(), other.max()) + 1
    overlap = np.zeros((size, size))
    np.add.at(overlap, (label_map, other), 1)
    either = overlap.sum(axis=0) + overlap.sum(axis=1)[:, np.newaxis] - overlap
    _, match = linear_sum_assignment(overlap / np.maximum(either, 1), maximize=True)
    return match[label_map]


pixels = alike(maps["pixels"], truth)
superpixels = alike(maps["superpixels"], pixels)
colors = cluster_colors(truth, cube)


def enlarged(image):
    """Return an image with sixteen pixels for each, for thin lines."""
    return image.repeat(4, axis=0).repeat(4, axis=1)


figure, panels = plt.subplots(2, 2, figsize=(9, 9.3), layout="constrained")
picture = enlarged(rgb_image(cube))
segments = enlarged(SuperpixelFlattener(100).fit(bands).segments_)
picture[find_boundaries(segments, mode="inner")] = 170  # of 255
pictures = {
    "images in color, with superpixels of 100 pixels": picture,
    "populations (truth)": colors[truth],
    "clusters of pixels": colors[pixels],
    "clusters of superpixels of 16 pixels": colors[superpixels],
}
for axes, (title, image) in zip(panels.flat, pictures.items(), strict=True):
    axes.imshow(image, origin="lower", interpolation="nearest")
    axes.set_title(title)
    axes.set_axis_off()

if len(sys.argv) > 1:
    figure.savefig(sys.argv[1], dpi=100)
else:
    plt.show()
