# SPDX-License-Identifier: BSD-3-Clause
"""Completeness and purity of clusters for known objects, over numbers of clusters."""

import numpy as np
from astropy.table import Table

from skesom._common.labels import check_label_map
from skesom.io import read_catalog
from skesom.maps._fingerprints import count_in_discs
from skesom.maps._positions import check_wcs, measure_in_pixels


def completeness_curve(label_maps, catalog, *, wcs=None, radius=None, areas=None):
    """Follow the best cluster of each type of objects over numbers of clusters.

    More clusters are purer, fewer are more complete. The best cluster of a type is the
    one that differs most from chance, in standard deviations.

    Parameters
    ----------
    label_maps : dict of int to array-like of int of shape (n_rows, n_columns)
        Label maps by their number of clusters; negative pixels do not count.
    catalog, wcs, radius
        As for `crossmatch`.
    areas : dict of int to array-like of shape (n_clusters,), default=None
        Share of each cluster in the area, for label maps that are known around the
        objects only; by default its share of the pixels.

    Returns
    -------
    curve : astropy.table.Table
        A row for each number of clusters and each type, the most numerous first:
        ``n_clusters``, ``type``, ``n_objects`` (in clusters), and of its best cluster
        the number ``cluster``, ``area_share``, ``completeness`` (share of the objects
        of the type that lie in the cluster), ``purity`` (share of the type in the
        objects of any type in the cluster), ``z`` (difference of the completeness from
        the share of the area, in standard deviations of as many random positions).

    Raises
    ------
    ValueError
        If a label map or the catalog cannot be used, or no object lies in a cluster.

    See Also
    --------
    crossmatch : All types in all clusters of one map.
    CompletenessDisplay : The result as a picture.

    Examples
    --------
    >>> import numpy as np
    >>> from astropy.table import Table
    >>> from skesom.maps import completeness_curve
    >>> halves = np.repeat([[0, 0, 1, 1]], 4, axis=0)
    >>> objects = Table({"x": [0, 0, 0, 1, 3], "y": [0, 1, 2, 3, 3]})
    >>> objects["type"] = ["HII", "HII", "HII", "SN", "SN"]
    >>> quarters = 2 * halves + halves.T
    >>> curve = completeness_curve({2: halves, 4: quarters}, objects)
    >>> own = curve[curve["type"] == "HII"]
    >>> [float(round(each, 2)) for each in own["completeness"]]
    [1.0, 0.67]
    """
    catalog, wcs = read_catalog(catalog), check_wcs(wcs)
    radius = float(measure_in_pixels(radius, wcs, "radius"))
    found, counts = np.unique(catalog["type"], return_counts=True)
    types = found[np.lexsort((found, -counts))]
    rows = []
    for number, label_map in sorted(label_maps.items()):
        labels = check_label_map(label_map)
        if areas is None:
            sizes = np.bincount(labels[labels >= 0])
            area = sizes / sizes.sum()
        else:
            area = np.asarray(areas[number])
        _, pixels = count_in_discs(labels, catalog, wcs, radius, len(area))
        held = pixels.sum(axis=1)
        shares = pixels[held > 0] / held[held > 0, np.newaxis]
        kinds = np.asarray(catalog["type"])[held > 0]
        for kind in types[np.isin(types, kinds)]:
            own = shares[kinds == kind]
            rows.append((number, kind, *_best(own, shares.sum(axis=0), area)))
    if not rows:
        raise ValueError("No object lies in a cluster of the label maps.")
    names = ["n_clusters", "type", "n_objects", "cluster", "area_share"]
    curve = Table(rows=rows, names=[*names, "completeness", "purity", "z"])
    for name in curve.colnames[4:]:
        curve[name].info.format = ".3g"
    return curve


def _best(own, total, area):
    """Return what is known of the cluster in which one type gathers most."""
    completeness = own.mean(axis=0)
    spread = np.sqrt(area * (1 - area) / len(own))
    z = (completeness - area) / np.where(spread > 0, spread, 1)
    best = int(np.argmax(z))
    purity = own[:, best].sum() / total[best] if total[best] else np.nan
    return len(own), best, area[best], completeness[best], purity, z[best]
