# SPDX-License-Identifier: BSD-3-Clause
"""Which numbers describe a pixel best: ways to present fluxes, on galaxies with truth.

Galaxies of several kinds, of which the populations are known, are clustered by the
default consensus, by single networks and by the clusterers of scikit-learn, on the same
pixels. Choices are made on the scenes in CHOOSE; those in REPORT only report. Each line
tells the adjusted Rand index with the populations and the mean over the populations of
the best cluster's F1, and for the maps how well runs of other seeds, and runs without
one pixel in a hundred, agree with each other. Run:
``python docs/benchmarks/features.py`` (an hour), or with ``--scenes spiral noisy``,
``--features ratios`` and ``--quick``, which leaves out all but the maps and k-means.
"""

import argparse
import itertools
import warnings

import numpy as np
from sklearn.cluster import (
    HDBSCAN,
    Birch,
    BisectingKMeans,
    KMeans,
    MiniBatchKMeans,
)
from sklearn.ensemble import RandomForestClassifier
from sklearn.metrics import adjusted_rand_score
from sklearn.mixture import GaussianMixture
from sklearn.neighbors import KNeighborsClassifier
from sklearn.pipeline import make_pipeline

from skesom.cube import (
    AsinhStretch,
    ColorScaler,
    CubeMasker,
    FluxShape,
    FWHMConvolver,
    SkyMasker,
)
from skesom.datasets import make_galaxy_cube
from skesom.som import ESOM, ConsensusClusterer

N_CLUSTERS = 8
RIDGE = 1e-4  # shares add up to 1, so that their covariance has no inverse
MOST_ROWS = 10_000  # for clusterers that compare all rows with all
BROAD = ("F225W", "F336W", "F438W", "F814W")
CHOOSE = {
    "spiral": {},
    "edge-on": {"kind": "edge-on"},
    "elliptical": {"kind": "elliptical"},
    "merger": {"kind": "merger"},
    "noisy": {"noise": 4.0},
    "quiet": {"star_formation": 0.3, "dust": 0.5},
}
REPORT = {
    "dusty": {"dust": 2.5},
    "starburst": {"star_formation": 3.0},
    "blurred": {"blur": 3.0},
    "small": {"extent": 0.45},
    "broad bands": {"bands": BROAD},
    "20 bands": {"n_bands": 20},
    "noisy merger": {"kind": "merger", "noise": 3.0, "n_bands": 5},
    "dusty edge-on": {"kind": "edge-on", "dust": 2.0, "noise": 2.0},
}
FEATURES = {
    "asinh 3": [AsinhStretch(), ColorScaler(contrast=0)],
    "asinh 3, contrast 1/3": [AsinhStretch(), ColorScaler()],
    "asinh 10, contrast 1/3": [AsinhStretch(softening=10), ColorScaler()],
    "asinh 10, contrast 0.42": [
        AsinhStretch(softening=10),
        ColorScaler(contrast=0.42),
    ],
    "ratios": [FluxShape("F814W", brightness=True), ColorScaler(contrast=0)],
    "shares": [FluxShape(brightness=True), ColorScaler(contrast=0)],
    "shares, contrast 1/6": [FluxShape(brightness=True), ColorScaler(contrast=1 / 6)],
}


def main():
    """Print a line for each scene, seed, way to present fluxes and clusterer."""
    parser = argparse.ArgumentParser()
    scenes = CHOOSE | REPORT
    parser.add_argument("--scenes", nargs="+", default=list(scenes), choices=scenes)
    parser.add_argument(
        "--features", nargs="+", default=list(FEATURES), choices=FEATURES
    )
    parser.add_argument("--size", type=int, default=110)
    parser.add_argument("--seeds", nargs="+", type=int, default=[5])
    parser.add_argument("--quick", action="store_true")
    options = parser.parse_args()
    warnings.simplefilter("ignore")
    for name, seed in itertools.product(options.scenes, options.seeds):
        cube, inside, truth = draw(scenes[name], options.size, seed)
        shares = np.bincount(truth) / len(truth)
        print(f"\n{name}, seed {seed}: {len(truth)} pixels, {shares.round(3)}")
        for features in options.features:
            table = present(cube, inside, FEATURES[features])
            for kind, line in measure(table, truth, quick=options.quick):
                print(f"  {features:<24}{kind:<24}{line}", flush=True)


def draw(options, size, seed):
    """Return the bands at one sharpness, the pixels that are clustered, their truth."""
    options = dict(options)
    bands = options.pop("bands", None)
    cube, truth = make_galaxy_cube((size, size), **options, random_state=seed)
    if bands:
        cube = cube[:, :, [cube.band_names.index(band) for band in bands]]
    cube = make_pipeline(CubeMasker(), FWHMConvolver()).fit_transform(cube)
    # The sky is set aside as the default chain does it, for all features alike.
    masked = SkyMasker().fit_transform(AsinhStretch().fit_transform(cube))
    inside = np.isfinite(masked.data).all(axis=2)
    return cube, inside, truth[inside]


