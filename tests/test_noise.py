# SPDX-License-Identifier: BSD-3-Clause
"""Estimates of noise, beside noise that is known.

They are called directly, as what users see of them is mixed with other decisions.
"""

import numpy as np
import pytest

from skesom._common.noise import (
    ABOVE_FOUR,
    above_four,
    clipped_statistics,
    median_and_scatter,
    noise_below_level,
    noise_from_changes,
    noise_from_neighbors,
    noise_from_quarter_above_four,
    noise_of_negative_values,
    robust_scatter,
    row_median,
    scatter_above_four,
    variance_from_neighbors,
    variance_of_differences,
)

SHAPE = 300, 300


def noise_by_pairs(image):
    """The root of the variance of pairs along rows, of those that are known."""
    differences = np.diff(image, axis=1)
    differences = differences[np.isfinite(differences)]
    return np.sqrt(variance_of_differences(differences[:, np.newaxis]))[0]


def noise_above_four(image):
    deviations = np.abs(above_four(image)).reshape(1, -1)
    return scatter_above_four(deviations)[0] / ABOVE_FOUR


def noise_by_quarter(image):
    return noise_from_quarter_above_four(np.abs(above_four(image)).reshape(1, -1))[0]


OF_VALUES = {
    "robust": lambda image: robust_scatter(image[np.isfinite(image)]),
    "tiles": lambda image: np.median(median_and_scatter(image)[1]),
    "clipped": lambda image: clipped_statistics(image)[1],
    "below a level": lambda image: noise_below_level(image, np.nanmedian(image)),
    "negative": noise_of_negative_values,
}
OF_NEIGHBORS = {
    "neighbors": noise_from_neighbors,
    "changes": noise_from_changes,
    "mean square": lambda image: np.sqrt(variance_from_neighbors(image, 1.0)),
    "pairs": noise_by_pairs,
    "above four": noise_above_four,
    "quarter": noise_by_quarter,
}
ALL = OF_VALUES | OF_NEIGHBORS


def each_of(estimators):
    return pytest.mark.parametrize(
        "measure", [pytest.param(each, id=name) for name, each in estimators.items()]
    )


@pytest.fixture
def white(global_random_seed):
    """Noise of deviation 1."""
    return np.random.default_rng(global_random_seed).normal(size=SHAPE)


@each_of(ALL)
@pytest.mark.parametrize("sigma", [1e-12, 3.0, 1e9])
def test_white_noise(measure, sigma, white):
    assert measure(sigma * white) == pytest.approx(sigma, rel=0.03)


@each_of(ALL)
def test_single_precision(measure, white):
    assert measure(3 * white.astype(np.float32)) == pytest.approx(3, rel=0.03)


@each_of(ALL)
def test_scales_with_the_image(measure, white):
    noise = measure(white)
    assert measure(4 * white) == 4 * noise  # powers of 2 round nothing
    assert measure(0.3 * white) == pytest.approx(0.3 * noise, rel=1e-12)


@each_of({name: each for name, each in ALL.items() if name != "negative"})
def test_does_not_depend_on_the_level(measure, white):
    assert measure(white + 1000) == pytest.approx(measure(white), rel=1e-9)


@each_of(ALL)
def test_gaps(measure, white):
    white[40:130, 100:250] = np.nan
    white[200, :-1] = np.nan
    white[:, 10] = np.nan
    assert measure(white) == pytest.approx(1, rel=0.03)


@each_of(ALL)
@pytest.mark.parametrize("value", [0.0, 7.5])
def test_constant_images_have_no_noise(measure, value):
    assert measure(np.full(SHAPE, value)) == 0


@each_of(OF_NEIGHBORS)
@pytest.mark.parametrize("axis", [0, 1])
def test_neighbors_do_not_see_a_slope(measure, axis, white):
    """The level rises by 30 deviations over the image."""
    slope = np.linspace(-15, 15, SHAPE[axis])
    image = white + (slope if axis else slope[:, np.newaxis])
    assert measure(image) == pytest.approx(1, rel=0.03)


@each_of({name: each for name, each in OF_VALUES.items() if name != "tiles"})
def test_values_count_a_slope_as_noise(measure, white):
    """Half of the values of a slope from -15 to 15 lie within 7.5 of its middle."""
    image = white + np.linspace(-15, 15, SHAPE[1])
    assert measure(image) == pytest.approx(7.5 * 1.4826, rel=0.05)


