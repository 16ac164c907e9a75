# SPDX-License-Identifier: BSD-3-Clause
"""CubeMasker: gaps and what is asked for go, measurements stay."""

import re

import numpy as np
import pytest
from astropy import units as u
from astropy.io import fits
from numpy.testing import assert_array_equal
from scipy import ndimage, signal

from skesom.cube import Cube, CubeMasker
from skesom.cube.masking._defects import _surroundings, gaps_of_value, pedestal_values
from tests.helpers.grids import CENTER, make_wcs
from tests.helpers.sky_fields import read_bands, scene

SHAPE = (40, 50)


@pytest.fixture
def rng(global_random_seed):
    return np.random.default_rng(global_random_seed)


class TestGaps:
    """Zeros, pedestals and dead lines."""

    def test_mosaic_gap_of_zeros(self, rng):
        cube, _ = scene(rng)
        gap = np.zeros((200, 200), dtype=bool)
        gap[:, 150:] = True
        gap |= np.add.outer(np.arange(200), np.arange(200)) < 60  # a ragged corner
        cube[gap, 1] = 0
        masker = CubeMasker().fit(cube)
        np.testing.assert_array_equal(masker.mask_, gap)
        assert masker.summary_["zeros"] == gap.sum()
        assert sum(masker.summary_.values()) == masker.mask_.sum()
        masked = masker.transform(cube)
        assert np.isnan(masked[gap]).all()
        np.testing.assert_array_equal(masked[~gap], cube[~gap])

    def test_fill_values_without_a_square_in_single_precision(self, rng):
        """Scattered, so that most tiles hold some."""
        cube, _ = scene(rng)
        cube = cube.astype(np.float32)
        cube[::15, ::15, 1] = 1e30
        masked = CubeMasker(min_bands=1).fit_transform(cube)
        assert np.isnan(masked[::15, ::15, 1]).mean() > 0.99
        assert np.isfinite(masked[7::15, 7::15]).mean() > 0.99

    @pytest.mark.parametrize("share", [0.02, 0.3, 0.8])
    def test_scattered_zeros_are_measurements(self, rng, share):
        """Rounding and counting make zeros by chance; a gap among them is found."""
        band = np.where(rng.random((300, 300)) < share, 0, rng.normal(size=(300, 300)))
        assert not gaps_of_value(band, 0).any()
        band[100:200, 50:150] = 0
        gaps = gaps_of_value(band, 0)
        assert gaps[100:200, 50:150].all()
        # Chance zeros that touch the gap cannot be told from it.
        around = np.zeros_like(gaps)
        around[80:220, 30:170] = True
        assert not gaps[~around].any()
        assert CubeMasker(mask_zeros=False).fit(band[:, :, None]).summary_["zeros"] == 0

    def test_photon_counts_with_a_field_of_view(self, rng):
        rows, columns = np.indices((200, 200)) - 100
        inside = np.hypot(rows, columns) < 95
        counts = np.where(inside, rng.poisson(0.3, inside.shape), 0.0)
        gaps = gaps_of_value(counts, 0)
        outside = np.hypot(rows, columns) > 97
        assert gaps[outside].all()
        assert not gaps[np.hypot(rows, columns) < 75].any()

    def test_clipped_picture_keeps_its_black(self, rng):
        """A smooth picture runs into black; a black frame around it is a gap."""
        smooth = ndimage.gaussian_filter(rng.normal(size=(200, 200)), 8)
        smooth /= smooth.std()
        dark = np.clip(60 + 50 * smooth, 0, 255).round()
        assert 0.03 < np.mean(dark == 0) < 0.3
        assert not CubeMasker().fit(dark[:, :, None]).mask_.any()
        framed = np.clip(120 + 30 * smooth, 1, 255).round()
        framed[:12] = 0
        framed[:, -7:] = 0
        mask = CubeMasker().fit(framed[:, :, None]).mask_
        np.testing.assert_array_equal(mask, framed == 0)

    @pytest.mark.parametrize("level", [0, 100], ids=["sky at 0", "sky at 100"])
    @pytest.mark.parametrize("share", [0.26, 0.79])
    def test_residues_of_resampling_are_zeros(self, rng, share, level):
        """Outside of the detectors zeros became rounding errors of both signs."""
        cube, _ = scene(rng)
        cube += np.float32(level)
        n_outside = round(200 * share)
        residues = 1e-14 * rng.normal(size=(200, n_outside))
        cube[:, :n_outside, 1] = residues
        for mask_zeros in ("auto", True):
            masker = CubeMasker(mask_zeros=mask_zeros).fit(cube)
            assert masker.mask_[:, :n_outside].all()
            assert not masker.mask_[:, n_outside:].any()
            assert masker.summary_["zeros"] == 200 * n_outside
        kept = CubeMasker(mask_zeros=False).fit(cube)
        assert kept.summary_["zeros"] == 0

    @pytest.mark.parametrize("level", [0, 50], ids=["sky at 0", "sky at 50"])
    def test_residues_of_convolutions_and_splines(self, rng, level):
        cube, _ = scene(rng)
        band = cube[:, :, 1].astype(float) + level
        rows, columns = np.indices(band.shape)
        band[rows + columns < 200] = 0
        kernel = np.outer(*2 * [np.exp(-((np.arange(15) - 7) ** 2) / 4)])
        images = {
            "convolved": signal.fftconvolve(band, kernel, mode="same"),
            "splines": ndimage.shift(band, (0.3, 0.4)),
        }
        for image in images.values():
            mask = CubeMasker().fit(image[:, :, None]).mask_
            # Splines ring over a dozen pixels before they are below a millionth.
            assert mask[rows + columns < 200 - 25].mean() > 0.99
            assert not mask[rows + columns > 200 + 10].any()

    def test_faint_values_of_noise_and_of_models_are_measurements(self, rng):
        rows, columns = np.indices((200, 200)) - 100
        radius = np.hypot(rows, columns)
        stars = 1e6 * (rng.random((200, 200)) > 0.999)
        images = {
            "unit": 1e-20 * rng.normal(size=(200, 200)),
            "bright stars": rng.normal(size=(200, 200)) + stars,
            "disc without noise": np.exp(-radius / 3),
            "star without noise": np.exp(-(radius**2) / 50),
            "smoothed counts": ndimage.gaussian_filter(
                rng.poisson(0.05, (200, 200)).astype(float), 3
            ),
        }
        for image in images.values():
            masker = CubeMasker(mask_outliers=False).fit(image[:, :, None])
            assert masker.summary_["zeros"] == 0

    def test_dead_column_of_zeros(self, rng):
        cube, _ = scene(rng)
        cube[:, 33, 0] = 0
        cube[70, 20:120, 2] = 0
        masker = CubeMasker().fit(cube)
        assert masker.mask_[:, 33].all()
        assert masker.mask_[70, 20:120].all()
        assert masker.mask_.sum() == 200 + 100 - 1

    def test_every_zero_on_request(self, rng):
        cube, _ = scene(rng)
        cube[10, 20, 1] = 0
        assert not CubeMasker().fit(cube).mask_.any()
        mask = CubeMasker(mask_zeros=True).fit(cube).mask_
        assert np.argwhere(mask).tolist() == [[10, 20]]

    @pytest.mark.parametrize("value", [-99.0, 0.4, 1e4])
    def test_pedestal(self, rng, value):
        cube, _ = scene(rng)
        cube[60:90, 10:60, 2] = value
        masker = CubeMasker().fit(cube)
        expected = np.zeros((200, 200), dtype=bool)
        expected[60:90, 10:60] = True
        np.testing.assert_array_equal(masker.mask_, expected)
        assert masker.summary_["pedestal"] == 1500
        kept = CubeMasker(mask_pedestal=False, mask_outliers=False).fit(cube)
        assert not kept.mask_.any()

    @pytest.mark.parametrize("top", [0, 60, 196])
    def test_pedestal_of_few_rows(self, rng, top):
        band = rng.normal(size=(200, 200))
        band[top : top + 4, 50:58] = 7
        assert pedestal_values(band).tolist() == [7]

    def test_surroundings_of_a_gap_are_the_pixels_that_touch_it(self):
        band = np.arange(42.0).reshape(6, 7)
        parts = np.zeros((6, 7), dtype=int)
        parts[2:4, 3] = 1
        band[parts == 1] = 0
        band[1, 2] = np.nan
        numbers, flux = _surroundings(band, 0, parts)
        assert numbers.tolist() == [1] * 9
        assert flux.tolist() == [10, 11, 16, 18, 23, 25, 30, 31, 32]

    def test_flat_areas_of_a_picture_are_no_pedestal(self):
        picture = np.repeat(np.repeat(np.arange(256.0).reshape(16, 16), 10, 0), 10, 1)
        assert not len(pedestal_values(picture))
        assert not CubeMasker().fit(picture[:, :, None]).mask_.any()

    @pytest.mark.parametrize("axes", [(0, 1, 2), (1, 0, 2)], ids=["column", "row"])
    def test_dark_line(self, rng, axes):
        """A column that keeps some signal is found; a dark lane of a galaxy is not."""
        cube, _ = scene(rng)
        cube[40:160, 20, 1] -= 4
        cube[:, 120:, 0] -= 0.3
        cube = cube.transpose(axes)
        masker = CubeMasker(mask_lines=True).fit(cube)
        strays = masker.mask_.transpose(axes[:2]).copy()
        assert strays[40:160, 20].all()
        strays[32:168, 20] = False
        assert not strays.any()
        assert masker.summary_["lines"] == masker.mask_.sum()
        assert not CubeMasker(mask_lines=False).fit(cube).mask_.any()

    def test_no_lines_in_correlated_noise(self, rng):
        noise = ndimage.gaussian_filter(rng.normal(size=(300, 300, 3)), (3, 3, 0))
        assert not CubeMasker(mask_lines=True).fit(noise).mask_.any()

    def test_grow(self, rng):
        cube, _ = scene(rng)
        cube[100, 100, 0] = np.nan
        cube[:, :20, 1] = 0
        masker = CubeMasker(grow=2).fit(cube)
        rows, columns = np.indices((200, 200))
        near = np.hypot(rows - 100, columns - 100) <= 2
        np.testing.assert_array_equal(masker.mask_, near | (columns < 22))
        assert masker.summary_["zeros"] == 200 * 20
        assert masker.summary_["grow"] == 200 * 2 + near.sum() - 1


