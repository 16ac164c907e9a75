# SPDX-License-Identifier: BSD-3-Clause
"""
Clusters of spectra, and velocities
===================================

An integral-field unit gives a spectrum for each pixel. Where a galaxy rotates, the
Doppler effect moves its emission lines, and gas of one kind has different spectra where
it approaches and where it recedes. Whether clusters follow the kinds of gas or the
velocities depends on what they are made of: narrow channels, wide bins, or moments of
the lines.
"""

import sys

import matplotlib.pyplot as plt
import numpy as np
from astropy import units as u
from sklearn.metrics import adjusted_rand_score, r2_score

from skesom.cube import Cube
from skesom.displays import ClusterMapDisplay, cluster_colors
from skesom.maps import make_cluster_pipeline, make_clusterer

C = 299_792.458  # km/s

# %%
# The scene: a disc of stars with a flat spectrum, gas that rotates with up to 200
# km/s, in regions that shine in H alpha, and in places in [N II] as much. Channels are
# 1.25 Angstrom wide (57 km/s), and lines have a sigma of 1.2 Angstrom.

rng = np.random.default_rng(0)
side = 70
rows, columns = np.mgrid[:side, :side] - (side - 1) / 2
radius = np.hypot(rows, columns)
velocity = 200 * np.tanh(radius / 6) * columns / np.maximum(radius, 0.5)
wavelengths = 6500 + 1.25 * np.arange(100)


def line(rest):
    """Return an emission line of each pixel."""
    centers = rest * (1 + velocity[..., np.newaxis] / C)
    return np.exp(-(((wavelengths - centers) / 1.2) ** 2) / 2)


blobs = np.zeros((2, side, side))
for kind, row, column in rng.uniform([0, 6, 6], [2, side - 6, side - 6], (26, 3)):
    row, column = row - side / 2, column - side / 2
    blob = np.exp(-((rows - row) ** 2 + (columns - column) ** 2) / 10)
    blobs[int(kind)] = np.maximum(blobs[int(kind)], blob)
hydrogen = blobs[0] + 0.6 * blobs[1]
nitrogen = 0.3 * blobs[0] + 0.9 * blobs[1]
spectra = np.exp(-radius / 14)[..., np.newaxis] + rng.normal(0, 0.05, (side, side, 100))
spectra += hydrogen[..., np.newaxis] * line(6562.8)
spectra += nitrogen[..., np.newaxis] * (line(6583.5) + line(6548.1) / 3)
shines = blobs.max(axis=0) > 0.25
truth = np.where(shines, 1 + blobs.argmax(axis=0), 0)

# %%
# The light of the stars is subtracted, as it is where lines are studied.

is_near = (wavelengths > 6535) & (wavelengths < 6600)
spectra -= np.median(spectra[..., ~is_near], axis=2)[..., np.newaxis]
channels = Cube(
    spectra[..., is_near].astype(np.float32),
    band_coordinates=wavelengths[is_near] * u.AA,
)

# %%
# Moments: the flux of each line, and the mean velocity of H alpha, which is 0 here
# where there is hardly any.

in_hydrogen, in_nitrogen = (abs(wavelengths - rest) < 8 for rest in (6562.8, 6583.5))
flux_h = spectra[..., in_hydrogen].sum(axis=2)
flux_n = spectra[..., in_nitrogen].sum(axis=2)
velocities = C * (wavelengths[in_hydrogen] / 6562.8 - 1)
mean = (spectra[..., in_hydrogen] * velocities).sum(axis=2) / np.maximum(flux_h, 1)
moments = Cube(
    np.dstack([flux_h, flux_n, np.where(flux_h > 1, mean, 0)]).astype(np.float32),
    band_names=["H alpha", "[N II]", "velocity"],
)


def cluster(images, **options):
    """Return six clusters on which twelve maps agree."""
    options |= {"sky": "keep", "target_fwhm": None, "mask_outliers": False}
    clusterer = make_clusterer("esom", n_clusters=6, n_runs=12)
    pipeline = make_cluster_pipeline(clusterer, **options)
    # All bands are made from one cube, so none of them can be shifted.
    pipeline.set_params(align__registration=None)
    return pipeline.fit_predict(images)


maps = {
    "channels": cluster(channels),
    "bins of 17 channels": cluster(channels, bin_bands=17),
    "moments: fluxes": cluster(moments[:, :, :2]),
    "moments: fluxes and velocity": cluster(
        moments, stretch="none", mask_zeros=False, color_contrast=0
    ),
}

# %%
# Among the pixels with gas: how much of the scatter of the velocities lies between
# clusters rather than within them (100 %: clusters follow velocities alone), and how
# well the clusters agree with the kinds of gas (adjusted Rand index).
#
# Clusters of channels follow the velocities. To find kinds of gas, make bins wider than
# the shifts, or measure fluxes. With the velocity as one more band, clusters follow
# both in part: six are too few for each kind of gas at each velocity. Where there is no
# gas there is noise alone, which falls into clusters by chance.


def follows_velocity(labels):
    """Return the share of the variance of velocities between clusters."""
    sums, counts = np.bincount(labels, velocity[shines]), np.bincount(labels)
    return r2_score(velocity[shines], (sums / np.maximum(counts, 1))[labels])


figure, panels = plt.subplots(2, 3, figsize=(12, 8.6), layout="constrained")
ClusterMapDisplay.from_predictions(truth, legend=False, ax=panels[0, 0])
panels[0, 0].set_title(
    "the truth: stars alone, and gas\nwith little and with much [N II]"
)
image = panels[1, 0].imshow(
    np.where(shines, velocity, np.nan), origin="lower", cmap="RdBu_r"
)
bar = panels[1, 0].inset_axes([0.05, 0.06, 0.4, 0.03])
figure.colorbar(image, cax=bar, orientation="horizontal", label="km/s")
panels[1, 0].set_title("the truth: velocities of the gas")
for axes, (name, label_map) in zip(panels[:, 1:].flat, maps.items(), strict=True):
    labels = label_map[shines]
    share = follows_velocity(labels)
    agreement = adjusted_rand_score(truth[shines], labels)
    text = f"velocity {share:.0%}, kinds of gas {agreement:.2f}"
    print(f"{name:30} {text}")
    colors = cluster_colors(label_map, moments[:, :, :2])
    ClusterMapDisplay.from_predictions(label_map, colors=colors, legend=False, ax=axes)
    axes.set_title(f"{name}\n{text}", fontsize="medium")
for axes in panels.flat:
    axes.set_axis_off()

if len(sys.argv) > 1:
    figure.savefig(sys.argv[1], dpi=80)
else:
    plt.show()
