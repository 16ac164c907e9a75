# SPDX-License-Identifier: BSD-3-Clause
"""Which numbers describe a pixel best, and which clusterer groups them best.

Galaxies of several kinds, of which the populations are known, are clustered into eight
clusters. The first table has ways to present fluxes, all clustered by the default
consensus: the adjusted Rand index with the populations, and in brackets that of two
runs with each other. The second has clusterers on the same pixels, presented by the
default way: the index, and the mean over the populations of the best cluster's F1.
Choices were made on the scenes in CHOOSE; those in REPORT only report. Run:
``python docs/benchmarks/features.py`` (an hour); ``--scenes spiral noisy`` chooses.
"""

import argparse
import warnings

import numpy as np
from measuring import report
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

from skesom.consensus import ConsensusClusterer
from skesom.cube import (
    AsinhStretch,
    ColorScaler,
    CubeMasker,
    FluxShape,
    FWHMConvolver,
    SkyMasker,
)
from skesom.datasets import make_galaxy_cube
from skesom.som import CSOM, ESOM

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
SHOWN = [*CHOOSE, "dusty", "starburst"]  # in the table of ways to present fluxes
DEFAULT = "contrast 1/3"
FEATURES = {
    DEFAULT: [AsinhStretch(), ColorScaler()],
    "contrast 1/3, averaged": [AsinhStretch(), ColorScaler(signal_to_noise=2)],
    "contrast 1/2, averaged": [
        AsinhStretch(),
        ColorScaler(contrast=0.5, signal_to_noise=2),
    ],
    "the same to 3": [
        AsinhStretch(),
        ColorScaler(contrast=0.5, signal_to_noise=3),
    ],
    "contrast 1/2": [AsinhStretch(), ColorScaler(contrast=0.5)],
    "contrast 0": [AsinhStretch(), ColorScaler(contrast=0)],
    "asinh 10, contrast 1/2, averaged": [
        AsinhStretch(softening=10),
        ColorScaler(contrast=0.5, signal_to_noise=2),
    ],
    "shares": [FluxShape(brightness=True), ColorScaler(contrast=0)],
}


