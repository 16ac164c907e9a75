# SPDX-License-Identifier: BSD-3-Clause
"""FWHMConvolver: several grids at once, beams, headers and pixels as widths."""

import numpy as np
import pytest
from astropy import units
from astropy.io.fits import Header
from astropy.wcs import WCS
from numpy.testing import assert_allclose, assert_array_equal

from skesom.cube import Cube, FWHMConvolver
from skesom.cube.bands import Band
from skesom.cube.base import check_cubes
from skesom.cube.convolution.beams import Beam

TO_FWHM = np.sqrt(8 * np.log(2))


def make_wcs(shape, size, angle=0.0, frame="RA", longitude=204.25):
    """Return a tangential WCS with pixels of size (height, width) in arcsec."""
    height, width = np.broadcast_to(size, 2)
    angle = np.deg2rad(angle)
    wcs = WCS(naxis=2)
    kinds = {"RA": ("RA---TAN", "DEC--TAN"), "GAL": ("GLON-TAN", "GLAT-TAN")}
    wcs.wcs.ctype = kinds[frame]
    wcs.wcs.crval = [longitude, -29.86]
    wcs.wcs.crpix = [(shape[1] + 1) / 2, (shape[0] + 1) / 2]
    turn = np.array([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]])
    wcs.wcs.cd = turn @ np.diag([-width, height]) / 3600
    wcs.wcs.set()
    return wcs


def offsets(wcs, shape):
    """Return how far all pixels lie to the east and north of the middle, in arcsec."""
    rows, columns = np.indices(shape)
    sky = wcs.pixel_to_world(columns, rows)
    middle = wcs.pixel_to_world((shape[1] - 1) / 2, (shape[0] - 1) / 2)
    east, north = middle.spherical_offsets_to(sky)
    return east.to_value("arcsec"), north.to_value("arcsec")


def paint_beam(wcs, shape, major, minor, angle):
    """Return a Gaussian whose major axis points `angle` degrees from north to east."""
    east, north = offsets(wcs, shape)
    angle = np.deg2rad(angle)
    along = north * np.cos(angle) + east * np.sin(angle)
    across = east * np.cos(angle) - north * np.sin(angle)
    return np.exp(-4 * np.log(2) * ((along / major) ** 2 + (across / minor) ** 2))[
        :, :, np.newaxis
    ]


def widths_on_sky(image, wcs):
    """Return the FWHMs to the east and north and the covariance, by moments."""
    east, north = offsets(wcs, image.shape)
    total = image.sum()
    moments = [
        (image * a * b).sum() / total
        for a, b in ((east, east), (north, north), (east, north))
    ]
    return *(np.sqrt(moments[:2]) * TO_FWHM), moments[2]


