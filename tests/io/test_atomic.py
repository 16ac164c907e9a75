# SPDX-License-Identifier: BSD-3-Clause
"""Files appear whole or not at all."""

import os

import pytest

from skesom._common.new_files import atomic_path


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


def test_existing_file_is_refused_before_the_work(tmp_path):
    path = tmp_path / "a.txt"
    path.write_text("old")
    with pytest.raises(FileExistsError, match=r"a\.txt exists .* allow to overwrite"):
        with atomic_path(path):
            raise AssertionError("started to write")


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


def test_missing_folder_is_named(tmp_path):
    with pytest.raises(FileNotFoundError, match=r"the folder .*nowhere does not exist"):
        with atomic_path(tmp_path / "nowhere" / "a.txt"):
            raise AssertionError("started to write")


def test_folder_is_not_replaced(tmp_path):
    with pytest.raises(IsADirectoryError, match="is a folder"):
        with atomic_path(tmp_path, overwrite=True):
            raise AssertionError("started to write")


@pytest.mark.parametrize("arguments", [(28, "No space left"), ("Not enough space",)])
def test_full_disk_names_the_file(tmp_path, arguments):
    def fail():
        with atomic_path(tmp_path / "a.txt"):
            raise OSError(*arguments)

    with pytest.raises(OSError, match="space") as caught:
        fail()
    assert caught.value.filename == str(tmp_path / "a.txt")
    assert caught.value.strerror == arguments[-1]


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="there are no pipes")
@pytest.mark.parametrize("through_link", [False, True])
def test_pipes_and_devices_are_no_places(tmp_path, through_link):
    path = tmp_path / "pipe"
    os.mkfifo(path)
    if through_link:  # as /dev/stdout is one
        path = tmp_path / "a.txt"
        path.symlink_to("pipe")
    with pytest.raises(OSError, match="is a pipe or a device"):
        with atomic_path(path, overwrite=True):
            raise AssertionError("started to write")


def test_link_to_nothing_is_there(tmp_path):
    path = tmp_path / "a.txt"
    path.symlink_to("b.txt")
    with pytest.raises(FileExistsError, match=r"a\.txt exists already"):
        with atomic_path(path):
            raise AssertionError("started to write")
    with atomic_path(path, overwrite=True) as temporary:
        temporary.write_text("new")
    assert [file.name for file in tmp_path.iterdir()] == ["a.txt"]


@pytest.mark.parametrize("length", [255, 256])
def test_long_names(tmp_path, length):
    path = tmp_path / f"{'x' * (length - 4)}.txt"
    if length > 255:
        with pytest.raises(OSError, match="name too long"):
            with atomic_path(path):
                raise AssertionError("started to write")
        return
    with atomic_path(path) as temporary:
        temporary.write_text("new")
    assert path.read_text() == "new"
