# SPDX-License-Identifier: BSD-3-Clause
"""Scorers of label maps against a map of known classes, in searches over cubes."""

import pickle

import numpy as np
import pytest
from sklearn import metrics
from sklearn.cluster import KMeans
from sklearn.model_selection import GridSearchCV, GroupKFold, cross_val_score
from sklearn.pipeline import make_pipeline

from skesom.cube import AsinhStretch
from skesom.maps import CubeClusterer, truth_scorer
from skesom.pixels import sky_blocks


class Known:
    """An estimator that labels any cube with the map it is given."""

    def __init__(self, labels):
        self.labels = np.array(labels)

    def predict(self, X):
        return self.labels


LABELS = [[0, 0, 1, 1, -3], [0, 2, 2, -1, -2]]
TRUTH = [[1, 1, 0, -1, 0], [1, 0, 0, 2, 0]]
# The seven pixels that have both, noise as a cluster of its own.
PAIRS = [0, 0, 1, 0, 2, 2, -1], [1, 1, 0, 1, 0, 0, 2]


@pytest.fixture
def patches():
    """A cube of three colors in stripes of columns, and their numbers."""
    rng = np.random.default_rng(0)
    truth = np.repeat([[0, 1, 2]], 10, axis=1) + np.zeros((24, 1), dtype=int)
    cube = np.eye(3)[truth] + rng.normal(0, 0.05, (24, 30, 3))
    truth[:, :3] = -1
    return cube, truth


def test_scores_are_those_that_scikit_learn_searches_clusterings_by():
    labels, truth = PAIRS
    for name in metrics.get_scorer_names():
        function = metrics.get_scorer(name)._score_func
        if function.__module__ == "sklearn.metrics.cluster._supervised":
            for each in (name, name.removesuffix("_score")):
                score = truth_scorer(each)(Known(LABELS), None, TRUTH)
                assert score == pytest.approx(function(truth, labels))


def test_a_search_over_sky_blocks_finds_the_number_of_classes(patches):
    cube, truth = patches
    pipeline = make_pipeline(AsinhStretch(), CubeClusterer(KMeans(random_state=0)))
    search = GridSearchCV(
        pipeline,
        {"cubeclusterer__estimator__n_clusters": [2, 3, 7]},
        scoring=truth_scorer("adjusted_rand"),
        cv=GroupKFold(3),
        error_score="raise",
    )
    search.fit(cube, truth, groups=sky_blocks(cube, 8)[:, 0])
    assert search.best_params_ == {"cubeclusterer__estimator__n_clusters": 3}
    assert search.best_score_ == 1


def test_one_cube_may_be_both_parts_of_the_only_split(patches):
    cube, truth = patches
    every = range(len(cube))
    clusterer = CubeClusterer(KMeans(3, random_state=0))
    scorer = pickle.loads(pickle.dumps(truth_scorer("rand")))
    assert scorer == truth_scorer("rand")
    scores = cross_val_score(
        clusterer, cube, truth, scoring=scorer, cv=[(every, every)], error_score="raise"
    )
    assert scores.tolist() == [1]


def test_bad_input_is_named():
    scorer = truth_scorer("adjusted_rand")
    with pytest.raises(ValueError, match=r"got shapes \(2, 5\) and"):
        scorer(Known(LABELS), None, [[0, 1]])
    with pytest.raises(ValueError, match="No pixel has both a cluster and a known"):
        scorer(Known(LABELS), None, np.full((2, 5), -1))
    with pytest.raises(ValueError, match=r"score.*truth_scorer must be a str among"):
        truth_scorer("silhouette")
