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