def main():
    """Report both tables."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    scenes = CHOOSE | REPORT
    parser.add_argument("--scenes", nargs="+", default=list(scenes), choices=scenes)
    parser.add_argument("--sizes", type=int, nargs=2, default=(120, 110))
    tables = "features", "clusterers"
    parser.add_argument("--tables", nargs="+", default=tables, choices=tables)
    options = parser.parse_args()
    warnings.simplefilter("ignore")
    large, small = options.sizes
    if "features" in options.tables:
        shown = [name for name in SHOWN if name in options.scenes]
        rows = compare_features({name: scenes[name] for name in shown}, large)
        title = f"{large} x {large} pixels, consensus: ARI (of two runs, with shells)"
        report("features_steps", title, rows)
    if "clusterers" not in options.tables:
        return
    rows = [
        {"scene": name} | of_clusterers(scenes[name], small) for name in options.scenes
    ]
    title = f"{small} x {small} pixels, default features: ARI, F1"
    report("features_clusterers", title, [*rows, mean_of(rows)])


def compare_features(scenes, size):
    """Return a row for each way to present fluxes."""
    found = {name: {} for name in FEATURES}
    text = "{:.2f} ({:.2f}, {:.2f})"
    for scene, options in scenes.items():
        cube, inside, truth = draw(options, size)
        brightness = present(cube, inside, FEATURES["contrast 0"]).mean(axis=1)
        for name, steps in FEATURES.items():
            runs = of_seeds(present(cube, inside, steps))
            scores = [adjusted_rand_score(truth, labels) for labels in runs]
            shells = [
                adjusted_rand_score(slices_of(brightness, labels), labels)
                for labels in runs
            ]
            two_runs = adjusted_rand_score(*runs)
            found[name][scene] = np.mean(scores), two_runs, np.mean(shells)
    return [
        {"features": name}
        | {scene: text.format(*numbers) for scene, numbers in of.items()}
        | {"mean": text.format(*np.mean([*of.values()], axis=0))}
        for name, of in found.items()
    ]


def slices_of(brightness, labels):
    """Return slices of brightness, as large as the clusters and in their order."""
    clusters, sizes = np.unique(labels, return_counts=True)
    medians = [np.median(brightness[labels == cluster]) for cluster in clusters]
    sizes = sizes[np.argsort(medians)]
    slices = np.empty(len(labels), dtype=int)
    slices[np.argsort(brightness)] = np.repeat(np.arange(len(sizes)), sizes)
    return slices


def draw(options, size, seed=5):
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


def of_seeds(table, som=None, **how):
    """Return the labels of two consensuses of other seeds."""
    consensus = ConsensusClusterer(som or ESOM(), n_clusters=N_CLUSTERS, **how)
    return [
        consensus.set_params(random_state=seed).fit_predict(table) for seed in range(2)
    ]


def of_clusterers(options, size):
    """Return the columns of a scene."""
    cube, inside, truth = draw(options, size)
    table = present(cube, inside, FEATURES[DEFAULT])
    rng = np.random.default_rng(0)
    runs = of_seeds(table)
    row = {"consensus": scores_of(truth, *runs)}
    row["two seeds"] = f"{adjusted_rand_score(*runs):.2f}"
    maps = [ESOM(N_CLUSTERS, random_state=seed) for seed in range(6)]
    row["ESOM"] = scores_of(truth, *(esom.fit_predict(table) for esom in maps))
    row["CSOM"] = scores_of(truth, CSOM(N_CLUSTERS).fit_predict(table))
    runs = of_seeds(table, CSOM(), max_samples=0.5)
    row["consensus of CSOMs"] = scores_of(truth, *runs)
    row["two seeds of it"] = f"{adjusted_rand_score(*runs):.2f}"
    for name, clusterer in CLUSTERERS.items():
        row[name] = scores_of(truth, fit_predict(clusterer, table, rng))
    half = rng.random(len(table)) < 0.5
    # Boosting diverges where a population has a handful of pixels.
    forest = RandomForestClassifier(min_samples_leaf=5, random_state=0)
    labels = forest.fit(table[half], truth[half]).predict(table[~half])
    return row | {"ceiling": scores_of(truth[~half], labels)}


def mean_of(rows):
    """Return the row of the means of all scenes."""
    means = {"scene": "mean"}
    for name in list(rows[0])[1:]:
        numbers = [list(map(float, row[name].split(", "))) for row in rows]
        means[name] = ", ".join(f"{mean:.2f}" for mean in np.mean(numbers, axis=0))
    return means


CLUSTERERS = {
    "`KMeans`": KMeans(N_CLUSTERS, n_init=10, random_state=0),
    "`MiniBatchKMeans`": MiniBatchKMeans(N_CLUSTERS, random_state=0),
    "`GaussianMixture`": GaussianMixture(N_CLUSTERS, reg_covar=RIDGE, random_state=0),
    "the same, 5 starts": GaussianMixture(
        N_CLUSTERS, reg_covar=RIDGE, n_init=5, random_state=0
    ),
    "`Birch`": Birch(n_clusters=N_CLUSTERS),
    "`BisectingKMeans`": BisectingKMeans(N_CLUSTERS, random_state=0),
    "`HDBSCAN`": HDBSCAN(min_cluster_size=50, copy=True),
}


def fit_predict(clusterer, table, rng):
    """Return labels; where all rows are compared with all, of the nearest of a few."""
    if not isinstance(clusterer, Birch | HDBSCAN) or len(table) <= MOST_ROWS:
        return clusterer.fit_predict(table)
    some = rng.choice(len(table), MOST_ROWS, replace=False)
    labels = clusterer.fit_predict(table[some])
    return KNeighborsClassifier(1).fit(table[some], labels).predict(table)


def scores_of(truth, *runs):
    """Return the mean index and the mean F1 of runs as text."""
    pairs = [(adjusted_rand_score(truth, run), best_f1(truth, run)) for run in runs]
    return "{:.2f}, {:.2f}".format(*np.mean(pairs, axis=0))


def best_f1(truth, labels):
    """Return the mean over the populations of the F1 of the best cluster."""
    populations, clusters = (
        values == np.unique(values)[:, np.newaxis] for values in (truth, labels)
    )
    shared = populations.astype(float) @ clusters.T
    sizes = populations.sum(axis=1)
    best = (2 * shared / (sizes[:, None] + clusters.sum(axis=1))).max(axis=1)
    return best[sizes >= 20].mean()


if __name__ == "__main__":
    main()
