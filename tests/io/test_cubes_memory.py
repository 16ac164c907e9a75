# SPDX-License-Identifier: BSD-3-Clause
"""Images in memory are read like files: arrays, NDData, xarray and cubes."""

import importlib
import sys

import numpy as np
import pytest
from astropy import units
from astropy.io import fits
from astropy.nddata import (
    CCDData,
    InverseVariance,
    NDData,
    StdDevUncertainty,
    UnknownUncertainty,
    VarianceUncertainty,
)
from astropy.wcs.wcsapi import SlicedLowLevelWCS
from numpy.testing import assert_allclose, assert_array_equal

from skesom.cube import Cube
from skesom.io import read_cube

IMAGE = np.arange(12, dtype=np.float32).reshape(3, 4) + 1
STACK = np.arange(24, dtype=np.float32).reshape(3, 4, 2)


# ---------------------------------------------------------------- arrays


@pytest.mark.parametrize("dtype", [">f4", "<f8", ">i2", np.uint8, np.int64, bool])
@pytest.mark.parametrize("order", ["C", "F"])
def test_arrays_have_their_bands_last(dtype, order):
    array = np.asarray(STACK % 2, dtype=dtype, order=order)
    array.flags.writeable = False
    cube = read_cube(array)
    assert cube.shape == (3, 4, 2)
    assert cube.dtype == np.float32
    assert cube.data.flags.c_contiguous
    assert cube.band_names == ("band 1", "band 2")
    assert cube.wcs is None
    assert_array_equal(cube.data, STACK % 2)


def test_several_arrays_are_bands():
    cube = read_cube([IMAGE, STACK, 2 * IMAGE])
    assert cube.band_names == ("band 1", "band 2", "band 3", "band 4")
    assert_array_equal(cube.data, np.dstack([IMAGE, STACK, 2 * IMAGE]))
    assert read_cube([IMAGE], band_names=["r"], fwhm=0.5).band_names == ("r",)


def test_quantity():
    cube = read_cube([IMAGE * units.mJy, STACK * units.Jy])
    assert cube.band_units == (units.mJy, units.Jy, units.Jy)


def test_lists_are_masks_and_errors_as_arrays_are():
    masked = IMAGE > 3
    cube = read_cube(
        IMAGE, masks=[masked.tolist()], errors=[(0.1 * IMAGE).tolist()], lazy=False
    )
    assert_array_equal(np.isnan(cube.data[:, :, 0]), masked)
    assert_allclose(cube.errors[:, :, 0][~masked], 0.1 * IMAGE[~masked], rtol=1e-6)


def test_the_array_is_not_touched():
    image = IMAGE.copy()
    cube = read_cube(image, masks=[IMAGE > 3])
    assert np.isnan(cube.data).sum() == 9
    assert_array_equal(image, IMAGE)


def test_files_and_arrays_together(tmp_path):
    CCDData(IMAGE, unit="adu").write(tmp_path / "r.fits")
    cube = read_cube([tmp_path / "r.fits", 2 * IMAGE])
    assert cube.band_names == ("r", "band 2")
    assert_array_equal(cube.data, np.dstack([IMAGE, 2 * IMAGE]))


@pytest.mark.parametrize(
    "array",
    [np.ones(4), np.ones((1, 2, 3, 4)), IMAGE * 1j, np.full((2, 3), "a"), STACK[:0]],
)
def test_what_is_no_image(array):
    with pytest.raises(ValueError, match=r"array 2 is not an image: .* of shape \("):
        read_cube([IMAGE, array])


# ---------------------------------------------------------------- cubes


def test_cube_keeps_what_it_knows(make_wcs):
    cube = Cube(
        STACK,
        wcs=make_wcs((3, 4)),
        band_names=["a", "b"],
        band_units=["Jy", None],
        fwhm=[1, np.nan],
        errors=STACK + 1,
        band_coordinates=[1, 2] * units.GHz,
    )
    again = read_cube(cube)
    assert again.band_names == cube.band_names
    assert again.band_units == cube.band_units
    assert again.wcs.wcs.compare(cube.wcs.wcs)
    assert_array_equal(again.data, cube.data)
    assert_array_equal(again.errors, cube.errors)
    assert_array_equal(again.fwhm, cube.fwhm)
    assert_array_equal(again.band_coordinates, cube.band_coordinates)
    joined = read_cube([cube, Cube(IMAGE[..., None], wcs=cube.wcs)])
    assert joined.band_names == ("a", "b", "band 1")
    assert_array_equal(joined.errors[:, :, 2], np.nan)


# ---------------------------------------------------------------- NDData


