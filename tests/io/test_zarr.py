# SPDX-License-Identifier: BSD-3-Clause
"""Cubes as groups of Zarr and as DataArrays of xarray, with all their parts."""

import importlib
import json
import os
import shutil
import stat
import sys
from pathlib import Path

import dask.array as da
import numpy as np
import pytest
import xarray
from astropy import units
from numpy.testing import assert_allclose, assert_array_equal

from skesom._sky.grids import Grid, same_grid
from skesom.cube import Cube
from skesom.cube.convert import as_cube
from skesom.datasets import make_galaxy_cube
from skesom.io import read_cube, read_map, write_cube, write_map
from skesom.io.label_maps import read_cluster_names
from tests.helpers.block_sizes import set_size

SHAPE = 37, 50


@pytest.fixture(scope="module")
def cube():
    cube, truth = make_galaxy_cube(SHAPE, random_state=0)
    return cube[["F814W", "F657N", "F438W"]].replace(
        errors=abs(cube.data[:, :, :3]),
        sky_mask=truth == 1,
        band_units=["Jy", None, units.electron / units.s],
        band_coordinates=[814, 657, np.nan] * units.nm,
        zero_points=[np.nan, 25.0, 24.5],
        diffraction_fwhm=[0.1, np.nan, 0.07],
    )


@pytest.fixture(params=["memory", 1, 7, 37])
def given(request, cube):
    """The cube in memory, and in strips."""
    if request.param == "memory":
        return cube
    data = da.from_array(cube.data, chunks=(request.param, SHAPE[1], 3))
    return cube.replace(data=data, errors=cube.errors)


def same(found, cube):
    found = found.compute()
    for name in ("data", "errors", "sky_mask", "fwhm", "zero_points"):
        assert_array_equal(getattr(found, name), getattr(cube, name))
        assert getattr(found, name).dtype == getattr(cube, name).dtype
    assert_array_equal(found.diffraction_fwhm, cube.diffraction_fwhm)
    assert found.band_coordinates.unit == cube.band_coordinates.unit
    assert_array_equal(found.band_coordinates.value, cube.band_coordinates.value)
    assert (found.band_names, found.band_units) == (cube.band_names, cube.band_units)
    assert_allclose(found.pixel_scale, cube.pixel_scale, rtol=1e-12)
    if cube.wcs is None:
        assert found.wcs is None
    else:
        grids = [Grid(one.wcs, one.shape[:2]) for one in (found, cube)]
        assert same_grid(*grids)
        assert found.wcs.array_shape == found.shape[:2]


