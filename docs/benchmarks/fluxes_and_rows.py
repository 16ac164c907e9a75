# SPDX-License-Identifier: BSD-3-Clause
"""What clusters follow: brightness or shape, all pixels or a sample, or superpixels.

Synthetic galaxies of which the populations are known are clustered in several ways, and
the clusters compared with the populations by the adjusted Rand index. Run:
``python docs/benchmarks/fluxes_and_rows.py`` (about a minute).
"""

import warnings

import numpy as np
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

SEEDS = range(3)
CLUSTERERS = {
    "k-means": KMeans(8, n_init=3, random_state=0),
    "CSOM": CSOM(shape=(12, 12), n_clusters=8, random_state=0),
    "ESOM": ESOM(n_clusters=8, random_state=0),
}
FLUXES = {
    "AsinhStretch()": [AsinhStretch()],
    "AsinhStretch(), ColorScaler()": [AsinhStretch(), ColorScaler()],
    "FluxShape()": [FluxShape()],
    "FluxShape(brightness=True)": [FluxShape(brightness=True)],
    'FluxShape("F814W")': [FluxShape("F814W")],
    'FluxShape("F814W", brightness=True)': [FluxShape("F814W", brightness=True)],
}
SAMPLERS = {
    "all pixels": None,
    "5000, random": PixelSampler(5000, random_state=0),
    "5000, brightness": PixelSampler(5000, "brightness", random_state=0),
    "5000, blocks": PixelSampler(5000, "blocks", random_state=0),
}
FLATTENERS = {
    "CubeFlattener()": CubeFlattener(),
    "SuperpixelFlattener(9)": SuperpixelFlattener(9),
    "SuperpixelFlattener(16)": SuperpixelFlattener(16),
    "SuperpixelFlattener(64)": SuperpixelFlattener(64),
}


def matched(**options):
    """Return galaxies of one sharpness and their populations."""
    for seed in SEEDS:
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


def report(title, columns, rows):
    """Print a table of means over the galaxies."""
    print(f"\n{title}\n{'':<38}" + "".join(f"{name:>12}" for name in columns))
    for name, values in rows.items():
        print(f"{name:<38}" + "".join(f"{v:12.2f}" for v in np.mean(values, axis=0)))


def compare_fluxes():
    """Compare ways to present fluxes to k-means and ESOM."""
    kinds = ("k-means", "ESOM")
    rows = {name: [] for name in FLUXES}
    for cube, truth in matched(shape=(300, 300)):
        brightness = AsinhStretch().fit_transform(cube).data.mean(axis=2)
        for name, steps in FLUXES.items():
            bands = make_pipeline(*steps).fit_transform(cube)
            maps = [cluster(bands, CLUSTERERS[kind]) for kind in kinds]
            rows[name].append(
                [agreement(truth, label_map) for label_map in maps]
                + [explained(brightness, label_map) for label_map in maps]
            )
    columns = [f"ARI {kind}" for kind in kinds] + [f"V {kind}" for kind in kinds]
    report("Fluxes (V: variance of brightness between clusters)", columns, rows)


def compare_samples():
    """Compare samples where most of the frame is sky."""
    rows = {name: [] for name in SAMPLERS}
    for cube, truth in matched(shape=(400, 400), extent=0.3):
        bands = AsinhStretch().fit_transform(cube)
        for name, sampler in SAMPLERS.items():
            maps = [cluster(bands, kind, sampler) for kind in CLUSTERERS.values()]
            rows[name].append([agreement(truth, label_map) for label_map in maps])
    report("Samples, 85 % sky (ARI)", CLUSTERERS, rows)


def compare_rows():
    """Compare pixels and superpixels where the noise is weak and strong."""
    rows = {name: [] for name in FLATTENERS}
    for weak, strong in zip(
        matched(shape=(300, 300)), matched(shape=(300, 300), noise=3), strict=True
    ):
        for name, flattener in FLATTENERS.items():
            scores = []
            for cube, truth in (weak, strong):
                bands = FluxShape(brightness=True).fit_transform(cube)
                for kind in ("k-means", "ESOM"):
                    model = make_pipeline(flattener, StandardScaler(), CLUSTERERS[kind])
                    label_map = flattener.inverse_transform(model.fit_predict(bands))
                    scores.append(agreement(truth, label_map))
            rows[name].append(scores)
    columns = ["k-means", "ESOM", "k-means x3", "ESOM x3"]
    report("Rows (ARI; x3: three times the noise)", columns, rows)


def cluster(bands, clusterer, sampler=None):
    """Return the label map of a cube."""
    pipeline = make_pipeline(StandardScaler(), clusterer)
    return CubeClusterer(pipeline, sampler=sampler).fit_predict(bands)


if __name__ == "__main__":
    warnings.simplefilter("ignore")
    compare_fluxes()
    compare_samples()
    compare_rows()