def test_differences_from_four_neighbors_have_no_part_of_a_steep_slope(white):
    """Those of two neighbors do if they are taken from 0."""
    image = white + 5 * np.arange(SHAPE[1])
    assert noise_above_four(image) == pytest.approx(1, rel=0.03)
    assert noise_by_quarter(image) == pytest.approx(1, rel=0.03)
    assert noise_by_pairs(image) == pytest.approx(1, rel=0.03)
    assert noise_from_changes(image) == pytest.approx(5 / 0.6745 / 2**0.5, rel=0.03)


@pytest.mark.parametrize("name", ["robust", "tiles", "clipped", "neighbors", "changes"])
def test_few_bright_pixels_do_not_matter(name, white):
    rng = np.random.default_rng(0)
    white[rng.random(SHAPE) < 0.02] += 1000
    assert ALL[name](white) == pytest.approx(1, rel=0.1)


def test_median_distance_and_what_takes_its_place():
    # Median 3; the distances are 2, 1, 0, 1, 97.
    expected = pytest.approx(1.4826, rel=1e-5)
    assert robust_scatter(np.array([1.0, 2, 3, 4, 100])) == expected
    # Most are equal: mean 6, squares of distances 1, 1, 1, 1, 16.
    assert robust_scatter(np.array([5.0, 5, 5, 5, 10])) == 2


def test_tiles_are_measured_one_by_one():
    tiles = np.array(
        [[1, 2, 3, 4, 100, np.nan], [5, 5, 5, 5, 10, np.nan], [np.nan] * 5 + [7]]
    )
    np.testing.assert_array_equal(row_median(tiles), [3, 5, 7])
    median, scatter = median_and_scatter(tiles)
    np.testing.assert_array_equal(median, [3, 5, 7])
    np.testing.assert_allclose(scatter, [1.4826, 2, 0])


def test_clipping_leaves_out_what_is_far():
    # Without 1000, the median of 1, 2, 4, 7 is 3, and that of what they differ 1.5.
    level, noise = clipped_statistics(np.array([7, 1, np.nan, 1000, 4, 2]))
    assert (level, noise) == (3, pytest.approx(1.4826 * 1.5))


def test_neighbors_along_a_ramp(global_random_seed):
    rng = np.random.default_rng(global_random_seed)
    ramp = np.linspace(0, 100, 250_000).reshape(500, 500).T
    noise = noise_from_neighbors(ramp + rng.normal(0, 4, ramp.shape))
    assert noise == pytest.approx(4, rel=0.01)
    assert noise_from_neighbors(np.array([[np.nan, 1.0]])) == 0


def test_variance_of_photons_is_their_mean():
    """Most differences of so few are 0, which medians would call no noise."""
    counts = np.random.default_rng(0).poisson(0.1, SHAPE)
    assert variance_from_neighbors(2.5 * counts, 2.5) == pytest.approx(0.1, rel=0.05)
    assert noise_by_pairs(counts) == 0


def test_a_mostly_constant_picture_has_the_noise_of_the_rest(white):
    white[:200] = 0
    assert noise_from_changes(white) == pytest.approx(1, rel=0.03)


def test_noise_of_counts_is_a_step_at_least():
    """A single count among zeros: its deviation is 1, and 1/4 for its neighbors."""
    image = np.zeros((18, 18))
    image[9, 9] = 1
    # The root mean square of five is .5; a step is taken to be 4 times 1/4.
    assert noise_above_four(image) == 1


def test_nothing_is_known_of_nothing():
    nothing = np.full((4, 4), np.nan)
    assert robust_scatter(np.zeros(0)) == 0
    assert noise_from_neighbors(nothing) == 0
    assert noise_from_changes(nothing) == 0
    assert noise_of_negative_values(nothing) == 0
    assert np.isnan(clipped_statistics(nothing)).all()
    assert np.isnan(variance_from_neighbors(nothing, 1.0))
    assert np.isnan(noise_above_four(nothing))


def test_neighbors_beside_gaps():
    image = np.array([[0, 1, 0], [2, 9, 6], [0, np.nan, 0.0]])
    assert above_four(image) == 3  # the largest of the valid ones is 6
    image[1, 0] = np.nan
    assert np.isnan(above_four(image))
    assert above_four(np.array([[0, 1, 0], [2, 9, 6], [0, 3, 0.0]])) == 6
