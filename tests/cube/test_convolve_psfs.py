# SPDX-License-Identifier: BSD-3-Clause
"""FWHMConvolver: measured point-spread functions and ready kernels.

Stamps on other pixels are compared with Gaussians that are integrated over the pixels,
and kernels with the convolution of astropy.
"""

import sys
import warnings

import numpy as np
import pytest
from astropy.convolution import convolve
from astropy.io import fits
from astropy.wcs import WCS
from numpy.testing import assert_allclose, assert_array_equal
from scipy import special

from skesom.cube import Cube, FWHMConvolver
from skesom.cube.convolution.filtering import LobedKernel, PositiveKernel
from skesom.cube.convolution.stamps import (
    Stamp,
    fit_core,
    gaussian_stamp,
    to_pixel_size,
)

TO_SIGMA = 1 / np.sqrt(8 * np.log(2))


def moffat(size, fwhm, power=2.5):
    """Make a star with wings, as the atmosphere makes them."""
    rows, columns = np.indices((size, size)) - size // 2
    width = fwhm / (2 * np.sqrt(2 ** (1 / power) - 1))
    star = (1 + (rows**2 + columns**2) / width**2) ** -power
    return star / star.sum()


def integrated_gaussian(size, sigma):
    """Integrate a Gaussian over pixels of side 1."""
    borders = np.arange(size + 1) - size / 2
    profile = np.diff(special.erf(borders / sigma / np.sqrt(2))) / 2
    return np.outer(profile, profile)


def lopsided(size=7):
    """Make a positive kernel without any symmetry, its peak in the middle."""
    rows, columns = np.indices((size, size)) - size // 2
    array = np.exp(-(rows**2 + 0.5 * columns**2 + 0.4 * rows * columns) / 4)
    array *= np.where(rows > 0, 0.6, 1) * np.where(columns > 0, 0.5, 1)
    return array / array.sum()


@pytest.fixture
def rng(global_random_seed):
    return np.random.default_rng(global_random_seed)


