# SPDX-License-Identifier: BSD-3-Clause
"""A mixture of normal distributions from the units of a map.

Hits, means and covariances of the units' samples stand for the samples [1]_: with them
the M step of expectation-maximisation is exact, and the E step takes the expected
log density of a unit's samples. One iteration costs as much as so many units, however
many samples there are.

References
----------
.. [1] Bradley, P., Reina, C. & Fayyad, U. (2000), "Clustering very large databases
   using EM mixture models", Proc. ICPR, vol. 2, 76-80, doi:10.1109/ICPR.2000.906021
"""

import numpy as np
from scipy import linalg
from sklearn.cluster import KMeans

from skesom.som._second_stage._spectral import conductances
from skesom.som._threads import one_blas_thread

_AS_GOOD = 2.0  # a mixture may cut so many times as many links as the cut of the graph
_NO_GAP = 0.1  # share of cut links from which on a cut follows no gap
_RIDGE = 0.01  # of the variance of a feature, added to that of every normal
_ITERATIONS = 50
_STARTS = 3  # of k-means
_SEED = 0
_TOLERANCE = 1e-4  # of the mean log likelihood


def cut_or_mixture(affinity, units, groups):
    """Keep the cut of a graph where it follows gaps, and else fit normal distributions.

    Normals overlap where no samples are few, and gaps bend where no normal does. So a
    mixture is taken if it cuts about as few links, or if the cut itself is none along
    gaps. It starts from the cut and from k-means; the more likely of the two is kept.

    Parameters
    ----------
    affinity : csr_array of shape (n_units, n_units)
        Symmetric weights of the links.
    units : Units
        The same units, with means and covariances.
    groups : ndarray of shape (n_units,)
        The cut, from 0 on, none empty.

    Returns
    -------
    groups : ndarray of shape (n_units,)
        As many, none empty.
    """
    n_clusters = groups.max() + 1
    if np.count_nonzero(units.hits) <= n_clusters:
        return groups
    worst = conductances(affinity, groups).max()
    most = 1.0 if worst > _NO_GAP else _AS_GOOD * worst
    best, likelihood = groups, -np.inf
    with one_blas_thread():
        for start in (groups, _k_means(units, n_clusters)):
            found, log_likelihood = fitted_mixture(units, start)
            if len(np.unique(found)) < n_clusters or log_likelihood <= likelihood:
                continue
            if conductances(affinity, found).max() <= most:
                best, likelihood = found, log_likelihood
    return best


def _k_means(units, n_clusters):
    weights = units.hits.astype(np.float64)
    means = KMeans(n_clusters, n_init=_STARTS, random_state=_SEED)
    return means.fit(units.means, sample_weight=weights).labels_


def fitted_mixture(units, groups):
    """Fit as many normal distributions as there are groups to start from.

    Parameters
    ----------
    units : Units
        Units of the map, with means and covariances.
    groups : ndarray of shape (n_units,)
        Groups of the units at the start, from 0 on, none empty.

    Returns
    -------
    groups : ndarray of shape (n_units,)
        The most probable normal of each unit; some may have none.
    log_likelihood : float
        Mean over the samples, of features of unit variance.
    """
    first, second = _scaled_moments(units)
    share = units.hits / units.hits.sum()
    belonging = np.eye(groups.max() + 1)[groups]
    last = -np.inf
    for _ in range(_ITERATIONS):
        log_density = _expected_log_densities(first, second, belonging * share[:, None])
        highest = log_density.max(axis=1)
        belonging = np.exp(log_density - highest[:, None])
        total = belonging.sum(axis=1)
        belonging /= total[:, None]
        log_likelihood = float(share @ (highest + np.log(total)))
        if log_likelihood - last < _TOLERANCE:
            break
        last = log_likelihood
    return log_density.argmax(axis=1), log_likelihood


def _scaled_moments(units):
    """Return first and second moments of each unit, for features of unit variance."""
    share = units.hits / units.hits.sum()
    first = units.means - share @ units.means
    full = units.covariances.ndim == 3
    variances = units.covariances
    if full:
        variances = np.diagonal(variances, axis1=1, axis2=2)
    widths = np.sqrt(share @ (variances + first**2))
    widths[widths == 0] = 1
    first = first / widths
    if full:
        second = units.covariances / (widths[:, None] * widths)
        return first, second + first[:, :, None] * first[:, None, :]
    return first, units.covariances / widths**2 + first**2


def _expected_log_densities(first, second, weights):
    """Fit normals to weighted units, and return the densities of these under them."""
    n_units, n_features = first.shape
    share = np.maximum(weights.sum(axis=0), np.finfo(float).tiny)
    means = (weights.T @ first) / share[:, None]
    squares = second.reshape(n_units, -1)
    moments = (weights.T @ squares) / share[:, None]
    precisions, log_volumes = _precisions(moments, means, second.ndim == 3)
    if second.ndim == 3:
        along = np.einsum("kij,kj->ki", precisions, means)
    else:
        along = precisions * means
    spread = squares @ precisions.reshape(len(means), -1).T
    distance = spread - 2 * first @ along.T + np.sum(means * along, axis=1)
    constant = n_features * np.log(2 * np.pi)
    return np.log(share) - 0.5 * (distance + log_volumes + constant)


def _precisions(moments, means, full):
    """Return the inverse covariances of the normals, and logs of their determinants."""
    if not full:
        variances = np.maximum(moments - means**2, 0) + _RIDGE
        return 1 / variances, np.log(variances).sum(axis=1)
    n_features = means.shape[1]
    ridge = _RIDGE * np.eye(n_features)
    precisions, log_volumes = [], []
    for moment, mean in zip(moments, means, strict=True):
        covariance = moment.reshape(n_features, n_features) - np.outer(mean, mean)
        factor = linalg.cho_factor(covariance + ridge)
        precisions.append(linalg.cho_solve(factor, np.eye(n_features)))
        log_volumes.append(2 * np.log(np.diagonal(factor[0])).sum())
    return np.array(precisions), np.array(log_volumes)
