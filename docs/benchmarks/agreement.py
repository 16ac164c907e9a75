# SPDX-License-Identifier: BSD-3-Clause
"""Whether the agreement of a consensus says how likely a pixel keeps its cluster.

The same galaxy is exposed several times with other noise and clustered each time with
another seed. Clusters of two exposures are matched one to one so that as many pixels as
possible agree, and pixels are grouped by their agreement in the first exposure into ten
bins. The expected calibration error is the mean over the bins, by pixels, of the
difference between the mean agreement and the share of pixels that keep their cluster.
The expected error is the mean square of agreement minus 1 where the cluster is kept, or
minus 0 where it is not (Brier 1950), which also asks that agreement tells pixels apart.
*Sure and right* is the probability that a pixel whose population is that of most of its
cluster has a higher agreement than one of another population (.5: it tells nothing).
``agreement`` is that of the members of the consensus, a table of pixels;
``agreement_neighbors`` is what `CubeClusterer` tells, by these and by neighbors.
Choices were made on the scenes in CHOOSE of ``features.py``; those in REPORT only
report. Run: ``python docs/benchmarks/agreement.py`` (some ten minutes).
"""

import argparse
import warnings
from unittest import mock

import numpy as np
from features import CHOOSE, DEFAULT, FEATURES, N_CLUSTERS, REPORT, draw, present
from measuring import report
from scipy.optimize import linear_sum_assignment
from sklearn.metrics import roc_auc_score

from skesom.consensus import ConsensusClusterer
from skesom.datasets import _galaxy
from skesom.maps.neighbor_agreement import agreement_with_neighbors
from skesom.pixels import unflatten
from skesom.som import ESOM

N_BINS = 10
GALAXY = 5  # the seed of its scene


class _Exposure:
    """Seeds of a galaxy that stays, and of noise that does not."""

    def __init__(self, scene, noise):
        self._seeds = scene, noise

    def spawn(self, number):
        return list(self._seeds)


def exposed(options, size, number):
    """Return the pixels of an exposure that are clustered, their table and truth."""
    scene, noise = np.random.SeedSequence(GALAXY).spawn(2)
    if number:
        noise = np.random.SeedSequence([GALAXY, number])
    seeds = _Exposure(scene, noise)
    with mock.patch.object(_galaxy, "_seeds", return_value=seeds):
        cube, inside, truth = draw(options, size)
    return inside, present(cube, inside, FEATURES[DEFAULT]), truth


def kept(one, other):
    """Return the agreement of pixels, and whether they keep their clusters."""
    both = one["inside"] & other["inside"]
    first, second = (run["labels"][both[run["inside"]]] for run in (one, other))
    shared = np.zeros((N_CLUSTERS, N_CLUSTERS))
    np.add.at(shared, (first, second), 1)
    partner = linear_sum_assignment(-shared)[1]
    return one["agreement"][both[one["inside"]]], partner[first] == second


def calibration_error(agreement, keep):
    """Return the expected calibration error."""
    place = np.minimum((agreement * N_BINS).astype(int), N_BINS - 1)
    differences = np.bincount(place, agreement - keep, minlength=N_BINS)
    return float(np.abs(differences).sum() / len(place))


def sure_and_right(labels, agreement, truth):
    """Return how well agreement tells pixels of the population of their cluster."""
    is_known = truth >= 0
    counts = np.zeros((N_CLUSTERS, truth.max() + 1))
    np.add.at(counts, (labels[is_known], truth[is_known]), 1)
    is_right = counts.argmax(axis=1)[labels] == truth
    return float(roc_auc_score(is_right[is_known], agreement[is_known]))


def of_scene(options, size, n_exposures):
    """Return the columns of a scene, by members alone and with neighbors."""
    members = []
    with_neighbors = []
    truths = []
    for number in range(n_exposures):
        inside, table, truth = exposed(options, size, number)
        consensus = ConsensusClusterer(ESOM(), n_clusters=N_CLUSTERS)
        consensus.set_params(random_state=number).fit(table)
        run = {"inside": inside, "labels": consensus.labels_}
        members.append(run | {"agreement": consensus.agreement_.astype(np.float64)})
        image = unflatten(consensus.agreement_, inside)
        label_map = unflatten(consensus.labels_, inside)
        image = agreement_with_neighbors(image, label_map)
        with_neighbors.append(run | {"agreement": image[inside].astype(np.float64)})
        truths.append(truth)
    return columns_of(members, truths), columns_of(with_neighbors, truths)


def columns_of(runs, truths):
    """Return the columns of the runs of a scene, over all pairs of exposures."""
    right = [
        sure_and_right(run["labels"], run["agreement"], truth)
        for run, truth in zip(runs, truths, strict=True)
    ]
    pairs = [kept(a, b) for a in runs for b in runs if a is not b]
    single = np.mean([calibration_error(*pair) for pair in pairs])
    agreement, keep = map(np.concatenate, zip(*pairs, strict=True))
    return {
        "says": float(agreement.mean()),
        "holds": float(keep.mean()),
        "calibration error": calibration_error(agreement, keep),
        "of single pairs": float(single),
        "expected error": float(np.mean((agreement - keep) ** 2)),
        "sure and right": float(np.mean(right)),
    }


def main():
    """Report a row for each scene."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    scenes = CHOOSE | REPORT
    parser.add_argument("--scenes", nargs="+", default=list(scenes), choices=scenes)
    parser.add_argument("--size", type=int, default=110)
    parser.add_argument("--exposures", type=int, default=4)
    options = parser.parse_args()
    warnings.simplefilter("ignore")
    rows = []
    rows_with_neighbors = []
    for name in options.scenes:
        part = "choose" if name in CHOOSE else "report"
        scene = {"scene": name, "part": part}
        alone, beside = of_scene(scenes[name], options.size, options.exposures)
        rows.append(scene | alone)
        rows_with_neighbors.append(scene | beside)
    title = f"{options.size} x {options.size} pixels, exposures: {options.exposures}"
    report("agreement", title, rows)
    report("agreement_neighbors", title, rows_with_neighbors)


if __name__ == "__main__":
    main()
