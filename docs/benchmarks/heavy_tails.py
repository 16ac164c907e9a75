# SPDX-License-Identifier: BSD-3-Clause
"""What stretch, epsilon, pruning and learning rate do to ESOM on heavy tails.

Fluxes have tails so heavy that a node for every sample far from all others means nodes
for a few bright samples. Each line is the mean of three orders; k-means gets as many
centers as ESOM has nodes, and errors are compared in the space that both see. Run:
``python docs/benchmarks/heavy_tails.py``.
"""

import warnings

import numpy as np
from sklearn.cluster import KMeans
from sklearn.metrics import adjusted_rand_score
from sklearn.preprocessing import StandardScaler

from skesom.cube import AsinhStretch
from skesom.datasets import make_galaxy_cube
from skesom.pixels import flatten
from skesom.som import ESOM

N_ORDERS = 3
N_SAMPLES = 40_000
VARIATIONS = (
    {},
    {"epsilon": 0.5},
    {"epsilon": 2.0},
    {"pruning_period": 0},
    {"pruning_period": 10},
    {"learning_rate": 0.05},
    {"learning_rate": 0.5},
)


def galaxy(stretch):
    """Pixels of a synthetic galaxy and their populations."""
    cube, truth = make_galaxy_cube((200, 200), random_state=0)
    if stretch:
        cube = AsinhStretch().fit_transform(cube)
    table, valid = flatten(cube)
    return table.astype(np.float64), truth[valid]


def sources(stretch):
    """Sources of six colors; their brightness has a Pareto tail of exponent 1.2."""
    rng = np.random.default_rng(0)
    kind = rng.integers(0, 6, N_SAMPLES)
    colors = rng.normal(0, 0.8, (6, 5))
    brightness = 1 + rng.pareto(1.2, N_SAMPLES)
    scatter = rng.normal(0, 0.15, (N_SAMPLES, 5))
    fluxes = brightness[:, None] * np.exp(colors[kind] + scatter)
    fluxes += rng.normal(0, 0.05, fluxes.shape)
    if stretch:
        fluxes = np.arcsinh(fluxes / 0.15)
    return fluxes, kind


def mixture(stretch):
    """Twelve groups with Student's t of three degrees of freedom in nine features."""
    rng = np.random.default_rng(0)
    group = rng.integers(0, 12, N_SAMPLES)
    centers = 4 * rng.normal(size=(12, 9))
    widths = rng.uniform(0.3, 1, 12)
    X = centers[group] + widths[group, None] * rng.standard_t(3, (N_SAMPLES, 9))
    if stretch:
        X = np.arcsinh((X - np.median(X, axis=0)) / X.std(axis=0))
    return X, group


def main():
    """Print a block of lines for each table and stretch."""
    print(
        f"{'data':11}{'scaling':10}{'varied':19}{'epsilon':>9}{'nodes':>7}"
        f"{'error':>9}{'k-means':>9}{'ratio':>7}{'few hits':>9}{'ARI':>6}"
    )
    for name, draw in {
        "galaxy": galaxy,
        "Pareto": sources,
        "t mixture": mixture,
    }.items():
        for scaling in ("none", "standard", "asinh"):
            X, truth = draw(scaling == "asinh")
            if scaling != "none":
                X = StandardScaler().fit_transform(X)
            for varied in VARIATIONS:
                print(f"{name:11}{scaling:10}{line(X, truth, varied)}", flush=True)


def line(X, truth, varied):
    """Fit maps in several orders and return the rest of a line."""
    parameters = dict(varied)
    factor = parameters.pop("epsilon", 1.0)
    runs = np.array([run(X, truth, factor, parameters, s) for s in range(N_ORDERS)])
    epsilon, nodes, error, few, agreement = runs.mean(axis=0)
    means = KMeans(round(nodes), n_init=1, max_iter=50, random_state=0).fit(X)
    other = np.linalg.norm(X - means.cluster_centers_[means.labels_], axis=1).mean()
    name = ", ".join(
        f"{key} x {value:g}" if key == "epsilon" else f"{key} {value:g}"
        for key, value in varied.items()
    )
    return (
        f"{name or 'nothing':19}{epsilon:9.3g}{nodes:7.0f}{error:9.3g}{other:9.3g}"
        f"{error / other:7.2f}{100 * few:7.0f} %{agreement:6.2f}"
    )


def run(X, truth, factor, parameters, seed):
    """Return epsilon, nodes, error, share of nodes with few hits, and agreement."""
    esom = ESOM(random_state=seed, **parameters)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # the bound of nodes is part of what is shown
        epsilon = factor * esom.forecast(X).epsilon
        esom.set_params(epsilon=epsilon).fit(X)
    return (
        esom.epsilon_,
        len(esom.codebook_),
        esom.quantization_error_,
        np.mean(esom.hits_ < 3),
        adjusted_rand_score(truth, esom.labels_),
    )


if __name__ == "__main__":
    main()
