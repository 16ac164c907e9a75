# SPDX-License-Identifier: BSD-3-Clause
"""Time, memory and quality of CSOM beside other self-organizing maps and k-means.

Run from anywhere: ``python docs/benchmarks/csom_speed.py``. Each package works in a
process of its own (``csom_task.py``) on the same samples, from the same units on the
plane of the first two principal components, with the same gaussian widths and epochs.
One evaluator measures the codebooks that come back: the quantization error, and the
topographic error over the eight units around a unit. A package that is not installed
is said to be so; ``--peers-python`` names an interpreter that has them, when this one
does not. Machines are noisy: rounds go through all packages in turn, the least of the
seconds is taken, and only ratios of one run count.
"""

import argparse
import json
import os
import subprocess
import sys
import tempfile
from collections import namedtuple
from pathlib import Path

import numpy as np
from csom_peers import PACKAGES
from esom_speed import mixture
from measuring import cost, report
from scipy import sparse
from sklearn.decomposition import PCA
from sklearn.metrics import pairwise_distances_argmin

from skesom import CSOM
from skesom.metrics import (
    kaski_lagus_error,
    quantization_error,
    topographic_error,
)
from skesom.som._lattice import Lattice

N_EPOCHS = 10
FINAL_WIDTH = 0.7
FINAL_WIDTHS = (0.3, 0.5, 0.7, 1.0, 1.7, 3.3)
PATIENCE = 5.0  # seconds of work after which a package need not run again
PARTS = ("training", "search", "defaults", "skesom")

Work = namedtuple("Work", "n_samples n_features shape")
TRAINING = (
    Work(100_000, 9, (20, 20)),
    Work(1_000_000, 9, (20, 20)),
    Work(50_000, 50, (30, 30)),
    Work(10_000, 784, (20, 20)),
)
SEARCH = (Work(1_000_000, 9, (20, 20)), Work(1_000_000, 9, (25, 40)))
DEFAULTS = Work(5000, 9, (10, 10))
MOSAIC = Work(605 * 605, 9, (20, 20))
LARGE_MAP = Work(100_000, 9, (200, 200))
GROWTH = {
    "samples": [Work(n, 9, (20, 20)) for n in (50_000, 100_000, 200_000, 400_000)],
    "units": [Work(100_000, 9, (side, side)) for side in (10, 20, 40, 80)],
    "features": [Work(100_000, n, (20, 20)) for n in (4, 8, 16, 32, 64, 128)],
}


def widths(shape, n_epochs=N_EPOCHS):
    """Return the width of each epoch: from half of a side to the last, by a factor."""
    return np.geomspace(max(shape) / 2, FINAL_WIDTH, n_epochs)


def principal_plane(X, shape):
    """Return units on the first two principal components, a deviation to each side."""
    plane = PCA(2, random_state=0).fit(X)
    steps = np.meshgrid(*(np.linspace(-1, 1, side) for side in shape), indexing="ij")
    coordinates = np.stack(steps, axis=-1).reshape(-1, 2)
    codebook = coordinates * np.sqrt(plane.explained_variance_) @ plane.components_
    return (plane.mean_ + codebook).astype(X.dtype)


def connections(lattice, shape):
    """Return which units are neighbors: eight on a rectangular lattice, or six."""
    if "hexagonal" in lattice:
        return Lattice(shape, "hexagonal", "toroidal" in lattice).connections()
    rows, columns = (
        sparse.diags_array(np.ones(3), offsets=[-1, 0, 1], shape=(side, side))
        for side in shape
    )
    return sparse.kron(rows, columns)


