# SPDX-License-Identifier: BSD-3-Clause
"""The graph of relative co-activation, and clusters of units from it.

Links after Martinetz & Schulten (1994), doi:10.1016/0893-6080(94)90109-0; the rest,
explained in `docs/second_stage.md`, is the authors' own.
"""

from dataclasses import dataclass
from functools import cache, partial

import numpy as np
from scipy import sparse
from scipy.cluster.hierarchy import linkage
from scipy.sparse.csgraph import connected_components

from skesom.som.codebook import distances_to_units
from skesom.som.second_stage.spectral import (
    Spectrum,
    clusters_by_gaps,
    fewest_samples,
    plausible_number,
)
from skesom.som.second_stage.units import (
    FEWEST,
    both_ways,
    component_gaps,
    joined,
    spread,
    tree_of_gaps,
)

# ARI is the mean adjusted Rand index that is lost without the rule (tests/som/).
_NEAR = 1.7  # lengths of links: parts no farther are torn by chance; ARI .03 of shapes
_FAR = 4.0  # times as far as is usual nearby: isolated (a half: islands); .06 of shapes
_SPARSE = 0.2  # of the mean samples of a component's units: fewer are bridges; .01-.06
_SMALLEST = 0.5  # roots of the number of samples, in a part: less is chance; .3-.5
_SMALLEST_SHARE = 0.002  # of the samples, in an island, and in a part of a large table


def cuts_of_graph(graph, units, numbers):
    """Return the groups of all units for each of several numbers.

    Islands come off before a body is cut, if bodies lie apart. Where gaps part the
    bodies into fewer groups than a number, the others are strays and small groups that
    lie apart inside of them.
    """
    inside = graph.inside
    component = graph.component[inside]
    n_components = component.max() + 1
    most = max(numbers, default=1)
    spectrum = None
    if n_components < most:
        spectrum = Spectrum(_part(graph.affinity, inside), component, most)
    cuts = {}
    n_bodies = _count_bodies(graph, units.hits) if graph.islands else 1
    parting = cache(partial(_parting, units))  # several numbers have the same gaps
    for number in numbers:
        islands = []
        if n_components > 1:  # else they are outliers, and take no cluster
            islands = graph.islands[: max(number - n_bodies, 0)]
        n_inside = number - len(islands)
        if n_components >= n_inside:
            groups = joined(units.codebook[inside], component, n_inside)
        else:
            groups = spectrum.cut_along_gaps(n_inside)
        everywhere = np.full(len(units), -1, dtype=np.intp)
        everywhere[inside] = groups
        for place, island in enumerate(islands):
            everywhere[island] = number + place
        known = everywhere >= 0
        everywhere = spread(everywhere[known], known, units.codebook)
        if len(np.unique(everywhere)) < number:
            everywhere = parting(everywhere.tobytes()).groups(number)
        cuts[number] = everywhere
    return cuts


@dataclass(frozen=True)
class CoactivationGraph:
    """A graph of units."""

    affinity: sparse.csr_array  # symmetric weights of the links
    inside: np.ndarray  # units of components that hold a sizable share of the samples
    component: np.ndarray  # numbers of these components, from 0 on; -1 elsewhere
    islands: list  # units of each small component that stands for itself

    def held(self, hits):
        """Return the samples of each component, by those of the units."""
        return np.bincount(self.component[self.inside], weights=hits[self.inside])


