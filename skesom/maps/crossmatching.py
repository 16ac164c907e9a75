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
from scipy.signal import oaconvolve
from scipy.special import betainc, ndtri, rel_entr
from sklearn.utils import check_random_state

from skesom._common.labels import MASKED, SKY, check_label_map
from skesom._types import Catalog, RandomState
from skesom.io import read_catalog
from skesom.maps.positions import (
    ROUNDING,
    check_wcs,
    describe_miss,
    find_positions,
    in_image,
    measure_in_pixels,
)

_RANGE = (0.025, 0.975)  # of 95 % of the draws
_FEWEST = 2  # objects, there or by chance: a single one is always somewhere
_Z_ROUNDING = 1e-4  # sums of shares depend on their order, in standard deviations


class Crossmatch(NamedTuple):
    """Objects of a catalog in the clusters of a label map: result of `crossmatch`."""

    table: Table
    objects: Table
    n_outside: int
    n_masked: int

    def best(self):
        """Return the row of `table` with the largest ``z`` for each type."""
        z = self.matrix("z")
        return self.table[z.argmax(axis=1) + z.shape[1] * np.arange(len(z))]

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
    surroundings = _Surroundings(labels, reach)
    positions = np.stack([objects["x"], objects["y"]])
    places = surroundings.find_places(*positions)
    inside = places >= 0
    if not inside.any():
        raise ValueError(describe_miss(*positions, labels.shape, wcs))
    objects, sigmas, places = objects[inside], sigmas[inside], places[inside]
    positions = positions[:, inside]

    known = surroundings.n_known[places] > 0
    kinds = np.asarray(objects["type"])
    types = _check_types(types, kinds[known])
    seeds = check_random_state(random_state).randint(2**31 - 1, size=4)
    rngs = np.random.default_rng(seeds).spawn(len(types))
    draws, n_objects = [], []
    for kind, rng in zip(types, rngs, strict=True):
        rows = np.flatnonzero(known & (kinds == kind))
        own = positions[:, rows], sigmas[rows]
        draws += _draw_places(surroundings, *own, n_draws, rng)
        n_objects.append(len(rows))
    counts, means, spreads = surroundings.count([places[:, np.newaxis], *draws])
    _add_clusters(objects, counts[0], surroundings.labels, labels)
    chance = surroundings.area_shares, means, spreads
    parts = [
        _compare_with_chance(*counts[3 * i + 1 : 3 * i + 4], *chance, n)
        for i, n in enumerate(n_objects)
    ]
    others = counts[0][~np.isin(kinds, types)].sum(axis=0)
    total = others + sum(part["count"] for part in parts)
    for part, kind in zip(parts, types, strict=True):
        part["purity"] = part["count"] / np.where(total > 0, total, np.nan)
        if radius is not None:
            part["area_purity"] = surroundings.covered(places[kinds == kind])
    table = _make_table(types, n_objects, parts, surroundings.labels)
    table.meta["n_draws"] = n_draws
    n_outside, n_masked = np.count_nonzero(~inside), np.count_nonzero(~known)
    return Crossmatch(table, objects, int(n_outside), int(n_masked))


def _find_sigmas(objects, uncertainty, wcs):
    """Return the uncertainty of each position in pixels."""
    if uncertainty is None and "uncertainty" in objects.colnames:
        uncertainty = np.nan_to_num(np.asarray(objects["uncertainty"]), nan=0.0)
    sigmas = measure_in_pixels(uncertainty, wcs, "uncertainty")
    return np.broadcast_to(sigmas, len(objects))


def _add_clusters(objects, shares, labels, label_map):
    """Add the cluster that holds most of each object, and its share."""
    best, share = shares.argmax(axis=1), shares.max(axis=1)
    row, column = (
        np.clip(np.rint(np.asarray(objects[axis])).astype(int), 0, length - 1)
        for axis, length in zip("yx", label_map.shape, strict=True)
    )
    below = np.where(label_map[row, column] == SKY, SKY, MASKED)
    objects["cluster"] = np.where(share > 0, labels[best], below)
    objects["cluster_share"] = share


def _check_types(types, kinds):
    """Return the types to count, all of which have objects."""
    found, counts = np.unique(kinds, return_counts=True)
    if len(found) == 0:
        raise ValueError("All objects lie where the label map is masked.")
    if types is None:
        return found[np.lexsort((found, -counts))].tolist()
    types = [types] if isinstance(types, str) else list(dict.fromkeys(types))
    for kind in types:
        if kind not in found:
            raise ValueError(
                f"The catalog has no object of type {kind!r} in the map, but of "
                f"{', '.join(found)}."
            )
    return types


def _make_table(types, n_objects, parts, labels):
    """Return a row for each type and cluster."""
    table = Table()
    table["type"] = np.repeat(types, len(labels))
    table["n_objects"] = np.repeat(n_objects, len(labels))
    table["cluster"] = np.tile(labels, len(types))
    for name in parts[0]:
        table[name] = np.concatenate([part[name] for part in parts])
        table[name].info.format = ".3g"
    return table


def _draw_places(surroundings, positions, sigmas, n_draws, rng):
    """Draw places of the objects of one type, and random ones."""
    # Places as observed, samples of them for the spread, and those of chance.
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


