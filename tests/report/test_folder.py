# SPDX-License-Identifier: BSD-3-Clause
"""A folder that appears as a whole or not at all."""

import errno
import os
import shutil
import signal
import sys
import warnings

import pytest

from skesom.report._folders import MANIFEST, atomic_folder, check_folder


def names_in(folder):
    return sorted(path.name for path in folder.iterdir())


def write(folder, text, *names, overwrite=True):
    """Write a folder of small files."""
    with atomic_folder(folder, overwrite=overwrite) as temporary:
        for name in names:
            (temporary / name).parent.mkdir(parents=True, exist_ok=True)
            (temporary / name).write_text(text)


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
        assert names_in(tmp_path / "deep" / "result") == [MANIFEST, "a.txt"]

    def test_folders_of_files_join_those_that_are_there(self, tmp_path):
        (tmp_path / "images").mkdir()
        (tmp_path / "images" / "old.txt").write_text("old")
        (tmp_path / "images" / "both.txt").write_text("old")
        kept = ["both.txt", "both.txt.kept", "old.txt"]
        with pytest.warns(UserWarning, match=r"not written here.*both\.txt\.kept\."):
            write(tmp_path, "new", "images/both.txt", "top.txt")
        assert names_in(tmp_path) == [MANIFEST, "images", "top.txt"]
        assert names_in(tmp_path / "images") == kept
        texts = [(tmp_path / "images" / name).read_text() for name in kept]
        assert texts == ["new", "old", "old"]

    def test_the_present_folder_has_a_name_too(self, tmp_path, monkeypatch):
        monkeypatch.chdir(tmp_path)
        with atomic_folder(".") as folder:
            (folder / "a.txt").touch()
        assert names_in(tmp_path) == [MANIFEST, "a.txt"]
        assert os.path.samefile(tmp_path, ".")  # the folder of a shell stays its own

    def test_an_interrupt_leaves_nothing(self, tmp_path):
        def write_and_interrupt():
            with atomic_folder(tmp_path / "result") as folder:
                (folder / "a.txt").touch()
                raise KeyboardInterrupt

        with pytest.raises(KeyboardInterrupt):
            write_and_interrupt()
        assert names_in(tmp_path) == []

    def test_needs_no_right_to_write_beside_a_folder_that_exists(
        self, tmp_path, monkeypatch
    ):
        seen = []
        (tmp_path / "result").mkdir()
        monkeypatch.setattr(os, "access", lambda path, mode: path != tmp_path)
        with atomic_folder(tmp_path / "result") as folder:
            seen += names_in(tmp_path)
            (folder / "a.txt").touch()
        assert seen == ["result"]
        assert names_in(tmp_path / "result") == [MANIFEST, "a.txt"]


def texts_in(folder):
    """Return the texts of all files of a folder but the manifest, by their names."""
    return {
        path.relative_to(folder).as_posix(): path.read_text()
        for path in folder.rglob("*")
        if path.is_file() and path.name != MANIFEST
    }


