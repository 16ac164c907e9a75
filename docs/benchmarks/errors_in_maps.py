# SPDX-License-Identifier: BSD-3-Clause
"""Classical maps of noisy photometry, with and without its errors.

Objects of five classes have magnitudes in six bands; within a class they vary along a
line. Each value has its own error from .02 to .8 magnitudes. Reported are, as mean and
standard deviation over seeds, the adjusted Rand index of five clusters with the
classes, and the root mean square distance of the units that have samples to the nearest
object without noise. Run: ``python docs/benchmarks/errors_in_maps.py``
"""

import argparse

import numpy as np
from measuring import report
from sklearn.metrics import adjusted_rand_score
from sklearn.neighbors import KDTree

from skesom.som import CSOM

N_OBJECTS, N_BANDS, N_CLASSES = 3000, 6, 5


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


def measure(seed, errors_used, algorithm):
    """Return the adjusted Rand index and the error of the codebook."""
    measured, errors, true, classes = make_catalog(seed)
    csom = CSOM(N_CLASSES, algorithm=algorithm, random_state=seed)
    csom.fit(measured, errors=errors if errors_used else None)
    units = csom.codebook_[csom.hits_ > 0]
    distances, _ = KDTree(true).query(units)
    of_units = np.sqrt(np.mean(distances**2))
    return adjusted_rand_score(classes, csom.labels_), of_units


def main():
    """Report a row for each way to train."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--seeds", type=int, default=10)
    seeds, rows = parser.parse_args().seeds, []
    for algorithm in ("batch", "online"):
        for name, errors_used in (("without errors", False), ("`errors=`", True)):
            found = np.array(
                [measure(seed, errors_used, algorithm) for seed in range(seeds)]
            )
            columns = zip(("ARI of five clusters", "distance"), found.T, strict=True)
            cells = {
                column: f"{values.mean():.3f} ({values.std():.3f})"
                for column, values in columns
            }
            rows.append({"map": f"{algorithm}, {name}"} | cells)
    report("errors_in_maps", f"Mean (deviation), seeds: {seeds}", rows)


if __name__ == "__main__":
    main()
