# SPDX-License-Identifier: BSD-3-Clause
"""combine_exposures: images of a band become the one that a larger camera sees."""

import warnings

import numpy as np
import pytest
from astropy import units
from astropy.wcs import WCS

from skesom.cube import Cube, combine_exposures
from tests.helpers.block_sizes import set_size

SIZE = 120
SHIFTS = [(-30, -30), (30, -30.4), (-30.6, 30), (31.3, 31.7)]


@pytest.fixture(autouse=True)
def _no_other_warning():
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        yield


def wcs_of(shift=(0, 0), scale=0.5, angle=0.0):
    """Make the WCS of a pointing that is so many pixels beside the middle."""
    wcs = WCS(naxis=2)
    wcs.wcs.ctype = "RA---TAN", "DEC--TAN"
    wcs.wcs.crval = 150, 2
    wcs.wcs.crpix = (SIZE + 1) / 2 - np.array(shift)
    cos, sin = np.cos(np.radians(angle)), np.sin(np.radians(angle))
    wcs.wcs.cd = np.array([[-cos, sin], [sin, cos]]) * scale / 3600
    return wcs


def scene(wcs, shape=(SIZE, SIZE), *, fwhm=2.0, galaxy=60.0):
    """Return the surface brightness per square arcsec of a galaxy and stars."""
    rows, columns = np.indices(shape)
    place = wcs.pixel_to_world(columns, rows)
    x = (place.ra.deg - 150) * 3600 * np.cos(np.radians(2))
    y = (place.dec.deg - 2) * 3600
    light = galaxy * np.exp(-(x**2 + 2 * y**2) / (2 * 8**2))
    rng = np.random.default_rng(0)
    variance = (fwhm / 2.3548) ** 2
    for *center, flux in zip(
        *rng.uniform(-40, 40, (2, 40)), rng.pareto(1.5, 40), strict=True
    ):
        square = (x - center[0]) ** 2 + (y - center[1]) ** 2
        peak = 300 * flux / (2 * np.pi * variance)
        light += peak * np.exp(-square / (2 * variance))
    return light


def expose(
    seed=0, *, shift=(0, 0), scale=0.5, angle=0.0, level=0.0, noise=1.0, **known
):
    """Make an exposure in MJy / sr, with errors."""
    fwhm = known.pop("width", 2.0)
    wcs = wcs_of(shift, scale, angle)
    light = scene(wcs, fwhm=fwhm)
    image = light + level + noise * np.random.default_rng(seed).normal(size=light.shape)
    known = {"errors": np.full((SIZE, SIZE, 1), noise), "fwhm": [2.0]} | known
    known = {"band_names": ["g"], "band_units": ["MJy / sr"]} | known
    return Cube(image[:, :, np.newaxis], wcs=wcs, **known)


def combine(cubes, *matches, **options):
    """Combine exposures, and expect these warnings."""
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        cube = combine_exposures(cubes, **options)
    texts = [str(each.message) for each in caught]
    assert len(texts) == len(matches), texts
    for text, match in zip(texts, matches, strict=True):
        assert match in text
    return cube


def rest_of(cube):
    """Return what a combined image has more than the scene."""
    return cube.data[:, :, 0] - scene(cube.wcs, cube.shape[:2])


def test_mosaic_is_the_scene_without_seams():
    levels = [4, -7, 12, 0]
    cubes = [
        expose(seed, shift=shift, level=level)
        for seed, (shift, level) in enumerate(zip(SHIFTS, levels, strict=True))
    ]
    cube = combine(cubes, "levels of the exposures of 'g' differed by up to 19")
    assert cube.shape[0] in (181, 182)
    assert cube.shape[1] in (181, 182)
    rest = rest_of(cube) - np.mean(levels)
    # Interpolation widens the brightest stars; elsewhere there is noise only.
    dim = scene(cube.wcs, cube.shape[:2]) < 20
    corners = [np.s_[5:55, 5:55], np.s_[5:55, -55:-5], np.s_[-55:-5, 5:55]]
    parts = [*corners, np.s_[-55:-5, -55:-5], np.s_[65:115, 65:115]]

    def means(image):
        return [np.nanmean(np.where(dim, image, np.nan)[part]) for part in parts]

    np.testing.assert_allclose(means(rest), 0, atol=0.15)
    plain = combine(cubes, match_background=False)
    assert np.ptp(means(rest_of(plain))) > 10


def test_pixels_of_one_exposure_are_copied_and_the_outside_is_nan():
    cubes = [expose(0), expose(1, shift=(200, 40))]  # whole pixels, side by side
    cube = combine(cubes, match_background=False)
    assert cube.shape == (160, 320, 1)
    # A weighted mean of one value is rounded in its last bit.
    np.testing.assert_allclose(cube.data[:120, :120], cubes[0].data, rtol=1e-12)
    np.testing.assert_allclose(cube.errors[40:, 200:], cubes[1].errors, rtol=1e-12)
    assert np.isnan(cube.data[120:, :200]).all()
    assert np.isnan(cube.errors[:, 120:200]).all()
    same = cube.wcs.world_to_pixel(cubes[1].wcs.pixel_to_world(0, 0))
    np.testing.assert_allclose(same, (200, 40), atol=1e-6)


