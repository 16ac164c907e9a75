# SPDX-License-Identifier: BSD-3-Clause
"""Aligning lists of cubes: grids, flux, crops, errors, footprints, and the step."""

import warnings
from functools import partial

import numpy as np
import pytest
from astropy import units as u
from astropy.coordinates import SkyCoord
from astropy.stats import gaussian_fwhm_to_sigma
from numpy.testing import assert_allclose, assert_array_equal
from sklearn.pipeline import make_pipeline

from skesom._sky.grids import Grid, overlap_box, pixel_size, same_grid
from skesom.cube import Cube, CubeAligner, FWHMConvolver
from tests.helpers.grids import CENTER, METHODS, align, make_wcs
from tests.helpers.grids import make_cube as flat_cube

make_cube = partial(flat_cube, dtype=np.float64)


class TestFlux:
    """Flux per pixel grows with the area of a pixel, brightness does not."""

    def test_each_band_in_its_way(self):
        fine = make_cube((40, 40), 0.5, "ab", value=2.0, errors=0.5)
        coarse = make_cube((20, 20), 1.0, "c", value=3.0)
        kinds = ["flux", "surface brightness", "flux"]
        cube = align([fine, coarse], conserve=kinds)
        assert_allclose(cube.data[10, 10], [8, 2, 3], rtol=1e-6)
        assert_allclose(cube.errors[10, 10], [2, 0.5, np.nan], rtol=1e-6)
        again = CubeAligner(conserve=tuple(kinds)).fit_transform([fine, coarse])
        assert_array_equal(again.data, cube.data)

    @pytest.mark.parametrize("conserve", ["mass", ["flux"], ["flux", 3]])
    def test_refused(self, conserve):
        with pytest.raises(
            ValueError, match=r"'conserve' p|conserve must be 'auto', one"
        ):
            CubeAligner(conserve=conserve).fit_transform(make_cube((4, 4), 1, "ab"))


def stars(shape, size, fwhm, rng, **where):
    """Return fluxes per pixel of round stars (arcsec), their places and fluxes."""
    cube = make_cube(shape, size, "s", value=0.0, **where)
    places = SkyCoord(
        CENTER.ra + rng.uniform(-9, 9, 12) * u.arcsec,
        CENTER.dec + rng.uniform(-9, 9, 12) * u.arcsec,
    )
    fluxes = rng.uniform(1, 3, 12)
    rows, columns = np.indices(shape)
    sigma = fwhm / size * gaussian_fwhm_to_sigma
    for place, flux in zip(places, fluxes, strict=True):
        x, y = cube.wcs.world_to_pixel(place)
        star = np.exp(-((columns - x) ** 2 + (rows - y) ** 2) / (2 * sigma**2))
        cube.data[:, :, 0] += flux * star / (2 * np.pi * sigma**2)
    return cube, fluxes.sum()


class TestFluxes:
    """Fluxes stay within half a percent, of both kinds and in any pixels."""

    @pytest.mark.parametrize(
        ("size", "angle", "conserve"),
        [
            (1.0, 0, "flux"),
            (1.0, 33, "surface brightness"),
            (0.7, 20, "flux"),
            (0.25, -50, "surface brightness"),
            (1.9, 12, "flux"),
        ],
    )
    @pytest.mark.parametrize("method", METHODS)
    def test_stars(self, method, size, angle, conserve, global_random_seed):
        rng = np.random.default_rng(global_random_seed)
        shape = (int(44 / size), int(46 / size))
        source, flux = stars(shape, size, max(2.2, 2.2 * size), rng, angle=angle)
        if conserve == "surface brightness":
            source = source.replace(data=source.data / size**2)
        target = make_wcs((50, 52), 1.0)
        result = align(source, target, resample=method, conserve=conserve)
        assert_allclose(np.nansum(result.data), flux, rtol=0.005)

    def test_pixels_of_many_sizes(self):
        """In a distorted image, each pixel has its own area."""
        # The width of pixels changes by 36 % across the image.
        wcs = make_wcs((60, 60), 0.5, sip=(3e-3, 0))
        flat = Cube(np.ones((60, 60, 1)), wcs=wcs, band_names="a")
        target = make_wcs((12, 12), 1.0)
        result = align(flat, target, resample="exact", conserve="flux").data[:, :, 0]
        x, _ = wcs.world_to_pixel(target.pixel_to_world(np.arange(-0.5, 12), 5.5))
        # So many pixels of the image lie in one of the target, two of them in a column.
        assert_allclose(result[5], 2 * np.diff(x), rtol=1e-3)


