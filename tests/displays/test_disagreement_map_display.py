# SPDX-License-Identifier: BSD-3-Clause
"""Where clusterings disagree, on the sky."""

import matplotlib.colors
import numpy as np
import pytest
from matplotlib.figure import Figure
from sklearn.cluster import KMeans

from skesom.displays import DisagreementMapDisplay
from skesom.displays._cluster_map import KIND_COLORS
from skesom.maps import CubeClusterer, compare_clusterings

FIRST = np.array([[0, 0, 0, 0], [1, 1, 1, 2], [2, -1, 0, -3]])
SECOND = np.array([[2, 2, 2, 0], [0, 0, 0, 0], [1, 1, -1, -3]])
COLORS = ["red", "lime", "blue"]


def rgba(color):
    return np.array(matplotlib.colors.to_rgba(color))


def legend_of(display):
    return [text.get_text() for text in display.legend_.get_texts()]


class TestDisagreementMap:
    """White where they agree, and else what the second says."""

    def test_colors(self, ax):
        display = DisagreementMapDisplay.from_predictions(
            FIRST, SECOND, colors=COLORS, ax=ax
        )
        image = display.image_.get_array() / 255
        white, lime = rgba("white"), rgba("lime")
        np.testing.assert_allclose(image[0], [white, white, white, lime])
        np.testing.assert_allclose(image[1], [white, white, white, lime])
        _, only_first, only_second = map(rgba, KIND_COLORS.values())
        kinds = [white, only_second, only_first, np.zeros(4)]
        np.testing.assert_allclose(image[2], kinds, atol=0.002)

    def test_legend(self, ax):
        """Nine pixels are in clusters of both; two of them are in 1 now."""
        display = DisagreementMapDisplay.from_predictions(
            FIRST, SECOND, names=["disc", "arms", "bulge"], ax=ax
        )
        assert legend_of(display) == [
            "arms: 22.2 %",
            "same: 77.8 %",
            "not in the second",
            "not in the first",
            "in neither",
        ]

    def test_clusters_that_match_none_have_a_color_too(self, ax):
        second = np.array([[0, 0, 1, 1]])
        display = DisagreementMapDisplay.from_predictions(
            np.zeros((1, 4), dtype=int), second, colors=COLORS[:2], ax=ax
        )
        image = display.image_.get_array() / 255
        np.testing.assert_allclose(image[0, 2:], [rgba("lime")] * 2)
        assert legend_of(display) == ["1: 50.0 %", "same: 50.0 %"]

    def test_of_the_same_map_is_white(self, ax):
        display = DisagreementMapDisplay.from_predictions(FIRST, FIRST, ax=ax)
        image = display.image_.get_array()
        assert (image[FIRST >= 0] == 255).all()
        assert legend_of(display) == ["same: 100.0 %", "in neither"]

    def test_of_200_clusters_has_a_color_bar(self, ax):
        first = np.arange(200).reshape(10, 20).repeat(3, axis=1)
        second = np.roll(first, 1, axis=1)
        display = DisagreementMapDisplay.from_predictions(first, second, ax=ax)
        assert display.legend_.get_texts()[0].get_text() == "same: 66.7 %"
        assert display.color_bar_ is not None

    def test_thins_large_maps_but_counts_all_pixels(self, ax):
        first = np.zeros((60, 60), dtype=int)
        second = first.copy()
        second[0, :36] = 1
        display = DisagreementMapDisplay.from_predictions(
            first, second, ax=ax, max_pixels=400
        )
        assert display.image_.get_array().shape == (20, 20, 4)
        assert ax.get_title(loc="left") == "every 3rd row and column"
        assert legend_of(display) == ["1: 1.0 %", "same: 99.0 %"]

    def test_needs_maps_and_not_tables(self, ax):
        comparison = compare_clusterings([0, 1], [0, 1])
        with pytest.raises(ValueError, match="two axes"):
            DisagreementMapDisplay(comparison).plot(ax)

    def test_has_coordinates_on_the_sky(self, sky_wcs):
        ax = Figure(layout="constrained").add_subplot(projection=sky_wcs)
        DisagreementMapDisplay.from_predictions(FIRST, SECOND, wcs=sky_wcs, ax=ax)
        assert ax.coords[0].get_axislabel() == "right ascension (ICRS)"

    @pytest.mark.filterwarnings("ignore:.*(few for|One cluster):UserWarning")
    def test_of_an_estimator_has_the_numbers_of_the_reference(self, ax, galaxy):
        clusterer = CubeClusterer(KMeans(4, random_state=0)).fit(galaxy)
        reference = np.where(clusterer.labels_ >= 0, 3 - clusterer.labels_, -3)
        display = DisagreementMapDisplay.from_estimator(
            clusterer, galaxy, reference, ax=ax
        )
        np.testing.assert_array_equal(display.comparison.matched, reference)
