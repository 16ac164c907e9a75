# SPDX-License-Identifier: BSD-3-Clause
"""Classical maps of noisy photometry: without errors, and with two updates with errors.

Objects of five classes have magnitudes in six bands; within a class they vary along a
line. Each value has its own error from .02 to .8 magnitudes. "Plain mean" finds the
winner by chi^2 and then updates as without errors (Masters et al. 2015). "Weighted
mean" weighs values by 1 / error^2. Printed are, as mean and standard deviation of ten
seeds, the adjusted Rand index of five clusters with the classes, and the root mean
square distance of the units that have samples to the nearest object without noise.
Run: ``python docs/benchmarks/errors_in_maps.py``
"""

import numpy as np
from sklearn.metrics import adjusted_rand_score
from sklearn.neighbors import KDTree

from skesom.som import CSOM, _metric

N_OBJECTS, N_BANDS, N_CLASSES = 3000, 6, 5
SEEDS = range(10)
WEIGHTS = _metric._weights


def make_catalog(seed):
    """Return magnitudes, errors, magnitudes without noise and classes."""
    rng = np.random.default_rng(seed)
    centers = rng.normal(scale=0.5, size=(N_CLASSES, N_BANDS))
    slopes = rng.normal(scale=0.3, size=(N_CLASSES, N_BANDS))
    classes = rng.integers(0, N_CLASSES, N_OBJECTS)
    along = rng.uniform(-1, 1, (N_OBJECTS, 1))
    true = centers[classes] + along * slopes[classes]
    errors = np.exp(rng.uniform(np.log(0.02), np.log(0.8), true.shape))
    return true + errors * rng.normal(size=true.shape), errors, true, classes


def measure(seed, errors_used, weighted, algorithm):
    """Return the adjusted Rand index and the error of the codebook."""
    measured, errors, true, classes = make_catalog(seed)
    _metric._weights = WEIGHTS if weighted else lambda values, _: WEIGHTS(values, None)
    csom = CSOM(N_CLASSES, algorithm=algorithm, random_state=seed)
    csom.fit(measured, errors=errors if errors_used else None)
    units = csom.codebook_[csom.hits_ > 0]
    distances, _ = KDTree(true).query(units)
    of_units = np.sqrt(np.mean(distances**2))
    return adjusted_rand_score(classes, csom.labels_), of_units


def main():
    """Print the table."""
    for name, *how in [
        ("no errors, batch", False, True, "batch"),
        ("errors, plain mean, batch", True, False, "batch"),
        ("errors, weighted mean, batch", True, True, "batch"),
        ("no errors, online", False, True, "online"),
        ("errors, online", True, True, "online"),
    ]:
        found = np.array([measure(seed, *how) for seed in SEEDS])
        cells = zip(found.mean(axis=0), found.std(axis=0), strict=True)
        numbers = " | ".join(f"{mean:.3f} ({scatter:.3f})" for mean, scatter in cells)
        print(f"| {name} | {numbers} |", flush=True)


if __name__ == "__main__":
    main()