class TestLists:
    """Bands on different pixels reach the worst width of all bands."""

    def cubes(self, dtype=np.float64):
        grids = [((81, 81), 0.5, 20.0, "a", 2.0), ((61, 61), 1.0, -75.0, "b", 5.0)]
        cubes = []
        for shape, size, angle, name, fwhm in grids:
            wcs = make_wcs(shape, size, angle)
            star = paint_beam(wcs, shape, fwhm, fwhm, 0).astype(dtype)
            cubes.append(Cube(star, wcs=wcs, band_names=[name], fwhm=[fwhm]))
        wcs = make_wcs((121, 91), 0.4, 140)
        stars = [paint_beam(wcs, (121, 91), fwhm, fwhm, 0) for fwhm in (2.2, 3.1)]
        stars = np.concatenate(stars, axis=2).astype(dtype)
        cubes.append(Cube(stars, wcs=wcs, band_names="cd", fwhm=[2.2, 3.1]))
        return cubes

    def test_all_reach_the_worst_width(self):
        cubes = self.cubes()
        convolver = FWHMConvolver().fit(cubes)
        results = convolver.transform(cubes)
        assert convolver.target_fwhm_ == 5
        assert convolver.n_features_in_ == 4
        assert convolver.methods_ == ["gaussian", "none", "gaussian", "gaussian"]
        assert_allclose(
            convolver.kernel_fwhm_, np.sqrt([25 - 4, 0, 25 - 2.2**2, 25 - 3.1**2])
        )
        assert_allclose(convolver.pixel_scale_[:, 0], [0.5, 1, 0.4, 0.4], rtol=1e-6)
        assert list(convolver.summary_) == list("abcd")
        assert convolver.summary_["b"] == "5 arcsec (from the cube), left as it is"
        for cube, result in zip(cubes, results, strict=True):
            assert isinstance(result, Cube)
            assert result.band_names == cube.band_names
            assert result.wcs is cube.wcs
            assert_allclose(result.fwhm, 5)
            for band in range(cube.shape[2]):
                *fwhm, _ = widths_on_sky(result.data[:, :, band], cube.wcs)
                assert_allclose(fwhm, 5, rtol=0.01)
                assert_allclose(
                    result.data[:, :, band].sum(),
                    cube.data[:, :, band].sum(),
                    rtol=1e-3,
                )
        assert results[1].data is cubes[1].data

    def test_the_same_as_each_cube_alone(self):
        cubes = self.cubes(np.float32)
        together = FWHMConvolver().fit_transform(cubes)
        for cube, result in zip(cubes, together, strict=True):
            alone = FWHMConvolver(target_fwhm=5.0).fit_transform(cube)
            assert_array_equal(result.data, alone.data)
            assert result.dtype == np.float32

    def test_tuple_and_list_of_one(self):
        cubes = self.cubes()
        assert isinstance(FWHMConvolver().fit_transform(tuple(cubes)), list)
        (result,) = FWHMConvolver(target_fwhm=6.0).fit_transform(cubes[:1])
        assert isinstance(result, Cube)

    def test_widths_by_band_name(self):
        convolver = FWHMConvolver({"c": 4.0, "a": 6 * units.arcsec}).fit(self.cubes())
        assert_array_equal(convolver.fwhm_, [6, 5, 4, 3.1])

    def test_refusals(self):
        cubes = self.cubes()
        with pytest.raises(ValueError, match=r"one for each of the 4 bands .* got 3"):
            FWHMConvolver([1, 2, 3]).fit(cubes)
        with pytest.raises(
            ValueError, match="a FWHM for 'z', but the bands are a, b, c, d"
        ):
            FWHMConvolver({"z": 1}).fit(cubes)
        with pytest.raises(ValueError, match="'b' has a FWHM of 5 arcsec and cannot"):
            FWHMConvolver(target_fwhm=4.0).fit(cubes)
        with pytest.raises(ValueError, match="bands are named 'a'"):
            FWHMConvolver().fit([cubes[0], cubes[0]])
        with pytest.raises(ValueError, match="entry 1 is a ndarray"):
            FWHMConvolver().fit([cubes[0], cubes[1].data])
        with pytest.raises(ValueError, match=r"X has 1 bands, .* fitted on 4 bands"):
            FWHMConvolver().fit(cubes).transform(cubes[:1])
        broken = cubes[1].replace(data=np.full((61, 61, 1), np.inf))
        with pytest.raises(ValueError, match="'b' holds 3721 infinite"):
            FWHMConvolver().fit([cubes[0], broken])
        blind = cubes[0].replace(wcs=None)
        with pytest.raises(ValueError, match=r"'a' has no WCS.*Pass pixel_scale"):
            FWHMConvolver().fit([blind, cubes[1]])

    def test_arrays_are_no_list_of_cubes(self):
        nested = np.ones((2, 3, 4)).tolist()
        assert len(check_cubes(nested, FWHMConvolver(), reset=True)) == 1


