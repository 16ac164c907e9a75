# SPDX-License-Identifier: BSD-3-Clause
"""Bands that share their pixels, but not the sky in them.

Looked at from inside are the correlation of two images, whose shift is known; the
limits of what the quarters of an image may find, which no image meets exactly; and the
WCS of a shift, which is not measured as precisely as it is taken off.
"""

import warnings

import numpy as np
import pytest
from astropy import units
from astropy.wcs.utils import pixel_to_pixel
from numpy.testing import assert_allclose, assert_array_equal
from PIL import Image
from scipy import ndimage

from skesom._sky.grids import Grid
from skesom.cube import Cube, CubeAligner
from skesom.cube.alignment import _registration
from skesom.cube.alignment._shifts import shift_cubes
from skesom.cube.alignment.correlation import find_shift
from skesom.datasets import make_galaxy_cube
from tests.helpers.grids import make_wcs


@pytest.fixture
def rng(global_random_seed):
    return np.random.default_rng(global_random_seed)


def clumpy(rng, shape=(160, 180)):
    """Make a sky of clumps on a smooth galaxy."""
    image = np.zeros(shape)
    places = rng.integers(0, np.array(shape), (120, 2))
    image[tuple(places.T)] = rng.pareto(1.5, 120) + 1
    image = ndimage.gaussian_filter(image, 1.5) * 100
    rows, columns = np.indices(shape)
    return image + 30 * np.exp(-np.hypot(rows - 80, columns - 90) / 40)


def bands_of(rng, *shifts):
    """Return a cube whose bands show one sky, shifted."""
    image = clumpy(rng)
    bands = [ndimage.shift(image, shift, order=3, mode="nearest") for shift in shifts]
    return Cube(
        np.stack(bands, axis=-1).astype(np.float32),
        band_names=["r", "g", "u"][: len(bands)],
        pixel_scale=(0.2, 0.2),
    )


class TestShift:
    """How far the sky of one band is shifted against another."""

    @pytest.mark.parametrize("shift", [(0, 0), (3, 0), (0, -4), (5.25, -1.1), (-17, 9)])
    def test_known(self, rng, shift):
        image = clumpy(rng)
        moved = ndimage.shift(image, shift, order=3, mode="nearest")
        noisy = [band + rng.normal(0, 0.5, band.shape) for band in (moved, image)]
        # What lies in the reference at (row, column) lies in the image further by it.
        assert_allclose(find_shift(*noisy), shift, atol=0.15)

    def test_other_brightness_and_sharpness(self, rng):
        """Bands differ in scale, in their smooth parts and in single clumps."""
        image = clumpy(rng)
        other = 1e-13 * ndimage.gaussian_filter(
            image * rng.uniform(0.5, 2, image.shape), 1
        )
        other += 1e-12 * np.arange(image.shape[1])
        moved = ndimage.shift(other, (2, -3), order=3, mode="nearest")
        assert_allclose(find_shift(moved.astype(np.float32), image), [2, -3], atol=0.25)

    def test_gaps_do_not_decide(self, rng):
        """The same gap in both bands is no sign that they agree."""
        image = clumpy(rng)
        moved = ndimage.shift(image, (4, 6), order=3, mode="nearest")
        for band in (image, moved):
            band[:, 60:90] = np.nan
            band[100:, :30] = np.nan
        assert_allclose(find_shift(moved, image), [4, 6], atol=0.2)

    def test_chance_is_no_shift_nor_is_nothing(self, rng):
        noise = rng.normal(size=(2, 200, 210))
        noise[:, :, 50:80] = np.nan
        assert find_shift(*noise) is None
        for value in (0.0, np.nan):
            empty = np.full((40, 50), value)
            assert find_shift(empty, clumpy(rng, (40, 50))) is None
            assert find_shift(clumpy(rng, (40, 50)), empty) is None


