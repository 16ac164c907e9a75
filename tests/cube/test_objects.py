# SPDX-License-Identifier: BSD-3-Clause
"""Objects of other libraries, in transformers and in read_cube: what each knows."""

import subprocess
import sys

import numpy as np
import pytest
from astropy import units
from astropy.io import fits
from astropy.nddata import CCDData, NDData, StdDevUncertainty, VarianceUncertainty
from astropy.table import Table
from astropy.wcs import WCS
from numpy.testing import assert_allclose, assert_array_equal
from sklearn.cluster import KMeans

from skesom.cube import (
    AsinhStretch,
    BackgroundSubtractor,
    ColorScaler,
    Cube,
    CubeAligner,
    CubeMasker,
    FluxShape,
    FluxUnitConverter,
    FWHMConvolver,
    SkyMasker,
    SpatialFeatures,
)
from skesom.cube.base import check_cube
from skesom.cube.convert import as_cube
from skesom.displays.clusters import labeled_cube
from skesom.io import read_cube
from skesom.maps import CubeClusterer
from skesom.pixels import CubeFlattener, SuperpixelFlattener

BANDS, ROWS, COLUMNS = 3, 12, 13
# Bands first, as in FITS files, and last, as in a Cube.
FIRST = np.random.default_rng(0).normal(10, 1, (BANDS, ROWS, COLUMNS))
LAST = np.ascontiguousarray(np.moveaxis(FIRST, 0, 2))
MASK = FIRST > 11.5


def world(*axes):
    """Return a WCS of the sky and further axes."""
    wcs = WCS(naxis=2 + len(axes))
    wcs.wcs.ctype = ["RA---TAN", "DEC--TAN", *axes]
    wcs.wcs.cunit = ["deg", "deg", *("nm" if a == "WAVE" else "" for a in axes)]
    wcs.wcs.crval = [10, 20, *([500, 1][: len(axes)])]
    wcs.wcs.cdelt = [-0.1, 0.1, *([25, 1][: len(axes)])]
    wcs.wcs.crpix = [3, 2, *([1, 1][: len(axes)])]
    wcs.wcs.set()
    return wcs


def header(*axes):
    """Return the header of a stack in Jy / beam."""
    cards = world(*axes).to_header()
    cards.update(BUNIT="Jy/beam", BMAJ=0.2, BMIN=0.2)
    return cards


def spectral_cube(**options):
    module = pytest.importorskip("spectral_cube")
    unit = units.Jy / units.beam
    options = {"wcs": world("WAVE"), "header": header("WAVE"), **options}
    return module.SpectralCube(FIRST * unit, **options)


def spectrum(flux, **options):
    return pytest.importorskip("specutils").Spectrum(flux=flux * units.Jy, **options)


def hdu_list():
    return fits.HDUList([fits.PrimaryHDU(), fits.ImageHDU(FIRST, header("WAVE"))])


def many_beams():
    module = pytest.importorskip("spectral_cube")
    beams = pytest.importorskip("radio_beam").Beams(
        major=[2, 3, 4] * units.arcsec, minor=[2, 3, 1] * units.arcsec
    )
    unit = units.Jy / units.beam
    make = module.VaryingResolutionSpectralCube
    return make(FIRST * unit, wcs=world("WAVE"), header=header("WAVE"), beams=beams)


def data_array(array, dims, **options):
    return pytest.importorskip("xarray").DataArray(array, dims=dims, **options)


