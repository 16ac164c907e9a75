# SPDX-License-Identifier: BSD-3-Clause
"""What holds for convolving and aligning arrays of any kind."""

import warnings

import numpy as np
from astropy.wcs import WCS
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import ndimage

from skesom.cube import Cube, CubeAligner, FWHMConvolver
from tests.helpers.any_cubes import cubes, cubes_profile, plain

# Of round kernels of 1.5 pixels and more no weight is negative; narrower ones are
# applied in Fourier space and have faint negative wings.
widths = st.floats(0.3, 8)
FOURIER_LOBE = 0.3
levels = st.one_of(st.just(0.0), st.floats(-6e4, -1e-6), st.floats(1e-6, 6e4))


def kernel(shape):
    """Return a lopsided kernel without negative parts."""
    rows, columns = np.indices(shape)
    array = 1 / (1 + (rows - shape[0] // 2) ** 2 + 2 * (columns - shape[1] // 2) ** 2)
    array[-1] *= 0.9
    return array


def convolve(array, width, **options):
    """Convolve all bands with a Gaussian of a width in pixels."""
    convolver = FWHMConvolver(
        1.5, target_fwhm=float(np.hypot(1.5, width)), pixel_scale=1.0, **options
    )
    return convolver.fit_transform(array)


class TestConvolving:
    """Means of the valid pixels around."""

    @cubes_profile
    @given(array=cubes(), width=widths)
    def test_gaps_stay_and_no_value_is_invented(self, array, width):
        data, before = plain(array), array.copy()
        array.flags.writeable = False
        result = convolve(array, width)
        np.testing.assert_array_equal(array, before)
        other = convolve(data.copy(), width, copy=False, n_jobs=2)
        np.testing.assert_array_equal(other, result)
        assert result.shape == data.shape
        assert result.dtype == data.dtype
        np.testing.assert_array_equal(np.isnan(result), np.isnan(data))
        for band in range(data.shape[2]):
            valid = data[:, :, band][~np.isnan(data[:, :, band])]
            if len(valid):
                span = np.ptp(valid.astype(float))
                lobe = FOURIER_LOBE if width < 2.36 else 0
                margin = lobe * span + 1e-5 * np.abs(valid).max()
                found = result[:, :, band][~np.isnan(data[:, :, band])]
                assert found.min() >= valid.min() - margin
                assert found.max() <= valid.max() + margin

    @cubes_profile
    @given(array=cubes(), width=widths, level=levels)
    def test_flat_stays_flat(self, array, width, level):
        data = plain(array)
        flat = np.where(np.isnan(data), data, data.dtype.type(level))
        eps = np.finfo(data.dtype).eps
        np.testing.assert_allclose(convolve(flat, width), flat, rtol=50 * eps)

    @cubes_profile
    @given(
        array=cubes(),
        shape=st.sampled_from([(1, 1), (3, 5), (7, 3), (31, 31)]),
        lobes=st.booleans(),
    )
    def test_ready_kernels(self, array, shape, lobes):
        data = plain(array)
        ready = kernel(shape)
        if lobes and min(shape) > 1:
            ready[0, 0] = -0.1 * ready.max()
        convolver = FWHMConvolver(kernels=[ready] * data.shape[2])
        result = convolver.fit_transform(array)
        assert result.dtype == data.dtype
        np.testing.assert_array_equal(np.isnan(result), np.isnan(data))
        np.testing.assert_array_equal(convolver.fit_transform(data), result)


def tangential(shape, shift=(0, 0), quarter_turns=0):
    """Make a WCS of pixels of one arcsec, shifted and turned."""
    wcs = WCS(naxis=2)
    wcs.wcs.ctype = ["RA---TAN", "DEC--TAN"]
    wcs.wcs.crval = [204.25, -29.87]
    wcs.wcs.crpix = [(shape[1] + 1) / 2 + shift[1], (shape[0] + 1) / 2 + shift[0]]
    cosine, sine = [(1, 0), (0, 1), (-1, 0), (0, -1)][quarter_turns % 4]
    wcs.wcs.pc = [[cosine, -sine], [sine, cosine]]
    wcs.wcs.cdelt = [-1 / 3600, 1 / 3600]
    wcs.array_shape = shape
    return wcs


steps = st.one_of(st.integers(-3, 3), st.floats(-3, 3))


def around(data, rows, columns):
    """Return the least and greatest neighbor of places, and how many are missing.

    The nearest pixel and the eight around it are looked at; beyond the frame pixels
    are missing.
    """
    padded = np.pad(data.astype(float), [(9, 9)] * 2, constant_values=np.nan)
    missing = np.isnan(padded)
    place = tuple(
        np.clip(np.round(values).astype(int) + 9, 1, length - 2)
        for values, length in zip((rows, columns), padded.shape, strict=True)
    )
    low = ndimage.minimum_filter(np.where(missing, np.inf, padded), 3)[place]
    high = ndimage.maximum_filter(np.where(missing, -np.inf, padded), 3)[place]
    return low, high, missing[place], ndimage.maximum_filter(missing, 3)[place]


class TestAligning:
    """Bilinear interpolation between the four pixels around a place."""

    @settings(cubes_profile, max_examples=20)
    @given(array=cubes(), shift=st.tuples(steps, steps), turns=st.integers(0, 3))
    def test_values_come_from_the_pixels_around(self, array, shift, turns):
        data = plain(array)
        source = Cube(array, wcs=tangential(data.shape[:2]))
        target = tangential((9, 10), shift, turns)
        rows, columns = np.indices((9, 10))
        x, y = source.wcs.world_to_pixel(target.pixel_to_world(columns, rows))
        found = [around(data[:, :, band], y, x) for band in range(data.shape[2])]
        low, high, gap, near = (np.stack(part, -1) for part in zip(*found, strict=True))
        try:
            result = align_to(source, target)
        except ValueError as error:
            if "do not overlap" not in str(error) or not near.all(axis=(0, 1)).any():
                raise
            return
        assert result.shape == (9, 10, data.shape[2])
        assert result.dtype == data.dtype
        # A gap is a gap where its pixel is the nearest beyond doubt ...
        doubt = np.maximum(np.abs(x - np.round(x)), np.abs(y - np.round(y))) > 0.49
        assert np.isnan(result[gap & ~doubt[..., np.newaxis]]).all()
        # ... and far from gaps and borders every value lies between those around.
        low, high, values = low[~near], high[~near], result[~near]
        margin = 1e-5 * np.maximum(np.abs(low), np.abs(high))
        assert (values >= low - margin).all()
        assert (values <= high + margin).all()
        # Neither the order in memory nor that of bytes matters.
        other = align_to(Cube(data, wcs=source.wcs), target)
        np.testing.assert_array_equal(other, result)


def align_to(cube, wcs):
    """Resample to another grid."""
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        return CubeAligner(wcs).fit_transform(cube).data