class TestCheck:
    """A shift above a pixel is worth a warning."""

    def test_names_band_pixels_and_arcsec(self, rng):
        cube = bands_of(rng, (0, 0), (0, 0.2), (3, -4))
        message = (
            r"Against the others, .* shifted: 'u' by \+3.0 rows and -4.0 columns "
            r"\((0\.9[89]\d?|1|1\.0[12]?) arcsec\)\. Correct the WCS"
        )
        aligner = CubeAligner(registration="check")
        with pytest.warns(UserWarning, match=message) as caught:
            aligned = aligner.fit_transform(cube)
        assert aligned is cube
        assert not aligner.shifts_.any()
        CubeAligner().fit_transform(cube)  # by default there is no check
        assert [each.filename for each in caught] == [__file__]
        assert "'g'" not in str(caught[0].message)

    def test_parts_of_a_pixel_count(self, rng):
        message = r"'g' by \+3\.[345] rows and -2\.[345] columns"
        with pytest.warns(UserWarning, match=message):
            CubeAligner(registration="check").fit(bands_of(rng, (0, 0), (3.4, -2.4)))

    @pytest.mark.parametrize(("scatter", "is_told"), [(0.6, True), (0.72, False)])
    def test_three_times_the_scatter_of_the_quarters(
        self, rng, monkeypatch, scatter, is_told
    ):
        rest = iter(scatter * np.vstack([np.eye(2), -np.eye(2)]))
        monkeypatch.setattr(_registration, "find_shift", lambda *_: next(rest))
        aligner = CubeAligner(registration="check")
        text = "seem to be shifted: 'g' by" if is_told else "quarters .* do not agree"
        with pytest.warns(UserWarning, match=text):
            aligner.fit(bands_of(rng, (0, 0), (2, 0)))
        assert aligner.registration_.startswith("shifted") == is_told

    @pytest.mark.parametrize("registration", ["auto", "check"])
    def test_small_shifts_need_no_look_at_quarters(
        self, rng, monkeypatch, registration
    ):
        monkeypatch.setattr(_registration, "find_shift", None)
        aligner = CubeAligner(registration=registration)
        aligner.fit(bands_of(rng, (0, 0), (0, 0.4), (-0.3, 0)))
        seen = "no shift above 1 pixel; 3 of 3 bands compared"
        assert aligner.registration_ == seen

    @pytest.mark.parametrize(
        ("reason", "n_bands", "places"),
        [
            ("1 band", 1, None),
            ("21 bands", 21, None),
            ("spectrum", 3, [656.0, 656.1, 656.2] * units.nm),
            ("spectrum", 3, [-50, 0, 50] * units.km / units.s),
            (None, 3, [450, 550, 800] * units.nm),
        ],
    )
    def test_not_looked_for(self, rng, reason, n_bands, places):
        """Where it would be slow, or a rotating galaxy would look shifted."""
        image = clumpy(rng)
        data = np.stack([image] * n_bands, axis=2)
        data[:, :, -1] = np.roll(image, 4, axis=0)
        aligner = CubeAligner(registration="auto")
        cube = Cube(data, band_coordinates=places)
        aligner.fit(cube)
        if reason is None:
            assert_allclose(aligner.shifts_, [[0, 0], [0, 0], [4, 0]], atol=0.05)
        else:
            assert reason in aligner.registration_
            assert not aligner.shifts_.any()

    @pytest.mark.parametrize(
        ("kind", "noise"),
        [("spiral", 8), ("edge-on", 1), ("merger", 8), ("elliptical", 1)],
    )
    def test_other_looks_are_no_shift(self, kind, noise, global_random_seed):
        how = {"kind": kind, "noise": noise, "random_state": global_random_seed}
        scene, _ = make_galaxy_cube((110, 130), **how)
        aligner = CubeAligner(registration="auto")
        assert aligner.fit_transform(scene) is scene
        assert aligner.registration_.startswith("no shift")

    def test_large_images_are_judged_by_their_valid_part(self, rng):
        """In the middle, where they are compared, less than half has data."""
        data = np.full((900, 860, 2), np.nan)
        data[560:720, 180:360] = bands_of(rng, (0, 0), (2, 2)).data
        with pytest.warns(UserWarning, match=r"'g' by \+2.0 rows and \+2.0 columns"):
            CubeAligner(registration="check").fit(Cube(data, band_names=["r", "g"]))


