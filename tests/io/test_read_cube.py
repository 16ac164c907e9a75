# SPDX-License-Identifier: BSD-3-Clause
"""Reading cubes: every kind of FITS image people have, and every mistake."""

import gzip

import numpy as np
import pytest
from astropy import units
from astropy.io import fits
from numpy.testing import assert_allclose, assert_array_equal

from skesom.io import read_cube


@pytest.fixture
def image():
    """Return an image of four rows and five columns that float32 holds exactly."""
    return np.arange(20, dtype=np.float32).reshape(4, 5) - 3.5


@pytest.fixture
def write(tmp_path):
    """Return a function that writes HDUs, or one image with cards, and their path."""

    def write_file(name, content, **cards):
        path = tmp_path / name
        if isinstance(content, np.ndarray):
            content = fits.PrimaryHDU(content)
            content.header.update(cards)
        fits.HDUList(content).writeto(path)
        return path

    return write_file


# ---------------------------------------------------------------- pixels


def test_one_file_per_band(write, image):
    paths = [write(f"{name}.fits", image * i) for i, name in enumerate("gri", 1)]
    cube = read_cube(paths)
    assert cube.shape == (4, 5, 3)
    assert cube.dtype == np.float32
    assert cube.dtype.isnative
    assert cube.data.flags.c_contiguous
    assert cube.band_names == ("g", "r", "i")
    assert cube.wcs is None
    for band in range(3):
        assert_array_equal(cube.data[:, :, band], image * (band + 1))


@pytest.mark.parametrize("as_type", [str, lambda path: path, lambda path: [path]])
def test_one_path_alone(write, image, as_type):
    cube = read_cube(as_type(write("r.fits", image)))
    assert_array_equal(cube.data[:, :, 0], image)


def test_bands_of_a_cube_are_moved_last(write):
    data = np.arange(60, dtype=np.float32).reshape(3, 4, 5)
    cube = read_cube(write("rgb.fits", data))
    assert cube.shape == (4, 5, 3)
    assert cube.band_names == ("rgb 1", "rgb 2", "rgb 3")
    assert_array_equal(cube.data, np.moveaxis(data, 0, -1))


def test_cubes_and_images_are_joined(write, image):
    data = np.arange(40, dtype=np.float32).reshape(2, 4, 5)
    cube = read_cube([write("a.fits", image), write("bc.fits", data)])
    assert cube.band_names == ("a", "bc 1", "bc 2")
    assert_array_equal(cube.data[:, :, 0], image)
    assert_array_equal(cube.data[:, :, 1:], np.moveaxis(data, 0, -1))


@pytest.mark.parametrize("shape", [(1, 4, 5), (1, 1, 4, 5), (2, 1, 4, 5), (1, 2, 4, 5)])
def test_axes_of_length_one_are_dropped(write, shape):
    data = np.arange(np.prod(shape), dtype=np.float32).reshape(shape)
    cube = read_cube(write("a.fits", data))
    assert_array_equal(cube.data, np.moveaxis(data.reshape(-1, 4, 5), 0, -1))


def test_sky_axes_are_found_by_their_names(write):
    # FITS axes: band, right ascension, a single frequency, declination.
    data = np.arange(40, dtype=np.float32).reshape(5, 1, 4, 2)
    cards = {"CTYPE2": "RA---TAN", "CTYPE4": "DEC--TAN", "CTYPE3": "FREQ"}
    cards |= {"CRVAL2": 10.0, "CDELT2": -0.1, "CDELT4": 0.1, "CRPIX4": 2.0}
    cube = read_cube(write("a.fits", data, **cards))
    assert_array_equal(cube.data, data[:, 0])
    assert cube.wcs.array_shape == (5, 4)
    assert_allclose(cube.wcs.pixel_to_world_values(-1, 1), (10.0, 0.0), atol=1e-9)


@pytest.mark.parametrize("kind", ["u1", "i2", "i4", "i8", "u2", "u4", "f4", "f8"])
def test_every_number_format(write, kind):
    data = np.array([[0, 1, 2], [100, 120, 7]], dtype=kind)
    cube = read_cube(write("a.fits", data))
    assert cube.dtype == np.float32
    assert_array_equal(cube.data[:, :, 0], data.astype(np.float32))


@pytest.mark.parametrize("kind", ["f4", "f8", "i4"])
def test_double_precision_on_request(write, kind):
    data = np.array([[1, 16777217], [3, 4]], dtype=kind)
    cube = read_cube(write("a.fits", data), dtype=np.float64)
    assert cube.dtype == np.float64
    assert_array_equal(cube.data[:, :, 0], data)


