# SPDX-License-Identifier: BSD-3-Clause
"""How much objects gather in clusters, and how much random places would."""

import numpy as np

_RANGE = (0.025, 0.975)
# What sums of shares differ by for their order alone, in standard deviations.
_ROUNDING = 1e-4


def draw_places(surroundings, positions, sigmas, n_draws, rng):
    """Draw places of the objects of one type, and random ones."""
    n_objects = positions.shape[1]
    if sigmas.any():
        steps = rng.standard_normal((2, n_draws, n_objects)) * sigmas
        observed = surroundings.find_places(*(positions[:, np.newaxis] + steps))
    else:
        observed = surroundings.find_places(*positions)[np.newaxis]
    shape = (n_draws, n_objects)
    chosen = rng.integers(n_objects, size=shape)
    resampled = np.take_along_axis(np.broadcast_to(observed, shape), chosen, axis=1)
    random = surroundings.places[rng.integers(len(surroundings.places), size=shape)]
    return observed, resampled, random


def compare_with_chance(
    counts, resampled, random, *, area_shares, means, spreads, n_objects
):
    """Compare how many objects of one type are in each cluster with random places."""
    count = counts.mean(axis=0)
    share = count / count.sum()
    random = _shares(random)
    low, high = np.quantile(_shares(resampled), _RANGE, axis=0)
    chance_low, chance_high = np.quantile(random, _RANGE, axis=0)
    # One cluster alone has no spread, and always what it is expected to have.
    spreads = np.where(spreads > 0, spreads, 1) / np.sqrt(n_objects)
    z = (share - means) / spreads
    p_value, p_any = _probabilities(z, (random - means) / spreads)
    return {
        "count": count,
        "share": share,
        "area_share": area_shares,
        "enrichment": share / area_shares,
        "enrichment_low": low / area_shares,
        "enrichment_high": high / area_shares,
        "chance_low": chance_low / area_shares,
        "chance_high": chance_high / area_shares,
        "z": z,
        "p_value": p_value,
        "p_any": p_any,
    }


def _shares(counts):
    """Return the shares of the clusters in the objects of each draw."""
    # A draw may have lost all its objects beyond the edge of the map.
    totals = np.maximum(counts.sum(axis=1, keepdims=True), np.finfo(float).tiny)
    return counts / totals


def _probabilities(z, random_z):
    """Return how often chance deviates as much in a cluster, and in any."""
    n_draws = len(random_z)
    above = np.sum(random_z >= z - _ROUNDING, axis=0)
    below = np.sum(random_z <= z + _ROUNDING, axis=0)
    p_value = np.minimum(1.0, 2 * (1 + np.minimum(above, below)) / (n_draws + 1))
    extremes = np.abs(random_z).max(axis=1, keepdims=True)
    p_any = (1 + np.sum(extremes >= np.abs(z) - _ROUNDING, axis=0)) / (n_draws + 1)
    return p_value, p_any
