# SPDX-License-Identifier: BSD-3-Clause
"""FWHMConvolver: every band ends at the wanted width, and nothing else changes."""

import numpy as np
import pytest
from astropy import units
from astropy.convolution import convolve
from astropy.io.fits import Header
from astropy.wcs import WCS
from scipy import ndimage

from skesom.cube import Cube, FWHMConvolver
from skesom.cube.convolution.filtering import GaussianKernel, smooth

TO_SIGMA = 1 / np.sqrt(8 * np.log(2))


def gaussian(shape, row, column, sigma):
    """Sample a Gaussian of unit flux at the pixel centers."""
    rows, columns = np.indices(shape)
    distance = (rows - row) ** 2 + (columns - column) ** 2
    return np.exp(-distance / (2 * sigma**2)) / (2 * np.pi * sigma**2)


def wcs_with_pixels(height, width, angle=0.0):
    """Make a WCS whose pixels (in arcsec) are set by PC alone; CDELT is 1."""
    wcs = WCS(naxis=2)
    wcs.wcs.ctype = ["RA---TAN", "DEC--TAN"]
    wcs.wcs.crval = [204.25, -29.86]
    wcs.wcs.crpix = [10, 10]
    wcs.wcs.cdelt = [1, 1]
    turn = np.array([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]])
    wcs.wcs.pc = turn @ np.diag([-width / 3600, height / 3600])
    return wcs


