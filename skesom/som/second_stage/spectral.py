# SPDX-License-Identifier: BSD-3-Clause
"""Normalized cuts of a graph of units, and how many of them it supports.

Explained in `docs/second_stage.md`. After Ng, Jordan & Weiss (2001), NIPS 14, 849;
Damle, Minden & Ying (2019), doi:10.1093/imaiai/iay008; and Peng, Sun & Zanetti (2017),
doi:10.1137/15M1047209.

For n_clusters="auto" a component is cut into many small pieces, and pieces are joined
while their border is no gap: "relative inter-connectivity" after Karypis, Han & Kumar
(1999), Chameleon, doi:10.1109/2.781637. A border is compared with what cuts its own
pieces in two, at the same place: tails, correlation and the number of features change
both alike, so that a null hypothesis need not be drawn.
"""

from functools import cache
from typing import NamedTuple

import numpy as np
from scipy import linalg, sparse
from scipy.sparse.csgraph import connected_components
from scipy.sparse.linalg import ArpackNoConvergence, eigsh

from skesom._common.threads import one_blas_thread

_MOST_CLUSTERS = 20  # of n_clusters="auto", and pieces that these are joined from
_DENSE_UNITS = 600  # more are left to the sparse eigen-solver: 1600 in 0.1 s, not 2.3
_RESTARTS = 100  # of it, before the graph is factorised: 5 to 20 times as long
UNITS_EACH = 8  # of a cluster or piece, at least: fewer have no middle to cut through
_SAMPLES_EACH = 75  # of a cluster, at least
_SEPARATION = 1.35  # 1.2 parts .02 of tables of noise, and is right no more often
_HARDER = 2.0  # times as many links that cuts halve a body by as those along gaps
NO_GAP = 0.1  # share of cut links that is no gap; two seeds of a galaxy agree .02 more
_MOST_STEPS = 30  # of k-means on eigenvectors
_GAP = 0.15  # of the links that cut a piece in two; noise seldom has less (.02 of maps)


class Gap(NamedTuple):
    """A border at which samples could be parted, but are not."""

    links: float  # over the border, as a share of those that cut its sides in two
    share: float  # of all samples, on the smaller side