STACKS = {
    "PrimaryHDU": lambda: fits.PrimaryHDU(FIRST, header("WAVE")),
    "ImageHDU": lambda: fits.ImageHDU(FIRST, header("WAVE")),
    "CompImageHDU": lambda: fits.CompImageHDU(
        FIRST, header("WAVE"), quantize_level=0, compression_type="GZIP_2"
    ),
    "one plane of Stokes": lambda: fits.ImageHDU(FIRST[None], header("WAVE", "STOKES")),
    "HDUList": hdu_list,
    "NDData": lambda: NDData(FIRST, wcs=world("WAVE"), meta=header("WAVE")),
    "CCDData": lambda: CCDData(FIRST, wcs=world("WAVE"), unit="Jy/beam"),
    "SpectralCube": spectral_cube,
    "many beams": many_beams,
    "Spectrum": lambda: spectrum(FIRST, wcs=world("WAVE")),
}
PLAIN = {  # without a WCS
    "Spectrum last": lambda: spectrum(LAST, spectral_axis=[500, 525, 550] * units.nm),
    "Spectrum first": lambda: spectrum(
        FIRST, spectral_axis=[500, 525, 550] * units.nm, spectral_axis_index=0
    ),
    "Spectrum between": lambda: spectrum(
        FIRST.swapaxes(0, 1),
        spectral_axis=[500, 525, 550] * units.nm,
        spectral_axis_index=1,
    ),
    "DataArray": lambda: data_array(FIRST, ("band", "y", "x")),
    "DataArray, bands last": lambda: data_array(LAST, ("lat", "lon", "filter")),
    "DataArray with places": lambda: data_array(
        LAST, ("rows", "columns", "band"), coords={"columns": np.arange(COLUMNS)}
    ),
    "Quantity": lambda: LAST * units.Jy,
}
OF_ANOTHER_SHAPE = r"has the shape \(2, 13\), but its data \("
TAKERS = {"read_cube": lambda X: read_cube(X, dtype=np.float64), "check": check_cube}
takers = pytest.mark.parametrize("take", TAKERS.values(), ids=TAKERS)


@takers
@pytest.mark.parametrize("name", STACKS)
def test_a_stack_with_a_wcs(take, name):
    cube = take(STACKS[name]())
    assert_array_equal(cube.data, LAST)
    assert_allclose(
        cube.wcs.pixel_to_world_values(5, 7), world().pixel_to_world_values(5, 7)
    )
    assert_allclose(cube.band_coordinates.to_value("nm"), [500, 525, 550])
    assert cube.band_names == ("band 1", "band 2", "band 3")


@takers
@pytest.mark.parametrize("name", PLAIN)
def test_a_stack_without_a_wcs(take, name):
    cube = take(PLAIN[name]())
    assert_array_equal(cube.data, LAST)
    assert cube.wcs is None
    if name.startswith("Spectrum"):
        assert_array_equal(cube.band_coordinates.to_value("nm"), [500, 525, 550])


@takers
def test_units_and_widths(take):
    jy_per_beam = (units.Jy / units.beam,) * 3
    for name in ("ImageHDU", "HDUList", "SpectralCube"):
        cube = take(STACKS[name]())
        assert cube.band_units == jy_per_beam
        assert_allclose(cube.fwhm, 720)
    assert_allclose(take(many_beams()).fwhm, [2, 3, 2])
    assert take(PLAIN["Quantity"]()).band_units == (units.Jy,) * 3
    assert take(STACKS["Spectrum"]()).band_units == (units.Jy,) * 3


@takers
def test_masks_and_uncertainties(take):
    masked = np.where(np.moveaxis(MASK, 0, 2), np.nan, LAST)
    wave = [500, 525, 550] * units.nm
    sigma = VarianceUncertainty((FIRST / 10) ** 2, unit="Jy2")
    for thing in (
        NDData(FIRST, wcs=world("WAVE"), mask=MASK, uncertainty=sigma, unit="Jy"),
        spectrum(FIRST, wcs=world("WAVE"), mask=MASK, uncertainty=sigma),
        spectrum(
            LAST,
            spectral_axis=wave,
            mask=np.moveaxis(MASK, 0, 2),
            uncertainty=StdDevUncertainty(LAST / 10),
        ),
    ):
        cube = take(thing)
        assert_array_equal(cube.data, masked)
        assert_allclose(cube.errors, LAST / 10)
    other = NDData(FIRST, wcs=world("WAVE"), uncertainty=sigma, unit="mJy")
    assert_allclose(take(other).errors, 1000 * LAST / 10)
    module = pytest.importorskip("spectral_cube")
    mask = module.BooleanArrayMask(~MASK, wcs=world("WAVE"))
    assert_array_equal(take(spectral_cube(mask=mask)).data, masked)


