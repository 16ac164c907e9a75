# SPDX-License-Identifier: BSD-3-Clause
"""scaled_winners: the best unit at the best brightness, against the formula."""

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from scipy.optimize import minimize_scalar

from skesom.som import scaled_winners


def chi_square(a, x, unit, error, scale_error=np.inf):
    """The sum that is minimized, over the present bands."""
    apart = (x - a * unit) / error
    return np.nansum(apart**2) + ((a - 1) / scale_error) ** 2


@pytest.fixture(scope="module")
def sky():
    """Units, and noisy samples of them at any brightness, with gaps."""
    rng = np.random.default_rng(0)
    units = np.exp(rng.normal(size=(150, 5)))
    X = units[rng.integers(0, 150, 700)] * np.exp(rng.normal(size=(700, 1)))
    errors = 0.2 * np.exp(rng.normal(size=X.shape))
    X += errors * rng.normal(size=X.shape)
    X[rng.random(X.shape) < 0.2] = np.nan
    X[3] = np.nan
    return X, units, errors


@pytest.mark.parametrize("scale_error", [np.inf, 0.5])
def test_against_a_minimizer(sky, scale_error):
    X, units, errors = sky
    some = slice(0, 20)
    winners, distances = scaled_winners(
        X[some], units, errors[some], scale_error=scale_error, return_distance=True
    )
    assert (winners[3], np.isnan(distances[3])) == (-1, True)
    for row in set(range(20)) - {3}:
        least = [
            minimize_scalar(
                chi_square,
                bounds=(0, 100),
                args=(X[row], unit, errors[row], scale_error),
                method="bounded",
                options={"xatol": 1e-9},
            ).fun
            for unit in units
        ]
        assert winners[row] == np.argmin(least)
        n_present = np.count_nonzero(~np.isnan(X[row]))
        assert_allclose(distances[row], np.sqrt(min(least) * 5 / n_present), rtol=1e-6)


def test_brightness_does_not_matter_unless_it_is_told(sky):
    _, units, _ = sky
    brighter = 40 * units
    same = np.arange(150)
    assert_array_equal(scaled_winners(brighter, units, 0.01 * brighter), same)
    twice = np.vstack([units[:1], 40 * units[:1]])
    assert scaled_winners(brighter[:1], twice, brighter[:1])[0] == 0
    assert scaled_winners(brighter[:1], twice, brighter[:1], scale_error=0.1)[0] == 1


@pytest.mark.parametrize("height", [1, 7, 64, 437])
def test_the_same_bits_however_the_table_is_cut(sky, height):
    """The default block has 436 rows."""
    X, units, errors = sky
    whole = scaled_winners(X, units, errors, return_distance=True)
    n_rows = min(len(X), 70 * height)
    parts = [
        scaled_winners(X[i : i + height], units, errors[i : i + height])
        for i in range(0, n_rows, height)
    ]
    assert_array_equal(np.concatenate(parts)[:n_rows], whole[0][:n_rows])
    _, alone = scaled_winners(X[4:5], units, errors[4:5], return_distance=True)
    assert alone == whole[1][4]


def test_the_first_of_equal_units_wins(sky):
    X, units, errors = sky
    doubled = np.vstack([units, units])
    assert_array_equal(
        scaled_winners(X, doubled, errors), scaled_winners(X, units, errors)
    )


def test_infinite_errors_are_missing_values(sky):
    X, units, errors = sky
    widths = np.where(np.isnan(X), np.inf, errors)
    winners = scaled_winners(np.nan_to_num(X, nan=7.0), units, widths)
    assert_array_equal(winners, scaled_winners(X, units, errors))


def test_no_flux_at_all():
    units = [[1.0, 2.0], [0.0, 0.0], [2.0, 1.0]]
    found = scaled_winners(
        [[-1.0, -2.0], [0.0, 0.0]], units, np.ones((2, 2)), return_distance=True
    )
    assert_array_equal(found[0], [0, 0])
    assert_allclose(found[1], [np.sqrt(5), 0])


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"X": [[1.0, np.inf]]}, "X contains infinity"),
        ({"units": [[1.0, np.nan]]}, "units contains NaN"),
        ({"units": [[1.0]]}, "units has 1 features, and X has 2"),
        ({"errors": [[1.0]]}, r"'errors' must have the shape of X, \(1, 2\)"),
        ({"errors": [[1.0, 0.0]]}, "positive.*Got 0.0 in row 0, column 1"),
        ({"scale_error": 0}, "scale_error must be above 0, got 0"),
        ({"scale_error": np.nan}, "scale_error must be above 0, got nan"),
    ],
)
def test_bad_input(arguments, message):
    good = {"X": [[1.0, 2.0]], "units": [[1.0, 1.0]], "errors": [[1.0, 1.0]]}
    with pytest.raises(ValueError, match=message):
        scaled_winners(**{**good, **arguments})
