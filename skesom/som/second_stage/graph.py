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
        spectrum = Spectrum(_links_among(graph.affinity, inside), component, most)
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
        group_of_unit = np.full(len(units), -1, dtype=np.intp)
        group_of_unit[inside] = groups
        for group, island in enumerate(islands, start=number):
            group_of_unit[island] = group
        # Units outside of all components and islands follow the nearest that has one.
        has_group = group_of_unit >= 0
        group_of_unit = spread(group_of_unit[has_group], has_group, units.codebook)
        if len(np.unique(group_of_unit)) < number:
            group_of_unit = parting(group_of_unit.tobytes()).groups(number)
        cuts[number] = group_of_unit
    return cuts


@dataclass(frozen=True)
class CoactivationGraph:
    """A graph of units."""

    affinity: sparse.csr_array  # symmetric weights of the links
    inside: np.ndarray  # units of components that hold a sizable share of the samples
    component: np.ndarray  # numbers of these components, from 0 on; -1 elsewhere
    islands: list  # units of each small component that stands for itself

    def samples_of_components(self, hits):
        """Return how many samples each component holds, by those of its units."""
        return np.bincount(self.component[self.inside], weights=hits[self.inside])


def coactivation_graph(units):
    """Build the graph of relative co-activation of the units."""
    hits = units.hits
    rows, columns, between = both_ways(units.counts)
    steps = units.codebook[rows] - units.codebook[columns]
    lengths = np.linalg.norm(steps, axis=1).astype(np.float64, copy=False)

    # Units that stand apart are linked only among themselves.
    isolation, compact = _isolation(units, rows, columns, between, lengths)
    isolated = (isolation > _FAR) | (compact & (isolation > _FAR / 2))
    isolated &= hits >= FEWEST
    same_side = isolated[rows] == isolated[columns]
    rows = rows[same_side]
    columns = columns[same_side]
    between = between[same_side]
    lengths = lengths[same_side]

    # What is torn by chance is linked again.
    affinity = _relative(rows, columns, between, hits)
    reach = _mean(rows, between, lengths, len(units))
    candidates = (hits > 0) & ~isolated
    links = _links_by_chance(units, affinity, candidates, reach)
    sparse_units = _sparse(affinity + links, hits)
    # Bridges of few samples between bodies are taken out, and gaps are bridged anew.
    if sparse_units.any():
        dense = sparse.diags_array((~sparse_units).astype(np.float64))
        affinity = sparse.csr_array(dense @ affinity @ dense)
        links = _links_by_chance(units, affinity, candidates & ~sparse_units, reach)
    affinity = affinity + links
    _, component = connected_components(affinity, directed=False)
    samples = np.bincount(component, weights=np.where(sparse_units, 0, hits))
    # One component is sizable in any case.
    sizable = samples >= min(least_samples(hits), samples.max())
    inside = sizable[component]

    # Of the small ones, those far from all else stand for themselves, the farthest
    # first.
    fewest_of_island = max(FEWEST, _SMALLEST_SHARE * hits.sum())
    distances = []
    islands = []
    for number in np.flatnonzero(~sizable & (samples >= fewest_of_island)):
        in_island = component == number
        isolation_inside = np.max(isolation[in_island & isolated], initial=0.0)
        distance = max(_gap(units, in_island, reach), isolation_inside)
        if distance >= _FAR / 2:
            distances.append(distance)
            islands.append(np.flatnonzero(in_island))
    order = np.argsort(-np.array(distances), kind="stable")
    return CoactivationGraph(
        affinity=affinity,
        inside=inside,
        component=_renumbered(component, inside),
        islands=[islands[number] for number in order],
    )


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
    samples = np.minimum(hits[rows], hits[columns]) + hits.mean()
    return sparse.csr_array(
        (between / samples, (rows, columns)), shape=(len(hits), len(hits))
    )


def _sparse(affinity, hits):
    """Return which units hold few samples compared with others of their component."""
    _, component = connected_components(affinity, directed=False)
    samples = np.bincount(component, weights=hits)
    n_hit = np.bincount(component, weights=hits > 0)
    mean = samples / np.maximum(n_hit, 1)
    return (hits > 0) & (hits < _SPARSE * mean[component])


