# SPDX-License-Identifier: BSD-3-Clause
"""Mask, convolve, align: light and places on the sky survive the whole chain."""

import warnings

import numpy as np
import pytest
from astropy.coordinates import SkyCoord
from numpy.testing import assert_allclose, assert_array_equal
from reproject import mosaicking
from sklearn.base import clone
from sklearn.pipeline import Pipeline, make_pipeline

from skesom._sky.grids import pixel_size
from skesom.cube import Cube, CubeAligner, CubeMasker, CubeTransformer, FWHMConvolver
from skesom.io import read_cube
from skesom.maps import CubeClusterer
from skesom.runs import Run
from skesom.som import ESOM
from tests.helpers.grids import CENTER, make_cube, make_wcs


def chain(**alignment):
    return make_pipeline(CubeMasker(), FWHMConvolver(), CubeAligner(**alignment))


def distances(cube, position):
    """Return how far each pixel lies from a position, in arcsec."""
    rows, columns = np.indices(cube.shape[:2])
    return cube.wcs.pixel_to_world(columns, rows).separation(position).arcsec


def with_source(cubes, position, peaks):
    """Return the cubes with a point source, as wide as each band says, on top."""
    changed = []
    for cube in cubes:
        squares = distances(cube, position) ** 2
        star = np.exp(-4 * np.log(2) * squares[:, :, np.newaxis] / cube.fwhm**2)
        star *= [peaks[name] for name in cube.band_names]
        changed.append(cube.replace(data=(cube.data + star).astype(cube.dtype)))
    return changed


def synthetic_cubes(rng):
    """Three grids, one of them turned in another frame, with noise and gaps of 0."""
    described = [
        ((90, 100), 1.0, 0.0, "icrs", {"red": 3.0}),
        ((230, 210), 0.4, 37.0, "galactic", {"green": 1.1}),
        ((180, 190), 0.5, -80.0, "icrs", {"blue": 1.2, "violet": 1.6}),
    ]
    cubes = []
    for shape, size, angle, frame, bands in described:
        where = {"angle": angle, "frame": frame, "shift": (1.3, -2.6)}
        wcs = make_wcs(shape, size, **where)
        cube = Cube(
            rng.normal(0, 0.05, (*shape, len(bands))).astype(np.float32),
            wcs=wcs,
            band_names=bands,
            band_units=["MJy / sr"] * len(bands),
            fwhm=list(bands.values()),
        )
        galaxy = 20 * np.exp(-distances(cube, CENTER) / 6)
        cube.data[:] += galaxy[:, :, np.newaxis]
        cube.data[:, 30:34] = 0
        cubes.append(cube)
    return cubes


def assert_source_stays(cubes, position, peaks, plain=None, **alignment):
    """Compare what comes out with and without a source: the rest is its image."""
    brighter = with_source(cubes, position, peaks)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        if plain is None:
            plain = chain(**alignment).fit_transform(cubes)
        image = chain(**alignment).fit_transform(brighter)
    x, y = plain.wcs.world_to_pixel(position)
    rows, columns = np.indices(plain.shape[:2])
    near = distances(plain, position) < 2 * plain.fwhm[0]
    assert near.sum() > 20
    for band, name in enumerate(plain.band_names):
        source = image.data[:, :, band].astype(float) - plain.data[:, :, band]
        assert np.isfinite(source[near]).all()
        light = source[near]
        assert_allclose(
            np.average(columns[near], weights=light), x, atol=0.1, err_msg=name
        )
        assert_allclose(
            np.average(rows[near], weights=light), y, atol=0.1, err_msg=name
        )
        # And its light: peak times area, whatever the width.
        own = {n: w for c in cubes for n, w in zip(c.band_names, c.fwhm, strict=True)}
        flux = peaks[name] * own[name] ** 2 * np.pi / (4 * np.log(2))
        light = light.sum() * pixel_size(plain.wcs) ** 2
        assert_allclose(light, flux, rtol=0.02, err_msg=name)


def light_of(cube, band, center, radius):
    """Add up the light in a circle above the sky around it."""
    image = cube.data[:, :, band].astype(float)
    distance = distances(cube, center)
    around = (distance > 1.2 * radius) & (distance < 1.8 * radius)
    inside = distance < radius
    assert np.isfinite(image[inside]).all()
    above = image[inside] - np.nanmedian(image[around])
    return above.sum() * pixel_size(cube.wcs) ** 2


def assert_light_stays(cubes, center, radius):
    """Compare the light before, after smoothing, and after aligning; return this."""
    masked = CubeMasker().fit_transform(cubes)
    smoothed = FWHMConvolver().fit_transform(masked)
    aligned = CubeAligner().fit_transform(smoothed)
    place = 0
    for before, after in zip(masked, smoothed, strict=True):
        for band in range(before.shape[2]):
            fluxes = [
                light_of(before, band, center, radius),
                light_of(after, band, center, radius),
                light_of(aligned, place, center, radius),
            ]
            place += 1
            assert 0.98 < fluxes[1] / fluxes[0] < 1.02
            assert 0.98 < fluxes[2] / fluxes[1] < 1.02
            assert 0.98 < fluxes[2] / fluxes[0] < 1.02
    return aligned


