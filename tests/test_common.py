# SPDX-License-Identifier: BSD-3-Clause
"""scikit-learn's own checks of estimators; none is expected to fail."""

from sklearn.utils.estimator_checks import parametrize_with_checks

from skesom.som import CSOM, ESOM


@parametrize_with_checks(
    [
        ESOM(n_clusters=3),
        ESOM(0.5, n_clusters=None, pruning_period=7),
        ESOM(n_clusters=3, shuffle=False, n_epochs=2, link_second=False),
        CSOM((4, 4)),
        CSOM((3, 5), n_clusters=3, topology="rectangular", init="random"),
        CSOM((4, 4), algorithm="online", n_epochs=3),
    ]
)
def test_estimator(estimator, check):
    check(estimator)
