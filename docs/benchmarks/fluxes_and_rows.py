# SPDX-License-Identifier: BSD-3-Clause
"""What clusters follow: brightness or shape, all pixels or a sample, or superpixels.

Synthetic galaxies of which the populations are known are clustered in several ways, and
the clusters compared with the populations by the adjusted Rand index. Run:
``python docs/benchmarks/fluxes_and_rows.py``.
"""

import argparse
import warnings

import numpy as np
from measuring import report
from sklearn.cluster import KMeans
from sklearn.metrics import adjusted_rand_score
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from skesom.cube import (
    AsinhStretch,
    ColorScaler,
    CubeMasker,
    FluxShape,
    FWHMConvolver,
)
from skesom.datasets import make_galaxy_cube
from skesom.maps import CubeClusterer
from skesom.pixels import CubeFlattener, PixelSampler, SuperpixelFlattener
from skesom.som import CSOM, ESOM

CLUSTERERS = {
    "k-means": KMeans(8, n_init=3, random_state=0),
    "CSOM": CSOM(shape=(12, 12), n_clusters=8, random_state=0),
    "ESOM": ESOM(n_clusters=8, random_state=0),
}
FLUXES = {
    "`AsinhStretch()`": [AsinhStretch()],
    "`AsinhStretch()`, `ColorScaler()`": [AsinhStretch(), ColorScaler()],
    "`FluxShape()`": [FluxShape()],
    "`FluxShape(brightness=True)`": [FluxShape(brightness=True)],
    '`FluxShape("F814W")`': [FluxShape("F814W")],
    '`FluxShape("F814W", brightness=True)`': [FluxShape("F814W", brightness=True)],
}
SAMPLERS = {
    "all pixels": None,
    "5000, random": PixelSampler(5000, random_state=0),
    "5000, by brightness": PixelSampler(5000, "brightness", random_state=0),
    "5000, in blocks": PixelSampler(5000, "blocks", random_state=0),
}
FLATTENERS = {
    "pixels": CubeFlattener(),
    "superpixels of 9 pixels": SuperpixelFlattener(9),
    "superpixels of 16 pixels": SuperpixelFlattener(16),
    "superpixels of 64 pixels": SuperpixelFlattener(64),
}


def matched(n_seeds, **options):
    """Return galaxies of one sharpness and their populations."""
    for seed in range(n_seeds):
        cube, truth = make_galaxy_cube(**options, random_state=seed)
        yield make_pipeline(CubeMasker(), FWHMConvolver()).fit_transform(cube), truth


def agreement(truth, label_map):
    """Return the adjusted Rand index of the valid pixels."""
    valid = (truth >= 0) & (label_map >= 0)
    return adjusted_rand_score(truth[valid], label_map[valid])


def explained(brightness, label_map):
    """Return the share of the variance of brightness between clusters."""
    means = [
        brightness[label_map == label].mean() for label in range(label_map.max() + 1)
    ]
    return 1 - np.mean((brightness - np.take(means, label_map)) ** 2) / brightness.var()


def means(first, columns, scores):
    """Return a row of means over the galaxies for each name."""
    return [
        {first: name} | dict(zip(columns, np.mean(each, axis=0).tolist(), strict=True))
        for name, each in scores.items()
    ]


def compare_fluxes(n_seeds):
    """Compare ways to present fluxes to k-means and ESOM."""
    kinds = ("k-means", "ESOM")
    scores = {name: [] for name in FLUXES}
    for cube, truth in matched(n_seeds, shape=(300, 300)):
        brightness = AsinhStretch().fit_transform(cube).data.mean(axis=2)
        for name, steps in FLUXES.items():
            bands = make_pipeline(*steps).fit_transform(cube)
            maps = [cluster(bands, CLUSTERERS[kind]) for kind in kinds]
            scores[name].append(
                [agreement(truth, label_map) for label_map in maps]
                + [explained(brightness, label_map) for label_map in maps]
            )
    columns = [*kinds, *(f"V, {kind}" for kind in kinds)]
    report("fluxes_steps", "Ways to present fluxes", means("step", columns, scores))


def compare_rows(n_seeds):
    """Compare pixels and superpixels where the noise is weak and strong."""
    scores = {name: [] for name in FLATTENERS}
    for weak, strong in zip(
        matched(n_seeds, shape=(300, 300)),
        matched(n_seeds, shape=(300, 300), noise=3),
        strict=True,
    ):
        for name, flattener in FLATTENERS.items():
            of_scene = []
            for cube, truth in (weak, strong):
                bands = FluxShape(brightness=True).fit_transform(cube)
                for kind in ("k-means", "ESOM"):
                    model = make_pipeline(flattener, StandardScaler(), CLUSTERERS[kind])
                    label_map = flattener.inverse_transform(model.fit_predict(bands))
                    of_scene.append(agreement(truth, label_map))
            scores[name].append(of_scene)
    columns = ["k-means", "ESOM", "k-means, noisy", "ESOM, noisy"]
    report("fluxes_rows", "Pixels and superpixels", means("rows", columns, scores))


def compare_samples(n_seeds):
    """Compare samples where most of the frame is sky."""
    scores = {name: [] for name in SAMPLERS}
    for cube, truth in matched(n_seeds, shape=(400, 400), extent=0.3):
        bands = AsinhStretch().fit_transform(cube)
        for name, sampler in SAMPLERS.items():
            maps = [cluster(bands, kind, sampler) for kind in CLUSTERERS.values()]
            scores[name].append([agreement(truth, label_map) for label_map in maps])
    rows = means("learned from", CLUSTERERS, scores)
    report("fluxes_samples", "Samples, 85 % sky", rows)


def cluster(bands, clusterer, sampler=None):
    """Return the label map of a cube."""
    pipeline = make_pipeline(StandardScaler(), clusterer)
    return CubeClusterer(pipeline, sampler=sampler).fit_predict(bands)


def main():
    """Report the three tables."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--seeds", type=int, default=3, help="galaxies")
    n_seeds = parser.parse_args().seeds
    warnings.simplefilter("ignore")
    compare_fluxes(n_seeds)
    compare_rows(n_seeds)
    compare_samples(n_seeds)


if __name__ == "__main__":
    main()
