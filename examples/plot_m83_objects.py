# SPDX-License-Identifier: BSD-3-Clause
"""
Where the known objects of Messier 83 fall
==========================================

A clustering of pixels knows nothing of astronomy. If its clusters mean something, then
objects that astronomers have classified are not spread over them by area: H II regions,
star clusters and supernova remnants gather in few of them. This example clusters a
colour picture of M83 from the Hubble Space Telescope and counts the objects of the
NASA/IPAC Extragalactic Database in each cluster, against random positions.

It needs two files that do not come with skesom, in the folder ``m83`` of a folder that
is the argument of the script or is named by the environment variable SKESOM_TEST_DATA:
``m83_hubble_rgb_wcs.fits``, a FITS image of three bands, and
``m83_ned_objects_pix.csv`` with the columns ``type``, ``x`` and ``y`` (pixels from 0).
"""

import os
import sys
from pathlib import Path

import matplotlib.pyplot as plt
import numpy as np
from astropy.table import Table

from skesom.io import read_cube
from skesom.maps import cluster_colours, make_cluster_pipeline, scaled_bands
from skesom.som import ESOM

N_CLUSTERS = 10
KINDS = {
    "HII": "H II regions",
    "*Cl": "star clusters",
    "SNR": "supernova remnants",
    "XrayS": "X-ray sources",
}
N_DRAWS = 200

# %%
# Without the files there is nothing to show.

data = sys.argv[1] if len(sys.argv) > 1 else os.environ.get("SKESOM_TEST_DATA")
if data is None:
    print(f"usage: {Path(sys.argv[0]).name} FOLDER [PICTURE], see the top of the file")
    sys.exit()
folder = Path(data) / "m83"

# %%
# The galaxy fills the frame, so no sky is set aside: every pixel belongs to a cluster.

cube = read_cube(
    folder / "m83_hubble_rgb_wcs.fits", band_names=["red", "green", "blue"]
)
pipeline = make_cluster_pipeline(ESOM(n_clusters=N_CLUSTERS, random_state=0))
label_map = pipeline.fit_predict(cube)
area = np.bincount(label_map.ravel(), minlength=N_CLUSTERS) / label_map.size

# %%
# The concentration of objects in a cluster is the share of the objects that lie in it,
# divided by the share of the pixels that it has: 1 if they were scattered at random.


def concentration(rows, columns):
    """Return the concentration of positions in each cluster."""
    labels = label_map[rows, columns]
    return np.bincount(labels, minlength=N_CLUSTERS) / len(labels) / area


objects = Table.read(folder / "m83_ned_objects_pix.csv")
n_rows, n_columns = label_map.shape
objects["row"] = np.rint(objects["y"]).astype(int)
objects["column"] = np.rint(objects["x"]).astype(int)
inside = (objects["row"] >= 0) & (objects["row"] < n_rows)
inside &= (objects["column"] >= 0) & (objects["column"] < n_columns)
objects = objects[inside]

found = {}
print("cluster" + " " * 20 + "".join(f"{label:>7}" for label in range(N_CLUSTERS)))
print("share of the pixels, %" + " " * 5 + "".join(f"{100 * a:7.1f}" for a in area))
for kind, name in KINDS.items():
    own = objects[objects["type"] == kind]
    found[name] = concentration(own["row"], own["column"])
    numbers = "".join(f"{times:7.2f}" for times in found[name])
    print(f"{len(own):5} {name:<21}{numbers}")

# %%
# As many random positions as there are H II regions, drawn again and again, show what
# chance does: this is the highest concentration in any cluster of at least 0.2 % of the
# pixels.

rng = np.random.default_rng(0)
n_nebulae = np.sum(objects["type"] == "HII")
chance = [
    concentration(
        rng.integers(n_rows, size=n_nebulae), rng.integers(n_columns, size=n_nebulae)
    )[area >= 0.002].max()
    for _ in range(N_DRAWS)
]
print(f"{n_nebulae:5} random positions: {np.mean(chance):.2f} on average in the best")
print(f"      cluster, {max(chance):.2f} at most in {N_DRAWS} draws")

# %%
# The map with the H II regions on it, and the table as a picture.

colours = cluster_colours(label_map, scaled_bands(pipeline, cube))
figure, (left, right) = plt.subplots(
    1, 2, figsize=(14, 5), layout="constrained", width_ratios=[1.5, 1]
)
left.imshow(colours[label_map], origin="lower", interpolation="nearest")
nebulae = objects[objects["type"] == "HII"]
left.scatter(
    *(nebulae["column"], nebulae["row"]),
    s=30,
    facecolors="none",
    edgecolors="white",
    linewidths=0.8,
)
left.set_title(f"clusters of the pixels, and the {n_nebulae} known H II regions")
left.set_axis_off()
width = 0.8 / len(found)
for place, (name, times) in enumerate(found.items()):
    right.bar(np.arange(N_CLUSTERS) + place * width, times, width, label=name)
right.axhspan(0, max(chance), color="0.9", zorder=0, label="what chance reaches")
right.set_xticks(np.arange(N_CLUSTERS) + 0.3, range(N_CLUSTERS))
for tick, colour in zip(right.get_xticklabels(), colours, strict=True):
    tick.set_bbox({"facecolor": colour, "edgecolor": "none", "pad": 2})
right.set(xlabel="cluster", ylabel="concentration of the objects")
right.legend(fontsize="small")

if len(sys.argv) > 2:
    figure.savefig(sys.argv[2], dpi=100)
else:
    plt.show()