@takers
def test_spectral_axis_moved_last_by_specutils(take):
    # The axes of the sky come in the other order then; their WCS must as well.
    cube = take(spectrum(FIRST, wcs=world("WAVE"), move_spectral_axis="last"))
    assert_array_equal(cube.data, LAST.transpose(1, 0, 2))
    dec, ra = cube.wcs.pixel_to_world_values(7, 5)
    assert_allclose((ra, dec), world().pixel_to_world_values(5, 7))


@takers
def test_one_image(take):
    for thing in (
        fits.ImageHDU(FIRST[0]),
        CCDData(FIRST[0], unit="Jy"),
        FIRST[0] * units.Jy,
        data_array(FIRST[0], ("y", "x")),
        spectral_cube()[0],
    ):
        assert_array_equal(take(thing).data, LAST[:, :, :1])
    assert take(spectral_cube()[0]).wcs is not None


@pytest.mark.parametrize(("unit", "places"), [("nm", [480, 650, 800]), ("1", None)])
def test_coordinates_of_a_data_array(unit, places):
    values = LAST[:, :, :3]
    coords = {"band": ("band", [480, 650, 800], {"units": unit})}
    cube = as_cube(data_array(values, ("y", "x", "band"), coords=coords))
    found = cube.band_coordinates
    assert (found if found is None else found.to_value("nm").tolist()) == places


@takers
def test_dask_and_memory_maps(take, tmp_path):
    array = pytest.importorskip("dask.array").from_array(LAST, chunks=5)
    np.save(tmp_path / "a.npy", LAST)
    for thing in (array, np.load(tmp_path / "a.npy", mmap_mode="r")):
        assert type(take(thing).data) in (np.ndarray, type(array))
        assert_array_equal(take(thing).data, LAST)
    lazy = data_array(array, ("y", "x", "band"))
    assert_array_equal(take(lazy).data, LAST)


TRANSFORMERS = [
    AsinhStretch(),
    BackgroundSubtractor(8),
    ColorScaler(),
    CubeMasker(),
    FluxShape(),
    FluxUnitConverter("mJy/beam"),
    FWHMConvolver(target_fwhm=1500.0),
    SkyMasker("mask", threshold=0.5),
    SpatialFeatures(),
]


@pytest.mark.parametrize("step", TRANSFORMERS, ids=lambda step: type(step).__name__)
def test_transformers_give_a_cube(step):
    if isinstance(step, BackgroundSubtractor):
        pytest.importorskip("photutils")
    cube = check_cube(STACKS["ImageHDU"]())
    wanted = step.fit_transform(cube)
    for name in ("ImageHDU", "HDUList", "SpectralCube"):
        got = step.fit_transform(STACKS[name]())
        assert isinstance(got, Cube)
        assert got.band_units == wanted.band_units
        assert_array_equal(got.data, wanted.data)
        assert_array_equal(step.transform(STACKS[name]()).data, wanted.data)


def test_estimators_and_flatteners():
    clusterer = CubeClusterer(KMeans(2, n_init=1, random_state=0))
    wanted = clusterer.fit_predict(LAST)
    for step in (CubeFlattener(), SuperpixelFlattener(4)):
        assert_array_equal(step.fit_transform(hdu_list()), step.fit_transform(LAST))
    for make in [*STACKS.values(), *PLAIN.values()]:
        assert_array_equal(clusterer.fit_predict(make()), wanted)
        assert_array_equal(clusterer.predict(make()), wanted)


def test_displays_find_the_axes():
    pytest.importorskip("matplotlib")
    data = np.random.default_rng(1).normal(size=(8, 8, 8))
    clusterer = CubeClusterer(KMeans(2, n_init=1, random_state=0))
    for X in (data_array(data, ("band", "y", "x")), data * units.Jy, data):
        clusterer.fit(X)
        _, cube = labeled_cube(clusterer, X)
        assert_array_equal(cube.data, check_cube(X).data)


