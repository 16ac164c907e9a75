# SPDX-License-Identifier: BSD-3-Clause
"""KMeans and what stands in its place, in examples that use KMeans.

Examples of scikit-learn, imbalanced-learn and PyOD (extra ``others``; left out where it
is not installed) with nothing else changed: tests/test_drop_in.py has them as tests.
Each is scored over seeds, which draw some of the tables too. Run:
``python docs/benchmarks/drop_in.py``.
"""

import argparse
import importlib
import warnings

import numpy as np
from measuring import report
from sklearn.cluster import KMeans
from sklearn.datasets import (
    load_breast_cancer,
    load_digits,
    load_iris,
    load_sample_image,
    load_wine,
    make_blobs,
    make_circles,
    make_classification,
    make_moons,
)
from sklearn.decomposition import PCA
from sklearn.exceptions import ConvergenceWarning
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import (
    adjusted_rand_score,
    balanced_accuracy_score,
    roc_auc_score,
    silhouette_score,
)
from sklearn.model_selection import train_test_split
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.utils import shuffle

from skesom.consensus import ConsensusClusterer
from skesom.som import CSOM, ESOM

CLUSTERERS = {
    "KMeans": lambda k, seed: KMeans(k, random_state=seed),
    "ESOM": lambda k, seed: ESOM(k, random_state=seed),
    "CSOM": lambda k, seed: CSOM(k, random_state=seed),
    "consensus of 12 ESOM": lambda k, seed: ConsensusClusterer(
        n_clusters=k, n_estimators=12, random_state=seed
    ),
}


def known_classes(load, *steps):
    """Return the example of a table whose classes are known."""

    def example(make, seed):
        X, truth = load(return_X_y=True)
        clusterer = make(len(np.unique(truth)), seed)
        fitted = make_pipeline(StandardScaler(), *steps, clusterer).fit(X)
        return adjusted_rand_score(truth, fitted[-1].labels_)

    return example


def silhouette_analysis(make, seed):
    """Cluster the four blobs of plot_kmeans_silhouette_analysis.py."""
    X, _ = make_blobs(500, centers=4, center_box=(-10.0, 10.0), random_state=1)
    return silhouette_score(X, make(4, seed).fit_predict(X))


def color_quantization(make, seed):
    """Return the error of colors as in plot_color_quantization.py."""
    pixels = load_sample_image("china.jpg")[::2, ::2].reshape(-1, 3) / 255
    kmeans = make(64, seed).fit(shuffle(pixels, random_state=0, n_samples=1000))
    colors = kmeans.cluster_centers_[kmeans.predict(pixels)]
    return np.sqrt(np.mean((colors - pixels) ** 2))


def cluster_comparison(make, seed):
    """Cluster the shapes of plot_cluster_comparison.py; their mean."""
    blobs, truth = make_blobs(500, random_state=170)
    shapes = [
        make_circles(500, factor=0.5, noise=0.05, random_state=30),
        make_moons(500, noise=0.05, random_state=30),
        make_blobs(500, cluster_std=[1.0, 2.5, 0.5], random_state=170),
        (blobs @ [[0.6, -0.6], [-0.4, 0.8]], truth),
        make_blobs(500, random_state=30),
    ]
    scores = []
    for X, truth in shapes:
        labels = make(int(truth.max()) + 1, seed).fit_predict(
            StandardScaler().fit_transform(X)
        )
        scores.append(adjusted_rand_score(truth, labels))
    return np.mean(scores)


def resampled(module, sampler, parameter, **options):
    """Return an example of imbalanced-learn: a classifier of resampled classes."""

    def example(make, seed):
        X, y = make_classification(
            2000, n_informative=4, weights=[0.9], flip_y=0.02, random_state=seed
        )
        X, X_test, y, y_test = train_test_split(X, y, stratify=y, random_state=0)
        kind = getattr(importlib.import_module(f"imblearn.{module}"), sampler)
        given = {parameter: make(8, seed), "random_state": seed, **options}
        learned = LogisticRegression().fit(*kind(**given).fit_resample(X, y))
        return balanced_accuracy_score(y_test, learned.predict(X_test))

    return example


def outliers(make, seed):
    """Find outliers by PyOD's CBLOF."""
    from pyod.models.cblof import CBLOF

    generator = np.random.default_rng(seed)
    X, _ = make_blobs(600, 3, centers=5, random_state=seed)
    strays = generator.uniform(X.min(axis=0), X.max(axis=0), (40, 3))
    detector = CBLOF(8, clustering_estimator=make(8, seed))
    detector.fit(np.vstack([X, strays]))
    return roc_auc_score(np.repeat([0, 1], [600, 40]), detector.decision_scores_)


EXAMPLES = {
    "iris, adjusted Rand index": known_classes(load_iris),
    "wine, the same": known_classes(load_wine),
    "breast cancer, the same": known_classes(load_breast_cancer),
    "digits, the same": known_classes(load_digits),
    "digits after PCA(10), the same": known_classes(load_digits, PCA(10)),
    "cluster comparison, the same": cluster_comparison,
    "silhouette analysis, silhouette": silhouette_analysis,
    "64 colors, error (less is better)": color_quantization,
    "ClusterCentroids, balanced accuracy": resampled(
        "under_sampling", "ClusterCentroids", "estimator"
    ),
    "KMeansSMOTE, the same": resampled(
        "over_sampling",
        "KMeansSMOTE",
        "kmeans_estimator",
        cluster_balance_threshold=0.1,
    ),
    "CBLOF, area under the curve": outliers,
}


def cell(scores):
    """Return the mean of scores and their range as text."""
    low, mean, high = np.min(scores), np.mean(scores), np.max(scores)
    digits = 3 if high < 0.1 else 2
    return f"{mean:.{digits}f} ({low:.{digits}f} to {high:.{digits}f})"


def main():
    """Report a row for each example."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--seeds", type=int, default=5)
    seeds = range(parser.parse_args().seeds)
    warnings.simplefilter("ignore", ConvergenceWarning)
    rows = []
    for name, example in EXAMPLES.items():
        try:
            scores = {
                each: cell([example(make, seed) for seed in seeds])
                for each, make in CLUSTERERS.items()
            }
        except ModuleNotFoundError as error:
            print(f"{name}: left out, {error}")
            continue
        rows.append({"example": name, **scores})
    report("drop_in", f"Mean of {len(seeds)} seeds (least to most)", rows)


if __name__ == "__main__":
    main()