@pytest.mark.parametrize("n_exposures", [1, 2, 4, 9])
def test_noise_and_errors_fall_as_the_root_of_the_number(n_exposures):
    cube = combine([expose(seed) for seed in range(n_exposures)])
    expected = 1 / np.sqrt(n_exposures)
    np.testing.assert_allclose(cube.errors, expected, rtol=1e-6)
    assert np.std(rest_of(cube)) == pytest.approx(expected, rel=0.03)


def test_weights_are_inverse_variances():
    noise = [1.0, 3.0]
    cube = combine([expose(seed, noise=noise[seed]) for seed in range(2)])
    best = 1 / np.sqrt(1 + 1 / 9)
    np.testing.assert_allclose(cube.errors, best, rtol=1e-6)
    assert np.std(rest_of(cube)) == pytest.approx(best, rel=0.03)
    cubes = [expose(seed, noise=noise[seed], errors=None) for seed in range(2)]
    cube = combine(cubes)
    assert cube.errors is None
    assert np.std(rest_of(cube)) == pytest.approx(best, rel=0.05)


def test_errors_of_counts_do_not_bias_the_mean():
    rng = np.random.default_rng(0)
    counts = rng.poisson(20, (6, SIZE, SIZE, 1)).astype(float)
    cubes = [
        Cube(image, wcs=wcs_of(), errors=np.sqrt(np.maximum(image, 1)))
        for image in counts
    ]
    cube = combine(cubes, mask_outliers=False, match_background=False)
    assert cube.data.mean() == pytest.approx(20, rel=0.01)  # 5 % less by plain weights


@pytest.mark.parametrize("angle", [0, 30])
def test_flux_of_pixels_of_other_sizes(angle):
    # A galaxy in fluxes of pixels: those of .25 arcsec have a quarter of the flux.
    cubes = []
    for scale, turn in ((0.5, 0), (0.25, angle)):
        wcs = wcs_of(scale=scale, angle=turn)
        light = scene(wcs) * scale**2
        unit = {"band_names": ["g"], "band_units": ["uJy"], "zero_points": [23.9]}
        cubes.append(Cube(light[:, :, np.newaxis], wcs=wcs, **unit))
    both = combine(cubes, match_background=False)
    assert both.shape == (120, 120, 1)
    assert both.zero_points[0] == 23.9
    truth = scene(both.wcs) * 0.25
    np.testing.assert_allclose(both.data.sum(), truth.sum(), rtol=0.002)
    own = both.data[45:75, 45:75].sum()  # where both contribute
    np.testing.assert_allclose(own, truth[45:75, 45:75].sum(), rtol=0.005)
    # Surface brightness stays, and the zero point of fine pixels is another one.
    cubes = [
        expose(scale=scale, noise=0, errors=None, zero_points=[zero_point])
        for scale, zero_point in ((0.5, 20.0), (0.25, 20.0 + 2.5 * np.log10(4)))
    ]
    bright = combine(cubes, match_background=False)
    np.testing.assert_allclose(bright.data.sum(), scene(bright.wcs).sum(), rtol=0.002)


@pytest.mark.parametrize("unit", ["solLum / pc2", "mag(AB)", "K km / s", None])
def test_levels_stay_on_pixels_of_other_sizes(unit):
    known = {"band_names": ["g"], "band_units": [unit]}
    flat = np.ones((SIZE, SIZE, 1))
    cubes = [Cube(flat, wcs=wcs_of(scale=scale), **known) for scale in (0.5, 0.25)]
    told = ["unit of 'g' is unknown"] * (unit is None)
    cube = combine(cubes, *told, match_background=False)
    np.testing.assert_allclose(cube.data, 1, rtol=1e-6)


def test_one_scale_by_units_and_zero_points():
    first, second = expose(0), expose(1)
    other = Cube(
        second.data * 1e6,
        wcs=second.wcs,
        errors=second.errors * 1e6,
        band_units=["Jy/sr"],
    )
    cube = combine([first, other])
    assert cube.band_units == (units.Unit("MJy / sr"),)
    np.testing.assert_allclose(cube.data, combine([first, second]).data, rtol=1e-9)
    # Counts of 10 s and of 1 s, with zero points.
    counts = {"band_units": ["ct"], "zero_points": [27.5]}
    long = Cube(10 * first.data, wcs=first.wcs, **counts)
    short = Cube(second.data, wcs=second.wcs, **counts | {"zero_points": [25.0]})
    cube = combine([long, short])
    assert cube.zero_points[0] == 27.5
    assert np.nanmedian(cube.data / scene(cube.wcs)[..., None]) == pytest.approx(
        10, 0.02
    )