def test_lists_of_objects():
    images = [
        CCDData(image, unit="adu", meta={"FILTER": name}, wcs=world())
        for name, image in zip("gri", FIRST, strict=True)
    ]
    cubes = CubeMasker(mask_outliers=False).fit_transform(images)
    assert [cube.band_names for cube in cubes] == [("g",), ("r",), ("i",)]
    assert_allclose(CubeAligner().fit_transform(images).data, LAST)
    with pytest.raises(ValueError, match=r"one cube, got a list of 3.*read_cube"):
        AsinhStretch().fit(images)
    with pytest.raises(ValueError, match=r"named 'band 1'.*read_cube\(images, band"):
        CubeMasker().fit([CCDData(image, unit="adu") for image in FIRST])


@takers
@pytest.mark.parametrize(
    ("make", "line"),
    [
        (lambda: fits.PrimaryHDU(), "image"),
        (lambda: fits.HDUList(), "image"),
        (lambda: NDData(FIRST[0], mask=MASK[0, :2]), OF_ANOTHER_SHAPE),
        (
            lambda: NDData(FIRST[0], uncertainty=StdDevUncertainty(FIRST[0, :2])),
            OF_ANOTHER_SHAPE,
        ),
        (lambda: fits.BinTableHDU.from_columns([]), "image"),
        (lambda: NDData(FIRST), "has 3 axes and no celestial WCS"),
        (
            lambda: NDData(FIRST[0, 0]),
            r"is not an image: .*got float64 of shape \(13,\)",
        ),
        (lambda: NDData(FIRST[0] * 1j), "is not an image: .*got complex128"),
        (lambda: LAST.astype(str), "real numbers.*got .*<U"),
        (lambda: LAST * 1j, "real numbers.*got .*complex128"),
        (lambda: np.full((2, 2, 2), None), "real numbers.*got .*object"),
        (lambda: FIRST[0, 0], "got .* of shape"),
        (lambda: FIRST[None], "got .* of shape"),
        (lambda: Table({"a": [1.0]}), r"is a table \(Table\), not an image"),
        (lambda: data_array(FIRST, ("a", "b", "c")), "has the axes a, b, c, which"),
        (
            lambda: spectrum(FIRST[0, 0], spectral_axis=np.arange(1, 14) * units.nm),
            "is a Spectrum of 1 axes. Give one with two axes of the sky",
        ),
    ],
)
def test_what_is_no_cube(take, make, line):
    with pytest.raises(ValueError, match=line) as caught:
        take(make())
    assert "\n" not in str(caught.value)


def test_a_list_of_several_images_in_a_transformer():
    hdus = hdu_list()
    hdus.append(fits.ImageHDU(FIRST, name="ERR"))
    with pytest.raises(ValueError, match=r"got 2 in 3 HDUs. Choose with .*read_cube"):
        AsinhStretch().fit(hdus)


def test_meta_data_of_any_kind():
    header = fits.Header()
    header["HIERARCH skesom.cube.Cube"] = 3
    assert check_cube(CCDData(FIRST[0], unit="Jy", meta=header)).shape == (12, 13, 1)
    meta = {"FILTER": "r", "OBJECT": "M83, \u03b1\n", "many": [1], "NOTE": np.nan, 3: 4}
    assert check_cube(NDData(FIRST[0], meta=meta)).band_names == ("r",)


def test_no_library_is_imported():
    code = """
import sys
sys.modules.update(dict.fromkeys(["spectral_cube", "specutils", "xarray"]))
import numpy as np
from astropy.io import fits
from skesom.cube.base import check_cube
for X in (np.ones((2, 2, 1)), fits.ImageHDU(np.ones((2, 2)))):
    check_cube(X)
"""  # an import is an error
    subprocess.run([sys.executable, "-c", code], check=True)


