# SPDX-License-Identifier: BSD-3-Clause
"""Bands on other grids: positions, levels, gaps, and what is refused."""

import warnings

import numpy as np
import pytest
import reproject
from astropy.coordinates import SkyCoord
from astropy.io import fits
from astropy.wcs import WCS
from numpy.testing import assert_allclose, assert_array_equal
from scipy.ndimage import map_coordinates

from skesom._sky.grids import Grid, group_by_grid, pixel_size, same_grid
from skesom.cube import Cube
from tests.helpers.block_sizes import cut_tiles
from tests.helpers.grids import CENTER, METHODS, align, make_cube, make_wcs


def paint_source(cube, position, fwhm):
    """Return the cube with a round Gaussian source (FWHM in arcsec) in each band."""
    x, y = cube.wcs.world_to_pixel(position)
    row, column = np.indices(cube.shape[:2])
    sigma = fwhm / pixel_size(cube.wcs) / 2.3548200450309493
    image = np.exp(-((column - x) ** 2 + (row - y) ** 2) / (2 * sigma**2))
    data = np.broadcast_to(image[:, :, None], cube.shape).astype(cube.dtype)
    return cube.replace(data=data)


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("frame", ["icrs", "galactic"])
def test_source_keeps_its_place_on_the_sky(method, frame):
    position = SkyCoord(CENTER.ra.deg + 0.0011, CENTER.dec.deg - 0.0007, unit="deg")
    cubes = [
        make_cube((30, 40), 1.0, "c"),
        make_cube((150, 140), 0.25, "f", angle=33.0, frame=frame),
        make_cube((70, 80), 0.45, "g", angle=-101.0, shift=(2.3, -1.7)),
    ]
    cubes = [paint_source(cube, position, fwhm=4.0) for cube in cubes]
    cube = align(cubes, resample=method)
    assert cube.shape == (30, 40, 3)
    x, y = cube.wcs.world_to_pixel(position)
    row, column = np.indices(cube.shape[:2])
    for band in range(3):
        light = np.nan_to_num(cube.data[:, :, band])
        assert abs(np.average(column, weights=light) - x) < 0.1
        assert abs(np.average(row, weights=light) - y) < 0.1


def test_interp_is_bilinear_in_pixel_coordinates():
    rng = np.random.default_rng(5)
    source = make_cube((40, 50), 0.5, "ab", angle=25.0)
    source = source.replace(data=rng.normal(size=source.shape).astype(np.float32))
    target = make_wcs((18, 12), 0.6, frame="galactic")
    cube = align(source, target)
    row, column = np.indices((18, 12))
    x, y = source.wcs.world_to_pixel(target.pixel_to_world(column, row))
    for band in range(2):
        wanted = map_coordinates(
            source.data[:, :, band].astype(float), [y, x], order=1, cval=np.nan
        )
        assert np.isfinite(wanted).all()
        assert_allclose(cube.data[:, :, band], wanted, atol=1e-5)


def covered_by(cube, target):
    """Return the pixels whose center lies on a pixel with data, for each band."""
    row, column = np.indices(target.array_shape)
    x, y = cube.wcs.world_to_pixel(target.pixel_to_world(column, row))
    n_rows, n_columns = cube.shape[:2]
    inside = (abs(x - (n_columns - 1) / 2) < n_columns / 2) & (
        abs(y - (n_rows - 1) / 2) < n_rows / 2
    )
    x, y = (np.rint(np.where(inside, place, 0)).astype(int) for place in (x, y))
    return np.isfinite(cube.data[y, x]) & inside[:, :, np.newaxis]


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize(
    ("size", "angle"), [(0.2, 20.0), (0.5, 0.0), (0.5, 27.0), (0.9, -40.0)]
)
def test_every_covered_pixel_is_there(method, size, angle):
    """Of pixels less than twice as wide, just the covered ones have data."""
    rng = np.random.default_rng(7)
    source = make_cube((70, 80), 0.5, "ab", value=2.5)
    source.data[20:30, 25:35] = np.nan  # in both bands
    source.data[rng.random((70, 80)) < 0.02, 1] = np.nan
    target = make_wcs((60, 64), size, angle=angle, shift=(0.37, -0.44))
    cube = align(source, target, resample=method)
    seen = np.isfinite(cube.data)
    assert_array_equal(seen, covered_by(source, target))
    assert_allclose(cube.data[seen], 2.5, rtol=1e-6)  # also at edges and gaps