class TestSingleValues:
    """Saturation, signal to noise, a given mask, and partly observed pixels."""

    def test_saturation(self, rng):
        cube, _ = scene(rng)
        limits = [40, np.inf, 70]
        cube[5, 6, 0] = 40  # a value at the limit is saturated
        cube[5, 7, 0] = np.nextafter(np.float32(40), np.float32(0))
        masker = CubeMasker(saturation=limits, mask_outliers=False).fit(cube)
        assert masker.mask_[5, 6:8].tolist() == [True, False]
        expected = (cube[:, :, 0] >= 40) | (cube[:, :, 2] >= 70)
        assert expected.sum() > 20
        np.testing.assert_array_equal(masker.mask_, expected)
        np.testing.assert_array_equal(masker.saturation_, limits)
        with pytest.raises(ValueError, match=r"saturation .* 3 bands, got 2"):
            CubeMasker(saturation=[1, 2]).fit(cube)

    def test_signal_to_noise(self, rng):
        cube, galaxy = scene(rng, noise=2.0)
        cube += 100
        masker = CubeMasker(min_signal_to_noise=5).fit(cube)
        kept = ~masker.mask_
        bright = (galaxy > 5 * 2.0 + 8).all(axis=2)
        faint = (galaxy < 5 * 2.0 - 8).any(axis=2)
        assert kept[bright].all()
        assert not kept[faint].any()
        np.testing.assert_allclose(masker.noise_, 2, rtol=0.03)
        np.testing.assert_allclose(masker.sky_level_, 100, atol=0.2)

    def test_given_mask(self, rng):
        cube, _ = scene(rng)
        given = np.zeros((200, 200), dtype=int)
        given[3, 4] = 1
        masker = CubeMasker(exclude=given).fit(cube)
        np.testing.assert_array_equal(masker.mask_, given == 1)
        with pytest.raises(ValueError, match=r"\(200, 200\), but .* 100 x 200"):
            masker.transform(cube[:100])

    def test_min_bands(self, rng):
        cube, _ = scene(rng)
        cube[:, :50, 0] = np.nan
        cube[:, :20, 1] = np.nan
        whole = CubeMasker().fit(cube)
        np.testing.assert_array_equal(whole.mask_.sum(), 200 * 50)
        partly = CubeMasker(min_bands=2).fit(cube)
        np.testing.assert_array_equal(partly.mask_.sum(), 200 * 20)
        result = partly.transform(cube)
        assert np.isnan(result[:, :20]).all()
        np.testing.assert_array_equal(result[:, 20:], cube[:, 20:])
        np.testing.assert_array_equal(partly.fit_transform(cube), result)
        with pytest.raises(ValueError, match="min_bands is 4, but the cube has 3"):
            CubeMasker(min_bands=4).fit(cube)