class TestBeams:
    """Elliptical beams become round on the sky, however the pixels lie."""

    @pytest.mark.parametrize(
        ("size", "angle", "frame"),
        [
            (0.8, 33, "RA"),
            (0.8, -25, "GAL"),  # along the pixels
            ((0.7, 1.1), 0, "RA"),
            ((0.7, 1.1), -110, "GAL"),
            ((0.7, 1.1), -25, "RA"),
        ],
    )
    def test_ellipse_becomes_round(self, size, angle, frame):
        shape = (101, 91)
        wcs = make_wcs(shape, size, angle, frame)
        beam = (7.0, 4.0, 25.0)
        cube = Cube(paint_beam(wcs, shape, *beam), wcs=wcs, band_names=["CO"])
        before = widths_on_sky(cube.data[:, :, 0], wcs)
        # Of an ellipse at 25 degrees: variances mix by sin^2 and cos^2.
        sine, cosine = np.sin(np.deg2rad(25)), np.cos(np.deg2rad(25))
        assert_allclose(before[0], np.hypot(7 * sine, 4 * cosine), rtol=1e-3)
        assert_allclose(before[1], np.hypot(7 * cosine, 4 * sine), rtol=1e-3)
        convolver = FWHMConvolver([beam], target_fwhm=9.0)
        result = convolver.fit_transform(cube)
        east, north, mixed = widths_on_sky(result.data[:, :, 0], wcs)
        assert_allclose([east, north], 9, rtol=0.01)
        assert abs(mixed) < 0.01 * (9 / TO_FWHM) ** 2
        assert_allclose(result.data.sum(), cube.data.sum(), rtol=1e-3)
        assert convolver.methods_ == ["elliptical"]
        assert convolver.fwhm_ == 7
        assert_allclose(convolver.kernel_fwhm_, np.sqrt(81 - 16))
        assert "Gaussian of 8.062 x 5.657 arcsec at 115 deg" in convolver.summary_["CO"]

    @pytest.mark.parametrize("angle", [12, -25, 65])
    def test_worst_is_the_longest_axis(self, angle):
        """The kernel then has no width along that axis, and the beam ends round."""
        shape = (101, 101)
        wcs = make_wcs(shape, 0.8, angle)
        cube = Cube(paint_beam(wcs, shape, 7, 4, 25), wcs=wcs)
        convolver = FWHMConvolver([(7, 4, 25)])
        result = convolver.fit_transform(cube)
        assert convolver.target_fwhm_ == 7
        east, north, mixed = widths_on_sky(result.data[:, :, 0], wcs)
        assert_allclose([east, north], 7, rtol=0.01)
        assert abs(mixed) < 0.01 * (7 / TO_FWHM) ** 2

    def test_strip_without_a_wcs_uses_the_fitted_directions(self):
        wcs = make_wcs((60, 50), 0.8, 30)
        cube = Cube(np.ones((60, 50, 1)), wcs=wcs)
        convolver = FWHMConvolver([(3, 2, 10)], target_fwhm=4.0).fit(cube)
        picked = cube[np.arange(0, 60, 2)]
        assert picked.wcs is None
        assert convolver.transform(picked).shape == (30, 50, 1)

    def test_without_north_an_ellipse_is_refused(self):
        with pytest.raises(ValueError, match="elliptical, but without a WCS the"):
            FWHMConvolver([(3, 2, 10)], target_fwhm=4.0, pixel_scale=1).fit(
                np.ones((9, 9, 1))
            )

    @pytest.mark.parametrize(
        ("beam", "message"),
        [
            ((2, 3, 10), "no minor axis above the major one, got 2, 3, 10"),
            ((3, 2, np.nan), "finite angle"),
            ((3, -2, 10), "positive number of arcsec, up to a full circle, got -2"),
            (1e300, "up to a full circle, got 1e[+]300"),
            ((3, 2), r"must be \(major, minor, angle\)"),
        ],
    )
    def test_impossible(self, beam, message):
        with pytest.raises(ValueError, match=message):
            FWHMConvolver([beam]).fit(Cube(np.ones((9, 9, 1)), wcs=make_wcs((9, 9), 1)))

    @pytest.mark.parametrize("target", [0, -1, np.nan, 1e300, np.inf, [1, 2]])
    def test_impossible_target(self, target):
        target = target * units.arcsec
        with pytest.raises(ValueError, match="target_fwhm must be one positive number"):
            FWHMConvolver(2, target_fwhm=target, pixel_scale=1).fit(np.ones((9, 9, 1)))

    def test_units(self):
        cube = Cube(np.ones((9, 9, 1)), wcs=make_wcs((9, 9), 1))
        beam = (0.1 * units.arcmin, 4 * units.arcsec, 0.5 * units.rad)
        assert_allclose(FWHMConvolver([beam], target_fwhm=8).fit(cube).fwhm_, 6)

    def test_covariance_of_a_beam(self):
        """To the north-east, east and north go together."""
        to_squared_fwhm = 8 * np.log(2)
        covariance = Beam(2, 1, 45).covariance() * to_squared_fwhm
        assert_allclose(covariance, [[2.5, 1.5], [1.5, 2.5]])

    @pytest.mark.parametrize("angle", [0, 45, 120])
    def test_a_beam_becomes_round_by_what_it_misses(self, angle):
        beam = Beam(2, 1, angle)
        covariance = beam.covariance() + beam.missing(3).covariance()
        assert_allclose(8 * np.log(2) * covariance, 9 * np.eye(2), atol=1e-12)

    @pytest.mark.parametrize("longitude", [0.0, 359.9999, 120.0])
    def test_directions_where_longitudes_start_again(self, longitude):
        cube = Cube(
            np.ones((9, 9, 1)), wcs=make_wcs((9, 9), (0.5, 2.0), longitude=longitude)
        )
        expected = [[-2, 0], [0, 0.5]]  # columns go to the west, rows to the north
        assert_allclose(Band(cube, 0).directions, expected, atol=1e-6)

    def test_directions_of_pixels_of_a_given_size(self):
        """The WCS tells where the pixels point, the given size how far."""
        cube = Cube(np.ones((9, 9, 1)), wcs=make_wcs((9, 9), (0.5, 2.0), 90))
        # A quarter turn: columns go to the south, rows to the west.
        assert_allclose(
            Band(cube, 0, (3.0, 7.0)).directions, [[0, -3], [-7, 0]], atol=1e-4
        )


