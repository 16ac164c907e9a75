# SPDX-License-Identifier: BSD-3-Clause
"""Star fields: the nine M83 filters become alike, and stars tell how wide they are.

The fit of one star and the mode of few numbers are compared with what is known of them.
"""

import sys
import warnings

import numpy as np
import pytest
from photutils.psf import CircularGaussianPRF, fit_fwhm
from scipy import ndimage

from skesom.cube import Cube, FWHMConvolver
from skesom.cube.convolution.stars import (
    fit_gaussian,
    half_sample_mode,
    measure_star_fwhm,
)
from skesom.io import read_cube

M83_PIXEL = 0.0396
M83_FWHM = {
    "F225W": 0.083,
    "F336W": 0.075,
    "F373N": 0.070,
    "F438W": 0.070,
    "F487N": 0.067,
    "F502N": 0.067,
    "F657N": 0.070,
    "F673N": 0.070,
    "F814W": 0.074,
}
TO_SIGMA = 1 / np.sqrt(8 * np.log(2))


@pytest.fixture
def rng(global_random_seed):
    return np.random.default_rng(global_random_seed)


def scattered(rng, n, shape, margin, distance):
    """Draw places that keep a distance from the border and from each other."""
    places = []
    while len(places) < n:
        place = rng.uniform(margin, np.array(shape) - margin)
        if all(np.hypot(*(place - other)) > distance for other in places):
            places.append(place)
    return places


def add_star(image, place, flux, fwhm):
    """Add a Gaussian star that is integrated over the pixels (photutils' model)."""
    row, column = place
    half = int(4 * fwhm) + 2
    rows = slice(max(0, int(row) - half), int(row) + half + 1)
    columns = slice(max(0, int(column) - half), int(column) + half + 1)
    y, x = np.mgrid[rows, columns]
    inside = image[rows, columns]
    star = CircularGaussianPRF(flux=flux, x_0=column, y_0=row, fwhm=fwhm)
    inside += star(
        x[: inside.shape[0], : inside.shape[1]], y[: inside.shape[0], : inside.shape[1]]
    )


class TestM83Field:
    """A field as the nine mosaics show it: sky, stars, gaps, uncovered corners."""

    SHAPE = (160, 150)
    SKY = 20.0
    STARS = 8

    @pytest.fixture(scope="class", params=[np.float32, np.float64])
    @classmethod
    def field(cls, request):
        rng = np.random.default_rng(7)
        places = scattered(rng, cls.STARS, cls.SHAPE, 20, 24)
        fluxes = rng.uniform(500, 5000, cls.STARS)
        data = np.full((*cls.SHAPE, 9), cls.SKY)
        for band, fwhm in enumerate(M83_FWHM.values()):
            for place, flux in zip(places, fluxes, strict=True):
                add_star(data[:, :, band], place, flux, fwhm / M83_PIXEL)
        rows, columns = np.indices(cls.SHAPE)
        gaps = (rows + columns < 40) | (columns > 140 - 0.05 * rows)
        near = np.zeros(cls.SHAPE, dtype=bool)
        for row, column in places:
            near[round(row), round(column)] = True
        far = ndimage.distance_transform_edt(~near) > 12
        lone = far & (rng.random(cls.SHAPE) < 0.02)
        data[(gaps & far) | lone] = np.nan
        cube = Cube(
            data.astype(request.param),
            band_names=list(M83_FWHM),
            fwhm=list(M83_FWHM.values()),
            pixel_scale=(M83_PIXEL, M83_PIXEL),
        )
        return cube, FWHMConvolver().fit_transform(cube), places, far

    @pytest.mark.parametrize("band", range(9), ids=M83_FWHM)
    def test_width(self, field, band):
        _, result, places, _ = field
        image = result.data[:, :, band].astype(float) - self.SKY
        widths = fit_fwhm(
            image,
            xypos=[place[::-1] for place in places],
            fwhm=2.0,
            fit_shape=11,
            mask=np.isnan(image),
        )
        assert len(widths) == self.STARS
        np.testing.assert_allclose(widths * M83_PIXEL, 0.083, rtol=0.01)

    def test_flux(self, field):
        before, result, places, _ = field
        for row, column in places:
            stamp = np.s_[
                round(row) - 9 : round(row) + 10, round(column) - 9 : round(column) + 10
            ]
            fluxes = [
                (cube.data[stamp].astype(float) - self.SKY).sum(axis=(0, 1))
                for cube in (before, result)
            ]
            np.testing.assert_allclose(fluxes[1], fluxes[0], rtol=1e-3)

    def test_what_is_told(self, field):
        before, result, _, _ = field
        assert result.dtype == before.dtype
        np.testing.assert_array_equal(result.data[..., 0], before.data[..., 0])
        np.testing.assert_allclose(result.fwhm, 0.083, rtol=1e-12)
        assert result.band_names == before.band_names
        convolver = FWHMConvolver().fit(before)
        assert convolver.target_fwhm_ == 0.083
        # .0830 and .0670: sqrt(.006889 - .004489) = .048990
        assert convolver.kernel_fwhm_[4] == pytest.approx(0.0489898, abs=1e-7)
        assert convolver.kernel_fwhm_[0] == 0
        np.testing.assert_array_equal(convolver.pixel_scale_, M83_PIXEL)
        assert convolver.n_features_in_ == 9

    def test_gaps(self, field):
        before, result, _, _ = field
        assert 0.1 < np.isnan(before.data).mean() < 0.4
        np.testing.assert_array_equal(np.isnan(result.data), np.isnan(before.data))

    def test_edges_are_not_darkened(self, field):
        _, result, _, far = field
        sky = result.data[far]
        # The wings of a kernel carry at most .075 / 12^2 of a peak as far as this;
        # beside gaps there are fewer weights to divide by.
        peak = 5000 / (2 * np.pi * (0.067 / M83_PIXEL * TO_SIGMA) ** 2)
        assert np.nanmax(np.abs(sky - self.SKY)) < 3 * 0.075 / 12**2 * peak
        sky = sky[np.isfinite(sky)]
        assert abs(np.median(sky) / self.SKY - 1) < 1e-4


