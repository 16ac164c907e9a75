# SPDX-License-Identifier: BSD-3-Clause
"""A mixture of normals from moments of units, doi:10.1109/ICPR.2000.906021."""

from typing import NamedTuple

import numpy as np
from sklearn.cluster import KMeans

from skesom._common.blocks import work_blocks
from skesom._common.threads import one_blas_thread, one_thread
from skesom.som._codebook import readable
from skesom.som._grouping import most_probable, rows_abreast
from skesom.som._second_stage._spectral import MOST_STEPS, NO_GAP, conductances
from skesom.som._threads import effective_n_threads

_AS_GOOD = 2.0  # a mixture may cut so many times as many links as the cut of the graph
_RIDGE = 0.01  # of the variance of a feature, added to that of every normal


class NormalMixture(NamedTuple):
    """Normal distributions, each of which is a cluster."""

    means: np.ndarray  # (n_normals, n_features)
    # (n_normals, n_features, n_features) or (n_normals, n_features): (x - mean) @
    # factor, or * factor, has the Mahalanobis length.
    factors: np.ndarray
    constants: np.ndarray  # (n_normals,), log of the share of each, and of its peak
    labels: np.ndarray  # (n_normals,), cluster of each, int32

    def label(self, X):
        """Return the label of the most probable normal of each row, -1 without any."""
        # Upper triangles, whose rows the kernel reads in order; or rows of factors.
        factors = np.ascontiguousarray(np.atleast_3d(self.factors).transpose(0, 2, 1))
        X, n_threads = readable(X), effective_n_threads(len(X) * factors.size)
        room = np.empty((n_threads, 2 * X.shape[1], rows_abreast))
        numbers = np.empty(len(X), dtype=np.int32)
        normals = self.means, factors, self.constants
        for rows in work_blocks(len(X), factors.size, n_threads):
            most_probable(X[rows], *normals, room, numbers[rows], n_threads)
        return np.append(self.labels, np.int32(-1))[numbers]


def cut_or_mixture(affinity, units, groups, least=0, tail=0):
    """Keep the cut of a graph where it follows gaps, and else fit normals.

    Normals of no more than `least` samples are not taken; few links to a group of no
    more than `tail` samples are no gap.
    """
    n_clusters = len(np.unique(groups))
    if np.count_nonzero(units.hits) <= n_clusters:
        return groups, None
    worst = conductances(affinity, groups).max()
    smallest = np.bincount(groups, weights=units.hits).min()
    is_gap = worst <= NO_GAP and smallest > tail
    most = _AS_GOOD * worst if is_gap else 1.0
    best, best_mixture, likelihood = groups, None, -np.inf
    with one_blas_thread():
        for start in (groups, _k_means(units, n_clusters)):
            try:
                found, log_likelihood, mixture = fitted_mixture(units, start)
            except np.linalg.LinAlgError:  # normals that rounding has left without form
                continue
            held = np.bincount(found, weights=units.hits, minlength=n_clusters)
            if held.min() <= least or not log_likelihood > likelihood:
                continue
            if conductances(affinity, found).max() <= most:
                best, best_mixture, likelihood = found, mixture, log_likelihood
    return best, best_mixture


def _k_means(units, n_clusters):
    weights = units.hits.astype(np.float64)
    means = KMeans(n_clusters, n_init=1, random_state=0)
    with one_thread():  # each would add up on its own, in any order
        return means.fit(units.means, sample_weight=weights).labels_


def fitted_mixture(units, groups):
    """Fit as many normal distributions as there are groups to start from."""
    first, second, center, widths = _scaled_moments(units)
    share = units.hits / units.hits.sum()
    belonging = np.eye(groups.max() + 1)[groups]
    last = -np.inf
    for _ in range(MOST_STEPS):
        normals = _normals(first, second, belonging * share[:, None])
        log_density = _expected_log_densities(first, second, *normals)
        highest = log_density.max(axis=1)
        belonging = np.exp(log_density - highest[:, None])
        total = belonging.sum(axis=1)
        belonging /= total[:, None]
        log_likelihood = float(share @ (highest + np.log(total)))
        if log_likelihood - last < 1e-4:
            break
        last = log_likelihood
    means, precisions, constants = normals
    if precisions.ndim == 2:
        factors = np.sqrt(precisions) * _inverse(widths)
    else:
        factors = np.linalg.cholesky(precisions) * _inverse(widths)[:, None]
    numbers = np.arange(len(means), dtype=np.int32)
    mixture = NormalMixture(center + means * widths, factors, constants, numbers)
    return log_density.argmax(axis=1), log_likelihood, mixture


def _scaled_moments(units):
    """Return moments of each unit for features of unit variance, and how they scale."""
    share = units.hits / units.hits.sum()
    center = share @ units.means
    first = units.means - center
    full = units.covariances.ndim == 3
    variances = units.covariances
    if full:
        variances = np.diagonal(variances, axis1=1, axis2=2)
    widths = np.sqrt(share @ (variances + first**2))
    # A feature that varies by the rounding of its values only tells nothing.
    rounding = np.finfo(units.codebook.dtype).eps * np.abs(units.means).max(axis=0)
    widths[widths <= rounding] = 0
    scale = _inverse(widths)
    first = first * scale
    if full:
        second = units.covariances * scale[:, None] * scale
        second = second + first[:, :, None] * first[:, None, :]
    else:
        second = units.covariances * scale**2 + first**2
    return first, second, center, widths


def _inverse(widths):
    """Return the inverse of widths, 0 for features that do not vary."""
    return np.divide(1.0, widths, out=np.zeros_like(widths), where=widths > 0)


def _normals(first, second, weights):
    """Fit normals to units, by a column of weights each.

    Means, precisions and the logs of the shares times the heights are returned.
    """
    share = np.maximum(weights.sum(axis=0), np.finfo(float).tiny)
    means = (weights.T @ first) / share[:, None]
    moments = (weights.T @ second.reshape(len(second), -1)) / share[:, None]
    precisions, log_volumes = _precisions(moments, means, second.ndim == 3)
    volumes = log_volumes + first.shape[1] * np.log(2 * np.pi)
    return means, precisions, np.log(share) - 0.5 * volumes


def _expected_log_densities(first, second, means, precisions, constants):
    """Return the mean log density of the samples of each unit under each normal."""
    squares = second.reshape(len(second), -1)
    if second.ndim == 3:
        along = np.einsum("kij,kj->ki", precisions, means)
    else:
        along = precisions * means
    spread = squares @ precisions.reshape(len(means), -1).T
    distance = spread - 2 * first @ along.T + np.sum(means * along, axis=1)
    return constants - 0.5 * distance


def _precisions(moments, means, full):
    """Return the inverse covariances of the normals, and logs of their determinants."""
    if not full:
        variances = np.maximum(moments - means**2, 0) + _RIDGE
        return 1 / variances, np.log(variances).sum(axis=1)
    n_features = means.shape[1]
    outer = means[:, :, np.newaxis] * means[:, np.newaxis, :]
    covariances = moments.reshape(-1, n_features, n_features) - outer
    covariances = covariances + _RIDGE * np.eye(n_features)
    factors = np.linalg.cholesky(covariances)
    log_volumes = 2 * np.log(np.einsum("kii->ki", factors)).sum(axis=1)
    return np.linalg.inv(covariances), log_volumes
