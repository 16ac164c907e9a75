# SPDX-License-Identifier: BSD-3-Clause
"""What cuts of one tree find: cells at more clusters than gates, and galaxies.

Each clusterer is fitted once to a table, and `labels_at` cuts its tree. The first table
has cells: dense bodies of very different size with strays between them, as the tests
draw them (tests/helpers/families.py). The tree is cut at every number from the true one
to twice it; the adjusted Rand index (ARI) and F1 of rare groups, those of 1 to 10 % of
the cells, count cells in gates only. F1 is that of the best cluster of each group; the
table has the least of all groups and tables. The second table has galaxies: the scenes
of ``features.py`` (choices were made on CHOOSE), the ARI with the truth of three
numbers of clusters, and of two seeds with each other. Run: ``python
docs/benchmarks/one_tree.py`` (some minutes).

``--cells TABLE.csv --gates NAMES.csv`` measures a table of your own beside the
synthetic cells, as in ``cytometry.py``: a row for each cell with a header, transformed;
and the name of its gate in each row, without a header, where "Unlabeled" is none.
"""

import argparse
import sys
import warnings
from pathlib import Path

import numpy as np
from cytometry import read_cells
from features import CHOOSE, DEFAULT, FEATURES, REPORT, draw, present
from measuring import report
from sklearn.metrics import adjusted_rand_score

from skesom.consensus import ConsensusClusterer
from skesom.som import CSOM, ESOM

sys.path.append(str(Path(__file__).parents[2]))

from tests.helpers.families import CELLS, FIRST_REPORTING_SEED, REPORTING_CELLS

RARE = 0.01, 0.1  # shares of the cells in gates
TIMES = 1.0, 1.25, 1.5, 2.0  # as many clusters as gates, in columns of the table
NUMBERS = 5, 8, 12  # clusters of a galaxy
SEED_NUMBERS = 8, 20  # at which two seeds are compared
GALAXY_SEED = 5  # of the scenes, as in features.py


def clusterers(n_clusters, seed):
    """Return the clusterers by name, not fitted."""
    return {
        "ESOM": ESOM(n_clusters, random_state=seed),
        "CSOM": CSOM(n_clusters, random_state=seed),
        "consensus": ConsensusClusterer(ESOM(n_clusters), random_state=seed),
    }


def synthetic_cells(n_tables):
    """Return tables of cells with their gates, -1 for none, by name."""
    first_seeds = {"choosing": 0, "reporting": FIRST_REPORTING_SEED}
    families = {"choosing": CELLS, "reporting": REPORTING_CELLS}
    tables = {}
    for part, first in first_seeds.items():
        for name, draw_cells in families[part].items():
            tables[f"{name.replace('_', ' ')}, {part}"] = [
                draw_cells(np.random.default_rng(first + number))
                for number in range(n_tables)
            ]
    return tables


def rare_f1(gates, labels):
    """Return the least F1 of the rare groups, each with its best cluster."""
    counts = np.zeros((gates.max() + 1, labels.max() + 1))
    np.add.at(counts, (gates, labels), 1)
    in_group = counts.sum(axis=1)
    shares = in_group / in_group.sum()
    f1 = 2 * counts / (in_group[:, np.newaxis] + counts.sum(axis=0)).clip(1)
    is_rare = (shares >= RARE[0]) & (shares <= RARE[1])
    return f1.max(axis=1)[is_rare].min(initial=1.0)


def cuts_of_cells(clusterer, cells, gates):
    """Return the ARI and the least F1 of rare groups, by number of clusters."""
    n_gates = int(gates.max()) + 1
    known = gates >= 0
    clusterer.fit(cells)
    found = {}
    for number in range(n_gates, 2 * n_gates + 1):
        labels = clusterer.labels_at(number)
        ari = adjusted_rand_score(gates[known], labels[known])
        found[number] = ari, rare_f1(gates[known], labels[known])
    return found


