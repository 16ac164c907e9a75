# SPDX-License-Identifier: BSD-3-Clause
"""Errors, masks and weights that lie beside the images, in every common dress."""

import numpy as np
import pytest
from astropy import units
from astropy.io import fits
from astropy.nddata import CCDData, InverseVariance, VarianceUncertainty
from numpy.testing import assert_allclose, assert_array_equal

from skesom.io import read_cube
from skesom.runs.image_source import ImageSource

IMAGE = np.arange(12, dtype=np.float32).reshape(3, 4) + 1
SIGMA = IMAGE[::-1] / 8  # every power of it is exact or nearly so
NAN = np.nan


@pytest.fixture
def write(tmp_path):
    """Return a function that writes (name, version, array, cards) as extensions."""

    def write_file(name, *extensions):
        hdus = [fits.PrimaryHDU()]
        for extension, version, array, *cards in extensions:
            if array is None or np.ndim(array):
                hdus.append(fits.ImageHDU(array, name=extension, ver=version))
            else:  # Hubble writes an image of one value without pixels
                hdus.append(fits.ImageHDU(name=extension, ver=version))
                hdus[-1].header["PIXVALUE"] = array
            hdus[-1].header.update(*cards)
        path = tmp_path / name
        fits.HDUList(hdus).writeto(path)
        return path

    return write_file


def errors_of(path, **options):
    """Return the errors of the only band."""
    return read_cube(path, **options).errors[:, :, 0]


# ---------------------------------------------------------------- errors


def test_nothing_beside_the_image_is_read_unless_asked(write):
    flags = np.ones((3, 4), np.int16)
    path = write("a.fits", ("SCI", 1, IMAGE), ("ERR", 1, SIGMA), ("DQ", 1, flags))
    cube = read_cube(path)
    assert cube.errors is None
    assert_array_equal(cube.data[:, :, 0], IMAGE)


@pytest.mark.parametrize(
    ("name", "values"),
    [
        ("ERR", SIGMA),
        ("SIGMA", SIGMA),
        ("rms", SIGMA),
        ("UNCERT", SIGMA),
        ("VAR", SIGMA**2),
        ("STAT", SIGMA**2),
        ("IVAR", SIGMA**-2.0),
        ("SCI_ERR", SIGMA),
        ("VAR_SCI", SIGMA**2),
    ],
)
@pytest.mark.parametrize("by_name", [False, True])
def test_kind_of_errors_by_their_name(write, name, values, by_name):
    path = write("a.fits", ("SCI", 1, IMAGE), (name, 1, values))
    errors = errors_of(path, errors=name if by_name else "auto")
    assert errors.dtype == np.float32
    assert_allclose(errors, SIGMA, rtol=1e-6)


@pytest.mark.parametrize(
    ("kind", "values"), [("std", SIGMA), ("var", SIGMA**2), ("ivar", SIGMA**-2.0)]
)
def test_kind_of_errors_by_parameter(write, kind, values):
    path = write("a.fits", ("SCI", 1, IMAGE), ("WHT", 1, values))
    errors = errors_of(path, errors="WHT", error_kind=kind)
    assert_allclose(errors, SIGMA, rtol=1e-6)


@pytest.mark.parametrize(
    ("cards", "values"),
    [
        ({"HDUCLAS2": "ERROR", "HDUCLAS3": "MSE"}, SIGMA**2),
        ({"HDUCLAS2": "ERROR", "HDUCLAS3": "INVMSE"}, SIGMA**-2.0),
        ({"BUNIT": "10**-40 erg2 s-2 cm-4 Angstrom-2"}, SIGMA**2),
        ({"BUNIT": "10**40 erg-2 s2 cm4 Angstrom2"}, SIGMA**-2.0),
        ({"BUNIT": "10**-20 erg s-1 cm-2 Angstrom-1"}, SIGMA),
    ],
)
def test_kind_of_errors_by_class_and_unit_before_the_name(write, cards, values):
    unit = {"BUNIT": "10**-20 erg s-1 cm-2 Angstrom-1"}
    path = write("a.fits", ("SCI", 1, IMAGE, unit), ("ERR", 1, values, cards))
    assert_allclose(errors_of(path, errors="inside"), SIGMA, rtol=1e-6)


