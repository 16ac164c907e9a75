# SPDX-License-Identifier: BSD-3-Clause
"""The weights of units as small images."""

import numpy as np
import pytest
from sklearn.datasets import load_digits

from skesom.displays import PrototypesDisplay
from skesom.som import CSOM, ESOM

DIGITS = load_digits().data[:400]


@pytest.fixture(scope="module")
def csom():
    return CSOM(None, shape=(4, 5), random_state=0).fit(DIGITS)


def box_of(display, unit):
    """Return the box of an image in points: left, lower, right, upper."""
    left, right, bottom, top = display.images_[unit].get_extent()
    return display.ax_.transData.transform([(left, bottom), (right, top)]).ravel()


def test_each_cell_shows_the_weights_of_its_unit_on_one_scale(csom, ax):
    display = PrototypesDisplay.from_estimator(csom, shape=(8, 8), ax=ax)
    assert sorted(display.images_) == list(range(20))
    limits = {image.get_clim() for image in display.images_.values()}
    assert limits == {(csom.codebook_.min(), csom.codebook_.max())}
    assert display.color_bar_.mappable.get_clim() in limits
    for unit, image in display.images_.items():
        np.testing.assert_array_equal(
            image.get_array(), csom.codebook_[unit].reshape(8, 8)
        )
        left, right, bottom, top = image.get_extent()
        middle = (left + right) / 2, (bottom + top) / 2
        place = display.layout.positions[unit]
        np.testing.assert_allclose(middle, place, atol=1e-9)


@pytest.mark.parametrize("topology", ["hexagonal", "rectangular"])
def test_images_stand_upright_and_apart(topology, ax):
    values = np.random.default_rng(0).random((3, 3, 18))
    options = {"topology": topology, "shape": (3, 6), "ax": ax}
    display = PrototypesDisplay.from_predictions(values, **options)
    ax.figure.draw_without_rendering()
    boxes = np.array([box_of(display, unit) for unit in range(9)])
    assert (boxes[:, :2] < boxes[:, 2:]).all()  # the first row of pixels is above
    np.testing.assert_allclose(np.ptp(boxes[:, ::2], 1) / np.ptp(boxes[:, 1::2], 1), 2)
    for number, (left, low, right, high) in enumerate(boxes):
        others = np.delete(boxes, number, axis=0)
        beside = (others[:, 0] > right) | (others[:, 2] < left)
        assert (beside | (others[:, 1] > high) | (others[:, 3] < low)).all()


def test_nodes_have_images_that_hide_none_of_more_hits(ax):
    esom = ESOM(None, random_state=0).fit(DIGITS)
    display = PrototypesDisplay.from_estimator(esom, ax=ax)
    ax.figure.draw_without_rendering()
    assert int(np.argmax(esom.hits_)) in display.images_
    assert 5 < len(display.images_) < len(esom.codebook_)
    boxes = {unit: box_of(display, unit) for unit in display.images_}
    size = boxes[int(np.argmax(esom.hits_))]
    sides = size[2:] - size[:2]
    assert sides[0] == pytest.approx(sides[1])
    places = ax.transData.transform(display.layout.positions)
    order = list(display.images_)
    for number, unit in enumerate(order):
        far = np.abs(places[order[:number]] - places[unit]) >= sides * (1 - 1e-9)
        assert far.any(axis=1).all()
    hidden = set(range(len(places))) - set(order)
    for unit in hidden:
        before = [one for one in order if esom.hits_[one] >= esom.hits_[unit]]
        near = np.abs(places[before] - places[unit]) < sides
        assert near.all(axis=1).any()


def test_pixels_are_squares_on_axes_of_any_scale(ax):
    places = np.array([[0, 0], [1, 40], [2, -30], [900, 10]])
    values = np.arange(16.0).reshape(4, 4)
    display = PrototypesDisplay.from_predictions(values, positions=places, ax=ax)
    for unit in display.images_:
        left, low, right, high = box_of(display, unit)
        assert right - left == pytest.approx(high - low)
        middle = ax.transData.transform(places[unit])
        np.testing.assert_allclose(((left + right) / 2, (low + high) / 2), middle)
    left, right = ax.get_ylim()  # as they are for the nodes alone
    assert -45 < left < -30 < 40 < right < 55


def test_a_torus_repeats_no_cell(ax):
    torus = CSOM(None, shape=(4, 5), toroidal=True, random_state=0).fit(DIGITS)
    display = PrototypesDisplay.from_estimator(torus, ax=ax)
    assert len(display.images_) == 20
    assert ax.get_xlabel() == ""
    assert display.layout.toroidal


@pytest.mark.parametrize(
    ("shape", "n_features"), [(None, 6), ((8, 8), 6), ((6,), 6), ((1, 2, 3), 6)]
)
def test_the_shape_has_to_fit(shape, n_features, ax):
    with pytest.raises(ValueError, match="height and width of images of 6 pixels"):
        PrototypesDisplay.from_predictions(
            np.ones((2, 2, n_features)), shape=shape, ax=ax
        )