class TestMeasured:
    """Bands with point-spread functions of any shape become alike."""

    SIZE = 101
    WIDTHS = (3.0, 4.0, 5.0)

    @pytest.fixture
    def cube(self):
        stars = [moffat(self.SIZE, width) for width in self.WIDTHS]
        return Cube(
            np.stack(stars, axis=-1), band_names=["u", "g", "r"], pixel_scale=(0.5, 0.5)
        )

    @pytest.fixture
    def psfs(self):
        return [moffat(71, width) * 7 for width in self.WIDTHS]

    def test_all_become_the_widest(self, cube, psfs):
        convolver = FWHMConvolver(psfs=psfs).fit(cube)
        result = convolver.transform(cube).data
        assert convolver.methods_ == ["wiener", "wiener", "none"]
        assert_array_equal(result[:, :, 2], cube.data[:, :, 2])
        gaussian = FWHMConvolver(np.array(self.WIDTHS) / 2).fit_transform(cube).data
        for band in (0, 1):
            wrong = np.abs(gaussian[:, :, band] - result[:, :, 2]).sum()
            left = np.abs(result[:, :, band] - result[:, :, 2]).sum()
            assert left < 0.03
            assert left < 0.2 * wrong
            assert_allclose(result[:, :, band].sum(), 1, rtol=1e-3)
        assert_allclose(
            convolver.fwhm_,
            convolver.transform(cube).fwhm[0] * np.array([3, 4, 5]) / 5,
            rtol=0.05,
        )
        assert np.isnan(convolver.kernel_fwhm_[:2]).all()
        assert (
            "Wiener kernel of 71 x 71 pixels (residual 0.0" in convolver.summary_["u"]
        )

    def test_a_number_makes_gaussians(self, cube, psfs):
        convolver = FWHMConvolver(psfs=psfs, target_fwhm=4.0)
        result = convolver.fit_transform(cube)
        sigma = 4.0 / 0.5 * TO_SIGMA
        rows, columns = np.indices((self.SIZE, self.SIZE)) - self.SIZE // 2
        gaussian = np.exp(-(rows**2 + columns**2) / (2 * sigma**2))
        gaussian /= gaussian.sum()
        for band in range(3):
            image = result.data[:, :, band]
            # What the wings lack beyond the stamps is left.
            assert np.abs(image - gaussian).sum() < 0.1
            assert_allclose(
                image[40:61, 40:61].sum(), gaussian[40:61, 40:61].sum(), rtol=0.02
            )
        assert_array_equal(result.fwhm, 4)

    def test_bands_without_are_gaussians(self, cube, psfs):
        convolver = FWHMConvolver(
            {"g": 3.5}, psfs={"u": psfs[0], "r": psfs[2]}, pixel_scale=0.5
        )
        with pytest.raises(ValueError, match="unknown: u, r"):
            convolver.fit(cube)
        known = cube.replace(fwhm=[1.5, np.nan, 2.5])
        convolver.fit(known)
        assert convolver.methods_ == ["wiener", "none", "wiener"]
        result = convolver.transform(known).data
        wanted = gaussian_stamp(3.5, 0.5).array
        inner = np.s_[30:71, 30:71]
        assert wanted.shape == (65, 65)
        assert np.abs(result[inner][..., 0] - wanted[12:53, 12:53]).sum() < 0.1

    def test_pixels_of_the_target_may_differ(self):
        """The widest function is brought to the pixels of each other band."""
        fine = Cube(moffat(101, 6.0)[:, :, np.newaxis], band_names=["fine"])
        coarse = Cube(moffat(81, 6.0)[:, :, np.newaxis], band_names=["coarse"])
        fine = fine.replace(pixel_scale=(0.5, 0.5))
        coarse = coarse.replace(pixel_scale=(0.8, 0.8))
        psfs = {"fine": moffat(61, 6.0), "coarse": moffat(61, 6.0)}
        convolver = FWHMConvolver(psfs=psfs).fit([fine, coarse])
        result, untouched = convolver.transform([fine, coarse])
        assert untouched.data is coarse.data
        expected = moffat(101, 6.0 * 0.8 / 0.5)
        assert np.abs(result.data[:, :, 0] - expected).sum() < 0.06

    def test_tiny_tim(self, shared_data):
        """The nine filters of M83: all end as F814W, much closer than by Gaussians."""
        folder = shared_data / "psfs_wfc3_uvis"
        stars, psfs = {}, {}
        for path in sorted(folder.glob("*.fits")):
            name = path.stem[-5:].upper()
            star = fits.getdata(path).astype(np.float64)
            psfs[name] = path
            if len(star) % 2 == 0:  # F673N: the peak is in the middle of the rest
                star = star[1:, 1:]
                psfs[name] = star
            frame = np.zeros((201, 201))
            half = len(star) // 2
            frame[100 - half : 101 + half, 100 - half : 101 + half] = star / star.sum()
            stars[name] = frame
        cube = Cube(
            np.stack(list(stars.values()), axis=-1),
            band_names=list(stars),
            pixel_scale=(0.04, 0.04),
        )
        convolver = FWHMConvolver(psfs=psfs).fit(cube)
        assert convolver.methods_[list(stars).index("F814W")] == "none"
        result = convolver.transform(cube).data
        with pytest.warns(UserWarning, match=r"less than 1.5 pixels.* F225W \(0.0434"):
            gaussian = FWHMConvolver(convolver.fwhm_).fit_transform(cube).data
        target = stars["F814W"]
        for band, name in enumerate(stars):
            left = np.abs(result[:, :, band] - target).sum()
            assert left < 0.035
            assert_allclose(result[:, :, band].sum(), 1, rtol=1e-3)
            if name != "F814W":
                assert left < 0.2 * np.abs(gaussian[:, :, band] - target).sum()

    def test_even_tiny_tim(self, shared_data):
        """The one of 148 x 148, its peak beside the middle, is as good as others."""
        folder = shared_data / "psfs_wfc3_uvis"
        paths = [folder / f"wfc3_uvis_f{name}.fits" for name in ("673n", "814w")]
        stars = np.zeros((201, 201, 2))
        for band, path in enumerate(paths):
            star = fits.getdata(path).astype(np.float64)
            half = len(star) // 2  # the row and column of the peak
            place = slice(100 - half, 100 - half + len(star))
            stars[place, place, band] = star / star.sum()
        cube = Cube(stars, band_names=["F673N", "F814W"], pixel_scale=(0.04, 0.04))
        convolver = FWHMConvolver(psfs=paths)
        result = convolver.fit_transform(cube).data
        assert np.abs(result[..., 0] - result[..., 1]).sum() < 0.035
        assert "centered from row 73.99" in convolver.summary_["F673N"]
        small = FWHMConvolver(psfs=paths[:1], pixel_scale=0.04)
        small.fit(Cube(np.ones((9, 9, 1)), band_names=["F673N"]))
        assert small.fwhm_ == pytest.approx(convolver.fwhm_[0])