def test_planes_of_a_cube_that_cards_name(write):
    """As in files of ESO, for cubes whose HDUs have names of their own."""
    cube = np.stack([IMAGE, 2 * IMAGE])
    sigma = np.stack([SIGMA, 3 * SIGMA])
    flags = np.zeros(cube.shape, np.int16)
    flags[1, 2, 3] = 1
    path = write(
        "a.fits",
        ("NOISE2", 1, sigma**2, {"HDUCLAS2": "ERROR", "HDUCLAS3": "MSE"}),
        ("BLUE", 1, cube, {"ERRDATA": "NOISE2", "QUALDATA": "BLUEBAD"}),
        ("BLUEBAD", 1, flags, {"HDUCLAS2": "QUALITY"}),
    )
    found = read_cube(path, errors="inside", masks="inside")
    expected = np.moveaxis(cube, 0, 2).copy()
    expected[2, 3, 1] = NAN
    assert_array_equal(found.data, expected)
    assert_allclose(found.errors[:2], np.moveaxis(sigma, 0, 2)[:2], rtol=1e-6)


def test_errors_that_are_not_used_are_named(write):
    path = write("a.fits", ("SCI", 1, IMAGE), ("STAT", 1, SIGMA**2))
    (line,) = ImageSource((str(path),)).lines()
    assert line.startswith("Errors: a.fits[2] (STAT) not used (")
    (line,) = ImageSource((str(path),), errors="inside").lines()
    assert line.startswith("Errors: a.fits[2] (STAT) (var) (errors=None")
    path = write("b.fits", ("SCI", 1, IMAGE), ("DQ", 1, np.ones((3, 4), np.int16)))
    assert not [*ImageSource((str(path),)).lines()]


def test_a_weight_is_no_error_until_its_kind_is_given(write):
    path = write("a.fits", ("SCI", 1, IMAGE), ("WHT", 1, SIGMA))
    with pytest.warns(UserWarning, match=r"No errors .*a\.fits\[1\].*='ivar'"):
        assert read_cube(path, errors="auto").errors is None
    with pytest.raises(ValueError, match=r"a\.fits\[2\] \(WHT\) does.*error_kind="):
        read_cube(path, errors="WHT")


def test_standard_deviations_are_preferred(write):
    wrong = SIGMA * 3
    path = write(
        "a.fits",
        ("VAR", 1, wrong),
        ("IVAR", 1, wrong),
        ("SCI", 1, IMAGE),
        ("ERR", 1, SIGMA),
    )
    assert_allclose(errors_of(path, errors="auto"), SIGMA)


def test_what_cannot_be_an_error_is_unknown(write):
    values = SIGMA.astype(np.float64)
    values[0] = [0, -1, NAN, 2]
    values[1] = [np.inf, -np.inf, 1e300, 1]
    path = write("a.fits", ("SCI", 1, IMAGE), ("ERR", 1, values))
    cube = read_cube(path, errors="auto")
    assert_array_equal(cube.errors[0, :, 0], [NAN, NAN, NAN, 2])
    assert_array_equal(cube.errors[1, :, 0], [NAN, NAN, NAN, 1])
    assert_array_equal(cube.data[:, :, 0], IMAGE)


def test_no_inverse_variance_is_no_measurement(write):
    values = np.full((3, 4), 4.0)
    values[1] = [0, 0.25, NAN, 4]
    path = write("a.fits", ("SCI", 1, IMAGE), ("IVAR", 1, values))
    cube = read_cube(path, errors="auto")
    assert_array_equal(cube.errors[1, :, 0], [NAN, 2, NAN, 0.5])
    assert_array_equal(cube.data[1, :, 0], [NAN, 6, NAN, 8])


def test_variances_below_the_range_of_single_precision(write):
    image, sigma = IMAGE.astype(float) * 1e-24, np.full((3, 4), 2e-25)
    path = write("a.fits", ("SCI", 1, image), ("VAR", 1, sigma**2))
    assert_allclose(errors_of(path, errors="auto"), 2e-25, rtol=1e-6)
    path = write("b.fits", ("SCI", 1, image), ("IVAR", 1, sigma**-2.0))
    assert_allclose(errors_of(path, errors="auto"), 2e-25, rtol=1e-6)