class Bench:
    """Runs packages one by one on the work at hand.

    Parameters
    ----------
    folder : Path
        For what the processes tell each other.
    options : argparse.Namespace
        The command line.
    """

    def __init__(self, folder, options):
        self.folder = folder
        self.options = options

    def take(self, work, codebook=None):
        """Make the samples of a work, and the first units if they are not given."""
        n_samples = max(int(work.n_samples * self.options.scale), 2000)
        self.shape = work.shape
        self.X = mixture(n_samples, work.n_features)
        if codebook is None:
            codebook = principal_plane(self.X, work.shape)
        np.save(self.folder / "X.npy", self.X)
        np.save(self.folder / "codebook.npy", codebook)

    def run(self, package, job, n_threads=1, n_epochs=N_EPOCHS):
        """Let a package do a job once, and return its figures and what it found."""
        task = {
            "package": package,
            "job": job,
            "shape": self.shape,
            "widths": widths(self.shape, n_epochs).tolist(),
            "n_runs": 3,
            "patience": PATIENCE,
        }
        (self.folder / "task.json").write_text(json.dumps(task))
        is_own = package.startswith("skesom")
        python = sys.executable if is_own else self.options.peers_python
        script = Path(__file__).resolve().with_name("csom_task.py")
        names = ("OMP_NUM", "OPENBLAS_NUM", "MKL_NUM", "NUMBA_NUM", "VECLIB_MAXIMUM")
        threads = {f"{name}_THREADS": str(n_threads) for name in names}
        done = subprocess.run(
            [python, script, self.folder],
            cwd=self.folder,
            env={**os.environ, **threads},
            capture_output=True,
            text=True,
        )
        if done.returncode:
            reason = (
                done.stderr.strip() or f"ended with {done.returncode}"
            ).splitlines()
            if is_own:
                raise RuntimeError(f"skesom failed:\n{done.stderr}")
            return {"missing": f"failed: {reason[-1]}"}, None
        figures = json.loads((self.folder / "figures.json").read_text())
        if "missing" in figures:
            return figures, None
        return figures, np.load(self.folder / "result.npy")

    def rounds(self, packages, job, n_threads=1):
        """Let packages do a job in turn, and return figures and results by package."""
        figures, results = {}, {}
        for round_number in range(self.options.rounds):
            for package in packages:
                known = figures.get(package, {})
                if round_number and (
                    "missing" in known or min(known["wall"]) > PATIENCE
                ):
                    continue
                found, results[package] = self.run(package, job, n_threads)
                if round_number:
                    found |= {
                        "cpu": known["cpu"] + found["cpu"],
                        "wall": known["wall"] + found["wall"],
                        "memory": max(known["memory"], found["memory"]),
                    }
                figures[package] = found
        return figures, results


def quality(X, codebook, shape, lattice="rectangular"):
    """Return the quantization and the topographic error as columns of a table."""
    error = topographic_error(X, codebook, connections(lattice, shape))
    return {"QE": float(quantization_error(X, codebook)), "TE": float(error)}


def title(bench, what):
    """Return what a table is about."""
    rows, columns = bench.X.shape
    shape = "{} x {}".format(*bench.shape)
    return f"{rows} samples x {columns} features, {shape} units, {what}"


def name_of(bench, part, n_threads):
    """Return the name of the file of a table."""
    sizes = "{}_{}".format(*bench.X.shape), "{}x{}".format(*bench.shape)
    return f"{part}_{'_'.join(sizes)}_threads{n_threads}"


def least(figures):
    """Return the least seconds of all runs as columns of a table."""
    return cost(figures | {clock: min(figures[clock]) for clock in ("cpu", "wall")})


def table(figures, cells, *, notes=False):
    """Return a row for each package, with its note on training if wanted."""
    rows = []
    for package, found in figures.items():
        row = {"package": package, "version": found.get("version", "")}
        if "missing" in found:
            rows.append(row | {"note": found["missing"]})
        else:
            note = {"note": PACKAGES[package].note if notes else ""}
            rows.append(row | least(found) | cells[package] | note)
    return rows


def chosen(options, job, *, slow):
    """Return the packages that can do a job and are wanted."""
    return [
        name
        for name, package in PACKAGES.items()
        if getattr(package, job) is not None
        and (slow or not package.slow)
        and (not options.packages or name in options.packages)
    ]


def compare_training(bench, options):
    """Report time, memory and quality of batch training, package by package."""
    for work in TRAINING[: 1 if options.quick else None]:
        bench.take(work)
        for n_threads in options.threads:
            slow = work is TRAINING[0] and n_threads == 1
            packages = chosen(options, "train", slow=slow)
            figures, codebooks = bench.rounds(packages, "train", n_threads)
            cells = {
                package: quality(bench.X, codebook, bench.shape)
                for package, codebook in codebooks.items()
                if codebook is not None
            }
            text = title(bench, f"{N_EPOCHS} epochs, threads: {n_threads}")
            name = name_of(bench, "peers_training", n_threads)
            report(name, text, table(figures, cells, notes=True))


