# SPDX-License-Identifier: BSD-3-Clause
"""read_cube(combine=...): which files are exposures of one band."""

import warnings

import numpy as np
import pytest
from astropy.io import fits
from astropy.wcs import WCS

from skesom.cube import Cube, combine_exposures
from skesom.io import read_cube, write_bands
from skesom.runs.image_source import ImageSource

SHAPE = 40, 50


def place(column=0, row=0, scale=0.5):
    """Make the WCS of a pointing at some pixel of the field."""
    wcs = WCS(naxis=2)
    wcs.wcs.ctype = "RA---TAN", "DEC--TAN"
    wcs.wcs.crval = 150, 2
    wcs.wcs.cdelt = -scale / 3600, scale / 3600
    wcs.wcs.crpix = -column, -row
    return wcs


@pytest.fixture
def write(tmp_path):
    """Write an exposure; return its path."""

    def write_one(name, band=None, column=0, *, seed=0, scale=0.5, err=False, **cards):
        image = np.random.default_rng(seed).normal(size=SHAPE).astype(np.float32) + 10
        hdus = fits.HDUList(
            [fits.PrimaryHDU(image, place(column, 0, scale).to_header())]
        )
        if band is not None:
            hdus[0].header["FILTER"] = band
        hdus[0].header.update({"TELESCOP": "HST", "INSTRUME": "WFC3"} | cards)
        if err:
            hdus.append(fits.ImageHDU(np.full(SHAPE, 2.0, np.float32), name="ERR"))
        hdus.writeto(tmp_path / name)
        return tmp_path / name

    return write_one


def read(paths, *matches, **options):
    """Read files, and expect one warning for each combination."""
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        cubes = read_cube(paths, **options)
    texts = [str(each.message) for each in caught]
    texts = [text for text in texts if "levels" not in text]
    assert len(texts) == len(matches), texts
    for text, match in zip(texts, matches, strict=True):
        assert match in text
    return cubes


@pytest.fixture
def set_of_two(write):
    """Return two exposures of each of two bands, the bands by turns."""
    return [
        write(f"{band}_{n}.fits", band, 20 * n, seed=n)
        for n in range(2)
        for band in ("F814W", "F438W")
    ]


def test_auto_combines_what_has_the_same_filter(set_of_two):
    size = "combined to one image of 40 x 70 pixels"
    cube = read(
        set_of_two,
        f"2 exposures of F814W {size}: F814W_0.fits, F814W_1.fits.",
        f"2 exposures of F438W {size}: F438W_0.fits, F438W_1.fits.",
        combine="auto",
    )
    assert cube.band_names == ("F814W", "F438W")
    alone = [read_cube(path) for path in set_of_two[::2]]
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        expected = combine_exposures(alone)
    np.testing.assert_array_equal(cube.data[:, :, 0], expected.data[:, :, 0])
    np.testing.assert_array_equal(cube.wcs.wcs.crpix, expected.wcs.wcs.crpix)


def test_by_default_images_are_only_read(set_of_two):
    cubes = read(set_of_two, "Several bands have the name")
    names = [name for cube in cubes for name in cube.band_names]
    assert names == ["F814W_0", "F438W_0", "F814W_1", "F438W_1"]


def test_order_counts_bands(set_of_two):
    two = ("2 exposures", "2 exposures")
    cube = read(set_of_two, *two, combine="auto", order="wavelength")
    assert cube.band_names == ("F438W", "F814W")
    cube = read(set_of_two, *two, combine="auto", order=[1, 0])
    assert cube.band_names == ("F438W", "F814W")
    cube = read(set_of_two, *two, combine="auto", band_names=["I", "B"])
    assert cube.band_names == ("I", "B")
    cube = read(set_of_two, *two, combine="auto", band_names=["I", "B", "I", "B"])
    assert cube.band_names == ("I", "B")
    assert len(read(set_of_two, combine="auto", band_names=list("abcd"))) == 2


def test_one_filter_in_all_files_is_combined_on_request_only(write):
    paths = [write(f"{name}.fits", "OPEN2", 20 * n) for n, name in enumerate("ab")]
    paths = [write(f"{name}.fits", "V", 20 * n) for n, name in enumerate("cd")]
    cubes = read(paths, "Several bands have the name 'V'", combine="auto")
    assert [cube.band_names for cube in cubes] == [("c",), ("d",)]
    cube = read(paths, "2 exposures of V", combine=True)
    assert (cube.band_names, cube.shape) == (("V",), (40, 70, 1))