class TestNothingLeft:
    """The criterion that took most is named, with a way out."""

    def test_missing(self):
        with pytest.raises(ValueError, match=r"All 100 pixels .* 'missing'.*NaN"):
            CubeMasker().fit(np.full((10, 10, 2), np.nan))

    def test_zeros(self, rng):
        cube, _ = scene(rng)
        cube[:, :, 1] = 0
        cube[:, :7, 0] = np.nan
        message = r"38600 of them by 'zeros' \(in band 'band 2' 40000\).*mask_zeros"
        with pytest.raises(ValueError, match=message):
            CubeMasker(mask_zeros=True).fit(cube)

    def test_mask(self, rng):
        with pytest.raises(ValueError, match=r"'regions'.*leave some pixels"):
            CubeMasker(exclude=np.ones((8, 8), dtype=bool)).fit(
                rng.normal(size=(8, 8, 1))
            )


@pytest.fixture
def cube(rng):
    wcs = make_wcs(SHAPE, 1.0, shift=(0.5, 0.5))
    data = rng.normal(10, 1, (*SHAPE, 2)).astype(np.float32)
    return Cube(data, wcs=wcs, band_names=["g", "r"])


def within(row, column, radius):
    rows, columns = np.indices(SHAPE)
    return (rows - row) ** 2 + (columns - column) ** 2 < radius**2


