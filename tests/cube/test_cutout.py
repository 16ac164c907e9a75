# SPDX-License-Identifier: BSD-3-Clause
"""Cut-outs by sky and by pixel."""

import numpy as np
import pytest
from astropy import units as u
from astropy.coordinates import SkyCoord
from astropy.nddata import Cutout2D
from astropy.wcs import WCS

from skesom.cube import Cube

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
        part = cube.cutout((20, 30), ("11pix", 7 * u.pixel))
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
        assert bare.cutout((40, 40), (10 * u.arcsec, "8pix")).shape == (20, 8, 2)

    def test_a_bare_number_is_in_arcsec_if_pixels_have_a_size(self, cube):
        known = Cube(cube.data, pixel_scale=(0.5, 0.25))
        assert known.cutout((40, 40), 10).shape == (20, 40, 2)
        assert Cube(cube.data).cutout((40, 40), 10).shape == (10, 10, 2)

    def test_is_trimmed_at_the_border(self, cube):
        part = cube.cutout((2, 118), "21pix")
        np.testing.assert_array_equal(part.data, cube.data[:13, 108:])

    @pytest.mark.parametrize(
        ("center", "size", "message"),
        [
            (
                (-50, 10),
                "9pix",
                "9 x 9 pixels around row -50.0.*outside of the image of 90",
            ),
            (SkyCoord(10, 10, unit="deg"), 9, "another side of the sky"),
            (SkyCoord(204, -20, unit="deg"), 9, "outside of the image"),
            ((5, np.nan), 9, "it is not a number"),
            ((5, 5), 0, "size must be positive"),
            ((5, 5), (3, np.nan), "size must be finite"),
            ((5, 5), -3 * u.arcsec, "finite and not negative"),
            ((5, 5), "wide", "in arcsec, an angle or in pixels .as 3pix., got 'wide'"),
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
        with pytest.raises(ValueError, match="how large pixels are"):
            bare.cutout((5, 5), 5 * u.arcsec)
