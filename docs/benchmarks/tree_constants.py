# SPDX-License-Identifier: BSD-3-Clause
"""What the constants of the tree of clusters win.

Each row changes one of them: how many times as many links as the cut of the graph
normals may cut (3; 0 is without normals, inf is wherever they have groups); what a
cut of a map into the next number of the ladder counts beside the one before (2/3; 1 is
all alike); into how many clusters the members of a consensus agree to split pieces
(80), and how many pieces there are at most (256). Scored is the adjusted Rand index of
a map and of a consensus at the true number, over the families of the tests
(tests/helpers/families.py) that choices were made on and those that only report; and
over the scenes of ``features.py`` at eight clusters, with the truth and of two seeds.
Run: ``python docs/benchmarks/tree_constants.py``
(half an hour).
"""

import argparse
import sys
import warnings
from contextlib import nullcontext
from pathlib import Path
from unittest import mock

import numpy as np
from features import CHOOSE, DEFAULT, FEATURES, REPORT, draw, present
from measuring import report
from sklearn.metrics import adjusted_rand_score

from skesom.consensus import ConsensusClusterer
from skesom.consensus import _piece_tree as _consensus_tree
from skesom.som import ESOM
from skesom.som import tree as _tree
from skesom.som.second_stage import ladder as _ladder

sys.path.append(str(Path(__file__).parents[2]))

from tests.helpers.families import CHOOSING, FIRST_REPORTING_SEED, REPORTING

# The name of a setting, and the constant that it changes: module, name and value.
SETTINGS = [
    ("as it is", ()),
    ("no normals", (_ladder, "_AS_GOOD", 0.0)),
    ("2 times the links", (_ladder, "_AS_GOOD", 2.0)),
    ("6 times the links", (_ladder, "_AS_GOOD", 6.0)),
    ("any number of links", (_ladder, "_AS_GOOD", np.inf)),
    ("next number: 1/2", (_tree, "_FINER", 0.5)),
    ("next number: 0.8", (_tree, "_FINER", 0.8)),
    ("next number: 1", (_tree, "_FINER", 1.0)),
    ("pieces split at 64", (_consensus_tree, "_SPLIT_AT", 64)),
    ("pieces not split", (_consensus_tree, "_SPLIT_AT", 40)),
    ("128 pieces at most", (_consensus_tree, "_MOST_PIECES", 128)),
    ("all pieces", (_consensus_tree, "_MOST_PIECES", 10_000)),
]
N_CLUSTERS = 8  # of a galaxy
GALAXY_SEED = 5  # of the scenes, as in features.py
N_MEMBERS = 12


def clusterings(X, n_clusters, n_seeds=1):
    """Return the labels of maps and consensuses of several seeds."""
    for seed in range(n_seeds):
        esom = ESOM(n_clusters, random_state=seed)
        yield "ESOM", esom.fit_predict(X)
        consensus = ConsensusClusterer(
            ESOM(), n_estimators=N_MEMBERS, n_clusters=n_clusters, random_state=seed
        )
        yield "consensus", consensus.fit_predict(X)


def tables(options):
    """Yield the part, points, truth and number of clusters of each family."""
    parts = {"choosing": (CHOOSING, 0), "reporting": (REPORTING, FIRST_REPORTING_SEED)}
    for part, (families, first) in parts.items():
        for draw_family in list(families.values())[: options.families]:
            for seed in range(first, first + options.seeds):
                X, truth = draw_family(np.random.default_rng(seed))
                yield part, X, truth, int(truth.max()) + 1


def galaxies(options):
    """Yield the part, pixels, truth and number of clusters of each scene."""
    for part, scenes in (("choosing", CHOOSE), ("reporting", REPORT)):
        for name in list(scenes)[: options.scenes]:
            cube, inside, truth = draw(scenes[name], options.size, GALAXY_SEED)
            X = present(cube, inside, FEATURES[DEFAULT])
            yield part, X, truth, N_CLUSTERS


def score(tables, n_seeds):
    """Return the mean scores of each part and method, and how much seeds agree."""
    scores = {}
    for part, X, truth, n_clusters in tables:
        inside = truth >= 0
        found = {}
        for method, labels in clusterings(X, n_clusters, n_seeds):
            found.setdefault(method, []).append(labels)
            of_truth = adjusted_rand_score(truth[inside], labels[inside])
            scores.setdefault(f"{method}, {part}", []).append(of_truth)
        for method, labels in found.items():
            if n_seeds > 1:
                both = adjusted_rand_score(labels[0], labels[1])
                scores.setdefault(f"{method}, two seeds", []).append(both)
    return {name: float(np.mean(of_part)) for name, of_part in scores.items()}


def main():
    """Report a row for each setting."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--families", type=int, help="of each part; all by default")
    parser.add_argument("--scenes", type=int, help="of each part; all by default")
    parser.add_argument("--seeds", type=int, default=1, help="drawings of a family")
    parser.add_argument("--size", type=int, default=110, help="of galaxies")
    options = parser.parse_args()
    warnings.simplefilter("ignore")
    of_families = list(tables(options))
    of_galaxies = list(galaxies(options))
    family_rows, galaxy_rows = [], []
    for name, changed in SETTINGS:
        with mock.patch.object(*changed) if changed else nullcontext():
            family_rows.append({"setting": name} | score(of_families, n_seeds=1))
            galaxy_rows.append({"setting": name} | score(of_galaxies, n_seeds=2))
    title = f"Families: mean ARI at the true number, tables: {len(of_families)}"
    report("tree_constants_families", title, family_rows)
    title = f"Galaxies, {options.size} x {options.size} pixels: {N_CLUSTERS} clusters"
    report("tree_constants_galaxies", title, galaxy_rows)


if __name__ == "__main__":
    main()
