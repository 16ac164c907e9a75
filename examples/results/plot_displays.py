# SPDX-License-Identifier: BSD-3-Clause
"""
All pictures of a clustering
============================

This example clusters the pixels of a synthetic galaxy with a classical self-organizing
map and shows all of the result: the clusters on the sky, their spectra and sizes, the
order of the map, its errors, and its training. A cluster has the same color in all
pictures.
"""

import sys

import matplotlib.pyplot as plt
import numpy as np
from astropy import units as u

from skesom.datasets import POPULATIONS, make_galaxy_cube
from skesom.displays import (
    ClusterHistogramDisplay,
    ClusterMapDisplay,
    ClusterSpectraDisplay,
    ComponentPlanesDisplay,
    HitMapDisplay,
    TrainingCurveDisplay,
    UMatrixDisplay,
    ValueMapDisplay,
    cluster_colors,
)
from skesom.maps import make_cluster_pipeline
from skesom.som import CSOM

# %%
# The data are nine images. The map is a lattice of 9 by 12 hexagons, with six clusters.

cube, truth = make_galaxy_cube((260, 300), missing=0.1, extent=0.6, random_state=1)
csom = CSOM(shape=(9, 12), n_clusters=6, random_state=0)
pipeline = make_cluster_pipeline(csom, sky="mask").fit(cube)
label_map = pipeline["cluster"].labels_
print(f"{(label_map >= 0).sum()} pixels in {label_map.max() + 1} clusters")

# %%
# A display is created by ``from_estimator`` or ``from_predictions`` and draws in the
# given axes. Coordinates on the sky need axes with the projection of the WCS.

is_bulge = (truth == POPULATIONS.index("bulge")) & (label_map >= 0)
bulge = int(np.bincount(label_map[is_bulge]).argmax())
colors = cluster_colors(label_map, cube)
same = {"colors": colors, "names": {bulge: "bulge"}}
figure = plt.figure(figsize=(17, 12), layout="constrained")
axes = figure.subplot_mosaic(
    [
        ["clusters", "contours", "errors"],
        ["spectra", "histogram", "training"],
        ["U-matrix", "hits", "planes"],
    ],
    per_subplot_kw={("clusters", "contours", "errors"): {"projection": cube.wcs}},
)

ClusterMapDisplay.from_estimator(pipeline, cube, ax=axes["clusters"], **same)
ClusterMapDisplay.from_predictions(
    label_map,
    cube=cube,
    contours=[bulge],
    bands=["F814W", "F502N", "F336W"],
    ax=axes["contours"],
    **same,
)
ValueMapDisplay.from_estimator(pipeline, cube, ax=axes["errors"])
ClusterSpectraDisplay.from_predictions(
    label_map,
    cube,
    wavelengths=[225, 336, 373, 438, 487, 502, 657, 673, 814] * u.nm,
    log=True,
    ax=axes["spectra"],
    **same,
)
ClusterHistogramDisplay.from_predictions(label_map, ax=axes["histogram"], **same)
TrainingCurveDisplay.from_estimator(pipeline, ax=axes["training"])
UMatrixDisplay.from_estimator(pipeline, ax=axes["U-matrix"])
HitMapDisplay.from_estimator(pipeline, ax=axes["hits"])
ComponentPlanesDisplay.from_estimator(
    pipeline, names=cube.band_names, ax=axes["planes"]
)

if len(sys.argv) > 1:
    figure.savefig(sys.argv[1], dpi=70)
else:
    plt.show()
