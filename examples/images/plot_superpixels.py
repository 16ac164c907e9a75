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
from skimage.segmentation import find_boundaries
from sklearn.cluster import KMeans
from sklearn.metrics import adjusted_rand_score
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from skesom.cube import CubeMasker, FluxShape, FWHMConvolver
from skesom.datasets import make_galaxy_cube
from skesom.displays import ClusterMapDisplay, cluster_colors, rgb_image
from skesom.maps import compare_clusterings
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
# Clusters have no names. Those of pixels get the colors of the populations that they
# match best, one to one, and those of superpixels the colors of the clusters of pixels
# that they match; gray ones match none.

colors = [*cluster_colors(truth, cube), *8 * ["0.6"]]
pixels = compare_clusterings(truth, maps["pixels"]).matched
superpixels = compare_clusterings(pixels, maps["superpixels"]).matched

# %%
# Lines are thin on an image with sixteen pixels for each.

segments = SuperpixelFlattener(100).fit(bands).segments_
picture, segments = (
    image.repeat(4, axis=0).repeat(4, axis=1) for image in (rgb_image(cube), segments)
)
picture[find_boundaries(segments, mode="inner")] = 170  # of 255

figure, panels = plt.subplots(2, 2, figsize=(9, 9.8), layout="constrained")
panels[0, 0].imshow(picture, origin="lower")
panels[0, 0].set_title("the images, with superpixels of 100 pixels")
for axes, title, label_map in (
    (panels[0, 1], "truth", truth),
    (panels[1, 0], "clusters of pixels", pixels),
    (panels[1, 1], "clusters of superpixels of 16 pixels", superpixels),
):
    ClusterMapDisplay.from_predictions(label_map, colors=colors, legend=False, ax=axes)
    axes.set_title(title)
for axes in panels.flat:
    axes.set_axis_off()

if len(sys.argv) > 1:
    figure.savefig(sys.argv[1], dpi=80)
else:
    plt.show()