def test_compressed_files(write, image, tmp_path):
    plain = write("a.fits", image)
    zipped = tmp_path / "b.fits.gz"
    zipped.write_bytes(gzip.compress(plain.read_bytes()))
    tiled = fits.CompImageHDU(image, compression_type="GZIP_2", quantize_level=0)
    integers = fits.CompImageHDU(image.astype(np.int16), compression_type="RICE_1")
    paths = [
        plain,
        zipped,
        write("c.fits.fz", [fits.PrimaryHDU(), tiled]),
        write("d.fits.fz", [fits.PrimaryHDU(), integers]),
    ]
    cube = read_cube(paths)
    assert cube.band_names == ("a", "b", "c", "d")
    for band in range(3):
        assert_array_equal(cube.data[:, :, band], image)
    assert_array_equal(cube.data[:, :, 3], image.astype(np.int16))


# ---------------------------------------------------------------- choice of the HDU


@pytest.fixture
def many(write, image):
    """Return a file with weights, errors and two science images."""
    table = fits.BinTableHDU.from_columns([fits.Column("flux", "E", array=[1.0])])
    return write(
        "many.fits",
        [
            fits.PrimaryHDU(),
            fits.ImageHDU(image * 0, name="WHT"),
            fits.ImageHDU(image * 1, name="SCI", ver=1),
            fits.ImageHDU(image * 2, name="ERR", ver=1),
            fits.ImageHDU(image * 3, name="SCI", ver=2),
            table,
        ],
    )


@pytest.mark.parametrize(
    ("hdu", "factor"),
    [(None, 1), (3, 2), ("ERR", 2), ("sci", 1), (("SCI", 2), 3), ("WHT", 0)],
)
def test_hdu_by_parameter(many, image, hdu, factor):
    assert_array_equal(read_cube(many, hdu=hdu).data[:, :, 0], image * factor)


@pytest.mark.parametrize(
    ("bracket", "factor"), [("4", 3), ("ERR", 2), ("SCI,2", 3), ("SCI, 1", 1)]
)
def test_hdu_in_the_path(many, image, bracket, factor):
    cube = read_cube(f"{many}[{bracket}]", hdu="WHT")
    assert_array_equal(cube.data[:, :, 0], image * factor)


def test_brackets_in_a_file_name_are_no_hdu(write, image):
    path = write("a[2].fits", image)
    assert_array_equal(read_cube(path).data[:, :, 0], image)
    path = path.rename(path.with_name("b.fits[1]"))
    assert_array_equal(read_cube(path).data[:, :, 0], image)


def test_several_hdus_of_one_file(many, image):
    with pytest.warns(UserWarning, match="'many': .* they are called many 2, many 4"):
        cube = read_cube([f"{many}[2]", f"{many}[4]"])
    assert cube.band_names == ("many 2", "many 4")
    assert_array_equal(cube.data[:, :, 1], image * 3)


def test_a_companion_alone_is_read(write, image):
    path = write("a.fits", [fits.PrimaryHDU(), fits.ImageHDU(image, name="DQ")])
    assert_array_equal(read_cube(path).data[:, :, 0], image)


# ---------------------------------------------------------------- what the header says


@pytest.mark.parametrize(
    ("cards", "name"),
    [
        ({}, "file"),
        ({"FILTER": "F814W"}, "F814W"),
        ({"FILTER": "  "}, "file"),
        ({"FILTER1": "CLEAR1L", "FILTER2": "F814W"}, "F814W"),
        ({"FILTER1": "F606W", "FILTER2": "CLEAR2L"}, "F606W"),
        ({"FILTER1": 33, "FILTER2": 0, "FILTNAM1": "F673N"}, "F673N"),
        ({"FILTER": "F150W2", "PUPIL": "F162M"}, "F162M"),
        ({"FILTER": "F200W", "PUPIL": "CLEAR"}, "F200W"),
        ({"BAND": "Ks"}, "Ks"),
        ({"BAND": 3}, "file"),
    ],
)
def test_band_name_from_the_header(write, image, cards, name):
    assert read_cube(write("file.fits", image, **cards)).band_names == (name,)


def test_band_name_from_the_primary_header(write, image):
    primary = fits.PrimaryHDU()
    primary.header["FILTER"] = "F502N"
    path = write("a.fits", [primary, fits.ImageHDU(image)])
    assert read_cube(path).band_names == ("F502N",)


