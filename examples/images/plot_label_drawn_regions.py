# SPDX-License-Identifier: BSD-3-Clause
"""
A few drawn regions, a whole map
================================

An astronomer knows a dust lane or an H II region by sight, but nobody wants to outline
all of them. Draw a few regions of each population in DS9, name each by its text, and
save them: ``CubeClassifier`` learns the spectra of the pixels inside and labels every
other pixel. The galaxy is a synthetic one, so that its map can be compared with the
truth.

The script needs the extra ``regions`` of skesom.
"""

import sys

import matplotlib.pyplot as plt
import numpy as np
from regions import Regions
from sklearn.metrics import balanced_accuracy_score, recall_score
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from skesom.cube import AsinhStretch, ColorScaler, FWHMConvolver
from skesom.datasets import POPULATIONS, make_galaxy_cube
from skesom.displays import ClusterMapDisplay, rgb_image
from skesom.io import read_region_labels
from skesom.maps import CubeClassifier, held_out_score
from skesom.som import ESOM, MapClassifier

# %%
# This is what DS9 saves, in the format "ds9" and the system "icrs".

DRAWN = """
# Region file format: DS9
icrs
circle(204.252203,-29.863940,0.32") # text={sky}
circle(204.254905,-29.864204,0.24") # text={old disc}
circle(204.253256,-29.864039,0.24") # text={old disc}
circle(204.255070,-29.865722,0.16") # text={old disc}
circle(204.254055,-29.864974,0.20") # text={old disc}
circle(204.255653,-29.866910,0.24") # text={old disc}
circle(204.252533,-29.864226,0.24") # text={old disc}
circle(204.255019,-29.863896,0.24") # text={old disc}
circle(204.252152,-29.865062,0.20") # text={old disc}
circle(204.252990,-29.863940,0.24") # text={old disc}
circle(204.255539,-29.866569,0.20") # text={old disc}
circle(204.253193,-29.866624,0.16") # text={old disc}
ellipse(204.254055,-29.865480,0.87",0.55",310) # text={bulge}
circle(204.253319,-29.864622,0.20") # text={young arm}
circle(204.255095,-29.866272,0.16") # text={young arm}
circle(204.252584,-29.865172,0.16") # text={young arm}
circle(204.254017,-29.866426,0.20") # text={young arm}
circle(204.254715,-29.865304,0.16") # text={young arm}
circle(204.255603,-29.863951,0.20") # text={young arm}
circle(204.255400,-29.863984,0.20") # text={young arm}
circle(204.252533,-29.867009,0.16") # text={young arm}
circle(204.252127,-29.866888,0.16") # text={young arm}
circle(204.252673,-29.865414,0.16") # text={young arm}
ellipse(204.253675,-29.864699,0.59",0.14",355) # text={dust lane}
ellipse(204.255476,-29.865700,0.51",0.12",310) # text={dust lane}
ellipse(204.254563,-29.865172,0.36",0.10",70) # text={dust lane}
annulus(204.254575,-29.866272,0.12",0.28") # text={H II region}
circle(204.253446,-29.865524,0.20") # text={H II region}
circle(204.252178,-29.866096,0.20") # text={H II region}
circle(204.255450,-29.864677,0.16") # text={H II region}
circle(204.253497,-29.865634,0.10") # text={star cluster}
circle(204.254347,-29.864820,0.08") # text={star cluster}
circle(204.254474,-29.864644,0.10") # text={star cluster}
circle(204.253662,-29.864281,0.08") # text={star cluster}
circle(204.252952,-29.866624,0.06") # text={star cluster}
annulus(204.252698,-29.866734,0.14",0.24") # text={supernova remnant}
circle(204.253662,-29.864039,0.08") # text={foreground star}
circle(204.254880,-29.864523,0.08") # text={foreground star}
circle(204.253801,-29.865986,0.08") # text={foreground star}
"""

