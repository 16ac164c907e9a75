# SPDX-License-Identifier: BSD-3-Clause
"""How many clusters there are, for n_clusters="auto"."""

from skesom._common.threads import one_blas_thread
from skesom.som._second_stage._graph import coactivation_graph, cut_by_themselves


def number_by_gaps(units):
    """Return how many clusters gaps part, and the next gaps, widest first."""
    with one_blas_thread():
        groups, gaps = cut_by_themselves(coactivation_graph(units), units.hits)
    return int(groups.max()) + 1, gaps