def row_of_cells(name, method, tables, seeds):
    """Return the row of a clusterer: means over tables, and the least of all cuts."""
    at_times = {times: [] for times in TIMES}
    least_ari = 1.0
    least_f1 = 1.0
    for cells, gates in tables:
        n_gates = int(gates.max()) + 1
        for seed in seeds:
            clusterer = clusterers(n_gates, seed)[method]
            found = cuts_of_cells(clusterer, cells, gates)
            for times in TIMES:
                at_times[times].append(found[round(times * n_gates)][0])
            least_ari = min(least_ari, *(ari for ari, _ in found.values()))
            least_f1 = min(least_f1, *(f1 for _, f1 in found.values()))
    row = {"cells": name, "method": method}
    for times in TIMES:
        row[f"ARI at {times:g} x"] = float(np.mean(at_times[times]))
    row["least ARI"] = float(least_ari)
    row["least F1 of rare groups"] = float(least_f1)
    return row


def report_cells(options):
    """Report a row for each kind of cells and clusterer."""
    tables = synthetic_cells(options.tables)
    if options.cells:
        tables[options.cells.stem] = [read_cells(options.cells, options.gates)]
    rows = [
        row_of_cells(name, method, of_kind, range(options.seeds))
        for name, of_kind in tables.items()
        for method in clusterers(1, 0)
    ]
    title = (
        "Cells: cuts of one tree from as many clusters as gates to twice as many, "
        f"tables: {options.tables}, seeds: {options.seeds}"
    )
    report("one_tree_cells", title, rows)


def row_of_galaxy(truth, table, method):
    """Return the columns of a clusterer of one galaxy."""
    one, other = (clusterers(8, seed)[method].fit(table) for seed in (0, 1))
    row = {}
    for number in NUMBERS:
        scores = [adjusted_rand_score(truth, m.labels_at(number)) for m in (one, other)]
        row[f"truth at {number}"] = float(np.mean(scores))
    for number in SEED_NUMBERS:
        pair = one.labels_at(number), other.labels_at(number)
        row[f"seeds at {number}"] = float(adjusted_rand_score(*pair))
    return row


def report_galaxies(options):
    """Report the means of each clusterer over the scenes of each part."""
    parts = {"choosing": CHOOSE, "reporting": REPORT}
    rows = []
    for part, scenes in parts.items():
        found = {method: [] for method in clusterers(1, 0)}
        for name in options.scenes:
            if name not in scenes:
                continue
            cube, inside, truth = draw(scenes[name], options.size, GALAXY_SEED)
            table = present(cube, inside, FEATURES[DEFAULT])
            for method, of_scenes in found.items():
                of_scenes.append(row_of_galaxy(truth, table, method))
        for method, of_scenes in found.items():
            if of_scenes:
                row = {"part": part, "galaxies": len(of_scenes), "method": method}
                columns = of_scenes[0]
                means = {
                    column: float(np.mean([of_scene[column] for of_scene in of_scenes]))
                    for column in columns
                }
                rows.append(row | means)
    size = options.size
    report("one_tree_galaxies", f"{size} x {size} pixels: ARI, one fit each", rows)


def main():
    """Report both tables."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--tables", type=int, default=4, help="of each kind of cells")
    parser.add_argument("--seeds", type=int, default=2, help="fits of a table of cells")
    parser.add_argument("--cells", type=Path, metavar="TABLE.csv")
    parser.add_argument("--gates", type=Path, metavar="NAMES.csv")
    scenes = CHOOSE | REPORT
    parser.add_argument("--scenes", nargs="*", default=list(scenes), choices=scenes)
    parser.add_argument("--size", type=int, default=180, help="of the galaxies")
    options = parser.parse_args()
    if (options.cells is None) != (options.gates is None):
        parser.error("--cells and --gates are given together.")
    warnings.simplefilter("ignore")
    report_cells(options)
    if options.scenes:
        report_galaxies(options)


if __name__ == "__main__":
    main()
