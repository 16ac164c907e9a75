# SPDX-License-Identifier: BSD-3-Clause
"""Self-organizing maps of tables: no image in sight."""

from skesom.som._consensus import ConsensusClusterer
from skesom.som._csom import CSOM
from skesom.som._csom_classifier import CSOMClassifier
from skesom.som._csom_regressor import CSOMRegressor
from skesom.som._esom import ESOM
from skesom.som._esom_classifier import ESOMClassifier

__all__ = [
    "CSOM",
    "ESOM",
    "CSOMClassifier",
    "CSOMRegressor",
    "ConsensusClusterer",
    "ESOMClassifier",
]

# For the other folders of skesom; not public.
from skesom.som._codebook import nearest_units as nearest_units
