# SPDX-License-Identifier: BSD-3-Clause
"""The synthetic galaxy: what was asked for, the same every time, and plausible."""

import numpy as np
import pytest
from astropy import constants, units
from astropy.modeling.models import BlackBody
from astropy.wcs.utils import proj_plane_pixel_scales
from scipy import ndimage
from sklearn.metrics import adjusted_rand_score, recall_score
from sklearn.mixture import GaussianMixture
from sklearn.neighbors import KNeighborsClassifier
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from skesom.cube import Cube
from skesom.datasets import POPULATIONS, make_galaxy_cube
from skesom.datasets._galaxy_light import (
    PIXEL_SCALE,
    STUDY_BANDS,
    attenuation,
    black_body,
    blur,
    light,
    select_bands,
    starlight_rate,
)
from skesom.datasets._galaxy_scene import PointSources, Scene

NAMES = [band.name for band in STUDY_BANDS]


@pytest.fixture(scope="module")
def clean():
    """Bands of a noise-free galaxy by name, and the pixels of each population."""
    cube, truth = make_galaxy_cube((300, 300), noise=0.0, random_state=0)
    bands = dict(zip(cube.band_names, np.moveaxis(cube.data, -1, 0), strict=True))
    pixels = {name: truth == number for number, name in enumerate(POPULATIONS)}
    return bands, pixels


# What comes back


@pytest.mark.parametrize(
    ("shape", "n_bands"), [((32, 32), 1), ((40, 150), 4), ((97, 61), 9), ((32, 32), 12)]
)
def test_shapes_types_and_descriptions(shape, n_bands):
    cube, truth = make_galaxy_cube(shape, n_bands, random_state=1)
    assert isinstance(cube, Cube)
    assert cube.shape == (*shape, n_bands)
    assert cube.dtype == np.float32
    assert truth.shape == shape
    assert truth.dtype == np.int32
    assert np.isfinite(cube.data).all()
    assert truth.min() >= 0
    assert truth.max() < len(POPULATIONS)
    assert len(cube.band_names) == n_bands
    assert set(cube.band_units) == {units.electron / units.s}
    assert (cube.fwhm >= 0.067).all()


def test_wcs_and_filters_are_those_of_the_study():
    cube, _ = make_galaxy_cube((33, 49), random_state=0)
    scales = proj_plane_pixel_scales(cube.wcs) * 3600
    np.testing.assert_allclose(scales, 0.0396, rtol=1e-9)
    center = cube.wcs.pixel_to_world(24, 16)
    assert center.ra.deg == pytest.approx(204.254, abs=1e-3)
    assert center.dec.deg == pytest.approx(-29.865, abs=1e-3)
    assert cube.band_names == tuple(band.name for band in STUDY_BANDS)
    assert cube.fwhm.tolist() == [band.fwhm for band in STUDY_BANDS]
    assert (np.diff([band.wavelength for band in STUDY_BANDS]) > 0).all()
    # PHOTFLAM of WFC3/UVIS (STScI, 2020): erg / s / cm2 / Angstrom per electron / s.
    angstrom = cube.band_coordinates.to_value("Angstrom")
    flux = 10 ** (-0.4 * (cube.zero_points + 48.6)) * 2.998e18 / angstrom**2
    known = dict(zip(cube.band_names, flux, strict=True))
    for name, photflam in {"F438W": 6.72e-19, "F814W": 1.4985e-19}.items():
        assert known[name] == pytest.approx(photflam, rel=0.1)


def test_few_bands_span_the_spectrum_and_many_go_into_the_infrared():
    for n_bands in range(3, 10):
        names = [band.name for band in select_bands(n_bands)]
        assert {"F336W", "F657N", "F814W"} <= set(names)
        assert names == [name for name in NAMES if name in names]
    bands = select_bands(100)
    assert len({band.name for band in bands}) == 100
    wavelengths = [band.wavelength for band in bands]
    assert (np.diff(wavelengths) > 0).all()
    assert wavelengths[-1] == pytest.approx(1700.0)