class TestZarr:
    """A folder from which strips are read."""

    @pytest.mark.parametrize("lazy", [False, True])
    def test_round_trip(self, given, cube, lazy, tmp_path):
        write_cube(tmp_path / "m83.zarr", given)
        assert os.listdir(tmp_path) == ["m83.zarr"]
        found = read_cube(tmp_path / "m83.zarr", lazy=lazy)
        assert found.is_lazy is lazy
        same(found, cube)

    def test_without_most_parts(self, tmp_path):
        plain = Cube(np.ones((4, 5, 2)), pixel_scale=(0.5, 0.25))
        write_cube(tmp_path / "m83.zarr", plain)
        found = read_cube(str(tmp_path / "m83.zarr"))
        assert found.wcs is None
        assert tuple(found.pixel_scale) == (0.5, 0.25)
        assert found.band_coordinates is None
        assert found.errors is None
        assert found.band_units == (None, None)

    def test_bands_of_groups_and_files_are_joined(self, given, cube, tmp_path):
        write_cube(tmp_path / "m83.zarr", given)
        paths = [tmp_path / "m83.zarr", cube.data[:, :, 0]]
        with pytest.warns(UserWarning, match="without a WCS"):
            found = read_cube(paths, lazy=True)
        wanted = np.concatenate([cube.data, cube.data[:, :, :1]], axis=2)
        assert_array_equal(np.asarray(found), wanted)

    def test_strips_are_chunks(self, cube, tmp_path, monkeypatch):
        set_size(monkeypatch, "strip", values=1, rows=8)
        write_cube(tmp_path / "m83.zarr", cube)
        text = (tmp_path / "m83.zarr" / "data" / "zarr.json").read_text()
        chunks = json.loads(text)["chunk_grid"]["configuration"]["chunk_shape"]
        assert chunks == [8, SHAPE[1], 3]

    def test_overwrites_only_groups(self, cube, tmp_path):
        path = tmp_path / "m83.zarr"
        write_cube(path, cube.replace(data=-cube.data))
        with pytest.raises(FileExistsError, match=r"m83\.zarr exists already"):
            write_cube(path, cube)
        write_cube(path, cube, overwrite=True)
        assert_array_equal(read_cube(path).data, cube.data)
        assert os.listdir(tmp_path) == ["m83.zarr"]
        shutil.rmtree(path)
        path.mkdir()
        with pytest.raises(FileExistsError, match="if it is a group"):
            write_cube(path, cube, overwrite=True)

    @pytest.mark.parametrize("fault", [OSError(28, "No space"), KeyboardInterrupt()])
    @pytest.mark.parametrize("number", [1, 2])
    def test_a_fault_when_it_is_put_in_place_leaves_the_old_one(
        self, cube, tmp_path, monkeypatch, number, fault
    ):
        path = tmp_path / "m83.zarr"
        write_cube(path, cube)
        usual, calls = os.rename, []

        def fail(*args):
            if tmp_path in [Path(each).parent for each in args]:  # not of zarr itself
                calls.append(args)
            if len(calls) == number:
                calls.append(None)
                raise fault
            return usual(*args)

        monkeypatch.setattr(os, "rename", fail)
        with pytest.raises(type(fault)):
            write_cube(path, cube.replace(data=-cube.data), overwrite=True)
        assert os.listdir(tmp_path) == ["m83.zarr"]
        assert_array_equal(read_cube(path).data, cube.data)

    @pytest.mark.skipif(os.name != "posix", reason="needs the modes of POSIX")
    def test_its_mode_is_that_of_before(self, cube, tmp_path):
        path = tmp_path / "m83.zarr"
        write_cube(path, cube)
        path.chmod(0o700)
        write_cube(path, cube, overwrite=True)
        assert stat.S_IMODE(path.stat().st_mode) == 0o700

    def test_failure_leaves_nothing(self, cube, tmp_path):
        def fail(block):
            raise RuntimeError("on purpose")

        data = da.from_array(cube.data, chunks=(7, SHAPE[1], 3))
        data = data.map_blocks(fail, meta=data._meta)
        with pytest.raises(RuntimeError, match="on purpose"):
            write_cube(tmp_path / "m83.zarr", cube.replace(data=data))
        assert os.listdir(tmp_path) == []

    def test_wrong_places(self, cube, tmp_path):
        with pytest.raises(ValueError, match=r"must end in '\.zarr'"):
            write_cube(tmp_path / "m83.fits", cube)
        with pytest.raises(FileNotFoundError, match="does not exist"):
            write_cube(tmp_path / "no" / "m83.zarr", cube)
        with pytest.raises(OSError, match=r"m83\.zarr is no readable group"):
            read_cube(tmp_path / "m83.zarr")

    @pytest.mark.parametrize("change", ["remove", "replace"])
    def test_group_that_changes(self, cube, change, tmp_path):
        path = tmp_path / "m83.zarr"
        write_cube(path, cube)
        lazy = read_cube(path, lazy=True)
        shutil.rmtree(path)
        if change == "replace":
            write_cube(path, cube.replace(data=-cube.data))
            os.utime(path / "zarr.json", (1, 1))
        with pytest.raises(OSError, match=r"m83\.zarr was changed or removed"):
            lazy.compute()

    @pytest.mark.parametrize(
        "text",
        [
            "{",
            "3",
            '{"wcs": "NAXIS = 1e9"}',
            '{"fwhm": ["x"]}',
            '{"places": [1]}',
            "{}",
            '{"band_names": 3}',
        ],
    )
    def test_hostile_descriptions(self, cube, text, tmp_path):
        path = tmp_path / "m83.zarr"
        write_cube(path, cube)
        file = path / "data" / "zarr.json"
        known = json.loads(file.read_text())
        known["attributes"]["skesom"] = text
        file.write_text(json.dumps(known))
        with pytest.raises(ValueError, match=r"m83\.zarr"):
            read_cube(path)

    @pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="there are no pipes")
    def test_pipe_as_a_chunk(self, tmp_path):
        path = tmp_path / "m83.zarr"
        write_cube(path, np.ones((4, 5, 2)))
        chunk = path / "data" / "c" / "0" / "0" / "0"
        chunk.unlink()
        os.mkfifo(chunk)
        with pytest.raises(OSError, match=r"no readable group.*0/0/0 is no file"):
            read_cube(path)
        with pytest.raises(OSError, match=r"no readable group .* is no file"):
            read_cube("http://localhost/m83.zarr")

    def test_damaged_chunk(self, tmp_path):
        path = tmp_path / "m83.zarr"
        write_cube(path, np.ones((4, 5, 2)))
        (path / "data" / "c" / "0" / "0" / "0").write_bytes(b"x" * 99)
        with pytest.raises(OSError, match=r"m83\.zarr is damaged \("):
            read_cube(path).compute()

    def test_older_formats_are_refused(self, tmp_path):
        # Their compressors may run code.
        values = xarray.DataArray(np.ones((4, 5, 2)), dims=("y", "x", "band"))
        values.to_zarr(tmp_path / "m83.zarr", zarr_format=2, consolidated=False)
        with pytest.raises(OSError, match=r"m83\.zarr is no readable group of Zarr 3"):
            read_cube(tmp_path / "m83.zarr")

    def test_tells_what_to_install(self, cube, tmp_path, monkeypatch):
        monkeypatch.setitem(sys.modules, "zarr", None)
        with pytest.raises(ImportError, match=r"skesom\[zarr\]"):
            write_cube(tmp_path / "m83.zarr", cube)
        with pytest.raises(ImportError, match=r"skesom\[zarr\]"):
            read_cube(tmp_path / "m83.zarr")