def _links_by_chance(units, affinity, candidates, reach):
    """Link components that are as near to each other as linked units are."""
    unit = np.flatnonzero(candidates)
    _, component = connected_components(affinity, directed=False)
    component = _renumbered(component, candidates)
    gaps, ends = component_gaps(units.codebook[unit], component[unit])
    tree = tree_of_gaps(gaps)
    first = unit[ends[tree.row, tree.col]]
    second = unit[ends[tree.col, tree.row]]
    near = tree.data <= _NEAR * np.maximum(reach[first], reach[second])
    # As if one sample lay between them.
    links = _relative(first[near], second[near], 1.0, units.hits)
    return links + links.T


def _gap(units, in_island, reach):
    """Measure the distance of an island to all else, in lengths of links."""
    has_samples = units.hits > 0
    inside = np.flatnonzero(in_island & has_samples)
    outside = np.flatnonzero(~in_island & has_samples)
    distances = distances_to_units(units.codebook[inside], units.codebook[outside])
    row, column = np.unravel_index(np.argmin(distances), distances.shape)
    length = max(reach[inside[row]], reach[outside[column]])
    if length > 0:
        return float(distances[row, column]) / length
    return np.inf


def number_by_gaps(graph, hits):
    """Return how many clusters gaps part, and the next gaps, the widest first."""
    n_clusters = 0
    samples = graph.samples_of_components(hits)
    # What is torn off needs fewer samples to be believed.
    large = samples >= min(fewest_samples(samples.sum()) / 2, samples.max())
    gaps = []
    for number in np.flatnonzero(large):
        in_component = graph.component == number
        clusters, gaps_inside = clusters_by_gaps(
            _links_among(graph.affinity, in_component), hits[in_component]
        )
        n_clusters += clusters.max() + 1
        share = samples[number] / samples.sum()
        for gap in gaps_inside:
            gaps.append(gap._replace(share=float(gap.share * share)))
    return int(n_clusters), sorted(gaps)


def _count_bodies(graph, hits):
    """Return how many clusters the components have by themselves."""
    n_bodies = 0
    for number, n_samples in enumerate(graph.samples_of_components(hits)):
        affinity = _links_among(graph.affinity, graph.component == number)
        n_bodies += plausible_number(affinity, n_samples)
    return n_bodies


def least_samples(hits):
    """Return the fewest samples of a component; a larger share in a small table."""
    n_samples = hits.sum()
    return max(_SMALLEST * np.sqrt(n_samples), _SMALLEST_SHARE * n_samples)


def _links_among(affinity, units):
    """Return the links of some units among themselves."""
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
        _, groups_of_hit = np.unique(groups[hit], return_inverse=True)
        self._n_hit = len(hit)
        # Pairs of units to join inside the groups, those that part last first.
        self._joins = _joins(units.codebook[hit], units.hits[hit], groups_of_hit)

    def groups(self, n_groups):
        """Return the part of each unit when there are so many parts."""
        joins = self._joins[: self._n_hit - min(n_groups, self._n_hit)]
        links = sparse.coo_array(
            (np.ones(len(joins)), (joins[:, 0], joins[:, 1])),
            shape=(self._n_hit, self._n_hit),
        )
        _, parts = connected_components(links, directed=False)
        return spread(parts, self._units.hits > 0, self._units.codebook)


def _joins(codebook, hits, groups):
    """Return pairs of units to join inside the groups, those that part last first."""
    pairs = []
    is_enough = []
    lengths = [np.empty(0)]
    for group in range(groups.max() + 1):
        members = np.flatnonzero(groups == group)
        if len(members) < 2:
            continue
        # Step i of the linkage makes branch len(members) + i; branches before are
        # single units.
        steps = linkage(codebook[members], "single")
        no_units = np.zeros(len(steps), dtype=np.intp)
        unit_of_branch = np.concatenate([members, no_units])
        samples = np.concatenate([hits[members], np.zeros(len(steps))])
        branches = steps[:, :2].astype(np.intp)
        for number, (left, right) in enumerate(branches, start=len(members)):
            unit_of_branch[number] = unit_of_branch[left]
            samples[number] = samples[left] + samples[right]
            pairs.append((unit_of_branch[left], unit_of_branch[right]))
            is_enough.append(min(samples[left], samples[right]) >= FEWEST)
        lengths.append(steps[:, 2])
    order = np.lexsort((np.concatenate(lengths), is_enough))
    return np.array(pairs, dtype=np.intp).reshape(-1, 2)[order]
