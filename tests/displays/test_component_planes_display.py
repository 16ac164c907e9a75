# SPDX-License-Identifier: BSD-3-Clause
"""The weights of the units in each feature."""

import numpy as np
import pandas as pd
import pytest
from matplotlib.figure import Figure
from sklearn.datasets import make_blobs

from skesom.displays import ComponentPlanesDisplay
from skesom.som import CSOM, ESOM

X = make_blobs(300, n_features=5, centers=2, random_state=0)[0]
NAMES = ["u", "g", "r", "i", "z"]


@pytest.fixture(scope="module")
def csom():
    return CSOM(None, shape=(4, 6), random_state=0).fit(X)


def titles(display):
    return [ax.get_title() for ax in display.axes_]


class TestPanels:
    """One panel for each feature."""

    def test_lie_within_the_axes_that_were_given(self, csom):
        figure = Figure(figsize=(8, 4))
        left, right = figure.subplots(1, 2)
        display = ComponentPlanesDisplay.from_estimator(csom, ax=right)
        assert display.ax_ is right
        boxes = [panel.get_position(original=True) for panel in display.axes_]
        for number, box in enumerate(boxes):
            assert box.x0 >= right.get_position().x0 - 1e-9
            assert box.y1 <= right.get_position().y1 + 1e-9
            assert not any(box.overlaps(other) for other in boxes[number + 1 :])
        assert len(left.get_children()) == len(figure.add_subplot().get_children())

    def test_need_no_grid(self, csom):
        ax = Figure().add_axes([0.5, 0.1, 0.4, 0.8])
        display = ComponentPlanesDisplay.from_estimator(csom, ax=ax)
        assert all(panel.get_position().x0 >= 0.5 for panel in display.axes_)

    def test_of_nodes_stand_where_the_embedding_says(self, ax):
        esom = ESOM(n_clusters=2, random_state=0).fit(X)
        given = np.random.default_rng(0).random((len(esom.codebook_), 2))
        display = ComponentPlanesDisplay.from_estimator(esom, embedding=given, ax=ax)
        for feature, units in enumerate(display.units_):
            np.testing.assert_array_equal(units.get_offsets(), given)
            np.testing.assert_array_equal(units.get_array(), esom.codebook_[:, feature])


class TestNames:
    """What the features are called."""

    def test_are_those_that_the_map_was_fitted_with(self, ax):
        csom = CSOM(None, shape=(3, 4)).fit(pd.DataFrame(X, columns=NAMES))
        assert titles(ComponentPlanesDisplay.from_estimator(csom, ax=ax)) == NAMES

    def test_pick_features(self, ax, csom):
        options = {"names": NAMES, "features": ["r", 0]}
        display = ComponentPlanesDisplay.from_estimator(csom, ax=ax, **options)
        assert titles(display) == ["r", "u"]
        weights = csom.codebook_[:, 2]
        np.testing.assert_array_equal(display.units_[0].get_array(), weights)

    @pytest.mark.parametrize(
        ("options", "message"),
        [
            ({"names": ["u", "g"]}, "each of the 5 features, got 2"),
            ({"features": ["y"]}, "There is no feature 'y'"),
            ({"features": [5]}, "There is no feature 5"),
            ({"features": [-1]}, "There is no feature -1"),
            ({"scale": "log"}, "scale must be 'own' or 'shared'"),
        ],
    )
    def test_refuse_what_does_not_fit(self, ax, csom, options, message):
        with pytest.raises(ValueError, match=message):
            ComponentPlanesDisplay.from_estimator(csom, ax=ax, **options)


class TestScale:
    """Scales of the colors."""

    def test_own(self, ax, csom):
        display = ComponentPlanesDisplay.from_estimator(csom, ax=ax)
        assert titles(display) == [f"feature {number}" for number in range(1, 6)]
        for units, weights in zip(display.units_, csom.codebook_.T, strict=True):
            np.testing.assert_array_equal(units.get_array(), weights)
            assert units.get_clim() == (weights.min(), weights.max())
        assert len(display.color_bars_) == 5

    def test_shared(self, ax, csom):
        display = ComponentPlanesDisplay.from_estimator(
            csom, scale="shared", features=[1, 3], ax=ax
        )
        weights = csom.codebook_[:, [1, 3]]
        for units in display.units_:
            assert units.get_clim() == (weights.min(), weights.max())
        assert len(display.color_bars_) == 1

    def test_shared_reaches_beyond_the_edges_of_a_torus(self, ax):
        csom = CSOM(None, shape=(4, 6), toroidal=True, random_state=0).fit(X)
        display = ComponentPlanesDisplay.from_estimator(csom, scale="shared", ax=ax)
        limits = csom.codebook_.min(), csom.codebook_.max()
        for panel in display.axes_:
            cells = [c for c in panel.collections if c.get_array() is not None]
            assert [c.get_clim() for c in cells] == [limits, limits]
