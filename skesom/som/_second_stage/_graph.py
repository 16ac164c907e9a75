# SPDX-License-Identifier: BSD-3-Clause
"""The graph of relative co-activation, and clusters of units from it.

Links after Martinetz & Schulten (1994), doi:10.1016/0893-6080(94)90109-0; the rest,
explained in `docs/second_stage.md`, is the authors' own.
"""

from dataclasses import dataclass, replace
from functools import partial

import numpy as np
from scipy import sparse
from scipy.cluster.hierarchy import linkage
from scipy.sparse.csgraph import connected_components

from skesom.som._codebook import distances_to_units
from skesom.som._second_stage._mixture import cut_or_mixture
from skesom.som._second_stage._spectral import (
    UNITS_EACH,
    Spectrum,
    clusters_by_gaps,
    fewest_samples,
    plausible_number,
)
from skesom.som._second_stage._units import (
    FEWEST,
    both_ways,
    component_gaps,
    joined,
    root_of,
    spread,
    tree_of_gaps,
)

# ARI is the mean adjusted Rand index that is lost without the rule (tests/som/).
_NEAR = 1.7  # lengths of links: parts no farther are torn by chance; ARI .03 of shapes
_FAR = 4.0  # times as far as is usual nearby: isolated (a half: islands); .06 of shapes
_SPARSE = 0.2  # of the mean samples of a component's units: fewer are bridges; .01-.06
_SMALLEST = 0.5  # roots of the number of samples, in a part: less is chance; .3-.5
_SMALLEST_SHARE = 0.002  # of the samples, in an island, and in a part of a large table


def graph_clusters(units, n_clusters):
    """Cut the graph of relative co-activation; return groups, a mixture, and gaps.

    There may be fewer groups: where there are gaps, they are not more than these part.
    """
    graph = coactivation_graph(units)
    if n_clusters == "auto":  # islands may be the ends of tails
        groups, gaps = cut_by_themselves(graph, units.hits)
        found = groups >= 0
        return spread(groups[found], found, units.codebook), None, gaps
    groups, islands = _groups_at(graph, units, n_clusters, _spectrum(graph, n_clusters))
    found = groups.max() + 1
    if len(islands) or found < n_clusters or units.covariances is None:
        return groups, None, ()
    body = replace(units, hits=np.where(graph.inside, units.hits, 0))
    limits = _least(units.hits), fewest_samples(units.hits.sum())
    groups, mixture = cut_or_mixture(graph.affinity, body, groups, *limits)
    return spread(groups[graph.inside], graph.inside, units.codebook), mixture, ()


def cuts_of_graph(units, numbers):
    """Return groups of units for each of several numbers, without normals."""
    graph, cuts = coactivation_graph(units), []
    spectrum = _spectrum(graph, max(numbers))
    enough = max(np.count_nonzero(graph.inside) // UNITS_EACH, 1)
    for number in numbers:
        groups, _ = _groups_at(graph, units, min(number, enough), spectrum)
        fewer = groups.max() + 1 < number
        cuts.append(parted(units, groups, number) if fewer else groups)
    return cuts


def _spectrum(graph, most):
    component = graph.component[graph.inside]
    if component.max() + 1 >= most:
        return None  # components are joined
    return Spectrum(_part(graph.affinity, graph.inside), component, most)


def _groups_at(graph, units, n_clusters, spectrum):
    """Return groups of all units, n_clusters or fewer, and which islands are groups."""
    islands = _islands_asked_for(graph, units, n_clusters)
    n_body = n_clusters - len(islands)
    component, inside = graph.component[graph.inside], graph.inside
    if component.max() + 1 >= n_body:
        groups = joined(units.codebook[inside], component, n_body)
    else:
        groups = spectrum.cut_along_gaps(n_body)
    everywhere = np.full(len(units), -1, dtype=np.intp)
    everywhere[inside] = groups
    for number, island in enumerate(islands, start=groups.max() + 1):
        everywhere[island] = number
    found = everywhere >= 0
    return spread(everywhere[found], found, units.codebook), islands


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
    sizable = held >= min(_least(hits), held.max())  # one component at least
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


def cut_by_themselves(graph, hits):
    """Cut each component into as many clusters as it has; return the next gaps too.

    Units outside, and of components that may be tails, have the group -1.
    """
    groups = np.full(len(graph.component), -1, dtype=np.intp)
    held = graph.held(hits)
    # What is torn off needs fewer samples to be believed.
    large = held >= min(fewest_samples(held.sum()) / 2, held.max())
    gaps = []
    for number in np.flatnonzero(large):
        own = graph.component == number
        parts, of_part = clusters_by_gaps(_part(graph.affinity, own), hits[own])
        groups[own] = groups.max() + 1 + parts
        share = held[number] / held.sum()
        gaps += [gap._replace(share=float(gap.share * share)) for gap in of_part]
    return groups, sorted(gaps)


def _islands_asked_for(graph, units, n_clusters):
    """Return the islands, if they and the body's clusters are n_clusters."""
    n_islands, n_components = len(graph.islands), graph.component.max() + 1
    if n_islands == 0 or not 1 < n_components < n_clusters:
        return []
    parts = (_part(graph.affinity, graph.component == c) for c in range(n_components))
    n_good = sum(map(plausible_number, parts, graph.held(units.hits)))
    return graph.islands if n_good + n_islands == n_clusters else []


def _least(hits):
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


def parted(units, groups, n_groups):
    """Part groups of units at the widest gaps inside them until there are n_groups.

    Gaps are the edges of the shortest tree that spans the units of a group; those that
    part enough samples come first. So the parts of a larger number lie inside those of
    a smaller one, and no body is halved while something lies apart.
    """
    hit = np.flatnonzero(units.hits > 0)
    _, of_hit = np.unique(groups[hit], return_inverse=True)
    merges = _merges(units.codebook[hit], units.hits[hit], of_hit)
    parts = _joined(len(hit), merges[: len(hit) - min(n_groups, len(hit))])
    return spread(parts, units.hits > 0, units.codebook)


def _merges(codebook, held, groups):
    """Return pairs of units to join inside the groups, those that part last first."""
    pairs, enough, lengths = [], [], []
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
            enough.append(min(inside[one], inside[other]) >= FEWEST)
        lengths.append(steps[:, 2])
    order = np.lexsort((np.concatenate([np.empty(0), *lengths]), enough))
    return np.array(pairs, dtype=np.intp).reshape(-1, 2)[order]


def _joined(n_units, pairs):
    """Return the group of each unit after pairs are joined."""
    top = np.arange(n_units)
    for one, other in pairs:
        top[root_of(top, other)] = root_of(top, one)
    return np.array([root_of(top, unit) for unit in range(n_units)])
