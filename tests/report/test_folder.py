# SPDX-License-Identifier: BSD-3-Clause
"""A folder that appears as a whole or not at all."""

import errno
import os
import re
import shutil
import signal
import stat
import sys
import warnings
from pathlib import Path

import pytest

from skesom._common.folders import atomic_folder, check_folder
from skesom._common.written_files import MANIFEST, note_files


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
        with pytest.raises(FileExistsError, match=r"not written here, .*: notes\.txt"):
            check_folder(tmp_path, overwrite=True)

    @pytest.mark.parametrize("name", [".DS_Store", "sub/Thumbs.db", "desktop.ini"])
    def test_what_file_managers_leave_is_in_nobodys_way(self, tmp_path, name):
        folder = tmp_path / "result"
        write(folder, "first", "a", "sub/b")
        (folder / name).write_bytes(b"icons")
        write(folder, "second", "a")
        assert names_in(folder) == [MANIFEST, "a"]
        assert (folder / "a").read_text() == "second"

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


@pytest.fixture(params=[False, True], ids=["beside", "inside"])
def folder(request, tmp_path, monkeypatch):
    """A folder of two files, which can be moved, or is where the shell is."""
    write(tmp_path / "r", "old", "a.txt", "sub/b.txt", overwrite=False)
    if request.param:
        monkeypatch.chdir(tmp_path / "r")
    return tmp_path / "r"


def add_note(folder):
    (folder / "sub" / "notes.txt").write_text("mine")


def edit(folder):
    (folder / "a.txt").write_text("own")  # of the size of before


def link_file(folder):
    (folder / "a.txt").write_text("mine")
    (folder / "a.txt").rename(folder.parent / "mine.txt")
    (folder / "a.txt").symlink_to(folder.parent / "mine.txt")


def link_folder(folder):
    (folder / "sub" / "b.txt").write_text("mine")
    (folder / "sub").rename(folder.parent / "mine")
    (folder / "sub").symlink_to(folder.parent / "mine")


def add_folder_of_that_name(folder):
    (folder / "c.txt").mkdir()
    (folder / "c.txt" / "x").write_text("mine")


def damage_list(folder):
    (folder / MANIFEST).write_text('{"written": ')


class TestReplacing:
    """What happens to the files of a folder that is replaced."""

    def test_files_that_were_written_here_go(self, folder):
        (folder / "sub" / "empty").mkdir()
        write(folder, "new", "a.txt", "c/d.txt")
        assert texts_in(folder) == {"a.txt": "new", "c/d.txt": "new"}
        assert names_in(folder.parent) == ["r"]
        assert names_in(folder) == [MANIFEST, "a.txt", "c"]

    @pytest.mark.parametrize(
        ("change", "named"),
        [
            (add_note, "sub/notes.txt"),
            (edit, "a.txt"),
            (link_file, "a.txt"),
            (link_folder, "sub"),
            (add_folder_of_that_name, "c.txt/x"),
            (damage_list, "a.txt, sub/b.txt"),
        ],
    )
    @pytest.mark.parametrize("is_late", [False, True])
    def test_files_of_the_user_stop_it(self, folder, change, named, is_late):
        if not is_late:
            change(folder)
            before = texts_in(folder.parent)
            with pytest.raises(FileExistsError, match=f"changed since: {named}. Move"):
                write(folder, "new", "c.txt")
            assert texts_in(folder.parent) == before
            return

        def write_late():
            with atomic_folder(folder, overwrite=True) as temporary:
                (temporary / "c.txt").write_text("new")
                change(folder)

        with pytest.raises(FileExistsError, match="another run has written") as told:
            write_late()
        spare = Path(str(told.value).split("The results are in ")[1].rstrip("."))
        assert texts_in(spare) == {"c.txt": "new"}
        assert "mine" in texts_in(folder.parent).values() or change in (
            edit,
            damage_list,
        )

    def test_one_that_was_edited_for_that(self, folder):
        edit(folder)
        check_folder(folder, overwrite=True, edited="a.txt")
        note_files(folder, [folder / "a.txt"])
        write(folder, "new", "c.txt")
        assert texts_in(folder) == {"c.txt": "new"}

    def test_a_link_to_a_folder(self, tmp_path):
        (tmp_path / "far").mkdir()
        (tmp_path / "r").symlink_to(tmp_path / "far")
        write(tmp_path / "r", "old", "a.txt", overwrite=False)
        write(tmp_path / "r", "new", "b.txt")
        assert (tmp_path / "r").is_symlink()
        assert texts_in(tmp_path / "far") == {"b.txt": "new"}

    @pytest.mark.parametrize(
        "name", ["../mine.txt", "sub/../../mine.txt", "{}/mine.txt", "\\u0000"]
    )
    def test_a_list_reaches_nothing_outside(self, folder, name):
        (folder.parent / "mine.txt").write_text("old")
        text = (folder / MANIFEST).read_text()
        name = name.format(folder.parent)
        (folder / MANIFEST).write_text(text.replace("sub/b.txt", name))
        (folder / "sub" / "b.txt").unlink()
        write(folder, "new", "a.txt")
        assert (folder.parent / "mine.txt").read_text() == "old"

    def test_a_part_that_is_written_in_it(self, tmp_path):
        with atomic_folder(tmp_path / "r") as outer:
            (outer / "image").touch()
            with atomic_folder(outer, overwrite=True) as inner:
                (inner / "a.txt").touch()
        assert names_in(tmp_path / "r") == [MANIFEST, "a.txt", "image"]

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

    @pytest.mark.skipif(os.name != "posix", reason="needs the modes of POSIX")
    @pytest.mark.parametrize("mode", [0o700, 0o750, 0o2775])
    def test_its_mode_is_that_of_before(self, folder, mode):
        folder.chmod(mode)
        write(folder, "new", "a.txt")
        assert texts_in(folder) == {"a.txt": "new"}
        assert stat.S_IMODE(folder.stat().st_mode) == mode


