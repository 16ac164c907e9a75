# SPDX-License-Identifier: BSD-3-Clause
"""Errors through FWHMConvolver, and strips that nobody can see in the result.

Kernels are called one by one, to compare them with the matrix of their weights.
"""

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal

from skesom.cube import Cube, FWHMConvolver
from skesom.cube.convolution.filtering import (
    GaussianKernel,
    LobedKernel,
    PositiveKernel,
    convolve_cube,
)
from tests.helpers.block_sizes import cut_convolution

SHAPE = (11, 9)


def lopsided(size=5):
    """Make a positive kernel without any symmetry."""
    rows, columns = np.indices((size, size)) - size // 2
    array = np.exp(-(rows**2 + 0.5 * columns**2 + 0.4 * rows * columns) / 2)
    array *= 1 + 0.2 * rows / size - 0.3 * columns / size
    return array / array.sum()


def lobed(size=5):
    """Make a kernel with negative lobes."""
    array = lopsided(size)
    rows, columns = np.indices(array.shape) - size // 2
    array[np.hypot(rows, columns) > 2] *= -0.3
    return array / array.sum()


KERNELS = {
    "sub-pixel": GaussianKernel(0.45),
    "wide": GaussianKernel(1.6),
    "mixed": GaussianKernel((0.7, 1.3)),
    "one axis": GaussianKernel((0, 1.1)),
    "positive": PositiveKernel(lopsided()),
}


def matrix_of(kernel, masked):
    """Return the weights of all pixels in all results, one impulse after the other."""
    weights = np.zeros((masked.size, masked.size))
    for place in np.flatnonzero(~masked):
        impulse = np.where(masked, np.nan, 0.0)
        impulse.flat[place] = 1
        weights[:, place] = np.nan_to_num(kernel.convolve(impulse)[0]).ravel()
    return weights


@pytest.fixture
def rng(global_random_seed):
    return np.random.default_rng(global_random_seed)


@pytest.mark.parametrize("kernel", KERNELS.values(), ids=KERNELS)
@pytest.mark.parametrize("masked_share", [0, 0.3])
def test_variance_of_independent_noise(kernel, masked_share, rng):
    """Var(sum w x) = sum w^2 Var(x), with the weights that the data were given."""
    masked = rng.random(SHAPE) < masked_share
    image = np.where(masked, np.nan, rng.normal(size=SHAPE))
    variance = rng.uniform(0.5, 4, SHAPE)
    result, spread = kernel.convolve(image, variance)
    weights = matrix_of(kernel, masked)
    assert_allclose(
        result[~masked],
        (weights @ np.nan_to_num(image).ravel()).reshape(SHAPE)[~masked],
    )
    expected = (weights**2 @ variance.ravel()).reshape(SHAPE)
    assert_allclose(spread[~masked], expected[~masked], rtol=1e-9)
    assert_array_equal(np.isnan(spread), masked)


def test_variance_with_lobes_away_from_borders(rng):
    array = lobed()
    assert array.min() < 0
    image, variance = rng.normal(size=(12, 13)), rng.uniform(0.5, 4, (12, 13))
    _, spread = LobedKernel(array).convolve(image, variance)
    flipped = array[::-1, ::-1] ** 2
    for row in range(2, 10):
        for column in range(2, 11):
            around = variance[row - 2 : row + 3, column - 2 : column + 3]
            assert_allclose(spread[row, column], (flipped * around).sum())


def test_equal_errors_shrink_as_the_effective_number_of_pixels():
    """A Gaussian averages 4 pi sigma^2 pixels, so that errors shrink by its root."""
    cube = Cube(
        np.ones((41, 41, 1)), errors=np.full((41, 41, 1), 3.0), pixel_scale=(1, 1)
    )
    fwhm = 4.0
    convolver = FWHMConvolver(3.0, target_fwhm=5.0)  # lacks a FWHM of 4
    errors = convolver.fit_transform(cube).errors
    sigma = fwhm / np.sqrt(8 * np.log(2))
    expected = 3 / np.sqrt(4 * np.pi * sigma**2)
    assert_allclose(errors[20, 20, 0], expected, rtol=1e-3)
    # In a corner a quarter of the weights is left, and of their squares: an error
    # twice as large, but for the pixels on the axes.
    assert 1.5 * expected < errors[0, 0, 0] < 2 * expected


def test_unknown_errors_stay_unknown_and_harm_no_neighbor():
    errors = np.full((21, 21, 2), 2.0, dtype=np.float32)
    whole = Cube(
        np.ones((21, 21, 2), dtype=np.float32), errors=errors, pixel_scale=(1, 1)
    )
    holes = errors.copy()
    holes[8:10, 5] = np.nan
    with_holes = whole.replace(errors=holes)
    convolver = FWHMConvolver([3.0, 5.0]).fit(whole)
    expected, result = convolver.transform(whole), convolver.transform(with_holes)
    assert result.errors.dtype == np.float32
    assert_array_equal(np.isnan(result.errors), np.isnan(holes))
    known = ~np.isnan(holes)
    assert_allclose(result.errors[known], expected.errors[known], rtol=1e-5)
    assert_array_equal(result.errors[:, :, 1], holes[:, :, 1])  # the worst band
    assert_array_equal(result.data, expected.data)


def test_tiny_errors_do_not_underflow():
    """Squares of fluxes in cgs units are below the smallest float32."""
    errors = np.full((15, 15, 1), 3e-25, dtype=np.float32)
    cube = Cube(errors * 10, errors=errors, pixel_scale=(1, 1))
    result = FWHMConvolver(3.0, target_fwhm=5.0).fit_transform(cube)
    expected = FWHMConvolver(3.0, target_fwhm=5.0).fit_transform(
        Cube(errors.astype(float) * 10, errors=errors.astype(float), pixel_scale=(1, 1))
    )
    assert_allclose(result.errors, expected.errors, rtol=1e-5)


