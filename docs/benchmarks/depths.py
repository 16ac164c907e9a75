# SPDX-License-Identifier: BSD-3-Clause
"""One galaxy as three surveys see it: do maps of images of other depth agree?

Five bands of a galaxy without noise are blurred, averaged over larger pixels, and given
noise of sky and of photons, with point-spread functions, pixels and depths in the
ratios of the Dark Energy Survey, Pan-STARRS and the Sloan survey. The default pipeline
makes a map of each. Reported are the adjusted Rand indices of pairs of maps, in pixels
that have a cluster in all three; of two seeds; and the share of neighbors with other
labels in the noisiest map: mean, and range over galaxies. Rows are ways to present
fluxes, and k-means in the place of the consensus. Run:
``python docs/benchmarks/depths.py`` (ten minutes)
"""

import argparse
import itertools
import warnings

import numpy as np
from measuring import report
from scipy.ndimage import gaussian_filter
from sklearn.metrics import adjusted_rand_score

from skesom.cube import Cube
from skesom.datasets import make_galaxy_cube
from skesom.maps import make_cluster_pipeline, make_clusterer

# Fine pixels in a pixel, FWHM in fine pixels of 0.13 arcsec, and noise per area.
SURVEYS = {"DES": (2, 7.3, 0.2), "PS1": (2, 8.5, 0.6), "SDSS": (3, 10.0, 1.0)}
BANDS = [1, 3, 8, 10, 14]  # without lines, from F336W to the near infrared
KINDS = "spiral", "edge-on", "merger"
TYPICAL = 70  # percentile of the light that is as bright as two deviations in SDSS
PHOTONS = 0.02  # noise of photons at that light, as a part of it
LEAST_SKY = 50  # level of the sky in deviations
WAYS = {
    "default": ("esom", {}),
    "`AsinhStretch(light=0)`": ("esom", {"stretch__light": 0}),
    "default, k-means": ("sklearn.cluster.KMeans", {}),
    "`light=0`, k-means": ("sklearn.cluster.KMeans", {"stretch__light": 0}),
}


def observe(scene, survey, draw):
    """Return a scene without noise as a survey sees it."""
    block, fwhm, depth = SURVEYS[survey]
    rng = np.random.default_rng([draw, *survey.encode()])
    n_rows, n_columns = (side // block for side in scene.shape[:2])
    bands = []
    for image in np.moveaxis(scene.data[:, :, BANDS].astype(float), 2, 0):
        light = image - np.percentile(image, 1)
        typical = np.percentile(light, TYPICAL)
        light = gaussian_filter(light, fwhm / 2.355, mode="nearest")
        light = light[: n_rows * block, : n_columns * block]
        light = light.reshape(n_rows, block, n_columns, block).sum(axis=(1, 3))
        sigma = depth * typical * block / 2
        noise = np.hypot(sigma, PHOTONS * np.sqrt(np.abs(light) * typical))
        bands.append(light + LEAST_SKY * sigma + rng.normal(0, noise))
    return Cube(
        np.dstack(bands).astype(np.float32),
        band_names=[scene.band_names[band] for band in BANDS],
        band_coordinates=scene.band_coordinates[BANDS],
        fwhm=[0.13 * fwhm] * len(BANDS),
        pixel_scale=0.13 * block,
    )


def map_of(cube, way, seed):
    """Return the label map of a way, with a seed."""
    method, parameters = WAYS[way]
    pipeline = make_cluster_pipeline(make_clusterer(method, random_state=seed))
    return pipeline.set_params(**parameters).fit_predict(cube)


def expanded(label_map, survey, side):
    """Return a label map on the fine pixels, of which every third row is enough."""
    block = SURVEYS[survey][0]
    fine = np.full((side, side), -3)
    labels = np.kron(label_map, np.ones((block, block), dtype=int))
    fine[: labels.shape[0], : labels.shape[1]] = labels
    return fine[::3, ::3]


def speckle(label_map):
    """Return the share of neighbors in the map with other labels."""
    pairs = [(label_map[1:], label_map[:-1]), (label_map[:, 1:], label_map[:, :-1])]
    known = [(a >= 0) & (b >= 0) for a, b in pairs]
    differ = sum(((a != b) & k).sum() for (a, b), k in zip(pairs, known, strict=True))
    return differ / sum(k.sum() for k in known)


def compare(scene, way, draw):
    """Return the figures of a scene."""
    cubes = {survey: observe(scene, survey, draw) for survey in SURVEYS}
    maps = {survey: map_of(cube, way, 0) for survey, cube in cubes.items()}
    fine = {name: expanded(found, name, len(scene)) for name, found in maps.items()}
    shared = np.all([labels >= 0 for labels in fine.values()], axis=0)
    row = {
        f"{first}, {second}": adjusted_rand_score(
            fine[first][shared], fine[second][shared]
        )
        for first, second in itertools.combinations(SURVEYS, 2)
    }
    row["mean of pairs"] = np.mean(list(row.values()))
    known = maps["PS1"] >= 0
    other = map_of(cubes["PS1"], way, 1)
    row["two seeds, PS1"] = adjusted_rand_score(maps["PS1"][known], other[known])
    return row | {"speckle, SDSS": speckle(maps["SDSS"])}


def main():
    """Report a row for each way."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--kinds", nargs="+", default=KINDS, choices=KINDS)
    parser.add_argument("--sides", type=int, default=360)
    parser.add_argument("--runs", type=int, default=3)
    options = parser.parse_args()
    warnings.simplefilter("ignore")
    found = {way: [] for way in WAYS}
    for kind, seed in itertools.product(options.kinds, range(options.runs)):
        scene, _ = make_galaxy_cube(
            (options.sides, options.sides),
            n_bands=16,
            noise=0,
            extent=0.6,
            kind=kind,
            random_state=seed,
        )
        for way, rows in found.items():
            rows.append(compare(scene, way, seed))
    table = []
    for way, rows in found.items():
        row = {"way": way}
        for name in rows[0]:
            values = [figures[name] for figures in rows]
            row[name] = f"{np.mean(values):.2f} ({min(values):.2f}-{max(values):.2f})"
        table.append(row)
    title = f"ARI of maps of one galaxy, galaxies: {len(rows)}"
    report("depths", title, table)


if __name__ == "__main__":
    main()