def gaussian_at(shape, place, fwhm):
    """Make a star at a place between the pixels."""
    rows, columns = np.indices(shape)
    squares = (rows - place[0]) ** 2 + (columns - place[1]) ** 2
    star = np.exp(-squares / (2 * (fwhm * TO_SIGMA) ** 2))
    return star / star.sum()


class TestOffTheMiddle:
    """Point-spread functions that are not in the middle of odd lengths."""

    CUBE = Cube(
        np.stack([gaussian_at((81, 81), (40, 40), width) for width in (3, 5)], -1),
        band_names=["g", "r"],
        pixel_scale=(0.2, 0.2),
    )

    @pytest.mark.parametrize(
        ("shape", "place", "warns"),
        [
            ((60, 60), (29.5, 29.5), False),  # the middle of an even frame
            ((60, 60), (30, 30), False),  # that of a Fourier transform
            ((61, 60), (30, 29.6), False),
            ((61, 61), (27.3, 33.8), True),
            ((40, 70), (9.0, 55.25), True),
            ((61, 61), (30, 34), True),
        ],
    )
    def test_bands_do_not_move(self, shape, place, warns):
        psfs = [gaussian_at(shape, place, 3), gaussian_at((61, 61), (30, 30), 5)]
        convolver = FWHMConvolver(psfs=psfs)
        with warnings.catch_warnings(record=True) as caught:
            warnings.simplefilter("always")
            result = convolver.fit_transform(self.CUBE).data
        places = [
            np.sum(result[..., 0] * axis) / result[..., 0].sum()
            for axis in np.indices((81, 81))
        ]
        assert_allclose(places, 40, atol=0.02)
        assert np.abs(result[..., 0] - result[..., 1]).sum() < 0.02
        assert convolver.fwhm_ == pytest.approx([0.6, 1.0], rel=0.01)
        assert f"centered from row {place[0]:.2f}, column" in convolver.summary_["g"]
        assert len(caught) == warns
        if warns:
            assert caught[0].filename == __file__
            message = str(caught[0].message)
            assert "PSF of band 'g' is shifted to the middle" in message
            assert f"row {place[0]:.2f}, column {place[1]:.2f} of {shape[0]}" in message

    def test_the_kept_one_is_kept_bit_for_bit(self):
        """A peak in the middle pixel is where the maker of the function wants it."""
        psf = gaussian_at((61, 61), (30.3, 29.8), 3)
        convolver = FWHMConvolver(psfs={"g": psf, "r": gaussian_stamp(1, 0.2).array})
        assert "centered" not in convolver.fit(self.CUBE).summary_["g"]


class TestPixelsOfFiles:
    """How large the pixels of a PSF file are."""

    CUBE = Cube(np.ones((90, 90, 1)), band_names=["g"], pixel_scale=(0.2, 0.2))
    STAR = gaussian_at((61, 61), (30, 30), 6)

    def width(self, psf):
        return FWHMConvolver(psfs=[psf]).fit(self.CUBE).fwhm_[0]

    def test_wcs_of_any_direction(self, tmp_path):
        """CD1_1 of a turned frame is not the side of its pixels."""
        wcs = WCS(naxis=2)
        wcs.wcs.ctype = "GLON-CAR", "GLAT-CAR"
        sin, cos = np.sin(1.3) * 0.1 / 3600, np.cos(1.3) * 0.1 / 3600
        wcs.wcs.cd = [[-cos, sin], [sin, cos]]
        fits.writeto(tmp_path / "a.fits", self.STAR, wcs.to_header())
        assert self.width(tmp_path / "a.fits") == pytest.approx(0.6, rel=0.03)

    def test_assumed_with_a_word(self, tmp_path):
        fits.writeto(tmp_path / "a.fits", self.STAR)
        message = r"'g' \(.*a.fits\) does not tell .* that of the band, 0.2 arcsec"
        with pytest.warns(UserWarning, match=message):
            assert self.width(tmp_path / "a.fits") == pytest.approx(1.2)

    def test_given(self):
        assert self.width((self.STAR, 0.1, "mine")) == pytest.approx(0.6, rel=0.03)
        with pytest.raises(ValueError, match=r"'g' \(mine\) must have pixels .* -1"):
            self.width((self.STAR, -1, "mine"))

    def test_impossible_size(self):
        with pytest.raises(ValueError, match="more than the image of 90 x 90 pixels"):
            self.width((self.STAR, 3.6, "in arcmin"))

    def test_a_cube_is_no_psf(self, tmp_path):
        fits.writeto(tmp_path / "cube.fits", np.ones((4, 5, 5)))
        message = "has no image of two axes, .*: the first one has 3"
        with pytest.raises(ValueError, match=message):
            self.width(tmp_path / "cube.fits")


