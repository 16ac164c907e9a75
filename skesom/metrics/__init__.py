# SPDX-License-Identifier: BSD-3-Clause
"""How good a map is, how good its clusters are, and scorers for searches."""

from skesom.metrics._errors import (
    distortion,
    kaski_lagus_error,
    quantization_error,
    topographic_error,
)
from skesom.metrics._preservation import (
    continuity,
    topographic_product,
    trustworthiness,
)
from skesom.metrics._scorers import map_scorer

__all__ = [
    "continuity",
    "distortion",
    "kaski_lagus_error",
    "map_scorer",
    "quantization_error",
    "topographic_error",
    "topographic_product",
    "trustworthiness",
]
