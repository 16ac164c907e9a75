# SPDX-License-Identifier: BSD-3-Clause
"""The order of the files on the command line changes nothing."""

import shutil
from pathlib import Path

import numpy as np
import pytest
from astropy.io import fits
from astropy.table import Table
from astropy.wcs import WCS

from skesom.cli import main
from skesom.cube import Cube
from skesom.datasets import make_galaxy_cube
from skesom.io import read_map, write_bands
from skesom.report._provenance import read_run

_TELL_OF_THE_COMMAND = {"provenance.json"}


@pytest.fixture(scope="module")
def files(tmp_path_factory):
    """Files of a galaxy in three filters, whose names run against the wavelengths."""
    cube, _ = make_galaxy_cube((48, 56), 3, random_state=1)
    cube = cube.replace(band_names=["c", "b", "a"], band_coordinates=None)
    paths = write_bands(tmp_path_factory.mktemp("files"), cube)
    for path, name in zip(paths, ("F336W", "Halpha", "F814W"), strict=True):
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


def contents(folder):
    """Return every file of a result, by name; times of writing are left out."""
    found = {}
    for path in sorted(Path(folder).rglob("*")):
        name = str(path.relative_to(folder))
        if path.is_file() and name not in _TELL_OF_THE_COMMAND:
            found[name] = path
    return found


def assert_same_results(first, second):
    """Compare what two runs wrote: maps, tables, pictures and lists."""
    first, second = contents(first), contents(second)
    assert first.keys() == second.keys()
    for name, path in first.items():
        other = second[name]
        if path.suffix == ".fits":
            assert fits.FITSDiff(path, other, ignore_keywords=["DATE"]).identical, name
        elif path.suffix not in (".joblib", ".skops", ".zip"):
            assert path.read_bytes() == other.read_bytes(), name


class TestCluster:
    """Two orders of the same files."""

    def test_same_maps_and_tables(self, run, files, tmp_path):
        options = ["--method", "csom", "--n-clusters", 4, "--runs", 2, "--no-pictures"]
        for name, some in (("a", files), ("b", [files[n] for n in (2, 0, 1)])):
            out = run.ok("cluster", *some, "-o", tmp_path / name, *options)
            assert "Bands in their order: F336W, Halpha, F814W." in out
        assert_same_results(tmp_path / "a", tmp_path / "b")
        columns = Table.read(tmp_path / "a" / "pixels.fits").colnames
        assert [c for c in columns if c in ("F336W", "Halpha", "F814W")] == [
            *("F336W", "Halpha", "F814W"),
        ]

    def test_options_stay_with_their_files(self, quick, files, tmp_path):
        masks = []
        for number in range(3):
            masks.append(tmp_path / f"mask{number}.fits")
            flags = np.zeros((48, 56), dtype=np.int16)
            flags[number * 5] = 1
            fits.writeto(masks[-1], flags)
        each = [
            *(files, masks, [0.08, 0.09, 0.1], [90, 200, 300], ["k", "l", "m"]),
        ]
        for name, places in (("a", [0, 1, 2]), ("b", [2, 0, 1])):
            some, flags, fwhm, saturation, names = (
                [values[place] for place in places] for values in each
            )
            quick.ok(
                *("cluster", *some, "-o", tmp_path / name, "--masks", *flags),
                *("--fwhm", *fwhm, "--saturation", *saturation),
                *("--weights", *[some_mask_weights(m) for m in flags]),
                *("--band-names", *names, "--method", "csom", "--runs", 1),
            )
        assert_same_results(tmp_path / "a", tmp_path / "b")
        told = read_run(tmp_path / "b")
        assert told.pipeline["gaps"].saturation == [90, 200, 300]
        assert told.pipeline["convolve"].fwhm == [0.08, 0.09, 0.1]
        assert told.source.order == [1, 2, 0]

    @pytest.mark.parametrize("target", ["coarsest", "u"])
    def test_several_grids(self, quick, grids, tmp_path, target):
        fwhm = [2.0, 4.0, 2.5, 5.0]
        for name, places in (("a", [0, 1, 2, 3]), ("b", [3, 0, 2, 1])):
            out = quick.ok(
                *("cluster", *(grids[place] for place in places)),
                *("-o", tmp_path / name, "--align-to", target, "--n-clusters", 4),
                *("--runs", 2, "--fwhm", *(fwhm[place] for place in places)),
                *("--conserve", "surface-brightness"),
                *("--check-registration", "no"),  # the light moves from band to band
            )
            assert "Bands in their order: u, r, i, Ks." in out
        assert_same_results(tmp_path / "a", tmp_path / "b")

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


def some_mask_weights(mask):
    """Write weights that rule out the row below that of a mask; return the file."""
    path = mask.with_name(f"weights_{mask.name}")
    if not path.exists():
        fits.writeto(path, 1.0 - np.roll(fits.getdata(mask), 1, axis=0))
    return path


class TestRepeat:
    """A run comes again in its order, whatever files are called by then."""

    def test_bit_for_bit(self, quick, grids, tmp_path):
        options = ["--n-clusters", 4, "--runs", 2]
        _, _, warned = quick(
            *("cluster", *grids[::-1], "-o", tmp_path / "first"), *options
        )
        _, out, err = quick(
            "cluster", "--from", tmp_path / "first", "-o", tmp_path / "again"
        )
        assert (err, out[-1]) == (
            warned,
            "The label map is that of the run, bit for bit.",
        )
        # Under names that would sort in another way.
        moved = [
            shutil.copy(path, tmp_path / f"{9 - n}.fits")
            for n, path in enumerate(grids[::-1])
        ]
        _, out, _ = quick(
            "cluster", "--from", tmp_path / "first", "-o", tmp_path / "more", *moved
        )
        assert out[-1] == "The label map is that of the run, bit for bit."


