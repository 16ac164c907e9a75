# SPDX-License-Identifier: BSD-3-Clause
"""Bands that share their pixels, but not the sky in them."""

import warnings

import numpy as np
import pytest
from numpy.testing import assert_allclose
from PIL import Image
from scipy import ndimage

from skesom.cube import Cube, CubeAligner
from skesom.cube.alignment import _registration
from skesom.cube.alignment._registration import find_shift, warn_of_shifts


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

    def test_chance_is_no_shift(self, rng):
        noise = rng.normal(size=(2, 200, 210))
        noise[:, :, 50:80] = np.nan
        assert find_shift(*noise) is None

    @pytest.mark.parametrize("value", [0.0, np.nan])
    def test_empty(self, rng, value):
        empty = np.full((40, 50), value)
        assert find_shift(empty, clumpy(rng, (40, 50))) is None
        assert find_shift(clumpy(rng, (40, 50)), empty) is None


class TestWarning:
    """Half a pixel is worth a warning."""

    def cube(self, rng, *shifts):
        image = clumpy(rng)
        bands = [
            ndimage.shift(image, shift, order=3, mode="nearest") for shift in shifts
        ]
        names = ["r", "g", "u"][: len(bands)]
        return Cube(
            np.stack(bands, axis=-1).astype(np.float32),
            band_names=names,
            pixel_scale=(0.2, 0.2),
        )

    def test_names_band_pixels_and_arcsec(self, rng):
        cube = self.cube(rng, (0, 0), (0, 0.2), (3, -4))
        message = (
            r"Against band 'r', .* shifted in 'u' by \+3.0 rows and -4.0 columns "
            r"\((0\.9[89]\d?|1|1\.0[12]?) arcsec\)\. Correct the WCS"
        )
        with pytest.warns(UserWarning, match=message) as caught:
            aligned = CubeAligner(registration="check").fit_transform(cube)
        assert aligned is cube
        assert "'g'" not in str(caught[0].message)
        with pytest.warns(UserWarning, match="seems to be shifted"):
            CubeAligner(registration="check").fit_transform([cube])

    def test_returns_the_shifts(self, rng):
        cube = self.cube(rng, (0.3, 0), (0, 0.2), (0, 0))
        with warnings.catch_warnings():
            warnings.simplefilter("error")
            shifts = warn_of_shifts(cube, 2)
        assert_allclose(shifts, [[0.3, 0], [0, 0.2], [0, 0]], atol=0.1)

    def test_off_by_default(self, rng):
        with warnings.catch_warnings():
            warnings.simplefilter("error")
            CubeAligner().fit_transform(self.cube(rng, (0, 0), (3, 3)))

    def test_large_images_are_judged_by_their_valid_part(self, rng, monkeypatch):
        monkeypatch.setattr(_registration, "WINDOW", 256)
        data = np.full((420, 400, 2), np.nan)
        part = self.cube(rng, (0, 0), (2, 2)).data
        data[230:390, 10:190] = part
        with pytest.warns(UserWarning, match=r"'g' by \+2.0 rows and \+2.0 columns"):
            warn_of_shifts(Cube(data, band_names=["r", "g"]), 0)

    def test_cuts_of_m83(self, shared_data):
        """The folder's notes: F225W lies 5.2 rows and 1.05 columns off F487N."""
        names = ("hbeta", "uvwide", "iband")
        bands = []
        for name in names:
            with Image.open(shared_data / "m83" / f"{name}Sample.jpg") as picture:
                bands.append(np.asarray(picture.convert("L"), dtype=np.float32))
        cube = Cube(np.stack(bands, axis=-1), band_names=names)
        with pytest.warns(UserWarning, match="'uvwide' by -5.3 rows and") as caught:
            shifts = warn_of_shifts(cube, 0)
        assert "'iband'" not in str(caught[0].message)
        assert_allclose(np.abs(shifts[1]), [5.2, 1.05], atol=0.15)