class TestReady:
    """Kernels that somebody else has made."""

    def test_equals_astropy(self, rng):
        """A true convolution, renormalized beside gaps and borders."""
        kernel = lopsided()
        data = rng.normal(5, 1, (40, 31, 2))
        data[rng.random(data.shape) < 0.2] = np.nan
        cube = Cube(data, band_names=["a", "b"], fwhm=[1, 2])
        convolver = FWHMConvolver(kernels={"a": kernel * 3})
        result = convolver.fit_transform(cube)
        expected = convolve(
            data[:, :, 0], kernel, boundary="fill", fill_value=np.nan, preserve_nan=True
        )
        assert_allclose(result.data[:, :, 0], expected, rtol=1e-9)
        assert_array_equal(result.data[:, :, 1], data[:, :, 1])
        assert convolver.methods_ == ["kernel", "none"]
        assert_array_equal(result.fwhm, [2, 2])

    def test_without_any_width(self, rng):
        """Kernels alone need no widths and no pixel scale, and give no widths."""
        cube = Cube(rng.normal(size=(30, 30, 2)), band_names=["a", "b"])
        convolver = FWHMConvolver(kernels=[lopsided(), None])
        result = convolver.fit_transform(cube)
        assert np.isnan(result.fwhm).all()
        assert np.isnan(convolver.target_fwhm_)
        assert_array_equal(result.data[:, :, 1], cube.data[:, :, 1])
        assert convolver.summary_["a"] == (
            "unknown to unknown by a ready kernel of 7 x 7 pixels"
        )
        told = convolver.set_params(target_fwhm=2.5).fit_transform(cube)
        assert_array_equal(told.fwhm, [2.5, np.nan])

    def test_other_bands_as_usual(self):
        cube = Cube(np.ones((9, 9, 3)), fwhm=[1, 2, 3], pixel_scale=(0.5, 0.5))
        convolver = FWHMConvolver(kernels=[lopsided(), None, None]).fit(cube)
        assert convolver.methods_ == ["kernel", "gaussian", "none"]
        assert_allclose(convolver.kernel_fwhm_, [np.nan, np.sqrt(5), 0])

    def test_file_on_other_pixels(self, tmp_path):
        """A kernel sampled twice as finely has half the size on the band."""
        sigma = 4.0
        fine = integrated_gaussian(41, sigma)
        for card, value in (
            ("PIXELSCL", 0.5),
            ("PIXSCALE", 0.5),
            ("CDELT1", -0.5 / 3600),
        ):
            hdu = fits.ImageHDU(fine)
            hdu.header[card] = value
            hdu.header["CTYPE1"] = "RA---TAN"
            path = tmp_path / f"{card}.fits"
            fits.HDUList([fits.PrimaryHDU(), hdu]).writeto(path)
            cube = Cube(np.zeros((31, 31, 1)), pixel_scale=(1, 1), band_names=["a"])
            cube.data[15, 15] = 1
            result = FWHMConvolver(kernels={"a": path}).fit_transform(cube)
            expected = integrated_gaussian(31, sigma / 2)
            assert_allclose(result.data[:, :, 0], expected, atol=2e-3 * expected.max())

    @pytest.mark.parametrize(
        ("array", "message"),
        [
            (np.full((3, 3), np.nan), "holds NaN or infinite values"),
            (np.zeros((3, 3)), "positive sum, got 0"),
            (-np.ones((3, 3)), "positive sum, got -9"),
            (np.ones(3), "must have two axes, got 1"),
            (np.ones((3, 3, 3)), "must have two axes, got 3"),
            ([["a"]], "must be an image or the path of one"),
        ],
    )
    @pytest.mark.parametrize("kind", ["psfs", "kernels"])
    def test_impossible(self, array, message, kind):
        cube = Cube(np.ones((9, 9, 1)), band_names=["Z"], pixel_scale=(1, 1))
        word = {"psfs": "PSF", "kernels": "kernel"}[kind]
        with pytest.raises(ValueError, match=f"The {word} of band 'Z' .*{message}"):
            FWHMConvolver(**{kind: [array]}).fit(cube)

    @pytest.mark.parametrize(
        ("array", "message"),
        [
            (np.ones((4, 5)), r"shape \(4, 5\), but needs odd lengths"),
            (np.eye(5, k=4) + 0.1, "peak at row 0, column 4 instead of"),
        ],
    )
    def test_kernels_off_the_middle(self, array, message):
        cube = Cube(np.ones((9, 9, 1)), band_names=["Z"], pixel_scale=(1, 1))
        with pytest.raises(ValueError, match=f"The kernel of band 'Z' .*{message}"):
            FWHMConvolver(kernels=[array]).fit(cube)

    def test_wrong_bands(self):
        cube = Cube(np.ones((9, 9, 2)), band_names=["a", "b"], pixel_scale=(1, 1))
        with pytest.raises(
            ValueError, match="is a kernel for 'c', but the bands are a"
        ):
            FWHMConvolver(kernels={"c": lopsided()}).fit(cube)
        with pytest.raises(
            ValueError, match=r"one PSF for each of the 2 bands .* got 1"
        ):
            FWHMConvolver(psfs=[lopsided()]).fit(cube)
        both = {"psfs": {"a": lopsided()}, "kernels": {"a": lopsided()}}
        with pytest.raises(ValueError, match="'a' has both a PSF and a kernel"):
            FWHMConvolver([1, 2], **both).fit(cube)

    def test_broken_files(self, tmp_path):
        cube = Cube(np.ones((9, 9, 1)), band_names=["a"])
        with pytest.raises(FileNotFoundError, match=r"kernel of band 'a' .*none\.fits"):
            FWHMConvolver(kernels=[tmp_path / "none.fits"]).fit(cube)
        (tmp_path / "text.fits").write_text("no FITS")
        with pytest.raises(OSError, match=r"text\.fits\) cannot be read as FITS"):
            FWHMConvolver(kernels=[tmp_path / "text.fits"]).fit(cube)
        fits.PrimaryHDU(np.ones((5, 5))).writeto(tmp_path / "odd.fits")
        content = (tmp_path / "odd.fits").read_bytes()
        lying = content.replace(
            b"NAXIS1  =                    5", b"NAXIS1  = -5".ljust(30)
        )
        (tmp_path / "odd.fits").write_bytes(lying)
        with pytest.raises(OSError, match=r"odd\.fits.*NAXIS1 = -5"):
            FWHMConvolver(psfs=[tmp_path / "odd.fits"]).fit(cube)
        fits.PrimaryHDU(np.ones(5)).writeto(tmp_path / "line.fits")
        with pytest.raises(ValueError, match=r"line\.fits has no image of two axes"):
            FWHMConvolver(kernels=[tmp_path / "line.fits"]).fit(cube)

    def test_core_that_has_no_width(self):
        rows, columns = np.indices((15, 15)) - 7
        ring = (np.abs(np.hypot(rows, columns) - 4) < 1).astype(float)
        ring[7, 7] = 1.01
        cube = Cube(np.ones((9, 9, 1)), band_names=["a"], pixel_scale=(1, 1))
        with pytest.raises(ValueError, match="core of the PSF of band 'a' fits no"):
            FWHMConvolver(psfs=[ring]).fit(cube)