# The same every time


def test_seeds_differ_and_the_global_state_is_left_alone(global_random_seed):
    first, first_truth = make_galaxy_cube((40, 50), random_state=global_random_seed)
    state = np.random.RandomState(global_random_seed)
    second, second_truth = make_galaxy_cube((40, 50), random_state=state)
    np.testing.assert_array_equal(first.data, second.data)
    np.testing.assert_array_equal(first_truth, second_truth)
    before = np.random.get_state()[1].copy()  # noqa: NPY002
    cubes = [
        make_galaxy_cube((32, 32), 2, noise=0.0, random_state=seed)[0].data
        for seed in (0, 1, None, None)
    ]
    for number, cube in enumerate(cubes):
        for other in cubes[:number]:
            assert not np.allclose(cube, other, rtol=0.1)
    after = np.random.get_state()[1]  # noqa: NPY002
    np.testing.assert_array_equal(after, before)


@pytest.mark.parametrize("n_bands", [5, 11])
def test_shared_bands_are_the_same_for_any_number_of_bands(n_bands):
    options = {"missing": 0.2, "random_state": 3}
    nine, nine_truth = make_galaxy_cube((48, 48), **options)
    other, other_truth = make_galaxy_cube((48, 48), n_bands, **options)
    shared = [name for name in other.band_names if name in nine.band_names]
    assert len(shared) == min(n_bands, 9)
    for name in shared:
        np.testing.assert_array_equal(
            nine.data[:, :, nine.band_names.index(name)],
            other.data[:, :, other.band_names.index(name)],
        )
    both = (nine_truth >= 0) & (other_truth >= 0)
    np.testing.assert_array_equal(nine_truth[both], other_truth[both])


# The mosaic


@pytest.mark.parametrize(
    ("shape", "missing"), [((130, 130), 0.03), ((160, 90), 0.3), ((90, 160), 0.6)]
)
def test_missing_pixels_are_nan_marked_and_as_many_as_asked_for(shape, missing):
    cube, truth = make_galaxy_cube(shape, missing=missing, random_state=0)
    empty = np.isnan(cube.data)
    np.testing.assert_array_equal(empty.any(axis=2), truth == -3)
    assert np.mean(truth == -3) == pytest.approx(missing, abs=0.01)
    assert empty.all(axis=2).any()
    assert len({band.tobytes() for band in np.moveaxis(empty, -1, 0)}) == 9


def test_a_gap_cuts_the_mosaic_and_its_borders_are_noisier():
    options = {"n_bands": 1, "missing": 0.3, "random_state": 0}
    noisy, _ = make_galaxy_cube((200, 200), **options)
    clean, _ = make_galaxy_cube((200, 200), noise=0.0, **options)
    residual = (noisy.data - clean.data)[:, :, 0] / np.sqrt(clean.data[:, :, 0])
    seen = np.isfinite(residual)
    parts, n_parts = ndimage.label(seen)
    assert n_parts == 2
    assert np.bincount(parts.ravel())[1:].min() > 0.1 * seen.size
    assert not seen[[0, 0, -1, -1], [0, -1, 0, -1]].any()
    depth = ndimage.distance_transform_edt(np.pad(seen, 1))[1:-1, 1:-1]
    border = residual[(depth > 0) & (depth < 2)].std()
    assert border > 1.3 * residual[depth > 12].std()


# Light


def test_black_body_agrees_with_an_independent_one():
    planck = BlackBody(
        6000 * units.K,
        scale=1 * units.erg / units.s / units.cm**2 / units.AA / units.sr,
    )
    wavelengths = np.array([235.9, 432.5, 802.4, 1700.0])
    expected = planck(wavelengths * units.nm) / planck(550 * units.nm)
    np.testing.assert_allclose(black_body(wavelengths, 6000.0), expected, rtol=1e-5)