def test_band_names_of_a_cube_from_the_header(write):
    data = np.zeros((2, 4, 5))
    path = write("a.fits", data, FILTER1="F438W", FILTER2="F814W")
    assert read_cube(path).band_names == ("F438W", "F814W")
    path = write("b.fits", data, FILTER1="F438W", FILTER2="CLEAR")
    assert read_cube(path).band_names == ("b 1", "b 2")


@pytest.mark.parametrize(
    ("stems", "names"),
    [
        (["n1", "n2", "n10"], ("n1", "n2", "n10")),
        (["idcs_m83_hst_drz_sci", "idcs_m83_eso_drz_sci"], ("hst", "eso")),
        (["hst_9774_05_acs_drz", "hst_9774_10_wfc3_drz"], ("05_acs", "10_wfc3")),
        # A number, or nothing, is no name.
        (["m83_100", "m83_200"], ("m83_100", "m83_200")),
        (["m83", "m83_b"], ("m83", "m83_b")),
        (["a b.c", "a d.c"], ("b", "d")),
    ],
)
@pytest.mark.parametrize("filter_name", ["g", "F814W"])
def test_one_filter_in_all_files(write, image, stems, names, filter_name):
    paths = [write(f"{stem}.fits", image, FILTER=filter_name) for stem in stems]
    line = f"Several bands have the name '{filter_name}': .*band_names"
    with pytest.warns(UserWarning, match=line) as caught:
        cube = read_cube(paths)
    assert cube.band_names == names
    assert len(caught) == 1
    assert caught[0].filename == __file__
    for name in names:
        assert name in str(caught[0].message)


def test_one_filter_in_some_files(write, image):
    known = {"ngc1_vst_r": "r", "ngc1_sdss_r": "r", "ngc1_vst_i": "i", "x": "r vst"}
    known |= {"ngc1_a_J": "J", "ngc1_b_J": "J"}
    paths = [write(f"{stem}.fits", image, FILTER=name) for stem, name in known.items()]
    with pytest.warns(UserWarning, match="have the name 'r', 'J': ") as caught:
        cube = read_cube(paths)
    # That of another band is left to it.
    assert cube.band_names == ("r vst", "r sdss", "i", "r vst 2", "J a", "J b")
    assert len(caught) == 1
    read_cube(paths, band_names=list("abcdef"))  # without a word


def test_one_filter_in_many_files(write, image):
    paths = [write(f"{c}.fits", image, FILTER="g") for c in "abcdefghijklmnop"]
    with pytest.warns(UserWarning, match=r"called a, b, .* j, \.\.\., p\."):
        assert read_cube(paths).band_names == tuple("abcdefghijklmnop")


def test_files_of_one_name(write, image, tmp_path):
    for folder in ("night_1", "night_2"):
        (tmp_path / folder).mkdir()
    paths = [write(f"night_{n}/m83.fits", image, FILTER="g") for n in (1, 2)]
    with pytest.warns(UserWarning, match="have the name 'g'"):
        assert read_cube(paths).band_names == ("m83 1", "m83 2")


def test_one_filter_in_all_extensions(write, image):
    hdus = [fits.PrimaryHDU()] + [fits.ImageHDU(image, name=n) for n in ("A1", "B1")]
    hdus[0].header["FILTER"] = "g"
    with pytest.warns(UserWarning, match="have the name 'g'"):
        assert read_cube(write("a.fits", hdus), hdu="all").band_names == ("A1", "B1")


def test_one_filter_in_all_planes_of_a_cube(write):
    path = write("a.fits", np.zeros((2, 4, 5)), FILTER1="g", FILTER2="g")
    with pytest.warns(UserWarning, match="have the name 'g'"):
        assert read_cube(path).band_names == ("g 1", "g 2")


def test_band_names_are_replaced(write, image):
    paths = [write("a.fits", image), write("b.fits", image)]
    assert read_cube(paths, band_names=["x", "y"]).band_names == ("x", "y")
    assert read_cube(paths[0], band_names="x").band_names == ("x",)


@pytest.mark.parametrize(
    ("text", "unit"),
    [
        ("MJy/sr", units.MJy / units.sr),
        ("electron/s", units.electron / units.s),
        ("erg/s/cm^2/Angstrom", units.erg / units.s / units.cm**2 / units.AA),
        ("W.U.", None),
        ("ELECTRONS/S", units.electron / units.s),
        ("", None),
        (3, None),
    ],
)
def test_unit_from_the_header(write, image, text, unit):
    assert read_cube(write("a.fits", image, BUNIT=text)).band_units == (unit,)