def test_no_errors_no_errors():
    cube = Cube(np.ones((9, 9, 2)), pixel_scale=(1, 1))
    assert FWHMConvolver([2, 3]).fit_transform(cube).errors is None


class TestStrips:
    """Cubes are convolved strip by strip."""

    @pytest.fixture
    def cube(self, rng):
        data = rng.normal(5, 1, (150, 17, 3))
        data[rng.random(data.shape) < 0.1] = np.nan
        data[40:60, :, 1] = np.nan
        data[:, 3] = np.nan
        return Cube(data, errors=rng.uniform(1, 2, data.shape), pixel_scale=(1, 1))

    def convolve(self, cube, kernels, monkeypatch, height, n_jobs=None):
        cut_convolution(monkeypatch, pixels=height * cube.shape[1])
        return convolve_cube(cube, kernels, n_jobs, copy=True)

    @pytest.mark.parametrize("height", [1, 13, 149])
    def test_equal_to_the_whole(self, cube, monkeypatch, height):
        kernels = [GaussianKernel(1.7), LobedKernel(lobed(7)), None]
        whole = self.convolve(cube, kernels, monkeypatch, 150)
        strips = self.convolve(cube, kernels, monkeypatch, height)
        for part, expected in zip(strips, whole, strict=True):
            assert_allclose(part, expected, rtol=1e-10)
        assert_array_equal(np.isnan(whole[0]), np.isnan(cube.data))
        assert_array_equal(whole[0][:, :, 2], cube.data[:, :, 2])

    def test_sub_pixel_kernels_lose_far_wings_only(self, cube, monkeypatch):
        """The sum of wings of at most .075 / distance^2 beyond 64 pixels is missing."""
        kernels = [GaussianKernel(0.45)] * 3
        whole, _ = self.convolve(cube, kernels, monkeypatch, 150)
        strips, _ = self.convolve(cube, kernels, monkeypatch, 13)
        largest = np.nanmax(np.abs(cube.data))
        assert_allclose(strips, whole, rtol=0, atol=0.075 / 64 * largest)

    def test_threads_change_nothing(self, cube, monkeypatch):
        kernels = [GaussianKernel(0.45), LobedKernel(lobed(7)), PositiveKernel(lobed())]
        alone = self.convolve(cube, kernels, monkeypatch, 13)
        together = self.convolve(cube, kernels, monkeypatch, 13, n_jobs=2)
        for part, expected in zip(together, alone, strict=True):
            assert_array_equal(part, expected)

    @pytest.mark.parametrize("n_jobs", [None, 2])
    @pytest.mark.parametrize("height", [70, 149])
    def test_in_place_is_the_same(self, cube, monkeypatch, height, n_jobs):
        # The widest kernel needs 14 rows on both sides; the strips are longer.
        kernels = [GaussianKernel(1.7), LobedKernel(lobed(7)), None]
        expected = self.convolve(cube, kernels, monkeypatch, height)
        data, errors = cube.data, cube.errors
        result = convolve_cube(cube, kernels, n_jobs, copy=False)
        assert result[0] is data
        assert result[1] is errors
        for part, wanted in zip(result, expected, strict=True):
            assert_array_equal(part, wanted)

    def test_in_place_on_request(self, cube):
        cube = cube.replace(fwhm=[1.5, 1.9, 3], errors=cube.errors)
        expected = FWHMConvolver().fit_transform(cube)
        read_only = cube.replace(data=cube.data.copy(), errors=cube.errors)
        read_only.data.flags.writeable = False
        kept = FWHMConvolver(copy=False).fit_transform(read_only)
        assert not np.shares_memory(kept.data, read_only.data)
        changed = FWHMConvolver(copy=False).fit_transform(cube)
        assert changed.data is cube.data
        for result in (kept, changed):
            assert_array_equal(result.data, expected.data)
            assert_array_equal(result.errors, expected.errors)

    def test_gaps_at_the_sides_are_passed_over(self, monkeypatch, rng):
        """Columns without data are no part of the work, and change nothing."""
        inner = rng.normal(5, 1, (40, 30, 2))
        data = np.full((40, 60, 2), np.nan)
        data[:, 12:42] = inner
        seen = []
        convolve = GaussianKernel.convolve

        def remember(kernel, image, variance=None):
            seen.append(image.shape)
            return convolve(kernel, image, variance)

        monkeypatch.setattr(GaussianKernel, "convolve", remember)
        convolver = FWHMConvolver([1.6, 2.0], target_fwhm=3.0, pixel_scale=1)
        result = convolver.fit_transform(Cube(data, errors=np.ones_like(data)))
        expected = convolver.fit_transform(Cube(inner, errors=np.ones_like(inner)))
        assert set(seen) == {(40, 30)}
        assert_array_equal(result.data[:, 12:42], expected.data)
        assert_array_equal(result.errors[:, 12:42], expected.errors)
        assert np.isnan(result.data[:, :12]).all()
        assert np.isnan(result.data[:, 42:]).all()
        assert np.isnan(result.errors[:, 42:]).all()

    def test_nothing_at_all(self):
        cube = Cube(np.full((9, 9, 2), np.nan), pixel_scale=(1, 1))
        assert np.isnan(FWHMConvolver([2, 3]).fit_transform(cube).data).all()
