# SPDX-License-Identifier: BSD-3-Clause
"""Cuts of the units into groups that are each like one normal distribution.

Model-based agglomerative clustering (Banfield & Raftery 1993, doi:10.2307/2532201;
Fraley 1998, doi:10.1137/S1064827596311451): from small pieces on, the two groups are
joined whose union is least worse described by one normal than by two. The measure is
the classification likelihood with shares of the groups (Symons 1981,
doi:10.2307/2530161), of n samples with the covariance S: minus half of ::

    n log |S| - 2 n log n

The second term is what a halved body pays: it costs more to tell which half a sample
is in than the narrower normals gain. From these groups on, normals are fitted to the
moments of the units by expectation maximization (Dempster, Laird & Rubin 1977): cuts of
two maps of one table then agree more (docs/second_stage.md).
"""

import numpy as np
from sklearn.cluster import KMeans

from skesom._common.threads import one_blas_thread, one_thread
from skesom.som.second_stage.units import spread

_N_PIECES = 48  # that are joined; more cost time, and 32 tell fewer rare groups
_RIDGE = 0.01  # of the variance of a feature, added to that of every normal
_MOST_REFINED = 20  # groups, as more take long and have few units each
_MOST_STEPS = 30  # of expectation maximization
_ENOUGH = 1e-4  # gain of the mean log likelihood below which it ends


def cuts_by_normals(units, inside, islands, numbers):
    """Return the groups of all units for each number that there are pieces for.

    Parameters
    ----------
    units : Units
        With means and covariances.
    inside : ndarray of bool of shape (n_units,)
        Units of the bodies.
    islands : list of ndarray of int
        Units of each group that stands apart, which is a piece of its own.
    numbers : sequence of int

    Returns
    -------
    cuts : dict of int to ndarray of shape (n_units,)
    """
    pieces = _pieces(units, inside, islands)
    groups = _Groups(units, pieces)
    moments = _scaled_moments(units)
    wanted = set(numbers)
    cuts = {}
    with one_blas_thread():
        while True:
            n_groups = groups.n_groups
            if n_groups in wanted:
                cut = groups.of_pieces()[pieces]
                if n_groups <= _MOST_REFINED:
                    cut = _refined(*moments, cut)
                cuts[n_groups] = cut
            if n_groups <= min(wanted, default=1):
                return cuts
            groups.join_closest()


def _pieces(units, inside, islands):
    """Return small pieces of the bodies by k-means, and the islands."""
    held = np.flatnonzero(inside & (units.hits > 0))
    piece = np.full(len(units), -1, dtype=np.intp)
    means = KMeans(min(_N_PIECES, len(held)), n_init=1, random_state=0)
    with one_thread():  # each thread would add up on its own, in any order
        means.fit(units.means[held], sample_weight=units.hits[held].astype(np.float64))
    piece[held] = means.labels_
    for number, island in enumerate(islands, start=len(held)):
        piece[island] = number
    known = piece >= 0
    piece = spread(piece[known], known, units.codebook)
    return np.unique(piece, return_inverse=True)[1]