def plausible_number(affinity, n_samples):
    """Return how many clusters a connected graph has by itself."""
    n_units = affinity.shape[0]
    most = int(min(_MOST_CLUSTERS, n_units // UNITS_EACH, n_samples // _SAMPLES_EACH))
    if most < 2:
        return 1
    values, vectors = smallest_eigenpairs(affinity, most + 1)
    separations = [
        values[n] / max(np.max(conductances(affinity, cut(vectors[:, :n]))), 1e-12)
        for n in range(2, most + 1)
    ]
    best = int(np.argmax(separations))
    return best + 2 if separations[best] > _required(affinity) else 1


def _required(affinity):
    """Return how much harder than the cut it has to be to cut on."""
    # An even chain, cut in the middle, has 2 pi^2 / n_units.
    return _SEPARATION + 2 * np.pi**2 / affinity.shape[0]


def conductances(affinity, groups):
    """Return the share of the links of each group that leave it."""
    links = affinity.tocoo()
    ends = groups[links.coords[0]], groups[links.coords[1]]
    n_groups = groups.max() + 1
    volume = np.bincount(ends[0], links.data, minlength=n_groups)
    outside = ends[0] != ends[1]
    leaving = np.bincount(ends[0], links.data * outside, minlength=n_groups)
    return leaving / np.where(volume > 0, volume, 1)


class Spectrum:
    """The smallest eigenpairs of each component of a graph, by which it is cut."""

    def __init__(self, affinity, component, most):
        self._affinity = affinity
        self._units = [np.flatnonzero(component == c) for c in np.unique(component)]
        self._n_components = len(self._units)
        most = most - self._n_components + 2  # one more tells of the next cut
        self._pairs = [
            smallest_eigenpairs(affinity[own][:, own], min(most, len(own)))
            for own in self._units
        ]
        self._values = np.sort(np.concatenate([values for values, _ in self._pairs]))
        self._cut = cache(self._cut)  # a number is asked for again below larger ones

    def _cut(self, n_clusters):
        """Cut the components, fewer than n_clusters; return clusters, worst share."""
        # Rounding must not take its first eigenvalue, an exact zero, from a component.
        values = np.concatenate([np.r_[-1.0, values[1:]] for values, _ in self._pairs])
        lengths = [len(values) for values, _ in self._pairs]
        owner = np.repeat(np.arange(len(lengths)), lengths)
        shares = np.bincount(owner[np.argsort(values, kind="stable")[:n_clusters]])
        groups = np.empty(self._affinity.shape[0], dtype=np.intp)
        for own, (_, vectors), n_own, first in zip(
            self._units, self._pairs, shares, np.cumsum(shares) - shares, strict=True
        ):
            groups[own] = first + cut(vectors[:, :n_own])
        return groups, conductances(self._affinity, groups).max()

    def cut_along_gaps(self, n_clusters):
        """Cut into n_clusters, or into fewer if there are gaps, and only for these.

        A continuum has no gaps: there any number is as good, and balanced cuts are
        kept.
        """
        asked, most = self._cut(n_clusters)
        found = asked
        if most <= NO_GAP or len(asked) < UNITS_EACH * n_clusters:
            return asked
        for number in range(asked.max(), max(self._n_components - 1, 1), -1):
            if self._values[number - 1] > 2 * NO_GAP:  # at least half of it is cut
                continue
            groups, worst = self._cut(number)
            if worst > NO_GAP:
                continue
            if found is asked:
                if _HARDER * worst > most:
                    return asked
                found = groups
            if self._values[number] > _required(self._affinity) * worst:
                return found
        return asked


def cut(vectors):
    """Group the rows of as many eigenvectors as there are to be clusters."""
    n_units, n_clusters = vectors.shape
    if n_units <= n_clusters:
        return np.arange(n_units)
    with one_blas_thread():
        _, _, order = linalg.qr(vectors.T, mode="economic", pivoting=True)
        typical = order[:n_clusters]  # a unit in the middle of each cluster
        lengths = np.linalg.norm(vectors, axis=1, keepdims=True)
        directions = vectors / np.maximum(lengths, np.finfo(float).tiny)
        centers = directions[typical]
        for _ in range(_MOST_STEPS):
            distances = np.sum(centers**2, axis=1) - 2 * directions @ centers.T
            groups = np.argmin(distances, axis=1)
            groups[typical] = np.arange(n_clusters)  # so that no group is empty
            members, before = np.eye(n_clusters)[groups], centers
            centers = (members.T @ directions) / members.sum(axis=0)[:, None]
            if np.array_equal(before, centers):
                break
    return groups


def smallest_eigenpairs(affinity, n_pairs):
    """Find eigenpairs of the normalized Laplacian I - D^-1/2 A D^-1/2."""
    n_units = affinity.shape[0]
    degree = np.asarray(affinity.sum(axis=1)).ravel()
    scale = sparse.diags_array(1 / np.sqrt(np.maximum(degree, np.finfo(float).tiny)))
    normalized = (scale @ affinity @ scale).tocsr()
    with one_blas_thread():
        # One thread: LAPACK and ARPACK round differently for each number of them.
        if n_units <= max(_DENSE_UNITS, 2 * n_pairs):
            values, vectors = linalg.eigh(
                np.eye(n_units) - normalized.toarray(),
                subset_by_index=[0, min(n_pairs, n_units) - 1],
            )
        else:
            values, vectors = _sparse_eigenpairs(normalized, n_pairs)
    largest = np.argmax(np.abs(vectors), axis=0)
    return values, vectors * np.sign(vectors[largest, np.arange(vectors.shape[1])])


def _sparse_eigenpairs(normalized, n_pairs):
    """Find the largest eigenvalues of D^-1/2 A D^-1/2 by the Lanczos method."""
    n_units = normalized.shape[0]
    start = np.random.default_rng(0).normal(size=n_units)
    size = min(n_units, max(n_pairs + 40, 60))
    try:
        values, vectors = eigsh(
            normalized, k=n_pairs, which="LA", v0=start, ncv=size, maxiter=_RESTARTS
        )
        values = 1 - values
    except ArpackNoConvergence:
        # Small eigenvalues of long shapes are close together: the inverse parts them.
        laplacian = (sparse.eye_array(n_units) - normalized).tocsc()
        values, vectors = eigsh(laplacian, k=n_pairs, sigma=-0.001, v0=start)
    order = np.argsort(values, kind="stable")
    return values[order], vectors[:, order]


def fewest_samples(n_samples):
    """Return the fewest samples of a cluster that hangs together with others."""
    return 1.5 * np.sqrt(n_samples)  # fewer are a tail, or chance


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
        ratio[~alive], ratio[:, ~alive] = -1, -1  # below that of any pair
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
    n_pieces = min(_MOST_CLUSTERS, n_units // UNITS_EACH)
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
    if np.count_nonzero(own) < 4:  # which have no two halves
        return np.nan
    part = affinity[own][:, own]
    n_parts, halves = connected_components(part, directed=False)
    if n_parts == 1:
        halves = cut(smallest_eigenpairs(part, 2)[1])
    links = part.tocoo()
    apart = halves[links.coords[0]] != halves[links.coords[1]]
    return max(links.data[apart].sum() / 2, 1e-9)
