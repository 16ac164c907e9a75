# SPDX-License-Identifier: BSD-3-Clause
"""A folder that appears as a whole or not at all."""

import os

import pytest

from skesom.report._report import atomic_folder, check_folder


def names_in(folder):
    return sorted(path.name for path in folder.iterdir())


class TestCheckFolder:
    """Folders that results must not or cannot go to."""

    def test_a_folder_with_anything_in_it(self, tmp_path):
        (tmp_path / "notes.txt").write_text("mine")
        with pytest.raises(FileExistsError, match=f"{tmp_path} is not empty"):
            check_folder(tmp_path)
        check_folder(tmp_path, overwrite=True)

    @pytest.mark.parametrize("name", ["file", "file/below/deep"])
    def test_a_file_is_no_folder(self, tmp_path, name):
        (tmp_path / "file").touch()
        for overwrite in (False, True):
            with pytest.raises(NotADirectoryError, match="file is a file"):
                check_folder(tmp_path / name, overwrite=overwrite)

    @pytest.mark.parametrize("name", [".", "new/deep"])
    def test_where_nothing_can_be_written(self, tmp_path, name, monkeypatch):
        # Permissions do not bind the superuser, who may run the tests.
        monkeypatch.setattr(os, "access", lambda path, mode: path != tmp_path)
        with pytest.raises(
            PermissionError, match=f"no permission to write to {tmp_path}"
        ):
            check_folder(tmp_path / name)

    def test_a_new_folder_is_fine(self, tmp_path):
        check_folder(tmp_path / "new" / "deep")
        assert names_in(tmp_path) == []


class TestAtomicFolder:
    """A folder that appears when it is finished."""

    def test_appears_at_the_end(self, tmp_path):
        with atomic_folder(tmp_path / "deep" / "result") as folder:
            (folder / "a.txt").write_text("a")
            assert not (tmp_path / "deep" / "result").exists()
        assert names_in(tmp_path / "deep") == ["result"]
        assert names_in(tmp_path / "deep" / "result") == ["a.txt"]

    def test_folders_of_files_join_those_that_are_there(self, tmp_path):
        (tmp_path / "images").mkdir()
        (tmp_path / "images" / "old.txt").write_text("old")
        (tmp_path / "images" / "both.txt").write_text("old")
        with atomic_folder(tmp_path, overwrite=True) as folder:
            (folder / "images").mkdir()
            (folder / "images" / "both.txt").write_text("new")
            (folder / "top.txt").write_text("new")
        assert names_in(tmp_path) == ["images", "top.txt"]
        assert names_in(tmp_path / "images") == ["both.txt", "old.txt"]
        assert (tmp_path / "images" / "both.txt").read_text() == "new"
        assert (tmp_path / "images" / "old.txt").read_text() == "old"

    def test_the_present_folder_has_a_name_too(self, tmp_path, monkeypatch):
        monkeypatch.chdir(tmp_path)
        with atomic_folder(".") as folder:
            (folder / "a.txt").touch()
        assert names_in(tmp_path) == ["a.txt"]

    def test_an_interrupt_leaves_nothing(self, tmp_path):
        def write_and_interrupt():
            with atomic_folder(tmp_path / "result") as folder:
                (folder / "a.txt").touch()
                raise KeyboardInterrupt

        with pytest.raises(KeyboardInterrupt):
            write_and_interrupt()
        assert names_in(tmp_path) == []

    def test_needs_no_right_to_write_beside_a_folder_that_exists(self, tmp_path):
        seen = []
        (tmp_path / "result").mkdir()
        with atomic_folder(tmp_path / "result") as folder:
            seen += names_in(tmp_path)
            (folder / "a.txt").touch()
        assert seen == ["result"]
        assert names_in(tmp_path / "result") == ["a.txt"]
