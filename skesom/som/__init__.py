# SPDX-License-Identifier: BSD-3-Clause
"""Self-organizing maps of tables."""

from skesom.som._consensus import ConsensusClusterer
from skesom.som._csom import CSOM
from skesom.som._esom import ESOM
from skesom.som._map_classifier import MapClassifier
from skesom.som._map_regressor import MapRegressor

__all__ = ["CSOM", "ESOM", "ConsensusClusterer", "MapClassifier", "MapRegressor"]

# For the other folders of skesom; not public.
from skesom.som._codebook import nearest_units as nearest_units