class TestHeadersAndPixels:
    """Other ways to tell a width."""

    cube = Cube(np.ones((9, 9, 2)), wcs=make_wcs((9, 9), 0.25), band_names="ab")

    @staticmethod
    def header(**cards):
        header = Header()
        for card, value in cards.items():
            header[card] = value
        return header

    def test_beam_in_a_header(self):
        header = self.header(BMAJ=6 / 3600, BMIN=4 / 3600, BPA=30.0)
        convolver = FWHMConvolver([header, 8]).fit(self.cube)
        assert_allclose(convolver.kernel_fwhm_, [np.sqrt(64 - 16), 0])
        assert "minor axis 4 arcsec at 30 deg" in convolver.summary_["a"]

    def test_one_header_for_all(self):
        header = self.header(BMAJ=6 / 3600)
        assert_allclose(FWHMConvolver(header).fit(self.cube).fwhm_, [6, 6])

    def test_width_in_a_header(self):
        header = self.header(FWHM=(1.5, "seeing"))
        pixels = self.header(FWHM=(8.0, "[pixel] of stars"))
        assert_allclose(FWHMConvolver([header, pixels]).fit(self.cube).fwhm_, [1.5, 2])
        with pytest.raises(ValueError, match="band 'b' has neither BMAJ nor FWHM"):
            FWHMConvolver([header, self.header()]).fit(self.cube)

    def test_header_by_word_is_what_the_cube_knows(self):
        cube = self.cube.replace(fwhm=[1.0, 2.0])
        assert_array_equal(FWHMConvolver("header").fit(cube).fwhm_, [1, 2])
        assert_array_equal(FWHMConvolver(["header", 3]).fit(cube).fwhm_, [1, 3])
        with pytest.raises(ValueError, match="unknown: a, b"):
            FWHMConvolver("header").fit(self.cube)
        with pytest.raises(ValueError, match="header or stars, got 'moon'"):
            FWHMConvolver(["moon", 3]).fit(cube)

    def test_pixels_need_a_scale(self):
        widths = [4, 8] * units.pixel
        assert_allclose(FWHMConvolver(widths).fit(self.cube).fwhm_, [1, 2])
        scaled = FWHMConvolver(widths, pixel_scale=[1, 4]).fit(self.cube)
        assert_allclose(scaled.fwhm_, [8, 16])  # pixels of 4 square arcsec
        known = Cube(self.cube.data, fwhm=[1, 2])
        with pytest.raises(
            ValueError, match="'band 1' is in pixels, but nothing tells"
        ):
            FWHMConvolver(widths).fit(known)
