# SPDX-License-Identifier: BSD-3-Clause
"""Postage stamps: which pieces they show, where, and of clusters of any size."""

import numpy as np
import pytest
from matplotlib.figure import Figure

from skesom.cube import Cube
from skesom.displays import CutoutsDisplay


@pytest.fixture
def scene(sky_wcs):
    """A field with five squares; the third by size is unlike the others."""
    labels = np.zeros((120, 120), dtype=int)
    data = np.random.default_rng(0).normal(10, 1, size=(120, 120, 3))
    for place, side in enumerate([20, 12, 10, 8, 6]):
        square = np.s_[20 * place + 5 :, 50:]
        square = np.s_[
            square[0].start : square[0].start + min(side, 19), 50 : 50 + side
        ]
        labels[square] = 1
        data[square] += 500 if place == 2 else 50
    return labels, Cube(data, wcs=sky_wcs)


def test_largest_and_typical_pieces(scene):
    labels, cube = scene
    display = CutoutsDisplay.from_predictions(labels, cube, n_cutouts=1)
    pieces = display.pieces_
    assert pieces["cluster"].tolist() == [0, 1, 1]
    # The typical one is the next by size that is not the odd one.
    assert pieces["pixels"].tolist()[1:] == [19 * 20, 12 * 12]
    text = display.axes_[1, 0].get_xlabel()
    assert text.splitlines()[0] == "13:36:56.9"  # 40.5 arcsec west of 13:37:00
    assert text.splitlines()[-1] == "30 arcsec wide"


@pytest.mark.parametrize(
    ("scale", "text"),
    [
        (2.5, "75 arcsec wide"),
        (33.31, "999 arcsec wide"),  # 999.3
        (33.32, "16.7 arcmin wide"),  # 999.6
        (3600.0, "30 deg wide"),
        (None, "30 pixels wide"),
    ],
)
def test_width_has_at_most_three_digits(scene, scale, text):
    labels, cube = scene
    cube = Cube(cube.data, pixel_scale=None if scale is None else (1.0, scale))
    display = CutoutsDisplay(labels, cube).thinned(n_cutouts=1)
    assert display.cube is None
    stamp = display.plot(n_cutouts=1).axes_[1, 0]
    assert stamp.get_xlabel().splitlines() == ["x 60, y 14", text]


def test_a_cluster_of_a_pixel_and_one_that_is_everything(scene):
    _, cube = scene
    labels = np.zeros(cube.shape[:2], dtype=int)
    labels[7, 119] = 1
    display = CutoutsDisplay.from_predictions(labels, cube, names=["all", "one"])
    assert display.pieces_["pixels"].tolist() == [120 * 120 - 1, 1]
    assert [ax.get_ylabel() for ax in display.axes_[:, 0]] == ["all", "one"]
    # The stamp of the pixel ends at the edge of the image.
    assert display.axes_[1, 0].images[0].get_size() == (24, 24)


def test_agreement_decides_what_is_typical(scene):
    labels, cube = scene
    agreement = np.where(labels == 1, 0.4, 1.0)
    agreement[85:93, 50:58] = 0.9  # the fifth piece is less than a quarter
    cube.data[25:37, 50:62] += 3
    display = CutoutsDisplay.from_predictions(
        labels, cube, agreement=agreement, n_cutouts=2
    )
    own = display.pieces_[display.pieces_["cluster"] == 1]
    assert own["pixels"].tolist()[:2] == [380, 144]


def test_many_clusters_are_not_all_drawn():
    labels = np.repeat(np.arange(30), 40).reshape(30, 40)
    display = CutoutsDisplay.from_predictions(
        labels, np.ones((30, 40, 3)), n_cutouts=1, ax=Figure().add_subplot()
    )
    assert len(display.axes_) == 20
    assert "10 smallest" in display.ax_.get_title(loc="right")
    none = CutoutsDisplay.from_predictions(np.full((9, 9), -3), np.ones((9, 9, 3)))
    assert len(none.pieces_) == 0
