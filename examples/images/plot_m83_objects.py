# SPDX-License-Identifier: BSD-3-Clause
"""
Known objects of Messier 83
===========================

A clustering of pixels knows nothing of astronomy. If its clusters mean something, then
objects that astronomers have classified gather in few of them: H II regions, star
clusters, supernova remnants. This example clusters a color picture of M83 from the
Hubble Space Telescope, and counts the objects of the NASA/IPAC Extragalactic Database
(NED) in each cluster, against random positions.

The data do not come with skesom. The picture is heic1403 of
`ESA/Hubble <https://esahubble.org/images/heic1403a/>`__, as a FITS file of three bands
with a WCS; the objects are from a search by position in
`NED <https://ned.ipac.caltech.edu>`__. The environment variable SKESOM_TEST_DATA, or
the first argument, names the folder that holds ``m83/m83_hubble_rgb_wcs.fits`` and
``m83/m83_ned_objects_pix.csv`` (columns ``name``, ``ra``, ``dec``, ``type``).

.. image:: /images/m83_objects.png
   :alt: The cluster map of M83 with known objects, and a table of their enrichment.
"""

# sphinx_gallery_thumbnail_path = 'images/m83_objects.png'

import os
import sys
from pathlib import Path

import matplotlib.pyplot as plt
import numpy as np

from skesom.displays import ClusterMapDisplay, CrossmatchDisplay, cluster_colors
from skesom.io import read_catalog, read_cube
from skesom.maps import crossmatch, make_cluster_pipeline
from skesom.som import ESOM

TYPES = ["HII", "*Cl", "SNR", "XrayS", "RadioS", "VisS"]

# %%
# Without the data there is nothing to do.

if len(sys.argv) > 1:
    folder = Path(sys.argv[1]) / "m83"
elif "SKESOM_TEST_DATA" in os.environ:
    folder = Path(os.environ["SKESOM_TEST_DATA"]) / "m83"
else:
    print("No data: set SKESOM_TEST_DATA, as the top of this file tells.")
    sys.exit()

# %%
# The bands of a color picture are equally sharp, so none is convolved. The galaxy fills
# the frame, so no sky is set aside: every pixel belongs to a cluster.

cube = read_cube(
    folder / "m83_hubble_rgb_wcs.fits", band_names=["red", "green", "blue"]
)
pipeline = make_cluster_pipeline(ESOM(n_clusters=10, random_state=0), target_fwhm=None)
label_map = pipeline.fit_predict(cube)

# %%
# The enrichment of a type of objects in a cluster is the share of the objects that lie
# in it, divided by the share of the area that it has: 1 if they were scattered at
# random. As many random positions as there are objects, drawn again and again, show
# what chance does.

objects = read_catalog(folder / "m83_ned_objects_pix.csv")
result = crossmatch(label_map, objects, wcs=cube.wcs, types=TYPES)
columns = "type", "n_objects", "cluster", "enrichment", "chance_high", "z", "p_any"
result.best()[columns].pprint(max_width=-1)
print(f"{result.n_outside} objects lie outside of the picture")

# %%
# The map with two types of objects on it, and the enrichment of all: in color where
# chance does not explain it. One small cluster holds many more objects of all types
# than its area explains.

colors = cluster_colors(label_map, pipeline[:-3].transform(cube))
figure = plt.figure(figsize=(16, 5.2), layout="constrained")
left, right = figure.subfigures(1, 2, width_ratios=[1.6, 1])
ClusterMapDisplay.from_predictions(
    label_map,
    cube,
    colors=colors,
    objects=objects[np.isin(objects["type"], ["HII", "SNR"])],
    ax=left.add_subplot(projection=cube.wcs),
)
CrossmatchDisplay(result, colors=colors).plot(right.add_subplot())

if len(sys.argv) > 2:
    figure.savefig(sys.argv[2], dpi=70)
else:
    plt.show()
