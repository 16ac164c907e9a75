# SPDX-License-Identifier: BSD-3-Clause
"""Where on the sky the map fits badly."""

import numpy as np
import pytest
from scipy.spatial.distance import cdist
from sklearn.cluster import KMeans
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from skesom.displays import QuantizationErrorMapDisplay
from skesom.maps import CubeClusterer
from skesom.som import CSOM


def draw(distances, **options):
    return QuantizationErrorMapDisplay.from_predictions(distances, **options)


@pytest.fixture
def cube(global_random_seed):
    cube = np.random.default_rng(global_random_seed).random((12, 13, 3))
    cube[2, 3] = np.nan
    return cube


class TestImage:
    """Distances as colors."""

    def test_shows_distances(self, ax, global_random_seed):
        distances = np.random.default_rng(global_random_seed).random((20, 30))
        distances[3, 4] = np.nan
        display = draw(distances, ax=ax, highest=100)
        drawn = display.image_.get_array()
        np.testing.assert_array_equal(drawn.filled(np.nan), distances)
        assert display.image_.get_clim() == (0, np.nanmax(distances))
        assert display.color_bar_.extend == "neither"
        label = display.color_bar_.ax.get_ylabel()
        assert label == "distance to the nearest unit"

    def test_few_high_ones_do_not_stretch_the_scale(self, ax):
        distances = np.ones((100, 100))
        distances[0, :10] = 1000
        display = draw(distances, ax=ax)
        assert display.image_.get_clim() == (0, 1)
        assert display.color_bar_.extend == "max"

    def test_stands_on_its_row_and_column(self, ax):
        display = draw(np.eye(4), ax=ax)
        assert display.image_.origin == "lower"
        assert ax.get_xlim() == ax.get_ylim() == (-0.5, 3.5)

    def test_sky_is_that_of_the_wcs(self, ax, sky_wcs):
        draw(np.ones((20, 40)), wcs=sky_wcs, ax=ax)
        assert len(ax.artists) == 2  # scale bar and compass

    @pytest.mark.parametrize("distances", [np.full((3, 4), np.nan), np.zeros((3, 4))])
    def test_everything_may_be_masked_or_zero(self, ax, distances):
        display = draw(distances, ax=ax)
        ax.figure.draw_without_rendering()
        assert display.image_.get_clim() == (0, 1)

    def test_large_images_are_means_and_say_so(self, ax):
        distances = np.arange(50.0).reshape(5, 10)
        distances[0, 0] = np.nan
        distances[2:4, 2:4] = np.nan
        display = draw(distances, max_pixels=15, ax=ax)
        drawn = display.image_.get_array().filled(np.nan)
        assert drawn.shape == (3, 5)
        assert drawn[0, 0] == np.mean([1, 10, 11])
        assert drawn[0, 1] == np.mean([2, 3, 12, 13])
        assert np.isnan(drawn[1, 1])
        assert drawn[2, 4] == np.mean([48, 49])  # the last row is alone
        assert ax.get_title(loc="left") == "means of 2 x 2 pixels"
        assert ax.get_ylim() == (-0.5, 4.5)

    def test_must_be_an_image(self, ax):
        with pytest.raises(
            ValueError, match=r"shape \(n_rows, n_columns\), got \(3,\)"
        ):
            draw(np.zeros(3), ax=ax)

    @pytest.mark.parametrize("highest", [0, 101])
    def test_scale_ends_at_a_percentage(self, ax, highest):
        with pytest.raises(ValueError, match="highest must be above 0, up to 100"):
            draw(np.eye(3), highest=highest, ax=ax)


class TestFromEstimator:
    """Distances that are measured in the table that the map is given."""

    def test_through_all_steps(self, ax, cube):
        inner = make_pipeline(
            StandardScaler(), CSOM(None, shape=(3, 4), random_state=0)
        )
        pipeline = make_pipeline(CubeClusterer(inner)).fit(cube)
        display = QuantizationErrorMapDisplay.from_estimator(pipeline, cube, ax=ax)
        scaler, som = pipeline[-1].estimator_
        valid = ~np.isnan(cube).any(axis=2)
        table = (cube[valid] - scaler.mean_) / scaler.scale_
        expected = cdist(table, som.codebook_).min(axis=1)
        np.testing.assert_allclose(display.values[valid], expected, rtol=1e-6)
        assert np.isnan(display.values[2, 3])

    def test_on_the_sky_of_the_cube(self, ax, galaxy, job):
        display = QuantizationErrorMapDisplay.from_estimator(job, galaxy, ax=ax)
        assert display.wcs is not None
        assert len(ax.artists) == 2
        np.testing.assert_array_equal(np.isnan(display.values), job.predict(galaxy) < 0)

    def test_of_a_cube_without_valid_pixels(self, ax, cube):
        clusterer = CubeClusterer(CSOM(None, shape=(3, 4), random_state=0)).fit(cube)
        empty = np.full((5, 6, 3), np.nan)
        display = QuantizationErrorMapDisplay.from_estimator(clusterer, empty, ax=ax)
        assert np.isnan(display.values).all()
        assert display.values.shape == (5, 6)

    def test_needs_a_map(self, ax, cube):
        clusterer = CubeClusterer(KMeans(2, random_state=0, n_init=1)).fit(cube)
        with pytest.raises(ValueError, match="but KMeans has none"):
            QuantizationErrorMapDisplay.from_estimator(clusterer, cube, ax=ax)

    def test_needs_an_estimator_of_cubes(self, ax, cube):
        som = CSOM(None, shape=(3, 4), random_state=0).fit(cube[4:].reshape(-1, 3))
        with pytest.raises(ValueError, match="but CSOM takes a table"):
            QuantizationErrorMapDisplay.from_estimator(som, cube, ax=ax)
