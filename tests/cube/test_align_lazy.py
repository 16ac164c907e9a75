# SPDX-License-Identifier: BSD-3-Clause
"""Alignment of lazy cubes: what is not computed, refused, cropped and registered.

The window in which bands are compared is made smaller from inside, so that it can be
smaller than the images of a test.
"""

import pickle
import warnings

import numpy as np
import pytest
from astropy.io import fits
from astropy.wcs import WCS
from numpy.testing import assert_array_equal
from scipy import ndimage

from skesom._sky.grids import Grid, portable_grid
from skesom.cube import Cube, CubeAligner, combine_exposures
from skesom.cube.alignment import _registration
from tests.helpers.block_sizes import cut_small
from tests.helpers.grids import make_wcs
from tests.helpers.lazy_cubes import counted, lazy, no_computing, noise_cube

SIP = 1.23456789012345e-4, -2.3e-5


@pytest.fixture
def rng(global_random_seed):
    return np.random.default_rng(global_random_seed)


@pytest.fixture(autouse=True)
def _small(monkeypatch):
    cut_small(monkeypatch)


def test_crop_needs_few_bands_only_where_they_lie(rng):
    """The rectangle that enough frames reach, against counting pixel by pixel."""
    cubes = [
        noise_cube(rng, (30, 30), 0.5, name, shift=shift)
        for name, shift in [("a", (0, 0)), ("b", (-40, 9)), ("c", (-20, -33))]
    ]
    cubes = [cube.replace(data=np.ones_like(cube.data)) for cube in cubes]  # no gaps
    wcs = make_wcs((90, 110), 0.5)
    for min_bands in (1, 2, 3):
        count = np.zeros((90, 110), dtype=int)
        for cube in cubes:
            first = wcs.wcs.crpix - cube.wcs.wcs.crpix
            left, top = np.floor(first + 0.5).astype(int)
            count[max(top, 0) : top + 31, max(left, 0) : left + 31] += 1
        seen = np.argwhere(count >= min_bands)
        aligner = CubeAligner(wcs, resample="interp", crop=True, min_bands=min_bands)
        if not len(seen):
            with pytest.raises(ValueError, match="have no pixel in common"):
                aligner.fit_transform(cubes)
            continue
        expected = np.ptp(seen, axis=0) + 1
        for images in (cubes, lazy(cubes, 20)):
            shape = aligner.fit_transform(images).shape[:2]
            assert np.all(np.abs(np.array(shape) - expected) <= 2)


def test_nothing_left_is_refused(rng):
    cubes = [
        noise_cube(rng, (40, 40), 0.5, "a"),
        noise_cube(rng, (40, 40), 0.5, "b", shift=(30.2, 0)),
    ]
    cubes[1].data[:, 10:] = np.nan
    aligner = CubeAligner("a", crop=True, resample="interp").fit(cubes)
    with pytest.raises(ValueError, match="have no pixel in common"):
        aligner.transform(lazy(cubes, 20))


def test_equal_grids_are_passed_through(rng):
    first = noise_cube(rng, (150, 130), 0.5, "ab")
    second = noise_cube(rng, (150, 130), 0.5, "c", errors=True)
    aligner = CubeAligner()
    expected = aligner.fit_transform([first, second])
    with no_computing():
        found = aligner.transform([lazy(first, 64), lazy(second, 100)])
        alone = CubeAligner().fit_transform(lazy(first, 64))
    assert_array_equal(found.data, expected.data)
    assert_array_equal(found.errors, expected.errors)
    assert_array_equal(alone.data, first.data)
    assert alone.data.chunks[0] == (64, 64, 22)


def test_an_array_stays_an_array(rng):
    array = lazy(noise_cube(rng, (60, 50), 0.5, "ab"), 20).data
    assert type(CubeAligner().fit_transform(array)) is type(array)


def test_footprint(rng):
    cubes = [
        noise_cube(rng, (150, 60), 0.5, "ab", angle=17),
        noise_cube(rng, (66, 35), 1.3, "d", shift=(1.3, -0.7)),
    ]
    aligner = CubeAligner("optimal").fit(cubes)
    with no_computing():
        found = aligner.footprint(lazy(cubes, 64))
    expected = aligner.footprint(cubes)
    assert isinstance(expected, np.ndarray)
    assert not expected.all()
    assert_array_equal(found.compute(), expected)


def test_exposures_are_combined_in_memory(rng):
    cube = noise_cube(rng, (40, 40), 0.5, "a")
    with pytest.raises(ValueError, match=r"a cube is lazy .* Cube\.compute\(\)"):
        combine_exposures([cube, lazy(cube, 20)])


