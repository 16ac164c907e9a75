# SPDX-License-Identifier: BSD-3-Clause
"""The Cube: an array with a description, and cuts of it that stay true."""

import pickle
import sys
from base64 import b64decode
from html.parser import HTMLParser
from io import BytesIO

import dask.array as da
import numpy as np
import pytest
from astropy import units
from astropy.nddata import CCDData, StdDevUncertainty
from astropy.utils.masked import Masked
from astropy.wcs import WCS, Sip
from numpy.testing import assert_allclose, assert_array_equal
from sklearn.model_selection import KFold, train_test_split

from skesom.cube import Cube, CubeAligner
from skesom.cube.base import check_cube
from skesom.io import read_cube


@pytest.fixture
def wcs():
    wcs = WCS(naxis=2)
    wcs.wcs.ctype = ["RA---TAN", "DEC--TAN"]
    wcs.wcs.crval = [204.25, -29.86]
    wcs.wcs.crpix = [4, 3]
    wcs.wcs.cd = np.array([[-2, 1], [1, 2]]) / 3600
    return wcs


@pytest.fixture
def cube(wcs):
    data = np.arange(6 * 8 * 3, dtype=np.float32).reshape(6, 8, 3)
    return Cube(
        data,
        wcs=wcs,
        band_names=["u", "g", "r"],
        band_units=["Jy", None, units.MJy / units.sr],
        fwhm=[1.0, np.nan, 0.8],
        errors=data / 10 + 1,
        band_coordinates=[350, 480, np.nan] * units.nm,
    )


class TestArray:
    """NumPy and scikit-learn see an array."""

    def test_looks_like_an_array(self, cube):
        assert cube.shape == (6, 8, 3)
        assert cube.ndim == 3
        assert cube.dtype == np.float32
        assert len(cube) == 6
        assert np.asarray(cube) is cube.data
        assert np.mean(cube) == np.mean(cube.data)
        assert np.array(cube, dtype=np.float64).dtype == np.float64

    def test_copy_is_a_copy(self, cube):
        copied = np.array(cube)
        copied[0] = -1
        assert cube.data.min() == 0

    def test_native_floats_are_not_copied(self):
        for dtype in (np.float32, np.float64):
            data = np.ones((2, 3, 4), dtype=dtype)
            assert Cube(data).data is data

    @pytest.mark.parametrize(
        ("given", "kept"),
        [
            (">f4", np.float32),
            (">f8", np.float64),
            (np.float16, np.float32),
            (np.uint8, np.float32),
            (">i2", np.float32),
            (np.int32, np.float64),
            (bool, np.float32),
        ],
    )
    def test_other_types(self, given, kept):
        data = np.arange(24).reshape(2, 3, 4).astype(given)
        cube = Cube(data)
        assert cube.dtype == kept
        assert cube.dtype.isnative
        np.testing.assert_array_equal(cube.data, data)

    def test_representation(self, cube):
        assert (
            repr(cube) == "<Cube 6 x 8 pixels, 3 bands (u, g, r), float32, WCS, errors>"
        )
        assert "no WCS" in repr(Cube(np.ones((1, 1, 1))))

    def test_of_many_bands_a_few_are_named(self):
        cube = Cube(np.ones((2, 3, 200)))
        assert "200 bands (band 1, band 2, " in repr(cube)
        assert ", band 10, ..., band 200), " in repr(cube)
        with pytest.raises(KeyError, match=r"band 10, \.\.\., band 200\.") as error:
            cube["Ks"]
        assert len(str(error.value)) < 200

    def test_pickle(self, cube):
        again = pickle.loads(pickle.dumps(cube))
        np.testing.assert_array_equal(again.data, cube.data)
        assert again.band_names == cube.band_names
        assert again.band_units == cube.band_units
        np.testing.assert_array_equal(again.errors, cube.errors)
        np.testing.assert_array_equal(again.band_coordinates, cube.band_coordinates)
        corners = [[0, 0], [7, 5]]
        np.testing.assert_allclose(
            again.wcs.all_pix2world(corners, 0),
            cube.wcs.all_pix2world(corners, 0),
            rtol=1e-12,
        )


