# SPDX-License-Identifier: BSD-3-Clause
"""
From FITS files to a named map
==============================

One FITS file per filter goes in, and a map of the populations of a galaxy comes out,
with a suggested name for each cluster. The scene is like Messier 83 in nine Hubble
filters. It is synthetic, so that the truth is known and the clusters can be compared
with it.
"""

import sys
from tempfile import TemporaryDirectory

import matplotlib.pyplot as plt

from skesom.datasets import POPULATIONS, make_galaxy_cube
from skesom.displays import ClusterMapDisplay, ClusterSpectraDisplay, cluster_colors
from skesom.io import read_cube, write_bands
from skesom.maps import (
    compare_clusterings,
    make_cluster_pipeline,
    make_clusterer,
    suggest_names,
)

# %%
# These lines stand for your own files. Their headers have the filter, the place on the
# sky, the unit and the sharpness (FWHM) of each image.

scene, truth = make_galaxy_cube((400, 400), random_state=0)
with TemporaryDirectory() as folder:
    files = write_bands(folder, scene)
    cube = read_cube(files, order="wavelength")
print(cube)

# %%
# The pipeline masks defects, brings all bands to one sharpness, compresses the fluxes,
# raises the contrast of the colors, and clusters the pixels: by default into eight
# clusters on which twelve evolving maps agree.

pipeline = make_cluster_pipeline(make_clusterer("esom"))
label_map = pipeline.fit_predict(cube)

# %%
# Rules on colors and emission lines suggest what each cluster is. The last column is
# the population that most of its pixels have in truth. Several clusters can have one
# name, and some have none; then it is told how they differ from the others.

suggestions = suggest_names(label_map, cube)
comparison = compare_clusterings(label_map, truth, names=POPULATIONS)
for row, suggestion in zip(comparison.confusion, suggestions, strict=True):
    pixels = {name: row[name] for name in row.colnames[1:]}
    mostly = max(pixels, key=pixels.get)
    share = pixels[mostly] / sum(pixels.values())
    name = suggestion.name or suggestion.description
    print(f"{row['cluster']}  {name:30}  {share:4.0%} {mostly}")
scores = comparison.scores
print(f"adjusted Rand index with the truth: {scores['adjusted Rand index']:.2f}")
print(f"agreement of the twelve runs: {pipeline['cluster'].agreement_.mean():.0%}")

# %%
# The images in color, the map, and the median spectrum of each cluster. H II regions
# stand out where hydrogen shines (F657N, F487N).

names = [f"{n} {each.name or each.description}" for n, each in enumerate(suggestions)]
style = {"names": names, "colors": cluster_colors(label_map, cube)}
figure = plt.figure(figsize=(11, 9.5), layout="constrained")
top, bottom = figure.subfigures(2, 1, height_ratios=[1.15, 1])
ClusterMapDisplay.from_predictions(
    label_map,
    cube,
    image=True,
    ax=top.add_subplot(projection=cube.wcs),
    **style,
)
ClusterSpectraDisplay.from_predictions(
    label_map, cube, ax=bottom.add_subplot(), quartiles=False, log=True, **style
)

if len(sys.argv) > 1:
    figure.savefig(sys.argv[1], dpi=80)
else:
    plt.show()