class TestRegions:
    """Regions of the regions package, on the sky and in pixels."""

    regions = pytest.importorskip("regions")

    def circle(self, column, row, radius, **meta):
        center = self.regions.PixCoord(column, row)
        meta = self.regions.RegionMeta(meta)
        return self.regions.CirclePixelRegion(center, radius, meta=meta)

    def test_on_the_sky(self, cube):
        region = self.regions.CircleSkyRegion(CENTER, 6.5 * u.arcsec)
        masker = CubeMasker(exclude=region).fit(cube)
        assert_array_equal(masker.mask_, within(20, 25, 6.5))
        assert masker.summary_["regions"] == within(20, 25, 6.5).sum()
        with pytest.raises(ValueError, match=r"exclude holds a CircleSky.* no WCS"):
            CubeMasker(exclude=region).fit(cube.data)

    def test_inside_and_outside(self, cube):
        masker = CubeMasker(
            include=self.circle(20, 18, 12.5), exclude=self.circle(24, 18, 3.5)
        )
        kept = within(18, 20, 12.5) & ~within(18, 24, 3.5)
        assert_array_equal(masker.fit(cube).mask_, ~kept)
        result = masker.transform(cube).data
        assert_array_equal(np.isnan(result).all(axis=2), ~kept)
        assert_array_equal(result[kept], cube.data[kept])

    def test_several_and_masks(self, cube):
        mask = np.zeros(SHAPE, dtype=bool)
        mask[-1] = True
        point = self.regions.PointPixelRegion(self.regions.PixCoord(3.4, 7.6))
        masker = CubeMasker(exclude=[self.circle(20, 18, 4.5), mask, point]).fit(cube)
        expected = within(18, 20, 4.5) | mask
        expected[8, 3] = True
        assert_array_equal(masker.mask_, expected)

    def test_what_the_file_excludes_is_taken_out(self, cube):
        both = [self.circle(20, 18, 3.5, include=False), self.circle(20, 18, 8.5)]
        masker = CubeMasker(exclude=both).fit(cube)
        assert_array_equal(masker.mask_, within(18, 20, 8.5) & ~within(18, 20, 3.5))

    def test_larger_than_the_image_costs_no_memory(self, cube):
        masker = CubeMasker(include=self.circle(20, 18, 1e7)).fit(cube)
        assert not masker.mask_.any()

    @pytest.mark.parametrize("parameter", ["include", "exclude"])
    @pytest.mark.parametrize("where", ["beside", "beyond", "pixels", "both"])
    def test_outside_of_the_image(self, cube, parameter, where):
        beside, beyond = (
            self.regions.CircleSkyRegion(
                CENTER.directional_offset_by(0 * u.deg, distance * u.deg), 2 * u.arcsec
            )
            for distance in (1, 170)  # a tangential projection ends at 90
        )
        outside = {
            "beside": beside,
            "beyond": beyond,
            "pixels": self.circle(-30, 18, 5),
            "both": beside | beyond,
        }[where]
        message = f"None of the regions of {parameter} touches the image of 40 x 50"
        with pytest.raises(ValueError, match=message):
            CubeMasker(**{parameter: outside}).fit(cube)
        # One of several may lie elsewhere, and so may all in a strip of the image.
        inside = self.circle(20, 18, 4.5)
        masker = CubeMasker(**{parameter: [outside, inside]}).fit(cube)
        held = within(18, 20, 4.5)
        assert_array_equal(masker.mask_, held if parameter == "exclude" else ~held)

    def test_no_region(self, cube):
        with pytest.raises(ValueError, match="exclude must be a mask of True and"):
            CubeMasker(exclude=np.ones(SHAPE)).fit(cube)
        with pytest.raises(ValueError, match=r"include has shape \(3, 4\), but"):
            CubeMasker(include=np.ones((3, 4), dtype=bool)).fit(cube)