def coactivation_graph(units):
    """Build the graph of relative co-activation of the units."""
    hits, few = units.hits, max(FEWEST, _SMALLEST_SHARE * units.hits.sum())
    rows, columns, between = both_ways(units.counts)
    ends = units.codebook[rows] - units.codebook[columns]
    lengths = np.linalg.norm(ends, axis=1).astype(np.float64, copy=False)
    isolation, compact = _isolation(units, rows, columns, between, lengths)
    isolated = (isolation > _FAR) | (compact & (isolation > _FAR / 2))
    isolated &= hits >= FEWEST
    kept = isolated[rows] == isolated[columns]
    links = rows, columns, between, lengths
    rows, columns, between, lengths = (values[kept] for values in links)
    affinity = _relative(rows, columns, between, hits)
    reach = _mean(rows, between, lengths, len(units))
    candidates = (hits > 0) & ~isolated
    links = _links_by_chance(units, affinity, candidates, reach)
    sparse_units = _sparse(affinity + links, hits)
    # Bridges of few samples between bodies are taken out, and gaps are bridged anew.
    if sparse_units.any():
        kept = sparse.diags_array((~sparse_units).astype(np.float64))
        affinity = sparse.csr_array(kept @ affinity @ kept)
        links = _links_by_chance(units, affinity, candidates & ~sparse_units, reach)
    affinity = affinity + links
    _, component = connected_components(affinity, directed=False)
    held = np.bincount(component, weights=np.where(sparse_units, 0, hits))
    sizable = held >= min(least_samples(hits), held.max())  # one component at least
    inside = sizable[component]
    islands = []
    for island in np.flatnonzero(~sizable & (held >= few)):
        own = component == island
        alone = np.max(isolation[own & isolated], initial=0.0)
        islands.append((max(_gap(units, own, reach), alone), np.flatnonzero(own)))
    islands.sort(key=lambda island: -island[0])
    islands = [own for distance, own in islands if distance >= _FAR / 2]
    return CoactivationGraph(affinity, inside, _renumbered(component, inside), islands)


def _isolation(units, rows, columns, between, lengths):
    """Return how far units are, relative to those nearby; which are compact."""
    shortest = np.full(len(units), np.inf)
    np.minimum.at(shortest, rows, lengths)
    shortest[np.isinf(shortest)] = 0
    nearby = partial(_mean, rows, between, n_units=len(units))
    usual = np.average(units.radii, weights=units.hits)
    radius = np.maximum(nearby(units.radii[columns]), usual)
    of_lengths = _ratio(shortest, nearby(shortest[columns]))
    isolation = np.maximum(of_lengths, _ratio(units.radii, radius))
    return isolation, shortest > _FAR * units.radii


def _relative(rows, columns, between, hits):
    """Return the graph of samples between units, by those that the units hold."""
    # The mean keeps a unit of few samples, all of them between two, from a strong tie.
    held = np.minimum(hits[rows], hits[columns]) + hits.mean()
    return sparse.csr_array((between / held, (rows, columns)), shape=2 * hits.shape)


def _sparse(affinity, hits):
    """Return which units hold few samples compared with others of their component."""
    _, component = connected_components(affinity, directed=False)
    held = np.bincount(component, weights=hits)
    mean = held / np.maximum(np.bincount(component, weights=hits > 0), 1)
    return (hits > 0) & (hits < _SPARSE * mean[component])


def _links_by_chance(units, affinity, candidates, reach):
    """Link components that are as near to each other as linked units are."""
    unit = np.flatnonzero(candidates)
    _, component = connected_components(affinity, directed=False)
    component = _renumbered(component, candidates)
    gaps, ends = component_gaps(units.codebook[unit], component[unit])
    tree = tree_of_gaps(gaps)
    first, second = unit[ends[tree.row, tree.col]], unit[ends[tree.col, tree.row]]
    near = tree.data <= _NEAR * np.maximum(reach[first], reach[second])
    first, second = first[near], second[near]
    links = _relative(first, second, 1.0, units.hits)  # as if by one sample
    return links + links.T


def _gap(units, own, reach):
    """Measure the distance of an island to the rest, in lengths of links."""
    own, rest = (np.flatnonzero(part & (units.hits > 0)) for part in (own, ~own))
    distances = distances_to_units(units.codebook[own], units.codebook[rest])
    place = np.unravel_index(np.argmin(distances), distances.shape)
    length = max(reach[own[place[0]]], reach[rest[place[1]]])
    return float(distances[place]) / length if length > 0 else np.inf


