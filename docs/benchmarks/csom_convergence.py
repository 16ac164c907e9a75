# SPDX-License-Identifier: BSD-3-Clause
"""Where maps end: errors of the final width, and of the defaults of other packages.

Makes the tables of docs/classical_map.md, with what is installed beside skesom of
minisom, susi, xpysom, python-som, fastersom and intrasom::

    python docs/benchmarks/csom_convergence.py
"""

import contextlib
import importlib
import io
import warnings

import numpy as np
from scipy.spatial.distance import cdist
from sklearn.preprocessing import StandardScaler

from skesom import CSOM, metrics

SIDE = 10
N_EPOCHS = 20


def heavy_tailed_groups(n_samples=5000, n_features=9, n_groups=12):
    """Return standardized samples of groups with the tails of Student's t."""
    rng = np.random.default_rng(0)
    centers = rng.normal(size=(n_groups, n_features))
    group = rng.integers(0, n_groups, n_samples)
    spread = rng.standard_t(4, size=(n_samples, n_features))
    X = centers[group] + spread * rng.uniform(0.1, 0.4, n_groups)[group][:, None]
    return StandardScaler().fit_transform(X).astype(np.float32)


def minisom(X, **parameters):
    som = importlib.import_module("minisom").MiniSom(
        SIDE, SIDE, X.shape[1], random_seed=0, **parameters
    )
    som.random_weights_init(X)
    som.train(X, N_EPOCHS * len(X), random_order=True)
    return som.get_weights()


def susi(X, **parameters):
    som = importlib.import_module("susi").SOMClustering(
        SIDE, SIDE, random_state=0, **parameters
    )
    return som.fit(X).unsuper_som_


def xpysom(X):
    som = importlib.import_module("xpysom").XPySom(
        SIDE, SIDE, X.shape[1], random_seed=0
    )
    som.random_weights_init(X)
    som.train(X, N_EPOCHS)
    return som.get_weights()


def python_som(X):
    som = importlib.import_module("python_som").SOM(
        SIDE, SIDE, input_len=X.shape[1], random_seed=0
    )
    som.weight_initialization(mode="linear", data=X)
    som.train(X, n_iteration=N_EPOCHS, mode="batch")
    return som.get_weights()


def fastersom(X):
    package = importlib.import_module("fastersom")
    som = package.BatchSOM(SIDE, SIDE, n_epochs=N_EPOCHS, random_state=0)
    return som.fit(X).weights_


def intrasom(X):
    factory = importlib.import_module("intrasom").SOMFactory
    som = factory.build(X, mapsize=(SIDE, SIDE), mapshape="planar", lattice="hexa")
    som.train(save=False)
    return som.codebook.matrix * X.std(axis=0) + X.mean(axis=0)


def skesom(X, **parameters):
    return CSOM(shape=(SIDE, SIDE), n_epochs=N_EPOCHS, **parameters).fit(X).codebook_


_LINEAR = {
    "decay_function": "linear_decay_to_zero",
    "sigma_decay_function": "linear_decay_to_one",
}
SETTINGS = [
    *((skesom, {"final_sigma": sigma}) for sigma in (0.3, 0.5, 0.7, 1, 1.7, 3.3)),
    (skesom, {"topology": "rectangular"}),
    (minisom, {"sigma": 5}),
    (minisom, {"sigma": 5, **_LINEAR}),
    (minisom, {}),
    (minisom, {"sigma": 0.3}),
    (susi, {}),
    (susi, {"n_iter_unsupervised": N_EPOCHS * 5000}),
    (xpysom, {}),
    (python_som, {}),
    (fastersom, {}),
    (intrasom, {}),
]


def measured(X, codebook, hexagonal):
    """Return quantization, topographic and Kaski-Lagus error, and trustworthiness."""
    rows, columns = np.divmod(np.arange(SIDE**2), SIDE)
    positions = np.column_stack([columns, rows]).astype(float)
    reach = 1.5  # eight neighbors
    if hexagonal:
        positions += np.column_stack([rows % 2 / 2, (np.sqrt(0.75) - 1) * rows])
        reach = 1.1
    connections = cdist(positions, positions) < reach
    np.fill_diagonal(connections, False)
    codebook = np.reshape(codebook, (SIDE**2, -1)).astype(np.float64)
    return (
        metrics.quantization_error(X, codebook),
        metrics.topographic_error(X, codebook, connections),
        metrics.kaski_lagus_error(X, codebook, connections),
        metrics.trustworthiness(X[:2000], codebook, positions=positions),
    )


def main():
    warnings.filterwarnings("ignore")
    X = heavy_tailed_groups()
    for train, parameters in SETTINGS:
        hexagonal = train is intrasom or (
            train is skesom and parameters.get("topology") != "rectangular"
        )
        quiet = io.StringIO()
        try:
            with contextlib.redirect_stdout(quiet), contextlib.redirect_stderr(quiet):
                codebook = train(X, **parameters)
        except ImportError:
            continue
        numbers = " ".join(f"{x:6.3f}" for x in measured(X, codebook, hexagonal))
        print(numbers, train.__name__, parameters or "defaults")


if __name__ == "__main__":
    main()
