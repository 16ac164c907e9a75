# SPDX-License-Identifier: BSD-3-Clause
"""The cuts of the units of a map into each number of a ladder."""

import numpy as np

from skesom.som.second_stage._normals import cuts_by_normals
from skesom.som.second_stage.graph import cuts_of_graph, least_samples
from skesom.som.second_stage.spectral import conductances, fewest_samples

# Times as many links as the cut of the graph: what normals may cut. Less agrees worse
# with the truth of galaxies, more with that of shapes (docs/second_stage.md).
_AS_GOOD = 3.0


def cuts_of_units(units, graph, numbers):
    """Return the group of each unit for each number.

    The graph is cut where its links are weak. Where groups that are each like one
    normal follow the graph about as well, they are taken: their borders are those of
    bodies that overlap. Numbers that the map has too few units for are left out.

    Parameters
    ----------
    units : Units
    graph : CoactivationGraph
        Of these units.
    numbers : sequence of int

    Returns
    -------
    cuts : ndarray of shape (n_units, n_numbers), dtype int16
    """
    n_held = np.count_nonzero(units.hits)
    numbers = [number for number in numbers if number <= n_held]
    of_graph = cuts_of_graph(graph, units, numbers)
    of_normals = {}
    if units.covariances is not None:  # which are known without errors only
        of_normals = cuts_by_normals(units, graph.inside, graph.islands, numbers)
    affinity = graph.affinity[graph.inside][:, graph.inside]
    cuts = np.empty((len(units), len(numbers)), dtype=np.int16)
    for column, number in enumerate(numbers):
        groups = of_graph[number]
        if number in of_normals:
            by_normals = of_normals[number]
            if _is_as_good(
                by_normals,
                by_links=groups,
                number=number,
                hits=units.hits,
                affinity=affinity,
                inside=graph.inside,
            ):
                groups = by_normals
        _, cuts[:, column] = np.unique(groups, return_inverse=True)
    return cuts


def _is_as_good(by_normals, by_links, number, hits, affinity, inside):
    """Return whether groups by normals follow the graph about as well as its cut."""
    if _fewest(by_normals, hits, number) <= least_samples(hits):  # of outliers
        return False
    share_by_links, n_inside = _worst_share(affinity, by_links[inside])
    if n_inside < number:  # strays come off, which no normal tells
        return False
    if _fewest(by_links, hits, number) <= fewest_samples(hits.sum()):
        return True  # few links to a tail are no gap
    share_by_normals, _ = _worst_share(affinity, by_normals[inside])
    return share_by_normals <= _AS_GOOD * share_by_links


def _fewest(groups, hits, number):
    """Return the samples of the smallest of so many groups, 0 if some have no unit."""
    _, groups = np.unique(groups, return_inverse=True)
    return np.bincount(groups, weights=hits, minlength=number).min()


def _worst_share(affinity, groups):
    """Return the largest share of its links that a group loses, and their number."""
    _, groups = np.unique(groups, return_inverse=True)
    return conductances(affinity, groups).max(), groups.max() + 1