class TestNeighbors:
    """Each band is compared with the one that it has most in common with."""

    @pytest.fixture
    def parts(self, rng):
        """Two skies of clumps that have nothing in common."""
        return clumpy(rng), clumpy(rng)

    def test_shifts_add_up(self, rng, parts):
        """The first and last band share nothing but with the one between."""
        shifts = np.array([[0, 0], [3, -4], [5, 2]])
        images = [parts[0], parts[0] + parts[1], parts[1]]
        bands = [
            ndimage.shift(image, shift, mode="nearest")
            + rng.normal(0, 0.2, image.shape)
            for image, shift in zip(images, shifts, strict=True)
        ]
        aligner = CubeAligner(registration="auto").fit(np.stack(bands, axis=2))
        assert_allclose(aligner.shifts_, shifts, atol=0.1)
        assert aligner.registration_ == "2 of 3 bands moved; 3 of 3 bands compared"

    def test_most_bands_stay(self, rng):
        """That of the grid is the one that lies off."""
        cube = bands_of(rng, (3, -4), (0, 0), (0, 0.2))
        aligner = CubeAligner("first", registration="auto")
        aligned = aligner.fit_transform(cube)
        assert_allclose(aligner.shifts_, [[3, -4], [0, 0], [0, 0]], atol=0.1)
        assert_array_equal(aligned.data[:, :, 1:], cube.data[:, :, 1:])

    def test_small_steps_from_band_to_band_are_no_shift(self, rng):
        """Each fits its neighbor, though the last is 1.8 pixels from the first."""
        image = clumpy(rng)
        steps = 0.6 * np.arange(4)
        bands = [ndimage.shift(image, (step, 0), mode="nearest") for step in steps]
        cube = Cube(np.stack(bands, axis=2).astype(np.float32))
        aligner = CubeAligner(registration="auto")
        assert aligner.fit_transform(cube) is cube
        assert not aligner.shifts_.any()
        # Who asks for it gets the places that were measured.
        asked = CubeAligner(registration="correct").fit(cube)
        shifts = asked.shifts_[:, 0] - asked.shifts_[0, 0]
        assert_allclose(shifts, steps, atol=0.1)

    def test_loops_must_close(self, parts):
        """One band says that another lies off, the third says otherwise."""
        first, second = parts
        moved = ndimage.shift(first, (4, 0)) + 0.8 * ndimage.shift(second, (-4, 3))
        common = clumpy(np.random.default_rng(1))
        cube = np.stack([first + common, second + common, moved], axis=2)
        aligner = CubeAligner(registration="auto")
        with pytest.warns(UserWarning, match=r"'band 3' .*other bands do not agree"):
            assert aligner.fit_transform(cube) is cube

    def test_what_shows_other_things_is_named(self, rng):
        """Photons from elsewhere; a band of noise is told without a warning."""
        cube = bands_of(rng, (0, 0), (0, 0.2))
        rows, columns = cube.shape[:2]
        photons = rng.poisson(0.02 + clumpy(rng)[::-1] / 50).astype(np.float32)
        noise = rng.normal(size=(rows, columns)).astype(np.float32)
        data = np.dstack([cube.data, photons, noise])
        aligner = CubeAligner(registration="auto")
        with pytest.warns(UserWarning, match=r"'X' \(too little in common") as caught:
            aligner.fit(Cube(data, band_names=["r", "g", "X", "noise"]))
        assert "noise" not in str(caught[0].message)
        assert aligner.registration_ == (
            "no shift above 1 pixel; 2 of 4 bands compared (not X, noise)"
        )
        assert not aligner.shifts_.any()

    def test_bands_that_were_not_compared_have_no_word_on_shifts(self, rng):
        data = rng.normal(size=(96, 96, 3)).astype(np.float32)
        aligner = CubeAligner(registration="auto").fit(data)
        assert aligner.registration_.startswith("no bands compared")
        assert not aligner.shifts_.any()

    @pytest.mark.parametrize("registration", ["auto", "correct"])
    @pytest.mark.parametrize("noise", [0.1, 3.0])
    def test_flat_stripes_have_no_place_along_them(self, rng, registration, noise):
        """Columns are all alike, so noise alone would tell a shift along the rows."""
        image = np.zeros((128, 128))
        for row in (30, 64, 97):
            image[row : row + 4] = 40
        bands = [
            factor * image + noise * rng.normal(size=image.shape)
            for factor in (1, 1.5, 0.8)
        ]
        for data in (np.dstack(bands), np.dstack([band.T for band in bands])):
            aligner = CubeAligner(registration=registration).fit(data)
            assert np.abs(aligner.shifts_).max() < 0.5

    def test_mosaic(self, rng):
        """Bands with data in other parts are compared where these overlap."""
        data = np.stack([clumpy(rng, (300, 180))] * 3, axis=2).astype(np.float32)
        data[:, :, 1] = np.roll(data[:, :, 1], (3, -2), axis=(0, 1))
        data[:, :, 2] = np.roll(data[:, :, 2], (-5, 0), axis=(0, 1))
        data[170:, :, 0] = np.nan
        data[:130, :, 1] = np.nan
        aligner = CubeAligner(registration="auto").fit(data)
        assert_allclose(aligner.shifts_, [[0, 0], [3, -2], [-5, 0]], atol=0.1)