class TestCuts:
    """A cut keeps its place on the sky and its bands, or it is a plain array."""

    @pytest.mark.parametrize(
        ("key", "first_pixel"),
        [
            (np.s_[1:5], (1, 0)),
            (np.s_[2:, 3:7], (2, 3)),
            (np.s_[:, 3:], (0, 3)),
            (np.s_[..., 1:], (0, 0)),
            (np.s_[np.array([2, 3, 4])], (2, 0)),
            (np.s_[np.arange(6) > 1, 1:], (2, 1)),
            (np.s_[-2:, -3:-1], (4, 5)),
        ],
    )
    def test_place_on_the_sky(self, cube, key, first_pixel):
        cut = cube[key]
        np.testing.assert_array_equal(cut.data, cube.data[key])
        np.testing.assert_array_equal(cut.errors, cube.errors[key])
        row, column = first_pixel
        here = cut.wcs.all_pix2world([[0, 0], [1, 1]], 0)
        there = cube.wcs.all_pix2world([[column, row], [column + 1, row + 1]], 0)
        np.testing.assert_allclose(here, there, rtol=1e-12)

    @pytest.mark.parametrize("with_cd", [False, True])
    def test_steps(self, cube, with_cd):
        if not with_cd:
            header = cube.wcs.to_header()
            assert "PC1_2" in header
            cube = cube.replace(wcs=WCS(header))
        cut = cube[1::2, 2::3]
        rows, columns = np.indices(cut.shape[:2])
        here = cut.wcs.array_index_to_world_values(rows, columns)
        there = cube.wcs.array_index_to_world_values(1 + 2 * rows, 2 + 3 * columns)
        np.testing.assert_allclose(here, there, rtol=1e-12)
        assert cube.wcs.wcs.crpix.tolist() == [4, 3]

    @pytest.mark.parametrize(
        "key", [np.s_[[0, 2, 3]], np.s_[::-1], np.s_[np.array([1, 0])], np.s_[[]]]
    )
    def test_pixels_without_a_common_grid(self, cube, key):
        cut = cube[key]
        assert isinstance(cut, Cube)
        assert cut.wcs is None
        np.testing.assert_array_equal(cut.data, cube.data[key])
        np.testing.assert_array_equal(cut.errors, cube.errors[key])

    @pytest.mark.parametrize(
        ("key", "names"),
        [
            (np.s_[:, :, :2], ("u", "g")),
            (np.s_[:, :, [2, 0]], ("r", "u")),
            (np.s_[..., np.array([False, True, True])], ("g", "r")),
            (np.s_[1:3, ..., 2:], ("r",)),
        ],
    )
    def test_bands(self, cube, key, names):
        cut = cube[key]
        assert cut.band_names == names
        for name, unit, fwhm in zip(names, cut.band_units, cut.fwhm, strict=True):
            place = cube.band_names.index(name)
            assert unit == cube.band_units[place]
            np.testing.assert_array_equal(fwhm, cube.fwhm[place])
        places = [cube.band_names.index(name) for name in names]
        wanted = np.array([350, 480, np.nan])[places]
        np.testing.assert_array_equal(cut.band_coordinates.to_value("nm"), wanted)
        np.testing.assert_array_equal(cut.errors, cube.errors[key])

    @pytest.mark.parametrize(
        "key",
        [
            np.s_[2],
            np.s_[:, :, 1],
            np.s_[1, 2],
            np.s_[1, 2, 0],
            np.s_[np.ones((6, 8), dtype=bool)],
            np.s_[..., np.newaxis],
        ],
    )
    def test_fewer_axes_give_an_array(self, cube, key):
        cut = cube[key]
        assert not isinstance(cut, Cube)
        np.testing.assert_array_equal(cut, cube.data[key])

    def test_scikit_learn_cuts_strips(self, cube):
        train, test = train_test_split(cube, shuffle=False, test_size=2)
        assert isinstance(train, Cube)
        assert train.shape == (4, 8, 3)
        assert test.wcs is not None
        parts = [cube[test] for _, test in KFold(3).split(cube)]
        np.testing.assert_array_equal(np.concatenate(parts), cube.data)

    def test_replace(self, cube):
        doubled = cube.replace(data=2 * cube.data)
        np.testing.assert_array_equal(doubled.data, 2 * cube.data)
        assert doubled.wcs is cube.wcs
        assert doubled.band_units == cube.band_units
        assert cube.data[0, 0, 1] == 1

    def test_zero_points_follow_their_bands_and_units(self):
        cube = Cube(np.ones((4, 5, 3)), zero_points=[25, np.nan, 21])
        np.testing.assert_array_equal(cube[1:, :, ::-2].zero_points, [21, 25])
        other = cube.replace(data=np.zeros((4, 5, 3)))
        np.testing.assert_array_equal(other.zero_points, [25, np.nan, 21])
        other = cube.replace(band_units=["ct", "ct", "Jy"])
        assert np.isnan(other.zero_points).all()
        with pytest.raises(ValueError, match="zero_points must have one entry"):
            cube.replace(zero_points=[1.0, 2])

    def test_new_data_drop_errors_unless_new_ones_are_given(self, cube):
        assert cube.replace(data=2 * cube.data).errors is None
        both = cube.replace(data=2 * cube.data, errors=2 * cube.errors)
        np.testing.assert_array_equal(both.errors, 2 * cube.errors)
        assert cube.replace(fwhm=None).errors is cube.errors
        assert cube.replace(errors=None).errors is None
        doubled = cube.replace(data=2 * cube.data)
        assert doubled.band_coordinates[1] == 480 * units.nm