def _compare_with_chance(
    counts, resampled, random, area_shares, means, spreads, n_objects
):
    """Compare how many objects of one type are in each cluster with random places."""
    count = counts.mean(axis=0)
    share = count / count.sum()
    random = _shares(random)
    low, high = np.quantile(_shares(resampled), _RANGE, axis=0)
    chance_low, chance_high = np.quantile(random, _RANGE, axis=0)
    z, random_z = (_sigmas(each, means, spreads, n_objects) for each in (share, random))
    few = np.maximum(count, n_objects * means) < _FEWEST
    p_value, p_any = (np.where(few, 1.0, p) for p in _probabilities(z, random_z))
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
        "p_value": p_value,
        "p_any": p_any,
    }


def _sigmas(shares, means, spreads, n_objects):
    """Return deviations of a Gaussian that are as rare as those of so many objects.

    Chance is binomial; shares of objects with a radius vary as those of more objects.
    """
    n = n_objects * means * (1 - means) / np.where(spreads > 0, spreads, 1) ** 2
    is_above = shares > means
    more = np.where(is_above, shares, 1 - shares)
    expected = np.where(is_above, means, 1 - means)
    tail = betainc(np.maximum(n * more, 1e-9), n * (1 - more) + 1, expected)
    entropy = rel_entr(more, expected) + rel_entr(1 - more, 1 - expected)
    limit = np.sqrt(2 * n * np.maximum(entropy, 0))  # where the tail is too small
    z = np.where(tail > 0, -ndtri(np.clip(tail, 1e-300, 0.5)), limit)
    return np.where(is_above, z, -z)


def _shares(counts):
    """Return the shares of the clusters in the objects of each draw."""
    # All objects of a draw may lie outside of the map.
    totals = np.maximum(counts.sum(axis=1, keepdims=True), np.finfo(float).tiny)
    return counts / totals


def _probabilities(z, random_z):
    """Return the probabilities of such deviations in a cluster, and in any."""
    n_possible = len(random_z) + 1
    above = np.sum(random_z >= z - _Z_ROUNDING, axis=0)
    below = np.sum(random_z <= z + _Z_ROUNDING, axis=0)
    p_value = np.minimum(1.0, 2 * (1 + np.minimum(above, below)) / n_possible)
    extremes = np.abs(random_z).max(axis=1, keepdims=True)
    p_any = (1 + np.sum(extremes >= np.abs(z) - _Z_ROUNDING, axis=0)) / n_possible
    return p_value, p_any


class _Surroundings:
    """The clusters within a radius (in pixels) around the pixels of a label map."""

    def __init__(self, label_map, radius):
        self.shape = label_map.shape
        flat = label_map.ravel()
        valid = flat >= -1  # which is noise
        # The clusters, noise among them, and their shares of the pixels not masked.
        self.labels, counts = np.unique(flat[valid], return_counts=True)
        self.area_shares = counts / counts.sum()
        self._flat = flat
        reach = int(radius + ROUNDING)
        steps = np.arange(-reach, reach + 1)
        inside = steps**2 + steps[:, np.newaxis] ** 2 <= radius**2 + ROUNDING
        self._disc = inside.astype(np.float32)
        self._is_single = self._disc.size == 1  # only the pixel itself counts
        self.n_known = valid if self._is_single else self._count_within(valid)
        # Flat indices of the pixels with more than masked pixels within the radius.
        self.places = np.flatnonzero(self.n_known)

    def find_places(self, columns, rows):
        """Return the flat indices of the pixels at positions, -1 outside of the map."""
        inside = in_image(columns, rows, self.shape)
        places = np.full(np.shape(columns), -1, dtype=np.intp)
        row = np.floor(rows[inside] + 0.5).astype(np.intp)
        column = np.floor(columns[inside] + 0.5).astype(np.intp)
        places[inside] = row * self.shape[1] + column
        return places

    def count(self, draws):
        """Return the number of objects in each cluster."""
        counts = [np.empty((len(draw), len(self.labels))) for draw in draws]
        means, spreads = np.empty((2, len(self.labels)))
        for number, label in enumerate(self.labels):
            shares = self._flat == label
            if not self._is_single:
                shares = self._count_within(shares) / np.maximum(self.n_known, 1)
            for count, draw in zip(counts, draws, strict=True):
                found = np.where(draw >= 0, shares[draw], 0)
                count[:, number] = found.sum(axis=1, dtype=np.float64)
            around = shares[self.places]
            means[number] = around.mean(dtype=np.float64)
            spreads[number] = around.std(dtype=np.float64)
        return counts, means, spreads

    def covered(self, places):
        """Return the share of each cluster that is within the radius of places."""
        near = np.zeros(len(self._flat), dtype=bool)
        near[places] = True
        if not self._is_single:
            near = self._count_within(near) > 0
        return np.array([near[self._flat == label].mean() for label in self.labels])

    def _count_within(self, mask):
        """Return the number of pixels of a mask within the radius of each pixel."""
        image = mask.reshape(self.shape).astype(np.float32)
        return np.rint(oaconvolve(image, self._disc, mode="same")).ravel()