class TestRegistration:
    """Shifts of lazy bands are measured in the same windows."""

    @pytest.fixture
    def bands(self, rng, monkeypatch):
        monkeypatch.setattr(_registration, "WINDOW", 90)
        image = np.zeros((160, 120))
        image[tuple(rng.integers(0, np.array(image.shape), (150, 2)).T)] = (
            rng.pareto(1.5, 150) + 1
        )
        image = ndimage.gaussian_filter(image, 1.5) * 100
        shifts = (0, 0), (2.25, -1.4), (0.4, 0.3)
        planes = [ndimage.shift(image, s, order=3, mode="nearest") for s in shifts]
        data = np.stack(planes, axis=2).astype(np.float32)
        data[:30] = np.nan
        return Cube(data, wcs=make_wcs((160, 120), 0.2), band_names=["r", "g", "u"])

    @pytest.mark.parametrize("registration", ["auto", "correct"])
    def test_moved(self, bands, registration):
        how = {"registration": registration, "resample": "interp"}
        aligner = CubeAligner("first", **how)
        known, expected = aligner, aligner.fit_transform(bands)
        # The third band is off the first one by less than is moved by default.
        most = 0.15 if registration == "correct" else 0.45
        assert np.abs(known.shifts_[1] - [2.25, -1.4]).max() < most
        again = CubeAligner("first", **how)
        found = again.fit(lazy(bands, 64))
        assert_array_equal(found.shifts_, known.shifts_)
        with no_computing():
            moved = found.transform(lazy(bands, 64))
        assert_array_equal(moved.data, expected.data)

    def test_check_on_several_grids(self, bands):
        cubes = [bands[:, :, :1], bands[20:150, 10:110, 1:]]
        aligner = CubeAligner("r", registration="check")
        with pytest.warns(UserWarning, match="seem to be shifted") as known:
            aligner.fit(cubes)
        with pytest.warns(UserWarning, match="seem to be shifted") as found:
            aligner.fit(lazy(cubes, 64))
        assert str(found[0].message) == str(known[0].message)

    def test_passes(self, bands):
        """Of bands with data in the middle, the strips there are computed once."""
        parts, computed = counted(bands, 32)
        CubeAligner("first", registration="correct").fit(parts)
        assert sum(computed) <= 5 * 32  # which 90 rows reach into


class TestGrids:
    """Grids that are pickled for other processes."""

    def header(self, **cards):
        header = fits.Header()
        header["CTYPE1"], header["CTYPE2"] = "RA---TAN", "DEC--TAN"
        header["CRVAL1"], header["CRVAL2"] = 204.25383012345678, -29.865761234567891
        header["CRPIX1"], header["CRPIX2"] = 1234.5678901234567, 987.65432109876543
        header["CD1_1"], header["CD1_2"] = -1.0510870123456789e-05, 3.2507223e-06
        header["CD2_1"], header["CD2_2"] = 3.2507223e-06, 1.0510870123456789e-05
        header.update(cards)
        return header

    def tpv(self):
        header = self.header(CTYPE1="RA---TPV", CTYPE2="DEC--TPV")
        for axis in (1, 2):
            header[f"PV{axis}_1"] = 1.0000123456789012
            header[f"PV{axis}_4"] = 1.2345678901234567e-4
        return header

    def grids(self):
        return {
            "matrix": WCS(self.header()),
            "projection": WCS(
                self.header(
                    CTYPE1="RA---ZPN", CTYPE2="DEC--ZPN", PV2_1=1.0, PV2_3=-50.12345678
                )
            ),
            "pole": WCS(self.header(LONPOLE=179.98765432109876)),
            "axes": make_wcs((300, 400), 0.0396, angle=11),
            "polynomial": make_wcs((300, 400), 0.0396, angle=11, sip=SIP),
            "hidden": WCS(self.tpv()),
        }

    @pytest.mark.parametrize(
        "kind", ["matrix", "projection", "pole", "axes", "polynomial", "hidden"]
    )
    def test_exact(self, kind, rng):
        grid = portable_grid(Grid(self.grids()[kind], (300, 400)))
        with warnings.catch_warnings(action="ignore"):
            other = pickle.loads(pickle.dumps(grid))
        places = rng.uniform(0, 300, (100, 2))
        sky = grid.wcs.all_pix2world(places, 0)
        assert other.shape == grid.shape
        assert_array_equal(other.wcs.all_pix2world(places, 0), sky)
        back = grid.wcs.all_world2pix(sky[:50], 0)
        assert_array_equal(other.wcs.all_world2pix(sky[:50], 0), back)
        # It is that of the user to a ten-millionth of a pixel.
        given = self.grids()[kind].all_pix2world(places, 0)
        np.testing.assert_allclose(given, sky, rtol=0, atol=1e-12)

    def test_of_no_wcs(self):
        grid = portable_grid(Grid(None, (3, 4)))
        assert pickle.loads(pickle.dumps(grid)) == Grid(None, (3, 4))
