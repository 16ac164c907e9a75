# SPDX-License-Identifier: BSD-3-Clause
"""Pipelines from FITS files to a map of clusters, written by hand: see pipelines.py.

Bands are brought to the width of the widest, the level of the sky is subtracted, fluxes
are compressed and bands scaled, pixels clustered, and the labels written with the WCS.
Unlike in skesom, pixels of the sky stay in, and nothing raises colors above brightness.
Alone: ``python pipelines_by_hand.py
METHOD SEED RESULT FILE ...`` in any environment with astropy, scikit-learn and MiniSom.
"""

import json
import sys
from pathlib import Path

import numpy as np
from astropy.io import fits
from measuring import measure
from scipy.ndimage import gaussian_filter
from sklearn.cluster import KMeans
from sklearn.metrics import pairwise_distances_argmin
from sklearn.mixture import GaussianMixture
from sklearn.preprocessing import StandardScaler


def prepare(files):
    """Return rows of pixels, which pixels they are, and a header."""
    read = [fits.getdata(name, header=True) for name in files]
    images, headers = zip(*read, strict=True)
    worst = max(header["FWHM"] for header in headers)
    bands = []
    for image, header in zip(images, headers, strict=True):
        image = image.astype(np.float32)
        pixel = abs(header["CDELT1"]) * 3600
        sigma = np.sqrt(worst**2 - header["FWHM"] ** 2) / 2.3548 / pixel
        known = np.isfinite(image)
        weight = gaussian_filter(known.astype(np.float32), sigma)
        blurred = gaussian_filter(np.where(known, image, 0), sigma)
        blurred = np.divide(
            blurred, weight, out=np.full_like(image, np.nan), where=known
        )
        sky = np.nanpercentile(blurred, 25)
        below = blurred[blurred < sky]
        noise = 1.4826 * np.median(np.abs(below - sky))
        bands.append(np.arcsinh((blurred - sky) / noise / 3))
    cube = np.stack(bands, axis=-1)
    inside = np.isfinite(cube).all(axis=-1)
    return StandardScaler().fit_transform(cube[inside]), inside, headers[0]


def save(labels, inside, header, result):
    """Write the map of labels."""
    label_map = np.full(inside.shape, -1, dtype=np.int32)
    label_map[inside] = labels
    of_wcs = ("CR", "CD", "CT", "CU")
    kept = fits.Header({key: header[key] for key in header if key[:2] in of_wcs})
    fits.writeto(result, label_map, kept, overwrite=True)


def kmeans(files, result, seed):
    """Cluster pixels by k-means."""
    X, inside, header = prepare(files)
    labels = KMeans(8, n_init=10, random_state=seed).fit_predict(X)
    save(labels, inside, header, result)


def mixture(files, result, seed):
    """Cluster pixels by a mixture of Gaussians."""
    X, inside, header = prepare(files)
    labels = GaussianMixture(8, random_state=seed).fit_predict(X)
    save(labels, inside, header, result)


def minisom(files, result, seed):
    """Train a map of MiniSom by ten samples for each pixel, and cluster its units."""
    from minisom import MiniSom

    X, inside, header = prepare(files)
    som = MiniSom(20, 20, X.shape[1], sigma=5, random_seed=seed)
    som.pca_weights_init(X)
    som.train(X, 10 * len(X))
    units = som.get_weights().reshape(400, -1)
    of_units = KMeans(8, n_init=10, random_state=seed).fit_predict(units)
    nearest = pairwise_distances_argmin(X, units)
    save(of_units[nearest], inside, header, result)


METHODS = {
    "k-means by hand": kmeans,
    "mixture by hand": mixture,
    "MiniSom by hand": minisom,
}

if __name__ == "__main__":
    name, seed, result, *files = sys.argv[1:]
    figures = measure(lambda: METHODS[name](files, result, int(seed)))[1]
    Path(result).with_suffix(".json").write_text(json.dumps(figures))