@pytest.mark.parametrize("method", ["adaptive", "exact"])
def test_a_large_pixel_outlives_small_gaps(method):
    rng = np.random.default_rng(8)
    source = make_cube((120, 120), 0.25, value=2.5)
    source.data[40:80, 40:80] = np.nan
    source.data[rng.random((120, 120)) < 0.05] = np.nan
    target = make_wcs((30, 30), 1.0)
    seen = np.isfinite(align(source, target, resample=method).data)
    assert not (covered_by(source, target) & ~seen).any()
    # 4 x 4 pixels make one: all but those of the 40 x 40 gap are there.
    assert_array_equal(np.argwhere(~seen)[[0, -1], :2], [[10, 10], [19, 19]])
    assert (~seen).sum() == 100


@pytest.mark.parametrize("method", ["adaptive", "exact"])
def test_edges_keep_their_level(method):
    """What the outside lacks is no darkness: a slope goes on up to the edge."""
    source = make_cube((40, 50), 0.5, dtype=np.float64)
    source.data[:] = 100 + np.indices((40, 50))[1][:, :, np.newaxis]
    target = make_wcs((46, 56), 0.5, shift=(0.3, 0.2))
    cube = align(source, target, resample=method)
    x, _ = source.wcs.world_to_pixel(target.pixel_to_world(np.arange(56), 20))
    seen = np.isfinite(cube.data[20, :, 0])
    # Half of a kernel of a pixel is missing there.
    assert_allclose(cube.data[20, seen, 0], 100 + x[seen], atol=0.6)


@pytest.mark.parametrize("method", METHODS)
def test_equal_grids_are_copied_without_resampling(monkeypatch, method):
    def refuse(*args, **kwargs):
        raise AssertionError("resampled bands that lie on the grid already")

    monkeypatch.setattr(reproject, f"reproject_{method}", refuse)
    rng = np.random.default_rng(1)
    first = make_cube((20, 30), 0.5, "ab")
    first = first.replace(data=rng.normal(size=first.shape).astype(np.float32))
    other = make_cube((20, 30), 0.5, "c", value=7.0, shift=(4e-4, 0))
    cube = align([first, other], resample=method)
    assert_array_equal(cube.data[:, :, :2], first.data)
    assert_array_equal(cube.data[:, :, 2], 7.0)
    assert align(first, resample=method) is first


def test_bands_on_one_grid_share_one_call(monkeypatch):
    calls = []
    original = reproject.reproject_interp

    def count(data, *args, **kwargs):
        calls.append(data[0].shape)
        return original(data, *args, **kwargs)

    monkeypatch.setattr(reproject, "reproject_interp", count)
    cubes = [
        make_cube((20, 20), 0.5, "a", value=1.0),
        make_cube((10, 10), 1.0, "b", value=2.0),
        make_cube((20, 20), 0.5, "cd", value=3.0),
    ]
    cube = align(cubes)
    assert calls == [(3, 20, 20)]
    assert cube.band_names == ("a", "b", "c", "d")
    assert_allclose(cube.data[5, 5], [1.0, 2.0, 3.0, 3.0])


@pytest.mark.parametrize("method", METHODS)
def test_tiles_and_threads_do_not_change_the_result(monkeypatch, method):
    rng = np.random.default_rng(2)
    source = make_cube((60, 50), 0.5, "ab", angle=25.0)
    source = source.replace(data=rng.normal(size=source.shape).astype(np.float32))
    target = make_wcs((37, 31), 0.7)
    whole = align(source, target, resample=method)
    cut_tiles(monkeypatch, 14)
    tiles = [align(source, target, resample=method, n_jobs=n).data for n in (1, 2)]
    assert_array_equal(tiles[0], tiles[1])
    assert_allclose(tiles[0], whole.data, atol=2e-6)


@pytest.mark.parametrize("method", METHODS)
def test_precision_is_kept(method):
    single = make_cube((12, 12), 0.5, "a", dtype=np.float32)
    for dtype in (np.float32, np.float64):
        turned = make_cube((12, 12), 0.5, "b", dtype=dtype, angle=10.0)
        assert align([single, turned], "first", resample=method).dtype == dtype


