# SPDX-License-Identifier: BSD-3-Clause
"""What holds for any shape, type, byte order and pattern of gaps."""

import warnings

import numpy as np
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from sklearn.base import clone

from skesom.cube import (
    AsinhStretch,
    ColorScaler,
    CubeMasker,
    FluxShape,
    FluxUnitConverter,
)
from skesom.pixels import PixelSampler
from tests.helpers.any_cubes import cubes, cubes_profile, plain


def quietly(transformer, array):
    """Fit and transform; constant bands are no surprise here."""
    before = array.copy()
    array.flags.writeable = False
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", "These bands are constant", UserWarning)
        warnings.filterwarnings("ignore", "The noise of band", UserWarning)
        result = clone(transformer).fit(array).transform(array)
    np.testing.assert_array_equal(array, before)
    return result


ONE_TO_ONE = [
    AsinhStretch(),
    AsinhStretch(noise=2.0, subtract_sky=True, n_jobs=2),
    ColorScaler(),
    FluxUnitConverter("Jy", calibration=8.9),
]
OF_SEVERAL = [
    FluxShape(noise=1.0),
    FluxShape(noise=1.0, subtract_sky=False, brightness=True),
    FluxShape(0, noise=1.0),
    FluxShape(1, noise=1.0, brightness=True, subtract_sky=False),
]


@settings(cubes_profile, max_examples=80)
@given(array=cubes(), transformer=st.sampled_from(ONE_TO_ONE + OF_SEVERAL))
def test_gaps_stay_and_the_rest_is_finite(transformer, array):
    """Every value becomes another one, or is made of several bands."""
    data = plain(array)
    complete = ~np.isnan(data).any(axis=2)
    assume(complete.any())
    assume(data.shape[2] > 1 or not isinstance(transformer, FluxShape))
    result = quietly(transformer, array)
    assert result.shape[:2] == data.shape[:2]
    assert result.dtype == data.dtype
    assert np.isfinite(result[complete]).all()
    assert not np.isinf(result).any()
    assert np.isnan(result[np.isnan(data).all(axis=2)]).all()
    if not isinstance(transformer, FluxShape):
        np.testing.assert_array_equal(np.isnan(result), np.isnan(data))
    elif transformer.reference is None:
        assert np.isnan(result[~complete]).all()
    # Neither the order in memory nor that of bytes matters.
    np.testing.assert_array_equal(quietly(transformer, data), result)


class TestValues:
    """What the numbers promise."""

    @cubes_profile
    @given(array=cubes())
    def test_a_stretch_keeps_the_order(self, array):
        data = plain(array)
        assume(not np.isnan(data).all())
        result = quietly(AsinhStretch(), array)
        for band in range(data.shape[2]):
            flux, stretched = data[:, :, band].ravel(), result[:, :, band].ravel()
            order = np.argsort(flux)
            order = order[~np.isnan(flux[order])]
            assert (np.diff(stretched[order]) >= 0).all()

    @cubes_profile
    @given(array=cubes(), factor=st.sampled_from([2.0**-20, 0.5, 2.0**20]))
    def test_units_of_a_stretch_do_not_matter(self, array, factor):
        data = plain(array)
        assume(not np.isnan(data).all())
        np.testing.assert_array_equal(
            quietly(AsinhStretch(), data * data.dtype.type(factor)),
            quietly(AsinhStretch(), data),
        )


MASKERS = [
    CubeMasker(),
    CubeMasker(min_bands=1, mask_zeros=True),
    CubeMasker(grow=1.5, saturation=500.0, mask_pedestal=False, min_signal_to_noise=-5),
]


class TestMasker:
    """Masked values become NaN, and no other value changes."""

    def masked(self, masker, array):
        """Return the masked cube and the fitted masker, None if nothing is left."""
        fitted = clone(masker)
        try:
            return fitted.fit(array).transform(array), fitted
        except ValueError as error:
            if "mask" not in str(error):
                raise
            return None, None

    @settings(cubes_profile, max_examples=60)
    @given(array=cubes(), masker=st.sampled_from(MASKERS))
    def test_what_is_kept_is_kept(self, masker, array):
        data, before = plain(array), array.copy()
        result, fitted = self.masked(masker, array)
        np.testing.assert_array_equal(array, before)
        expected, _ = self.masked(masker, data)
        if result is None:
            assert expected is None
            return
        np.testing.assert_array_equal(result, expected)
        np.testing.assert_array_equal(clone(masker).fit_transform(array), result)
        kept = ~np.isnan(result)
        assert result.dtype == data.dtype
        np.testing.assert_array_equal(result[kept], data[kept])
        needed = masker.min_bands or data.shape[2]
        np.testing.assert_array_equal(fitted.mask_, kept.sum(axis=2) < needed)
        assert np.isnan(result[fitted.mask_]).all()
        assert sum(fitted.summary_.values()) == fitted.mask_.sum()
        assert not fitted.mask_.all()


class TestTables:
    """Cubes to rows and back."""

    @cubes_profile
    @given(
        array=cubes(),
        size=st.one_of(st.integers(1, 300), st.floats(0.001, 1)),
        method=st.sampled_from(["random", "brightness", "blocks"]),
        seed=st.integers(0, 2**32 - 1),
    )
    def test_samples(self, array, size, method, seed):
        data = plain(array)
        valid = ~np.isnan(data).any(axis=2)
        assume(valid.any())
        blocks = {"block_size": 3} if method == "blocks" else {}
        sampler = PixelSampler(size, method, **blocks, random_state=seed)
        chosen = sampler.sample(array)
        assert not chosen[~valid].any()
        n_valid = int(valid.sum())
        wanted = (
            min(size, n_valid)
            if isinstance(size, int)
            else max(1, round(size * n_valid))
        )
        assert wanted <= chosen.sum() <= wanted + (8 if method == "blocks" else 0)
