# SPDX-License-Identifier: BSD-3-Clause
"""Folders that are written as a whole, and replaced only if all was written here.

A folder is built beside its place under a hidden name, and its writer keeps it locked.
When it is whole, "-new" is added to that name; the folder that is there is renamed to
the same with "-old", the new one takes its place, and the old one is removed. So names
tell the next run what a killed one left. In a folder that cannot be moved, all of this
is done with the files in it. What is not in the folder's list of files that were
written to it (`written_files`) is of the user, and stops a replacement.
"""

import errno
import hashlib
import os
import re
import shutil
import uuid
from contextlib import contextmanager, suppress
from pathlib import Path

from skesom._common.files import fcntl, is_in_use, is_of_user, lock
from skesom._common.machine_limits import DISK_IS_FULL
from skesom._common.new_files import (
    LOCK_NAME,
    UNFINISHED,
    check_names,
    exchange_folders,
)
from skesom._common.warn import warn_user
from skesom._common.written_files import (
    files_in,
    names_of_foreign_files,
    note_files,
    path_of_list,
    remove_written_files,
)

_NEW = "-new"
_OLD = "-old"
_being_written = set()  # temporary folders


@contextmanager
def atomic_folder(folder, *, overwrite=False):
    """Give a temporary folder to write to, and put it in the place of `folder`.

    One that was given so is given again, for a part of what is in it.
    """
    if Path(folder) in _being_written:
        yield Path(folder)
        return
    check_folder(folder, overwrite=overwrite)
    folder = Path(os.path.realpath(folder))  # of a link, the folder that it points to
    home = folder if _must_stay(folder) else folder.parent
    made = [parent for parent in (home, *home.parents) if not parent.exists()]
    home.mkdir(parents=True, exist_ok=True)
    temporary = home / f"{_hidden(folder)}-{uuid.uuid4().hex[:8]}"
    try:
        temporary.mkdir()
        _being_written.add(temporary)
        with open(temporary / LOCK_NAME, "w") as file:
            lock(file)
            if fcntl is None:
                file.close()  # no folder of an open file can be moved there
            with _named(temporary, folder):
                yield temporary
                note_files(temporary, temporary.rglob("*"))
            _install(temporary, folder, overwrite)
    except BaseException:
        shutil.rmtree(temporary, ignore_errors=True)
        for parent in made:  # if nothing came to lie in them
            with suppress(OSError):
                parent.rmdir()
        raise
    finally:
        _being_written.discard(temporary)


def check_folder(folder, *, overwrite=False, edited=None):
    """Refuse a folder that results must not or cannot go to; tidy up in it.

    `edited` is the name of a file in it that may have changed.
    """
    if Path(folder) in _being_written:
        return
    real_folder = Path(os.path.realpath(folder))
    # The folder itself, or the nearest one above it that is there.
    existing = next(
        path for path in (real_folder, *real_folder.parents) if os.path.lexists(path)
    )
    new_names = real_folder.relative_to(existing).parts
    if not new_names:
        existing = Path(folder)  # as the user calls it
    if not existing.is_dir():
        raise NotADirectoryError(f"{existing} is a file, choose another folder.")
    if not os.access(existing, os.W_OK | os.X_OK):
        raise PermissionError(
            f"Nothing can be written to {folder}: there is no permission to write to "
            f"{existing}. Choose another folder."
        )
    check_names(existing, *new_names)
    check_names(real_folder, "n" * 50)  # the path of a file in it
    for home in (real_folder.parent, real_folder):
        if home.is_dir() and os.access(home, os.R_OK | os.W_OK | os.X_OK):
            _tidy_up(home, real_folder)
    if not overwrite and files_in(real_folder):
        raise FileExistsError(
            f"The folder {folder} is not empty: choose another one, or "
            "pass overwrite=True."
        )
    names = [name for name in names_of_foreign_files(real_folder) if name != edited]
    if names:
        if len(names) > 3:
            names = [*names[:3], "..."]
        raise FileExistsError(
            f"The folder {folder} holds files that were not written here, or have "
            f"changed since: {', '.join(names)}. Move them away, or choose another "
            "folder."
        )


def check_outside(folder, paths):
    """Refuse to replace a folder together with files that its new content is made of.

    Those of a demo are written with its results, so they would be removed.
    """
    if Path(folder) in _being_written:
        return
    real_folder = os.path.realpath(folder)
    for path in paths:
        if Path(os.path.realpath(path)).is_relative_to(real_folder):
            raise FileExistsError(
                f"{path} lies in {folder}, which would be replaced. Choose another "
                "folder."
            )


def _hidden(folder):
    """Return how the hidden names of a folder begin, whose own may be too long."""
    return UNFINISHED + hashlib.sha256(os.fsencode(folder.name)).hexdigest()[:16]


def _must_stay(folder):
    """Return whether another folder cannot take the place of one."""
    if not folder.is_dir():
        return False
    is_of_shell = Path(os.path.realpath(os.curdir)).is_relative_to(folder)
    can_move = os.access(folder.parent, os.W_OK | os.X_OK)
    return is_of_shell or os.path.ismount(folder) or not can_move