# %%
# ``read_region_labels`` turns the regions into a label map: each name is a label, a
# pixel in two regions belongs to the later one, and pixels outside of all are -1. Given
# the path of a file in place of the regions, it reads the file.

cube, truth = make_galaxy_cube((300, 300), random_state=0)
regions = Regions.parse(DRAWN, format="ds9")
drawn = read_region_labels(regions, cube, names=POPULATIONS).label_map
print(f"{len(regions)} regions hold {np.mean(drawn >= 0):.1%} of the pixels")

# %%
# The bands are brought to one sharpness, a little below that of the worst of them to
# quieten faint pixels; they are stretched, and the colors raised. The classes are
# balanced, because ten times as many pixels are drawn of the disc as of star clusters.

pipeline = make_pipeline(
    FWHMConvolver(target_fwhm=0.1),
    AsinhStretch(),
    ColorScaler(),
    CubeClassifier(
        make_pipeline(
            StandardScaler(),
            MapClassifier(
                ESOM(learning_rate=0.05, random_state=0),
                n_neighbors=3,
                class_weight="balanced",
            ),
        )
    ),
)
predicted = pipeline.fit(cube, drawn).predict(cube)

# %%
# How good is that? Without a truth, only the drawn pixels tell. They are held out by
# blocks of the sky, because pixels beside those that were learned are too easy.

scaled = pipeline[:-1].transform(cube)
held_out = held_out_score(pipeline[-1], scaled, drawn, names=POPULATIONS)
print(
    "held out: balanced accuracy {:.0%} +- {:.0%}".format(
        held_out.scores["balanced accuracy"],
        held_out.scores["balanced accuracy spread"],
    )
)
print(held_out.classes["class", "pixels", "blocks", "completeness", "purity"])

# %%
# Here the truth is known, and the pixels outside all regions tell more: overall, and
# how much of each population was found. Compact objects that nobody drew are found by
# their spectra, the second supernova remnant among them. Dust is hard: pixel by pixel,
# a thin lane looks like a faint red disc.

others = drawn < 0
found = recall_score(truth[others], predicted[others], average=None)
accuracy = np.mean(truth[others] == predicted[others])
balanced = balanced_accuracy_score(truth[others], predicted[others])
print(
    f"right among the other pixels: {accuracy:.0%}, mean of populations {balanced:.0%}"
)
for name, share in zip(POPULATIONS, found, strict=True):
    print(f"  {name:18}{share:5.0%} found")

# %%
# The regions on a picture of the galaxy, the prediction, and the truth.

COLORS = {
    "sky": "#3c4f86",
    "old disc": "#e3b778",
    "bulge": "#f7e463",
    "young arm": "#7cc4ea",
    "dust lane": "#8a4b2d",
    "H II region": "#e5397f",
    "star cluster": "#2347d8",
    "supernova remnant": "#25b34b",
    "foreground star": "#d8d8d8",
}
figure, (left, middle, right) = plt.subplots(
    1, 3, figsize=(14, 4.1), layout="constrained"
)
left.imshow(rgb_image(cube), origin="lower")
for region in regions:
    color = COLORS[region.meta["text"]]
    region.to_pixel(cube.wcs).plot(ax=left, edgecolor=color, linewidth=1.5)
left.set_title(f"{len(regions)} regions drawn")
style = {"colors": list(COLORS.values()), "names": list(COLORS)}
for axes, label_map, title in (
    (middle, predicted, f"prediction, {accuracy:.0%} of the other pixels right"),
    (right, truth, "truth"),
):
    ClusterMapDisplay.from_predictions(
        label_map, ax=axes, legend=axes is right, **style
    )
    axes.set_title(title)
right.get_legend().set_title("population")
for axes in (left, middle, right):
    axes.set_axis_off()

if len(sys.argv) > 1:
    figure.savefig(sys.argv[1], dpi=80)
else:
    plt.show()