class TestAutoConserve:
    """Units tell what a pixel holds."""

    def conserved(self, unit, zero_point=np.nan, name="b"):
        fine = make_cube((20, 20), 0.5, name)
        fine = fine.replace(band_units=[unit], zero_points=[zero_point])
        aligner = CubeAligner().fit([fine, make_cube((10, 10), 1.0, "c")])
        assert aligner.conserved_[1] == "surface brightness"
        return aligner.conserved_[0]

    @pytest.mark.parametrize(
        "unit",
        ["adu", "ct", "electron / s", "DN", "Jy", "nJy", "Jy / pix", "nmgy", "W / m2"]
        + ["erg / (s cm2 Angstrom)", "ph / (s cm2)", "10**-17 erg / (s cm2 Angstrom)"]
        + ["L_sun", "ct / (s pix)", "mJy / pix2"],
    )
    def test_flux(self, unit):
        assert self.conserved(unit) == "flux"

    @pytest.mark.parametrize(
        "unit",
        ["MJy / sr", "mJy / arcsec2", "Jy / beam", "K", "K km / s", "L_sun / pc2"]
        + ["erg / (s cm2 Angstrom arcsec2)", "ct / arcsec2", "mag", "mag(AB)"],
    )
    def test_surface_brightness(self, unit):
        assert self.conserved(unit) == "surface brightness"

    def test_zero_point(self):
        assert self.conserved(None, 25.0) == "flux"
        assert self.conserved("", 25.0) == "flux"
        assert self.conserved("MJy / sr", 25.0) == "surface brightness"

    @pytest.mark.parametrize("unit", [None, "", "km / s"])
    def test_unknown(self, unit):
        with pytest.warns(UserWarning, match=r"pixels of b hold .*conserve='flux'"):
            assert self.conserved(unit) == "surface brightness"

    def test_no_warning_on_equal_pixels(self):
        cubes = [make_cube((10, 10), 1.0, n, angle=a) for n, a in (("a", 0), ("b", 30))]
        with warnings.catch_warnings():
            warnings.simplefilter("error")
            CubeAligner().fit([c.replace(band_units=[None]) for c in cubes])

    def test_fitted(self):
        """What was found in the fitted images holds for others."""
        fine = make_cube((20, 20), 0.5, "b").replace(band_units=["adu"])
        coarse = make_cube((10, 10), 1.0, "c")
        aligner = CubeAligner().fit([fine, coarse])
        result = aligner.transform([fine.replace(band_units=[None]), coarse])
        assert_allclose(result.data[5, 5], [4, 1])


class TestZeroPoints:
    """A count keeps its meaning, or its zero point says how it has changed."""

    @pytest.mark.parametrize("conserve", ["surface brightness", "flux"])
    def test_flux_by_zero_point(self, conserve):
        small = make_cube((60, 60), 0.5, value=3.0).replace(zero_points=[25.0])
        large = make_cube((15, 15), 2.0, "K").replace(zero_points=[20.0])
        cube = align([small, large], conserve=conserve)
        np.testing.assert_allclose(cube.zero_points[1], 20)
        # Sixteen small pixels of 3 counts make a large one.
        expected = 48 * 10 ** (-0.4 * 25)
        flux = cube.data[7, 7, 0] * 10 ** (-0.4 * cube.zero_points[0])
        np.testing.assert_allclose(flux, expected, rtol=1e-4)