def _install(temporary, folder, overwrite):
    """Put a finished folder in its place, or tell where it is."""
    new = temporary.with_name(f"{temporary.name}{_NEW}")
    try:
        if overwrite:
            is_changed = bool(names_of_foreign_files(folder))
        else:
            is_changed = bool(files_in(folder))
        if is_changed:
            raise FileExistsError("another run has written to it meanwhile")
        os.rename(temporary, new)
        _put_in_place(new, folder)
    except OSError as error:
        text = f"{folder} cannot be replaced: {error.strerror or error}"
        if new.is_dir() and new.parent == folder:
            # Some of its files may be in place, and some old ones gone.
            raise type(error)(
                f"{text}. What is missing there is in {new}, and the next run that "
                "writes to the folder puts it in place."
            ) from error
        left = new if new.is_dir() else temporary
        spare = left.with_name(f"{folder.name[:50]}{temporary.name[-9:]}")
        os.rename(left, spare)
        (spare / LOCK_NAME).unlink()
        raise type(error)(f"{text}. The results are in {spare}.") from error
    except BaseException:  # an interrupt
        if new.parent != folder:
            shutil.rmtree(new, ignore_errors=True)
        raise


def _put_in_place(new, folder):
    """Let a new result take the place of an old one, or go on with that.

    An error leaves the old one where it is, or the new one in its place. Only among
    the files of a folder that must stay there is no way back: an error leaves the rest
    of them in `new`, and an interrupt comes when all are in place.
    """
    if new.parent == folder:
        try:
            _move_files(new, folder)
        except KeyboardInterrupt:
            _move_files(new, folder)
            raise
        return
    old = new.with_name(new.name.replace(_NEW, _OLD))
    exchange_folders(folder, new, old)
    try:
        _clear_up(folder, old)
    except KeyboardInterrupt:
        _clear_up(folder, old)
        raise


def _move_files(new, folder):
    """Let the files of a new result take the place of those in its folder."""
    list_path = path_of_list(new)
    if list_path.is_file():  # else all was moved before
        _remove(folder)
    for path in sorted(new.iterdir(), key=lambda path: path == list_path):
        if path.name != LOCK_NAME:
            os.rename(path, folder / path.name)
    # What is left of it, the next run removes.
    shutil.rmtree(new, ignore_errors=True)


def _clear_up(folder, old):
    """Remove the lock of a result that is in its place, and the result before it."""
    with suppress(OSError):  # the next run removes it
        (folder / LOCK_NAME).unlink()
    if not old.is_dir():
        return
    try:
        _remove(old)
    except OSError as error:
        warn_user(
            f"The results are in {folder}, but those that they replace could not be "
            f"removed: {error.strerror or error}. They are in {old}."
        )


def _remove(folder):
    """Remove what was written to a folder, and the folder if it is ours."""
    remove_written_files(folder)
    if folder.name.startswith(UNFINISHED) and not files_in(folder):
        shutil.rmtree(folder)


def _tidy_up(home, folder):
    """Bring to an end the work that killed runs left of a folder, and tell of it."""
    lock_path = folder / LOCK_NAME
    if not is_in_use(lock_path):  # of a run that was stopped at the end
        lock_path.unlink(missing_ok=True)
    pattern = re.compile(f"{_hidden(folder)}-[0-9a-f]{{8}}(?:{_NEW}|{_OLD})?")
    left_folders = []
    for path in home.iterdir():
        if pattern.fullmatch(path.name) and path.is_dir() and is_of_user(path):
            left_folders.append(path)
    in_use = [left for left in left_folders if is_in_use(left / LOCK_NAME)]
    for left in in_use:
        warn_user(f"{left} is of a run that goes on, or of another computer: it stays.")
    if in_use:
        return
    for left in sorted(left_folders):
        if left.exists():  # not an old one that went with the new one before it
            outcome = _bring_to_end(left, folder)
            warn_user(f"{left} was left {outcome}.")


def _bring_to_end(left, folder):
    """Finish the work of a killed run; return what was left, and what became of it."""
    if left.name.endswith(_NEW):
        _put_in_place(left, folder)
        return "by a run that was stopped: its results are now in place"
    if left.name.endswith(_OLD) and not folder.exists():
        os.rename(left, folder)
        return "by a run that was stopped: it is in its place again"
    if left.name.endswith(_OLD):
        _remove(left)
        if left.exists():
            return "by a run that was stopped, and holds files of yours"
        return "by a run that was stopped: it is removed"
    shutil.rmtree(left)
    return "unfinished by a run that was stopped: it is removed"


@contextmanager
def _named(temporary, folder):
    """Name the file in errors of a full disk, which often do not."""
    try:
        yield
    except OSError as error:
        # Of astropy and NumPy there is only a text.
        if error.errno not in DISK_IS_FULL and not re.search(
            "space|requested", str(error)
        ):
            raise
        files = [path for path in temporary.rglob("*") if path.is_file()]
        newest = max(files, key=lambda path: path.stat().st_mtime_ns, default=temporary)
        path = Path(error.filename or newest)
        if path.is_relative_to(temporary):
            path = folder / path.relative_to(temporary)
        reason = error.strerror or str(error)
        raise OSError(error.errno or errno.ENOSPC, reason, str(path)) from error
