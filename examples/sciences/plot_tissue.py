# SPDX-License-Identifier: BSD-3-Clause
"""
Pixels and cells of tissue
==========================

Imaging mass cytometry, MIBI and CODEX give a folder of TIFF files for each field of
view, one file for each marker, and a mask of the cells. A map learns from pixels of all
fields and labels each of them; what a cell is, the clusters of its pixels tell. The
fields of this example are synthetic, so the types of their cells are known.
"""

import sys
import tempfile
from pathlib import Path

import matplotlib.pyplot as plt
import numpy as np
import tifffile
from scipy.ndimage import gaussian_filter
from scipy.spatial import cKDTree
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from skesom.cube import Cube
from skesom.displays import ClusterMapDisplay
from skesom.maps import CubeClusterer, compare_clusterings
from skesom.pixels import PixelSampler
from skesom.som import CSOM

# %%
# Four types of cells have a nucleus with DNA, and around it the markers of their type.
# Files hold counts, as integers of 16 bits, under the names that instruments give.

TYPES = {
    "T helper": "CD3(Er170) CD4(Gd156) CD45(Sm152)",
    "T killer": "CD3(Er170) CD8(Dy162) CD45(Sm152)",
    "macrophage": "CD68(Tb159) CD45(Sm152) CD4(Gd156)",
    "tumor": "panCK(Nd148) Ecad(Gd158)",
}
MARKERS = sorted({name for names in TYPES.values() for name in names.split()})
SIDE, N_CELLS = 160, 350


def write_field(folder, seed):
    """Write channels and mask of a field; return the type of each cell, from cell 1."""
    rng = np.random.default_rng(seed)
    centers = rng.uniform(0, SIDE, (N_CELLS, 2))
    types = rng.choice(len(TYPES), N_CELLS, p=[0.25, 0.15, 0.2, 0.4])
    pixels = np.moveaxis(np.indices((SIDE, SIDE)), 0, 2)
    distances, cells = cKDTree(centers).query(pixels, k=2)
    away, cell = distances[:, :, 0], cells[:, :, 0]
    inside = (away < 6) & (distances[:, :, 1] - away > 0.7)  # a gap between cells
    light = {"DNA(Ir191)": np.where(inside & (away <= 2.5), 20.0, 0.1)}
    for name in MARKERS:
        carry = np.array([name in names for names in TYPES.values()])[types]
        light[name] = np.where(inside & (away > 2.0) & carry[cell], 6.0, 0.1)
    folder.mkdir()
    for name, image in light.items():
        counts = rng.poisson(gaussian_filter(image, 1)).astype(np.uint16)
        tifffile.imwrite(folder / f"{name}.tiff", counts)
    mask = np.where(inside, cell + 1, 0).astype(np.int32)
    tifffile.imwrite(folder.with_suffix(".mask.tiff"), mask)
    return types


def read_field(folder):
    """Return a field as a cube, smoothed, without the pixels between cells."""
    paths = sorted(folder.glob("*.tiff"))
    images = np.dstack([tifffile.imread(path) for path in paths]).astype(np.float32)
    images = np.sqrt(gaussian_filter(images, (1, 1, 0)))  # noise of counts is even then
    images[images.max(axis=2) < 1] = np.nan
    return Cube(images, band_names=[path.stem for path in paths])


# %%
# The map learns from 5000 pixels of each field, so no more than one field is ever in
# memory. A table is a cube of one column.

N_CLUSTERS = 8
with tempfile.TemporaryDirectory() as home:
    fields = [Path(home) / f"field {number}" for number in range(1, 4)]
    types = [write_field(folder, seed) for seed, folder in enumerate(fields)]
    sampler, chosen = PixelSampler(5000, random_state=0), []
    for folder in fields:
        cube = read_field(folder)
        chosen.append(cube.data[sampler.sample(cube)])
    training = cube.replace(data=np.concatenate(chosen)[:, np.newaxis])
    pipeline = make_pipeline(StandardScaler(), CSOM(N_CLUSTERS, shape=(10, 10)))
    clusterer = CubeClusterer(pipeline).fit(training)
    label_maps = [clusterer.predict(read_field(folder)) for folder in fields]
    masks = [tifffile.imread(folder.with_suffix(".mask.tiff")) for folder in fields]

# %%
# A row for each cell: which share of its pixels is in each cluster. The cells are
# grouped by these rows, again by a map. Cells without a pixel are left out.

counts = np.zeros((len(fields), N_CELLS + 1, N_CLUSTERS), dtype=int)  # 0 is no cell
for of_field, mask, label_map in zip(counts, masks, label_maps, strict=True):
    known = label_map >= 0
    np.add.at(of_field, (mask[known], label_map[known]), 1)
counts = counts[:, 1:]
seen = counts.any(axis=2)
shares = counts[seen] / counts[seen].sum(axis=1, keepdims=True)
types = np.where(seen, types, -3)
cells = np.full(types.shape, -3)
cells[seen] = CSOM(len(TYPES), shape=(6, 6)).fit_predict(shares)
both = compare_clusterings(types, cells)
print(f"{seen.sum()} cells: adjusted Rand index {both.adjusted_rand:.2f}")

# %%
# The pixel clusters of a field, their mean spectra, and its cells by what was found and
# by what they are.

figure, panels = plt.subplots(1, 4, figsize=(15, 4.2), layout="constrained")
ClusterMapDisplay.from_predictions(label_maps[0], legend=False, ax=panels[0])
panels[0].set_title("clusters of pixels")
learned, names = clusterer.labels_[:, 0], training.band_names
means = [training.data[learned == n, 0].mean(axis=0) for n in range(N_CLUSTERS)]
panels[1].imshow(means, aspect="auto")
panels[1].set_xticks(range(len(names)), names, rotation=90)
panels[1].set(title="means of the clusters", ylabel="cluster of pixels")
for ax, title, of_cells in (
    (panels[2], "cells by their pixels", both.matched),
    (panels[3], "types of the cells", types),
):
    picture = np.append(-3, of_cells[0])[masks[0]]
    ClusterMapDisplay.from_predictions(picture, legend=False, ax=ax)
    ax.set_title(title)
for ax in panels[[0, 2, 3]]:
    ax.set_axis_off()

if len(sys.argv) > 1:
    figure.savefig(sys.argv[1], dpi=80)
else:
    plt.show()