def number_by_gaps(graph, hits):
    """Return how many clusters gaps part, and the next gaps, the widest first."""
    n_clusters = 0
    held = graph.held(hits)
    # What is torn off needs fewer samples to be believed.
    large = held >= min(fewest_samples(held.sum()) / 2, held.max())
    gaps = []
    for number in np.flatnonzero(large):
        own = graph.component == number
        parts, of_part = clusters_by_gaps(_part(graph.affinity, own), hits[own])
        n_clusters += parts.max() + 1
        share = held[number] / held.sum()
        gaps += [gap._replace(share=float(gap.share * share)) for gap in of_part]
    return int(n_clusters), sorted(gaps)


def _count_bodies(graph, hits):
    """Return how many clusters the components have by themselves."""
    n_bodies = 0
    for number, held in enumerate(graph.held(hits)):
        part = _part(graph.affinity, graph.component == number)
        n_bodies += plausible_number(part, held)
    return n_bodies


def least_samples(hits):
    """Return the fewest samples of a component; a larger share in a small table."""
    n_samples = hits.sum()
    return max(_SMALLEST * np.sqrt(n_samples), _SMALLEST_SHARE * n_samples)


def _part(affinity, units):
    return affinity[units][:, units]


def _renumbered(component, inside):
    """Return numbers of the components inside from 0 on, and -1 outside."""
    numbers = np.full(len(component), -1, dtype=np.intp)
    _, numbers[inside] = np.unique(component[inside], return_inverse=True)
    return numbers


def _mean(rows, weights, values, n_units):
    """Return the weighted mean over the links of each unit, 0 for lone ones."""
    total = np.bincount(rows, weights, minlength=n_units)
    return _ratio(np.bincount(rows, weights * values, minlength=n_units), total)


def _ratio(numerator, denominator):
    positive = denominator > 0
    return np.where(positive, numerator / np.where(positive, denominator, 1), 0.0)


def _parting(units, groups):
    """Return the parting of groups, which come as the bytes of their numbers."""
    return Parting(units, np.frombuffer(groups, dtype=np.intp))


class Parting:
    """Groups of units, parted at the widest gaps inside them.

    Gaps are the edges of the shortest tree that spans the units of a group; those that
    part enough samples come first. So the parts of a larger number lie inside those of
    a smaller one, and no body is halved while something lies apart.
    """

    def __init__(self, units, groups):
        self._units = units
        hit = np.flatnonzero(units.hits > 0)
        _, of_hit = np.unique(groups[hit], return_inverse=True)
        self._n_hit = len(hit)
        # Pairs of units to join inside the groups, those that part last first.
        self._joins = _joins(units.codebook[hit], units.hits[hit], of_hit)

    def groups(self, n_groups):
        """Return the part of each unit when there are so many parts."""
        joins = self._joins[: self._n_hit - min(n_groups, self._n_hit)]
        links = sparse.coo_array(
            (np.ones(len(joins)), (joins[:, 0], joins[:, 1])),
            shape=(self._n_hit, self._n_hit),
        )
        _, parts = connected_components(links, directed=False)
        return spread(parts, self._units.hits > 0, self._units.codebook)


def _joins(codebook, held, groups):
    """Return pairs of units to join inside the groups, those that part last first."""
    pairs = []
    is_enough = []
    lengths = [np.empty(0)]
    for group in range(groups.max() + 1):
        own = np.flatnonzero(groups == group)
        if len(own) < 2:
            continue
        steps = linkage(codebook[own], "single")
        first = np.concatenate([own, np.zeros(len(steps), dtype=np.intp)])
        inside = np.concatenate([held[own], np.zeros(len(steps))])
        for number, (one, other) in enumerate(steps[:, :2].astype(np.intp), len(own)):
            first[number] = first[one]
            inside[number] = inside[one] + inside[other]
            pairs.append((first[one], first[other]))
            is_enough.append(min(inside[one], inside[other]) >= FEWEST)
        lengths.append(steps[:, 2])
    order = np.lexsort((np.concatenate(lengths), is_enough))
    return np.array(pairs, dtype=np.intp).reshape(-1, 2)[order]
