# SPDX-License-Identifier: BSD-3-Clause
"""
Where the known objects of Messier 83 fall
==========================================

A clustering of pixels knows nothing of astronomy. If its clusters mean something, then
objects that astronomers have classified are not spread over them by area: H II regions,
star clusters and supernova remnants gather in few of them. This example clusters a
color picture of M83 from the Hubble Space Telescope and counts the objects of the
NASA/IPAC Extragalactic Database in each cluster, against random positions.

It needs two files that do not come with skesom, in the folder ``m83`` of a folder that
is the argument of the script or is named by the environment variable SKESOM_TEST_DATA:
``m83_hubble_rgb_wcs.fits``, a FITS image of three bands, and
``m83_ned_objects_pix.csv`` with the columns ``name``, ``ra``, ``dec`` and ``type``.
"""

import os
import sys
from pathlib import Path

import matplotlib.pyplot as plt
import numpy as np
from scipy.spatial.distance import cdist

from skesom.displays import CrossmatchDisplay, cluster_colors
from skesom.io import read_cube
from skesom.maps import (
    crossmatch,
    fingerprints,
    make_cluster_pipeline,
)
from skesom.som import ESOM

TYPES = ["HII", "*Cl", "SNR", "XrayS", "RadioS", "VisS"]

# %%
# Without the files there is nothing to show.

data = sys.argv[1] if len(sys.argv) > 1 else os.environ.get("SKESOM_TEST_DATA")
if data is None:
    print(f"usage: {Path(sys.argv[0]).name} FOLDER [PICTURE], see the top of the file")
    sys.exit()
folder = Path(data) / "m83"
catalog = folder / "m83_ned_objects_pix.csv"

# %%
# The galaxy fills the frame, so no sky is set aside: every pixel belongs to a cluster.

cube = read_cube(
    folder / "m83_hubble_rgb_wcs.fits", band_names=["red", "green", "blue"]
)
pipeline = make_cluster_pipeline(ESOM(n_clusters=10, random_state=0))
label_map = pipeline.fit_predict(cube)

# %%
# The enrichment of a type of objects in a cluster is the share of the objects that lie
# in it, divided by the share of the area that it has: 1 if they were scattered at
# random. As many random positions as there are objects, drawn again and again, show
# what chance does.

result = crossmatch(label_map, catalog, wcs=cube.wcs, types=TYPES)
columns = "type", "n_objects", "cluster", "enrichment", "chance_high", "z", "p_any"
result.best()[columns].pprint()
print(f"{result.n_outside} objects lie outside of the picture")

# %%
# What an object consists of is its fingerprint: the share of each cluster within an
# arcsecond and a half. Types of similar fingerprints are near to each other.

table = fingerprints(label_map, catalog, wcs=cube.wcs, radius=1.5, by="type")
table = table[np.isin(table["type"], TYPES)]
print("distance of types:", ", ".join(table["type"]))
shares = table["shares"]
print(cdist(shares, shares, "jensenshannon").round(2))

# %%
# The map with the H II regions and supernova remnants on it, and the enrichment of
# each type: in color where chance does not explain it.

colors = cluster_colors(label_map, pipeline[:-2].transform(cube))
figure, (left, right) = plt.subplots(
    1, 2, figsize=(15, 5), layout="constrained", width_ratios=[1.3, 1]
)
left.imshow(colors[label_map], origin="lower", interpolation="nearest")
for kind, name, size, color in (
    ("HII", "H II regions", 40, "white"),
    ("SNR", "supernova remnants", 25, "black"),
):
    own = result.objects[result.objects["type"] == kind]
    left.scatter(
        *(own["x"], own["y"]),
        s=size,
        marker="o",
        facecolors="none",
        edgecolors=color,
        label=f"{name} ({len(own)})",
    )
left.legend(loc="lower left", fontsize="small", facecolor="0.6")
left.set_title("clusters of the pixels, and known objects")
left.set_axis_off()
CrossmatchDisplay(result, colors=colors).plot(right)

if len(sys.argv) > 2:
    figure.savefig(sys.argv[2], dpi=100)
else:
    plt.show()
