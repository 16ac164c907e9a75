# SPDX-License-Identifier: BSD-3-Clause
"""FWHMConvolver: widths that are unknown, and odd ones.

Two tests watch from inside that stars are not measured without need.
"""

import warnings

import numpy as np
import pytest

from skesom.cube import Cube, FWHMConvolver
from skesom.cube.convolution import beams, stars
from tests.helpers.grids import make_wcs


def star_field(seed, fwhm, shape=(150, 160)):
    """Draw ten stars of Gaussian profiles, which are apart, on sky and noise."""
    rng = np.random.default_rng(seed)
    image = rng.normal(50, 1, shape)
    rows, columns = np.indices(shape)
    for place in range(10):
        row, column = 20 + 50 * (place % 3), 20 + 35 * (place // 3)
        squares = (rows - row - rng.uniform()) ** 2
        squares += (columns - column - rng.uniform()) ** 2
        image += rng.uniform(200, 900) * np.exp(-4 * np.log(2) * squares / fwhm**2)
    return image


def said_by(cube, **parameters):
    """Return the warnings of a fit, which must leave the cube as it is."""
    convolver = FWHMConvolver(**parameters)
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        convolver.fit(cube)
    for each in caught:
        assert each.category is UserWarning
        assert each.filename == __file__
    return [str(each.message) for each in caught], convolver


class TestUnknown:
    """How a width can be known is told, and nothing is measured for it."""

    @pytest.fixture
    def cube(self):
        images = [star_field(seed, fwhm) for seed, fwhm in enumerate((2.5, 4.0))]
        return Cube(np.stack(images, -1), band_names=["g", "r"], pixel_scale=(0.2, 0.2))

    def test_told_and_not_measured(self, cube, monkeypatch):
        used = FWHMConvolver("stars").fit(cube).fwhm_
        assert used == pytest.approx([0.5, 0.8], rel=0.02)
        monkeypatch.setattr(beams, "measure_star_fwhm", None)
        (line,), convolver = said_by(cube)
        assert convolver.transform(cube).data is cube.data
        assert np.isnan(convolver.fwhm_).all()
        assert "FWHM of all bands is unknown. Pass fwhm in" in line
        assert line.endswith("or fwhm='stars' to measure it on stars.")

    def test_some_bands(self, cube):
        (line,), _ = said_by(cube.replace(fwhm=[0.7, np.nan]))
        assert "FWHM of r is unknown" in line

    def test_pixels_of_unknown_size(self, cube):
        (line,), _ = said_by(Cube(cube.data))
        assert "Pass fwhm in pixels" in line
        (line,), _ = said_by([cube, Cube(cube.data, band_names=["z", "y"])])
        assert "Pass fwhm in arcsec" in line
        assert "with pixel_scale" in line
        # The width of a cube is an angle, so that numbers are angles too.
        (line,), _ = said_by(Cube(cube.data, fwhm=[0.7, np.nan]))
        assert "Pass fwhm in arcsec" in line
        assert "with pixel_scale" in line

    def test_time_is_bounded(self, cube, monkeypatch):
        """Of more stars than that, the brightest are fitted."""
        fits = []
        fit = stars.fit_gaussian
        monkeypatch.setattr(stars, "MOST_FITS", 6)
        monkeypatch.setattr(stars, "fit_gaussian", lambda *a: fits.append(a) or fit(*a))
        width, n_stars = stars.measure_star_fwhm(cube.data[:, :, 1], "r")
        assert width == pytest.approx(4.0, rel=0.02)
        assert n_stars <= 6
        assert len(fits) == 12  # in two passes


class TestOdd:
    """Widths that no image has."""

    def said(self, given, limit=(np.nan, np.nan), scale=0.04, **parts):
        cube = Cube(
            np.ones((9, 9, 2)),
            band_names=["u", "i"],
            pixel_scale=(scale, scale),
            diffraction_fwhm=limit,
        )
        return said_by(cube.replace(**parts), fwhm=given)[0]

    def test_usual_ones(self):
        # Hubble through F225W and F814W, 1.03 wavelengths by 2.4 m
        assert self.said([0.083, 0.074], [0.0199, 0.0721]) == []
        # a hole in the mirror makes stars a little narrower than a full one does
        assert self.said([0.803, 0.803], [0.83, 0.83], scale=0.11) == []

    def test_below_a_pixel_and_a_half(self):
        (line,) = self.said([0.03, 0.074])
        assert "less than 1.5 pixels, which few cameras reach: u (0.03" in line
        assert "0.75 pixels)" in line
        assert "2.5pix" in line
        (line,) = self.said(None, fwhm=[0.083, 0.05])  # known to the cube
        assert "i (0.05 arcsec, 1.2 pixels)" in line
        # the minor axis of a beam, which has no width in pixels without a direction
        (line,) = self.said(
            {"u": 0.1, "i": (0.1, 0.05, 30)}, wcs=make_wcs((9, 9), 0.04)
        )
        assert "i (0.05 arcsec" in line

    def test_below_the_diffraction_limit(self):
        (line,) = self.said([0.083, 0.06], [0.0199, 0.0721], scale=0.02)
        assert "diffraction limit of the telescope: i (0.06 arcsec instead of" in line
        assert "instead of 0.0721)" in line

    def test_pixels_taken_as_arcsec(self):
        (line,) = self.said([2.1, 0.074], [0.0199, 0.0721])
        assert "more than 25 pixels, though the telescope is sharper: u (2.1" in line
        # Galex is far from its limit, and Wise on the pixels of Hubble is not.
        assert self.said([5.3, 6.5], [0.098, 6.4], scale=1.5) == []
        assert self.said([0.083, 6.5], [0.0199, 6.4]) == []

    def test_pixels_of_unknown_size(self):
        # In pixels, the limit in arcsec tells nothing.
        cube = Cube(np.ones((9, 9, 2)), diffraction_fwhm=[0.1, 0.1])
        (line,) = said_by(cube, fwhm=[1e-3, 40])[0]
        assert "less than 1.5 pixels" in line
        assert "numbers are in pixels" in line

    def test_of_one_part(self):
        cube = Cube(np.ones((9, 9, 2)), diffraction_fwhm=[0.1, np.nan])
        np.testing.assert_array_equal(cube[:, :, 1:].diffraction_fwhm, [np.nan])
        np.testing.assert_array_equal(
            cube.replace(fwhm=[1, 2]).diffraction_fwhm, [0.1, np.nan]
        )