def test_count_rate_of_a_star_agrees_with_a_computation_in_units():
    band = STUDY_BANDS[NAMES.index("F438W")]
    energy = constants.h * constants.c / (band.wavelength * units.nm)
    density = 3.63e-9 * 10 ** (-0.4 * 25) * units.erg / units.s / units.cm**2 / units.AA
    area = np.pi * (1.2 * units.m) ** 2
    photons = density * band.width * units.nm * area / energy
    expected = photons.to_value("1/s") * band.throughput
    expected *= black_body(band.wavelength, 9000.0)
    assert starlight_rate(9000.0, band) == pytest.approx(expected, rel=1e-3)


def test_dust_reddens():
    wavelengths = np.array([235.9, 432.5, 550.0, 802.4])
    passed = attenuation(1.0, wavelengths)
    assert (np.diff(passed) > 0).all()
    assert passed[2] == pytest.approx(np.exp(-1))
    # Total to selective extinction of the law: A(V) / (A(B) - A(V)).
    blue, visual = -np.log(attenuation(1.0, np.array([440.0, 550.0])))
    assert visual / (blue - visual) == pytest.approx(5.9, abs=0.1)


@pytest.mark.parametrize("band", STUDY_BANDS, ids=NAMES)
def test_an_isolated_star_has_the_width_of_its_band(band):
    shape = (41, 45)
    nothing = PointSources(*np.zeros((5, 0)))
    star = PointSources(*np.array([[19.3], [22.6], [50.0], [6000.0], [0.0]]))
    dark = np.zeros(shape, dtype=np.float32)
    scene = Scene({}, {}, nothing, star, dark)
    image = light(scene, band, ["stars"]).astype(np.float64)
    total = image.sum()
    assert total == pytest.approx(50.0 * starlight_rate(6000.0, band), rel=1e-4)
    for axis, center in ((0, 19.3), (1, 22.6)):
        profile = image.sum(axis=1 - axis) / total
        places = np.arange(len(profile))
        assert places @ profile == pytest.approx(center, abs=1e-3)
        width = np.sqrt((places - center) ** 2 @ profile)
        fwhm = width * 2.3548 * PIXEL_SCALE
        assert fwhm == pytest.approx(band.fwhm, rel=2e-3)


def test_blur_adds_widths_in_quadrature():
    y, x = np.mgrid[-20:21, -25:26].astype(np.float32)
    narrow = np.exp(-0.5 * (y**2 + x**2) / 2.0**2)
    sigma = 0.75
    wide = np.hypot(2.0, sigma)
    expected = (2.0 / wide) ** 2 * np.exp(-0.5 * (y**2 + x**2) / wide**2)
    np.testing.assert_allclose(blur(narrow, sigma), expected, atol=2e-6)


def test_noise_is_photon_and_readout_noise_and_scales():
    options = {"extent": 0.1, "random_state": 0}
    clean, truth = make_galaxy_cube((150, 150), noise=0.0, **options)
    sky = truth == POPULATIONS.index("sky")
    assert sky.sum() > 10000
    for factor in (0.5, 1.0, 3.0):
        noisy, same_truth = make_galaxy_cube((150, 150), noise=factor, **options)
        np.testing.assert_array_equal(truth, same_truth)
        for number, band in enumerate(STUDY_BANDS):
            rate = clean.data[:, :, number][sky].astype(np.float64)
            residual = noisy.data[:, :, number][sky] - rate
            electrons = rate.mean() * band.exposure
            expected = factor * np.sqrt(electrons + 5.4**2) / band.exposure
            assert residual.std() == pytest.approx(expected, rel=0.03)
            assert abs(residual.mean()) < 4 * expected / np.sqrt(sky.sum())


# Populations


