# SPDX-License-Identifier: BSD-3-Clause
"""How good a map is, how good its clusters are, and scorers for searches.

The measures take samples and a map: a fitted one, or any codebook together with what
says how its units lie on the map. The scorers are callables ``(estimator, X, y=None)``
for ``GridSearchCV(scoring=...)``, more is better. They measure in the table that the
last step itself sees: X after all steps of a `~sklearn.pipeline.Pipeline` but the last,
and the valid pixels where X is a cube.
"""

from skesom.metrics._cluster_scorers import (
    calinski_harabasz_scorer,
    davies_bouldin_scorer,
    silhouette_scorer,
)
from skesom.metrics._distortion import distortion
from skesom.metrics._map_quality import (
    kaski_lagus_error,
    quantization_error,
    topographic_error,
)
from skesom.metrics._map_scorers import (
    continuity_scorer,
    distortion_scorer,
    kaski_lagus_error_scorer,
    quantization_error_scorer,
    topographic_error_scorer,
    trustworthiness_scorer,
)
from skesom.metrics._neighborhoods import continuity, trustworthiness
from skesom.metrics._topographic_product import topographic_product

__all__ = [
    "calinski_harabasz_scorer",
    "continuity",
    "continuity_scorer",
    "davies_bouldin_scorer",
    "distortion",
    "distortion_scorer",
    "kaski_lagus_error",
    "kaski_lagus_error_scorer",
    "quantization_error",
    "quantization_error_scorer",
    "silhouette_scorer",
    "topographic_error",
    "topographic_error_scorer",
    "topographic_product",
    "trustworthiness",
    "trustworthiness_scorer",
]
