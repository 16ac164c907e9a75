# SPDX-License-Identifier: BSD-3-Clause
"""Folders that are written as a whole, and replaced only if all was written here.

A folder is built beside its place under a hidden name, and its writer keeps it locked.
When it is whole, "-new" is added to that name; the folder that is there is renamed to
the same with "-old", the new one takes its place, and the old one is removed. So names
tell the next run what a killed one left. In a folder that cannot be moved, all of this
is done with the files in it. A list in each folder has the size and digest of each file
that was written here: whatever else is in it is of the user, and stops a replacement.
"""

import errno
import hashlib
import json
import os
import re
import shutil
import uuid
from contextlib import contextmanager, suppress
from pathlib import Path

from skesom._common.files import FULL, fcntl, is_in_use, is_of_user, lock, regular
from skesom._common.new_files import (
    UNFINISHED,
    atomic_path,
    check_names,
    exchange_folders,
)
from skesom._common.warn import warn_user

MANIFEST = ".skesom.json"  # the list of a folder that has no provenance.json
_WRITTEN = "written"  # in one of these
_LOCK = f"{UNFINISHED}lock"  # in a folder that is being written
_NEW, _OLD = "-new", "-old"
# Which file managers leave where a user looked, and which tell nobody anything.
_OF_FILE_MANAGERS = {".DS_Store", "Thumbs.db", "desktop.ini"}
_given = set()  # temporary folders that are being written to


@contextmanager
def atomic_folder(folder, *, overwrite=False):
    """Give a temporary folder to write to, and put it in the place of `folder`.

    One that was given so is given again, for a part of what is in it.
    """
    if Path(folder) in _given:
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
        _given.add(temporary)
        with open(temporary / _LOCK, "w") as file:
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
        _given.discard(temporary)


def check_folder(folder, *, overwrite=False, edited=None):
    """Refuse a folder that results must not or cannot go to; tidy up in it.

    `edited` is the name of a file in it that may have changed.
    """
    if Path(folder) in _given:
        return
    whole = Path(os.path.realpath(folder))
    there = next(path for path in (whole, *whole.parents) if os.path.lexists(path))
    new = whole.relative_to(there).parts
    there = there if new else Path(folder)
    if not there.is_dir():
        raise NotADirectoryError(f"{there} is a file, choose another folder.")
    if not os.access(there, os.W_OK | os.X_OK):
        raise PermissionError(
            f"Nothing can be written to {folder}: there is no permission to write to "
            f"{there}. Choose another folder."
        )
    check_names(there, *new)
    check_names(whole, "n" * 50)  # the path of a file in it
    for home in (whole.parent, whole):
        if home.is_dir() and os.access(home, os.R_OK | os.W_OK | os.X_OK):
            _tidy_up(home, whole)
    if not overwrite and _files_in(whole):
        raise FileExistsError(
            f"The folder {folder} is not empty: choose another one, or "
            "pass overwrite=True."
        )
    foreign = [name for name in _foreign_files(whole) if name != edited]
    if foreign:
        names = ", ".join([*foreign[:3], *["..."] * (len(foreign) > 3)])
        raise FileExistsError(
            f"The folder {folder} holds files that were not written here, or have "
            f"changed since: {names}. Move them away, or choose another folder."
        )


def check_outside(folder, paths):
    """Refuse to replace a folder together with files that its new content is made of.

    Those of a demo are written with its results, so they would be removed.
    """
    whole = os.path.realpath(folder)
    for path in paths if Path(folder) not in _given else ():
        if Path(os.path.realpath(path)).is_relative_to(whole):
            raise FileExistsError(
                f"{path} lies in {folder}, which would be replaced. Choose another "
                "folder."
            )


def names_of_files(folder, *others):
    """Return the names of the files that a folder will have when it is finished."""
    return sorted({*(_name(path, folder) for path in _files_in(folder)), *others})


def note_files(folder, paths):
    """Add files of a folder to its list, so that they can be replaced later."""
    place, content = _list_of(folder), _listed(folder)
    found = {_name(path, folder): _content(path) for path in paths if path != place}
    found = {name: told for name, told in found.items() if told is not None}
    content[_WRITTEN] = _noted(folder) | found
    with atomic_path(place, overwrite=True) as temporary:
        temporary.write_text(f"{json.dumps(content, indent=1)}\n", encoding="utf-8")


def has_list(folder):
    """Return whether a folder has a list of the files that were written to it."""
    return bool(_noted(folder))