def test_descriptions_follow_their_bands():
    first = make_cube((10, 10), 0.5, "a").replace(band_units=["Jy"], fwhm=[1.5])
    second = make_cube((8, 8), 0.7, "bc").replace(
        band_units=[None, "adu"], fwhm=[np.nan, 2.5]
    )
    cube = align([first, second])
    assert cube.band_names == ("a", "b", "c")
    assert [str(unit) for unit in cube.band_units] == ["Jy", "None", "adu"]
    assert_array_equal(cube.fwhm, [1.5, np.nan, 2.5])


def test_reference_can_be_named_in_every_way():
    fine, coarse = make_cube((20, 24), 0.5, "fg"), make_cube((10, 12), 1.0, "c")
    cubes = [fine, coarse]
    header = coarse.wcs.to_header()
    header["NAXIS"], header["NAXIS1"], header["NAXIS2"] = 2, 12, 10
    for reference in ("coarsest", "c", 2, np.int64(2), coarse, coarse.wcs, header):
        cube = align(cubes, reference)
        assert cube.shape == (10, 12, 3)
        assert same_grid(Grid(cube.wcs, (10, 12)), Grid(coarse.wcs, (10, 12)))
    for reference in ("first", "g", 0, 1):
        assert align(cubes, reference).shape == (20, 24, 3)


def test_coarsest_takes_the_first_of_equal_pixel_sizes():
    cubes = [
        make_cube((10, 10), 1.0, "a"),
        make_cube((14, 14), 1.0000001, "b", angle=40.0),
    ]
    assert align(cubes).shape == (10, 10, 2)


def test_coarsest_looks_at_the_sky_and_not_at_cdelt():
    # Pixels of 2 arcsec, written as CDELT = 1 deg and a tiny PC matrix.
    odd = make_wcs((10, 10), 2.0)
    odd.wcs.pc, odd.wcs.cdelt = np.diag([-2 / 3600, 2 / 3600]), [1, 1]
    assert_allclose(pixel_size(odd), 2.0)
    big = Cube(np.ones((10, 10, 1)), wcs=odd, band_names="b", band_units=["K"])
    assert align([make_cube((20, 20), 1.0, "a"), big]).shape == (10, 10, 2)


def test_distorted_wcs_is_followed():
    wcs = make_wcs((40, 40), 0.5, sip=(2e-3, 0))
    column = np.broadcast_to(
        np.arange(40.0, dtype=np.float32)[None, :, None], (40, 40, 1)
    )
    source = Cube(column, wcs=wcs, band_names="a")
    target = make_wcs((20, 20), 0.5)
    cube = align(source, target)
    x, _ = wcs.world_to_pixel(target.pixel_to_world([2.0, 17.0], [9.0, 9.0]))
    # The distortion moves these pixels by more than a tenth of a pixel.
    assert np.all(np.abs(x - [12.0, 27.0]) > 0.1)
    assert_allclose(cube.data[9, [2, 17], 0], x, atol=1e-3)


def test_interpolation_warns_of_pixels_too_large_for_the_seeing():
    fine = make_cube((40, 40), 0.25, "ab").replace(fwhm=[0.8, 3.0])
    coarse = make_cube((10, 10), 1.0, "c").replace(fwhm=[0.1])
    with pytest.warns(UserWarning, match=r"half the FWHM of 'a' \(0.8 arcsec\), so"):
        align([fine, coarse])


@pytest.mark.parametrize(
    ("fwhm", "reference", "method"),
    [
        (np.nan, "coarsest", "interp"),  # nothing known
        (2.1, "coarsest", "interp"),  # smooth enough
        (0.8, "coarsest", "adaptive"),  # averages over the pixel
        (0.8, "first", "interp"),  # the fine grid keeps the light
    ],
)
def test_no_warning_where_no_light_is_lost(fwhm, reference, method):
    fine = make_cube((40, 40), 0.25, "a").replace(fwhm=[fwhm])
    coarse = make_cube((10, 10), 1.0, "c").replace(fwhm=[0.1])
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        align([fine, coarse], reference, resample=method)


