# SPDX-License-Identifier: BSD-3-Clause
"""Cut-outs by sky and by pixel, and the largest rectangle without a gap."""

import numpy as np
import pytest
from astropy import units as u
from astropy.coordinates import SkyCoord
from astropy.nddata import Cutout2D
from astropy.wcs import WCS
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from skesom.cube import Cube, largest_valid_rectangle

CENTER = SkyCoord(204.2683, -29.8395, unit="deg")


def rotated_wcs(shape, scale=0.5, angle=30):
    """Make a TAN projection that is turned, with CENTER near the middle."""
    wcs = WCS(naxis=2)
    wcs.wcs.ctype = ["RA---TAN", "DEC--TAN"]
    wcs.wcs.crval = [CENTER.ra.deg, CENTER.dec.deg]
    wcs.wcs.crpix = [shape[1] / 2 + 3, shape[0] / 2 - 7]
    turn = np.radians(angle)
    wcs.wcs.cd = (
        np.array([[-np.cos(turn), np.sin(turn)], [np.sin(turn), np.cos(turn)]])
        * scale
        / 3600
    )
    wcs.array_shape = shape
    return wcs


@pytest.fixture
def cube():
    shape = (90, 120)
    data = np.arange(90 * 120 * 2, dtype=np.float32).reshape(*shape, 2)
    return Cube(
        data,
        wcs=rotated_wcs(shape),
        band_names=["a", "b"],
        errors=data + 1,
        fwhm=[1.0, 2.0],
    )


class TestCutout:
    """Part of a cube around a place."""

    def test_agrees_with_astropy_on_the_sky(self, cube):
        center = SkyCoord(204.2700, -29.8401, unit="deg").galactic
        size = (12 * u.arcsec, 0.5 * u.arcmin)
        part = cube.cutout(center, size)
        expected = Cutout2D(cube.data[:, :, 1], center, size, wcs=cube.wcs)
        np.testing.assert_array_equal(part.data[:, :, 1], expected.data)
        sky, wanted = (
            wcs.pixel_to_world([0, 5], [3, 9]) for wcs in (part.wcs, expected.wcs)
        )
        assert np.all(sky.separation(wanted) < 1e-6 * u.arcsec)

    def test_stays_at_its_place(self, cube):
        part = cube.cutout((20, 30), (11, 7))
        assert part.shape == (11, 7, 2)
        np.testing.assert_array_equal(part.data, cube.data[15:26, 27:34])
        np.testing.assert_array_equal(part.errors, cube.errors[15:26, 27:34])
        place = part.wcs.pixel_to_world(3, 5)
        assert place.separation(cube.wcs.pixel_to_world(30, 20)) < 1e-6 * u.arcsec
        assert part.band_names == cube.band_names
        np.testing.assert_array_equal(part.fwhm, cube.fwhm)
        assert np.shares_memory(part.data, cube.data)

    def test_pixels_as_quantity_and_without_wcs(self, cube):
        bare = Cube(cube.data, pixel_scale=(0.5, 0.25))
        assert bare.cutout((40, 40), 6 * u.pixel).shape == (6, 6, 2)
        assert bare.cutout((40, 40), 10 * u.arcsec).shape == (20, 40, 2)
        assert bare.cutout((40, 40), (10 * u.arcsec, 8)).shape == (20, 8, 2)

    def test_is_trimmed_at_the_border(self, cube):
        part = cube.cutout((2, 118), 21)
        np.testing.assert_array_equal(part.data, cube.data[:13, 108:])

    @pytest.mark.parametrize(
        ("center", "size", "message"),
        [
            ((-50, 10), 9, "9 x 9 pixels around row -50.0.*outside of the image of 90"),
            (SkyCoord(10, 10, unit="deg"), 9, "another side of the sky"),
            (SkyCoord(204, -20, unit="deg"), 9, "outside of the image"),
            ((5, np.nan), 9, "it is no number"),
            ((5, 5), 0, "size must be positive"),
            ((5, 5), (3, np.nan), "size must be positive"),
            ((5, 5), -3 * u.arcsec, "size must be positive"),
            ((5, 5), 3 * u.second, "angle or in pixels"),
            ((5, 5), (1, 2, 3), "height, width"),
            ((5,), 3, "SkyCoord or \\(row, column\\)"),
            (SkyCoord([1, 2], [3, 4], unit="deg"), 3, "one position, got 2"),
        ],
    )
    def test_refusals(self, cube, center, size, message):
        with pytest.raises(ValueError, match=message):
            cube.cutout(center, size)

    def test_sky_needs_wcs(self, cube):
        bare = Cube(cube.data)
        with pytest.raises(ValueError, match=r"no WCS.*\(row, column\)"):
            bare.cutout(CENTER, 5)
        with pytest.raises(ValueError, match="how large its pixels are"):
            bare.cutout((5, 5), 5 * u.arcsec)


def largest_area(valid):
    """Try all rectangles."""
    sums = np.pad(valid.astype(int), ((1, 0), (1, 0))).cumsum(0).cumsum(1)
    best = 0
    n_rows, n_columns = valid.shape
    for top in range(n_rows):
        for bottom in range(top + 1, n_rows + 1):
            for left in range(n_columns):
                for right in range(left + 1, n_columns + 1):
                    area = (bottom - top) * (right - left)
                    inside = (
                        sums[bottom, right]
                        - sums[top, right]
                        - sums[bottom, left]
                        + sums[top, left]
                    )
                    if inside == area:
                        best = max(best, area)
    return best


class TestLargestValidRectangle:
    """No masked pixel inside, and none larger."""

    @settings(deadline=None, max_examples=60)
    @given(
        hnp.arrays(
            bool,
            hnp.array_shapes(min_dims=2, max_dims=2, max_side=8),
            elements=st.booleans() | st.just(True),
        )
    )
    def test_against_all_rectangles(self, valid):
        cube = np.where(valid, 1.0, np.nan)[:, :, np.newaxis]
        if not valid.any():
            with pytest.raises(ValueError, match=r"All .* pixels are masked"):
                largest_valid_rectangle(cube)
            return
        rows, columns = largest_valid_rectangle(cube)
        assert valid[rows, columns].all()
        assert valid[rows, columns].size == largest_area(valid)

    def test_crop_of_a_rotated_mosaic(self, cube):
        rows, columns = np.indices((90, 120))
        turned = np.abs(rows - 45) + np.abs(columns - 60)
        data = cube.data.copy()
        data[turned > 50, 0] = np.nan
        cube = cube.replace(data=data)
        part = cube[largest_valid_rectangle(cube)]
        assert np.isfinite(part.data).all()
        # A square inside a diamond of half diagonal 50 has half its area.
        assert part.shape[0] * part.shape[1] == pytest.approx(51 * 51, rel=0.02)
        assert part.wcs is not None

    def test_min_bands(self):
        cube = np.ones((6, 8, 3))
        cube[:, :4, 0] = np.nan
        cube[2, 2, 1] = np.nan
        assert largest_valid_rectangle(cube) == (slice(0, 6), slice(4, 8))
        loose = largest_valid_rectangle(cube, min_bands=2)
        assert loose == (slice(0, 6), slice(3, 8))
        with pytest.raises(ValueError, match="min_bands=4 exceeds the 3 bands"):
            largest_valid_rectangle(cube, min_bands=4)