class TestGrids:
    """Which grid is taken."""

    def test_optimal_holds_all_images(self):
        cubes = [
            make_cube((40, 60), 0.5, "a", angle=30),
            make_cube((30, 30), 1.0, "b", angle=-50, shift=(15, 3)),
        ]
        cube = align(cubes, "optimal")
        assert_allclose(pixel_size(cube.wcs), 1.0, rtol=1e-6)
        north = cube.wcs.pixel_to_world(3, [3, 4])
        assert abs(north[0].position_angle(north[1]).wrap_at("180d").deg) < 0.1
        for source in cubes:
            rows, columns = source.shape[:2]
            corners = source.wcs.pixel_to_world(
                [0, 0, columns - 1, columns - 1], [0, rows - 1, 0, rows - 1]
            )
            x, y = cube.wcs.world_to_pixel(corners)
            assert min(x.min(), y.min()) >= -0.5
            assert x.max() <= cube.shape[1] - 0.5
            assert y.max() <= cube.shape[0] - 0.5
        # Nothing is lost: each image covers its area.
        for band, (source, size) in enumerate(zip(cubes, (0.5, 1.0), strict=True)):
            area = np.isfinite(cube.data[:, :, band]).sum()
            assert_allclose(
                area, source.shape[0] * source.shape[1] * size**2, rtol=0.02
            )

    def test_cubes_without_wcs_on_the_same_pixels(self):
        cubes = [Cube(np.full((4, 5, 1), k), band_names=[f"{k}"]) for k in (1, 2)]
        cube = align(cubes)
        assert cube.wcs is None
        assert_array_equal(cube.data[0, 0], [1, 2])
        for reference in ("optimal", make_wcs((4, 5), 1)):
            with pytest.raises(ValueError, match="without a WCS"):
                align(cubes, reference)
        cubes[1] = Cube(np.ones((4, 6, 1)), band_names=["2"])
        with pytest.raises(
            ValueError, match="Band '2' cannot be aligned without a WCS"
        ):
            align(cubes)


