# SPDX-License-Identifier: BSD-3-Clause
"""Compare clusters with known objects: count which types gather in which of them."""

from numbers import Integral
from typing import NamedTuple

import numpy as np
from astropy.table import Table
from sklearn.utils import check_random_state

from skesom._common.labels import MASKED, SKY, check_label_map
from skesom.io import read_catalog
from skesom.maps._crossmatch_chance import compare_with_chance, draw_places
from skesom.maps._crossmatch_positions import (
    check_wcs,
    describe_miss,
    find_positions,
    measure_in_pixels,
)
from skesom.maps._crossmatch_shares import Surroundings


class Crossmatch(NamedTuple):
    """Objects of a catalog in the clusters of a label map.

    Parameters
    ----------
    table : astropy.table.Table
        One row for each type and cluster, see `crossmatch`.
    objects : astropy.table.Table
        One row for each object within the map.
    n_outside : int
        Number of objects outside of the map.
    n_masked : int
        Number of objects where all is masked.
    """

    table: Table
    objects: Table
    n_outside: int
    n_masked: int

    def best(self):
        """Return the row of `table` for the most significant cluster of each type.

        Returns
        -------
        table : astropy.table.Table
            One row for each type, with the largest ``z``.
        """
        rows = {}
        for place, (kind, z) in enumerate(self.table.iterrows("type", "z")):
            if kind not in rows or z > self.table["z"][rows[kind]]:
                rows[kind] = place
        return self.table[list(rows.values())]

    def matrix(self, column):
        """Return a column of `table` as types times clusters.

        Parameters
        ----------
        column : str
            For instance ``"enrichment"``.

        Returns
        -------
        matrix : ndarray of shape (n_types, n_clusters)
            Types and clusters in the order of the table.
        """
        n_types = len(set(self.table["type"]))
        return np.asarray(self.table[column]).reshape(n_types, -1)


