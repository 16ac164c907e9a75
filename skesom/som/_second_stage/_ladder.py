# SPDX-License-Identifier: BSD-3-Clause
"""The cuts of the units of a map into each number of a ladder."""

import numpy as np

from skesom._common.threads import one_blas_thread
from skesom.som._second_stage._graph import coactivation_graph, cuts_of_graph
from skesom.som._second_stage._normals import cuts_by_normals
from skesom.som._second_stage._spectral import conductances

# Times as many links as the cut of the graph: what normals may cut. On galaxies 1.5
# and 3 agree less with the truth, on shapes 3 does (docs/second_stage.md).
_AS_GOOD = 2.0


def ladder_cuts(units, numbers):
    """Return the group of each unit for each number, shape (n_units, n_numbers).

    The graph is cut where its links are weak. Where groups that are each like one
    normal follow the graph about as well, they are taken: their borders are those of
    bodies that overlap. Numbers that the map has too few units for are left out.
    """
    n_held = np.count_nonzero(units.hits)
    numbers = [number for number in numbers if number <= n_held]
    with one_blas_thread():
        graph = coactivation_graph(units)
        of_graph = cuts_of_graph(graph, units, numbers)
        of_normals = {}
        if units.covariances is not None:
            inside, islands = graph.inside, graph.islands
            of_normals = cuts_by_normals(units, inside, islands, numbers)
        affinity = graph.affinity[graph.inside][:, graph.inside]
    cuts = np.zeros((len(units), len(numbers)), dtype=np.int16)
    for place, number in enumerate(numbers):
        groups = of_graph[number]
        if number in of_normals:
            worst, n_inside = _worst_share(affinity, groups[graph.inside])
            if n_inside == number:  # else strays come off, which no normal tells
                found, _ = _worst_share(affinity, of_normals[number][graph.inside])
                if found <= _AS_GOOD * worst:
                    groups = of_normals[number]
        cuts[:, place] = np.unique(groups, return_inverse=True)[1]
    return cuts


def _worst_share(affinity, groups):
    """Return the largest share of its links that a group loses, and their number."""
    _, groups = np.unique(groups, return_inverse=True)
    return conductances(affinity, groups).max(), groups.max() + 1