class TestCrop:
    """Cropping to the pixels that all bands have."""

    def test_intersection(self):
        left = make_cube((30, 40), 1.0, "a", value=1)
        right = make_cube((30, 40), 1.0, "b", value=2, shift=(12.3, -4.3))
        cube = align([left, right], "first", crop=True)
        # The sky of column x lies in column x + 12.3 of the other image, which ends at
        # 39.5; that of row y in row y - 4.3, and the first row begins at -0.5.
        assert cube.shape == (26, 28, 2)
        assert np.isfinite(cube.data).all()
        place = SkyCoord(CENTER.ra, CENTER.dec)
        whole = align([left, right], "first")
        x, y = cube.wcs.world_to_pixel(place)
        x_whole, y_whole = whole.wcs.world_to_pixel(place)
        assert_allclose([x_whole - x, y_whole - y], [0, 0], atol=15)
        rows, columns = (round(float(y_whole - y)), round(float(x_whole - x)))
        assert_array_equal(
            cube.data, whole.data[rows : rows + 26, columns : columns + 28]
        )

    def test_gaps_count(self):
        cube = make_cube((20, 30), 1.0, "ab", errors=1.0)
        cube.data[:3] = np.nan
        cube.data[:, 25:, 1] = np.nan
        cube.data[10, 10] = np.nan
        cut = align(cube, crop=True)
        assert cut.shape == (17, 25, 2)
        assert cut.errors.shape == (17, 25, 2)
        assert cut.data.flags.c_contiguous
        assert_allclose(cut.wcs.wcs.crpix, cube.wcs.wcs.crpix - [0, 3])

    def test_auto(self):
        left = make_cube((30, 40), 1.0, "a", value=1)
        right = make_cube((30, 40), 1.0, "b", value=2, shift=(12.3, -4.3))
        whole = align([left, right], "first", crop=True)
        cut = align([left, right], crop="auto")
        assert_array_equal(cut.data, whole.data)
        # Stars stay where they are.
        place = cut.wcs.pixel_to_world(3, 5)
        left.data[:, :, 0] = np.indices((30, 40))[1]
        cut = align([left, right], crop="auto")
        x, _ = left.wcs.world_to_pixel(place)
        assert_allclose(cut.data[5, 3, 0], x, atol=1e-6)
        # One grid, and a grid that is given as such, are left alone.
        for cubes, to in [([left], "first"), ([left, right], left), ([left, right], 0)]:
            expected = (26, 28) if to == 0 else (30, 40)
            assert align(cubes, to, crop="auto").shape[:2] == expected

    def test_enough_bands(self):
        """The more bands may be missing, the more columns there are.

        The bands reach from -20 to 20, from -32 to 8 and from -40 to 0.
        """
        cubes = [
            make_cube((30, 40), 1.0, "a"),
            make_cube((30, 40), 1.0, "b", shift=(12, 0)),
            make_cube((30, 40), 1.0, "c", shift=(20, 0)),
        ]
        options = {"align_to": "optimal", "crop": "auto"}
        widths = [align(cubes, min_bands=n, **options).shape[1] for n in (1, 2, 3)]
        assert_allclose(widths, [60, 40, 20], atol=1)

    def test_nothing_to_cut(self):
        cube = make_cube((20, 30), 1.0)
        assert align(cube, crop=True) is cube

    def test_nothing_left(self):
        cube = make_cube((20, 30), 1.0, "ab")
        cube.data[:10, :, 0] = cube.data[10:, :, 1] = np.nan
        with pytest.raises(ValueError, match="'a', 'b' have no pixel in common"):
            align(cube, crop=True)
        # Both reach the grid, but not each other.
        left, right = (
            make_cube((20, 30), 1.0, name, shift=(offset, 0))
            for name, offset in (("c", -20), ("d", 20))
        )
        middle = make_cube((20, 30), 1.0, "b")
        with pytest.raises(ValueError, match="'c', 'd' have no pixel in common on the"):
            align([middle, left, right], crop=True)

    def test_box_of_a_turned_image(self):
        """A square turned by 45 degrees reaches as far as its corners."""
        grid = Grid(make_wcs((100, 100), 1.0), (100, 100))
        square = Grid(make_wcs((40, 40), 1.0, angle=45), (40, 40))
        rows, columns = overlap_box(grid, [grid, square])
        reach = 20 * np.sqrt(2)
        for part in (rows, columns):
            assert part.start == np.floor(49.5 - reach)
            assert part.stop == np.ceil(49.5 + reach) + 1


class TestErrors:
    """Errors are resampled as the data are."""

    def test_never_too_small(self, global_random_seed):
        """Of the scatter of independent noise it is an upper bound."""
        rng = np.random.default_rng(global_random_seed)
        source = make_cube((30, 30), 1.0, "a")
        errors = rng.uniform(1, 3, source.data.shape)
        source = source.replace(errors=errors)
        target = make_wcs((9, 9), 1.0, angle=17)
        result = align(source, target).errors[:, :, 0]
        noise = rng.normal(size=(*errors.shape[:2], 2000)) * errors
        names = [str(number) for number in range(noise.shape[2])]
        noisy = align(Cube(noise, wcs=source.wcs, band_names=names), target).data
        scatter = noisy.std(axis=2)
        assert np.all(result > 0.95 * scatter)
        # The same noise in all pixels is what bilinear weights leave as it is.
        common = errors * rng.normal(size=2000)
        noisy = align(Cube(common, wcs=source.wcs, band_names=names), target).data
        assert_allclose(noisy.std(axis=2), result, rtol=0.1)

    def test_bands_without_are_unknown(self):
        with_errors = make_cube((10, 10), 1.0, "a", errors=0.3)
        without = make_cube((10, 10), 1.0, "b")
        turned = make_cube((30, 30), 1.0, "c", errors=0.2, angle=30)
        errors = align([with_errors, without, turned]).errors
        assert_array_equal(errors[:, :, 0], 0.3)
        assert np.isnan(errors[:, :, 1]).all()
        assert_allclose(errors[:, :, 2], 0.2, rtol=1e-6)
        assert align([without, turned.replace(errors=None)]).errors is None