class TestNoise:
    """Signal to noise by a number, a map, errors, or what is measured."""

    def test_one_number_for_each_band(self, cube):
        masker = CubeMasker(min_signal_to_noise=2, noise=[0.1, 1e-3]).fit(cube)
        level = masker.sky_level_
        faint = (cube.data - level.astype(np.float32)) < 2 * np.array([0.1, 1e-3])
        assert_array_equal(masker.mask_, faint.any(axis=2))
        assert masker.summary_["signal_to_noise"] == masker.mask_.sum()

    @pytest.mark.parametrize("by", ["noise", "errors"])
    def test_map(self, cube, by):
        noise = np.full(cube.shape, 1e-3, dtype=np.float32)
        cube.data[5, 6] = 100
        cube.data[5, 7:10] = 100
        noise[5, 6, 1] = 1000
        noise[5, 7, 0] = np.nan
        noise[5, 8, 0] = 0
        options = {"noise": noise} if by == "noise" else {}
        given = cube if by == "noise" else cube.replace(errors=noise)
        options["mask_outliers"] = False
        masker = CubeMasker(min_signal_to_noise=5, **options).fit(given)
        assert masker.mask_[5, 6:10].tolist() == [True, True, True, False]

    @pytest.mark.parametrize(
        ("noise", "message"),
        [
            ([1.0, 2.0, 3.0], "one number or one for each of the 2 bands, got 3"),
            ([1.0, -2.0], "noise of band 'r' must be a positive number, got -2"),
            (np.ones((3, 4, 2)), r"noise has shape \(3, 4, 2\), but the cube has"),
        ],
    )
    def test_impossible(self, cube, noise, message):
        with pytest.raises(ValueError, match=message):
            CubeMasker(min_signal_to_noise=1, noise=noise).fit(cube)