class TestLobes:
    """Kernels with negative parts beside gaps."""

    @pytest.fixture
    def kernel(self):
        rows, columns = np.indices((9, 9)) - 4
        squares = rows**2 + columns**2
        array = np.exp(-squares / 2) - 0.15 * np.exp(-squares / 8)
        assert array.min() < 0
        return array / array.sum()

    def test_flat_stays_flat_and_gaps_stay_gaps(self, kernel, rng):
        image = np.full((40, 50), 3.0, dtype=np.float32)
        image[rng.random(image.shape) < 0.3] = np.nan
        image[10:25, 10:30] = np.nan
        image[17, 20] = 3.0  # alone in the gap
        result, _ = LobedKernel(kernel).convolve(image)
        assert result.dtype == np.float32
        assert_array_equal(np.isnan(result), np.isnan(image))
        assert_allclose(result[~np.isnan(image)], 3, rtol=1e-5)

    def test_far_from_gaps_it_is_the_plain_convolution(self, kernel, rng):
        image = rng.normal(size=(40, 50))
        holes = image.copy()
        holes[30, 10] = np.nan
        result, _ = LobedKernel(kernel).convolve(holes)
        expected = convolve(image, kernel, boundary="extend")
        assert_allclose(result[4:26, 4:46], expected[4:26, 4:46], rtol=1e-9, atol=1e-12)

    def test_renormalizing_would_blow_up(self, kernel):
        """Which is why these kernels have a way of their own."""
        image = np.full((21, 21), np.nan)
        image[10, 10] = 1
        # Valid pixels under the lobes, until hardly any weight is left in the middle.
        weight = kernel[4, 4]
        for row, column in np.argwhere(kernel < 0):
            if weight + kernel[row, column] > 0:
                weight += kernel[row, column]
                image[row + 6, column + 6] = 0
        assert 0 < weight < 0.05 * kernel[4, 4]
        filled, _ = LobedKernel(kernel).convolve(image)
        renormalized, _ = PositiveKernel(kernel).convolve(image)
        assert np.nanmax(np.abs(filled)) < 2
        assert renormalized[10, 10] > 20

    def test_all_masked(self, kernel):
        image = np.full((9, 8), np.nan)
        result, variance = LobedKernel(kernel).convolve(image, image)
        assert np.isnan(result).all()
        assert np.isnan(variance).all()