@pytest.mark.parametrize("make", [NDData, CCDData])
def test_nddata(make, make_wcs):
    meta = {"FILTER": "F502N", "FWHM": 0.07, "bad key": [1], "NOTE": np.nan}
    wcs = make_wcs((3, 4))
    cube = read_cube(make(IMAGE, unit="adu", wcs=wcs, meta=meta, mask=IMAGE > 10))
    assert cube.band_names == ("F502N",)
    assert cube.band_units == (units.adu,)
    assert_array_equal(cube.fwhm, [0.07])
    assert cube.wcs.wcs.compare(wcs.wcs)
    assert cube.wcs.array_shape == (3, 4)
    assert cube.errors is None
    assert_array_equal(cube.data[:, :, 0], np.where(IMAGE > 10, np.nan, IMAGE))


@pytest.mark.parametrize(
    ("kind", "power"),
    [(StdDevUncertainty, 1), (VarianceUncertainty, 2), (InverseVariance, -2)],
)
def test_uncertainty_of_nddata(kind, power):
    cube = read_cube(CCDData(IMAGE, unit="Jy", uncertainty=kind(IMAGE**power)))
    assert_allclose(cube.errors[:, :, 0], IMAGE, rtol=1e-6)
    unit = units.mJy**power
    cube = read_cube(
        NDData(IMAGE, unit="Jy", uncertainty=kind(IMAGE**power, unit=unit))
    )
    assert_allclose(cube.errors[:, :, 0], IMAGE / 1000, rtol=1e-6)


def test_uncertainty_of_unknown_kind():
    image = NDData(IMAGE, uncertainty=UnknownUncertainty(IMAGE))
    with pytest.raises(
        ValueError, match="array 2 has an uncertainty of an unknown kind"
    ):
        read_cube([IMAGE, image])
    assert_array_equal(read_cube(image, error_kind="std").errors[:, :, 0], IMAGE)


def test_nddata_with_a_wcs_beyond_fits(make_wcs):
    # Stands for gwcs: the common interface, but no FITS cards.
    other = SlicedLowLevelWCS(make_wcs((3, 4)), np.s_[:, :])
    with pytest.raises(ValueError, match="WCS of the class SlicedLowLevelWCS"):
        read_cube(NDData(IMAGE, wcs=other))


# ---------------------------------------------------------------- xarray


@pytest.fixture
def make_array():
    """Return the class xarray.DataArray."""
    return pytest.importorskip("xarray").DataArray


def test_xarray_finds_its_axes(make_array):
    for dims in (
        ("band", "y", "x"),
        ("y", "x", "time"),
        ("Longitude", "z", "LATITUDE"),
    ):
        array = make_array(np.arange(24.0).reshape(2, 3, 4), dims=dims)
        cube = read_cube(array)
        places = [
            next(i for i, d in enumerate(dims) if d.lower() in names)
            for names in (("y", "latitude"), ("x", "longitude"))
        ]
        band = ({0, 1, 2} - set(places)).pop()
        assert_array_equal(cube.data, array.values.transpose(*places, band))


def test_xarray_bands_are_named(make_array):
    array = make_array(STACK, dims=("y", "x", "filter"), coords={"filter": ["g", "r"]})
    assert read_cube(array).band_names == ("g", "r")
    array = make_array(STACK, dims=("y", "x", "band"), coords={"band": [1, 2]})
    assert read_cube(array).band_names == ("band 1", "band 2")
    array = array.assign_attrs(long_name=("red", "green"), units="Jy")
    assert read_cube(array).band_names == ("red", "green")
    assert read_cube(array).band_units == (units.Jy, units.Jy)
    one = make_array(IMAGE, dims=("y", "x"), name="F814W")
    assert read_cube([one, IMAGE]).band_names == ("F814W", "band 2")
    assert read_cube(make_array(IMAGE[None], dims=("time", "y", "x"))).shape[2] == 1


def test_xarray_band_coordinates(make_array):
    axis = ("wavelength", [500.0, 650.0], {"units": "nm"})
    array = make_array(
        STACK, dims=("y", "x", "wavelength"), coords={"wavelength": axis}
    )
    cube = read_cube(array)
    assert_array_equal(cube.band_coordinates.value, [500, 650])
    assert cube.band_coordinates.unit == units.nm
    assert cube.band_names == ("wavelength 500 nm", "wavelength 650 nm")


def test_xarray_without_rows_and_columns(make_array):
    wanted = r"the array has the axes lines, samples, band, .*rename\(lines='y'"
    with pytest.raises(ValueError, match=wanted):
        read_cube(make_array(STACK, dims=("lines", "samples", "band")))
    with pytest.raises(ValueError, match="Select what is one image per band"):
        read_cube(make_array(np.ones((2, 2, 3, 4)), dims=("t", "b", "y", "x")))


