# SPDX-License-Identifier: BSD-3-Clause
"""The objects of a catalog as labels to learn from."""

import numpy as np

from skesom.io import read_catalog
from skesom.maps._positions import (
    check_wcs,
    describe_miss,
    find_positions,
    in_image,
    measure_in_pixels,
)

_ROUNDING = 1e-6  # an angle of two pixels may be a little less


def label_objects(catalog, shape, *, wcs=None, radius=None):
    """Label the pixels around the objects of a catalog by the types of these.

    Parameters
    ----------
    catalog : str, os.PathLike, Table or sequence of regions
        The objects, as `skesom.io.read_catalog` takes them.
    shape : tuple of int (n_rows, n_columns)
        Shape of the image.
    wcs : astropy.wcs.WCS, default=None
        Celestial WCS of the image, for positions on the sky.
    radius : float or Quantity, default=None
        Radius around each object in arcsec, or another angle or pixels as a Quantity.
        By default, the pixel that holds the object alone.

    Returns
    -------
    label_map : ndarray of int32 of shape (n_rows, n_columns)
        The type of the nearest object within the radius, -1 where there is none.
    names : dict of int to str
        Type of each label, those of most objects in the image first.

    Raises
    ------
    ValueError
        If the catalog cannot be used, or no object lies in the image.
    """
    wcs = check_wcs(wcs)
    objects = read_catalog(catalog)
    columns, rows = find_positions(objects, wcs)
    radius = float(measure_in_pixels(radius, wcs, "radius")) + _ROUNDING
    inside = in_image(columns, rows, shape)
    if not inside.any():
        raise ValueError(describe_miss(columns, rows, shape, wcs))
    types, codes, counts = np.unique(
        np.asarray(objects["type"])[inside], return_inverse=True, return_counts=True
    )
    order = np.argsort(-counts, kind="stable")
    labels = np.argsort(order)[codes]
    label_map = np.full(shape, -1, dtype=np.int32)
    nearest = np.full(shape, np.inf)
    for column, row, label in zip(columns[inside], rows[inside], labels, strict=True):
        middle = np.floor([row + 0.5, column + 0.5]).astype(int)
        reach = int(radius) + 1
        low = np.maximum(middle - reach, 0)
        box = tuple(map(slice, low, np.minimum(middle + reach + 1, shape)))
        own_rows, own_columns = np.ogrid[box]
        distance = np.hypot(own_rows - row, own_columns - column)
        is_own = distance <= radius
        is_own[tuple(middle - low)] = True
        is_own &= distance < nearest[box]
        label_map[box][is_own] = label
        nearest[box][is_own] = distance[is_own]
    return label_map, {place: str(types[code]) for place, code in enumerate(order)}