def present(cube, inside, steps):
    """Return the table that the steps make of the clustered pixels."""
    first, *rest = steps
    bands = first.fit_transform(cube)  # sees the sky, from which flux is counted
    bands = bands.replace(data=np.where(inside[:, :, None], bands.data, np.nan))
    bands = make_pipeline(*rest).fit_transform(bands)
    return np.ascontiguousarray(bands.data[inside])


def measure(table, truth, quick=False):
    """Yield the name of each clusterer and what it reaches."""
    rng = np.random.default_rng(0)
    yield "ESOM", of_runs(ESOM(n_clusters=N_CLUSTERS), table, truth, 6, rng)
    consensus = ConsensusClusterer(ESOM(), n_clusters=N_CLUSTERS)
    yield "consensus of ESOMs", of_runs(consensus, table, truth, 2, rng)
    for name, clusterer in others(quick).items():
        yield name, agreement(truth, fit_predict(clusterer, table, rng))
    if not quick:
        half = rng.random(len(table)) < 0.5
        # Boosting diverges where a population has a handful of pixels.
        model = RandomForestClassifier(min_samples_leaf=5, random_state=0)
        labels = model.fit(table[half], truth[half]).predict(table[~half])
        yield "(trained on the truth)", agreement(truth[~half], labels)


def others(quick):
    """Return the clusterers of scikit-learn."""
    found = {"KMeans": KMeans(N_CLUSTERS, n_init=10, random_state=0)}
    if not quick:
        found |= {
            "MiniBatchKMeans": MiniBatchKMeans(N_CLUSTERS, random_state=0),
            "GaussianMixture": GaussianMixture(
                N_CLUSTERS, reg_covar=RIDGE, random_state=0
            ),
            "GaussianMixture, 5": GaussianMixture(
                N_CLUSTERS, reg_covar=RIDGE, n_init=5, random_state=0
            ),
            "Birch": Birch(n_clusters=N_CLUSTERS),
            "BisectingKMeans": BisectingKMeans(N_CLUSTERS, random_state=0),
            "HDBSCAN": HDBSCAN(min_cluster_size=50, copy=True),
        }
    return found


def fit_predict(clusterer, table, rng):
    """Return labels; where all rows are compared with all, of the nearest of a few."""
    if not isinstance(clusterer, Birch | HDBSCAN) or len(table) <= MOST_ROWS:
        return clusterer.fit_predict(table)
    some = rng.choice(len(table), MOST_ROWS, replace=False)
    labels = clusterer.fit_predict(table[some])
    return KNeighborsClassifier(1).fit(table[some], labels).predict(table)


def of_runs(clusterer, table, truth, n_runs, rng):
    """Return what runs of other seeds reach, and how well they agree."""
    runs = [
        clusterer.set_params(random_state=seed).fit_predict(table)
        for seed in range(n_runs)
    ]
    kept = [np.sort(rng.permutation(len(table))[len(table) // 100 :]) for _ in range(2)]
    perturbed = [clusterer.fit_predict(table[rows]) for rows in kept]
    both, first, second = np.intersect1d(*kept, return_indices=True)
    dropped = [
        adjusted_rand_score(runs[-1][both], labels[places])
        for labels, places in zip(perturbed, (first, second), strict=True)
    ]
    pairs = [adjusted_rand_score(*pair) for pair in itertools.combinations(runs, 2)]
    scores = np.mean([scores_of(truth, labels) for labels in runs], axis=0)
    spread = np.std([adjusted_rand_score(truth, labels) for labels in runs])
    return (
        f"{written(scores)} +- {spread:.3f}  seeds {np.mean(pairs):.2f}  "
        f"rows {np.mean(dropped):.2f}"
    )


def agreement(truth, labels):
    """Return both figures as text."""
    return written(scores_of(truth, labels))


def written(scores):
    """Return both figures as text."""
    return "ARI {:.3f}  F1 {:.3f}".format(*scores)


def scores_of(truth, labels):
    """Return the adjusted Rand index, and the mean F1 of the best clusters."""
    populations, clusters = (
        values == np.unique(values)[:, np.newaxis] for values in (truth, labels)
    )
    shared = populations.astype(float) @ clusters.T
    sizes = populations.sum(axis=1)
    best = (2 * shared / (sizes[:, None] + clusters.sum(axis=1))).max(axis=1)
    return adjusted_rand_score(truth, labels), best[sizes >= 20].mean()


if __name__ == "__main__":
    main()