class TestReplacing:
    """What happens to the files of a folder that is replaced."""

    def test_files_that_were_written_here_go(self, tmp_path):
        write(tmp_path / "r", "old", "a.txt", "sub/b.txt", "sub/c.txt", overwrite=False)
        write(tmp_path / "r", "new", "a.txt", "sub/b.txt")
        assert texts_in(tmp_path / "r") == {"a.txt": "new", "sub/b.txt": "new"}
        assert names_in(tmp_path) == ["r"]

    @pytest.mark.parametrize("is_inside", [False, True])
    def test_files_of_the_user_stay(self, tmp_path, monkeypatch, is_inside):
        """An edited one too, though it has the size of before."""
        write(tmp_path / "r", "old", "a.txt", "b.txt", "sub/c.txt", overwrite=False)
        (tmp_path / "r" / "notes.txt").write_text("mine")
        (tmp_path / "r" / "sub" / "notes.txt").write_text("mine")
        (tmp_path / "r" / "b.txt").write_text("own")
        (tmp_path / "r" / "empty").mkdir()
        if is_inside:
            monkeypatch.chdir(tmp_path / "r")
        write(tmp_path / "r", "new", "a.txt")
        mine = {"notes.txt": "mine", "sub/notes.txt": "mine", "b.txt": "own"}
        assert texts_in(tmp_path / "r") == {"a.txt": "new", **mine}
        assert (tmp_path / "r" / "empty").is_dir()

    @pytest.mark.parametrize("is_inside", [False, True])
    def test_what_is_in_the_way_gets_another_name(
        self, tmp_path, monkeypatch, is_inside
    ):
        folder = tmp_path / "r"
        (folder / "a.txt").mkdir(parents=True)  # a folder of the name of a file
        (folder / "a.txt" / "x").write_text("mine")
        (folder / "sub").write_text("mine")  # and a file of that of a folder
        (folder / "a.txt.kept").write_text("mine too")
        if is_inside:
            monkeypatch.chdir(folder)
        with pytest.warns(UserWarning, match=r"are kept as .*a\.txt\.kept1.*sub\.kept"):
            write(folder, "new", "a.txt", "sub/b.txt")
        assert texts_in(folder) == {
            **{"a.txt": "new", "sub/b.txt": "new", "a.txt.kept": "mine too"},
            **{"a.txt.kept1/x": "mine", "sub.kept": "mine"},
        }

    @pytest.mark.parametrize("is_inside", [False, True])
    def test_links_are_not_followed(self, tmp_path, monkeypatch, is_inside):
        folder, other = tmp_path / "r", tmp_path / "other"
        folder.mkdir()
        other.mkdir()
        (other / "b.txt").write_text("mine")
        (folder / "sub").symlink_to(other)
        (folder / "a.txt").symlink_to(other / "b.txt")
        if is_inside:
            monkeypatch.chdir(folder)
        with pytest.warns(UserWarning, match="are kept as"):
            write(folder, "new", "a.txt", "sub/b.txt")
        assert texts_in(other) == {"b.txt": "mine"}
        assert not (folder / "sub").is_symlink()
        assert (folder / "sub.kept").is_symlink()
        assert (folder / "a.txt.kept").is_symlink()

    def test_a_link_to_a_folder(self, tmp_path):
        (tmp_path / "far").mkdir()
        (tmp_path / "r").symlink_to(tmp_path / "far")
        write(tmp_path / "r", "old", "a.txt", overwrite=False)
        write(tmp_path / "r", "new", "b.txt")
        assert (tmp_path / "r").is_symlink()
        assert texts_in(tmp_path / "far") == {"b.txt": "new"}

    @pytest.mark.parametrize(
        "name",
        [
            "../mine.txt",
            "sub/../../mine.txt",
            "link/mine.txt",
            "{}/mine.txt",
            "\\u0000",
        ],
    )
    def test_a_manifest_reaches_nothing_outside(self, tmp_path, monkeypatch, name):
        name = name.format(tmp_path)
        write(tmp_path / "r", "old", "mine.txt", overwrite=False)
        manifest = (tmp_path / "r" / MANIFEST).read_text()
        shutil.move(tmp_path / "r" / "mine.txt", tmp_path / "mine.txt")
        (tmp_path / "r" / "link").symlink_to(tmp_path)
        (tmp_path / "r" / MANIFEST).write_text(manifest.replace("mine.txt", name))
        write(tmp_path / "r", "new", "a.txt")
        monkeypatch.chdir(tmp_path / "r")
        (tmp_path / "r" / MANIFEST).write_text(manifest.replace("mine.txt", name))
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            write(tmp_path / "r", "new", "a.txt")
        assert (tmp_path / "mine.txt").read_text() == "old"

    @pytest.mark.parametrize("text", ["", "[]", "7", '{"a.txt": null}', "[" * 100_000])
    def test_a_damaged_manifest_removes_nothing(self, tmp_path, text):
        write(tmp_path / "r", "old", "a.txt", overwrite=False)
        (tmp_path / "r" / MANIFEST).write_text(text)
        with pytest.warns(UserWarning, match=r"a\.txt\.kept"):
            write(tmp_path / "r", "new", "a.txt")
        assert texts_in(tmp_path / "r") == {"a.txt": "new", "a.txt.kept": "old"}

    def test_two_runs_into_one_new_folder(self, tmp_path):
        def write_both():
            with atomic_folder(tmp_path / "r") as second:
                (second / "b.txt").write_text("second")
                with pytest.warns(UserWarning, match="is of a run that goes on"):
                    write(tmp_path / "r", "first", "a.txt", overwrite=False)

        with pytest.raises(FileExistsError, match="another run has written") as error:
            write_both()
        assert texts_in(tmp_path / "r") == {"a.txt": "first"}
        (spare,) = [path for path in tmp_path.iterdir() if path.name != "r"]
        assert f"The results are in {spare}." in str(error.value)
        assert texts_in(spare) == {"b.txt": "second"}

    def test_a_run_that_goes_on_is_left_alone(self, tmp_path):
        with atomic_folder(tmp_path / "r") as first:
            (first / "a.txt").write_text("first")
            with pytest.warns(UserWarning, match="is of a run that goes on"):
                check_folder(tmp_path / "r")
        assert texts_in(tmp_path / "r") == {"a.txt": "first"}

    @pytest.mark.parametrize(
        "error",
        [
            OSError(errno.ENOSPC, "No space left on device"),
            OSError(errno.EFBIG, "File too large"),
            OSError("Not enough space on disk: requested 8000, available 0."),
            OSError("110592 requested and 52800 written"),
        ],
    )
    def test_a_full_disk_is_told_with_the_file(self, tmp_path, error):
        write(tmp_path / "r", "old", "a.txt", overwrite=False)

        def fill():
            with atomic_folder(tmp_path / "r", overwrite=True) as folder:
                (folder / "a.txt").write_text("new")
                (folder / "deep").mkdir()
                (folder / "deep" / "b.txt").write_text("half of")
                raise error

        with pytest.raises(OSError, match=r"r/deep/b\.txt") as told:
            fill()
        assert told.value.filename == str(tmp_path / "r" / "deep" / "b.txt")
        assert texts_in(tmp_path / "r") == {"a.txt": "old"}
        assert names_in(tmp_path) == ["r"]


