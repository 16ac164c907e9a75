# SPDX-License-Identifier: BSD-3-Clause
"""How many clusters a graph of units has by itself, for n_clusters="auto".

A component is cut into many small pieces, and pieces are joined while their border is
no gap: "relative inter-connectivity" after Karypis, Han & Kumar (1999), Chameleon,
doi:10.1109/2.781637. A border is compared with what cuts its own pieces in two, at the
same place: tails, correlation and the number of features change both alike, so that
a null hypothesis need not be drawn.
"""

from typing import NamedTuple

import numpy as np
from scipy.sparse.csgraph import connected_components

from skesom.som._second_stage._spectral import (
    UNITS_EACH,
    cut,
    plausible_number,
    smallest_eigenpairs,
)

_MOST_PIECES = 20  # as many as there may be clusters
_GAP = 0.15  # of the links that cut a piece in two; noise seldom has less (.02 of maps)
_SMALLEST = 1.5  # roots of the number of samples: fewer are a tail, or chance
_FEWEST_UNITS = 4  # that can be cut in two


class Gap(NamedTuple):
    """A border at which samples could be parted, but are not."""

    links: float  # over the border, as a share of those that cut its sides in two
    share: float  # of all samples, on the smaller side


def fewest_samples(n_samples):
    """Return the fewest samples of a cluster that hangs together with others."""
    return _SMALLEST * np.sqrt(n_samples)


def clusters_by_gaps(affinity, hits):
    """Return the clusters of a connected graph, and the next gaps, widest first."""
    total = hits.sum()
    least = fewest_samples(total)
    groups, gaps = joined_pieces(affinity, hits, least)
    more = plausible_number(affinity, total) - (groups.max() + 1)
    if more > 0:
        parts = cut(smallest_eigenpairs(affinity, groups.max() + 1 + more)[1])
        if np.bincount(parts, hits).min() > least:
            return parts, gaps[more:]  # the widest are about what is cut
    return groups, gaps


def joined_pieces(affinity, hits, least):
    """Join the pieces of a connected graph that no gap parts; return groups and gaps.

    What has no more than `least` samples is joined too: a tail, or chance.
    """
    pieces = _pieces(affinity)
    n_pieces = pieces.max() + 1
    crossing, inside = _links_of_pieces(affinity, pieces)
    # Sums over the borders of all pieces of two groups, and the samples of groups.
    held = np.bincount(pieces, weights=hits).astype(np.float64)
    group, alive, gaps = np.arange(n_pieces), np.ones(n_pieces, dtype=bool), []
    while alive.sum() > 1:
        ratio = np.where(inside > 0, crossing / np.where(inside > 0, inside, 1), 0.0)
        ratio[~alive], ratio[:, ~alive] = -1, -1
        np.fill_diagonal(ratio, -1)
        if ratio.max() < _GAP:
            small = alive & (held <= least)
            if not small.any():
                break
            ratio[~small] = -1
        one, other = np.unravel_index(np.argmax(ratio), ratio.shape)
        share = min(held[one], held[other])
        if share > least:
            gaps.append(Gap(float(ratio[one, other]), float(share / hits.sum())))
        group[group == other] = one
        for sums in (crossing, inside):
            sums[one] += sums[other]
            sums[:, one] += sums[:, other]
        held[one] += held[other]
        alive[other] = False
    _, groups = np.unique(group[pieces], return_inverse=True)
    return groups, sorted(gaps)


def _pieces(affinity):
    """Cut a connected graph into pieces of a few units."""
    n_units = affinity.shape[0]
    n_pieces = min(_MOST_PIECES, n_units // UNITS_EACH)
    if n_pieces < 2:
        return np.zeros(n_units, dtype=np.intp)
    pieces = cut(smallest_eigenpairs(affinity, n_pieces)[1])
    return np.unique(pieces, return_inverse=True)[1]


def _links_of_pieces(affinity, pieces):
    """Return the links between pieces, and those that cut the weaker one in two."""
    n_pieces = pieces.max() + 1
    links = affinity.tocoo()
    ends = tuple(pieces[axis] for axis in links.coords)
    crossing = np.zeros((n_pieces, n_pieces))
    np.add.at(crossing, ends, links.data)
    np.fill_diagonal(crossing, 0)
    halves = np.array(
        [_links_of_halves(affinity, pieces == p) for p in range(n_pieces)]
    )
    known = np.isfinite(halves)
    halves[~known] = np.median(halves[known]) if known.any() else 1.0
    inside = np.minimum(halves[:, np.newaxis], halves) * (crossing > 0)
    return crossing, inside


def _links_of_halves(affinity, own):
    """Return the links that cut a piece in two, NaN for a piece of too few units."""
    if np.count_nonzero(own) < _FEWEST_UNITS:
        return np.nan
    part = affinity[own][:, own]
    n_parts, halves = connected_components(part, directed=False)
    if n_parts == 1:
        halves = cut(smallest_eigenpairs(part, 2)[1])
    links = part.tocoo()
    apart = halves[links.coords[0]] != halves[links.coords[1]]
    return max(links.data[apart].sum() / 2, 1e-9)