class _Groups:
    """Groups of pieces with their moments, and what it costs to join two of them."""

    def __init__(self, units, pieces):
        n_pieces = pieces.max() + 1
        hits, first, second = _scaled_moments(units)
        self._held = np.bincount(pieces, weights=hits, minlength=n_pieces)
        self._first = np.zeros((n_pieces, first.shape[1]))
        np.add.at(self._first, pieces, hits[:, np.newaxis] * first)
        self._second = np.zeros((n_pieces, *second.shape[1:]))
        scale = hits.reshape(-1, *([1] * (second.ndim - 1)))
        np.add.at(self._second, pieces, scale * second)
        self._group = np.arange(n_pieces)
        self._alive = self._held > 0
        self._own = np.zeros(n_pieces)
        alive = np.flatnonzero(self._alive)
        self._own[alive] = self._cost(alive)
        self._of_pairs = np.full((n_pieces, n_pieces), np.inf)
        for place, one in enumerate(alive[:-1]):
            self._measure(one, alive[place + 1 :])

    @property
    def n_groups(self):
        """Number of groups that have samples."""
        return int(np.count_nonzero(self._alive))

    def of_pieces(self):
        """Return the group of each piece, from 0 on."""
        group = self._group.copy()
        # Pieces without samples have no group: any will do, as nobody is in them.
        group[~np.isin(group, np.flatnonzero(self._alive))] = np.argmax(self._alive)
        return np.unique(group, return_inverse=True)[1]

    def join_closest(self):
        """Join the two groups whose union is least worse."""
        one, other = np.unravel_index(np.argmin(self._of_pairs), self._of_pairs.shape)
        for sums in (self._held, self._first, self._second):
            sums[one] += sums[other]
        self._group[self._group == other] = one
        self._alive[other] = False
        self._own[one] = self._cost(np.array([one]))[0]
        self._of_pairs[other] = np.inf
        self._of_pairs[:, other] = np.inf
        rest = np.flatnonzero(self._alive)
        self._measure(one, rest[rest != one])

    def _measure(self, one, others):
        """Set the costs of joining a group with each of some others."""
        if len(others) == 0:
            return
        cost = self._cost(others, one) - self._own[others] - self._own[one]
        self._of_pairs[np.minimum(one, others), np.maximum(one, others)] = cost

    def _cost(self, groups, joined_with=None):
        """Return n log |S| - 2 n log n of groups, or of each joined with one more."""
        held = self._held[groups]
        first = self._first[groups]
        second = self._second[groups]
        if joined_with is not None:
            held = held + self._held[joined_with]
            first = first + self._first[joined_with]
            second = second + self._second[joined_with]
        means = first / held[:, np.newaxis]
        if second.ndim == 2:  # variances only, of many features
            variances = second / held[:, np.newaxis] - means**2
            log_volumes = np.log(variances.clip(0) + _RIDGE).sum(axis=1)
        else:
            covariances = second / held[:, np.newaxis, np.newaxis]
            covariances -= means[:, :, np.newaxis] * means[:, np.newaxis, :]
            covariances += _RIDGE * np.eye(means.shape[1])
            log_volumes = np.linalg.slogdet(covariances)[1]
        return held * log_volumes - 2 * held * np.log(held)


def _refined(hits, first, second, groups):
    """Return the most probable of the normals that grow from groups, for each unit."""
    share = hits / hits.sum()
    belonging = np.eye(groups.max() + 1)[groups]
    last = -np.inf
    for _ in range(_MOST_STEPS):
        log_density = _log_densities(first, second, belonging * share[:, np.newaxis])
        highest = log_density.max(axis=1)
        belonging = np.exp(log_density - highest[:, np.newaxis])
        total = belonging.sum(axis=1)
        belonging /= total[:, np.newaxis]
        log_likelihood = float(share @ (highest + np.log(total)))
        if log_likelihood - last < _ENOUGH:
            break
        last = log_likelihood
    return log_density.argmax(axis=1)


def _log_densities(first, second, weights):
    """Return the mean log density of the samples of units under normals.

    Each normal has the moments of the units by a column of weights.
    """
    share = np.maximum(weights.sum(axis=0), np.finfo(float).tiny)
    means = (weights.T @ first) / share[:, np.newaxis]
    n_features = first.shape[1]
    squares = second.reshape(len(second), -1)
    moments = (weights.T @ squares) / share[:, np.newaxis]
    if second.ndim == 2:
        variances = (moments - means**2).clip(0) + _RIDGE
        precisions = 1 / variances
        log_volumes = np.log(variances).sum(axis=1)
        along = precisions * means
    else:
        covariances = moments.reshape(-1, n_features, n_features)
        covariances = covariances - means[:, :, np.newaxis] * means[:, np.newaxis, :]
        covariances = covariances + _RIDGE * np.eye(n_features)
        precisions = np.linalg.inv(covariances)
        log_volumes = np.linalg.slogdet(covariances)[1]
        along = np.einsum("kij,kj->ki", precisions, means)
    distances = squares @ precisions.reshape(len(means), -1).T
    distances = distances - 2 * first @ along.T + np.sum(means * along, axis=1)
    constants = np.log(share) - 0.5 * (log_volumes + n_features * np.log(2 * np.pi))
    return constants - 0.5 * distances


def _scaled_moments(units):
    """Return samples, means and second moments of units, features of unit variance."""
    hits = units.hits.astype(np.float64)
    share = hits / hits.sum()
    center = share @ units.means
    first = units.means - center
    is_full = units.covariances.ndim == 3
    variances = units.covariances
    if is_full:
        variances = np.diagonal(variances, axis1=1, axis2=2)
    widths = np.sqrt(share @ (variances + first**2))
    # A feature that varies by the rounding of its values only tells nothing.
    rounding = np.finfo(units.codebook.dtype).eps * np.abs(units.means).max(axis=0)
    varies = widths > rounding
    scale = np.divide(1.0, widths, out=np.zeros_like(widths), where=varies)
    first = first * scale
    if is_full:
        second = units.covariances * scale[:, np.newaxis] * scale
        second = second + first[:, :, np.newaxis] * first[:, np.newaxis, :]
    else:
        second = units.covariances * scale**2 + first**2
    return hits, first, second
