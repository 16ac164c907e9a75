# SPDX-License-Identifier: BSD-3-Clause
"""``skesom cluster --psf``: bands matched by measured point-spread functions."""

import shutil
from functools import partial

import numpy as np
import pytest
from astropy.io import fits

from skesom.cube import FWHMConvolver
from skesom.io import read_cube
from skesom.runs.recipes import read_recipe

pytestmark = pytest.mark.filterwarnings("default:.*other versions:UserWarning")
NAMES = ("F336W", "F657N", "F814W")


@pytest.fixture
def psfs(tmp_path):
    """Files of point-spread functions with wings, the last one of even lengths."""
    paths = []
    for name, width, size in zip(NAMES, (2.0, 3.0, 2.5), (41, 41, 40), strict=True):
        rows, columns = np.indices((size, size)) - size // 2
        star = (1 + (rows**2 + columns**2) / width**2) ** -2.5
        header = fits.Header({"PIXSCALE": 0.0396})
        paths.append(tmp_path / f"psf_{name}.fits")
        fits.writeto(paths[-1], star.astype(np.float32), header)
    return paths


@pytest.fixture
def convolved(fitted_step):
    """A function of options: the convolver, fitted, and the cube of one width."""
    return partial(fitted_step, "convolve")


class TestPsf:
    """The files belong to their bands, and the result needs them no more."""

    def test_as_in_python(self, convolved, bands, psfs):
        convolver, cube = convolved(*bands, "--psf", *psfs)
        assert convolver.methods_ == ["wiener", "none", "wiener"]
        assert "centered from row 20.00" in convolver.summary_["F814W"]
        again = FWHMConvolver(psfs=psfs)
        expected = again.fit_transform(read_cube(bands)).data
        np.testing.assert_array_equal(cube.data, expected)

    def test_order_of_the_files(self, convolved, bands, psfs):
        """The bands are sorted by wavelength, and take their functions along."""
        _, expected = convolved(*bands, "--psf", *psfs)
        places = [2, 0, 1]
        named = [f"f657={psfs[1]}", f"F814W={psfs[2]}", f"F3={psfs[0]}"]
        for given in [psfs[place] for place in places], named:
            some = [bands[place] for place in places]
            convolver, cube = convolved(*some, "--psf", *given)
            assert np.argmax(convolver.fwhm_) == 1
            np.testing.assert_array_equal(cube.data, expected.data)

    def test_files_that_have_moved(
        self, run, quick, bands, psfs, fast, repeat, labels_in, tmp_path
    ):
        first = tmp_path / "first"
        run.ok("cluster", *bands, "-o", first, *fast, "--psf", *psfs)
        for path in psfs:
            path.unlink()
        repeat(first)
        quick.ok("predict", first, *bands, "-o", tmp_path / "other")
        run.ok("explore", first)
        np.testing.assert_array_equal(labels_in(tmp_path / "other"), labels_in(first))
        told = read_recipe(first).pipeline["convolve"].psfs
        assert [path for _, _, path in told] == [str(path) for path in psfs]

    def test_a_band_of_known_width_needs_none(self, convolved, bands, psfs):
        convolver, _ = convolved(*bands, "--psf", f"F657N={psfs[1]}")
        assert np.isfinite(convolver.fwhm_).all()

    def test_a_name_may_hold_the_sign(self, convolved, bands, psfs, tmp_path):
        shutil.move(psfs[0], tmp_path / "u=1.fits")
        convolver, _ = convolved(*bands, "--psf", tmp_path / "u=1.fits", *psfs[1:])
        assert convolver.methods_ == ["wiener", "none", "wiener"]

    @pytest.mark.parametrize(
        ("given", "parts"),
        [
            (["{0}", "{1}"], ["one PSF for each of the 3 bands", "got 2"]),
            (["F={0}"], ["--psf F=", "3 of the bands F336W, F657N, F814W"]),
            (["Z={0}"], ["--psf Z=", "0 of the bands"]),
            (
                ["F336W={0}", "F33={1}"],
                ["--psf", "two PSFs for one band: F336W, F336W"],
            ),
            (["F336W={0}", "{1}"], ["must be BAND=FITS of one band", "3 of the"]),
            (["F336W={0}", "F336W={1}"], ["two PSFs for one band: F336W"]),
            (["{0}", "{1}", "none.fits"], ["none.fits", "No such file"]),
            (["{0}", "{1}", "text.fits"], ["text.fits", "FITS"]),
            (
                ["{0}", "{1}", "cube.fits"],
                ["cube.fits", "no image of two axes", "first one has 3"],
            ),
            (["{0}", "{1}", "zero.fits"], ["F814W", "zero.fits", "positive sum"]),
            (["{0}", "{1}", "nan.fits"], ["F814W", "nan.fits", "NaN"]),
        ],
    )
    def test_refused(self, refused, images, bands, psfs, tmp_path, fast, given, parts):
        (tmp_path / "text.fits").write_text("no image")
        images("cube.fits", np.ones((3, 5, 5)))
        images("zero.fits", np.zeros((5, 5)))
        images("nan.fits", np.full((5, 5), np.nan))
        psfs = [text.format(*psfs) for text in given]
        refused("cluster", *bands, *fast, "--psf", *psfs, parts=parts)


def test_stars_are_offered(convolved, tmp_path):
    """Without any width, a warning tells of the option."""
    rows, columns = np.indices((120, 130))
    for seed, (name, fwhm) in enumerate((("u", 2.5), ("r", 4.0))):
        rng = np.random.default_rng(seed)
        image = rng.normal(50, 1, rows.shape)
        for place in range(9):
            row, column = 20 + 38 * (place % 3), 20 + 40 * (place // 3)
            squares = (rows - row) ** 2 + (columns - column) ** 2
            image += 600 * np.exp(-4 * np.log(2) * squares / fwhm**2)
        fits.writeto(tmp_path / f"{name}.fits", image.astype(np.float32))
    files = tmp_path / "u.fits", tmp_path / "r.fits"
    text = "Pass fwhm in pixels .* fwhm='stars' to measure it on stars"
    with pytest.warns(UserWarning, match=f"The bands stay as sharp.*{text}"):
        convolved(*files)
    convolver, _ = convolved(*files, "--fwhm", "stars", "--pixel-scale", 0.2)
    assert convolver.target_fwhm_ == pytest.approx(0.8, rel=0.01)
    convolver, _ = convolved(*files, "--fwhm", "stars")
    assert convolver.target_fwhm_ == pytest.approx(4.0, rel=0.01)