@pytest.mark.parametrize(
    ("name", "unit", "factor"),
    [
        ("ERR", "mJy", 1e-3),
        ("ERR", None, 1),
        ("VAR", "mJy2", 1e-3),
        ("VAR", "Jy", 1),  # a label copied from the image
        ("IVAR", "mJy-2", 1e-3),
    ],
)
def test_errors_come_in_the_unit_of_the_image(write, name, unit, factor):
    values = {"ERR": SIGMA, "VAR": SIGMA**2, "IVAR": SIGMA**-2.0}[name]
    cards = {} if unit is None else {"BUNIT": unit}
    path = write("a.fits", ("SCI", 1, IMAGE, {"BUNIT": "Jy"}), (name, 1, values, cards))
    assert_allclose(errors_of(path, errors="auto"), SIGMA * factor, rtol=1e-6)


def test_errors_of_another_unit(write):
    cards = {"BUNIT": "Jy"}, {"BUNIT": "s"}
    path = write("a.fits", ("SCI", 1, IMAGE, cards[0]), ("ERR", 1, SIGMA, cards[1]))
    with pytest.raises(ValueError, match=r"a\.fits\[2\] \(ERR\) is in s, but .* in Jy"):
        read_cube(path, errors="auto")


def test_planes_follow_the_version_of_their_image(write):
    path = write(
        "a.fits",
        ("SCI", 1, IMAGE),
        ("ERR", 1, SIGMA),
        ("SCI", 2, 2 * IMAGE),
        ("ERR", 2, 2 * SIGMA),
    )
    for errors in ("auto", "ERR", "err"):
        cube = read_cube(path, hdu="all", errors=errors, band_names=["a", "b"])
        assert_array_equal(cube.data[:, :, 1], 2 * IMAGE)
        assert_array_equal(cube.errors[:, :, 0], SIGMA)
        assert_array_equal(cube.errors[:, :, 1], 2 * SIGMA)
    cube = read_cube(f"{path}[SCI,2]", errors=("ERR", 1))
    assert_array_equal(cube.errors[:, :, 0], SIGMA)
    assert_array_equal(errors_of(path, errors=4), 2 * SIGMA)


def test_planes_follow_the_name_of_their_image(write):
    path = write(
        "a.fits",
        ("F438W", 1, IMAGE),
        ("F438W_ERR", 1, SIGMA),
        ("F814W", 1, 2 * IMAGE),
        ("ERR F814W", 1, 2 * SIGMA),
    )
    cube = read_cube(path, hdu="all", errors="auto")
    assert cube.band_names == ("F438W", "F814W")
    assert_array_equal(cube.errors, np.dstack([SIGMA, 2 * SIGMA]))


def test_errors_where_only_some_files_have_them(write):
    paths = [
        write("a.fits", ("SCI", 1, IMAGE), ("ERR", 1, SIGMA)),
        write("b.fits", ("SCI", 1, IMAGE)),
    ]
    with pytest.warns(UserWarning, match=r"No errors were found for \S+b\.fits\[1\]\."):
        errors = read_cube(paths, errors="auto").errors
    assert_array_equal(errors[:, :, 0], SIGMA)
    assert_array_equal(errors[:, :, 1], NAN)
    with pytest.raises(ValueError, match=r"b\.fits has no HDU 'ERR': its HDUs are"):
        read_cube(paths, errors="ERR")


def test_planes_in_files_of_their_own(write):
    image = write("a.fits", ("SCI", 1, IMAGE)), write("b.fits", ("SCI", 1, IMAGE))
    sigma = write("c.fits", ("", 1, SIGMA))
    both = write("d.fits", ("SCI", 1, IMAGE), ("VAR", 1, SIGMA**2))
    assert_array_equal(errors_of(image[0], errors=sigma), SIGMA)
    assert_allclose(errors_of(image[0], errors=[both]), SIGMA, rtol=1e-6)
    assert_array_equal(errors_of(image[0], errors=[f"{both}[SCI]"]), IMAGE)
    cube = read_cube(list(image), errors=[None, str(sigma)])
    assert_array_equal(cube.errors, np.dstack([np.full((3, 4), NAN), SIGMA]))
    cube = read_cube(list(image), errors=[SIGMA, SIGMA**2], error_kind="var")
    assert_allclose(cube.errors[:, :, 1], SIGMA, rtol=1e-6)


