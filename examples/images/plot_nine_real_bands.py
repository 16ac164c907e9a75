# SPDX-License-Identifier: BSD-3-Clause
"""
Nine bands from two telescopes
==============================

The surveys KiDS (u, g, r, i) and VIKING (Z, Y, J, H, Ks) saw one piece of sky in nine
bands from the near ultraviolet to the near infrared. Their images have different units
and sharpness, no coordinates, and gaps. The widths of the point-spread functions are
measured from stars in the images, and all bands are brought to the widest.

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
import numpy as np

from skesom.displays import ClusterMapDisplay, ClusterSpectraDisplay, cluster_colors
from skesom.io import read_cube
from skesom.maps import make_cluster_pipeline, make_clusterer
from skesom.pixels import MASKED, SKY

BANDS = "u", "g", "r", "i", "Z", "Y", "J", "H", "Ks"

# %%
# Without the data there is nothing to do.

if len(sys.argv) > 1:
    folder = Path(sys.argv[1]) / "kids_viking9"
elif "SKESOM_TEST_DATA" in os.environ:
    folder = Path(os.environ["SKESOM_TEST_DATA"]) / "kids_viking9"
else:
    print("No data: set SKESOM_TEST_DATA, as the top of this file tells.")
    sys.exit()

# %%
# Without coordinates, the size of a pixel is given. The image in u shows too few stars,
# and is taken to be as sharp as that in g. Pixels without data in one of the bands are
# masked. Empty sky is most of the frame, and is set aside.

cube = read_cube([folder / f"{band}.fits" for band in BANDS], band_names=BANDS)
pipeline = make_cluster_pipeline(
    make_clusterer("esom", n_clusters=7),
    fwhm=[1.18, *8 * ["stars"]],
    pixel_scale=0.339,
)
label_map = pipeline.fit_predict(cube)
for band, width in zip(BANDS, pipeline["convolve"].fwhm_, strict=True):
    print(f"{band:2} {width:.2f} arcsec")
print(
    f"{np.mean(label_map == SKY):.0%} sky, {np.mean(label_map == MASKED):.0%} no data"
)

# %%
# The spiral at the left and the round galaxy at the lower right are made of different
# clusters, though both are bright: beside the round galaxy the spiral has more light in
# u and g, as young stars have. The units of the bands differ, so compare the spectra
# with each other, as they were stretched and scaled.

scaled = pipeline[:-3].transform(cube)
style = {"colors": cluster_colors(label_map, scaled)}
figure = plt.figure(figsize=(14, 5), layout="constrained")
left, right = figure.subfigures(1, 2)
ClusterMapDisplay.from_predictions(label_map, ax=left.add_subplot(), **style)
ClusterSpectraDisplay.from_predictions(
    label_map,
    scaled,
    flux="flux, stretched and scaled",
    quartiles=False,
    log=False,
    ax=right.add_subplot(),
    **style,
)

if len(sys.argv) > 2:
    figure.savefig(sys.argv[2], dpi=70)
else:
    plt.show()
