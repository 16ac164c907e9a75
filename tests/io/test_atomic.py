# SPDX-License-Identifier: BSD-3-Clause
"""Files appear whole or not at all."""

import errno
import os
import stat

import numpy as np
import pytest

from skesom._common.new_files import atomic_path
from skesom.io import read_map, write_map


def test_file_appears_at_the_end_only(tmp_path):
    path = tmp_path / "a.tar.gz"
    with atomic_path(path) as temporary:
        temporary.write_text("new")
        assert not path.exists()
        assert temporary.parent == tmp_path
        assert temporary.suffixes[-2:] == [".tar", ".gz"]
    assert [file.name for file in tmp_path.iterdir()] == ["a.tar.gz"]
    assert path.read_text() == "new"


@pytest.mark.parametrize("error", [RuntimeError, KeyboardInterrupt])
@pytest.mark.parametrize("old", [None, "old"])
def test_failure_leaves_everything_as_it_was(tmp_path, old, error):
    path = tmp_path / "a.txt"
    if old is not None:
        path.write_text(old)

    def fail():
        with atomic_path(path, overwrite=True) as temporary:
            temporary.write_text("half")
            raise error

    with pytest.raises(error):
        fail()
    left = {file.name: file.read_text() for file in tmp_path.iterdir()}
    assert left == ({} if old is None else {"a.txt": "old"})


def test_overwrite_replaces(tmp_path):
    path = tmp_path / "a.txt"
    path.write_text("old")
    with atomic_path(str(path), overwrite=True) as temporary:
        temporary.write_text("new")
    assert path.read_text() == "new"


@pytest.mark.skipif(os.name != "posix", reason="needs the modes of POSIX")
@pytest.mark.parametrize("mode", [0o600, 0o664])
def test_mode_is_that_of_the_file_before(tmp_path, mode):
    path = tmp_path / "map.fits"
    label_map = np.zeros((3, 4), dtype=np.int32)
    write_map(path, label_map)
    path.chmod(mode)
    write_map(path, label_map + 1, overwrite=True)
    assert read_map(path)[0].max() == 1
    assert stat.S_IMODE(path.stat().st_mode) == mode


@pytest.mark.parametrize(
    "fault",
    [
        OSError(errno.ENOSPC, "No space left on device"),
        PermissionError(errno.EACCES, "Permission denied"),
        KeyboardInterrupt(),
    ],
    ids=["full", "denied", "interrupt"],
)
@pytest.mark.parametrize("call", ["replace", "lstat"])
@pytest.mark.parametrize("old", [None, 1])
def test_fault_at_the_last_step_leaves_the_old_file(
    tmp_path, monkeypatch, old, call, fault
):
    path = tmp_path / "map.fits"
    label_map = np.zeros((3, 4), dtype=np.int32)
    if old is not None:
        write_map(path, label_map + old)
    usual = getattr(os, call)

    def fail(*args, **kwargs):
        if any(tmp_path.glob(".*")):  # the new file is written
            raise fault
        return usual(*args, **kwargs)

    monkeypatch.setattr(os, call, fail)
    with pytest.raises(type(fault)):
        write_map(path, label_map + 2, overwrite=True)
    monkeypatch.undo()
    assert [file.name for file in tmp_path.iterdir()] == ["map.fits"] * (old == 1)
    if old is not None:
        assert read_map(path)[0].max() == old


def test_file_that_appears_meanwhile_is_kept(tmp_path):
    path = tmp_path / "a.txt"

    def race():
        with atomic_path(path) as temporary:
            temporary.write_text("mine")
            path.write_text("theirs")

    with pytest.raises(FileExistsError, match=r"a\.txt exists"):
        race()
    assert [file.name for file in tmp_path.iterdir()] == ["a.txt"]
    assert path.read_text() == "theirs"


@pytest.mark.parametrize("arguments", [(28, "No space left"), ("Not enough space",)])
def test_full_disk_names_the_file(tmp_path, arguments):
    def fail():
        with atomic_path(tmp_path / "a.txt"):
            raise OSError(*arguments)

    with pytest.raises(OSError, match="space") as caught:
        fail()
    assert caught.value.filename == str(tmp_path / "a.txt")
    assert caught.value.strerror == arguments[-1]


TOO_LONG = f"{'x' * 252}.txt"


@pytest.mark.parametrize(
    ("name", "overwrite", "error", "message"),
    [
        ("a.txt", False, FileExistsError, r"a\.txt exists .* allow to overwrite"),
        ("link", False, FileExistsError, "link exists already"),  # to nothing
        ("new/a.txt", False, FileNotFoundError, "the folder .*new does not exist"),
        (".", True, IsADirectoryError, "is a folder"),
        ("pipe", True, OSError, "is a pipe or a device"),
        ("stdout", True, OSError, "is a pipe or a device"),  # a link, as in /dev
        (TOO_LONG, False, OSError, "name too long"),
    ],
)
def test_places_are_refused_before_the_work(tmp_path, name, overwrite, error, message):
    (tmp_path / "a.txt").write_text("old")
    (tmp_path / "link").symlink_to("b.txt")
    if name in ("pipe", "stdout"):
        pytest.importorskip("fcntl")  # there are pipes
        os.mkfifo(tmp_path / "pipe")
        (tmp_path / "stdout").symlink_to("pipe")
    with pytest.raises(error, match=message):
        with atomic_path(tmp_path / name, overwrite=overwrite):
            raise AssertionError("started to write")


@pytest.mark.parametrize("name", ["link", TOO_LONG[1:]])
def test_links_are_replaced_and_long_names_fit(tmp_path, name):
    (tmp_path / "link").symlink_to("b.txt")
    with atomic_path(tmp_path / name, overwrite=True) as temporary:
        temporary.write_text("new")
    assert (tmp_path / name).read_text() == "new"
    assert {path.name for path in tmp_path.iterdir()} == {"link", name}
