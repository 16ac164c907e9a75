# SPDX-License-Identifier: BSD-3-Clause
"""All measures by their names, as their modules declare them."""

from skesom.metrics import _cluster_measures, _errors, _preservation

MAP_MEASURES = {
    measure.name: measure for measure in (*_errors.MEASURES, *_preservation.MEASURES)
}
CLUSTER_MEASURES = {measure.name: measure for measure in _cluster_measures.MEASURES}