class TestOtherLooks:
    """What differs between bands at one place is no shift."""

    @pytest.mark.parametrize("case", ["symmetric", "slopes", "dust", "photons"])
    def test_nothing_is_moved(self, rng, case):
        rows, columns = np.indices((120, 131))
        radius = np.hypot(rows - 60, columns - 65)
        light = clumpy(rng, (120, 131))
        first, second = {
            "symmetric": (90 * np.exp(-radius / 8), 50 * np.exp(-radius / 25)),
            "slopes": (0.5 * rows, 0.3 * columns),
            "dust": (light, light * np.exp(-2 / (1 + np.exp(0.2 * (rows - 60))))),
            "photons": (light, rng.poisson(clumpy(rng, (120, 131)) / 50)),
        }[case]
        data = np.stack([first, second], axis=2)
        data += rng.normal(size=data.shape)
        aligner = CubeAligner(registration="auto")
        with warnings.catch_warnings(record=True):
            warnings.simplefilter("always")
            assert aligner.fit_transform(data) is data


class TestMoved:
    """What becomes of a band that is moved by default."""

    @pytest.mark.parametrize("angle", [0, 30])
    @pytest.mark.parametrize("shape", [(160, 180), (161, 175)])
    def test_turned_grids_of_odd_sizes(self, rng, angle, shape):
        """A wrong CRPIX is taken off, whatever the grid of the band."""
        wcs = make_wcs((160, 180), 1.0)
        turned = make_wcs(shape, 1.0, angle=angle)
        cube = bands_of(rng, (0, 0), (0, 0)).replace(wcs=wcs)
        cube = cube.replace(band_units=["K", "K"])
        other = CubeAligner(Cube(np.ones((*shape, 1)), wcs=turned))
        other = other.fit_transform(cube[:, :, 1:])
        wrong = turned.deepcopy()
        wrong.wcs.crpix = wrong.wcs.crpix + [3.4, -2.3]
        images = [cube[:, :, :1], other.replace(wcs=wrong)]
        aligner = CubeAligner("r", registration="auto").fit(images)
        x, y = pixel_to_pixel(
            turned, wcs, 90 + np.array([0, 3.4]), 80 - np.array([0, 2.3])
        )
        expected = [y[0] - y[1], x[0] - x[1]]
        assert_allclose(aligner.shifts_, [[0, 0], expected], atol=0.15)

    def test_flux_gaps_and_errors_go_with_it(self, rng):
        cube = bands_of(rng, (0, 0), (3, -4))
        data = cube.data.copy()
        data[80, 90, 1] = np.nan
        data[100:104, 50:54] = [1000, 2000]  # at one place of the detector
        errors = np.ones_like(data)
        errors[40:60, 40:60, 1] = 9
        cube = cube.replace(data=data).replace(errors=errors)
        aligner = CubeAligner(registration="auto", conserve="flux")
        aligned = aligner.fit_transform(cube)
        assert_allclose(aligner.shifts_[1], [3, -4], atol=0.05)
        assert_array_equal(aligned.data[:, :, 0], data[:, :, 0])
        assert_array_equal(aligned.errors[:, :, 0], errors[:, :, 0])
        assert np.isnan(aligned.data[77, 94, 1])
        box = np.s_[95:103, 52:60, 1]
        back = np.roll(data, (-3, 4), axis=(0, 1))
        assert_allclose(aligned.data[box].sum(), back[box].sum(), rtol=0.02)
        assert_allclose(aligned.errors[38:56, 45:63, 1], 9, rtol=0.1)

    def test_other_images_measure_their_own_shift(self, rng):
        """With a world coordinate system or without."""
        wcs, other = make_wcs((160, 180), 1.0), make_wcs((160, 180), 1.0)
        other.wcs.crval = [3, 4]
        cube = bands_of(rng, (0, 0), (3, -4)).replace(wcs=wcs)
        cube = cube.replace(band_units=["K", "K"])
        aligner = CubeAligner(registration="auto").fit(cube)
        new = bands_of(rng, (0, 0), (-2, 5))
        text = r"other images .*'g' by -2\.0 rows and \+5\.0 columns"
        for image in (new.data, new.data[:, :170], new.replace(wcs=other)):
            with pytest.warns(UserWarning, match=text):
                moved = aligner.transform(image)
            moved = np.asarray(getattr(moved, "data", moved))[10:-10, 10:150]
            rest = find_shift(moved[:, :, 1], moved[:, :, 0])
            assert_allclose(rest, 0, atol=0.1)
        right = bands_of(rng, (0, 0), (0, 0)).replace(wcs=other)
        assert aligner.transform(right) is right


