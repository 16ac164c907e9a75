# SPDX-License-Identifier: BSD-3-Clause
"""What objects and regions consist of: the share of each cluster or unit in them."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from astropy.table import Table

from skesom._common.labels import check_label_map
from skesom.io import (
    collect_regions,
    find_pixels,
    is_path,
    read_catalog,
    read_region_objects,
)
from skesom.maps._positions import (
    check_wcs,
    describe_miss,
    find_positions,
    in_image,
    measure_in_pixels,
)

if TYPE_CHECKING:
    from collections.abc import Mapping
    from typing import Literal

    from astropy.units import Quantity
    from astropy.wcs import WCS
    from numpy.typing import ArrayLike

    from skesom._common.types import Catalog


def fingerprints(
    label_map: ArrayLike,
    objects: Catalog,
    *,
    wcs: WCS | None = None,
    radius: float | Quantity | None = None,
    by: Literal["object", "type"] = "object",
    n_labels: int | None = None,
    columns: Mapping[str, str] | None = None,
    object_type: str | None = None,
) -> Table:
    """Return the share of each cluster, or unit of a map, in objects or regions.

    Parameters
    ----------
    label_map : array-like of int of shape (n_rows, n_columns)
        Cluster of each pixel from 0, or the unit of a map that wins it; negative
        pixels do not count.
    objects : str, os.PathLike, Table or sequence of regions
        Regions (a DS9 or CRTF file, or regions of the regions package), or a catalog
        as `skesom.io.read_catalog` takes it.
    wcs : astropy.wcs.WCS, default=None
        Celestial WCS of the map, for positions on the sky.
    radius : float or Quantity, default=None
        Size of the objects, in arcsec or as a Quantity (angle or pixels): pixels with
        centers within it count, and that of the object. By default only this one for
        objects of a catalog, and the shape of regions.
    by : {"object", "type"}, default="object"
        Whether a row is an object, or all pixels of all objects of a type.
    n_labels : int, default=None
        Number of clusters or units, by default one more than the largest label.
    columns : dict of str to str, default=None
        Names of the columns of names, types and positions, as for
        `skesom.io.read_catalog`.
    object_type : str, default=None
        Type of all objects, for catalogs of one type.

    Returns
    -------
    table : astropy.table.Table
        With the columns ``name`` (of objects), ``type``, ``n_objects`` (of types),
        ``n_pixels`` (not masked, all together) and ``shares``, of shape (n_rows,
        n_labels); these are NaN where no pixel counts.

    Raises
    ------
    ValueError
        If the label map or the objects cannot be used, or no pixel counts at all.

    See Also
    --------
    crossmatch : Which types gather in which clusters.

    Notes
    -----
    ``scipy.spatial.distance.cdist(shares, shares, "jensenshannon")`` compares them.

    Examples
    --------
    >>> import numpy as np
    >>> from astropy.table import Table
    >>> from skesom.maps import fingerprints
    >>> label_map = np.repeat([[0, 0, 0, 1, 2, 2]], 6, axis=0)
    >>> objects = Table({"x": [1, 3, 4], "y": [2, 2, 2], "type": ["a", "b", "b"]})
    >>> from astropy import units as u
    >>> table = fingerprints(label_map, objects, radius=1 * u.pixel)
    >>> np.asarray(table["shares"]).round(2)
    array([[1. , 0. , 0. ],
           [0.2, 0.6, 0.2],
           [0. , 0.2, 0.8]])
    """
    labels = check_label_map(label_map)
    if by not in ("object", "type"):
        raise ValueError(f'by must be "object" or "type", got {by!r}.')
    largest = int(labels.max(initial=-1))
    n_labels = largest + 1 if n_labels is None else n_labels
    if n_labels <= largest:
        raise ValueError(
            f"n_labels is {n_labels}, but label_map holds labels up to {largest}."
        )
    wcs = check_wcs(wcs)
    if radius is None and _are_regions(objects):
        table, counts = _count_in_regions(labels, objects, wcs, n_labels)
    else:
        catalog = read_catalog(objects, columns=columns, object_type=object_type)
        radius = float(measure_in_pixels(radius, wcs, "radius"))
        table, counts = _count_in_discs(labels, catalog, wcs, radius, n_labels)
    if not counts.any():
        raise ValueError("All objects lie where the label map is masked.")
    if by == "type":
        kinds, places = np.unique(np.asarray(table["type"]), return_inverse=True)
        table = Table({"type": kinds, "n_objects": np.bincount(places)})
        counts = np.array([counts[places == n].sum(axis=0) for n in range(len(kinds))])
    table["n_pixels"] = n_pixels = counts.sum(axis=1)
    table["shares"] = counts / np.where(n_pixels > 0, n_pixels, np.nan)[:, np.newaxis]
    table["shares"].info.format = ".3g"
    return table


def _are_regions(objects):
    """Tell whether objects are regions, in memory or in a file."""
    if is_path(objects):
        return str(objects).lower().endswith((".reg", ".crtf"))
    return not isinstance(objects, Table)


def _count_in_regions(labels, regions, wcs, n_labels):
    """Return names and types of regions, and their pixels of each label."""
    included = [read for read in collect_regions(regions) if read.is_included]
    table = read_region_objects([read.region for read in included])["name", "type"]
    counts = np.zeros((len(included), n_labels), dtype=np.int64)
    for number, read in enumerate(included):
        box, inside = find_pixels(read, labels.shape, wcs)
        counts[number] = _count(labels[box][inside], n_labels)
    return table, counts


def _count_in_discs(labels, catalog, wcs, radius, n_labels):
    """Return names and types of objects, and the pixels of each label around them."""
    columns, rows = find_positions(catalog, wcs)
    inside = in_image(columns, rows, labels.shape)
    if not inside.any():
        raise ValueError(describe_miss(columns, rows, labels.shape, wcs))
    counts = np.zeros((len(catalog), n_labels), dtype=np.int64)
    for number in np.flatnonzero(inside):
        found = _pixels_within(labels, columns[number], rows[number], radius)
        counts[number] = _count(found, n_labels)
    return catalog["name", "type"], counts


def _pixels_within(labels, column, row, radius):
    """Return the labels of the pixels within a radius, and of the pixel itself."""
    own_row, own_column = int(np.floor(row + 0.5)), int(np.floor(column + 0.5))
    reach = int(radius) + 1
    top, left = max(own_row - reach, 0), max(own_column - reach, 0)
    window = labels[top : own_row + reach + 1, left : own_column + reach + 1]
    rows, columns = np.indices(window.shape)
    within = (rows + top - row) ** 2 + (columns + left - column) ** 2 <= radius**2
    within[own_row - top, own_column - left] = True
    return window[within]


def _count(found, n_labels):
    """Return how many pixels have each label; negative labels do not count."""
    return np.bincount(found[found >= 0], minlength=n_labels)