def test_errors_of_a_cube_of_bands(write):
    images = np.stack([IMAGE, 2 * IMAGE])
    path = write("a.fits", ("SCI", 1, images), ("ERR", 1, np.stack([SIGMA, IMAGE])))
    assert_array_equal(read_cube(path, errors="auto").errors, np.dstack([SIGMA, IMAGE]))
    path = write("b.fits", ("SCI", 1, images), ("ERR", 1, SIGMA))
    assert_array_equal(read_cube(path, errors="auto").errors, np.dstack([SIGMA, SIGMA]))


def test_errors_have_the_axes_of_their_image(write):
    # FITS axes: declination, band, right ascension.
    cards = {"CTYPE1": "DEC--TAN", "CTYPE3": "RA---TAN"}
    cards |= {"CDELT1": 0.1, "CDELT3": -0.1}
    data = np.arange(24.0).reshape(4, 2, 3) + 1
    path = write("a.fits", ("SCI", 1, data, cards), ("ERR", 1, data / 4))
    cube = read_cube(path, errors="auto")
    assert cube.shape == (4, 3, 2)
    assert_array_equal(cube.errors, cube.data / 4)


def test_errors_of_one_value(write):
    path = write("a.fits", ("SCI", 1, IMAGE), ("ERR", 1, 0.5), ("DQ", 1, 0))
    cube = read_cube(path, errors="auto", masks="auto")
    assert_array_equal(cube.errors, np.full((3, 4, 1), 0.5))
    assert_array_equal(cube.data[:, :, 0], IMAGE)


def test_errors_written_by_ccddata(tmp_path):
    for kind, values in ((VarianceUncertainty, SIGMA**2), (InverseVariance, SIGMA**-2)):
        ccd = CCDData(IMAGE, unit="adu", uncertainty=kind(values), mask=IMAGE == 5)
        ccd.write(tmp_path / f"{kind.__name__}.fits")
        path = tmp_path / f"{kind.__name__}.fits"
        cube = read_cube(path, errors="auto", masks="auto")
        assert cube.band_units == (units.adu,)
        assert_allclose(cube.errors[:, :, 0], SIGMA, rtol=1e-6)
        assert np.argwhere(np.isnan(cube.data)).tolist() == [[1, 0, 0]]


# ---------------------------------------------------------------- masks and weights


@pytest.mark.parametrize(
    ("name", "kind"),
    [
        *(("DQ", "u1"), ("MASK", "i2"), ("BPM", "u2"), ("quality", "i4")),
        *(("FLAGS", "u4"), ("DQ", "f4")),
    ],
)
def test_flagged_pixels_become_nan(write, name, kind):
    flags = np.zeros((3, 4), kind)
    flags[1, 2] = 1
    flags[0, 3] = 64
    path = write("a.fits", ("SCI", 1, IMAGE), (name, 1, flags))
    wanted = np.where(flags, NAN, IMAGE)
    for masks in ("auto", name, 2, [flags], flags, [f"{path}[2]"]):
        assert_array_equal(read_cube(path, masks=masks).data[:, :, 0], wanted)


@pytest.mark.parametrize(
    ("ignored", "bad"),
    [(0, [1, 4, 5, 2**31]), (4, [1, 5, 2**31]), ("1,4", [2**31]), ("~1", [1, 5])],
)
@pytest.mark.parametrize("compressed", [False, True])
def test_some_flags_may_be_ignored(tmp_path, ignored, bad, compressed):
    flags = np.array([[0, 1], [4, 5], [2**31, 0]], dtype=np.uint32)
    make = fits.CompImageHDU if compressed else fits.ImageHDU
    hdus = [fits.PrimaryHDU(np.ones((3, 2))), make(flags, name="DQ")]
    fits.HDUList(hdus).writeto(tmp_path / "a.fits")
    cube = read_cube(tmp_path / "a.fits", masks="auto", ignore_flags=ignored)
    assert sorted(flags[np.isnan(cube.data[:, :, 0])]) == bad


def test_flags_that_are_no_integers(write):
    path = write("a.fits", ("SCI", 1, IMAGE), ("DQ", 1, IMAGE / 2))
    with pytest.raises(ValueError, match=r"a\.fits\[2\] \(DQ\) .*no flags to ignore"):
        read_cube(path, masks="auto", ignore_flags=1)