class TestCorrection:
    """Shifts are measured, and taken off in one resampling."""

    def test_synthetic_galaxy(self, global_random_seed):
        """To a tenth of a pixel, for bands that differ in sharpness and colors."""
        rng = np.random.default_rng(global_random_seed)
        scene, _ = make_galaxy_cube((300, 320), random_state=global_random_seed)
        scene = scene[:, :, [0, 4, 8]]
        shifts = rng.uniform(-6, 6, (3, 2))
        shifts[1] = 0
        data = np.empty(scene.shape)
        for band in range(3):
            image = ndimage.gaussian_filter(scene.data[:, :, band].astype(float), band)
            data[:, :, band] = ndimage.shift(image, shifts[band], mode="nearest")
        cube = scene.replace(data=data)[8:-8, 8:-8]
        aligner = CubeAligner(1, registration="correct")
        result = aligner.fit_transform(cube)
        assert_allclose(aligner.shifts_, shifts, atol=0.1)
        for band in (0, 2):
            rest = find_shift(result.data[:, :, band], result.data[:, :, 1])
            assert_allclose(rest, 0, atol=0.1)

    def test_on_a_grid_of_no_band(self, rng):
        wcs = make_wcs((160, 180), 1.0)
        cube = bands_of(rng, (0, 0), (3, -4)).replace(wcs=wcs)
        cube = cube.replace(band_units=["K", "K"])
        grid = Cube(np.ones((160, 180, 1)), wcs=wcs)
        aligner = CubeAligner(grid, registration="correct").fit(cube)
        assert_allclose(aligner.shifts_, [[0, 0], [3, -4]], atol=0.1)

    def test_equal_to_a_right_wcs(self, rng):
        """A wrong CRPIX is undone: the same as if it had been right."""
        cube = bands_of(rng, (0, 0), (0, 0)).replace(band_units=["K", "K"])
        wcs, turned = (make_wcs((160, 180), 1.0, angle=angle) for angle in (0, 30))
        right = cube[:, :, :1].replace(wcs=wcs)
        other = CubeAligner(Cube(np.ones((160, 180, 1)), wcs=turned)).fit_transform(
            cube[:, :, 1:].replace(wcs=wcs)
        )
        wrong = turned.deepcopy()
        wrong.wcs.crpix = wrong.wcs.crpix + [2.4, -3.3]
        aligner = CubeAligner("r", registration="correct")
        aligner.fit([right, other.replace(wcs=wrong)])
        # A pixel of the grid is a pixel of the other image turned by 30 degrees.
        x, y = pixel_to_pixel(
            turned, wcs, 90 + np.array([0, 2.4]), 80 - np.array([0, 3.3])
        )
        assert_allclose(aligner.shifts_[1], [y[0] - y[1], x[0] - x[1]], atol=0.1)
        assert not aligner.shifts_[0].any()

    def test_other_images(self, rng):
        """Parts of the fitted image take its shift, other exposures are measured."""
        cube = bands_of(rng, (0, 0), (3, -4)).replace(band_units=["K", "K"])
        wcs = make_wcs((160, 180), 1.0)
        cube = cube.replace(wcs=wcs)
        aligner = CubeAligner(registration="correct").fit(cube)
        whole = aligner.transform(cube)
        part = aligner.transform(cube[20:60])  # too small to be measured
        assert_allclose(part.data[10:30], whole.data[30:50], rtol=1e-5)
        other = wcs.deepcopy()
        other.wcs.crval = [3, 4]
        moved = cube.data.copy()
        moved[:, :, 1] = cube.data[:, :, 0]
        right = cube.replace(data=moved, wcs=other)
        assert aligner.transform(right) is right
        # Without world coordinates, what is not larger may be a part of it.
        bare = aligner.transform(cube.data[:100])
        assert_allclose(bare[:90], whole.data[:90], rtol=1e-5)

    @pytest.mark.parametrize("case", ["noise", "far", "halves"])
    def test_uncertain_is_left(self, rng, case):
        cube = bands_of(rng, (0, 0), (-30, 9))
        data = cube.data.copy()
        if case == "noise":
            data[:, :, 1] = rng.normal(size=data.shape[:2])
        elif case == "halves":
            data[:80, :, 1] = np.roll(data[:80, :, 0], 5, axis=1)
            data[80:, :, 1] = np.roll(data[80:, :, 0], -5, axis=1)
        reason = {
            "noise": r"'g' \(nothing but noise\)",
            "far": r"'g' \(off 'r' by -30.0 rows and \+9.0 columns, but no more",
            "halves": "'g' .*(too little in common|quarters of the image do not)",
        }[case]
        cube = cube.replace(data=data)
        aligner = CubeAligner(registration="correct")
        with pytest.warns(UserWarning, match=f"unknown, .* not moved: .*{reason}"):
            result = aligner.fit_transform(cube)
        assert result is cube
        assert not aligner.shifts_.any()

    def test_faint_first_band(self, rng):
        """A band that shows nothing is not what the others are compared with."""
        data = bands_of(rng, (0, 0), (0, 0), (3, -4)).data
        data[:, :, 0] = rng.normal(size=data.shape[:2])
        cube = Cube(data, band_names=["u", "g", "r"])
        aligner = CubeAligner(registration="correct")
        with pytest.warns(UserWarning, match=r"'u' \(nothing but") as said:
            aligner.fit(cube)
        assert len(said) == 1
        gap = aligner.shifts_[2] - aligner.shifts_[1]
        assert_allclose(gap, [3, -4], atol=0.1)
        assert not aligner.shifts_[0].any()
        tiny = rng.normal(size=(6, 7, 2)).astype(np.float32)
        with pytest.warns(UserWarning, match="is unknown"):
            CubeAligner(registration="correct").fit(tiny)

    def test_footprint_is_moved(self, rng):
        cube = bands_of(rng, (0, 0), (3, -4))
        aligner = CubeAligner(registration="correct").fit(cube)
        seen = aligner.footprint(cube)
        assert seen[:, :, 0].all()
        assert_array_equal(seen, np.isfinite(aligner.transform(cube).data))
        assert_array_equal(np.flatnonzero(~seen[:, 90, 1]), [157, 158, 159])

    def test_cuts_of_m83(self, shared_data):
        """The folder's notes: F225W lies 5.2 rows and 1.05 columns off F487N."""
        names = ("hbeta", "uvwide", "iband")
        bands = []
        for name in names:
            with Image.open(shared_data / "m83" / f"{name}Sample.jpg") as picture:
                bands.append(np.asarray(picture.convert("L"), dtype=np.float32))
        cube = Cube(np.stack(bands, axis=-1)[200:, 200:], band_names=names)
        aligner = CubeAligner(registration="correct")
        result = aligner.fit_transform(cube)
        assert result.wcs is None
        assert_allclose(np.abs(aligner.shifts_[1]), [5.2, 1.05], atol=0.1)
        rest = find_shift(result.data[:, :, 1], result.data[:, :, 0])
        assert_allclose(rest, 0, atol=0.1)
        message = r"'uvwide' by -5\.[23] rows and"
        with pytest.warns(UserWarning, match=message) as caught:
            CubeAligner(registration="check").fit(cube)
        assert "'iband'" not in str(caught[0].message)