class TestErrors:
    """Errors are an array like the data; coordinates have a unit."""

    @pytest.mark.parametrize("dtype", [np.float32, np.float64])
    @pytest.mark.parametrize("given", [">f4", "<f8", np.int16])
    def test_errors_have_the_type_of_the_data(self, dtype, given):
        cube = Cube(np.ones((2, 3, 1), dtype), errors=np.full((2, 3, 1), 4, given))
        assert cube.errors.dtype == dtype
        assert cube.errors.dtype.isnative
        np.testing.assert_array_equal(cube.errors, 4)

    def test_errors_are_not_copied(self):
        errors = np.ones((2, 3, 1))
        cube = Cube(np.ones((2, 3, 1)), errors=errors)
        assert cube.errors is errors
        assert np.shares_memory(cube[1:].errors, errors)

    def test_other_shape(self):
        with pytest.raises(ValueError, match=r"shape .*\(2, 3, 1\), got \(2, 3\)"):
            Cube(np.ones((2, 3, 1)), errors=np.ones((2, 3)))

    def test_coordinates_need_a_unit(self):
        with pytest.raises(ValueError, match="band_coordinates needs a unit"):
            Cube(np.ones((2, 3, 1)), band_coordinates=[500.0])

    def test_coordinates_are_kept_in_their_unit(self):
        cube = Cube(np.ones((2, 3, 2)), band_coordinates=[-3, 4] * units.km / units.s)
        assert cube.band_coordinates.unit == units.km / units.s


