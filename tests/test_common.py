# SPDX-License-Identifier: BSD-3-Clause
"""scikit-learn's own checks of estimators; none is expected to fail."""

import pytest
from sklearn.cluster import AgglomerativeClustering, KMeans
from sklearn.utils.estimator_checks import parametrize_with_checks

from skesom.consensus import ConsensusClusterer
from skesom.som import CSOM, ESOM, MapClassifier, MapRegressor


class WeightedClassifier(MapClassifier):
    """Names its weights, so that scikit-learn checks them."""

    def fit(self, X, y, sample_weight=None):
        return super().fit(X, y, sample_weight=sample_weight)


class WeightedRegressor(MapRegressor):
    """Names its weights, so that scikit-learn checks them."""

    def fit(self, X, y, sample_weight=None):
        return super().fit(X, y, sample_weight=sample_weight)


# One for each way through the code of checks: others differ in numbers, not in kinds.
ESTIMATORS = [
    ESOM(3),
    ESOM("auto", epsilon=1.0, pruning_period=7),
    CSOM(3, shape=(3, 5), topology="rectangular", init="random", n_epochs=5),
    CSOM(None, shape=(4, 4), algorithm="online", metric="cosine", n_epochs=3),
    CSOM(2, shape=(5, 4), layers=[(3, 3)], n_epochs=5),
    MapClassifier(ESOM(random_state=0), unlabeled="unknown"),
    WeightedClassifier(CSOM(shape=(3, 3)), class_weight="balanced", n_neighbors=3),
    MapRegressor(),
    WeightedRegressor(CSOM()),
    ConsensusClusterer(n_estimators=2, n_clusters=3),
    ConsensusClusterer(AgglomerativeClustering(), n_estimators=2, n_clusters=None),
]
ONLINE = CSOM(shape=(3, 5), algorithm="online", n_epochs=3, metric="manhattan")
OTHERS = [
    ESOM(epsilon=0.1, clusterer=KMeans(3, random_state=0)),
    ESOM(3, shuffle=False, n_epochs=2, link_second=False),
    CSOM(None, shape=(4, 4)),
    CSOM(None, shape=(4, 4), algorithm="online", n_epochs=3),
    CSOM(2, shape=(4, 4), toroidal=True, metric="manhattan"),
    CSOM(None, shape=6, metric="spectral_angle", neighborhood="bubble"),
    MapClassifier(),
    MapClassifier(
        ESOM(epsilon=0.5, random_state=0), label_rule="grow", class_weight="balanced"
    ),
    MapClassifier(ESOM(shuffle=False, n_epochs=2), n_neighbors=3),
    WeightedClassifier(ONLINE.set_params(random_state=0), class_weight="balanced"),
    WeightedRegressor(CSOM(shape=(12, 12), toroidal=True), n_neighbors=2, smoothing=0),
    ConsensusClusterer(KMeans(n_init=1), n_estimators=4, max_samples=0.8),
]
# Checks set the number of clusters, and members without a seed are all equal.
unused = pytest.mark.filterwarnings(
    "ignore:.*does not use n_clusters", "ignore:All 2 members are equal"
)


@unused
@parametrize_with_checks(ESTIMATORS)
def test_estimator(estimator, check):
    check(estimator)


@unused
@pytest.mark.long
@parametrize_with_checks(OTHERS)
def test_other_settings(estimator, check):
    check(estimator)
