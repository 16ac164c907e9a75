# SPDX-License-Identifier: BSD-3-Clause
"""
Clusters of spectra, and velocities
===================================

An integral-field unit gives a spectrum for each pixel. Where a galaxy rotates, the
Doppler effect moves its emission lines, and one population has different spectra at the
near and the far side. Whether clusters follow the populations or the velocities depends
on what they are made of: narrow channels, wide bins, or moments of the line.
"""

import sys

import matplotlib.pyplot as plt
import numpy as np
from astropy import units as u
from sklearn.metrics import adjusted_rand_score

from skesom.cube import Cube
from skesom.displays import ClusterMapDisplay, cluster_colors
from skesom.maps import make_cluster_pipeline
from skesom.som import ESOM, ConsensusClusterer

C = 299_792.458  # km/s

# %%
# The scene: a disc of stars with a smooth continuum, gas that rotates with up to 200
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
star_light = np.exp(-radius / 14)
hydrogen = blobs[0] + 0.6 * blobs[1]
nitrogen = 0.3 * blobs[0] + 0.9 * blobs[1]
spectra = star_light[..., np.newaxis] * (1 + (wavelengths - 6500) / 400)
spectra += hydrogen[..., np.newaxis] * line(6562.8)
spectra += nitrogen[..., np.newaxis] * (line(6583.5) + line(6548.1) / 3)
spectra += rng.normal(0, 0.05, spectra.shape)
cube = Cube(spectra.astype(np.float32), band_coordinates=wavelengths * u.AA)
shines = blobs.max(axis=0) > 0.25
kind_of_gas = 1 + blobs.argmax(axis=0)
truth = np.where(shines, kind_of_gas, 0)

# %%
# The moments of a line: its flux, and its mean velocity, above a continuum at either
# side. The velocity of a faint line is noise: it is 0 here where there is no line.

near_h = np.abs(wavelengths - 6562.8) < 8
near_n = np.abs(wavelengths - 6583.5) < 8
empty = (wavelengths < 6535) | (wavelengths > 6600)
continuum = np.median(spectra[..., empty], axis=2)
lines = spectra - continuum[..., np.newaxis]
flux_h, flux_n = lines[..., near_h].sum(axis=2), lines[..., near_n].sum(axis=2)
shift = (lines * (wavelengths / 6562.8 - 1) * C)[..., near_h].sum(axis=2)
measured = np.where(flux_h > 1, shift / np.maximum(flux_h, 1), 0)
moments = {"continuum": continuum, "H alpha": flux_h, "[N II]": flux_n}
planes = [plane.astype(np.float32) for plane in moments.values()]
fluxes = Cube(np.dstack(planes), band_names=list(moments))
with_velocity = np.dstack([*planes, measured.astype(np.float32)])
with_velocity = Cube(with_velocity, band_names=[*moments, "velocity"])


def cluster(images, n_clusters=6, **options):
    """Return clusters on which twelve maps agree."""
    clusterer = ConsensusClusterer(ESOM(), n_clusters=n_clusters, random_state=0)
    pipeline = make_cluster_pipeline(clusterer, sky="keep", target_fwhm=None, **options)
    return pipeline.fit_predict(images)


maps = {
    "channels": cluster(cube, mask_outliers=False),
    "bins of 20 channels": cluster(cube, bin_bands=20, mask_outliers=False),
    "moments: fluxes": cluster(fluxes, mask_outliers=False),
    "moments: fluxes and velocity": cluster(
        with_velocity, stretch="none", mask_outliers=False, mask_zeros=False
    ),
}

# %%
# Among the pixels with gas: how much of the scatter of the velocities lies between
# clusters rather than within them (1: clusters follow velocities), and how well the
# clusters agree with the kinds of gas (adjusted Rand index).


def follows_velocity(labels):
    """Return the share of the variance of velocities between clusters."""
    inside = velocity[shines]
    within = sum(
        ((inside[labels == n] - inside[labels == n].mean()) ** 2).sum()
        for n in np.unique(labels)
    )
    return 1 - within / ((inside - inside.mean()) ** 2).sum()


figure, panels = plt.subplots(2, 3, figsize=(12, 8.2), layout="constrained")
ClusterMapDisplay.from_predictions(
    truth, names=["stars alone", "H II regions", "much [N II]"], ax=panels[0, 0]
)
panels[0, 0].set_title("the truth: kinds of gas")
image = panels[1, 0].imshow(
    np.where(shines, velocity, np.nan), origin="lower", cmap="RdBu_r"
)
figure.colorbar(image, ax=panels[1, 0], label="km/s", shrink=0.8)
panels[1, 0].set_title("the truth: velocities of the gas")
for axes, (name, label_map) in zip(panels[:, 1:].flat, maps.items(), strict=True):
    labels = label_map[shines]
    share = follows_velocity(labels)
    agreement = adjusted_rand_score(truth[shines], labels)
    text = f"velocity {share:.0%}, kinds of gas {agreement:.2f}"
    print(f"{name:30} {text}")
    colors = cluster_colors(label_map, cube)
    ClusterMapDisplay.from_predictions(label_map, colors=colors, legend=False, ax=axes)
    axes.set_title(f"{name}\n{text}", fontsize="medium")
for axes in panels.flat:
    axes.set_axis_off()

if len(sys.argv) > 1:
    figure.savefig(sys.argv[1], dpi=80)
else:
    plt.show()
