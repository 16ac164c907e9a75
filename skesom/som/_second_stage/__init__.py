# SPDX-License-Identifier: BSD-3-Clause
"""From units to clusters: the second stage that evolving and classical maps share.

The units of a map are many more than the populations in the data. `group_units` is the
one way in: it groups the units by the graph of relative co-activation (`_graph`,
`_spectral`), by the U-matrix (`_umatrix`), by pairs of winners (`_two_winners`), by
components of links, or by any scikit-learn clusterer (`_labels`).
"""

from skesom.som._second_stage._group import RULES, group_units
from skesom.som._second_stage._labels import (
    component_clusters,
    labels_by_size,
    majority_groups,
)
from skesom.som._second_stage._units import Units, count_pairs

__all__ = [
    "RULES",
    "Units",
    "component_clusters",
    "count_pairs",
    "group_units",
    "labels_by_size",
    "majority_groups",
]