class TestJoin:
    """The bands of several cubes are described as those of one."""

    @staticmethod
    def join(*coordinates):
        cubes = [
            Cube(np.ones((1, 2, 2)), band_names=[f"{i}a", f"{i}b"], band_coordinates=c)
            for i, c in enumerate(coordinates)
        ]
        return CubeAligner().fit_transform(cubes)

    def test_descriptions_are_concatenated(self, cube):
        other = Cube(
            np.ones((6, 8, 1)),
            wcs=cube.wcs,
            band_names=["i"],
            band_units=["mJy"],
            fwhm=[2],
            diffraction_fwhm=[0.1],
        )
        joined = CubeAligner().fit_transform([cube, other])
        assert joined.band_names == ("u", "g", "r", "i")
        assert joined.band_units == (*cube.band_units, units.mJy)
        np.testing.assert_array_equal(joined.fwhm, [1, np.nan, 0.8, 2])
        limits = [np.nan, np.nan, np.nan, 0.1]
        np.testing.assert_array_equal(joined.diffraction_fwhm, limits)
        np.testing.assert_array_equal(
            joined.band_coordinates.to_value("nm"), [350, 480, np.nan, np.nan]
        )

    def test_frequencies_become_wavelengths(self):
        joined = self.join(None, [1, 2] * units.mm, [299.792458, 100] * units.GHz)
        wanted = [np.nan, np.nan, 1, 2, 1, 2.99792458]
        assert joined.band_coordinates.unit == units.mm
        assert_allclose(joined.band_coordinates.value, wanted, rtol=1e-15)

    def test_a_velocity_is_no_frequency(self):
        with pytest.warns(UserWarning, match=r"left out.*GHz, km / s"):
            joined = self.join([1, 2] * units.GHz, [1, 2] * units.km / units.s)
        assert joined.band_coordinates is None

    def test_nothing_is_known(self):
        assert self.join(None, None).band_coordinates is None


class TestRefusals:
    """What cannot be a cube is named."""

    def test_axes(self):
        with pytest.raises(ValueError, match=r"2 axes of shape \(3, 4\)\..*newaxis"):
            Cube(np.ones((3, 4)))

    def test_complex(self):
        with pytest.raises(ValueError, match=r"real numbers.*complex64"):
            Cube(np.ones((1, 2, 3), dtype=np.complex64))

    def test_wcs_with_three_axes(self):
        with pytest.raises(ValueError, match=r"two celestial axes, got 3"):
            Cube(np.ones((1, 2, 3)), wcs=WCS(naxis=3))

    def test_equal_names(self):
        with pytest.raises(ValueError, match="unique"):
            Cube(np.ones((1, 2, 2)), band_names=["u", "u"])

    @pytest.mark.parametrize(
        "description",
        [
            {"band_names": ["u", "g"]},
            {"band_units": ["Jy"] * 2},
            {"fwhm": [1.0, 2.0]},
            {"band_coordinates": [1.0, 2.0] * units.nm},
        ],
    )
    def test_one_entry_per_band(self, description):
        (name,) = description
        with pytest.raises(ValueError, match=f"{name} .* 3 bands, got 2"):
            Cube(np.ones((1, 2, 3)), **description)

    def test_fwhm_in_other_units(self):
        cube = Cube(np.ones((1, 2, 2)), fwhm=[0.5, 1] * units.arcmin)
        np.testing.assert_allclose(cube.fwhm, [30, 60])

    def test_infinities(self, cube):
        data = cube.data.copy()
        data[2, 5, 1] = np.inf
        data[3, 0, 1] = -np.inf
        with pytest.raises(
            ValueError, match=r"'g' holds 2 infinite .* row 2, column 5"
        ):
            check_cube(cube.replace(data=data))

    def test_empty(self):
        with pytest.raises(ValueError, match=r"empty cube of shape \(0, 4, 2\)"):
            check_cube(np.ones((0, 4, 2)))


def test_pixels_keep_their_size_when_rows_are_picked():
    wcs = WCS(naxis=2)
    wcs.wcs.ctype = "RA---TAN", "DEC--TAN"
    wcs.wcs.cdelt = -0.2 / 3600, 0.5 / 3600
    cube = Cube(np.zeros((6, 5, 1)), wcs=wcs)
    assert_allclose(cube.pixel_scale, (0.5, 0.2))
    picked = cube[np.array([0, 1, 4])]
    assert picked.wcs is None
    assert_allclose(picked.pixel_scale, (0.5, 0.2))
    assert_allclose(picked[::2].pixel_scale, (1.0, 0.2))
    assert_allclose(picked.replace(data=np.ones((3, 5, 1))).pixel_scale, (0.5, 0.2))
    assert Cube(np.zeros((2, 2, 1))).pixel_scale is None


