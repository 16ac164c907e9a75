# SPDX-License-Identifier: BSD-3-Clause
"""The cuts of the units of a map into each number of a ladder."""

from typing import NamedTuple

import numpy as np

from skesom._common.threads import one_blas_thread
from skesom.som._second_stage._graph import (
    coactivation_graph,
    cuts_of_graph,
    least_samples,
)
from skesom.som._second_stage._normals import cuts_by_normals
from skesom.som._second_stage._spectral import conductances, fewest_samples

# Times as many links as the cut of the graph: what normals may cut. Less agrees worse
# with the truth of galaxies, more with that of shapes (docs/second_stage.md).
_AS_GOOD = 3.0


class Ladder(NamedTuple):
    """Cuts of the units of a map by links and by normals, for each number.

    The graph is cut where its links are weak. Where groups that are each like one
    normal follow the graph about as well, they are taken: their borders are those of
    bodies that overlap.
    """

    by_links: np.ndarray  # (n_units, n_numbers), int16
    by_normals: np.ndarray  # the same
    costs: np.ndarray  # (n_numbers,), links that normals cut, by those of the graph

    def cuts(self, costs=None):
        """Return the group of each unit for each number, shape (n_units, n_numbers).

        `costs` are those of several maps, which decide together.
        """
        costs = self.costs if costs is None else costs
        n_numbers = len(costs)
        by_links = self.by_links[:, :n_numbers]
        return np.where(costs <= _AS_GOOD, self.by_normals[:, :n_numbers], by_links)


def ladder_of(units, numbers):
    """Return the cuts of the units of a map.

    Numbers that the map has too few units for are left out.
    """
    n_held = np.count_nonzero(units.hits)
    numbers = [number for number in numbers if number <= n_held]
    with one_blas_thread():
        graph = coactivation_graph(units)
        of_graph = cuts_of_graph(graph, units, numbers)
        of_normals = {}
        if units.covariances is not None:  # which are known without errors only
            of_normals = cuts_by_normals(units, graph.inside, graph.islands, numbers)
        affinity = graph.affinity[graph.inside][:, graph.inside]
    by_links = np.zeros((len(units), len(numbers)), dtype=np.int16)
    by_normals = np.zeros_like(by_links)
    costs = np.full(len(numbers), np.inf)
    for place, number in enumerate(numbers):
        groups = of_graph[number]
        by_links[:, place] = np.unique(groups, return_inverse=True)[1]
        if number not in of_normals:
            continue
        _, found = np.unique(of_normals[number], return_inverse=True)
        held = np.bincount(found, weights=units.hits, minlength=number)
        if held.min() <= least_samples(units.hits):  # of outliers, or of no unit
            continue
        by_normals[:, place] = found
        worst, n_inside = _worst_share(affinity, groups[graph.inside])
        if n_inside == number:  # else strays come off, which no normal tells
            own, _ = _worst_share(affinity, found[graph.inside])
            held = np.bincount(by_links[:, place], weights=units.hits)
            if held.min() <= fewest_samples(units.hits.sum()):
                costs[place] = 1.0  # few links to a tail are no gap
            elif worst > 0:
                costs[place] = own / worst
            elif own == 0:
                costs[place] = 1.0
    return Ladder(by_links, by_normals, costs)


def _worst_share(affinity, groups):
    """Return the largest share of its links that a group loses, and their number."""
    _, groups = np.unique(groups, return_inverse=True)
    return conductances(affinity, groups).max(), groups.max() + 1