@pytest.mark.parametrize(
    ("card", "wanted"),
    [
        (0.08, 0.08),
        (1, 1.0),
        ((2.5, "[arcsec] seeing"), 2.5),
        ((2.5, "in pixels"), np.nan),
        (-1.0, np.nan),
        ("good", np.nan),
        (True, np.nan),
    ],
)
def test_fwhm_from_the_header(write, image, card, wanted):
    assert_array_equal(read_cube(write("a.fits", image, FWHM=card)).fwhm, [wanted])


@pytest.mark.parametrize(
    ("fwhm", "wanted"),
    [
        (None, [0.5, np.nan]),
        ([0.07, 0.08], [0.07, 0.08]),
        (0.1, [0.1, 0.1]),
        ([0.1, np.nan], [0.1, np.nan]),
        ([70, 80] * units.mas, [0.07, 0.08]),
    ],
)
def test_fwhm_by_parameter(write, image, fwhm, wanted):
    paths = [write("a.fits", image, FWHM=0.5), write("b.fits", image)]
    assert_allclose(read_cube(paths, fwhm=fwhm).fwhm, wanted)


def test_wcs_is_kept(write, image, make_wcs):
    wcs = make_wcs((4, 5))
    cube = read_cube(write("a.fits", image, **wcs.to_header()))
    assert cube.wcs.naxis == 2
    assert cube.wcs.array_shape == (4, 5)
    place = cube.wcs.pixel_to_world(3.0, 1.0)
    assert place.separation(wcs.pixel_to_world(3.0, 1.0)) < 1e-6 * units.arcsec


def test_wcs_without_the_sky_is_no_wcs(write, image):
    cards = {"CTYPE1": "WAVE", "CTYPE2": "LINEAR", "CUNIT1": "nm"}
    assert read_cube(write("a.fits", image, **cards)).wcs is None


def test_images_without_a_wcs_join_the_grid_of_the_others(write, image, make_wcs):
    header = make_wcs((4, 5)).to_header()
    paths = [write("a.fits", image), write("b.fits", image, **header)]
    with pytest.warns(UserWarning, match=r"a\.fits without a WCS: taken to lie on the"):
        cube = read_cube(paths)
    assert cube.wcs is not None
    assert_array_equal(cube.data[:, :, 0], image)


# ---------------------------------------------------------------- refusals


def test_missing_file_is_named(tmp_path):
    with pytest.raises(FileNotFoundError, match=r"nowhere\.fits"):
        read_cube(tmp_path / "nowhere.fits")


@pytest.mark.parametrize("content", [b"", b"<html>", b"\x89PNG" * 999, b"SIMPLE  ="])
def test_what_is_not_fits_is_named(tmp_path, content):
    path = tmp_path / "a.fits"
    path.write_bytes(content)
    with pytest.raises(OSError, match=r"a\.fits is not a readable FITS file \(.*Give"):
        read_cube(path)


@pytest.mark.parametrize("name", ["a.fits", "a.fits.gz", "a.fits.fz"])
@pytest.mark.parametrize("fraction", [0.1, 0.6, 0.9])
def test_truncated_file_is_named(write, name, fraction):
    image = np.random.default_rng(0).normal(size=(200, 300))
    content = image
    if name.endswith("fz"):
        content = [fits.PrimaryHDU(), fits.CompImageHDU(image)]
    path = write(name, content)
    whole = path.read_bytes()
    path.write_bytes(whole[: int(len(whole) * fraction)])
    with pytest.raises(OSError, match="is not a readable FITS file"):
        read_cube(path)


def test_file_that_ends_within_a_header_is_cut_off(write, image):
    path = write("a.fits.fz", [fits.PrimaryHDU(), fits.CompImageHDU(image)])
    path.write_bytes(path.read_bytes()[:4000])
    # Old versions of astropy give up by themselves.
    message = r"a\.fits\.fz (holds no image.*ends too early|is not a readable FITS)"
    with pytest.raises((OSError, ValueError), match=message):
        read_cube(path)


@pytest.mark.parametrize("paths", [None, 3])
def test_what_cannot_be_read_at_all(paths):
    with pytest.raises(TypeError, match="a file, an image in memory, or a list"):
        read_cube(paths)