class TestNames:
    """Bands by their names."""

    def test_one_band_is_an_image(self, cube):
        image = cube["g"]
        assert type(image) is np.ndarray
        assert np.shares_memory(image, cube.data)
        np.testing.assert_array_equal(image, cube.data[:, :, 1])

    def test_a_list_is_a_cube(self, cube):
        part = cube[["r", "u"]]
        assert part.band_names == ("r", "u")
        assert part.band_units == (units.MJy / units.sr, units.Jy)
        places = [one.wcs.pixel_to_world_values(7, 5) for one in (part, cube)]
        assert_allclose(*places)
        for got, whole in (
            (part.data, cube.data),
            (part.errors, cube.errors),
            (part.fwhm, cube.fwhm),
            (part.band_coordinates.value, cube.band_coordinates.value),
        ):
            np.testing.assert_array_equal(got, whole[..., [2, 0]])
        assert cube[["g"]].shape == (6, 8, 1)

    @pytest.mark.parametrize("key", ["i", ["r", "i"], ["i"]])
    def test_unknown_names(self, cube, key):
        with pytest.raises(KeyError, match="no band 'i'; the bands are u, g, r"):
            cube[key]


class TestQuantity:
    """Data with a unit."""

    def test_the_unit_is_that_of_the_bands(self):
        assert Cube(np.zeros((2, 3, 2)) * units.Jy).band_units == (units.Jy, units.Jy)
        cube = Cube(np.zeros((2, 3, 1)) * units.Jy, band_units=["mJy"])
        assert cube.band_units == (units.mJy,)

    def test_masked_by_astropy(self):
        mask = np.arange(12).reshape(2, 3, 2) > 9
        masked = Masked(np.ones((2, 3, 2), ">i4"), mask=mask)
        for data in (masked, masked * units.Jy):
            cube = Cube(data)
            assert np.argwhere(np.isnan(cube.data)).tolist() == [[1, 2, 0], [1, 2, 1]]


class TestNDData:
    """To NDData, and back."""

    @staticmethod
    def known(cube):
        cube = cube.replace(band_units=["Jy"] * 3, zero_points=[25, np.nan, 23.5])
        data = cube.data.copy()
        data[2, 3, 1] = np.nan
        mask = np.zeros((6, 8), dtype=bool)
        mask[0, 1] = True
        return cube.replace(data=data, errors=cube.errors, sky_mask=mask)

    @pytest.mark.parametrize("back", [read_cube, check_cube])
    def test_all_bands(self, cube, back):
        cube = self.known(cube)
        nddata = cube.to_nddata()
        assert nddata.data.shape == (3, 6, 8)
        assert np.shares_memory(nddata.data, cube.data)
        assert isinstance(nddata.uncertainty, StdDevUncertainty)
        np.testing.assert_array_equal(np.argwhere(nddata.mask), [[1, 2, 3]])
        assert nddata.unit == units.Jy
        world = nddata.wcs.pixel_to_world_values(3, 2, 1)
        assert_allclose(world[:2], cube.wcs.pixel_to_world_values(3, 2))
        self.assert_same(back(nddata), cube)

    @pytest.mark.parametrize("back", [read_cube, check_cube])
    @pytest.mark.parametrize("has_wcs", [True, False])
    def test_one_band(self, cube, back, has_wcs):
        cube = self.known(cube) if has_wcs else self.known(cube).replace(wcs=None)
        for band in range(3):
            for name in (band, cube.band_names[band]):
                nddata = cube.to_nddata(name)
                assert nddata.data.shape == (6, 8)
                self.assert_same(back(nddata), cube[:, :, band : band + 1])

    def test_without_a_wcs(self, cube):
        cube = self.known(cube).replace(wcs=None, pixel_scale=(2.0, 3.0))
        back = check_cube(cube.to_nddata())
        self.assert_same(back, cube)
        assert back.pixel_scale == (2.0, 3.0)
        np.testing.assert_array_equal(back.sky_mask, cube.sky_mask)

    def test_ccddata_writes_and_reads_it(self, cube, tmp_path):
        CCDData(self.known(cube).to_nddata("u")).write(tmp_path / "a.fits")
        back = read_cube(tmp_path / "a.fits", errors="auto", masks="auto")
        self.assert_same(back, self.known(cube)[:, :, :1])

    def test_several_units(self, cube):
        with pytest.raises(ValueError, match=r"NDData has one unit.*Name a band"):
            cube.to_nddata()
        assert cube.to_nddata("g").unit is None
        with pytest.raises(KeyError, match="the bands are u, g, r"):
            cube.to_nddata("i")
        with pytest.raises(IndexError):
            cube.to_nddata(3)

    @staticmethod
    def assert_same(one, other):
        assert one.band_names == other.band_names
        assert one.band_units == other.band_units
        assert (one.wcs is None) == (other.wcs is None)
        if one.wcs is not None:
            places = [c.wcs.pixel_to_world_values([0, 7], [5, 1]) for c in (one, other)]
            assert_allclose(*places, rtol=1e-12)
        for name in ("data", "errors", "fwhm", "zero_points"):
            np.testing.assert_array_equal(getattr(one, name), getattr(other, name))
        if np.isfinite(other.band_coordinates.value).any():
            nm = [each.band_coordinates.to_value("nm") for each in (one, other)]
            assert_allclose(*nm)


