# SPDX-License-Identifier: BSD-3-Clause
"""Objects of a catalog as labels to learn from."""

import numpy as np
import pytest
from astropy import units
from astropy.table import Table

from skesom.maps.positions import label_objects


def objects(**columns):
    return Table(columns)


def test_the_pixel_of_each_object():
    table = objects(x=[0, 2.4, 2.6, 30], y=[0, 1, 1, 1], type=["G", "HII", "HII", "SN"])
    label_map, names = label_objects(table, (2, 4))
    # Most objects first; the one that is outside of the image has no label.
    assert names == {0: "HII", 1: "G"}
    assert label_map.tolist() == [[1, -1, -1, -1], [-1, -1, 0, 0]]
    with pytest.raises(ValueError, match="None of the 1 objects lies in the map"):
        label_objects(objects(x=[9], y=[9], type=["a"]), (4, 4))


def test_the_nearest_object_counts():
    table = objects(x=[1, 4], y=[2, 2], type=["a", "b"])
    label_map, names = label_objects(table, (5, 8), radius=2 * units.pixel)
    assert names == {0: "a", 1: "b"}
    assert label_map[2].tolist() == [0, 0, 0, 1, 1, 1, 1, -1]
    # Independently: discs of radius 2, cut at the edge of the image.
    rows, columns = np.indices((5, 8))
    near = [np.hypot(rows - 2, columns - x) for x in (1, 4)]
    expected = np.where(near[1] < near[0], 1, 0)
    expected[np.minimum(*near) > 2] = -1
    np.testing.assert_array_equal(label_map, expected)


def test_radius_on_the_sky(sky_wcs):
    place = sky_wcs.pixel_to_world(10, 6)
    table = objects(ra=[place.ra.deg], dec=[place.dec.deg], type=["SN"])
    label_map, _ = label_objects(table, (20, 30), wcs=sky_wcs, radius=1.0)
    assert np.argwhere(label_map == 0).tolist() == [
        [5, 10], [6, 9], [6, 10], [6, 11], [7, 10]
    ]  # fmt: skip