class TestXarray:
    """An array whose axes have names and coordinates."""

    def test_round_trip(self, given, cube):
        array = given.to_xarray()
        assert array.dims == ("y", "x", "band")
        assert array.band.values.tolist() == ["F814W", "F657N", "F438W"]
        assert_array_equal(array.y, np.arange(SHAPE[0]))
        assert as_cube(array).is_lazy is given.is_lazy
        same(as_cube(array), cube)
        same(as_cube(array.transpose("band", "x", "y")), cube)

    def test_selections(self, given, cube):
        array = given.to_xarray()
        same(as_cube(array[3:20, 5:]), cube[3:20, 5:])
        same(as_cube(array[5:, 3:20]), cube[5:, 3:20])
        same(as_cube(array[::2, 1::3]), cube[::2, 1::3])
        same(as_cube(array.sel(band=["F438W", "F814W"])), cube[["F438W", "F814W"]])
        same(as_cube(array.sel(band="F657N")), cube[["F657N"]])
        same(as_cube(array.isel(y=[4])), cube[4:5])

    def test_other_pixels_are_refused(self, cube):
        array = cube.to_xarray()
        for part in (
            array.isel(y=[1, 5, 6]),
            array[::-1],
            array.coarsen(x=2, y=2, boundary="trim").mean(),
        ):
            with pytest.raises(ValueError, match="not whole numbers at equal steps"):
                as_cube(part)
        with pytest.raises(ValueError, match="does not fit the cube"):
            as_cube(array.assign_coords(band=["a", "b", "c"]))

    def test_map_gets_coordinates(self, cube):
        array = cube.to_xarray()
        image = xarray.DataArray(cube.sky_mask, {"y": array.y, "x": array.x})
        assert image.dims == ("y", "x")
        assert_array_equal(array.where(~image).isnull()[:, :, 0], cube.sky_mask)

    def test_unit(self, cube):
        assert "units" not in cube.to_xarray().attrs
        assert cube[["F814W"]].to_xarray().attrs["units"] == "Jy"

    def test_lookup_tables_are_refused(self, cube):
        from astropy.wcs import DistortionLookupTable

        wcs = cube.wcs.deepcopy()
        table = np.zeros((2, 2), dtype=np.float32)
        wcs.cpdis1 = DistortionLookupTable(table, (1, 1), (1, 1), (1, 1))
        with pytest.raises(ValueError, match="lookup tables, which only FITS"):
            cube.replace(wcs=wcs).to_xarray()

    def test_tells_what_to_install(self, cube, monkeypatch):
        monkeypatch.setitem(sys.modules, "xarray", None)
        with pytest.raises(ImportError, match=r"skesom\[zarr\]"):
            cube.to_xarray()
        assert importlib.import_module("skesom").Cube is Cube


class TestMaps:
    @pytest.mark.parametrize("lazily", [False, True])
    def test_round_trip(self, cube, lazily, tmp_path):
        labels = np.random.default_rng(0).integers(-3, 8, SHAPE).astype(np.int32)
        path = tmp_path / "map.zarr"
        write_map(
            path, da.from_array(labels, chunks=9) if lazily else labels, cube=cube
        )
        found, wcs = read_map(path)
        assert isinstance(found, da.Array)
        assert found.dtype == np.int32
        assert_array_equal(found, labels)
        assert same_grid(Grid(wcs, SHAPE), Grid(cube.wcs, SHAPE))
        with pytest.raises(FileExistsError, match="exists already"):
            write_map(path, labels)
        assert read_cluster_names(path) == {}
        write_map(path, labels + 1, overwrite=True)
        found, wcs = read_map(path)
        assert wcs is None
        assert_array_equal(found, labels + 1)

    def test_what_is_no_map(self, cube, tmp_path):
        path = tmp_path / "cube.zarr"
        write_cube(path, cube)
        with pytest.raises(ValueError, match="is not a label map"):
            read_map(path)
        wrong = da.full(SHAPE, -4, chunks=10, dtype=np.int32)
        with pytest.raises(ValueError, match="holds labels from -4"):
            write_map(tmp_path / "map.zarr", wrong)
        assert [each.name for each in tmp_path.iterdir()] == ["cube.zarr"]
        write_map(tmp_path / "map.zarr", np.zeros(SHAPE, dtype=int))
        file = tmp_path / "map.zarr" / "labels" / "zarr.json"
        text = json.loads(file.read_text())
        text["attributes"].pop("skesom")
        file.write_text(json.dumps(text))
        with pytest.raises(ValueError, match="no whole label map"):
            read_map(tmp_path / "map.zarr")
