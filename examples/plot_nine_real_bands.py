# SPDX-License-Identifier: BSD-3-Clause
"""
Nine bands from two telescopes
==============================

The surveys KiDS (u, g, r, i) and VIKING (Z, Y, J, H, Ks) saw one piece of sky in nine
bands from the near ultraviolet to the near infrared. Their images have different units
and sharpness, no coordinates, and gaps. The widths of the point-spread functions are
measured from stars in the images themselves.

The data do not come with skesom: they are the images of
`ProFound <https://github.com/asgr/ProFound>`__ in ``inst/extdata/MultiBand``, as FITS
files ``u.fits`` to ``Ks.fits``. The environment variable SKESOM_TEST_DATA, or the first
argument, names the folder that holds them in a folder ``kids_viking9``.

.. image:: /images/nine_real_bands.png
   :alt: The clusters of a field of galaxies, and their spectra in nine bands.
"""

# sphinx_gallery_thumbnail_path = 'images/nine_real_bands.png'

import os
import sys
from pathlib import Path

import matplotlib.pyplot as plt

from skesom.displays import ClusterMapDisplay, ClusterSpectraDisplay, cluster_colors
from skesom.io import read_cube
from skesom.maps import make_cluster_pipeline, make_clusterer

# %%
# Without a WCS, the size of a pixel is given. Pixels without data in any band are
# masked. Empty sky is most of the frame, and is set aside.


def cluster(folder):
    """Return the images, and clusters of their pixels."""
    names = "u", "g", "r", "i", "Z", "Y", "J", "H", "Ks"
    cube = read_cube([folder / f"{name}.fits" for name in names], band_names=names)
    pipeline = make_cluster_pipeline(
        make_clusterer("esom", n_clusters=7), fwhm="stars", pixel_scale=0.339
    )
    label_map = pipeline.fit_predict(cube)
    widths = zip(names, pipeline["convolve"].fwhm_, strict=True)
    print("FWHM:", ", ".join(f'{name} {width:.2f}"' for name, width in widths))
    return cube, label_map, cluster_colors(label_map, pipeline[:-2].transform(cube))


def draw(cube, label_map, colors):
    """Return a figure of the map and the spectra."""
    figure = plt.figure(figsize=(13, 5), layout="constrained")
    left, right = figure.subfigures(1, 2, width_ratios=[1, 1.1])
    ClusterMapDisplay.from_predictions(
        label_map, colors=colors, ax=left.add_subplot(), scale_bar=False
    )
    ClusterSpectraDisplay.from_predictions(
        label_map, cube, colors=colors, log=True, ax=right.add_subplot()
    )
    return figure


# %%
# A spectrum that falls to the right is blue. The units of the files are unknown.

data = sys.argv[1] if len(sys.argv) > 1 else os.environ.get("SKESOM_TEST_DATA", ".")
folder = Path(data) / "kids_viking9"
if folder.is_dir():
    figure = draw(*cluster(folder))
    if len(sys.argv) > 2:
        figure.savefig(sys.argv[2], dpi=70)
    else:
        plt.show()
else:
    print(f"There is no folder {folder}: the top of this file tells where data are.")
