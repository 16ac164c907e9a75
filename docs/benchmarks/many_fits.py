# SPDX-License-Identifier: BSD-3-Clause
"""Memory of a process that fits or draws again and again.

    python docs/benchmarks/many_fits.py 1000

Prints the resident memory in MB after each tenth of the fits, of small tables and cubes
of changing size.
"""

import gc
import sys

import matplotlib
import numpy as np
import psutil
from matplotlib.figure import Figure
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from skesom import CSOM, ESOM, CubeClusterer, MapClassifier
from skesom.displays import ClusterMapDisplay, HitMapDisplay, UMatrixDisplay

matplotlib.use("Agg")


def table(number):
    """Return a table of five features, with gaps, and classes of its rows."""
    rng = np.random.default_rng(number)
    y = rng.integers(4, size=300 + number % 7 * 50)
    X = rng.normal(size=(len(y), 5)) + 5 * y[:, None]
    X[::17, number % 5] = np.nan
    return X, y


def fit_esom(number):
    """Fit an evolving map, go on with it, and use it."""
    X, _ = table(number)
    ESOM(4, random_state=number).fit(X).partial_fit(X).predict(X)


def fit_csom(number):
    """Fit a classical map, batch or online, and use it."""
    X, _ = table(number)
    algorithm = ("batch", "online")[number % 2]
    model = CSOM(4, shape=(6, 6), n_epochs=3, algorithm=algorithm, random_state=0)
    model.fit(X).transform(X)


def fit_classifier(number):
    """Fit a classifier, and use it."""
    X, y = table(number)
    MapClassifier(ESOM(random_state=0)).fit(X, y).predict_proba(X)


def cube_of(number):
    """Return a cube of small size."""
    X, _ = table(number)
    return X[:300].reshape(20, 15, 5)


def fit_cube(number):
    """Fit a map to a cube."""
    map_ = ESOM(4, random_state=0)
    CubeClusterer(make_pipeline(StandardScaler(), map_)).fit(cube_of(number))


def draw(number):
    """Draw a fitted map and its labels, and save the figure nowhere."""
    axes = Figure().subplots(1, 3)
    clusterer = CubeClusterer(CSOM(3, shape=(4, 4), n_epochs=2)).fit(cube_of(number))
    ClusterMapDisplay.from_predictions(clusterer.labels_, ax=axes[0])
    UMatrixDisplay.from_estimator(clusterer.estimator_, ax=axes[1])
    HitMapDisplay.from_estimator(clusterer.estimator_, ax=axes[2])
    axes[0].figure.canvas.draw()


WORK = {
    "ESOM": fit_esom,
    "CSOM": fit_csom,
    "MapClassifier": fit_classifier,
    "CubeClusterer": fit_cube,
    "displays": draw,
}


def main():
    """Print a line for each kind of work."""
    n_fits = int(sys.argv[1])
    process = psutil.Process()
    for name, work in WORK.items():
        sizes = []
        for number in range(n_fits):
            work(number)
            if (number + 1) % (n_fits // 10) == 0:
                gc.collect()  # figures are cycles of references
                sizes.append(process.memory_info().rss / 1e6)
        print(f"{name:<14}", *(f"{size:.0f}" for size in sizes), flush=True)


if __name__ == "__main__":
    main()