class TestAligner:
    """The step of a Pipeline."""

    cubes = [make_cube((40, 44), 0.5, "fg", angle=10), make_cube((20, 22), 1.0, "c")]

    @pytest.mark.parametrize("fwhm", [[3.0, 3.0, 3.0], [3.0, 2.5, np.nan]])
    def test_auto_resampling(self, fwhm):
        cubes = [
            self.cubes[0].replace(fwhm=fwhm[:2]),
            self.cubes[1].replace(fwhm=fwhm[2:]),
        ]
        aligner = CubeAligner()
        result = aligner.fit_transform(cubes)
        assert aligner.resample_ == "exact"
        expected = CubeAligner(resample="exact").fit_transform(cubes)
        assert_array_equal(result.data, expected.data)

    def test_fitted_grid(self):
        aligner = CubeAligner().fit(self.cubes)
        assert aligner.reference_band_ == 2
        assert aligner.shape_ == (20, 22)
        assert same_grid(
            Grid(aligner.wcs_, (20, 22)), Grid(self.cubes[1].wcs, (20, 22))
        )
        assert CubeAligner(self.cubes[0]).fit(self.cubes).reference_band_ is None

    def test_other_field_keeps_the_band(self):
        """The band of the fitted grid leads, although another is coarser here."""
        aligner = CubeAligner().fit(self.cubes)
        others = [make_cube((8, 8), 2.0, "fg"), make_cube((12, 13), 1.0, "c")]
        assert aligner.transform(others).shape == (12, 13, 3)

    def test_grid_from_elsewhere(self):
        aligner = CubeAligner(make_wcs((7, 9), 0.9)).fit(self.cubes)
        assert aligner.transform(self.cubes).shape == (7, 9, 3)

    def test_one_cube_passes(self):
        assert CubeAligner().fit_transform([self.cubes[0]]) is self.cubes[0]

    def test_footprint(self):
        cubes = [self.cubes[0], make_cube((20, 22), 1.0, "c", shift=(5, 0))]
        cubes[0].data[5:9, 5:9] = np.nan
        for to in ("coarsest", "first", cubes[1], "optimal"):
            aligner = CubeAligner(to).fit(cubes)
            seen = aligner.footprint(cubes)
            assert seen.dtype == bool
            assert seen.shape == aligner.transform(cubes).shape
            whole = [cube.replace(data=np.ones(cube.shape)) for cube in cubes]
            assert_array_equal(seen, np.isfinite(aligner.transform(whole).data))
        cubes[0].data[5:9, 5:9] = 1

    def test_pipeline_of_lists(self):
        cubes = [
            cube.replace(fwhm=fwhm)
            for cube, fwhm in zip(self.cubes, ([1.2, 1.3], [2.5]), strict=True)
        ]
        pipeline = make_pipeline(FWHMConvolver(), CubeAligner())
        with warnings.catch_warnings():
            warnings.simplefilter("error")  # smooth enough for the coarse pixels
            result = pipeline.fit_transform(cubes)
        assert result.shape == (20, 22, 3)
        assert_allclose(result.fwhm, 2.5)

    def test_unlike_lists_are_refused(self):
        aligner = CubeAligner().fit(self.cubes)
        with pytest.raises(ValueError, match=r"X has 1 bands, .* fitted on 3 bands"):
            aligner.transform(self.cubes[1:])