class TestStamps:
    """Point-spread functions on other pixels."""

    @pytest.mark.parametrize("ratio", [0.4, 0.99, 1.7, 3.0])
    def test_pixels_collect_the_light_of_their_area(self, ratio):
        sigma = 5.0
        fine = Stamp(integrated_gaussian(61, sigma), 1.0)
        result = to_pixel_size(fine, ratio)
        size = len(result.array)
        assert size % 2 == 1
        expected = integrated_gaussian(size, sigma / ratio)
        assert_allclose(result.array, expected, atol=1e-3 * expected.max())
        assert_allclose(result.array.sum(), 1)
        assert result.pixel_size == ratio

    def test_lopsided_stays_as_it_lies(self):
        """Rows stay rows, and the heavy side stays where it is."""
        stamp = Stamp(lopsided(9), 1.0)
        result = to_pixel_size(stamp, 0.5).array
        places = []
        for array, pixel in ((stamp.array, 1.0), (result, 0.5)):
            rows, columns = (np.indices(array.shape) - len(array) // 2) * pixel
            places.append([(array * rows).sum(), (array * columns).sum()])
        assert min(np.abs(places[0])) > 0.1
        assert_allclose(places[1], places[0], atol=0.02)

    def test_width_of_a_core(self):
        sigma = 3.1 * TO_SIGMA
        rows, columns = np.indices((41, 41)) - 20
        star = np.exp(-(rows**2 + columns**2) / (2 * sigma**2))
        assert_allclose(fit_core(star / star.sum())[0], 3.1, rtol=1e-6)

    @pytest.mark.parametrize("fwhm", [1.3, 4.0])
    def test_gaussian(self, fwhm):
        """Second moments are those of the Gaussian, sub-pixel or not."""
        stamp = gaussian_stamp(fwhm * 0.2, 0.2)
        rows, _ = np.indices(stamp.array.shape) - len(stamp.array) // 2
        assert_allclose(stamp.array.sum(), 1)
        if fwhm > 2:
            assert_allclose(
                (stamp.array * rows**2).sum(), (fwhm * TO_SIGMA) ** 2, rtol=1e-4
            )


def test_missing_photutils_names_the_extra(monkeypatch):
    monkeypatch.setitem(sys.modules, "photutils.psf_matching", None)
    cube = Cube(np.ones((9, 9, 2)), pixel_scale=(1, 1))
    with pytest.raises(ImportError, match=r"pip install 'skesom\[psf\]'"):
        FWHMConvolver(psfs=[moffat(31, 3), moffat(31, 4)]).fit(cube)
