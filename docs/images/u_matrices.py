# SPDX-License-Identifier: BSD-3-Clause
"""Make the picture of U-matrices on the page of displays.

Run from the root of a checkout: ``python docs/images/u_matrices.py``.
"""

from pathlib import Path

import matplotlib.pyplot as plt

from skesom.datasets import make_galaxy_cube
from skesom.displays import UMatrixDisplay
from skesom.maps import make_cluster_pipeline
from skesom.som import CSOM, ESOM


def draw():
    """Draw the U-matrices of three lattices and of an evolving map."""
    cube, _ = make_galaxy_cube((96, 96), random_state=0)
    lattice = {"n_clusters": 5, "shape": (8, 11), "random_state": 0}
    maps = {
        "rectangular": CSOM(**lattice, topology="rectangular"),
        "hexagonal": CSOM(**lattice),
        "hexagonal, toroidal": CSOM(**lattice, toroidal=True),
        "evolving map": ESOM(n_clusters=5, random_state=0),
    }
    figure, axes = plt.subplots(2, 2, figsize=(11, 8), layout="constrained")
    for ax, (name, som) in zip(axes.flat, maps.items(), strict=True):
        UMatrixDisplay.from_estimator(make_cluster_pipeline(som).fit(cube), ax=ax)
        ax.set_title(name)
    figure.savefig(Path(__file__).with_suffix(".png"), dpi=70)


if __name__ == "__main__":
    draw()
