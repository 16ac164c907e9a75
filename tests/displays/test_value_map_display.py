# SPDX-License-Identifier: BSD-3-Clause
"""Where the map fits badly, how stable clusters are, how sure classes, on the sky."""

import numpy as np
import pytest
from matplotlib.figure import Figure
from scipy.spatial.distance import cdist
from sklearn.cluster import KMeans
from sklearn.naive_bayes import GaussianNB
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from skesom.cube import Cube
from skesom.displays import ValueMapDisplay
from skesom.maps import CubeClassifier, CubeClusterer, stability
from skesom.som import CSOM


def draw(distances, **options):
    return ValueMapDisplay.from_predictions(distances, **options)


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
        assert display.image_.origin == "lower"
        assert (ax.get_xlim(), ax.get_ylim()) == ((-0.5, 9.5), (-0.5, 4.5))

    @pytest.mark.parametrize(
        ("values", "options", "message"),
        [
            (np.zeros(3), {}, r"shape \(n_rows, n_columns\), got \(3,\)"),
            (np.eye(3), {"highest": 0}, "highest must be above 0, up to 100"),
            (np.eye(3), {"highest": 101}, "highest must be above 0, up to 100"),
            (np.eye(3), {"kind": "error"}, "kind must be one of distance, stability"),
        ],
    )
    def test_refuses_what_does_not_fit(self, ax, values, options, message):
        with pytest.raises(ValueError, match=message):
            draw(values, ax=ax, **options)


class TestFromEstimator:
    """Distances that are measured in the table that the map is given."""

    def test_through_all_steps(self, ax, cube):
        inner = make_pipeline(
            StandardScaler(), CSOM(None, shape=(3, 4), random_state=0)
        )
        pipeline = make_pipeline(CubeClusterer(inner)).fit(cube)
        display = ValueMapDisplay.from_estimator(pipeline, cube, ax=ax)
        scaler, som = pipeline[-1].estimator_
        valid = ~np.isnan(cube).any(axis=2)
        table = (cube[valid] - scaler.mean_) / scaler.scale_
        expected = cdist(table, som.codebook_).min(axis=1)
        np.testing.assert_allclose(display.values[valid], expected, rtol=1e-6)
        assert np.isnan(display.values[2, 3])
        empty = np.full((5, 6, 3), np.nan)
        nothing = ValueMapDisplay.from_estimator(pipeline, empty, ax=ax)
        np.testing.assert_array_equal(nothing.values, empty[:, :, 0])

    def test_on_the_sky_of_the_cube(self, ax, galaxy, job):
        display = ValueMapDisplay.from_estimator(job, galaxy, ax=ax)
        assert display.wcs is not None
        assert len(ax.artists) == 2
        np.testing.assert_array_equal(np.isnan(display.values), job.predict(galaxy) < 0)

    def test_needs_a_map_of_a_cube_and_a_kind(self, ax, cube):
        clusterer = CubeClusterer(KMeans(2, random_state=0, n_init=1)).fit(cube)
        with pytest.raises(ValueError, match="but KMeans has none"):
            ValueMapDisplay.from_estimator(clusterer, cube, ax=ax)
        som = CSOM(None, shape=(3, 4), random_state=0).fit(cube[4:].reshape(-1, 3))
        with pytest.raises(ValueError, match="but CSOM takes a table"):
            ValueMapDisplay.from_estimator(som, cube, ax=ax)
        with pytest.raises(ValueError, match="kind must be one of distance, stability"):
            ValueMapDisplay.from_estimator(None, None, kind="error", ax=ax)


class TestStabilityMap:
    """From 0 to 1."""

    def test_scale_is_from_0_to_1(self, ax):
        display = ValueMapDisplay.from_predictions(
            [[0.5, np.nan, 0.75]], ax=ax, kind="stability"
        )
        assert display.image_.get_clim() == (0, 1)
        values = display.image_.get_array()
        assert values.mask.tolist() == [[False, True, False]]
        assert values[0, [0, 2]].tolist() == [0.5, 0.75]
        assert display.color_bar_.extend == "neither"

    def test_of_an_estimator(self, galaxy):
        clusterer = CubeClusterer(KMeans(6, n_init=1))
        ax = Figure(layout="constrained").add_subplot(projection=galaxy.wcs)
        display = ValueMapDisplay.from_estimator(
            clusterer, galaxy, seeds=(1, 2, 3), ax=ax, kind="stability"
        )
        expected = stability(clusterer, galaxy, seeds=(1, 2, 3)).stability
        np.testing.assert_array_equal(display.values, expected)
        assert display.wcs is galaxy.wcs
        assert display.pixel_scale == galaxy.pixel_scale


def test_confidence_is_the_largest_probability(ax):
    rng = np.random.default_rng(0)
    truth = np.repeat([[0] * 10 + [1] * 10], 12, axis=0)
    cube = Cube(truth[:, :, np.newaxis] + rng.normal(0, 0.6, size=(12, 20, 3)))
    cube.data[3, 4] = np.nan
    classifier = CubeClassifier(GaussianNB()).fit(cube, truth)
    display = ValueMapDisplay.from_estimator(classifier, cube, ax=ax, kind="confidence")
    first = classifier.predict_proba(cube)[:, :, 0]
    np.testing.assert_allclose(display.values, np.maximum(first, 1 - first))
    assert np.flatnonzero(np.isnan(display.values)).tolist() == [3 * 20 + 4]
    shown = display.image_.get_array()
    np.testing.assert_array_equal(shown.filled(np.nan), display.values)