def test_emission_lines_stand_out_in_nebulae(clean):
    bands, pixels = clean
    shares = [each.mean() for each in pixels.values()]
    assert 2e-4 < min(shares) < max(shares) < 0.6  # every population is there
    for narrow, wide, contrast in (
        ("F657N", "F814W", 3.0),
        ("F673N", "F814W", 1.3),
        ("F502N", "F438W", 1.3),
        ("F487N", "F438W", 1.3),
        ("F373N", "F438W", 1.3),
    ):
        ratio = bands[narrow] / bands[wide]
        nebula = np.median(ratio[pixels["H II region"]])
        for name in ("old disc", "bulge", "foreground star"):
            assert nebula > contrast * np.median(ratio[pixels[name]]), (narrow, name)


def test_remnants_have_strong_sulphur_for_their_hydrogen(clean):
    bands, pixels = clean

    def line(name, population):
        """Return what a narrow band has more than the disc has for its F814W."""
        ratio = bands[name] / bands["F814W"]
        return np.median(
            (ratio - np.median(ratio[pixels["old disc"]]))[pixels[population]]
        )

    remnant, nebula = (
        line("F673N", population) / line("F657N", population)
        for population in ("supernova remnant", "H II region")
    )
    assert remnant > 2 * nebula
    # Shocks have [S II] > .4 H alpha, and [N II] shares the filter of H alpha.
    assert remnant > 0.25


def test_colors_follow_age_and_dust(clean):
    bands, pixels = clean
    ultraviolet = bands["F225W"] / bands["F814W"]
    medians = {name: np.median(ultraviolet[pixels[name]]) for name in POPULATIONS}
    assert medians["young arm"] > 3 * medians["bulge"]
    assert medians["star cluster"] > 2 * medians["young arm"]
    assert medians["young arm"] > medians["old disc"] > medians["bulge"]
    blue = bands["F438W"] / bands["F814W"]
    assert np.median(blue[pixels["dust lane"]]) < np.median(blue[pixels["young arm"]])
    infrared = bands["F814W"]
    dust = np.median(infrared[pixels["dust lane"]])
    assert dust < 0.8 * np.median(infrared[pixels["young arm"]])
    assert dust < np.median(infrared[pixels["old disc"]])


def shares(**options):
    """Return the share of each population in a galaxy, by name."""
    truth = make_galaxy_cube((120, 120), 1, random_state=0, **options)[1]
    share = np.bincount(truth.ravel(), minlength=len(POPULATIONS)) / truth.size
    return dict(zip(POPULATIONS, share, strict=True))


def test_parameters_move_the_populations():
    spiral, elliptical = shares(), shares(kind="elliptical")
    assert shares(dust=3.0)["dust lane"] > 2 * spiral["dust lane"]
    assert shares(dust=0.0)["dust lane"] == 0
    assert shares(star_formation=0.2)["young arm"] < 0.7 * spiral["young arm"]
    assert shares(star_formation=0.0)["H II region"] == 0
    small, middle, large = (shares(extent=e)["sky"] for e in (0.3, 0.6, 1.5))
    assert small > max(0.5, middle)
    assert middle > large
    assert elliptical["young arm"] == 0
    assert elliptical["old disc"] > spiral["old disc"]
    assert elliptical["bulge"] > 0 < elliptical["dust lane"]
    assert shares(kind="edge-on")["sky"] > 0.3 > spiral["sky"]


def test_a_galaxy_seen_from_the_side_is_flat_and_a_merger_has_two_bulges():
    _, truth = make_galaxy_cube((150, 150), 1, kind="edge-on", random_state=0)
    places = np.argwhere(truth == POPULATIONS.index("young arm"))
    variance = np.linalg.eigvalsh(np.cov(places.T))
    assert variance[1] > 9 * variance[0]
    _, truth = make_galaxy_cube((150, 150), 1, kind="merger", random_state=0)
    bulge = truth == POPULATIONS.index("bulge")
    assert bulge[:, :75].sum() > 50 < bulge[:, 75:].sum()


