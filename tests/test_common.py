# SPDX-License-Identifier: BSD-3-Clause
"""scikit-learn's own checks of estimators; none is expected to fail."""

from sklearn.cluster import AgglomerativeClustering, KMeans
from sklearn.utils.estimator_checks import parametrize_with_checks

from skesom.som import (
    CSOM,
    ESOM,
    ConsensusClusterer,
    CSOMClassifier,
    CSOMRegressor,
    ESOMClassifier,
)


@parametrize_with_checks(
    [
        ESOM(n_clusters=3),
        ESOM(0.1, n_clusters=KMeans(3, random_state=0)),
        ESOM(0.5, n_clusters=None, pruning_period=7),
        ESOM(n_clusters=3, shuffle=False, n_epochs=2, link_second=False),
        CSOM((4, 4)),
        CSOM((3, 5), n_clusters=3, topology="rectangular", init="random"),
        CSOM((4, 4), algorithm="online", n_epochs=3),
        CSOM((4, 4), toroidal=True, n_clusters=2, metric="manhattan"),
        CSOM((4, 2), topology="rectangular", toroidal=True, metric="cosine"),
        CSOM(6, metric="spectral_angle", neighborhood="bubble"),
        CSOM((4, 4), algorithm="online", metric="cosine", n_epochs=3),
        CSOM("auto", algorithm="online", metric="manhattan", n_epochs=2),
        CSOM((4, 3), layers=[(2, 2)], n_clusters=2, n_epochs=5),
        CSOMClassifier((4, 4)),
        CSOMClassifier((4, 4), n_neighbors=3, class_weight="balanced", toroidal=True),
        CSOMClassifier((3, 5), topology="rectangular", algorithm="online", n_epochs=3),
        CSOMClassifier((4, 4), metric="manhattan", unlabeled="unknown"),
        CSOMRegressor(),
        CSOMRegressor((12, 12), n_neighbors=2, topology="rectangular", toroidal=True),
        CSOMRegressor(algorithm="online", n_epochs=5, metric="manhattan", smoothing=0),
        ConsensusClusterer(n_estimators=3, n_clusters=3),
        ConsensusClusterer(KMeans(n_init=1), n_estimators=4, max_samples=0.8),
        ConsensusClusterer(AgglomerativeClustering(), n_estimators=2, n_clusters=None),
        ESOMClassifier(),
        ESOMClassifier(unlabeled="unknown"),
        ESOMClassifier(label_rule="grow", n_neighbors=3),
        ESOMClassifier(0.5, label_rule="grow", class_weight="balanced"),
        ESOMClassifier(0.5, n_neighbors=3, n_epochs=2, shuffle=False),
    ]
)
def test_estimator(estimator, check):
    check(estimator)
