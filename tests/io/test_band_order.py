# SPDX-License-Identifier: BSD-3-Clause
"""Bands in the order of wavelength, however the files are given."""

from itertools import permutations

import numpy as np
import pytest
from astropy import units
from astropy.io import fits
from numpy.testing import assert_array_equal

from skesom._sky.filters import filter_wavelength
from skesom.cube import Cube
from skesom.io import read_cube


@pytest.fixture
def write(tmp_path):
    """Return a function that writes an image of one value with cards, and its path."""

    def write_file(name, value, *planes, shape=(4, 5), wcs=None, **cards):
        header = fits.Header() if wcs is None else wcs.to_header()
        header.update(cards)
        image = np.full(shape, value, dtype=np.float32)
        hdus = [fits.PrimaryHDU(image, header)]
        hdus += [fits.ImageHDU(plane, name=kind) for kind, plane in planes]
        path = tmp_path / name
        fits.HDUList(hdus).writeto(path)
        return path

    return write_file


class TestFilters:
    """Names and wavelengths in nm."""

    @pytest.mark.parametrize(
        ("name", "wavelength"),
        [
            *(("F657N", 657), ("f336w", 336), ("F160W", 1600), ("F1042M", 1042)),
            *(("F444W", 4440), ("F2100W", 21000), ("F850LP", 850), ("FQ508N", 508)),
            *(("r", 622), ("r'", 622), ("g.MP9402", 477), ("B", 436), ("Ks", 2160)),
            *(("Halpha", 656.3), ("H-alpha", 656.3), ("H\u03b1", 656.3)),
            *(("[O III]", 500.7), ("OIII", 500.7), ("[N II]", 658.3)),
            *(("WISE 12um", 12000), ("WISE 12", 12000), ("W3", 12082)),
            *(("PACS 100", 100000), ("PACS100", 100000), ("SPIRE_250", 250000)),
            *(("IRAC 8.0", 8000), ("irac2", 4500), ("MIPS 24", 24000)),
            *(("24 micron", 24000), ("450 \u00b5m", 450000), ("6563A", 656.3)),
            *(("656.3 NM", 656.3), ("SCUBA2 850", 850000), ("Ly-alpha", 121.6)),
            *(("GALEX_NUV", 231), ("NGC5584_GALEX_NUV_crop", 231), ("VST_r", 622)),
            *(("r_SDSS", 622), ("r DECam SDSS c0002 6415.0 1480.0", 622)),
            *(("2MASS_J", 1240), ("VISTA_K", 2190), ("hst_wfc3_f657n_drz", 657)),
            *(("NIRCam F410M", 4100), ("wfc3_uvis_f410m", 410)),
        ],
    )
    def test_known(self, name, wavelength):
        assert filter_wavelength(name) == wavelength

    @pytest.mark.parametrize(
        "name",
        [
            *(None, "", "band 1", "a", "many", "image_r", "M51_i", "L", "R2D2"),
            "F410M",  # of Hubble or of Webb
            "F555W-F814W",  # a color
            *("field_12", "obs 5 A", "2", "12", "WISE 100", "CLEAR", "VISTA", "0um"),
        ],
    )
    def test_unknown(self, name):
        assert np.isnan(filter_wavelength(name))