class TestLists:
    """Cubes on different grids, each with its own mask."""

    def test_each_as_alone(self, cube, rng):
        other = Cube(rng.normal(5, 1, (30, 20, 1)), band_names=["NUV"])
        other.data[:, :4] = 0
        cube.data[3, 4, 1] = np.nan
        masker = CubeMasker(grow=1, saturation=[12.0, 13.0, 100.0])
        result = masker.fit_transform([cube, other])
        alone = [
            CubeMasker(grow=1, saturation=[12.0, 13.0]).fit(cube),
            CubeMasker(grow=1, saturation=100.0).fit(other),
        ]
        pairs = zip(alone, (cube, other), strict=True)
        for number, (single, given) in enumerate(pairs):
            assert_array_equal(masker.mask_[number], single.mask_)
            assert masker.summary_[number] == single.summary_
            assert_array_equal(result[number].data, single.transform(given).data)
        assert masker.summary_[1]["zeros"] == 30 * 4
        assert masker.summary_[0]["saturation"] > 0
        assert_array_equal(masker.saturation_, [12, 13, 100])

    def test_refusals(self, cube):
        other = Cube(np.ones((5, 5, 1)), band_names=["NUV"])
        with pytest.raises(ValueError, match="min_bands is 2, but the cube has 1 band"):
            CubeMasker(min_bands=2).fit([cube, other])
        masker = CubeMasker(min_bands=1).fit([cube[:, :, :1], cube[:, :, 1:]])
        masker.set_params(min_bands=2).fit(cube)
        with pytest.raises(ValueError, match="min_bands is 2, but the cube has 1 band"):
            masker.transform([cube[:, :, :1], cube[:, :, 1:]])

    def test_the_same_bands_may_lie_on_other_grids(self, cube):
        parts = [cube[:, :, :1], cube[:, :, 1:]]
        together = CubeMasker(saturation=[12.0, 13.0]).fit(cube)
        apart = CubeMasker(saturation=[12.0, 13.0]).fit(parts)
        for masked, expected in zip(
            together.transform(parts), apart.transform(parts), strict=True
        ):
            assert_array_equal(masked.data, expected.data)
        assert_array_equal(apart.transform(cube).data, together.transform(cube).data)


class TestRealImages:
    """The frames that the rules were made for."""

    def test_field_with_a_spiral(self, shared_data):
        field = read_bands(shared_data)[:, :, :3]
        masker = CubeMasker(mask_lines=True).fit(field)
        assert masker.summary_["zeros"] == 0
        # The broken columns of u and r.
        assert masker.mask_[480:600, 508].all()
        assert masker.mask_[160:350, 590].all()
        assert masker.mask_[331:349, 578:580].all()
        assert 300 < masker.summary_["lines"] < 700
        # Nucleus, arm, stars and another galaxy remain.
        for row, column in [(280, 110), (262, 70), (283, 177), (92, 495), (195, 440)]:
            assert not masker.mask_[row, column]

    def test_galaxy_that_fills_the_frame(self, shared_data):
        with fits.open(shared_data / "m83" / "m83_hubble_rgb_wcs.fits") as file:
            picture = np.moveaxis(file[0].data, 0, -1)[200:700, 200:700]
        masker = CubeMasker().fit(picture)
        assert masker.mask_.mean() < 1e-3


def test_errors_that_are_no_errors_are_told(rng):
    data = 1e-17 * rng.normal(size=(*SHAPE, 2)).astype(np.float64)
    errors = np.full(data.shape, 1e-17)
    CubeMasker().fit(Cube(data, errors=errors))  # warns of nothing
    variances = errors.copy()
    variances[:, :, 1] **= 2
    with pytest.warns(
        UserWarning, match=r"band 1 .*error 1e-34, noise .*'var'"
    ) as told:
        CubeMasker().fit(Cube(data, errors=variances, band_names=["band 0", "band 1"]))
    assert "band 0" not in str(told[0].message)


def test_gaps_of_zeros_inside_of_missing_pixels(rng):
    cube, _ = scene(rng)
    cube[60:100, 60:100] = np.nan
    cube[70:90, 70:90, 1] = 0  # touches no other pixel
    cube[:, 150:, 1] = 0
    masker = CubeMasker(min_bands=1).fit(cube)  # warns of nothing
    assert masker.mask_[75:85, 75:85].all()


@pytest.mark.parametrize("shape", [(128, 384), (384, 128), (256, 256)])
@pytest.mark.parametrize("rise", [(6, 0), (0, 6), (6, -3)])
def test_range_of_a_slope_is_that_over_all_rows_and_columns(shape, rise):
    rng = np.random.default_rng(0)
    rows, columns = np.indices(shape)
    plane = rise[0] * rows / shape[0] + rise[1] * columns / shape[1]
    image = plane + rng.normal(size=shape)
    cube = Cube(image[:, :, np.newaxis], band_names=["V"])
    with pytest.warns(UserWarning, match=r"it rises by: V") as caught:
        CubeMasker().fit(cube)
    told = re.search(r"V \(([0-9.]+)\)", str(caught[0].message))
    assert float(told[1]) == pytest.approx(np.abs(rise).sum(), rel=0.03)
