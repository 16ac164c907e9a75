# SPDX-License-Identifier: BSD-3-Clause
"""CubeStore: the steps before it are computed once."""

import errno
import gc
import io
import os
import pickle

import dask.array as da
import numpy as np
import pytest
from numpy.testing import assert_array_equal

from skesom._common.row_files import RowFile
from skesom.cube import Cube, CubeStore

SHAPE = 20, 30, 4
DATA = np.random.default_rng(0).normal(size=SHAPE).astype(np.float32)


@pytest.fixture(params=[7, 20])
def lazy(request):
    """A lazy cube, with a list of the heights of the strips that were computed."""
    seen = []

    def count(block):
        seen.append(len(block))
        return block

    data = da.from_array(DATA, chunks=(request.param, *SHAPE[1:]))
    data = data.map_blocks(count, meta=np.empty((0, 0, 0), np.float32))
    cube = Cube(data, errors=abs(data), sky_mask=DATA[:, :, 0] > 1)
    return cube, seen


def test_computes_once(lazy, tmp_path):
    cube, seen = lazy
    store = CubeStore(folder=tmp_path)
    kept = store.fit_transform(cube)
    assert sum(seen) == SHAPE[0]
    assert kept.is_lazy
    assert_array_equal(kept.compute().data, DATA)
    assert_array_equal(kept.compute().errors, np.abs(DATA))
    assert_array_equal(kept.compute().sky_mask, DATA[:, :, 0] > 1)
    again = store.transform(cube)
    assert_array_equal(again["band 2"].compute(), DATA[:, :, 1])
    assert sum(seen) == SHAPE[0]


@pytest.mark.parametrize(
    "key",
    [
        np.s_[3:9:2, ::2],
        np.s_[5:2:-1],
        np.array([5, 2, 2]),
        np.s_[:, [3, 1]],
        np.s_[-3:],
        np.s_[..., 1:2],
    ],
)
def test_any_part_is_read(lazy, key):
    kept = CubeStore().fit_transform(lazy[0])
    assert_array_equal(np.asarray(kept[key]), DATA[key])


def test_rows_of_a_file(tmp_path):
    path = tmp_path / "cube"
    path.write_bytes(b"head" + DATA.astype(">f8").tobytes())
    rows = RowFile(path, 4, ">f8", SHAPE)
    for key in (np.s_[3, :, 1], np.s_[3:9:2, ::2, 0], np.s_[19:20, :, :]):
        assert_array_equal(rows[key], DATA[key])
    rows[slice(4, 6), :, :] = DATA[:2]
    assert_array_equal(rows[3:7, :, :], DATA[[3, 0, 1, 6]])


def test_a_full_disk_is_told_with_the_file(tmp_path, monkeypatch):
    class Full(io.BytesIO):
        def write(self, content):
            raise OSError(errno.ENOSPC, "No space left on device")

    rows = RowFile(tmp_path / "cube", 0, DATA.dtype, SHAPE)
    place = "skesom._common.row_files.open"
    monkeypatch.setattr(place, lambda *args: Full(), raising=False)
    with pytest.raises(OSError, match="No space left") as told:
        rows[slice(0, 2), :, :] = DATA[:2]
    assert told.value.filename == str(tmp_path / "cube")


def test_another_cube_is_written_anew(lazy):
    store = CubeStore().fit(lazy[0])
    store.transform(lazy[0])
    other = Cube(da.from_array(-DATA, chunks=(5, *SHAPE[1:])))
    assert_array_equal(np.asarray(store.transform(other)), -DATA)
    assert_array_equal(np.asarray(store.transform(lazy[0])), DATA)


def test_files_go_with_the_last_user(lazy, tmp_path):
    store = CubeStore(folder=tmp_path)
    kept = store.fit_transform(lazy[0])
    assert len(os.listdir(tmp_path)) == 3
    del store
    gc.collect()
    assert_array_equal(np.asarray(kept), DATA)
    del kept
    gc.collect()
    assert os.listdir(tmp_path) == []


def test_pickles_without_its_files(lazy, tmp_path):
    store = CubeStore(folder=tmp_path)
    kept = store.fit_transform(lazy[0])
    copy = pickle.loads(pickle.dumps(store))
    assert_array_equal(np.asarray(copy.transform(lazy[0])), DATA)
    del copy
    gc.collect()
    assert_array_equal(np.asarray(kept), DATA)


def test_failure_leaves_no_file(lazy, tmp_path):
    def fail(block):
        raise RuntimeError("on purpose")

    data = lazy[0].data.map_blocks(fail, meta=np.empty((0, 0, 0), np.float32))
    with pytest.raises(RuntimeError, match="on purpose"):
        CubeStore(folder=tmp_path).fit_transform(Cube(data))
    assert os.listdir(tmp_path) == []


def test_file_that_is_gone_or_short(lazy, tmp_path):
    kept = CubeStore(folder=tmp_path).fit_transform(lazy[0])
    for path in tmp_path.iterdir():
        os.truncate(path, 7)
    with pytest.raises(OSError, match=r"\.rows ends too early"):
        kept.compute()
    for path in tmp_path.iterdir():
        path.unlink()
    with pytest.raises(FileNotFoundError, match=r"\.rows"):
        kept.compute()


def test_no_folder(lazy, tmp_path):
    with pytest.raises(FileNotFoundError, match="nowhere"):
        CubeStore(folder=tmp_path / "nowhere").fit_transform(lazy[0])


def test_memory_is_passed_on():
    cube = Cube(DATA)
    assert CubeStore().fit_transform(cube).data is DATA
    assert CubeStore().fit_transform(DATA) is DATA
