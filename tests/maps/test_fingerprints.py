# SPDX-License-Identifier: BSD-3-Clause
"""What objects and regions consist of, against counting by hand."""

import numpy as np
import pytest
from astropy import units as u
from astropy.table import Table
from numpy.testing import assert_allclose, assert_array_equal

from skesom.maps import fingerprints

LABELS = np.array([[0, 0, 1, 1], [0, 2, 1, -1], [0, 0, -3, -3]])


def test_single_pixels():
    objects = Table({"x": [0, 2, 3, 1], "y": [0, 0, 1, 1], "type": list("abba")})
    table = fingerprints(LABELS, objects)
    assert table.colnames == ["name", "type", "n_pixels", "shares"]
    assert table["n_pixels"].tolist() == [1, 1, 0, 1]
    nan = [np.nan] * 3
    assert_array_equal(table["shares"], [[1, 0, 0], [0, 1, 0], nan, [0, 0, 1]])


def test_discs_hold_the_pixels_that_geometry_says(global_random_seed):
    rng = np.random.default_rng(global_random_seed)
    labels = rng.integers(-1, 5, (20, 25))
    rows, columns = np.indices(labels.shape)
    x, y = rng.uniform(-0.5, 24.5, 30), rng.uniform(-0.5, 19.5, 30)
    table = fingerprints(
        labels, Table({"x": x, "y": y}), radius=2.7 * u.pixel, object_type="HII"
    )
    for row, column, found in zip(y, x, table, strict=True):
        within = (rows - row) ** 2 + (columns - column) ** 2 <= 2.7**2
        around = labels[within & (labels >= 0)]
        assert found["n_pixels"] == len(around)
        expected = np.bincount(around, minlength=5) / len(around)
        assert_allclose(found["shares"], expected)


def test_types_pool_the_pixels_of_their_objects():
    objects = Table({"x": [0, 0, 3, 9], "y": [0, 1, 0, 0], "type": list("aaab")})
    table = fingerprints(LABELS, objects, by="type")
    assert table["type"].tolist() == ["a", "b"]
    assert table["n_objects"].tolist() == [3, 1]
    assert table["n_pixels"].tolist() == [3, 0]
    assert_allclose(table["shares"][0], [2 / 3, 1 / 3, 0])
    assert np.isnan(table["shares"][1]).all()


def test_regions_have_their_own_shape_unless_there_is_a_radius(tmp_path):
    pytest.importorskip("regions")
    path = tmp_path / "drawn.reg"
    path.write_text(
        "image\nbox(2,1.5,3,2,0) # text={left}\npoint(3,1) # text={spot}\n"
        "-circle(1,1,1)\ncircle(90,1,1) # text={far}"
    )
    table = fingerprints(LABELS, path)
    assert table["type"].tolist() == ["left", "spot", "far"]
    assert table["n_pixels"].tolist() == [6, 1, 0]
    assert_allclose(table["shares"][:2], [[3 / 6, 2 / 6, 1 / 6], [0, 1, 0]])
    table = fingerprints(LABELS, path, radius=1 * u.pixel)
    assert table["n_pixels"].tolist()[1] == 4
    assert_allclose(table["shares"][1], [1 / 4, 3 / 4, 0])


def test_units_of_a_map_that_win_nothing_here_are_counted():
    objects = Table({"x": [0], "y": [0], "type": ["a"]})
    assert fingerprints(LABELS, objects, n_labels=7)["shares"].shape == (1, 7)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"by": "cluster"}, "by must be"),
        ({"n_labels": 2}, "n_labels is 2, but label_map holds labels up to 2"),
        ({"label_map": np.full((3, 4), -3)}, "All objects lie where the label map is"),
        ({"objects": Table({"x": [9], "y": [9], "type": ["a"]})}, "None of the 1 obj"),
        ({"radius": 1.0}, "radius is an angle, but the label map has no WCS"),
    ],
)
def test_bad_input_is_named(options, message):
    objects = Table({"x": [0], "y": [0], "type": ["a"]})
    with pytest.raises(ValueError, match=message):
        fingerprints(**{"label_map": LABELS, "objects": objects, **options})