OLD_TEXTS = {"a.txt": "old", "sub/b.txt": "old", "stale.txt": "old"}
NEW_TEXTS = {"a.txt": "new", "sub/b.txt": "new", "c.txt": "new"}
# Calls by which a folder is written, moved and removed.
CALLS = ("mkdir", "rename", "replace", "rmdir", "unlink")
FAULTS = {
    "full": OSError(errno.ENOSPC, "No space left on device"),
    "denied": PermissionError(errno.EACCES, "Permission denied"),
    "interrupt": KeyboardInterrupt(),
}


@pytest.mark.parametrize("is_inside", [False, True], ids=["beside", "inside"])
@pytest.mark.parametrize("fault", FAULTS)
@pytest.mark.parametrize("call", CALLS)
def test_a_fault_at_any_call_leaves_one_result(
    tmp_path, monkeypatch, call, fault, is_inside
):
    """The old result stands, or the new one, and no unfinished files beside it.

    Among the files of a folder that must stay in its place some may be missing after
    an error; the next run puts them there.
    """
    for number in range(1, 50):
        place = tmp_path / str(number)
        folder = place / "r"
        write(folder, "old", *OLD_TEXTS, overwrite=False)
        if is_inside:
            monkeypatch.chdir(folder)
        told, has_failed = _write_with_fault(folder, call, number, FAULTS[fault])
        if not has_failed:
            assert texts_in(folder) == NEW_TEXTS
            return
        if fault == "interrupt" or not is_inside:
            _check_one_stands(place, folder, told, fault)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # of what was left
            if not re.search(r"results are in .*/r/r-\w{8}\.$", told):
                write(folder, "next", "a.txt")
                assert texts_in(folder) == {"a.txt": "next"}
                hidden = [name for name in names_in(folder) if name != MANIFEST]
                assert hidden == ["a.txt"]
        assert not [name for name in names_in(place) if name.startswith(".")]
        monkeypatch.undo()
    pytest.fail("never finished")


def _write_with_fault(folder, call, number, fault):
    """Write while one call of os fails; return what is said, and whether it did."""
    usual = getattr(os, call)
    count = 0

    def count_and_fail(*args, **kwargs):
        nonlocal count
        count += 1
        if count == number:
            raise fault
        return usual(*args, **kwargs)

    told = []
    with (
        pytest.MonkeyPatch.context() as patch,
        warnings.catch_warnings(record=True) as caught,
    ):
        warnings.simplefilter("always")
        patch.setattr(os, call, count_and_fail)
        try:
            write(folder, "new", *NEW_TEXTS)
        except type(fault) as error:
            told.append(str(error))
    told += [str(each.message) for each in caught]
    return "\n".join(told), count >= number


def _check_one_stands(place, folder, told, fault):
    """Check that one whole result is in its place, and what else is there is named."""
    unfinished = [
        path
        for path in (*place.iterdir(), *folder.iterdir())
        if path.name.startswith(".") and path.name != MANIFEST
    ]
    for path in unfinished:
        if path.name != ".skesom-lock":  # which tells nothing, and is ignored
            assert str(path) in told
    texts = texts_in(folder)
    texts.pop(".skesom-lock", None)
    assert texts in (OLD_TEXTS, NEW_TEXTS)
    if fault == "interrupt":
        assert not unfinished
        assert names_in(place) == ["r"]
    for path in place.iterdir():
        assert path == folder or str(path) in told


@pytest.mark.skipif(not hasattr(os, "fork"), reason="processes are killed here")
@pytest.mark.parametrize(
    ("is_inside", "first"),
    [
        (False, 1),
        (True, 2),
        pytest.param(False, 2, marks=pytest.mark.long),
        pytest.param(True, 1, marks=pytest.mark.long),
    ],
)
def test_killed_at_every_second_step(tmp_path, is_inside, first):
    """A run that is killed at any of its steps loses nothing and blocks nothing."""
    for step in range(first, 100, 2):
        place = tmp_path / str(step)
        folder = place / "r"
        write(folder, "old", "a.txt", "sub/b.txt", "stale.txt", overwrite=False)
        if not _killed_at(step, folder, is_inside):
            assert step > 20
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
    assert texts_in(folder) in (
        {"a.txt": "old", "sub/b.txt": "old", "stale.txt": "old"},
        {"a.txt": "new", "sub/b.txt": "new", "c.txt": "new"},
    )
    assert found or names_in(place) == ["r"]
    write(folder, "next", "a.txt", "d.txt")
    assert names_in(place) == ["r"]
    assert texts_in(folder) == {"a.txt": "next", "d.txt": "next"}
    assert names_in(folder) == [MANIFEST, "a.txt", "d.txt"]