@pytest.mark.parametrize(
    "other",
    [{"INSTRUME": "ACS"}, {"TELESCOP": "VLT"}, {"scale": 0.25}, {"band": "F555W"}],
)
def test_other_cameras_are_other_bands(write, other):
    paths = [write("1.fits", "V"), write("2.fits", **{"band": "V"} | other)]
    paths.append(write("3.fits", "B", seed=1))
    expected = [] if "band" in other else ["Several bands have the name 'V'"]
    cubes = read(paths, *expected, combine="auto")
    cubes = cubes if isinstance(cubes, list) else [cubes]
    assert sum(cube.shape[2] for cube in cubes) == 3


@pytest.mark.parametrize("card", ["INSTRUME", "TELESCOP"])
def test_a_card_may_be_missing(write, card):
    paths = [write("1.fits", "V"), write("2.fits", "V", 20, **{card: ""})]
    cubes = read([*paths, write("3.fits", "B")], "2 exposures", combine="auto")
    assert [cube.band_names for cube in cubes] == [("V",), ("B",)]


def test_files_without_filter_are_combined_by_given_names(write):
    paths = [write(f"{n}.fits", None, 20 * n) for n in range(3)]
    assert len(read(paths, combine="auto")) == 3
    names = {"band_names": ["g", "g", "r"]}
    for combine in ("auto", True):
        cubes = read(paths, "2 exposures of g", combine=combine, **names)
        assert [cube.band_names for cube in cubes] == [("g",), ("r",)]
    with pytest.raises(ValueError, match="No two images show the same band"):
        read_cube(paths, combine=True)
    with pytest.raises(ValueError, match="must be unique"):
        read_cube(paths, **names)


@pytest.mark.parametrize("combine", ["yes", None, 2])
def test_bad_values(write, combine):
    with pytest.raises(ValueError, match="combine must be True, False or 'auto'"):
        read_cube(write("a.fits"), combine=combine)


def test_chips_of_a_file_are_pieces_of_one_band(tmp_path, write):
    hdus = fits.HDUList([fits.PrimaryHDU()])
    hdus[0].header.update(FILTER="F814W", TELESCOP="HST", INSTRUME="WFC3")
    for version, row in enumerate((0, 45), 1):
        image = np.full(SHAPE, 10.0 + np.eye(*SHAPE), np.float32)
        header = place(0, row).to_header()
        hdus.append(fits.ImageHDU(image, header, name="SCI", ver=version))
    hdus.writeto(tmp_path / "chips.fits")
    paths = [tmp_path / "chips.fits", write("other.fits", "F438W")]
    cubes = read(
        paths,
        "2 exposures of F814W combined to one image of 85 x 50 pixels: chips.fits[1], ",
        combine="auto",
        hdu="all",
    )
    assert cubes[0].shape == (85, 50, 1)
    assert np.isnan(cubes[0].data[40:45]).all()
    assert np.isfinite(cubes[0].data[:40]).all()


def test_errors_and_widths_of_files(write):
    paths = [write(f"{n}.fits", "V", seed=n, err=True) for n in range(4)]
    options = {"combine": True, "errors": "auto", "fwhm": [1.0, 1.02, 1.04, 1.05]}
    cube = read(paths, "4 exposures of V", **options)
    np.testing.assert_allclose(cube.errors, 1.0, rtol=1e-6)
    assert cube.fwhm[0] == 1.05


def test_images_in_memory(write):
    image = np.random.default_rng(0).normal(size=SHAPE)
    cubes = [
        Cube(image[..., None] + n, wcs=place(), band_names=["g"]) for n in range(2)
    ]
    cube = read([*cubes, write("r.fits", "r")], "2 exposures of g", combine=True)
    assert cube.band_names == ("g", "r")
    np.testing.assert_allclose(cube.data[:, :, 0], image + 0.5, atol=1e-6)


def test_many_files_are_told_shortly(write):
    paths = [write(f"{n}.fits", "V", seed=n) for n in range(13)]
    read(paths, ": 0.fits, 1.fits, 2.fits, ", combine=True)
    read(paths, ", 8.fits, 9.fits, ..., 12.fits.", combine=True)


def test_cube_can_be_written_and_read(set_of_two, tmp_path):
    cube = read(set_of_two, "2 exp", "2 exp", combine="auto")
    back = read_cube(write_bands(tmp_path / "out", cube), combine="auto")
    np.testing.assert_array_equal(back.data, cube.data)


def test_source_reads_the_same(set_of_two):
    source = ImageSource(tuple(map(str, set_of_two)), combine="auto").by_wavelength()
    assert source.order == [1, 0]
    with pytest.warns(UserWarning, match="2 exposures"):
        cube = source.read()
    assert cube.band_names == ("F438W", "F814W")