def test_xarray_dataset(make_array):
    dataset = make_array(IMAGE, dims=("y", "x"), name="g").to_dataset()
    with pytest.raises(ValueError, match=r"is a Dataset.*to_dataarray"):
        read_cube([dataset])
    with pytest.raises(ValueError, match=r"is a Dataset.*to_dataarray"):
        read_cube(dataset)
    assert read_cube(dataset.to_dataarray("band")).band_names == ("g",)


def test_xarray_is_never_imported(monkeypatch):
    monkeypatch.setitem(sys.modules, "xarray", None)  # an import is an error
    monkeypatch.delitem(sys.modules, "skesom.io._images")
    images = importlib.import_module("skesom.io._images")
    assert images.describe_array(IMAGE, "an array").n_bands == 1


# ---------------------------------------------------------------- HDUs


@pytest.fixture
def hdus():
    """Two images of one filter with errors and flags, as telescopes write them."""
    made = [fits.PrimaryHDU()]
    for number in (1, 2):
        made.append(fits.ImageHDU(IMAGE * number, name="SCI", ver=number))
        made.append(fits.ImageHDU(IMAGE / 10, name="ERR", ver=number))
        flags = np.int16(number * 4 < IMAGE) * 4
        made.append(fits.ImageHDU(flags, name="DQ", ver=number))
    made[0].header.update(FILTER="F814W", FWHM=0.1, BUNIT="ELECTRONS/S")
    return fits.HDUList(made)


def test_hdu_list_is_read_as_its_file(hdus, tmp_path):
    hdus.writeto(tmp_path / "m83.fits")
    for options in (
        {},
        {"hdu": 4},
        {"hdu": ("SCI", 2), "errors": "auto", "masks": "auto"},
        {"errors": "ERR", "masks": "DQ", "ignore_flags": 4},
        {"errors": 5},
        {"hdu": [1, 4], "errors": "auto", "band_names": ["a", "b"], "fwhm": [1, 2]},
    ):
        wanted = read_cube(tmp_path / "m83.fits", **options)
        with fits.open(tmp_path / "m83.fits") as opened:
            for source in (hdus, [hdus], opened):
                cube = read_cube(source, **options)
                assert cube.band_names == wanted.band_names
                assert cube.band_units == wanted.band_units
                assert_array_equal(cube.fwhm, wanted.fwhm)
                assert_array_equal(cube.data, wanted.data)
                assert (cube.errors is None) == (wanted.errors is None)
                if wanted.errors is not None:
                    assert_array_equal(cube.errors, wanted.errors)


@pytest.mark.filterwarnings(r"ignore:.*\(DQ\) flags 67% of the pixels")
def test_hdus_are_not_changed(hdus):
    before = [(hdu.header.copy(), np.copy(hdu.data)) for hdu in hdus]
    cube = read_cube(hdus, masks="auto")
    cube.data[...] = 0
    read_cube(fits.ImageHDU(IMAGE))
    for hdu, (header, data) in zip(hdus, before, strict=True):
        assert repr(hdu.header) == repr(header)
        assert_array_equal(np.asarray(hdu.data), data)


def test_several_hdus(hdus, make_wcs):
    header = make_wcs((3, 4)).to_header()
    header["FILTER"] = "r"
    for number in (1, 4):
        hdus[number].header.update(make_wcs((3, 4)).to_header())
    cube = read_cube([hdus, fits.ImageHDU(IMAGE, header)], fwhm=[1, 2])
    assert cube.band_names == ("F814W", "r")
    places = [w.pixel_to_world_values(3, 2) for w in (cube.wcs, make_wcs((3, 4)))]
    assert_allclose(*places)
    with pytest.warns(UserWarning, match="have the name 'F814W'.*F814W 1, F814W 2"):
        assert read_cube([hdus, hdus.copy()]).band_names == ("F814W 1", "F814W 2")


def test_hdus_of_opened_files_have_the_names_of_these(tmp_path):
    for name in "gr":
        fits.writeto(tmp_path / f"m83_{name}.fits", IMAGE)
    with (
        fits.open(tmp_path / "m83_g.fits") as g,
        fits.open(tmp_path / "m83_r.fits") as r,
    ):
        assert read_cube([g, r]).band_names == ("g", "r")
        assert read_cube(g).band_names == ("m83_g",)
        with pytest.raises(ValueError, match=r"m83_g\.fits is given twice"):
            read_cube([g, g])


def test_hdus_without_an_image(tmp_path):
    with pytest.raises(ValueError, match="array holds no image: its HDUs are 0 PRIM"):
        read_cube(fits.HDUList([fits.PrimaryHDU(), fits.BinTableHDU()]))
    fits.writeto(tmp_path / "a.fits", IMAGE)
    closed = fits.open(tmp_path / "a.fits", lazy_load_hdus=True)
    closed.close()
    with pytest.raises(ValueError, match=r"a\.fits was closed before it was read"):
        read_cube(closed)