def file_digest(path):
    """Return the SHA-256 of the content of a file."""
    with open(regular(path), "rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _list_of(folder):
    """Return the file that lists the files written: of a report, its provenance."""
    place = folder / "provenance.json"
    return place if place.is_file() else folder / MANIFEST


def _listed(folder):
    """Return the content of that file, nothing if it cannot be read."""
    place, content = _list_of(folder), None
    with suppress(OSError, RecursionError, ValueError):
        if place.is_file():  # no pipe, which may have no end
            content = json.loads(place.read_text(encoding="utf-8"))
    return content if isinstance(content, dict) else {}


def _noted(folder):
    """Return size and digest of the files that were written to a folder."""
    files = _listed(folder).get(_WRITTEN)
    return files if isinstance(files, dict) else {}


def _content(path):
    """Return size and digest of a file, None of kinds that no run writes."""
    if path.is_symlink() or not path.is_file() or path.name == _LOCK:
        return None
    return [path.stat().st_size, file_digest(path)]


def _is_own(path, folder, noted):
    """Return whether a file was written here and has not changed since."""
    known = noted.get(_name(path, folder))
    is_list = path == _list_of(folder) and (bool(noted) or path.name == MANIFEST)
    is_left = path.name in _OF_FILE_MANAGERS and not path.is_symlink()
    return is_list or is_left or (known is not None and known == _content(path))


def _name(path, folder):
    return path.relative_to(folder).as_posix()


def _files_in(folder):
    """Return files and links in a folder, without unfinished ones."""
    return [
        path
        for path in sorted(folder.rglob("*"))
        if (path.is_symlink() or not path.is_dir())
        and not path.relative_to(folder).parts[0].startswith(UNFINISHED)
    ]


def _foreign_files(folder):
    """Return the names of files that were not written here, or have changed since."""
    noted = _noted(folder)
    paths = [path for path in _files_in(folder) if not _is_own(path, folder, noted)]
    return [_name(path, folder) for path in paths]


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
        if _foreign_files(folder) if overwrite else _files_in(folder):
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
        (spare / _LOCK).unlink()
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
    last = _list_of(new)
    if last.is_file():  # else all was moved before
        _remove(folder)
    for path in sorted(new.iterdir(), key=lambda path: path == last):
        if path.name != _LOCK:
            os.rename(path, folder / path.name)
    # What is left of it, the next run removes.
    shutil.rmtree(new, ignore_errors=True)


def _clear_up(folder, old):
    """Remove the lock of a result that is in its place, and the result before it."""
    with suppress(OSError):  # the next run removes it
        (folder / _LOCK).unlink()
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
    """Remove the files that were written to a folder, its list last; or all of it."""
    noted, last = _noted(folder), _list_of(folder)
    for path in sorted(_files_in(folder), key=lambda path: path == last):
        if _is_own(path, folder, noted):
            path.unlink()
    for path in sorted(folder.rglob("*"), reverse=True):
        with suppress(OSError):  # it is no folder, or not empty
            path.rmdir()
    if folder.name.startswith(UNFINISHED) and not _files_in(folder):
        shutil.rmtree(folder)


def _tidy_up(home, folder):
    """Bring to an end the work that killed runs left of a folder, and tell of it."""
    pattern = re.compile(f"{_hidden(folder)}-[0-9a-f]{{8}}(?:{_NEW}|{_OLD})?")
    lefts = [path for path in home.iterdir() if pattern.fullmatch(path.name)]
    lefts = [path for path in lefts if path.is_dir() and is_of_user(path)]
    if not is_in_use(folder / _LOCK):  # of a run that was stopped at the end
        (folder / _LOCK).unlink(missing_ok=True)
    in_use = [left for left in lefts if is_in_use(left / _LOCK)]
    for left in in_use:
        text = "is of a run that goes on, or of another computer: it stays"
        warn_user(f"{left} {text}.")
    for left in [] if in_use else sorted(lefts):
        if not left.exists():  # an old one, with the new one before it
            continue
        if left.name.endswith(_NEW):
            _put_in_place(left, folder)
            text = "was left by a run that was stopped: its results are now in place"
        elif left.name.endswith(_OLD) and not folder.exists():
            os.rename(left, folder)
            text = "was left by a run that was stopped: it is in its place again"
        elif left.name.endswith(_OLD):
            _remove(left)
            text = "was left by a run that was stopped: it is removed"
            if left.exists():
                text = "was left by a run that was stopped, and holds files of yours"
        else:
            shutil.rmtree(left)
            text = "was left unfinished by a run that was stopped: it is removed"
        warn_user(f"{left} {text}.")


@contextmanager
def _named(temporary, folder):
    """Name the file in errors of a full disk, which often do not."""
    try:
        yield
    except OSError as error:
        # Of astropy and NumPy there is only a text.
        if error.errno not in FULL and not re.search("space|requested", str(error)):
            raise
        files = [path for path in temporary.rglob("*") if path.is_file()]
        newest = max(files, key=lambda path: path.stat().st_mtime_ns, default=temporary)
        place = Path(error.filename or newest)
        if place.is_relative_to(temporary):
            place = folder / place.relative_to(temporary)
        reason = error.strerror or str(error)
        raise OSError(error.errno or errno.ENOSPC, reason, str(place)) from error
