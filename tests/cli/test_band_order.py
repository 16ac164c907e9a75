# SPDX-License-Identifier: BSD-3-Clause
"""The order of the files on the command line changes nothing."""

import shutil
import warnings

import numpy as np
import pytest
from astropy.io import fits
from astropy.table import Table
from astropy.wcs import WCS

from skesom.cube import Cube
from skesom.datasets import make_galaxy_cube
from skesom.io import write_bands
from skesom.runs.matching_bands import order_for_model

SHAPE = 32, 36
NAMES = ["F336W", "Halpha", "F814W"]


@pytest.fixture(scope="module")
def files(tmp_path_factory):
    """Files of a galaxy in three filters, whose names run against the wavelengths."""
    cube, _ = make_galaxy_cube(SHAPE, 3, random_state=1)
    cube = cube.replace(band_names=["c", "b", "a"], band_coordinates=None)
    paths = write_bands(tmp_path_factory.mktemp("files"), cube)
    for path, name in zip(paths, NAMES, strict=True):
        fits.setval(path, "FILTER", value=name)
    return paths


@pytest.fixture(scope="module")
def grids(tmp_path_factory):
    """The same sky in four bands on two grids, between which wavelengths alternate."""
    folder = tmp_path_factory.mktemp("grids")
    paths = []
    for name, size, seed in (("u", 1, 0), ("r", 2, 1), ("i", 1, 2), ("Ks", 2, 3)):
        shape = (80 // size, 96 // size)
        wcs = WCS(naxis=2)
        wcs.wcs.ctype = ["RA---TAN", "DEC--TAN"]
        wcs.wcs.crval, wcs.wcs.cdelt = [10, 20], [-size / 3600, size / 3600]
        wcs.wcs.crpix = [(shape[1] + 1) / 2, (shape[0] + 1) / 2]
        rows, columns = (np.indices(shape) - np.reshape(shape, (2, 1, 1)) / 2) * size
        image = 100 * np.exp(-np.hypot(rows + 3 * seed, columns) / (8 + 3 * seed))
        image += np.random.default_rng(seed).normal(0, 1, shape)
        cube = Cube(image[:, :, None].astype(np.float32), wcs=wcs, band_names=[name])
        paths += write_bands(folder, cube)
    return paths


def assert_same_results(first, second):
    """Compare the contents of two folders: maps, tables, pictures and lists."""
    assert first.keys() == second.keys()
    for name, content in first.items():
        if name.endswith(".fits"):
            hdus = map(fits.HDUList.fromstring, (content, second[name]))
            assert fits.FITSDiff(*hdus, ignore_keywords=["DATE"]).identical, name
        elif not name.endswith((".joblib", ".skops", ".zip", "provenance.json")):
            assert content == second[name], name


@pytest.fixture
def prepared(made_by):
    """What options make of images: the source, the pipeline, and its last cube."""

    def prepare(*arguments):
        source, pipeline = made_by(*arguments)
        return source, pipeline, pipeline[:-1].fit_transform(source.read())

    return prepare


class TestCluster:
    """Two orders of the same files."""

    def test_same_maps_and_tables(self, run, files, contents, fast, tmp_path):
        options = [*fast, "--tables=yes"]
        for name, some in (("a", files), ("b", [files[n] for n in (2, 0, 1)])):
            out = run.ok("cluster", *some, "-o", tmp_path / name, *options)
            assert "Bands in their order: F336W, Halpha, F814W." in out
        assert_same_results(*(contents(tmp_path / name) for name in "ab"))
        columns = Table.read(tmp_path / "a" / "pixels.fits").colnames
        assert [c for c in columns if c in NAMES] == NAMES

    def test_options_stay_with_their_files(self, prepared, files, tmp_path):
        masks, weights = [], []
        for number in range(3):
            flags = np.zeros(SHAPE, dtype=np.int16)
            flags[number * 5] = 1
            masks.append(tmp_path / f"mask{number}.fits")
            fits.writeto(masks[-1], flags)
            weights.append(tmp_path / f"weights{number}.fits")
            fits.writeto(weights[-1], 1.0 - np.roll(flags, 1, axis=0))
        fwhm, saturation, names = [0.08, 0.09, 0.1], [90, 200, 300], ["k", "l", "m"]
        cubes = []
        for places in ([0, 1, 2], [2, 0, 1]):
            some, flags, rows, widths, levels, called = (
                [values[place] for place in places]
                for values in (files, masks, weights, fwhm, saturation, names)
            )
            source, pipeline, cube = prepared(
                *(*some, "--masks", *flags, "--weights", *rows, "--fwhm", *widths),
                *("--saturation", *levels, "--band-names", *called),
            )
            assert pipeline["gaps"].saturation == saturation
            assert pipeline["convolve"].fwhm == fwhm
            assert cube.band_names == tuple(names)
            lost = np.isnan(source.read().data)
            for band in range(3):  # by its own flags and weights
                assert lost[:, :, band].all(axis=1).nonzero()[0].tolist() == [
                    *(band * 5, band * 5 + 1),
                ]
            cubes.append(cube.data)
        assert source.order == [1, 2, 0]
        np.testing.assert_array_equal(*cubes)

    @pytest.mark.parametrize("target", ["coarsest", "u"])
    def test_several_grids(self, prepared, grids, target):
        fwhm, cubes = [2.0, 4.0, 2.5, 5.0], []
        for places in ([0, 1, 2, 3], [3, 0, 2, 1]):
            _, _, cube = prepared(
                *(*(grids[place] for place in places), "--align-to", target),
                *("--fwhm", *(fwhm[place] for place in places)),
                *("--conserve", "surface-brightness"),
                *("--register", "no"),  # the light moves from band to band
            )
            assert cube.band_names == ("u", "r", "i", "Ks")
            cubes.append(cube.data)
        np.testing.assert_array_equal(*cubes)

    @pytest.mark.parametrize("target", ["first", "0"])
    def test_the_first_file_is_still_the_first(self, made_by, grids, target):
        for some, expected in ((grids, 0), (grids[::-1], 3)):
            _, pipeline = made_by(*some, "--align-to", target)
            assert pipeline["align"].align_to == expected

    @pytest.mark.parametrize("option", ["--fwhm", "--saturation"])
    def test_wrong_numbers_of_options_are_refused(self, refused, files, option):
        name = option.strip("-")
        text = f"{name} must be one number or one for each of the 3 bands"
        refused("cluster", *files, option, 1, 2, parts=[text, "got 2"])


class TestRepeat:
    """A run comes again in its order, whatever files are called by then."""

    def test_bit_for_bit(self, run, grids, fast, repeat, tmp_path):
        first = tmp_path / "first"
        _, _, warned = run("cluster", *grids[::-1], "-o", first, *fast)
        # Under names that would sort in another way.
        moved = [
            shutil.copy(path, tmp_path / f"{9 - n}.fits")
            for n, path in enumerate(grids[::-1])
        ]
        repeat(first, *moved, warned=warned)


ORDERS = [
    (NAMES[::-1], [2, 1, 0], None),
    (["WFC3 F814W", "H-alpha", "F336W"], [2, 1, 0], "F336W, H-alpha, WFC3 F814W"),
    (["x", "y", "z"], None, None),
    (["x", "F336W", "z"], None, None),
    (["F336W", "Halpha", "F555W"], None, None),
]


@pytest.mark.parametrize(("given", "order", "taken"), ORDERS)
def test_bands_of_a_model_are_known_by_their_names(given, order, taken):
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        if order is None:
            with pytest.raises(ValueError, match="band_names") as error:
                order_for_model(given, NAMES)
            for part in (", ".join(NAMES), ", ".join(given)):
                assert part in str(error.value)
        else:
            assert order_for_model(given, NAMES) == order
    texts = [f"The bands {taken} are taken for {', '.join(NAMES)}, in this order."]
    assert [str(each.message) for each in caught] == texts * bool(taken)


def test_tiles_whose_files_alone_name_the_bands(made_by, files, tmp_path):
    """L and R are tiles, though R is a filter too."""
    names = []
    for tile in "LR":
        paths = [tmp_path / f"{tile}_{name}.fits" for name in "gri"]
        for path, copy in zip(files, paths, strict=True):
            fits.delval(shutil.copy(path, copy), "FILTER")
        orders = paths, paths[::-1]
        names.append([made_by(*some)[0].plan.band_names for some in orders])
    assert order_for_model(names[1][0], names[0][0]) == [0, 1, 2]
    assert order_for_model(names[1][1], names[0][0]) == [2, 1, 0]


@pytest.fixture(scope="module")
def model(command, files, fast, tmp_path_factory):
    """The folder of a run on those files."""
    folder = tmp_path_factory.mktemp("model") / "result"
    command("cluster", *files[::-1], "-o", folder, *fast)
    return folder


class TestPredict:
    """A model takes the bands in its order, and the results have its names."""

    def test_the_same_filters_by_other_names(
        self, run, model, files, labels_in, tmp_path
    ):
        out = tmp_path / "out"
        status, _, (line,) = run(
            *("predict", model, *files[::-1], "-o", out, "--no-pictures"),
            *("--band-names", "WFC3 F814W", "H-alpha", "F336W"),
        )
        assert status == 0
        assert "F336W, H-alpha, WFC3 F814W are taken for F336W, Halpha, F814W" in line
        np.testing.assert_array_equal(labels_in(out), labels_in(model))
        assert {*NAMES} < {*Table.read(out / "pixels.fits").colnames}

    def test_the_user_names_the_bands(self, quick, model, files, labels_in, tmp_path):
        others, out = [], tmp_path / "out"
        for number, path in enumerate(files):
            others.append(shutil.copy(path, tmp_path / f"{number}.fits"))
            fits.delval(others[-1], "FILTER")
        line = quick.fails("predict", model, *others, "-o", out)
        assert "the images have 0, 1, 2" in line
        assert not out.exists()
        named = "--band-names", "F814W", "Halpha", "F336W"
        quick.ok("predict", model, *others[::-1], "-o", out, *named)
        np.testing.assert_array_equal(labels_in(out), labels_in(model))

    def test_channels_are_taken_by_their_numbers(
        self, quick, files, fast, labels_in, tmp_path
    ):
        planes = np.stack([fits.getdata(path) for path in files])
        for name in ("one", "two"):
            fits.writeto(tmp_path / f"{name}.fits", planes)
        first, out = tmp_path / "first", tmp_path / "out"
        quick("cluster", tmp_path / "one.fits", "-o", first, *fast)
        predict = "predict", first, tmp_path / "two.fits", "-o", out
        status, _, (line,) = quick(*predict)
        assert status == 0
        assert "two 1, two 2, two 3 are taken for one 1, one 2, one 3" in line
        np.testing.assert_array_equal(labels_in(out), labels_in(first))
