# SPDX-License-Identifier: BSD-3-Clause
"""What stretch, epsilon, pruning and learning rate do to ESOM on heavy tails.

Fluxes have tails so heavy that a unit for every sample far from all others means units
for a few bright samples. Each row is the mean of three orders; k-means gets as many
centers as ESOM has units, and errors are compared in the space that both see. Run:
``python docs/benchmarks/heavy_tails.py``.
"""

import argparse
import warnings

import numpy as np
from measuring import report
from sklearn.cluster import KMeans
from sklearn.metrics import adjusted_rand_score
from sklearn.preprocessing import StandardScaler

from skesom.cube import AsinhStretch
from skesom.datasets import make_galaxy_cube
from skesom.pixels import flatten
from skesom.som import ESOM

N_SAMPLES = 40_000
VARIATIONS = {
    "nothing": {},
    "epsilon x 0.5": {"epsilon": 0.5},
    "epsilon x 2": {"epsilon": 2.0},
    "no pruning": {"pruning_period": 0},
    "pruning every 10": {"pruning_period": 10},
    "learning rate 0.05": {"learning_rate": 0.05},
    "learning rate 0.5": {"learning_rate": 0.5},
}


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


def main():
    """Report a row for each stretch and variation."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--orders", type=int, default=3)
    n_orders, rows = parser.parse_args().orders, []
    for scaling in ("none", "standard scaling only", "asinh"):
        tables = {"galaxy": galaxy, "Pareto": sources}
        for name, draw in tables.items():
            X, truth = draw(scaling == "asinh")
            if scaling != "none":
                X = StandardScaler().fit_transform(X)
            tables[name] = X, truth
        for changed, varied in VARIATIONS.items():
            if scaling == "standard scaling only" and varied:
                continue
            row = {"stretch": scaling, "changed": changed}
            for name, table in tables.items():
                row |= cells(name, *table, varied, n_orders)
            rows.append(row)
    report("heavy_tails", f"Two tables of heavy tails, orders: {n_orders}", rows)


def cells(name, X, truth, varied, n_orders):
    """Fit maps in several orders and return the columns of a table."""
    parameters = dict(varied)
    factor = parameters.pop("epsilon", 1.0)
    runs = np.array([run(X, truth, factor, parameters, s) for s in range(n_orders)])
    nodes, error, few, agreement = runs.mean(axis=0).tolist()
    means = KMeans(round(nodes), n_init=1, max_iter=50, random_state=0).fit(X)
    other = np.linalg.norm(X - means.cluster_centers_[means.labels_], axis=1).mean()
    return {
        f"{name}: units": str(round(nodes)),
        f"{name}: error": float(error / other),
        f"{name}: few": f"{few:.0%}",
        f"{name}: ARI": agreement,
    }


def run(X, truth, factor, parameters, seed):
    """Return units, error, share of units with few hits, and agreement."""
    esom = ESOM(random_state=seed, **parameters)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # the bound of units is part of what is shown
        epsilon = factor * esom.forecast(X).epsilon
        esom.set_params(epsilon=epsilon).fit(X)
    return (
        len(esom.codebook_),
        esom.quantization_error_,
        np.mean(esom.hits_ < 3),
        adjusted_rand_score(truth, esom.labels_),
    )


if __name__ == "__main__":
    main()
