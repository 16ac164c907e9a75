# SPDX-License-Identifier: BSD-3-Clause
"""What is declared of each measure is true of its values."""

import inspect
import re
from pathlib import Path
from typing import get_args, get_type_hints

import numpy as np
import pytest
from sklearn.base import BaseEstimator
from sklearn.datasets import make_blobs

from skesom import metrics
from skesom.metrics import map_scorer
from skesom.metrics.measures import CLUSTER_MEASURES, MAP_MEASURES

N_UNITS = 24
SAMPLES = 1e-9 * np.arange(N_UNITS, dtype=float)[:, None]
CHAIN = np.diag(np.ones(N_UNITS - 1), 1)  # 0 - 1 - 2 - ...
WITH_DIRECTION = [
    name
    for name, measure in MAP_MEASURES.items()
    if measure.greater_is_better is not None
]

every_map_measure = pytest.mark.parametrize("name", MAP_MEASURES)
every_cluster_measure = pytest.mark.parametrize("name", CLUSTER_MEASURES)


class Given(BaseEstimator):
    """A map that is given."""

    def __init__(self, codebook, connections):
        self.codebook = codebook
        self.connections = connections

    def fit(self, X=None, y=None):
        self.codebook_ = np.asarray(self.codebook, dtype=float)
        self.connections_ = np.asarray(self.connections)
        return self


def perfect_map():
    """A unit at each sample, in their order, so near that all ways are about 0."""
    return Given(SAMPLES, CHAIN).fit()


def random_map(seed, n_features=1, scale=1.0):
    """Units at random places, on a chain in random order."""
    rng = np.random.default_rng(seed)
    codebook = scale * rng.normal(size=(N_UNITS, n_features))
    order = rng.permutation(N_UNITS)
    return Given(codebook, CHAIN[np.ix_(order, order)]).fit()


def measured(name, X, som, **options):
    """Return the value of a public measure, with or without samples."""
    function = getattr(metrics, name)
    if "X" in inspect.signature(function).parameters:
        return function(X, som, **options)
    return function(som, **options)


def test_every_public_measure_is_declared():
    assert set(MAP_MEASURES) == set(metrics.__all__) - {"map_scorer"}
    for name, measure in MAP_MEASURES.items():
        assert measure.function is getattr(metrics, name)


@pytest.mark.parametrize(
    "measure",
    [*MAP_MEASURES.values(), *CLUSTER_MEASURES.values()],
    ids=lambda m: m.name,
)
def test_words_are_one_line(measure):
    for text in (measure.title, measure.words):
        assert text.strip() == text != ""
        assert len(text.splitlines()) == 1


@every_map_measure
@pytest.mark.parametrize("seed", range(5))
def test_values_of_random_maps_lie_in_the_limits(name, seed):
    X = np.random.default_rng(seed + 100).normal(size=(60, 3))
    som = random_map(seed, n_features=3)
    low, high = MAP_MEASURES[name].limits
    assert low <= measured(name, X, som) <= high
    per_unit = measured(name, X, som, per_unit=True)
    per_unit = per_unit[~np.isnan(per_unit)]
    assert len(per_unit) > 1
    assert ((low <= per_unit) & (per_unit <= high)).all()


@every_map_measure
def test_a_perfect_map_is_at_the_good_end(name):
    best = MAP_MEASURES[name].best
    options = {}
    if MAP_MEASURES[name].is_pairwise:
        # An even number: on a chain the fifth and the sixth neighbor tie.
        options["n_neighbors"] = 4
    value = measured(name, SAMPLES, perfect_map(), **options)
    assert value == pytest.approx(best, abs=1e-8)
    for seed in range(5):
        other = measured(name, SAMPLES, random_map(seed), **options)
        assert abs(other - best) > 1e-3


@every_cluster_measure
def test_values_of_random_clusters_lie_in_the_limits(name):
    measure = CLUSTER_MEASURES[name]
    low, high = measure.limits
    rng = np.random.default_rng(0)
    for _ in range(5):
        value = measure.function(rng.normal(size=(60, 3)), rng.integers(4, size=60))
        assert low <= value <= high


@every_cluster_measure
def test_clusters_far_apart_are_nearer_to_the_good_end(name):
    measure = CLUSTER_MEASURES[name]
    X, truth = make_blobs(90, centers=3, cluster_std=0.1, random_state=0)
    at_random = np.random.default_rng(0).permutation(truth)
    good, bad = measure.function(X, truth), measure.function(X, at_random)
    assert (good > bad) == measure.greater_is_better


def test_scorers_are_of_the_measures_with_a_direction():
    words = get_args(get_type_hints(inspect.unwrap(map_scorer))["measure"])
    assert set(words) == {*WITH_DIRECTION, *CLUSTER_MEASURES}
    with pytest.raises(ValueError, match="'measure' parameter of map_scorer"):
        map_scorer("topographic_product")


@pytest.mark.parametrize("name", WITH_DIRECTION)
def test_the_sign_of_a_score_follows_the_direction(name):
    scorer = map_scorer(name)
    som = random_map(0, scale=1e-9)
    value = measured(name, SAMPLES, som)
    greater_is_better = MAP_MEASURES[name].greater_is_better
    assert scorer(som, SAMPLES) == (value if greater_is_better else -value)
    assert scorer(perfect_map(), SAMPLES) > scorer(som, SAMPLES)


def test_the_page_of_measures_names_each_and_its_best_value():
    page = Path(__file__).parents[2] / "docs/quality.md"
    if not page.exists():
        pytest.skip("no pages beside an installed package")
    rows = re.findall(
        r"^\| `(\w+)` \|.*\| (\S+) \|[^|]+\|$", page.read_text(encoding="utf-8"), re.M
    )
    expected = {name: measure.best for name, measure in MAP_MEASURES.items()}
    assert {name: float(best) for name, best in rows} == expected