@pytest.mark.parametrize("registration", ["auto", "correct"])
@pytest.mark.parametrize("height", [100, 300])
def test_a_lone_star_is_not_moved_by_noise(height, registration):
    """Its correlation has a flat top; in this draw the highest place is 2 off."""
    rng, (rows, columns) = np.random.default_rng(35), np.indices((100, 100)) - 50
    star = height * np.exp(-(rows**2 + columns**2) / 6)
    bands = [star * scale + rng.normal(size=star.shape) for scale in (1, 1.3, 1.6)]
    aligner = CubeAligner(registration=registration)
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        aligner.fit(np.stack(bands, axis=-1))
    assert not any("seem to be shifted" in str(each.message) for each in caught)
    assert np.abs(aligner.shifts_).max() < 1


@pytest.mark.parametrize("is_bent", [False, True])
def test_a_shifted_wcs(is_bent):
    """A pixel of the grid gets what lies off it by the shift, distorted or not."""
    grid = Grid(make_wcs((40, 60), 1.0, shift=(-20, -15)), (40, 60))
    bend = (1e-3, 1e-3) if is_bent else None
    wcs = make_wcs((40, 60), 1.0, shift=(-20, -15), sip=bend)
    cube = Cube(np.zeros((40, 60, 1)), wcs=wcs)
    (moved,) = shift_cubes([cube], grid, [[2.0, -3.0]])
    off = pixel_to_pixel(grid.wcs, wcs, 30 - 3, 20 + 2)
    assert_allclose(pixel_to_pixel(grid.wcs, moved.wcs, 30, 20), off, atol=1e-3)