@pytest.mark.parametrize("where", ["beside", "antipode"])
def test_bands_of_another_field_are_refused(where):
    center = {
        "beside": SkyCoord(204.2683, -29.8, unit="deg"),
        "antipode": SkyCoord(24.2683, 29.8395, unit="deg"),
    }[where]
    near, far = (
        make_cube((10, 10), 1.0, "a"),
        make_cube((12, 12), 0.5, "bc", center=center),
    )
    with pytest.raises(ValueError, match="Bands 'b', 'c' and the grid of band 'a' do"):
        align([near, far])


def test_empty_band_is_no_missing_overlap():
    empty = make_cube((12, 12), 0.5, "b", value=np.nan)
    cube = align([make_cube((10, 10), 1.0, "a"), empty])
    assert np.isnan(cube.data[:, :, 1]).all()


@pytest.mark.parametrize(
    ("reference", "message"),
    [
        ("z", r"no band 'z' to align to, only \['a', 'b'\]"),
        (2, "no band number 2 to align to: the 2 bands"),
        (-1, "no band number -1"),
        (1.5, "'align_to' parameter of CubeAligner must be"),
        (None, "'align_to' parameter of CubeAligner must be"),
        (WCS(naxis=2), "no celestial WCS"),
        (fits.Header(), "no celestial WCS"),
        (Cube(np.zeros((2, 2, 1))), "no celestial WCS"),
    ],
)
def test_references_that_are_no_grid_are_refused(reference, message):
    with pytest.raises(ValueError, match=message):
        align([make_cube((4, 4), 1.0, "a"), make_cube((4, 4), 2.0, "b")], reference)


def test_reference_wcs_without_a_shape_is_refused():
    wcs = make_wcs((4, 4), 1.0)
    wcs.array_shape = None
    with pytest.raises(ValueError, match=r"set its array_shape to \(n_rows, n_col"):
        align(make_cube((4, 4), 1.0), wcs)


@pytest.mark.parametrize(
    ("cubes", "options", "message"),
    [
        ([], {}, "got an empty list"),
        ([make_cube((4, 4), 1.0, "a")] * 2, {}, "Several bands are named 'a'"),
        (
            [make_cube((4, 4), 1.0, "a"), Cube(np.zeros((4, 4, 1)), band_names="b")],
            {},
            "Band 'b' cannot be aligned without a WCS",
        ),
        (
            [make_cube((4, 4), 1.0)],
            {"resample": "cubic"},
            "'resample' parameter of CubeAligner",
        ),
    ],
)
def test_cubes_that_cannot_be_combined_are_refused(cubes, options, message):
    with pytest.raises(ValueError, match=message):
        align(cubes, **options)


@pytest.mark.parametrize(
    ("change", "wanted"),
    [
        ({}, True),
        ({"shift": (5e-4, 0)}, True),
        ({"shift": (0, 2e-3)}, False),
        ({"angle": 0.1}, False),
        ({"size": 0.5001}, False),
        ({"shape": (20, 31)}, False),
    ],
)
def test_same_grid(change, wanted):
    where = {"shape": (20, 30), "size": 0.5}
    first = Grid(make_wcs(**where), where["shape"])
    where |= change
    second = Grid(make_wcs(**where), where["shape"])
    assert same_grid(first, second) is wanted
    assert same_grid(second, first) is wanted


def test_same_grid_in_two_coordinate_systems():
    # FK5 differs from ICRS by some 20 milliarcsec: much for HST, nothing for GALEX.
    for size, wanted in ((0.04, False), (100.0, True)):
        first, second = make_wcs((20, 30), size), make_wcs((20, 30), size)
        second.wcs.radesys, second.wcs.equinox = "FK5", 2000.0
        second.wcs.set()
        assert same_grid(Grid(first, (20, 30)), Grid(second, (20, 30))) is wanted


def test_grids_without_a_wcs_are_compared_by_shape():
    known = make_wcs((4, 5), 1.0)
    assert same_grid(Grid(None, (4, 5)), Grid(None, (4, 5)))
    assert not same_grid(Grid(None, (4, 5)), Grid(None, (5, 4)))
    assert not same_grid(Grid(known, (4, 5)), Grid(None, (4, 5)))


def test_group_by_grid_keeps_the_order_of_appearance():
    a, b = Grid(make_wcs((4, 5), 1.0), (4, 5)), Grid(make_wcs((4, 5), 2.0), (4, 5))
    assert group_by_grid([b, a, b, a, a]) == [[0, 2], [1, 3, 4]]