class Page(HTMLParser):
    """The tags and texts of a page."""

    def __init__(self, text):
        super().__init__()
        self.tags, self.texts, self.images = set(), [], []
        self.feed(text)

    def handle_starttag(self, tag, attrs):
        self.tags.add(tag)
        assert not [name for name, _ in attrs if name.startswith("on")]
        self.images += [value for name, value in attrs if name == "src"]

    def handle_data(self, data):
        self.texts.append(data)


class TestPreview:
    """What a notebook shows."""

    def test_what_is_known_of_each_band(self, cube):
        data = cube.data.copy()
        data[:3, :, 2] = np.nan
        page = Page(cube.replace(data=data, errors=None)._repr_html_())
        assert page.tags == {"p", "table", "tr", "th", "td", "img"}
        text = " ".join(page.texts)
        assert "errors" not in text
        assert "errors" in cube._repr_html_()
        for part in ("6 x 8 pixels, 3 bands", "float32, WCS", "MJy / sr", "480 nm"):
            assert part in text
        assert {"0.8 arcsec", "50.0%", "74 to 143"} < set(page.texts)
        assert len(page.images) == 3

    def test_the_small_images_are_png(self, cube):
        pyplot = pytest.importorskip("matplotlib.pyplot")
        data = cube.data.copy()
        data[0, :3, 1] = np.nan
        image = Page(cube.replace(data=data)._repr_html_()).images[1]
        head, _, code = image.partition(",")
        assert head == "data:image/png;base64"
        pixels = pyplot.imread(BytesIO(b64decode(code)))
        assert pixels.shape == (6, 8, 3)
        # North is up: the first row of the data is the last of the picture.
        is_pink = pixels[:, :, 0] > pixels[:, :, 1]
        assert np.argwhere(is_pink).tolist() == [[5, 0], [5, 1], [5, 2]]
        assert (np.diff(pixels[:5, 4, 0]) <= 0).all()
        assert pixels[0, 7, 0] == 1

    def test_hostile_names(self):
        name = "<script>alert(1)</script>\"'><img src=x onerror=alert(1)>"
        unit = units.def_unit("<b>")
        cube = Cube(np.zeros((3, 4, 1)), band_names=[name], band_units=[unit])
        page = Page(cube._repr_html_())
        assert page.tags == {"p", "table", "tr", "th", "td", "img"}
        assert name in "".join(page.texts)
        assert len(page.images) == 1

    @pytest.mark.parametrize("shape", [(0, 3, 2), (3, 0, 1), (2, 2, 0), (1, 1, 1)])
    @pytest.mark.parametrize("value", [np.nan, 0, np.inf, 1e38])
    @pytest.mark.filterwarnings("error")
    def test_little_to_show(self, shape, value):
        cube = Cube(np.full(shape, value, dtype=np.float32))
        assert f"{shape[2]} bands" in cube._repr_html_()

    def test_what_is_too_large_is_sampled(self):
        large = np.broadcast_to(np.float32(1), (40_000, 50_000, 2000))
        text = Cube(large)._repr_html_()
        assert len(text) < 500_000
        assert "1 of 84 is shown" in text
        assert "sample of pixels" in text

    def test_plot(self, cube):
        pyplot = pytest.importorskip("matplotlib.pyplot")
        cube = cube.replace(band_names=["$\\foo$", "g", "r"])
        figure = cube.plot(figsize=(5, 2))
        figure.canvas.draw()
        axes = [ax for ax in figure.axes if ax.images]
        assert [ax.get_title() for ax in axes] == ["$\\foo$", "g", "r"]
        assert [ax.images[0].origin for ax in axes] == ["lower"] * 3
        drawn = axes[0].images[0].get_array()
        assert drawn.shape == (6, 8)
        assert (np.diff(drawn.ravel()) >= 0).all()  # as the data
        assert (drawn.min(), drawn.max()) == (0, 1)
        assert tuple(figure.get_size_inches()) == (5, 2)
        many = Cube(np.zeros((5, 5, 100))).plot()
        assert sum(len(ax.images) for ax in many.axes) <= 12
        assert "of 100 bands" in many.get_suptitle()
        pyplot.close("all")

    def test_plot_without_matplotlib(self, cube, monkeypatch):
        monkeypatch.setitem(sys.modules, "matplotlib", None)
        with pytest.raises(ImportError, match=r"skesom\[plot\]"):
            cube.plot()


