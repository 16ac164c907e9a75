# SPDX-License-Identifier: BSD-3-Clause
"""
Materials in a hyperspectral image
==================================

A pixel of a hyperspectral image is a mixture: its spectrum is the sum of those of a few
materials, weighted by their abundances. Here the abundances are known, and a map looks
for the material of which each pixel has most. Slopes in shade are a hard case: there,
spectra are faint, but have the shape of their material.
"""

import sys

import matplotlib.pyplot as plt
import numpy as np
from scipy.ndimage import gaussian_filter
from sklearn.base import clone
from sklearn.cluster import KMeans
from sklearn.decomposition import PCA
from sklearn.metrics import adjusted_rand_score
from sklearn.pipeline import make_pipeline

from skesom.cube import BandBinner, Cube
from skesom.displays import ClusterMapDisplay
from skesom.maps import CubeClusterer, compare_clusterings
from skesom.som import CSOM

# %%
# Four spectra, from 0.4 to 2.4 micrometers: smooth reflectances with absorptions. Where
# a material prevails, its abundances come from a Dirichlet distribution around .8.

MATERIALS = ["soil", "trees", "water", "roofs"]
SHAPE, N_BANDS = (90, 120), 120
rng = np.random.default_rng(3)
wavelength = np.linspace(0.4, 2.4, N_BANDS)
spectra = np.vstack(
    [
        0.1 + 0.16 * wavelength,
        0.05
        + 0.4 / (1 + np.exp(-(wavelength - 0.71) / 0.02)) * np.exp(-wavelength / 3),
        0.09 * np.exp(-2.5 * (wavelength - 0.4)),
        0.22 + 0.03 * np.sin(3 * wavelength),
    ]
)
for center, depth in ((1.4, 0.5), (1.9, 0.6)):  # water in leaves and soil
    spectra[:2] *= 1 - depth * np.exp(-(((wavelength - center) / 0.06) ** 2))
fields = gaussian_filter(rng.normal(size=(4, *SHAPE)), (0, 9, 9))
around = 1 + 12 * np.eye(4)[fields.argmax(axis=0)]
abundances = rng.standard_gamma(around)
abundances /= abundances.sum(axis=2, keepdims=True)  # Dirichlet
truth = abundances.argmax(axis=2)

# %%
# The sun shines on slopes of 10 to 100 %, and the detector adds noise. Your own images
# become a cube in the same way, from any reader: rows, columns, bands.

slopes = gaussian_filter(rng.normal(size=SHAPE), 5)
light = np.interp(slopes, (slopes.min(), slopes.max()), (0.1, 1.0))
data = (abundances @ spectra) * light[:, :, np.newaxis]
data += rng.normal(0, 0.004, data.shape)
cube = Cube(data.astype(np.float32))
print(cube)

# %%
# Ways to cluster: whole spectra, five principal components, or bins of ten bands; by
# distances, or by the angle between spectra, which shade does not change.

csom = CSOM(len(MATERIALS), shape=(10, 10))
by_angle = clone(csom).set_params(metric="spectral_angle")
binned = BandBinner(10).fit_transform(cube)
ways = {
    "k-means": (cube, KMeans(len(MATERIALS), random_state=0)),
    "map of 5 components": (cube, make_pipeline(PCA(5), csom)),
    "map of 12 bins": (binned, csom),
    "map of bins, by angle": (binned, by_angle),
}
found = {}
for name, (images, estimator) in ways.items():
    label_map = CubeClusterer(estimator).fit_predict(images)
    found[name] = compare_clusterings(truth, label_map).matched
    agreement = adjusted_rand_score(truth.ravel(), label_map.ravel())
    print(f"{name:22} adjusted Rand index {agreement:.2f}")

# %%
# Clusters have the colors of the materials that they match.

figure, panels = plt.subplots(2, 3, figsize=(12, 6.4), layout="constrained")
panels = panels.ravel()
for spectrum, name in zip(spectra, MATERIALS, strict=True):
    panels[0].plot(wavelength, spectrum, label=name)
panels[0].set(xlabel="wavelength (micrometers)", title="reflectance")
panels[0].legend(frameon=False)
for ax, (name, label_map) in zip(
    panels[1:], {"material of which there is most": truth, **found}.items(), strict=True
):
    ClusterMapDisplay.from_predictions(label_map, legend=False, ax=ax)
    ax.set_title(name)
    ax.set_axis_off()

if len(sys.argv) > 1:
    figure.savefig(sys.argv[1], dpi=80)
else:
    plt.show()
