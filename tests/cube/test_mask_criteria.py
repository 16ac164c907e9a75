# SPDX-License-Identifier: BSD-3-Clause
"""CubeMasker on request: regions, noisy borders, noise maps, lists of cubes."""

import numpy as np
import pytest
from astropy import units as u
from astropy.coordinates import SkyCoord
from astropy.wcs import WCS
from numpy.testing import assert_array_equal

from skesom.cube import Cube, CubeMasker

SHAPE = (40, 50)
CENTER = SkyCoord(204.25, -29.87, unit="deg")


@pytest.fixture
def rng(global_random_seed):
    return np.random.default_rng(global_random_seed)


@pytest.fixture
def cube(rng):
    wcs = WCS(naxis=2)
    wcs.wcs.ctype = ["RA---TAN", "DEC--TAN"]
    wcs.wcs.crval = [CENTER.ra.deg, CENTER.dec.deg]
    wcs.wcs.crpix = [26, 21]
    wcs.wcs.cdelt = [-1 / 3600, 1 / 3600]
    data = rng.normal(10, 1, (*SHAPE, 2)).astype(np.float32)
    return Cube(data, wcs=wcs, band_names=["g", "r"])


def disc(row, column, radius):
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
        assert_array_equal(masker.mask_, disc(20, 25, 6.5))
        assert masker.summary_["regions"] == disc(20, 25, 6.5).sum()
        with pytest.raises(ValueError, match=r"exclude holds a CircleSky.* no WCS"):
            CubeMasker(exclude=region).fit(cube.data)

    def test_inside_and_outside(self, cube):
        masker = CubeMasker(
            include=self.circle(20, 18, 12.5), exclude=self.circle(24, 18, 3.5)
        )
        kept = disc(18, 20, 12.5) & ~disc(18, 24, 3.5)
        assert_array_equal(masker.fit(cube).mask_, ~kept)
        result = masker.transform(cube).data
        assert_array_equal(np.isnan(result).all(axis=2), ~kept)
        assert_array_equal(result[kept], cube.data[kept])

    def test_several_and_masks(self, cube):
        mask = np.zeros(SHAPE, dtype=bool)
        mask[-1] = True
        point = self.regions.PointPixelRegion(self.regions.PixCoord(3.4, 7.6))
        masker = CubeMasker(exclude=[self.circle(20, 18, 4.5), mask, point]).fit(cube)
        expected = disc(18, 20, 4.5) | mask
        expected[8, 3] = True
        assert_array_equal(masker.mask_, expected)

    def test_what_the_file_excludes_is_taken_out(self, cube):
        both = [self.circle(20, 18, 3.5, include=False), self.circle(20, 18, 8.5)]
        masker = CubeMasker(exclude=both).fit(cube)
        assert_array_equal(masker.mask_, disc(18, 20, 8.5) & ~disc(18, 20, 3.5))

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
        held = disc(18, 20, 4.5)
        assert_array_equal(masker.mask_, held if parameter == "exclude" else ~held)

    def test_no_region(self, cube):
        with pytest.raises(ValueError, match="exclude must be a mask of True and"):
            CubeMasker(exclude=np.ones(SHAPE)).fit(cube)
        with pytest.raises(ValueError, match=r"include has shape \(3, 4\), but"):
            CubeMasker(include=np.ones((3, 4), dtype=bool)).fit(cube)


class TestBorders:
    """Mosaics whose borders have less exposure."""

    @pytest.fixture
    def mosaic(self, rng):
        """Noise three times as large within 6 pixels of a gap in the second band."""
        data = rng.normal(10, 1, (200, 220, 2)).astype(np.float32)
        data[:, 60:66, 1] += rng.normal(0, 3, (200, 6))
        data[:, :60, 1] = np.nan
        return data

    def test_gap(self, mosaic):
        only = {"mask_lines": False, "mask_outliers": False}
        masker = CubeMasker(border_noise=1.5, **only).fit(mosaic)
        taken = masker.mask_[:, 60:].mean(axis=0)
        assert taken[:6].min() == 1
        assert taken[8:-8].max() == 0
        assert masker.summary_["missing"] == 60 * 200
        assert 6 * 200 <= masker.summary_["borders"] <= 8 * 200

    def test_nothing_without_request_or_noise(self, mosaic, rng):
        assert CubeMasker().fit(mosaic).summary_["borders"] == 0
        mosaic[:, 60:66, 1] = rng.normal(10, 1, (200, 6))
        assert CubeMasker(border_noise=1.5).fit(mosaic).summary_["borders"] == 0

    @pytest.mark.parametrize(
        "side", [np.s_[:5], np.s_[-5:], np.s_[:, :5], np.s_[:, -5:]]
    )
    def test_sides_of_the_frame(self, rng, side):
        data = rng.normal(0, 1, (150, 160, 1))
        data[side] *= 4
        wide = np.zeros((150, 160), dtype=bool)
        wide[side] = True
        masker = CubeMasker(border_noise=1.5).fit(data)
        assert masker.mask_[wide].all()
        assert masker.mask_.sum() <= wide.sum() * 7 / 5

    def test_small_frame(self, rng):
        data = rng.normal(0, 1, (30, 20, 1))
        assert not CubeMasker(border_noise=1.5).fit(data).mask_.any()


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
        masker = CubeMasker().fit([cube[:, :, :1], cube[:, :, 1:]])
        with pytest.raises(ValueError, match=r"fitted on cubes of \[1, 1\] bands"):
            masker.transform(cube)