class TestLazy:
    """An array of dask stays in strips of rows until its values are needed."""

    @pytest.fixture(params=[1, 4])
    def lazy(self, cube, request):
        def strips(values):
            return da.from_array(values, chunks=(request.param, *values.shape[1:]))

        sky = np.arange(48).reshape(6, 8) % 5 == 0
        cube = cube.replace(sky_mask=sky)
        changes = {name: strips(getattr(cube, name)) for name in ("data", "errors")}
        return cube.replace(**changes, sky_mask=sky)

    def test_computes_when_asked(self, cube, lazy):
        assert lazy.is_lazy
        assert not cube.is_lazy
        assert cube.compute() is cube
        assert lazy.errors.chunks == lazy.data.chunks
        assert lazy.sky_mask.chunks == lazy.data.chunks[:2]
        assert_array_equal(np.asarray(lazy), cube.data)
        assert np.array(lazy, dtype=np.float64).dtype == np.float64
        computed = lazy.compute()
        assert (computed.band_names, computed.wcs) == (cube.band_names, cube.wcs)
        for part in (computed.data, computed.errors, computed.sky_mask):
            assert type(part) is np.ndarray
        assert_array_equal(computed.errors, cube.errors)

    @pytest.mark.parametrize(
        "key",
        [
            np.s_[3:5],
            np.s_[:, ::2],
            np.s_[..., [0, 2]],
            np.s_[2:5, 3:4, 1:],
            np.array([1, 5, 3]),
            np.arange(6) % 2 == 0,
            ["r", "u"],
        ],
    )
    def test_parts_are_those_in_memory(self, lazy, key):
        part, wanted = lazy[key], lazy.compute()[key]
        assert part.is_lazy
        assert part.shape == wanted.shape
        assert part.band_names == wanted.band_names
        assert part.pixel_scale == wanted.pixel_scale
        for name in ("data", "errors", "sky_mask"):
            found = getattr(part.compute(), name)
            assert_array_equal(found, getattr(wanted, name))

    def test_names_and_cutouts(self, cube, lazy):
        assert_array_equal(lazy["g"].compute(), cube["g"])
        part = lazy.cutout((3, 4), (3, 4))
        assert part.is_lazy
        assert_array_equal(part.compute().data, cube.cutout((3, 4), (3, 4)).data)

    @pytest.mark.parametrize("dtype", [">f4", "i2", "i4", "f8", "?", "f2", ">i8"])
    def test_types_become_those_in_memory(self, dtype):
        values = np.arange(60).reshape(4, 5, 3).astype(dtype)
        lazy = Cube(da.from_array(values, chunks=(2, 3, 3)))
        wanted = Cube(values)
        assert lazy.dtype == wanted.dtype
        found = np.asarray(lazy)
        assert found.dtype == wanted.dtype
        assert found.dtype.isnative
        assert_array_equal(found, wanted.data)

    def test_masked_values_become_nan(self):
        values = np.arange(24.0).reshape(4, 3, 2)
        lazy = Cube(da.ma.masked_greater(da.from_array(values, chunks=(3, 3, 2)), 7))
        assert_array_equal(np.asarray(lazy), np.where(values > 7, np.nan, values))

    def test_chunks_become_strips(self):
        with pytest.warns(UserWarning, match="bands in 2 chunks"):
            cube = Cube(da.zeros((300, 40, 4), chunks=(100, 10, 2)))
        assert cube.data.chunks == ((300,), (40,), (4,))
        wide = Cube(da.zeros((300, 2**17, 2), chunks=(100, 2**16, 2)))
        assert wide.data.chunks == ((64, 64, 64, 64, 44), (2**17,), (2,))
        given = Cube(da.zeros((300, 40, 4), chunks=(7, 40, 4)))
        assert given.data.chunks[0][0] == 7

    def test_refuses_unknown_sizes(self):
        values = da.zeros((6, 4, 2), chunks=(3, 4, 2))
        with pytest.raises(ValueError, match=r"\.compute_chunk_sizes\(\)"):
            Cube(values[values[:, 0, 0] == 0])

    def test_memory_follows_the_data(self, cube, lazy):
        assert type(cube.replace(errors=lazy.errors).errors) is np.ndarray
        mixed = lazy.replace(errors=cube.errors)
        assert_array_equal(mixed.errors.compute(), cube.errors)
        assert mixed.errors.chunks == lazy.data.chunks

    @pytest.mark.parametrize("height", [1, 4])
    def test_infinities_are_refused_while_computing(self, cube, height):
        data = cube.data.copy()
        data[4, 7, 1] = np.inf
        lazy = cube.replace(data=da.from_array(data, chunks=(height, 8, 3)))
        checked = check_cube(lazy)
        assert checked.is_lazy
        assert check_cube(checked) is checked
        with pytest.raises(ValueError, match=r"Band 'g' .* row 4, column 7\. Replace"):
            checked.compute()
        assert_array_equal(check_cube(lazy[:4]).compute().data, data[:4])

    def test_is_described_without_computing(self, cube, lazy):
        def refuse(block):
            raise AssertionError("computed")

        refusing = lazy.replace(data=lazy.data.map_blocks(refuse, meta=lazy.data._meta))
        assert repr(refusing).endswith("float32, WCS, lazy>")
        assert "lazy, in strips of" in refusing._repr_html_()
        assert refusing.shape == cube.shape
        for step in (np.s_[1:3], ["u"]):
            assert refusing[step].is_lazy

    def test_is_drawn_like_in_memory(self, cube, lazy):
        pytest.importorskip("matplotlib")
        drawn, wanted = lazy.plot(), cube.plot()
        for ax, other in zip(drawn.axes, wanted.axes, strict=True):
            found, known = ax.images[0].get_array(), other.images[0].get_array()
            assert_array_equal(found, known)

    def test_pickles(self, lazy):
        copy = pickle.loads(pickle.dumps(lazy))
        assert_array_equal(copy.compute().data, lazy.compute().data)


def test_steps_leave_a_distorted_wcs_out(wcs):
    wcs.wcs.ctype = ["RA---TAN-SIP", "DEC--TAN-SIP"]
    bend = np.zeros((3, 3))
    bend[2, 0] = 1e-3
    wcs.sip = Sip(bend, bend.T, None, None, wcs.wcs.crpix)
    cube = Cube(np.zeros((6, 8, 1)), wcs=wcs)
    cut = cube[2:, 3:]
    assert_allclose(
        cut.wcs.pixel_to_world_values(1, 2), wcs.pixel_to_world_values(4, 4), rtol=1e-12
    )
    assert cube[::2].wcs is None