class TestOrder:
    """What decides the order, from every order of the files."""

    def orders(self, paths, **options):
        """Return the cube that is read from many orders of the files."""
        orders = list(permutations(paths))
        for some in orders[:: 1 + len(orders) // 12]:
            yield some, read_cube(list(some), order="wavelength", **options)

    def test_as_given_by_default(self, write):
        paths = [write(f"{name}.fits", 1) for name in "rug"]
        assert read_cube(paths).band_names == ("r", "u", "g")

    def test_headers_names_and_files(self, write):
        paths = [
            write("z.fits", 1, FILTER="F336W"),  # by its filter
            write("y.fits", 2, FILTER="mine", PHOTPLAM=5000.0),
            write("x.fits", 3, FILTER="F814W"),
            write("w10.fits", 5, FILTER="a"),  # by its file
            write("w9.fits", 4, FILTER="b"),
        ]
        for _, cube in self.orders(paths):
            assert cube.band_names == ("F336W", "mine", "F814W", "b", "a")
            assert_array_equal(cube.data[2, 3], [1, 2, 3, 4, 5])

    def test_wavelength_cards_need_a_unit(self, write):
        paths = [
            write("c.fits", 1, WAVELNTH=3.4, WAVEUNIT="um"),
            write("b.fits", 2, WAVELEN=(12.0, "[um] of the band")),
            write("a.fits", 3, WAVELEN=(4.6, "effective wavelength")),
            # The card counts before what IRAS calls its filter of 12 um.
            write("d.fits", 4, WAVELEN=(11.5, "[um]"), FILTER="12", TELESCOP="IRAS"),
        ]
        cube = read_cube(paths[::-1], order="wavelength")
        assert cube.band_names == ("c", "12", "b", "a")
        nm = cube.band_coordinates.to_value(units.nm)
        assert_array_equal(nm.round(6), [3400, 11500, 12000, np.nan])

    def test_everything_stays_with_its_band(self, write):
        weights = np.ones((4, 5))
        weights[0] = 0
        paths = [
            write("r.fits", 1, ("ERR", np.full((4, 5), 0.5)), BUNIT="Jy"),
            write("u.fits", 2, ("ERR", np.full((4, 5), 0.25)), BUNIT="mJy"),
        ]
        flags = np.zeros((4, 5), dtype=np.int16)
        flags[3] = 1
        cube = read_cube(
            paths,
            order="wavelength",
            errors="auto",
            masks=[flags, None],
            weights=[None, weights],
            fwhm=[3.0, 1.5],
            band_names=["red", "blue"],
        )
        assert cube.band_names == ("blue", "red")
        assert cube.band_units == (units.mJy, units.Jy)
        assert_array_equal(cube.fwhm, [1.5, 3.0])
        assert_array_equal(cube.errors[2, 2], [0.25, 0.5])
        assert_array_equal(cube.data[[0, 2, 3], 0], [[np.nan, 1], [2, 1], [2, np.nan]])

    def test_given_names_count_before_filters(self, write):
        paths = [write("a.fits", 1, FILTER="odd"), write("b.fits", 2, FILTER="odder")]
        cube = read_cube(paths, order="wavelength", band_names=["Ks", "J"])
        assert cube.band_names == ("J", "Ks")
        assert_array_equal(cube.data[0, 0], [2, 1])

    @pytest.mark.filterwarnings("ignore:.*bands have the name")
    def test_one_filter_in_all_files(self, write):
        paths = [write(f"night{n}.fits", n, FILTER="r") for n in (1, 2, 10)]
        for _, cube in self.orders(paths):
            assert cube.band_names == ("night1", "night2", "night10")
            assert_array_equal(cube.data[0, 0], [1, 2, 10])

    @pytest.mark.filterwarnings("ignore:.*bands have the name")
    def test_one_filter_in_some_files(self, write):
        paths = [
            *(write("one.fits", 1, FILTER="r"), write("two.fits", 2, FILTER="r")),
            write("three.fits", 3, FILTER="g"),
        ]
        for _, cube in self.orders(paths):
            assert cube.band_names == ("g", "r one", "r two")
            assert_array_equal(cube.data[0, 0], [3, 1, 2])

    @pytest.mark.filterwarnings("ignore:.*bands have the name")
    def test_names_of_files_where_the_filter_tells_nothing(self, write):
        names = ["kids_u_sci", "kids_g_sci", "kids_r_sci", "kids_i_sci"]
        paths = [write(f"{n}.fits", i, FILTER="OCAM") for i, n in enumerate(names)]
        for _, cube in self.orders(paths):
            assert cube.band_names == ("u", "g", "r", "i")
            assert_array_equal(cube.data[0, 0], [0, 1, 2, 3])

    @pytest.mark.filterwarnings("ignore:No errors were found for .*cube.fits:")
    def test_planes_of_one_file_and_others(self, write, tmp_path):
        planes = np.arange(1, 4, dtype=np.float32)[:, None, None] * np.ones((3, 4, 5))
        names = {"FILTER1": "Ks", "FILTER2": "u", "FILTER3": "i"}
        header = fits.Header(names)
        fits.writeto(tmp_path / "cube.fits", planes, header)
        errors = [("ERR", np.ones((4, 5)))]
        paths = [tmp_path / "cube.fits", write("r.fits", 7, *errors)]
        for _, cube in self.orders(paths, errors="auto"):
            assert cube.band_names == ("u", "r", "i", "Ks")
            assert_array_equal(cube.data[1, 1], [2, 7, 3, 1])
            assert_array_equal(cube.errors[1, 1], [np.nan, 1, np.nan, np.nan])
            assert cube.data.flags.c_contiguous

    def test_frequencies(self, tmp_path):
        header = fits.Header()
        cards = {"CTYPE3": "FREQ", "CRVAL3": 1e9, "CDELT3": 1e8, "CRPIX3": 1.0}
        header.update({**cards, "CUNIT3": "Hz"})
        header.update({"CTYPE1": "RA---TAN", "CTYPE2": "DEC--TAN"})
        header.update({"CDELT1": -0.1, "CDELT2": 0.1})
        planes = np.arange(3.0)[:, None, None] * np.ones((3, 4, 5))
        fits.writeto(tmp_path / "cube.fits", planes, header)
        cube = read_cube(tmp_path / "cube.fits", order="wavelength")
        assert_array_equal(cube.data[0, 0], [2, 1, 0])
        assert_array_equal(cube.band_coordinates.value, [1.2e9, 1.1e9, 1e9])

    def test_images_in_memory(self):
        image = np.ones((4, 5, 1))
        cubes = [Cube(image * n, band_names=[name]) for n, name in enumerate("kryg")]
        known = Cube(image * 9, band_coordinates=[300] * units.nm, band_names=["mine"])
        for some in permutations([*cubes, known]):
            cube = read_cube(list(some), order="wavelength")
            assert cube.band_names == ("mine", "g", "r", "y", "k")
        arrays = [np.ones((4, 5)), np.zeros((4, 5))]  # of which nothing is known
        assert_array_equal(read_cube(arrays, order="wavelength").data[0, 0], [1, 0])

    @pytest.mark.filterwarnings("ignore:.*bands have the name")
    def test_files_of_one_name(self, write, tmp_path):
        for folder in ("a", "b"):
            (tmp_path / folder).mkdir()
        paths = [write("b/image.fits", 2), write("a/image.fits", 1)]
        for _, cube in self.orders(paths):
            assert cube.band_names == ("image a", "image b")
            assert_array_equal(cube.data[0, 0], [1, 2])


class TestGrids:
    """Bands on several pixel grids."""

    @pytest.fixture
    def paths(self, write, make_wcs):
        fine = {"shape": (40, 44), "wcs": make_wcs((40, 44), 0.5)}
        coarse = {"shape": (10, 11), "wcs": make_wcs((10, 11), 2.0)}
        return [
            *(write("K.fits", 4, **fine), write("u.fits", 1, **fine)),
            *(write("r.fits", 2, **coarse), write("i.fits", 3, **coarse)),
        ]

    def test_runs_of_one_grid(self, paths):
        given = read_cube(paths)
        assert [cube.band_names for cube in given] == [("K", "u"), ("r", "i")]
        for some in permutations(paths):
            cubes = read_cube(list(some), order="wavelength")
            names = [cube.band_names for cube in cubes]
            assert names == [("u",), ("r", "i"), ("K",)]
            assert [cube.data[5, 5, 0] for cube in cubes] == [1, 2, 4]


class TestNumbers:
    """The order said outright."""

    def test_as_said(self, write):
        paths = [write(f"{name}.fits", n) for n, name in enumerate("rug")]
        cube = read_cube(paths, order=[2, 0, 1], fwhm=[1, 2, 3])
        assert cube.band_names == ("g", "r", "u")
        assert_array_equal(cube.data[0, 0], [2, 0, 1])
        assert_array_equal(cube.fwhm, [3, 1, 2])

    @pytest.mark.parametrize("order", [[0, 1], [0, 1, 1], [0, 1, 3], [0, 1, 2.5]])
    def test_no_order(self, write, order):
        paths = [write(f"{name}.fits", 1) for name in "rug"]
        with pytest.raises(ValueError, match="numbers from 0 to 2 of the 3 bands"):
            read_cube(paths, order=order)

    def test_no_such_rule(self, write):
        with pytest.raises(ValueError, match="'given', 'wavelength' or the numbers"):
            read_cube(write("a.fits", 1), order="alphabet")