def compare_search(bench, options):
    """Report what finding the best-matching units takes, package by package."""
    for work in SEARCH[: 1 if options.quick else None]:
        csom = CSOM(shape=work.shape, n_epochs=N_EPOCHS).fit(mixture(100_000, 9))
        bench.take(work, csom.codebook_)
        nearest = pairwise_distances_argmin(
            bench.X.astype(np.float64), csom.codebook_.astype(np.float64)
        )
        for n_threads in options.threads:
            slow = work is SEARCH[0] and n_threads == 1
            packages = chosen(options, "search", slow=slow)
            figures, results = bench.rounds(packages, "search", n_threads)
            cells = {
                package: {"wrong": str(np.count_nonzero(winners != nearest))}
                for package, winners in results.items()
                if winners is not None
            }
            text = title(bench, f"best-matching units, threads: {n_threads}")
            name = name_of(bench, "peers_search", n_threads)
            report(name, text, table(figures, cells))


def compare_defaults(bench, options):
    """Report the errors of maps by default, and by the final width of CSOM."""
    bench.take(DEFAULTS)
    rows = []
    for name in chosen(options, "train_by_default", slow=True):
        package = PACKAGES[name]
        row = {"package": name}
        figures, codebook = bench.run(name, "train_by_default")
        if "missing" in figures:
            rows.append(row | {"note": figures["missing"]})
            continue
        errors = all_errors(bench.X, codebook, bench.shape, package.lattice)
        version = {"version": figures.get("version", "")}
        rows.append(row | version | errors | {"note": package.lattice})
    text = "defaults, 20 epochs where a number must be given"
    report("peers_defaults", title(bench, text), rows)
    rows = []
    for width in FINAL_WIDTHS:
        sigma = np.geomspace(max(bench.shape) / 2, width, 20)
        csom = CSOM(shape=bench.shape, sigma=sigma).fit(bench.X)
        errors = all_errors(bench.X, csom.codebook_, bench.shape, "hexagonal")
        rows.append({"final sigma": str(width)} | errors)
    report("peers_widths", title(bench, "CSOM by its final width"), rows)


def all_errors(X, codebook, shape, lattice):
    """Return three errors as columns of a table."""
    error = kaski_lagus_error(X, codebook, connections(lattice, shape))
    return quality(X, codebook, shape, lattice) | {"Kaski-Lagus error": float(error)}


def measure_skesom(bench, options):
    """Report how CSOM grows, and what a mosaic and a large map take."""
    works = [(work, N_EPOCHS, 1) for kind in GROWTH.values() for work in kind]
    rows = []
    for work, n_epochs, n_threads in [*works, (MOSAIC, N_EPOCHS, 2), (LARGE_MAP, 2, 2)]:
        bench.take(work)
        figures, _ = bench.run("skesom, with clusters", "train", n_threads, n_epochs)
        sizes = {
            "samples": len(bench.X),
            "units": "{} x {}".format(*work.shape),
            "features": work.n_features,
            "epochs": n_epochs,
            "threads": n_threads,
        }
        rows.append(sizes | least(figures))
    report("peers_skesom", "CSOM alone", rows)


def parsed():
    """Return the command line."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--peers-python", default=sys.executable, metavar="PATH")
    parser.add_argument(
        "--quick", action="store_true", help="the first size of each only"
    )
    parser.add_argument("--threads", type=int, nargs="+", default=[1], metavar="N")
    parser.add_argument("--rounds", type=int, default=3, metavar="N")
    parser.add_argument("--scale", type=float, default=1, help="share of the samples")
    parser.add_argument("--parts", nargs="+", default=PARTS, choices=PARTS)
    parser.add_argument("--packages", nargs="+", choices=PACKAGES, metavar="NAME")
    return parser.parse_args()


def main():
    """Report the tables."""
    options = parsed()
    steps = dict(
        zip(
            PARTS,
            (compare_training, compare_search, compare_defaults, measure_skesom),
            strict=True,
        )
    )
    with tempfile.TemporaryDirectory() as folder:
        bench = Bench(Path(folder), options)
        for part in options.parts:
            steps[part](bench, options)


if __name__ == "__main__":
    main()
