# SPDX-License-Identifier: BSD-3-Clause
"""Whole pipelines, nine FITS files to a map of clusters: skesom, and others by hand.

Synthetic galaxies, whose populations are known, are written as FITS files. Each
pipeline reads them in a process of its own and writes a map of eight clusters. Reported
are the means over seeds: seconds and memory without imports, lines of code (statements
of the functions and their helpers, however they are broken), and the adjusted Rand
index with the truth, its least and its greatest. In maps of skesom sky is set aside,
which counts as one more cluster.
What is written by hand is in pipelines_by_hand.py. Run:
``python docs/benchmarks/pipelines.py --peers-python PATH``; PATH has MiniSom.
"""

import argparse
import ast
import inspect
import json
import subprocess
import sys
import tempfile
from pathlib import Path

import numpy as np
import pipelines_by_hand
from measuring import cost, measure, report
from sklearn.metrics import adjusted_rand_score

from skesom import CSOM, ESOM, ConsensusClusterer
from skesom.datasets import make_galaxy_cube
from skesom.io import read_cube, read_map, write_bands, write_map
from skesom.maps import make_cluster_pipeline


def consensus(files, result, seed):
    """Cluster pixels as the command line does by default."""
    cube = read_cube(files)
    runs = ConsensusClusterer(ESOM(), n_clusters=8, random_state=seed)
    labels = make_cluster_pipeline(runs).fit_predict(cube)
    write_map(result, labels, cube=cube)


def esom(files, result, seed):
    """Cluster pixels by one evolving map."""
    cube = read_cube(files)
    pipeline = make_cluster_pipeline(ESOM(n_clusters=8, random_state=seed))
    write_map(result, pipeline.fit_predict(cube), cube=cube)


def csom(files, result, seed):
    """Cluster pixels by one classical map."""
    cube = read_cube(files)
    pipeline = make_cluster_pipeline(CSOM(n_clusters=8, random_state=seed))
    write_map(result, pipeline.fit_predict(cube), cube=cube)


METHODS = {
    "skesom, 12 runs of ESOM": consensus,
    "skesom, one ESOM": esom,
    "skesom, one CSOM": csom,
}


def lines(*functions):
    """Return the number of logical lines of functions, however they are broken."""
    number = 0
    for function in functions:
        tree = ast.parse(inspect.getsource(function)).body[0]
        tree.body = tree.body[1:]  # the docstring
        number += len(
            {node.lineno for node in ast.walk(tree) if hasattr(node, "lineno")}
        )
    return number


def measured(name, seed, folder, files, peers_python):
    """Return the figures and the map of a pipeline, or None where it cannot run."""
    result = folder / "map.fits"
    result.unlink(missing_ok=True)
    ours = name in METHODS
    script = __file__ if ours else pipelines_by_hand.__file__
    run = ["--run"] if ours else []
    done = subprocess.run(
        [
            sys.executable if ours else peers_python,
            script,
            *run,
            name,
            str(seed),
            result,
            *files,
        ],
        capture_output=True,
        text=True,
    )
    if done.returncode:
        if ours or "ModuleNotFoundError" not in done.stderr:
            raise RuntimeError(f"{name} failed:\n{done.stderr}")
        return None, done.stderr.strip().splitlines()[-1]
    return json.loads(result.with_suffix(".json").read_text()), read_map(result)[0]


def row(name, found, truths):
    """Return the row of a pipeline from its figures and maps of all seeds."""
    if name in METHODS:
        code = lines(METHODS[name])
    else:
        by_hand = pipelines_by_hand
        code = lines(by_hand.METHODS[name], by_hand.prepare, by_hand.save)
    if found[0][0] is None:
        return {"pipeline": name, "lines": str(code), "note": found[0][1]}
    means = {key: np.mean([each[key] for each, _ in found]) for key in found[0][0]}
    scores = [
        adjusted_rand_score(truth[truth >= 0], labels[truth >= 0])
        for (_, labels), truth in zip(found, truths, strict=True)
    ]
    columns = {"ARI": np.mean(scores), "least": min(scores), "greatest": max(scores)}
    columns = {key: float(value) for key, value in columns.items()}
    return {"pipeline": name} | cost(means) | columns | {"lines": str(code)}


def main():
    """Report a row for each pipeline, or be one of skesom's."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--size", type=int, default=400, help="rows and columns")
    parser.add_argument("--seeds", type=int, default=5)
    parser.add_argument("--peers-python", default=sys.executable, metavar="PATH")
    options = parser.parse_args()
    names = [*METHODS, *pipelines_by_hand.METHODS]
    found, truths = {name: [] for name in names}, []
    for seed in range(options.seeds):
        with tempfile.TemporaryDirectory() as folder:
            cube, truth = make_galaxy_cube([options.size] * 2, random_state=seed)
            files = write_bands(folder, cube)
            truths.append(np.asarray(truth))
            for name in names:
                found[name].append(
                    measured(name, seed, Path(folder), files, options.peers_python)
                )
    size = f"{options.size} x {options.size} pixels"
    title = f"Nine FITS files of {size} to a map of 8 clusters, seeds: {options.seeds}"
    report("pipelines", title, [row(name, found[name], truths) for name in names])


if __name__ == "__main__":
    if sys.argv[1:2] == ["--run"]:
        name, seed, result, *files = sys.argv[2:]
        figures = measure(lambda: METHODS[name](files, result, int(seed)))[1]
        Path(result).with_suffix(".json").write_text(json.dumps(figures))
    else:
        main()