@pytest.fixture
def rng(global_random_seed):
    return np.random.default_rng(global_random_seed)


@pytest.fixture
def ngc5584(shared_data):
    names = ["GALEX_NUV", "WISE_12", "PACS_100", "SPIRE_250"]
    cubes = read_cube(
        [shared_data / "ngc5584" / f"NGC5584_{name}_crop.fits" for name in names],
        band_names=names,
        fwhm=[5.3, 6.5, 10, 18],
    )
    return [cube.replace(band_units=["MJy / sr"]) for cube in cubes]


@pytest.fixture
def threegrid(shared_data):
    names = ["GALEX_NUV", "VST_r", "VISTA_K"]
    with warnings.catch_warnings():
        # Old cards (RADECSYS) are read as they are meant.
        warnings.simplefilter("ignore")
        cubes = read_cube(
            [shared_data / "threegrid_G202627" / f"{name}.fits" for name in names],
            band_names=names,
            fwhm=[5.3, 0.7, 0.9],
        )
    return [cube.replace(band_units=["MJy / sr"]) for cube in cubes]


class TestSynthetic:
    """Turned grids that are made here."""

    @pytest.mark.parametrize(
        "to", ["optimal", pytest.param("green", marks=pytest.mark.long)]
    )
    def test_source_stays(self, rng, to):
        cubes = synthetic_cubes(rng)
        position = SkyCoord(CENTER.ra.deg + 0.0021, CENTER.dec.deg - 0.0017, unit="deg")
        peaks = dict.fromkeys(["red", "green", "blue", "violet"], 80.0)
        assert_source_stays(cubes, position, peaks, align_to=to)

    def test_light_stays(self, rng):
        cubes = synthetic_cubes(rng)
        for cube in cubes:  # no gaps in the galaxy
            cube.data[:, 30:34] = cube.data[:, 26:30]
        assert_light_stays(cubes, CENTER, 24.0)


class Halved(CubeTransformer):
    """Every other pixel, on another grid than that of the images."""

    def fit(self, X, y=None):
        return self

    def transform(self, X):
        return [cube[:120:2, :120:2] for cube in X]


class TestRuns:
    """A run finds its grid before it works on the images, and works on that."""

    def test_the_grid_is_looked_for_once(self, rng, monkeypatch):
        calls = []
        cubes = [make_cube((40, 50), 1.0), make_cube((70, 60), 0.6, "g", angle=20.0)]
        for cube in cubes:
            cube.data[:] = rng.normal(5, 1, cube.shape)
        pipeline = Pipeline(
            [
                ("align", CubeAligner("optimal")),
                ("cluster", CubeClusterer(ESOM(3, random_state=0))),
            ]
        )
        expected = clone(pipeline).fit(cubes)
        search = mosaicking.find_optimal_celestial_wcs

        def count(*args, **options):
            calls.append(args)
            return search(*args, **options)

        monkeypatch.setattr(mosaicking, "find_optimal_celestial_wcs", count)
        run = Run.fit(cubes, pipeline)
        assert len(calls) == 1
        assert_array_equal(run.label_map, expected[-1].labels_)

    def test_a_step_may_change_the_grid(self, rng):
        cubes = [make_cube((130, 140), 1.0), make_cube((125, 150), 0.8, "g")]
        for cube in cubes:
            cube.data[:] = rng.normal(5, 1, cube.shape)
        pipeline = Pipeline(
            [
                ("halve", Halved()),
                ("align", CubeAligner()),
                ("cluster", CubeClusterer(ESOM(3, random_state=0))),
            ]
        )
        run = Run.fit(cubes, pipeline)
        assert run.pipeline["align"].shape_ == (60, 60)
        assert_array_equal(run.label_map, clone(pipeline).fit(cubes)[-1].labels_)
        # A later fit of the same aligner looks for a grid again.
        assert run.pipeline["align"].fit(cubes).shape_ == (130, 140)


class TestRealImages:
    """Four grids of NGC 5584, three of a pair of galaxies."""

    def test_ngc5584(self, ngc5584):
        center = SkyCoord(215.59905, -0.38759, unit="deg")
        plain = assert_light_stays(ngc5584, center, 130.0)
        peaks = {"GALEX_NUV": 1e-4, "WISE_12": 3.0, "PACS_100": 0.03, "SPIRE_250": 1.0}
        position = SkyCoord(215.58, -0.40, unit="deg")
        assert_source_stays(ngc5584, position, peaks, plain)

    def test_threegrid(self, threegrid):
        center = threegrid[0].wcs.pixel_to_world(40.5, 40.5)
        plain = assert_light_stays(threegrid, center, 25.0)
        peaks = {"GALEX_NUV": 1.0, "VST_r": 1e-8, "VISTA_K": 1e5}
        position = threegrid[0].wcs.pixel_to_world(55.3, 30.8)
        assert_source_stays(threegrid, position, peaks, plain)