def crossmatch(
    label_map,
    catalog,
    *,
    wcs=None,
    radius=None,
    uncertainty=None,
    types=None,
    columns=None,
    object_type=None,
    n_draws=1000,
    random_state=0,
):
    """Count the objects of each type in each cluster, and compare with chance.

    If clusters mean something, objects that astronomers have classified are not spread
    over them by area: H II regions, star clusters and supernova remnants gather in few
    of them.

    Parameters
    ----------
    label_map : array-like of int of shape (n_rows, n_columns)
        Cluster of each pixel from 0; -1 is noise, counted as a cluster of its own. Sky
        (-2) and pixels without data (-3) are masked.
    catalog : str, os.PathLike, Table or sequence of regions
        Positions and types of objects, as `skesom.io.read_catalog` takes them: a
        table of NED, a DS9 region file, CSV, any table of astropy.
    wcs : astropy.wcs.WCS, default=None
        Celestial WCS of the map. Needed for positions on the sky; with a WCS they are
        preferred to pixels.
    radius : float or Quantity, default=None
        Size of the objects, in arcsec or as a Quantity (angle or pixels). An object
        counts for each cluster by the share of the pixels within this radius of its
        own pixel. By default only its own pixel counts.
    uncertainty : float or Quantity, default=None
        Uncertainty of the positions, one standard deviation in each direction, in
        arcsec or as a Quantity. By default the column ``uncertainty`` of the
        catalog, else none.
    types : sequence of str, default=None
        Types to count, in this order; by default all, the most numerous first.
    columns, object_type
        Where names, types and positions are, as for `skesom.io.read_catalog`.
    n_draws : int, default=1000
        Number of draws of random positions, and of the uncertain positions.
    random_state : int, RandomState instance or None, default=0
        Determines the draws. None gives other ones each time.

    Returns
    -------
    result : Crossmatch
        Its ``table`` has a row for each type and cluster:

        - ``type``, ``n_objects`` (of the type, where not all is masked), ``cluster``;
        - ``count``: how many of them are in the cluster. A fraction if objects have a
          radius or uncertain positions;
        - ``share`` of these objects and ``area_share``, of the pixels not masked;
        - ``enrichment``: the ratio of the two, 1 if objects were strewn at random;
        - ``enrichment_low``, ``enrichment_high``: its range of 95 % for another sample
          of such objects, within their uncertain positions;
        - ``chance_low``, ``chance_high``: the range of 95 % for as many random places;
        - ``z``: how many standard deviations of chance it is away from chance;
        - ``p_value``: how often random places deviate as much in this cluster, in
          either direction;
        - ``p_any``: how often they deviate so significantly in any cluster. Small
          where the gathering is no matter of having looked at many clusters.

        Its ``objects`` has a row for each object within the map: all columns of the
        catalog, its position ``x`` and ``y`` (pixels from 0), the ``cluster`` that
        holds most of it (-2 if that is sky, -3 without data), and the
        ``cluster_share`` of this one.

    Raises
    ------
    ValueError
        If the label map or the catalog cannot be used, no object lies in the map, a
        type has no object there, positions are on the sky and there is no WCS, or
        everything is masked.

    See Also
    --------
    CrossmatchDisplay : The result as a picture.
    fingerprints : The share of each cluster in each object.

    Notes
    -----
    *Chance* is as many independent positions as a type has objects, uniform over the
    pixels where not all within the radius is masked. Probabilities are counted in the
    draws, the observed one among them: the least is 1 / (`n_draws` + 1), and twice that
    for ``p_value`` [1]_. ``p_any`` compares the largest ``|z|`` over all clusters [2]_.
    Objects that come in groups are fewer independent ones than they seem; their
    significance is then overrated.

    *Uncertain positions* are drawn from a Gaussian around those of the catalog. An
    object whose drawn position is masked or outside does not count in this draw.

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
        raise ValueError(
            "All pixels of label_map are masked, so no object can be in it."
        )
    radius = float(measure_in_pixels(radius, wcs, "radius"))
    sigmas = _find_sigmas(objects, uncertainty, wcs)
    surroundings = Surroundings(labels, radius)
    places = surroundings.find_places(
        np.asarray(objects["x"]), np.asarray(objects["y"])
    )
    inside = places >= 0
    if not inside.any():
        raise ValueError(describe_miss(objects["x"], objects["y"], labels.shape, wcs))
    objects, sigmas, places = objects[inside], sigmas[inside], places[inside]

    known = surroundings.are_known(places)
    kinds = np.asarray(objects["type"])
    types = _check_types(types, kinds[known])
    seeds = check_random_state(random_state).randint(2**31 - 1, size=4)
    rngs = np.random.default_rng(seeds).spawn(len(types))
    draws, n_objects = [], []
    for kind, rng in zip(types, rngs, strict=True):
        rows = np.flatnonzero(known & (kinds == kind))
        positions = np.stack([objects["x"][rows], objects["y"][rows]])
        draws += draw_places(surroundings, positions, sigmas[rows], n_draws, rng)
        n_objects.append(len(rows))
    counts, means, spreads = surroundings.count([places[:, np.newaxis], *draws])
    _add_clusters(objects, counts[0], surroundings.labels, labels)
    parts = [
        compare_with_chance(
            *counts[3 * number + 1 : 3 * number + 4],
            area_shares=surroundings.area_shares,
            means=means,
            spreads=spreads,
            n_objects=n,
        )
        for number, n in enumerate(n_objects)
    ]
    table = _make_table(types, n_objects, parts, surroundings.labels)
    n_outside, n_masked = np.count_nonzero(~inside), np.count_nonzero(~known)
    return Crossmatch(table, objects, int(n_outside), int(n_masked))


def _find_sigmas(objects, uncertainty, wcs):
    """Return the uncertainty of each position in pixels."""
    if uncertainty is None and "uncertainty" in objects.colnames:
        known = np.nan_to_num(np.asarray(objects["uncertainty"]), nan=0.0)
        return np.asarray(measure_in_pixels(known, wcs, "uncertainty"))
    sigma = measure_in_pixels(uncertainty, wcs, "uncertainty")
    return np.full(len(objects), float(sigma))


def _add_clusters(objects, shares, labels, label_map):
    """Add the cluster that holds most of each object, and its share."""
    best = shares.argmax(axis=1)
    share = shares[np.arange(len(best)), best]
    places = (objects["y"], objects["x"])
    row, column = (
        np.clip(np.rint(np.asarray(place)).astype(int), 0, length - 1)
        for place, length in zip(places, label_map.shape, strict=True)
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