@pytest.mark.parametrize("name", ["WHT", "WEIGHT", "EXP", "IVAR", "COVERAGE"])
def test_pixels_of_no_weight_become_nan(write, name):
    weights = np.full((3, 4), 0.5)
    weights[2] = [0, NAN, -1, 7]
    path = write("a.fits", ("SCI", 1, IMAGE), (name, 1, weights))
    wanted = IMAGE.copy()
    wanted[2, :3] = NAN
    for given in ("auto", name, weights):
        assert_array_equal(read_cube(path, weights=given).data[:, :, 0], wanted)


def test_a_mask_of_one_band_and_of_all(write):
    flags = np.zeros((2, 3, 4), np.uint8)
    flags[1, 0, 0] = 1
    images = np.stack([IMAGE, IMAGE])
    path = write("a.fits", ("SCI", 1, images), ("DQ", 1, flags))
    bad = np.argwhere(np.isnan(read_cube(path, masks="DQ").data)).tolist()
    assert bad == [[0, 0, 1]]
    bad = np.argwhere(np.isnan(read_cube(path, masks=[flags[1]]).data)).tolist()
    assert bad == [[0, 0, 0], [0, 0, 1]]


def test_masks_errors_and_weights_together(write):
    flags = (IMAGE == 1).astype(np.uint8)
    path = write(
        "a.fits",
        ("SCI", 1, IMAGE),
        ("ERR", 1, SIGMA),
        ("DQ", 1, flags),
        ("WHT", 1, IMAGE - 2),
    )
    cube = read_cube(path, errors="auto", masks="auto", weights="auto")
    assert_array_equal(cube.data[:, :, 0], np.where(IMAGE <= 2, NAN, IMAGE))
    assert_array_equal(cube.errors[:, :, 0], SIGMA)


# ---------------------------------------------------------------- refusals


@pytest.mark.parametrize("role", ["errors", "masks", "weights"])
def test_planes_of_another_shape(write, role):
    path = write("a.fits", ("SCI", 1, IMAGE), ("X", 1, np.ones((5, 4))))
    wanted = r"a\.fits\[2\] \(X\) has 4 x 5 pixels, but .*a\.fits\[1\] has 4 x 3"
    with pytest.raises(ValueError, match=wanted):
        read_cube(path, **{role: "X"})
    with pytest.raises(
        ValueError, match=rf"{role} of .*a\.fits\[1\] has the shape \(5, 4"
    ):
        read_cube(path, **{role: np.ones((5, 4))})


@pytest.mark.parametrize("role", ["errors", "masks", "weights"])
def test_another_number_of_planes_than_images(write, role):
    path = write("a.fits", ("SCI", 1, IMAGE))
    with pytest.raises(ValueError, match=f"{role} has 2 entries for 1 images"):
        read_cube(path, **{role: [path, None]})


def test_a_file_of_planes_must_tell_which(write):
    image = write("a.fits", ("SCI", 1, IMAGE))
    planes = write("b.fits", ("ONE", 1, SIGMA), ("TWO", 1, SIGMA))
    with pytest.raises(ValueError, match=r"b\.fits does not tell which HDU.*1 ONE"):
        read_cube(image, errors=[planes])


def test_planes_of_another_place(write, make_wcs):
    here, there = (dict(make_wcs((3, 4), ra=ra).to_header()) for ra in (204.0, 205.0))
    image = write("a.fits", ("SCI", 1, IMAGE, here))
    assert_array_equal(
        errors_of(image, errors=[write("b.fits", ("E", 1, SIGMA, here))]), SIGMA
    )
    sigma = write("c.fits", ("E", 1, SIGMA, there))
    with pytest.raises(
        ValueError, match=r"c\.fits\[1\] lies on other pixels of the sky"
    ):
        read_cube(image, errors=[sigma])


def test_an_array_has_no_hdus():
    with pytest.raises(ValueError, match=r"the array is no file.*'ERR' for errors"):
        read_cube(IMAGE, errors="ERR")
    assert read_cube(IMAGE, errors="auto").errors is None


@pytest.mark.parametrize("kind", ["sigma", 2])
def test_unknown_kind_of_errors(kind):
    with pytest.raises(ValueError, match="error_kind must be 'std'"):
        read_cube(IMAGE, error_kind=kind)