@pytest.mark.parametrize(
    ("old", "new"),
    [(b"BITPIX  =", b"BUTPIX  ="), (b"NAXIS2  =", b"NAXOS2  ="), (b" -32 ", b" -31 ")],
)
def test_broken_header_is_named(write, image, old, new):
    path = write("a.fits", image)
    path.write_bytes(path.read_bytes().replace(old, new, 1))
    with pytest.raises(OSError, match=r"a\.fits is not a readable FITS file"):
        read_cube(path)


def test_file_without_an_image_lists_its_hdus(write):
    table = fits.BinTableHDU.from_columns(
        [fits.Column("flux", "E", array=[1.0])], name="EVENTS"
    )
    path = write("a.fits", [fits.PrimaryHDU(), table, fits.ImageHDU(np.zeros(5))])
    wanted = r"a\.fits holds no image: .*0 PRIMARY \(empty\), 1 EVENTS \(table\), 2 unn"
    with pytest.raises(ValueError, match=wanted):
        read_cube(path)


@pytest.mark.parametrize("hdu", [9, "NOPE", ("SCI", 7)])
def test_hdu_that_does_not_exist(many, hdu):
    with pytest.raises(
        ValueError, match=r"many\.fits has no HDU .*2 SCI \(image 4 x 5"
    ):
        read_cube(many, hdu=hdu)


@pytest.mark.parametrize("hdu", [0, 5])
def test_hdu_that_is_no_image(many, hdu):
    with pytest.raises(ValueError, match=rf"HDU {hdu} of .*many\.fits is not an image"):
        read_cube(many, hdu=hdu)


def test_too_many_axes(write):
    path = write("a.fits", np.zeros((2, 3, 4, 5)))
    with pytest.raises(ValueError, match=r"a\.fits has 4 axes \(5 x 4 x 3 x 2\)"):
        read_cube(path)


@pytest.mark.parametrize(
    "cards",
    [
        {"CTYPE1": "RA---TAN"},
        {"CTYPE1": "RA---TAN", "CTYPE2": "DEC--SIN"},
        {"CTYPE1": "RA---TAN", "CTYPE2": "DEC--TAN", "CDELT1": 0.0},
        {"CTYPE1": "RA---TAN", "CTYPE2": "DEC--TAN", "CUNIT1": "furlong"},
    ],
)
def test_invalid_wcs(write, image, cards):
    path = write("a.fits", image, **cards)
    with pytest.raises(
        ValueError, match=r"a\.fits: the WCS in the header is not valid"
    ):
        read_cube(path)


def test_wcs_of_axes_that_do_not_exist(write, image):
    cards = {"CTYPE2": "RA---TAN", "CTYPE3": "DEC--TAN"}
    path = write("a.fits", image, WCSAXES=3, **cards)
    with pytest.raises(ValueError, match=r"a\.fits: the WCS puts the sky on axes"):
        read_cube(path)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"band_names": ["x"]}, r"band_names has 1 entries, .* 2 bands \(a, b\)"),
        ({"band_names": ["x", "x"]}, r"band_names must be unique, got \['x', 'x'\]"),
        ({"fwhm": [1, 2, 3]}, "fwhm has 3 entries, but the files hold 2 bands"),
        ({"fwhm": [1.0, 0.0]}, r"fwhm must be positive, got \[1.0, 0.0\]"),
        ({"fwhm": np.inf}, "fwhm must be positive"),
        ({"fwhm": [1, 2] * units.Jy}, "not convertible"),
        ({"dtype": np.int16}, "dtype must be float32 or float64"),
    ],
)
def test_parameters_that_do_not_fit(write, image, options, message):
    paths = [write("a.fits", image), write("b.fits", image)]
    with pytest.raises(ValueError, match=message):
        read_cube(paths, **options)


def test_nothing_to_read():
    with pytest.raises(ValueError, match="list of paths is empty"):
        read_cube([])


def test_image_given_twice(write, image, tmp_path):
    path = write("a.fits", image)
    (tmp_path / "link.fits").symlink_to(path)
    with pytest.raises(ValueError, match=r"link\.fits is given twice"):
        read_cube([path, tmp_path / "link.fits"])


def test_values_beyond_single_precision(write, image):
    path = write("a.fits", image.astype(float) * 1e300)
    with pytest.raises(
        ValueError, match=r"a\.fits holds values beyond .* dtype=np.flo"
    ):
        read_cube(path)
    assert_array_equal(
        read_cube(path, dtype=np.float64).data[:, :, 0], image.astype(float) * 1e300
    )