@pytest.mark.skipif(not hasattr(os, "fork"), reason="processes are killed here")
@pytest.mark.parametrize("is_inside", [False, True])
class TestKilled:
    """A run that is killed at any of its steps loses nothing and blocks nothing."""

    def test_at_every_step(self, tmp_path, is_inside):
        for step in range(1, 100):
            place = tmp_path / str(step)
            folder = place / "r"
            write(folder, "old", "a.txt", "sub/b.txt", "stale.txt", overwrite=False)
            (folder / "notes.txt").write_text("mine")
            (folder / "c.txt").mkdir()
            (folder / "c.txt" / "x").write_text("mine")
            if not _killed_at(step, folder, is_inside):
                assert step > 30
                return
            _check_what_is_left(place, folder)
            shutil.rmtree(place)
        pytest.fail("never finished")


def _killed_at(step, folder, is_inside):
    """Write in a process that ends at one of its steps; return whether it did."""
    process = os.fork()
    if process:
        _, status = os.waitpid(process, 0)
        return os.WIFSIGNALED(status)
    count = 0

    def count_and_kill(event, arguments):
        nonlocal count
        is_ours = event == "open" and str(arguments[0]).startswith(str(folder.parent))
        if is_ours or event in ("os.rename", "os.mkdir", "os.remove", "os.rmdir"):
            count += 1
            if count == step:
                os.kill(os.getpid(), signal.SIGKILL)

    try:
        if is_inside:
            os.chdir(folder)
        warnings.simplefilter("ignore")
        sys.addaudithook(count_and_kill)
        write(folder, "new", "a.txt", "sub/b.txt", "c.txt")
    finally:
        os._exit(0)


def _check_what_is_left(place, folder):
    """Check that one whole result is there again, and that the next run works."""
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        check_folder(folder, overwrite=True)
    found = any("by a run that was stopped" in str(each.message) for each in caught)
    texts = texts_in(folder)
    mine = {name for name, text in texts.items() if text == "mine"}
    assert mine in ({"notes.txt", "c.txt/x"}, {"notes.txt", "c.txt.kept/x"})
    result = {name: text for name, text in texts.items() if text != "mine"}
    assert result in (
        {"a.txt": "old", "sub/b.txt": "old", "stale.txt": "old"},
        {"a.txt": "new", "sub/b.txt": "new", "c.txt": "new"},
    )
    assert found or names_in(place) == ["r"]
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        write(folder, "next", "a.txt", "d.txt")
    assert names_in(place) == ["r"]
    texts = texts_in(folder)
    assert {name for name, text in texts.items() if text == "next"} == {
        "a.txt",
        "d.txt",
    }
    assert sorted(texts.values()) == ["mine", "mine", "next", "next"]
    assert not [name for name in names_in(folder) if name.startswith(".skesom-")]