def test_blur_widens_stars_and_is_told():
    sharp, blurred = (
        make_galaxy_cube((100, 100), 2, noise=0, blur=blur, random_state=0)[0]
        for blur in (1.0, 3.0)
    )
    np.testing.assert_allclose(blurred.fwhm, 3 * np.asarray(sharp.fwhm))
    more = np.asarray(sharp.fwhm) / 0.0396 * np.sqrt(8) / np.sqrt(8 * np.log(2))
    for band in range(2):
        expected = ndimage.gaussian_filter(sharp.data[:, :, band], more[band])
        inside = np.s_[20:-20, 20:-20]
        np.testing.assert_allclose(
            blurred.data[inside + (band,)], expected[inside], rtol=0.02
        )


def _features(cube):
    """Return pixels stretched by asinh in units of the noise-dominated scale."""
    table = cube.data.reshape(-1, cube.shape[2])
    faint, middle = np.percentile(table, [0.5, 50], axis=0)
    return np.arcsinh((table - faint) / (middle - faint))


def test_spectra_tell_the_populations_of_another_galaxy():
    (known, known_truth), (cube, truth) = (
        make_galaxy_cube((200, 200), noise=0.5, random_state=seed) for seed in (0, 1)
    )
    classifier = make_pipeline(StandardScaler(), KNeighborsClassifier(15))
    classifier.fit(_features(known), known_truth.ravel())
    # Some thousand pixels are enough to measure the recall.
    found = classifier.predict(_features(cube)[::7])
    recall = recall_score(truth.ravel()[::7], found, average=None)
    big = [POPULATIONS.index(name) for name in ("old disc", "bulge", "young arm")]
    assert (recall[big] > 0.7).all()
    assert recall.mean() > 0.6
    # A mixture of Gaussians recovers a part of the truth without help.
    mixture = make_pipeline(
        StandardScaler(), GaussianMixture(4, reg_covar=1e-3, random_state=0)
    )
    labels = mixture.fit_predict(_features(cube)[::7])
    assert 0.35 < adjusted_rand_score(truth.ravel()[::7], labels) < 0.95


# Bad parameters


def test_gap_value_zero_gives_exact_zeros_in_the_same_places():
    with_nan, truth = make_galaxy_cube((100, 100), missing=0.3, random_state=0)
    with_zeros, zero_truth = make_galaxy_cube(
        (100, 100), missing=0.3, gap_value=0.0, random_state=0
    )
    np.testing.assert_array_equal(np.isnan(with_nan.data), with_zeros.data == 0.0)
    np.testing.assert_array_equal(truth, zero_truth)


@pytest.mark.parametrize(
    ("parameters", "message"),
    [
        ({"shape": (31, 100)}, "shape must be at least 32 x 32"),
        ({"shape": (64,)}, "shape must be two integers"),
        ({"shape": (64.0, 64)}, "shape must be two integers"),
        ({"shape": 64}, "'shape' parameter"),
        ({"n_bands": 0}, "'n_bands' parameter"),
        ({"n_bands": 101}, "'n_bands' parameter"),
        ({"missing": 0.95}, "'missing' parameter"),
        ({"missing": -0.1}, "'missing' parameter"),
        ({"noise": -1.0}, "'noise' parameter"),
        ({"extent": 0.0}, "'extent' parameter"),
        ({"kind": "irregular"}, "'kind' parameter"),
        ({"dust": -1.0}, "'dust' parameter"),
        ({"star_formation": -1.0}, "'star_formation' parameter"),
        ({"blur": 0.0}, "'blur' parameter"),
        ({"gap_value": "nan"}, "'gap_value' parameter"),
        ({"random_state": "seed"}, "'random_state' parameter"),
    ],
)
def test_bad_parameters_are_named(parameters, message):
    with pytest.raises(ValueError, match=message):
        make_galaxy_cube(**parameters)