@pytest.mark.parametrize(
    ("cubes", "match"),
    [
        ([], "no exposures to combine"),
        ([np.zeros((9, 9, 1)), np.zeros((9, 9, 2))], "cubes of 1 and 2 bands"),
        ([np.eye(9)[..., None], np.eye(8)[..., None]], "need a WCS"),
        ([expose(), expose(band_units=["Jy"])], "MJy / sr and Jy: they cannot"),
        ([expose(), expose(band_units=[None])], "MJy / sr and no known unit"),
        ([expose(), expose(shift=(50_000, 0))], "lie so far apart"),
    ],
)
def test_what_cannot_be_combined(cubes, match):
    with pytest.raises(ValueError, match=match):
        combine_exposures(cubes)


def test_without_wcs_on_the_same_pixels():
    images = np.random.default_rng(0).normal(size=(3, 50, 50, 1)) + 5
    cube = combine([Cube(image, pixel_scale=(1, 1)) for image in images])
    np.testing.assert_allclose(cube.data, images.mean(axis=0), atol=0.05)
    assert cube.pixel_scale == (1, 1)


def test_bands_are_exposures_of_a_single_cube_and_else_combined_one_by_one():
    images = [expose(seed).data for seed in range(3)]
    one = combine(Cube(np.concatenate(images, axis=2), wcs=wcs_of()))
    assert one.shape == (SIZE, SIZE, 1)
    many = combine([Cube(image, wcs=wcs_of()) for image in images])
    np.testing.assert_array_equal(one.data, many.data)
    pairs = [np.concatenate([image, 5 * image], axis=2) for image in images]
    cube = combine([Cube(pair, wcs=wcs_of()) for pair in pairs])
    assert cube.band_names == ("band 1", "band 2")
    np.testing.assert_allclose(cube.data[:, :, 1], 5 * cube.data[:, :, 0], rtol=1e-6)


def with_rays(cube, seed):
    """Add cosmic rays; return where they are, too."""
    rng = np.random.default_rng(seed)
    data, hit = cube.data.copy(), np.zeros((SIZE, SIZE), dtype=bool)
    for row, column in rng.integers(2, SIZE - 6, (40, 2)):
        length = rng.integers(1, 5)
        data[row, column : column + length, 0] += rng.uniform(20, 400)
        hit[row, column : column + length] = True
    return cube.replace(data=data, errors=cube.errors), hit


@pytest.mark.parametrize("known", [True, False])
def test_cosmic_rays_are_left_out(known):
    cubes, hits = [], []
    for seed in range(3):
        cube = expose(seed, **({} if known else {"errors": None}))
        cube, hit = with_rays(cube, seed)
        cubes.append(cube)
        hits.append(hit)
    hit = np.any(hits, axis=0) & (np.sum(hits, axis=0) < 2)
    rest = np.abs(rest_of(combine(cubes))[hit])
    assert np.mean(rest > 5) < 0.03
    plain = rest_of(combine(cubes, mask_outliers=False))[hit]
    assert np.mean(np.abs(plain) > 5) > 0.9


def test_stars_of_another_seeing_stay():
    widths = [2.0, 2.2, 2.6]
    cubes = [expose(n, width=width, fwhm=[width]) for n, width in enumerate(widths)]
    text = "FWHM from 2 to 2.6 arcsec: the largest is kept"
    cube = combine(cubes, text, match_background=False)
    options = {"match_background": False, "mask_outliers": False}
    plain = combine(cubes, text, **options)
    assert cube.fwhm[0] == 2.6
    stars = scene(cube.wcs) > 30
    lost = 1 - cube.data[stars].sum() / plain.data[stars].sum()
    assert abs(lost) < 5e-4


def test_gaps_of_zeros_are_no_measurements_and_bad_errors_unknown():
    cubes = [expose(0, level=30), expose(1, level=30)]
    cubes[0].data[:, :40] = 0
    cube = combine(cubes, match_background=False)
    np.testing.assert_allclose(cube.data[:, :40], cubes[1].data[:, :40], rtol=1e-6)
    cubes = [expose(0), expose(1)]
    cubes[0].errors[5, 5] = np.nan
    cube = combine(cubes)
    assert np.isfinite(cube.data).all()
    assert np.argwhere(np.isnan(cube.errors[:, :, 0])).tolist() == [[5, 5]]


def test_same_result_for_any_threads_and_random_state():
    cubes = [expose(n, shift=shift, angle=n) for n, shift in enumerate(SHIFTS)]
    state = np.random.get_state()[1].copy()  # noqa: NPY002
    one, two = combine(cubes, n_jobs=1), combine(cubes, n_jobs=2)
    np.testing.assert_array_equal(one.data, two.data)
    np.testing.assert_array_equal(one.errors, two.errors)
    np.testing.assert_array_equal(np.random.get_state()[1], state)  # noqa: NPY002


def test_blocks_make_no_difference(monkeypatch):
    cubes = [with_rays(expose(seed, shift=(seed, 0)), seed)[0] for seed in range(4)]
    whole = combine(cubes)
    set_size(monkeypatch, "block", values=7 * SIZE)
    np.testing.assert_allclose(combine(cubes).data, whole.data, rtol=1e-9)