@pytest.fixture(scope="module")
def model(files, tmp_path_factory):
    """The model of a run on those files."""
    folder = tmp_path_factory.mktemp("model") / "result"
    command = ["cluster", *files[::-1], "-o", folder, "--n-clusters", 4, "--runs", 2]
    assert main([str(part) for part in [*command, "--no-pictures"]]) == 0
    return folder / "model.joblib"


class TestPredict:
    """Bands of a model are known by their names."""

    def predict(self, run, model, *arguments):
        more = "--trust", "--tables=no", "--no-pictures"
        return run("predict", model, *arguments, *more)

    def test_the_right_bands_in_any_order(self, run, model, files, tmp_path):
        maps = []
        for name, places in (("a", [0, 1, 2]), ("b", [1, 2, 0])):
            some = [files[place] for place in places]
            status, _, err = self.predict(run, model, *some, "-o", tmp_path / name)
            assert (status, err) == (0, [])
            maps.append(read_map(tmp_path / name / "cluster_map.fits")[0])
        np.testing.assert_array_equal(*maps)
        fitted = read_map(model.parent / "cluster_map.fits")[0]
        np.testing.assert_array_equal(maps[0], fitted)

    def test_the_same_filters_by_other_names(self, run, model, files, tmp_path):
        status, _, (line,) = self.predict(
            *(run, model, *files[::-1], "-o", tmp_path / "out"),
            *("--band-names", "WFC3 F814W", "H-alpha", "F336W"),
        )
        assert status == 0
        assert "F336W, H-alpha, WFC3 F814W are taken for F336W, Halpha, F814W" in line
        np.testing.assert_array_equal(
            read_map(tmp_path / "out" / "cluster_map.fits")[0],
            read_map(model.parent / "cluster_map.fits")[0],
        )

    @pytest.mark.parametrize(
        "names", [("x", "y", "z"), ("x", "F336W", "z"), ("F336W", "Halpha", "F555W")]
    )
    def test_unknown_names_are_refused(self, run, model, files, tmp_path, names):
        status, out, (line,) = self.predict(
            *(run, model, *files, "-o", tmp_path / "out", "--band-names", *names),
        )
        assert (status, out) == (2, [])
        for part in ("F336W, Halpha, F814W", ", ".join(names), "--band-names"):
            assert part in line
        assert not (tmp_path / "out").exists()

    def test_the_user_names_the_bands(self, run, model, files, tmp_path):
        others = []
        for number, path in enumerate(files):
            others.append(shutil.copy(path, tmp_path / f"{number}.fits"))
            fits.delval(others[-1], "FILTER")
        status, out, (line,) = self.predict(run, model, *others, "-o", tmp_path / "a")
        assert (status, out) == (2, [])
        assert "the images have 0, 1, 2" in line
        status, _, err = self.predict(
            *(run, model, *others[::-1], "-o", tmp_path / "out"),
            *("--band-names", "F814W", "Halpha", "F336W"),
        )
        assert (status, err) == (0, [])
        np.testing.assert_array_equal(
            read_map(tmp_path / "out" / "cluster_map.fits")[0],
            read_map(model.parent / "cluster_map.fits")[0],
        )

    def test_results_have_the_names_of_the_model(self, run, model, files, tmp_path):
        status, _, _ = run(
            *("predict", model, *files, "-o", tmp_path / "out", "--trust"),
            *("--band-names", "F336W", "H-alpha", "WFC3 F814W", "--no-pictures"),
        )
        assert status == 0
        columns = Table.read(tmp_path / "out" / "pixels.fits").colnames
        assert {"F336W", "Halpha", "F814W"} < set(columns)

    def test_channels_are_taken_by_their_numbers(self, run, files, tmp_path, fast):
        planes = np.stack([fits.getdata(path) for path in files])
        for name in ("one", "two"):
            fits.writeto(tmp_path / f"{name}.fits", planes)
        run("cluster", tmp_path / "one.fits", "-o", tmp_path / "first", *fast)
        status, _, (line,) = self.predict(
            *(run, tmp_path / "first", tmp_path / "two.fits", "-o", tmp_path / "out"),
        )
        assert status == 0
        assert "two 1, two 2, two 3 are taken for one 1, one 2, one 3" in line
        np.testing.assert_array_equal(
            read_map(tmp_path / "out" / "cluster_map.fits")[0],
            read_map(tmp_path / "first" / "cluster_map.fits")[0],
        )

    def test_tiles_whose_files_alone_name_the_bands(self, run, files, tmp_path, fast):
        tiles = []
        for tile in "LR":  # R is a filter too
            tiles.append([tmp_path / f"{tile}_{name}.fits" for name in "gri"])
            for path, copy in zip(files, tiles[-1], strict=True):
                fits.delval(shutil.copy(path, copy), "FILTER")
        run("cluster", *tiles[0], "-o", tmp_path / "left", *fast)
        for order in (1, -1):
            some = tiles[1][::order], tmp_path / f"right{order}"
            status, _, err = self.predict(
                run, tmp_path / "left", *some[0], "-o", some[1]
            )
            assert (status, err) == (0, [])
            np.testing.assert_array_equal(
                read_map(some[1] / "cluster_map.fits")[0],
                read_map(tmp_path / "left" / "cluster_map.fits")[0],
            )