def star_field(rng, fwhm, *, shape=(300, 320), stars=16, galaxies=8):
    """Make stars and wider galaxies on a tilted sky with noise and a gap."""
    image = 50 + 0.02 * np.arange(shape[1]) + rng.normal(0, 1, shape)
    distance = 5.5 * fwhm
    places = scattered(rng, stars + galaxies, shape, 8, distance)
    for number, place in enumerate(places):
        if number < stars:
            peak, width = rng.uniform(50, 3000), fwhm
        else:
            peak, width = rng.uniform(50, 500), fwhm * rng.uniform(1.3, 2.5)
        rows, columns = np.indices(shape)
        squares = (rows - place[0]) ** 2 + (columns - place[1]) ** 2
        image += peak * np.exp(-4 * np.log(2) * squares / width**2)
    image[:, :15] = np.nan
    return image.astype(np.float32)


class TestStars:
    """Widths that are measured from the stars of a band."""

    @pytest.mark.parametrize("fwhm", [1.8, 3.1, 6.0])
    def test_known_width(self, rng, fwhm):
        image = star_field(rng, fwhm)
        before = image.copy()
        measured, n_stars = measure_star_fwhm(image, "r")
        assert measured == pytest.approx(fwhm, rel=0.01)
        assert 10 <= n_stars <= 16
        np.testing.assert_array_equal(image, before)

    def test_width_and_place_of_one(self):
        rows, columns = np.indices((15, 17)) - np.array([7, 8])[:, None, None]
        squares = (rows - 0.3) ** 2 + (columns + 0.2) ** 2
        star = 4 + 3 * np.exp(-4 * np.log(2) * squares / 2.5**2)
        fwhm, place = fit_gaussian(star, 3.0)
        assert fwhm == pytest.approx(2.5)
        np.testing.assert_allclose(place, [0.3, -0.2])

    def test_without_any_noise(self, rng):
        image = np.zeros((150, 160))
        for place in scattered(rng, 8, image.shape, 20, 24):
            rows, columns = np.indices(image.shape)
            squares = (rows - place[0]) ** 2 + (columns - place[1]) ** 2
            image += np.exp(-4 * np.log(2) * squares / 2.5**2)
        measured, n_stars = measure_star_fwhm(image, "r")
        assert measured == pytest.approx(2.5, rel=0.01)
        assert n_stars == 8

    @pytest.mark.parametrize("size", [0.5, 2.0])
    def test_convolver_measures_each_band(self, rng, size):
        bands = [star_field(rng, fwhm) for fwhm in (2.0, 3.0)]
        cube = Cube(
            np.stack(bands, axis=-1), band_names=["g", "r"], pixel_scale=(size, size)
        )
        convolver = FWHMConvolver("stars")
        result = convolver.fit_transform(cube)
        np.testing.assert_allclose(convolver.fwhm_ / size, [2.0, 3.0], rtol=0.01)
        assert "stars" in convolver.summary_["g"]
        measured, _ = measure_star_fwhm(result.data[:, :, 0], "g")
        assert measured == pytest.approx(3.0, rel=0.02)
        mixed = FWHMConvolver({"g": "stars", "r": 3.2 * size}).fit(cube)
        np.testing.assert_allclose(mixed.fwhm_ / size, [2.0, 3.2], rtol=0.01)

    @pytest.mark.parametrize(
        "kind", ["noise", "constant", "masked", "tiny", "galaxies"]
    )
    def test_no_stars(self, rng, kind):
        image = {
            "noise": lambda: rng.normal(size=(100, 90)),
            "constant": lambda: np.ones((100, 90)),
            "masked": lambda: np.full((100, 90), np.nan),
            "tiny": lambda: rng.normal(size=(4, 5)),
            "galaxies": lambda: star_field(rng, 4.0, stars=3, galaxies=4),
        }[kind]()
        cube = Cube(image[:, :, np.newaxis], band_names=["Ks"], pixel_scale=(1, 1))
        message = r"'Ks' shows \d isolated stars .* but 5 are needed .* Pass its fwhm"
        with warnings.catch_warnings():
            warnings.simplefilter("error")
            with pytest.raises(ValueError, match=message):
                FWHMConvolver("stars").fit(cube)

    def test_without_a_scale(self, rng):
        cube = Cube(star_field(rng, 3.0)[:, :, np.newaxis], band_names=["r"])
        convolver = FWHMConvolver("stars").fit(cube)
        assert convolver.length_unit_ == "pixels"
        assert convolver.target_fwhm_ == pytest.approx(3.0, rel=0.01)
        # Known in arcsec for one band, the other needs the size of its pixels.
        mixed = Cube(np.repeat(cube.data, 2, axis=2), fwhm=[0.5, np.nan])
        with pytest.raises(ValueError, match="'band 2' is known in pixels, but not"):
            FWHMConvolver(["header", "stars"]).fit(mixed)

    def test_missing_photutils_names_the_extra(self, rng, monkeypatch):
        for module in ("photutils.background", "photutils.detection"):
            monkeypatch.setitem(sys.modules, module, None)
        with pytest.raises(ImportError, match=r"pip install 'skesom\[psf\]'"):
            measure_star_fwhm(rng.normal(size=(20, 20)), "r")

    @pytest.mark.parametrize(
        ("band", "low", "high"), [("r", 2.5, 2.8), ("Z", 3.7, 4.3)]
    )
    def test_real_images(self, shared_data, band, low, high):
        """The folder's notes say 2.7 (r) to 4.2 (Z) pixels for compact sources."""
        cube = read_cube(shared_data / "kids_viking9" / f"{band}.fits")
        image = np.where(cube.data[:, :, 0] == 0, np.nan, cube.data[:, :, 0])
        fwhm, _ = measure_star_fwhm(image, band)
        assert low < fwhm < high


class TestMode:
    """The densest place of a sample."""

    def test_stars_among_galaxies(self):
        values = [3.0, 3.01, 2.99, 3.02, 4.0, 5.0, 6.5, 3.7, 8.0]
        assert half_sample_mode(np.array(values)) == pytest.approx(3.0, abs=0.02)

    @pytest.mark.parametrize(
        ("values", "mode"),
        [([2.0], 2), ([2.0, 3.0], 2.5), ([1.0, 2.0, 3.0], 2), ([1.0, 1.1, 5.0], 1.05)],
    )
    def test_few(self, values, mode):
        assert half_sample_mode(np.array(values)[::-1]) == pytest.approx(mode)
