# SPDX-License-Identifier: BSD-3-Clause
"""What `smoothing` of the votes of a lattice does to predicted classes and numbers.

Five folds of tables of scikit-learn, standardized, and a synthetic galaxy of which 1 %
of the pixels is labeled, five times; maps of 10 x 10 units. Reported is the accuracy of
classes, or R^2 of numbers. Run: ``python docs/benchmarks/smoothed_votes.py``.
"""

import warnings

import numpy as np
from measuring import report
from sklearn.datasets import (
    load_breast_cancer,
    load_diabetes,
    load_digits,
    make_friedman1,
)
from sklearn.model_selection import KFold, StratifiedKFold, cross_val_score
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from skesom import CSOM, AsinhStretch, MapClassifier, MapRegressor
from skesom.datasets import make_galaxy_cube
from skesom.pixels import flatten

SHAPE = 10, 10
WIDTHS = 0, 0.5, 1
FOLDS = {"n_splits": 5, "shuffle": True, "random_state": 0}


def of_table(kind, X, y, smoothing):
    """Return the mean score of five folds."""
    som = kind(CSOM(shape=SHAPE), smoothing=smoothing)
    model = make_pipeline(StandardScaler(), som)
    folds = (StratifiedKFold if kind is MapClassifier else KFold)(**FOLDS)
    return cross_val_score(model, X, y, cv=folds).mean()


def of_galaxy(smoothing):
    """Return the accuracy of the pixels without a label, as the mean of five draws."""
    cube, truth = make_galaxy_cube((150, 150), random_state=0)
    X, valid = flatten(AsinhStretch().fit_transform(cube))
    X, truth, scores = StandardScaler().fit_transform(X), truth[valid], []
    for seed in range(5):
        labeled = np.random.default_rng(seed).random(len(X)) < 0.01
        model = MapClassifier(CSOM(shape=SHAPE), smoothing=smoothing, unlabeled=-1)
        model.fit(X, np.where(labeled, truth, -1))
        scores.append(model.score(X[~labeled], truth[~labeled]))
    return np.mean(scores)


def main():
    """Report a row for each table."""
    warnings.simplefilter("ignore")
    tables = {
        "digits, accuracy": (MapClassifier, *load_digits(return_X_y=True)),
        "breast cancer, accuracy": (
            MapClassifier,
            *load_breast_cancer(return_X_y=True),
        ),
        "diabetes, R²": (MapRegressor, *load_diabetes(return_X_y=True)),
        "Friedman 1, 1000 rows, R²": (
            MapRegressor,
            *make_friedman1(1000, random_state=0),
        ),
    }
    rows = [
        {"table": name}
        | {f"smoothing={width}": float(of_table(*table, width)) for width in WIDTHS}
        for name, table in tables.items()
    ]
    scores = {f"smoothing={width}": float(of_galaxy(width)) for width in WIDTHS}
    rows.append({"table": "galaxy, 1 % of the pixels labeled, accuracy"} | scores)
    report("smoothed_votes", "Maps of 10 x 10 units, mean of five", rows)


if __name__ == "__main__":
    main()