class TestOrder:
    """The bands of fit, in their order."""

    cube = Cube(
        LAST, band_names=["g", "r", "i"], fwhm=[700, 750, 800], pixel_scale=(360, 360)
    )
    steps = pytest.mark.parametrize(
        "step",
        [*TRANSFORMERS, CubeClusterer(KMeans(2, n_init=1)), CubeFlattener()],
        ids=lambda step: type(step).__name__,
    )

    def fitted(self, step):
        if isinstance(step, BackgroundSubtractor):
            pytest.importorskip("photutils")
        if isinstance(step, FluxUnitConverter):
            self.cube = self.cube.replace(
                band_units=["Jy/beam"] * 3, pixel_scale=(9, 9)
            )
        if isinstance(step, FWHMConvolver):
            self.cube = self.cube.replace(pixel_scale=(360, 360))
        return step.fit(self.cube)

    @staticmethod
    def method(step):
        return step.predict if hasattr(step, "predict") else step.transform

    @steps
    def test_another_order_and_other_names_are_refused(self, step):
        step = self.fitted(step)
        assert list(step.feature_names_in_) == ["g", "r", "i"]
        other = self.cube[["i", "g", "r"]]
        line = "X has the bands i, g, r, but .* was fitted on g, r, i, in this order"
        with pytest.raises(ValueError, match=line):
            self.method(step)(other)
        wanted = self.method(step)(self.cube)
        again = self.method(step)(other[list(step.feature_names_in_)])
        assert_array_equal(again, wanted)
        with pytest.raises(ValueError, match=r"bands g, r, z, .*rename them"):
            self.method(step)(self.cube.replace(band_names=["g", "r", "z"]))
        # Bands without names come as they are.
        unnamed = self.cube.replace(band_names=None)
        assert_array_equal(self.method(step)(unnamed), wanted)

    def test_a_list_of_cubes(self):
        cubes = [self.cube[["g"]], self.cube[["r", "i"]]]
        step = CubeMasker(mask_outliers=False).fit(cubes)
        assert list(step.feature_names_in_) == ["g", "r", "i"]
        with pytest.raises(ValueError, match="has the bands g, i, r, but"):
            step.transform([cubes[0], cubes[1][["i", "r"]]])

    @pytest.mark.parametrize(
        ("known", "given", "fits"),
        [
            ("band 1,band 2", "band 1,band 2", True),
            ("band 1,band 2", "r,i", True),
            ("r,i", "band 1,band 2", True),
            ("m83 1,m83 2", "m101 1,m101 2", True),
            ("m83 1,m83 2", "m83 2,m83 1", False),
            ("m83 1,m83 2", "m83 3,m83 4", False),
            ("IRAC 1,IRAC 2", "r,i", False),
            ("r,i", "1,2", False),
            ("m83 1 to m83 2,m83 3", "m101 1 to m101 2,m101 3", True),
            ("m83 1 to m83 2,m83 3", "m83 1 to m83 3,m83 4", False),
            ("band 1 to band 2,band 3", "u to g,r", True),
            ("u to g,r", "r to u,g", False),
        ],
    )
    def test_which_names_can_be_the_same_bands(self, known, given, fits):
        cube = self.cube[:, :, :2]
        step = AsinhStretch().fit(cube.replace(band_names=known.split(",")))
        other = cube.replace(band_names=given.split(","))
        if fits:
            step.transform(other)
        else:
            with pytest.raises(ValueError, match="in this order"):
                step.transform(other)


def test_dask_stays_lazy():
    def fail(block):
        raise AssertionError("computed")

    array = pytest.importorskip("dask.array").from_array(LAST, chunks=(2, 3, 1))
    cubes = []
    for thing in (array, data_array(array, ("y", "x", "band"))):
        with pytest.warns(UserWarning, match="chunks"):
            cubes.append(as_cube(thing))
    cubes.append(as_cube(data_array(array[:, :, 0], ("y", "x"))))
    for cube in cubes:
        assert cube.is_lazy
        assert_array_equal(cube.compute().data, LAST[:, :, : cube.shape[2]])
    # And values are not touched.
    array = pytest.importorskip("dask.array").from_array(
        LAST, chunks=(2, *LAST.shape[1:])
    )
    array = array.map_blocks(fail, meta=array._meta)
    assert as_cube(data_array(array, ("y", "x", "band"))).is_lazy
    assert read_cube(data_array(array, ("y", "x", "band")), lazy=True).is_lazy