class TestSmooth:
    """The NaN-aware Gaussian itself."""

    @pytest.mark.parametrize("sigma", [1.0, 1.7, 3.2])
    @pytest.mark.parametrize("masked_share", [0, 0.1, 0.6])
    def test_equals_astropy(self, global_random_seed, sigma, masked_share):
        rng = np.random.default_rng(global_random_seed)
        image = rng.normal(10, 3, (40, 53))
        image[rng.random(image.shape) < masked_share] = np.nan
        impulse = np.zeros(2 * int(4 * sigma + 0.5) + 1)
        impulse[len(impulse) // 2] = 1
        profile = ndimage.gaussian_filter1d(impulse, sigma, mode="constant")
        margin = len(impulse) // 2
        # A frame of NaN, because old versions of astropy take one at the boundary for
        # data if there is none in the image.
        expected = convolve(
            np.pad(image, margin, constant_values=np.nan),
            np.outer(profile, profile),
            boundary="fill",
            fill_value=np.nan,
            preserve_nan=True,
        )[margin:-margin, margin:-margin]
        np.testing.assert_allclose(smooth(image, sigma), expected, rtol=1e-12)

    @pytest.mark.parametrize("sigma", [0.38, 0.53, 0.8, 0.99])
    def test_sub_pixel_equals_analytic_gaussian(self, sigma):
        """A Gaussian star becomes the wider Gaussian star, wherever its center is."""
        result = smooth(gaussian((201, 201), 100.3, 99.6, 1.8), sigma)
        expected = gaussian((201, 201), 100.3, 99.6, np.hypot(1.8, sigma))
        # The sampled star still has exp(-(pi * 1.8)^2 / 2) = 1.1e-7 of its amplitude
        # at the Nyquist frequency. More is lost to the wings of the kernel beyond the
        # four borders, at most .075 / distance^2 each.
        tolerance = 4 * 0.075 / 100**2
        np.testing.assert_allclose(
            result, expected, rtol=0, atol=tolerance * expected.max()
        )

    @pytest.mark.parametrize("sigma", [0.45, 0.99, 1.0, 2.5, (0.5, 3.0), (0, 0.7)])
    @pytest.mark.parametrize("dtype", [np.float32, np.float64])
    @pytest.mark.parametrize("with_gaps", [False, True])
    def test_flat_image_stays_flat(self, global_random_seed, sigma, dtype, with_gaps):
        rng = np.random.default_rng(global_random_seed)
        image = np.full((37, 90), 3e-11, dtype=dtype)
        if with_gaps:
            image[rng.random(image.shape) < 0.3] = np.nan
            image[:10, :20] = np.nan
            image[5, 5] = 3e-11  # alone in the middle of a gap
        result = smooth(image, sigma)
        assert result.dtype == dtype
        np.testing.assert_array_equal(np.isnan(result), np.isnan(image))
        np.testing.assert_allclose(result, image, rtol=8 * np.finfo(dtype).eps)

    @pytest.mark.parametrize("sigma", [0.45, 0.9, 2.0])
    def test_nothing_wraps_around(self, sigma):
        """Wings of a sub-pixel kernel are at most .075 / distance^2 (sigma of .45)."""
        image = np.zeros((200, 200))
        image[0, 100] = image[100, 0] = 1
        result = smooth(image, sigma)
        far = result[150:, 20:180], result[20:180, 150:]
        assert max(np.abs(part).max() for part in far) < 0.075 / 64**2

    def test_gap_values_do_not_leak(self):
        """What lies in a gap before it is masked has no influence."""
        image = gaussian((40, 30), 15, 15, 2.0)
        image[10:17] = np.nan  # wider than the reach of the kernel
        apart = np.concatenate([smooth(image[:10], 1.5), smooth(image[17:], 1.5)])
        together = np.delete(smooth(image, 1.5), np.s_[10:17], axis=0)
        np.testing.assert_allclose(together, apart, rtol=1e-12)

    def test_bright_star_spares_faint_pixels(self, global_random_seed):
        """float32 keeps the faint sky although a star is 1e9 times brighter."""
        rng = np.random.default_rng(global_random_seed)
        image = rng.normal(0, 1, (150, 150)).astype(np.float32)
        image[75, 75] = 1e9
        exact = smooth(image.astype(np.float64), 0.45)
        np.testing.assert_allclose(
            smooth(image, 0.45)[:60, :60], exact[:60, :60], rtol=1e-5, atol=1e-5
        )


class TestPixelScale:
    """Where the size of a pixel comes from."""

    cube = np.ones((20, 20, 2), dtype=np.float32)

    def test_wcs_with_scaled_pc(self):
        cube = Cube(self.cube, wcs=wcs_with_pixels(0.3, 0.3, angle=0.7), fwhm=[1, 2])
        scale = FWHMConvolver().fit(cube).pixel_scale_
        np.testing.assert_allclose(scale, np.full((2, 2), 0.3), rtol=1e-9)

    def test_pixels_that_are_not_square(self):
        """A star is round on the sky, so it is wider along the short pixel side."""
        cube = Cube(
            np.repeat(gaussian((61, 61), 30, 30, 1.2)[:, :, np.newaxis], 2, axis=2),
            wcs=wcs_with_pixels(height=0.5, width=0.25),
            fwhm=[1.0, 1.5],
        )
        convolver = FWHMConvolver().fit(cube)
        np.testing.assert_allclose(
            convolver.pixel_scale_, [[0.5, 0.25], [0.5, 0.25]], rtol=1e-9
        )
        image = convolver.transform(cube).data[:, :, 0]
        rows, columns = np.indices(image.shape) - 30
        added = np.sqrt(1.5**2 - 1.0**2) * TO_SIGMA
        spread = [(image * axis**2).sum() / image.sum() for axis in (rows, columns)]
        # Second moments add; the sampled kernels are cut at four standard deviations.
        expected = 1.2**2 + (added / np.array([0.5, 0.25])) ** 2
        np.testing.assert_allclose(spread, expected, rtol=2e-3)

    def test_another_cube_has_pixels_of_its_own(self):
        planes = np.random.default_rng(0).normal(size=(40, 40, 2))
        coarse, fine = (
            Cube(planes, wcs=wcs_with_pixels(size, size), fwhm=[1, 2])
            for size in (0.5, 0.25)
        )
        found = FWHMConvolver().fit(coarse).transform(fine).data
        np.testing.assert_array_equal(found, FWHMConvolver().fit_transform(fine).data)

    def test_argument_wins_and_takes_units(self):
        cube = Cube(self.cube, wcs=wcs_with_pixels(0.3, 0.3), fwhm=[1, 2])
        for scale in (
            0.5,
            [0.5, 0.5],
            0.5 * units.arcsec,
            (0.5 / 3600) * units.deg / units.pixel,
        ):
            fitted = FWHMConvolver(pixel_scale=scale).fit(cube)
            np.testing.assert_allclose(fitted.pixel_scale_, 0.5, rtol=1e-12)

    def test_unknown(self):
        known = Cube(self.cube, fwhm=[1, 2])
        with pytest.raises(ValueError, match=r"no WCS.*Pass pixel_scale"):
            FWHMConvolver([1, 2]).fit(known)
        with pytest.raises(ValueError, match=r"no WCS.*Pass pixel_scale"):
            FWHMConvolver().fit(known)

    def test_numbers_are_pixels_without_a_size(self):
        rng = np.random.default_rng(0)
        plain = Cube(rng.normal(size=(30, 30, 2)))
        sized = plain.replace(pixel_scale=(0.25, 0.25))
        expected = FWHMConvolver([0.5, 0.75], target_fwhm=1).fit_transform(sized)
        for widths in ([2, 3], [2, 3] * units.pixel, ["2pix", 3 * units.pixel]):
            convolver = FWHMConvolver(widths, target_fwhm=4).fit(plain)
            assert convolver.length_unit_ == "pixels"
            assert convolver.target_fwhm_ == 4
            np.testing.assert_array_equal(convolver.fwhm_, [2, 3])
            assert np.isnan(convolver.pixel_scale_).all()
            assert "2 pixels to 4 pixels" in convolver.summary_["band 1"]
            result = convolver.transform(plain)
            np.testing.assert_allclose(result.data, expected.data, rtol=1e-12)
            # The FWHM of a cube is in arcsec, which only pixels with a size have.
            assert np.isnan(result.fwhm).all()
            result = convolver.transform(sized)
            np.testing.assert_allclose(result.data, expected.data, rtol=1e-12)
            np.testing.assert_allclose(result.fwhm, 1)

    def test_angles_need_a_size(self):
        with pytest.raises(ValueError, match="band 'band 1' is an angle, but nothing"):
            FWHMConvolver(0.2 * units.arcsec).fit(self.cube)
        with pytest.raises(ValueError, match="target_fwhm is an angle, but nothing"):
            FWHMConvolver(2, target_fwhm=1 * units.arcsec).fit(self.cube)
        with pytest.raises(ValueError, match="target_fwhm is an angle, but nothing"):
            FWHMConvolver(2, target_fwhm="1arcsec").fit(self.cube)
        header = Header({"BMAJ": 1e-4})
        with pytest.raises(ValueError, match="'band 1' tells no width in pixels"):
            FWHMConvolver([header, 2]).fit(self.cube)

    @pytest.mark.parametrize("scale", [[1, 2, 3], [1, -1], [np.nan, 1], 3 * units.Jy])
    def test_impossible(self, scale):
        with pytest.raises(ValueError, match="pixel_scale must be"):
            FWHMConvolver([1, 2], pixel_scale=scale).fit(self.cube)

    def test_nothing_to_do_needs_no_scale(self):
        convolver = FWHMConvolver(2.3)
        result = convolver.fit_transform(self.cube)
        np.testing.assert_array_equal(result, self.cube)
        assert np.isnan(convolver.pixel_scale_).all()
        np.testing.assert_array_equal(convolver.kernel_fwhm_, 0)


class TestWidths:
    """What is accepted as FWHM and target, and what is refused."""

    cube = Cube(np.ones((20, 20, 3)), band_names=["u", "g", "r"])

    def fit(self, fwhm=None, **parameters):
        return FWHMConvolver(fwhm, pixel_scale=0.2, **parameters).fit(self.cube)

    def test_units(self):
        expected = self.fit([1, 2, 3], target_fwhm=4).kernel_fwhm_
        np.testing.assert_allclose(expected, np.sqrt([15, 12, 7]), rtol=1e-12)
        minutes = np.array([1, 2, 3]) / 60 * units.arcmin
        same = self.fit(minutes, target_fwhm=4 / 60 * units.arcmin).kernel_fwhm_
        np.testing.assert_allclose(same, expected, rtol=1e-12)
        listed = [1 * units.arcsec, 2 * units.arcsec, 0.05 * units.arcmin]
        np.testing.assert_allclose(
            self.fit(listed, target_fwhm=4).kernel_fwhm_, expected
        )
        scalar = self.fit(2 * units.arcsec, target_fwhm=4)
        np.testing.assert_allclose(scalar.kernel_fwhm_, np.sqrt(12), rtol=1e-12)

    def test_target_of_the_worst_band_in_other_units(self):
        widths = (np.array([1, 2, 2.7]) * units.arcsec).to(units.rad)
        assert self.fit(widths, target_fwhm=2.7).kernel_fwhm_[2] < 1e-3

    def test_unknown_bands_are_named(self):
        cube = self.cube.replace(fwhm=[1, np.nan, np.nan])
        with pytest.raises(ValueError, match=r"unknown: g, r\. Pass fwhm"):
            FWHMConvolver("header", pixel_scale=0.5).fit(cube)

    @pytest.mark.parametrize(
        ("fwhm", "named"), [([np.nan] * 3, "all bands"), ([1, np.nan, np.nan], "g, r")]
    )
    def test_by_default_bands_of_unknown_width_stay_as_they_are(self, fwhm, named):
        cube = self.cube.replace(fwhm=fwhm)
        convolver = FWHMConvolver()
        with pytest.warns(UserWarning, match=rf"FWHM of {named} is unknown. Pass fwhm"):
            convolver.fit(cube)
        result = convolver.transform(cube)
        assert result.data is cube.data
        np.testing.assert_array_equal(result.fwhm, fwhm)
        assert np.isnan(convolver.target_fwhm_)
        assert convolver.methods_ == ["none"] * 3

    def test_one_band_without_a_width_has_no_warning(self):
        alone = self.cube[:, :, :1]
        assert FWHMConvolver().fit_transform(alone).data is alone.data

    @pytest.mark.parametrize("asked", [{"fwhm": "header"}, {"target_fwhm": 2.0}])
    def test_without_any_width_nothing_can_be_reached(self, asked):
        with pytest.raises(ValueError, match=r"unknown: u, g, r\. Pass fwhm"):
            self.fit(**asked)

    @pytest.mark.parametrize("bad", [-1, 0, np.nan, np.inf])
    def test_impossible_width(self, bad):
        with pytest.raises(ValueError, match=rf"band 'g' must be .* got {bad}"):
            self.fit([1, bad, 2])
        with pytest.raises(ValueError, match=r"band 'g'|'fwhm' parameter"):
            FWHMConvolver(pixel_scale=1).fit(self.cube.replace(fwhm=[1, -1, 2]))

    def test_wrong_length(self):
        with pytest.raises(ValueError, match=r"each of the 3 bands .* got 2"):
            self.fit([1, 2])

    def test_no_angle(self):
        with pytest.raises(
            ValueError, match="FWHM of band 'u' must be an angle or in pix"
        ):
            self.fit([1, 2, 3] * units.Jy)

    def test_band_worse_than_target(self):
        with pytest.raises(ValueError, match=r"'r' has a FWHM of 3 .* target of 2\.5"):
            self.fit([1, 2, 3], target_fwhm=2.5)

    @pytest.mark.parametrize("target", ["20pix", 20 * units.pixel, "4arcsec", "4"])
    def test_target_in_pixels_or_as_a_text(self, target):
        expected = self.fit([1, 2, 3], target_fwhm=4.0)
        convolver = self.fit([1, 2, 3], target_fwhm=target)
        assert convolver.target_fwhm_ == 4
        np.testing.assert_array_equal(convolver.kernel_fwhm_, expected.kernel_fwhm_)

    def test_text_of_pixels_without_a_size(self):
        convolver = FWHMConvolver(2, target_fwhm="4pix").fit(self.cube)
        assert convolver.target_fwhm_ == 4
        assert convolver.length_unit_ == "pixels"

    def test_target_in_pixels_of_several_sizes(self):
        fine = Cube(np.ones((9, 9, 1)), band_names=["u"], pixel_scale=(0.2, 0.2))
        coarse = Cube(np.ones((9, 9, 1)), band_names=["g"], pixel_scale=(0.5, 0.5))
        plain = Cube(np.ones((9, 9, 1)), band_names=["r"])
        convolver = FWHMConvolver(1.0, target_fwhm="5pix")
        with pytest.raises(ValueError, match=r"sizes from 0\.2 to 0\.5 arcsec"):
            convolver.fit([fine, coarse])
        for cubes in ([fine, plain], [plain, fine]):
            with pytest.raises(ValueError, match="target_fwhm is in pixels, but"):
                convolver.fit(cubes)

    @pytest.mark.parametrize("target", [-1, 0, "best", "0pix", [1, 2] * units.arcsec])
    def test_impossible_target(self, target):
        with pytest.raises(ValueError, match="target"):
            self.fit([1, 2, 3], target_fwhm=target)


def test_fit_on_a_strip_is_the_same():
    cube = Cube(np.ones((40, 20, 2)), wcs=wcs_with_pixels(0.3, 0.3), fwhm=[0.7, 0.9])
    whole, strip = FWHMConvolver().fit(cube), FWHMConvolver().fit(cube[10:20])
    np.testing.assert_array_equal(strip.kernel_fwhm_, whole.kernel_fwhm_)
    np.testing.assert_allclose(strip.pixel_scale_, whole.pixel_scale_, rtol=1e-12)


def test_kernels_along_rows_need_no_other_rows():
    assert GaussianKernel((0, 2)).reach == 0
    assert GaussianKernel((2, 0)).reach > 0
