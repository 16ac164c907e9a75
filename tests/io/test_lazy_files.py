# SPDX-License-Identifier: BSD-3-Clause
"""Lazy cubes and maps are written in strips, byte for byte like those in memory."""

import os

import dask
import dask.array as da
import numpy as np
import pytest
from astropy import units
from numpy.testing import assert_array_equal

from skesom.cube import Cube
from skesom.io import read_cube, read_map, write_bands, write_map
from skesom.pixels import cluster_table

SHAPE = 20, 30


@pytest.fixture
def labels():
    return np.random.default_rng(1).integers(-3, 6, SHAPE).astype(np.int32)


@pytest.fixture(params=[np.float32, np.float64])
def cube(request, make_wcs):
    rng = np.random.default_rng(2)
    data = rng.normal(size=(*SHAPE, 3)).astype(request.param)
    data[4:9, 5:] = np.nan
    data[:, :10, 1] = 0
    data[:3, :, 1] = -0.0
    data[:, :, 2] *= 1e30
    return Cube(
        data,
        wcs=make_wcs(SHAPE),
        band_names=["g", "[O III]", "r"],
        band_units=["Jy", "Jy", units.MJy / units.sr],
        fwhm=[1.0, np.nan, 0.8],
        errors=np.abs(data),
    )


def make_lazy(cube, height):
    data = da.from_array(cube.data, chunks=(height, *cube.shape[1:]))
    return cube.replace(data=data, errors=cube.errors)


def count_blocks(array):
    """Return a lazy array and a list that grows with each block that is computed."""
    seen = []

    def count(block):
        seen.append(len(block))
        return block

    return array.map_blocks(count, meta=array._meta), seen


def test_bytes_of_bands(cube, tmp_path):
    wanted = write_bands(tmp_path / "wanted", cube)
    for height in (1, 7, 20):
        lazy = make_lazy(cube, height)
        data, seen = count_blocks(lazy.data)
        lazy = lazy.replace(data=data, errors=lazy.errors)
        found = write_bands(tmp_path / str(height), lazy)
        for path, other in zip(found, wanted, strict=True):
            assert path.read_bytes() == other.read_bytes()
        assert len(os.listdir(tmp_path / str(height))) == 3
        assert sum(seen) == SHAPE[0]


@pytest.mark.parametrize("cube", [np.float32], indirect=True)
def test_bands_of_processes(cube, tmp_path):
    wanted = write_bands(tmp_path / "wanted", cube)
    with dask.config.set(scheduler="processes", num_workers=1):
        found = write_bands(tmp_path / "found", make_lazy(cube, 7))
    for path, other in zip(found, wanted, strict=True):
        assert path.read_bytes() == other.read_bytes()


def test_nothing_is_left_of_a_failure(cube, tmp_path):
    def fail(block):
        raise RuntimeError("on purpose")

    data = make_lazy(cube, 7).data.map_blocks(fail, meta=np.empty((0, 0, 0)))
    with pytest.raises(RuntimeError, match="on purpose"):
        write_bands(tmp_path, cube.replace(data=data))
    labels = data[:, :, 0].astype(np.int32)
    with pytest.raises(RuntimeError, match="on purpose"):
        write_map(tmp_path / "map.fits", labels)
    assert os.listdir(tmp_path) == []


class TestMaps:
    """Label maps, with the table of their clusters."""

    @pytest.mark.parametrize(
        ("lazy", "height"), [("both", 1), ("both", 7), ("labels", 7), ("cube", 20)]
    )
    def test_bytes(self, labels, cube, lazy, height, tmp_path):
        write_map(tmp_path / "wanted.fits", labels, cube=cube)
        flux = cube if lazy == "labels" else make_lazy(cube, height)
        image = labels if lazy == "cube" else da.from_array(labels, chunks=(3, 11))
        write_map(tmp_path / "found.fits", image, cube=flux)
        wanted = (tmp_path / "wanted.fits").read_bytes()
        assert (tmp_path / "found.fits").read_bytes() == wanted
        assert sorted(os.listdir(tmp_path)) == ["found.fits", "wanted.fits"]

    def test_without_fluxes(self, labels, make_wcs, tmp_path):
        wcs = make_wcs(SHAPE)
        write_map(tmp_path / "wanted.fits", labels, wcs=wcs)
        image, seen = count_blocks(da.from_array(labels, chunks=(7, 30)))
        write_map(tmp_path / "found.fits", image, wcs=wcs)
        wanted = (tmp_path / "wanted.fits").read_bytes()
        assert (tmp_path / "found.fits").read_bytes() == wanted
        assert sum(seen) == SHAPE[0]
        assert_array_equal(read_map(tmp_path / "found.fits")[0], labels)

    def test_without_clusters(self, cube):
        image = da.full(SHAPE, -3, chunks=(7, 30), dtype=np.int64)
        table = cluster_table(image, make_lazy(cube, 7))
        assert len(table) == 0
        assert table.colnames == cluster_table(image.compute(), cube).colnames

    def test_labels_are_checked(self, labels, tmp_path):
        image = da.from_array(labels, chunks=(7, 30))
        with pytest.raises(ValueError, match="holds labels from -4 to"):
            write_map(tmp_path / "map.fits", image - 1)
        with pytest.raises(ValueError, match="must hold integers, got float64"):
            write_map(tmp_path / "map.fits", image * 1.0)
        with pytest.raises(ValueError, match="two axes"):
            write_map(tmp_path / "map.fits", image[0])

    @pytest.mark.parametrize("dtype", [np.float32, np.float64])
    @pytest.mark.parametrize("scale", [1e-42, 1.0, 1e37])
    def test_quartiles_are_those_of_numpy(self, dtype, scale):
        rng = np.random.default_rng(3)
        data = (rng.normal(size=(50, 40, 2)) * scale).astype(dtype)
        data[rng.random(data.shape) < 0.3] = np.nan
        data[:, :, 1] = np.round(data[:, :, 1] / scale) * scale
        labels = np.repeat([0, 1, 4, 7], [20, 20, 9, 1])[:, np.newaxis]
        labels = np.broadcast_to(labels, (50, 40))
        lazy = Cube(da.from_array(data, chunks=(13, 40, 2)), band_names=["g", "r"])
        table = cluster_table(labels, lazy)
        assert table["id"].tolist() == [0, 1, 4, 7]
        for row in table:
            for band, name in enumerate("gr"):
                values = data[:, :, band][labels == row["id"]]
                wanted = np.nanpercentile(values, [50, 25, 75])
                for part, value in zip(("median", "q25", "q75"), wanted, strict=True):
                    found = row[f"{name}_{part}"]
                    assert found.dtype == dtype
                    assert found == dtype(value)


def test_read_and_write_is_lazy_throughout(cube, tmp_path):
    paths = write_bands(tmp_path / "1", cube)
    options = {"errors": "inside", "dtype": cube.dtype}
    wanted = write_bands(tmp_path / "2", read_cube(paths, **options))
    found = write_bands(tmp_path / "3", read_cube(paths, lazy=True, **options))
    for path, other in zip(found, wanted, strict=True):
        assert path.read_bytes() == other.read_bytes()
