# SPDX-License-Identifier: BSD-3-Clause
"""Compare clusters with known objects: which types gather in which clusters."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from numbers import Integral
from typing import NamedTuple

import numpy as np
from astropy.table import Table
from astropy.units import Quantity
from astropy.wcs import WCS
from numpy.typing import ArrayLike
from scipy.special import betainc, ndtri, rel_entr
from sklearn.utils import check_random_state

from skesom._common.labels import MASKED, SKY, check_label_map
from skesom._types import Catalog, RandomState
from skesom.io import read_catalog
from skesom.maps._surroundings import Surroundings
from skesom.maps.positions import (
    check_wcs,
    describe_miss,
    find_positions,
    measure_in_pixels,
)

_RANGE = (0.025, 0.975)  # of 95 % of the draws
# Objects in a cluster, or there by chance, that can be significant: a single one is
# always somewhere.
_FEWEST = 2
# Standard deviations by which equal draws may differ: sums of shares depend on their
# order.
_Z_ROUNDING = 1e-4


class Crossmatch(NamedTuple):
    """Objects of a catalog in the clusters of a label map: result of `crossmatch`."""

    table: Table
    objects: Table
    n_outside: int
    n_masked: int

    def best(self):
        """Return the row of `table` with the largest ``z`` for each type."""
        z = self.matrix("z")
        n_types, n_clusters = z.shape
        first_rows = n_clusters * np.arange(n_types)
        return self.table[first_rows + z.argmax(axis=1)]

    def matrix(self, column):
        """Return a column of `table` as an array of shape (n_types, n_clusters)."""
        n_types = len(set(self.table["type"]))
        return np.asarray(self.table[column]).reshape(n_types, -1)


def crossmatch(
    label_map: ArrayLike,
    catalog: Catalog,
    *,
    wcs: WCS | None = None,
    radius: float | Quantity | str | None = None,
    uncertainty: float | Quantity | None = None,
    types: Sequence[str] | None = None,
    columns: Mapping[str, str] | None = None,
    object_type: str | None = None,
    n_draws: int = 1000,
    random_state: RandomState = 0,
) -> Crossmatch:
    """Count the objects of each type in each cluster, and compare with chance.

    Parameters
    ----------
    label_map : array-like of int of shape (n_rows, n_columns)
        Cluster of each pixel from 0; -1 is noise, counted as a cluster of its own. Sky
        (-2) and pixels without data (-3) are masked.
    catalog : str, os.PathLike, Table or sequence of regions
        Positions and types of objects, as `skesom.io.read_catalog` takes them.
    wcs : astropy.wcs.WCS, default=None
        Celestial WCS of the map, for positions on the sky, preferred to pixels then.
    radius : float, Quantity or str, default=None
        Size of the objects: in arcsec, or in pixels without a WCS; a Quantity or a text
        such as "3pix" says otherwise. An object counts for each cluster by its share of
        the pixels within this radius of the pixel of the object. By default only this
        pixel counts.
    uncertainty : float or Quantity, default=None
        Standard deviation of the positions in each direction, as `radius`. By default
        the column ``uncertainty`` of the catalog, or none.
    types : sequence of str, default=None
        Types to count, in this order; by default all, the most numerous first.
    columns : dict of str to str, default=None
        Names of the columns of names, types and positions, as for
        `skesom.io.read_catalog`.
    object_type : str, default=None
        Type of all objects, for catalogs of one type.
    n_draws : int, default=1000
        Number of draws of random positions, and of the uncertain positions.
    random_state : int, RandomState instance or None, default=0
        Determines the draws.

    Returns
    -------
    result : Crossmatch
        A named tuple of ``table``, ``objects``, ``n_outside`` and ``n_masked``; the two
        numbers are of objects outside of the map, and where all is masked. ``best()``
        returns the row of ``table`` with the largest ``z`` for each type, and
        ``matrix(column)`` a column of it as an array (n_types, n_clusters).

        ``table`` has a row for each type and cluster:

        - ``type``, ``n_objects`` (of the type, where not all is masked), ``cluster``;
        - ``count``: how many of them are in the cluster, a fraction if objects have a
          radius or uncertain positions;
        - ``share`` of these objects, ``area_share`` of the pixels not masked, and
          ``expected_share`` of random objects, which differs from ``area_share`` where
          a radius reaches over borders;
        - ``enrichment``: ``share / expected_share``, 1 for random objects;
        - ``enrichment_low``, ``enrichment_high``: its range of 95 % for other samples;
        - ``chance_low``, ``chance_high``: the range of 95 % for as many random places;
        - ``z``: difference from chance, in standard deviations of a Gaussian that
          deviates as rarely as the binomial distribution of so many objects;
        - ``p_value``: how often random places deviate as much in this cluster, 1 where
          fewer than two objects are in it and would be by chance;
        - ``p_any``: how often they deviate so significantly in any cluster;
        - ``purity``: the share of the type in all objects of the cluster, NaN without
          any; ``share`` is its completeness;
        - ``area_purity``, only with a radius: the share of the cluster's pixels that
          lie within it around objects of the type.

        ``objects`` has a row for each object within the map: the columns of the
        catalog, ``x`` and ``y`` (pixels from 0), the ``cluster`` that holds most of it
        (-2 if that is sky, -3 without data) and the ``cluster_share`` of this one.

    Raises
    ------
    ValueError
        If the label map or the catalog cannot be used, no object (of a type) lies in
        the map, a WCS is missing, or all is masked.

    See Also
    --------
    CrossmatchDisplay : The result as a picture.

    Notes
    -----
    *Chance* is as many independent positions as a type has objects, uniform over the
    pixels where not all within the radius is masked. Probabilities are counted in the
    draws and the observation: the least is 1 / (`n_draws` + 1), twice that for
    ``p_value`` [1]_. ``p_any`` compares the largest ``|z|`` over all clusters [2]_.
    Objects in groups are not independent, so their significance is overrated. An object
    whose drawn uncertain position is masked or outside does not count in this draw.

    References
    ----------
    .. [1] Phipson & Smyth (2010), Permutation P-values Should Never Be Zero, Stat.
       Appl. Genet. Mol. Biol. 9, 39.
    .. [2] Westfall & Young (1993), Resampling-Based Multiple Testing, Wiley.

    Examples
    --------
    >>> import numpy as np
    >>> from astropy.table import Table
    >>> from skesom.maps import crossmatch
    >>> label_map = np.zeros((20, 20), dtype=int)
    >>> label_map[:4, :5] = 1  # one pixel in twenty
    >>> nebulae = Table({"x": [0, 1, 2, 3, 15], "y": [0, 1, 2, 2, 15]})
    >>> result = crossmatch(label_map, nebulae, object_type="HII")
    >>> row = result.best()[0]
    >>> int(row["cluster"]), float(row["count"]), round(float(row["enrichment"]))
    (1, 4.0, 16)
    >>> bool(row["p_any"] < 0.01)
    True
    """
    labels = check_label_map(label_map)
    if not isinstance(n_draws, Integral) or n_draws < 1:
        raise ValueError(f"n_draws must be a positive integer, got {n_draws!r}.")
    wcs = check_wcs(wcs)
    objects = read_catalog(catalog, columns=columns, object_type=object_type)
    objects["x"], objects["y"] = find_positions(objects, wcs)
    if (labels < -1).all():
        raise ValueError("All pixels of label_map are masked.")
    reach = float(measure_in_pixels(radius, wcs, "radius"))
    sigmas = _find_sigmas(objects, uncertainty, wcs)
    surroundings = Surroundings(labels, reach)
    positions = np.stack([objects["x"], objects["y"]])
    pixels = surroundings.find_pixels(*positions)
    inside = pixels >= 0
    if not inside.any():
        raise ValueError(describe_miss(*positions, labels.shape, wcs))
    objects = objects[inside]
    sigmas = sigmas[inside]
    pixels = pixels[inside]
    positions = positions[:, inside]

    # Draws of all types are counted together, after the objects themselves one by one.
    is_known = surroundings.n_within[pixels] > 0
    object_types = np.asarray(objects["type"])
    types = _check_types(types, object_types[is_known])
    seeds = check_random_state(random_state).randint(2**31 - 1, size=4)
    rngs = np.random.default_rng(seeds).spawn(len(types))
    draws = [pixels[:, np.newaxis]]
    n_objects = []
    for type_name, rng in zip(types, rngs, strict=True):
        rows = np.flatnonzero(is_known & (object_types == type_name))
        draws += _draw_objects(
            surroundings, positions[:, rows], sigmas[rows], n_draws, rng
        )
        n_objects.append(len(rows))
    counts, means, spreads = surroundings.count(draws)
    shares_of_objects = counts[0]
    _add_clusters(objects, shares_of_objects, surroundings.labels, labels)

    columns_by_type = []
    for number in range(len(types)):
        first = 1 + 3 * number
        observed, resampled, random = counts[first : first + 3]
        columns_of_type = _compare_with_chance(
            observed=observed,
            resampled=resampled,
            random=random,
            area_shares=surroundings.area_shares,
            means=means,
            spreads=spreads,
            n_objects=n_objects[number],
        )
        columns_by_type.append(columns_of_type)
    is_other = ~np.isin(object_types, types)
    n_others = shares_of_objects[is_other].sum(axis=0)
    total = n_others + sum(of_type["count"] for of_type in columns_by_type)
    total = np.where(total > 0, total, np.nan)
    for type_name, of_type in zip(types, columns_by_type, strict=True):
        of_type["purity"] = of_type["count"] / total
        if radius is not None:
            pixels_of_type = pixels[object_types == type_name]
            of_type["area_purity"] = surroundings.measure_coverage(pixels_of_type)
    table = _make_table(types, n_objects, columns_by_type, surroundings.labels)
    table.meta["n_draws"] = n_draws
    return Crossmatch(
        table=table,
        objects=objects,
        n_outside=int(np.count_nonzero(~inside)),
        n_masked=int(np.count_nonzero(~is_known)),
    )


def _find_sigmas(objects, uncertainty, wcs):
    """Return the uncertainty of each position in pixels."""
    if uncertainty is None and "uncertainty" in objects.colnames:
        uncertainty = np.nan_to_num(np.asarray(objects["uncertainty"]), nan=0.0)
    sigmas = measure_in_pixels(uncertainty, wcs, "uncertainty")
    return np.broadcast_to(sigmas, len(objects))


def _add_clusters(objects, shares, labels, label_map):
    """Add the cluster that holds most of each object, and its share.

    Parameters
    ----------
    objects : Table
        Of objects inside of the map, with their columns x and rows y.
    shares : ndarray of shape (n_objects, n_clusters)
    labels : ndarray of int of shape (n_clusters,)
        Labels of the clusters.
    label_map : ndarray of int of shape (n_rows, n_columns)
    """
    row = np.rint(np.asarray(objects["y"])).astype(int)
    column = np.rint(np.asarray(objects["x"])).astype(int)
    masked_as = np.where(label_map[row, column] == SKY, SKY, MASKED)
    largest_share = shares.max(axis=1)
    label = labels[shares.argmax(axis=1)]
    objects["cluster"] = np.where(largest_share > 0, label, masked_as)
    objects["cluster_share"] = largest_share


def _check_types(types, object_types):
    """Return the types to count, all of which have objects."""
    found_types, counts = np.unique(object_types, return_counts=True)
    if len(found_types) == 0:
        raise ValueError("All objects lie where the label map is masked.")
    if types is None:
        by_number = np.lexsort((found_types, -counts))
        return found_types[by_number].tolist()
    if isinstance(types, str):
        types = [types]
    types = list(dict.fromkeys(types))
    for type_name in types:
        if type_name not in found_types:
            raise ValueError(
                f"The catalog has no object of type {type_name!r} in the map, but of "
                f"{', '.join(found_types)}."
            )
    return types


def _make_table(types, n_objects, columns_by_type, labels):
    """Return a row for each type and cluster."""
    table = Table()
    table["type"] = np.repeat(types, len(labels))
    table["n_objects"] = np.repeat(n_objects, len(labels))
    table["cluster"] = np.tile(labels, len(types))
    for name in columns_by_type[0]:
        table[name] = np.concatenate([of_type[name] for of_type in columns_by_type])
        table[name].info.format = ".3g"
    return table


def _draw_objects(surroundings, positions, sigmas, n_draws, rng):
    """Draw the pixels of the objects of one type, and random ones.

    Parameters
    ----------
    surroundings : Surroundings
    positions : ndarray of shape (2, n_objects)
        Columns and rows of the objects.
    sigmas : ndarray of shape (n_objects,)
        Their uncertainties in pixels.
    n_draws : int
    rng : numpy.random.Generator

    Returns
    -------
    observed : ndarray of int of shape (n_draws, n_objects)
        The objects at their uncertain positions; one draw if all are exact.
    resampled : ndarray of int of shape (n_draws, n_objects)
        As many of them with replacement, which tell the spread of other samples.
    random : ndarray of int of shape (n_draws, n_objects)
        As many random pixels.
    """
    n_objects = positions.shape[1]
    if sigmas.any():
        steps = rng.standard_normal((2, n_draws, n_objects)) * sigmas
        columns, rows = positions[:, np.newaxis] + steps
        observed = surroundings.find_pixels(columns, rows)
    else:
        columns, rows = positions
        observed = surroundings.find_pixels(columns, rows)[np.newaxis]
    shape = (n_draws, n_objects)
    chosen = rng.integers(n_objects, size=shape)
    resampled = np.take_along_axis(np.broadcast_to(observed, shape), chosen, axis=1)
    random = surroundings.pixels[rng.integers(len(surroundings.pixels), size=shape)]
    return observed, resampled, random


def _compare_with_chance(
    *, observed, resampled, random, area_shares, means, spreads, n_objects
):
    """Compare how many objects of one type are in each cluster with random ones.

    Parameters
    ----------
    observed, resampled, random : ndarray of shape (n_draws, n_clusters)
        Objects in each cluster, by the draws of `_draw_objects`.
    area_shares, means, spreads : ndarray of shape (n_clusters,)
        Attributes and results of `Surroundings`.
    n_objects : int

    Returns
    -------
    columns : dict of str to ndarray of shape (n_clusters,)
        By the names of the columns of `Crossmatch.table`.
    """
    count = observed.mean(axis=0)
    share = count / count.sum()
    low, high = np.quantile(_shares_of_draws(resampled), _RANGE, axis=0)
    random_shares = _shares_of_draws(random)
    chance_low, chance_high = np.quantile(random_shares, _RANGE, axis=0)
    z = _gaussian_deviations(share, means, spreads, n_objects)
    random_z = _gaussian_deviations(random_shares, means, spreads, n_objects)
    p_value, p_any = _probabilities(z, random_z)
    is_rare = np.maximum(count, n_objects * means) < _FEWEST
    return {
        "count": count,
        "share": share,
        "area_share": area_shares,
        "expected_share": means,
        "enrichment": share / means,
        "enrichment_low": low / means,
        "enrichment_high": high / means,
        "chance_low": chance_low / means,
        "chance_high": chance_high / means,
        "z": z,
        "p_value": np.where(is_rare, 1.0, p_value),
        "p_any": np.where(is_rare, 1.0, p_any),
    }


def _gaussian_deviations(shares, means, spreads, n_objects):
    """Return deviations of a Gaussian that are as rare as shares of so many objects.

    Chance is binomial. Objects with a radius count for several clusters, so their
    shares vary less, as those of more objects would: `n` is the number that has the
    same variance. The tail of a binomial distribution is an incomplete beta function,
    also for numbers that are no integers.
    """
    n = n_objects * means * (1 - means) / np.where(spreads > 0, spreads, 1) ** 2
    is_above = shares > means
    more = np.where(is_above, shares, 1 - shares)
    expected = np.where(is_above, means, 1 - means)
    tail = betainc(np.maximum(n * more, 1e-9), n * (1 - more) + 1, expected)
    # Where the tail is too small for a float, the relative entropy tells its logarithm.
    entropy = rel_entr(more, expected) + rel_entr(1 - more, 1 - expected)
    limit = np.sqrt(2 * n * np.maximum(entropy, 0))
    z = np.where(tail > 0, -ndtri(np.clip(tail, 1e-300, 0.5)), limit)
    return np.where(is_above, z, -z)


def _shares_of_draws(counts):
    """Return the shares of the clusters in the objects of each draw."""
    # All objects of a draw may lie outside of the map.
    totals = np.maximum(counts.sum(axis=1, keepdims=True), np.finfo(float).tiny)
    return counts / totals


def _probabilities(z, random_z):
    """Return the probabilities of such deviations in a cluster, and in any.

    The observation counts among the draws, so that no probability is 0 (Phipson & Smyth
    2010). Any cluster is the one that deviates most (Westfall & Young 1993).

    Parameters
    ----------
    z : ndarray of shape (n_clusters,)
        Of the objects.
    random_z : ndarray of shape (n_draws, n_clusters)
        Of random objects.
    """
    n_possible = len(random_z) + 1
    n_above = 1 + np.sum(random_z >= z - _Z_ROUNDING, axis=0)
    n_below = 1 + np.sum(random_z <= z + _Z_ROUNDING, axis=0)
    # Twice, as the deviation may be to either side.
    p_value = np.minimum(1.0, 2 * np.minimum(n_above, n_below) / n_possible)
    extremes = np.abs(random_z).max(axis=1, keepdims=True)
    n_any = 1 + np.sum(extremes >= np.abs(z) - _Z_ROUNDING, axis=0)
    return p_value, n_any / n_possible
