# SPDX-License-Identifier: BSD-3-Clause
"""The objects of a catalog as labels to learn from."""

import numpy as np
from scipy.spatial import KDTree

from skesom._common.blocks import row_blocks
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
    """Label pixels by the type of the nearest object; return names by label too.

    Only pixels within the radius (arcsec or a Quantity) have a label, or that which
    holds an object; -1 elsewhere. Types of most objects come first.
    """
    wcs = check_wcs(wcs)
    objects = read_catalog(catalog)
    places = np.stack(find_positions(objects, wcs)[::-1], axis=1)
    radius = float(measure_in_pixels(radius, wcs, "radius")) + _ROUNDING
    inside = in_image(places[:, 1], places[:, 0], shape)
    if not inside.any():
        raise ValueError(describe_miss(places[:, 1], places[:, 0], shape, wcs))
    places, types = places[inside], np.asarray(objects["type"])[inside]
    types, codes, counts = np.unique(types, return_inverse=True, return_counts=True)
    order = np.argsort(-counts, kind="stable")
    labels = np.append(np.argsort(order)[codes], -1)  # the last for none within
    label_map = np.full(shape, -1, dtype=np.int32)
    label_map[tuple(np.floor(places.T + 0.5).astype(int))] = labels[:-1]
    tree = KDTree(places)
    for rows in row_blocks(shape):
        pixels = np.moveaxis(np.mgrid[rows, : shape[1]], 0, -1)
        found = labels[tree.query(pixels, distance_upper_bound=radius)[1]]
        label_map[rows] = np.where(found >= 0, found, label_map[rows])
    return label_map, {place: str(types[code]) for place, code in enumerate(order)}
