# SPDX-License-Identifier: BSD-3-Clause
"""Every run of the 2014 study of M83, on a synthetic scene of its small size.

Tables 4.1 to 4.8 of that study list learning rate, epsilon and pruning period of ESOM
runs on Hubble images; most never ended there, or gave one cluster. Here each runs on a
605 x 605 x 9 scene, in both readings of a cube: a row for the spectrum of each pixel,
and a row for each single flux. Run: ``python docs/benchmarks/study_tables.py``.

Why some rows gave one cluster of nearly everything: the study divided fluxes by the
brightest pixel. Of the scaled scene half of the pixels then lie below 0.0006 and 99 %
below 0.006. An epsilon of 0.001 or less (4.7 and 4.8) runs into `max_nodes` and grows
to 0.0013 to 0.0016. Nearly all units stand for a few bright pixels, scattered far from
each other, and a cut that counts units gave the clusters to these: the largest held 98
% of the pixels. Since outliers no longer take clusters from the body it holds about
half of them. An epsilon of 0.1 (4.8, second row) makes two units, one of them for a
handful of pixels: nothing can part what one unit holds. Stretched fluxes
(`AsinhStretch`) have neither problem.
"""

import argparse
import time
import warnings

import numpy as np
from sklearn.exceptions import ConvergenceWarning

from skesom.datasets import make_galaxy_cube
from skesom.som import ESOM

RAW_CUBE = [
    (0.3, 1e-3, 5),
    (0.7, 10, 100),
    (0.95, 1, 10),
    (0.99, 0.1, 10),
    (0.01, 0.01, 1),
    (0.5, 0.7, 5),
    (0.5, 0.5, 7),
    (0.25, 1e-5, 10),
]
ONE_BAND = [
    (0.5, 1e-3, 50),
    (0.5, 0.01, 50),
    (0.5, 0.1, 100),
    (0.5, 1e-3, 100),
    (0.5, 1e-4, 100),
    (0.99, 1e-4, 75),
]
# table, bands, whether fluxes are scaled to 0..1, (learning rate, epsilon, period)
TABLES = [
    ("4.1", None, True, RAW_CUBE),
    ("4.2", None, True, [(0.3, 1e-4, 5), (0.99, 1e-4, 10), (0.5, 1e-4, 5)]),
    ("4.3-4", "F657N", True, [(0.5, 0.01, 5), (0.5, 1e-3, 5), (0.5, 1e-4, 5)]),
    ("4.5-6", "F657N", True, ONE_BAND),
    ("4.5-6", "F225W", True, ONE_BAND),
    ("4.5-6", "F814W", True, ONE_BAND),
    ("4.7", None, True, [(0.5, 1e-4, 100), (0.75, 1e-4, 100), (0.75, 1e-3, 100)]),
    ("4.8", None, True, [(0.5, 1e-4, 50), (0.5, 0.1, 50), (0.99, 1e-3, 50)]),
    ("4.8", None, False, [(0.5, 1e-3, 50), (0.5, 1e-4, 50), (0.95, 1e-4, 100)]),
]


def main():
    """Run every row in both readings and print a line for each."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--size", type=int, default=605, help="rows and columns")
    size = parser.parse_args().size
    cube, _ = make_galaxy_cube((size, size), random_state=0)
    print(
        f"{'table':7}{'bands':7}{'reading':9}{'scaled':8}{'rate':>6}{'epsilon':>9}"
        f"{'period':>8}  {'status':9}{'units':>6}{'final epsilon':>15}{'clusters':>10}"
        f"{'largest':>9}{'seconds':>9}"
    )
    seconds = []
    for table, band, scaled, rows in TABLES:
        spectra = cube.data.reshape(-1, cube.shape[2])
        spectra = spectra[~np.isnan(spectra).any(axis=1)]
        if band is not None:
            number = cube.band_names.index(band)
            spectra = np.ascontiguousarray(spectra[:, number : number + 1])
        readings = {"spectra": spectra}
        if band is None:
            readings["fluxes"] = spectra.reshape(-1, 1)
        for reading, X in readings.items():
            if scaled:
                low, high = X.min(axis=0), X.max(axis=0)
                X = (X - low) / (high - low)
            for row in rows:
                line, took = run(X, *row)
                seconds.append(took)
                print(
                    f"{table:7}{band or 'cube':7}{reading:9}{scaled!s:8}"
                    f"{row[0]:6}{row[1]:9g}{row[2]:8}  {line}{took:9.2f}",
                    flush=True,
                )
    print(f"{len(seconds)} runs ended, the longest in {max(seconds):.1f} s")


def run(X, learning_rate, epsilon, pruning_period):
    """Fit a map and return the rest of its line, and its seconds."""
    start = time.perf_counter()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)
        esom = ESOM(
            epsilon=epsilon,
            learning_rate=learning_rate,
            pruning_period=pruning_period,
            random_state=0,
        ).fit(X)
    seconds, bounded = time.perf_counter() - start, esom.epsilon_ != epsilon
    return (
        f"{'bounded' if bounded else 'ended':9}{len(esom.codebook_):6}"
        f"{esom.epsilon_:15.4g}{esom.labels_.max() + 1:10}"
        f"{np.bincount(esom.labels_).max() / len(X):9.1%}"
    ), seconds


if __name__ == "__main__":
    main()
