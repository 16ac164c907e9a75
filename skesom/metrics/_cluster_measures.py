# SPDX-License-Identifier: BSD-3-Clause
"""Measures of clusters: those of scikit-learn."""

import numpy as np
from sklearn.metrics import (
    calinski_harabasz_score,
    davies_bouldin_score,
    silhouette_score,
)

from skesom.metrics._measure import Measure

MEASURES = (
    Measure(
        davies_bouldin_score,
        title="Davies-Bouldin index",
        greater_is_better=False,
        limits=(0.0, np.inf),
        words="width of clusters against their separation",
    ),
    Measure(
        calinski_harabasz_score,
        title="Calinski-Harabasz index",
        greater_is_better=True,
        limits=(0.0, np.inf),
        words="variance between clusters against that within",
    ),
    Measure(
        silhouette_score,
        title="silhouette",
        greater_is_better=True,
        limits=(-1.0, 1.0),
        words="from -1 to 1, how much nearer samples are to their own cluster",
        is_pairwise=True,
    ),
)
