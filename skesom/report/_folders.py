# SPDX-License-Identifier: BSD-3-Clause
"""Folders that are written as a whole, and replaced without losing files of the user.

A folder is built beside its place under another name, and then takes the place of the
one that is there. A manifest in it tells later which files were written here. A folder
that must stay where it is gets the files one by one from a folder in it. Whatever a
killed run leaves is whole, or marked as unfinished; the next run brings it to an end.
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
from skesom._common.new_files import UNFINISHED, atomic_path, check_names
from skesom._common.warn import warn_user

MANIFEST = ".skesom.json"  # of a folder that has no provenance.json
_WRITTEN = "written"  # in one of these: size and digest of each file written here
_MARK = ".unfinished"  # in a folder that is being written, locked by its writer
_OWN_NAMES = MANIFEST, UNFINISHED  # beginnings that no file of a user has
_LONGEST = 200  # bytes of a name to which something is added
_KEPT = ".kept"  # added to the name of a file of the user that is in the way


@contextmanager
def atomic_folder(folder, *, overwrite=False):
    """Give a temporary folder to write to, and put it in the place of `folder`.

    Files of an earlier one are removed if they were written here and have not changed
    since; all others stay.
    """
    check_folder(folder, overwrite=overwrite)
    folder = Path(os.path.realpath(folder))  # of a link, the folder that it points to
    home = folder if _must_stay(folder) else folder.parent
    made = [parent for parent in (home, *home.parents) if not parent.exists()]
    home.mkdir(parents=True, exist_ok=True)
    temporary = _new_name(home, folder)
    try:
        temporary.mkdir()
        with _marked(temporary), _named(temporary, folder):
            yield temporary
            note_files(temporary, _leaves(temporary))
    except BaseException:
        shutil.rmtree(temporary, ignore_errors=True)
        for parent in made:  # if nothing came to lie in them
            with suppress(OSError):
                parent.rmdir()
        raise
    old = _install(temporary, folder, overwrite)
    if old is not None:
        _move_back(old, folder)


def check_folder(folder, *, overwrite=False):
    """Refuse a folder that results must not or cannot go to; tidy up in it."""
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
    if _holds_files(whole) and not overwrite:
        raise FileExistsError(
            f"The folder {folder} is not empty: choose another one, or overwrite."
        )


def names_of_files(folder, *others):
    """Return the names of the files that a folder will have when it is finished."""
    paths = [path for path in folder.rglob("*") if path.is_file()]
    names = {_name(path, folder) for path in paths} - {_MARK}
    return sorted({*names, *others})


def note_files(folder, paths):
    """Add files of a folder to its list, so that they can be replaced later."""
    place, content = _list_of(folder), _listed(folder)
    files = {_name(path, folder): _content(path) for path in paths if path != place}
    files = {name: content for name, content in files.items() if content is not None}
    content[_WRITTEN] = _noted(folder) | files
    with atomic_path(place, overwrite=True) as temporary:
        temporary.write_text(f"{json.dumps(content, indent=1)}\n", encoding="utf-8")


def _list_of(folder):
    """Return the file that lists what was written: of a report, its provenance."""
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


def has_list(folder):
    """Return whether a folder tells what was written to it."""
    return bool(_noted(folder))


def _content(path):
    """Return size and digest of a file, None of anything else."""
    if path.is_symlink() or not path.is_file() or path.name == _MARK:
        return None
    return [path.stat().st_size, file_digest(path)]


def file_digest(path):
    """Return the SHA-256 of the content of a file."""
    with open(regular(path), "rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _is_own(path, folder, noted):
    """Return whether something was written here and has not changed since."""
    if path.is_dir() and not path.is_symlink():
        name = f"{_name(path, folder)}/"
        return not any(path.iterdir()) and any(each.startswith(name) for each in noted)
    is_list = bool(noted) and path == _list_of(folder)
    is_list = is_list or (path.parent == folder and path.name.startswith(_OWN_NAMES))
    known = noted.get(_name(path, folder))
    return is_list or (known is not None and known == _content(path))


def _remove(path):
    """Remove a file or a folder without files, and folders that it leaves empty."""
    path.rmdir() if path.is_dir() else path.unlink()
    with suppress(OSError):  # other files are there too
        path.parent.rmdir()


def _name(path, folder):
    return path.relative_to(folder).as_posix()


def _leaves(folder):
    """Return what is in a folder and those below: files, links, empty folders."""
    return [
        path
        for path in sorted(folder.rglob("*"))
        if path.is_symlink() or not path.is_dir() or not any(path.iterdir())
    ]


def _holds_files(folder):
    """Return whether a folder holds anything but what is being written to it."""
    return folder.is_dir() and any(
        not path.name.startswith(UNFINISHED) for path in folder.iterdir()
    )


def _new_name(home, folder):
    return home / f"{_left_name(folder)}-{uuid.uuid4().hex[:8]}"


def _left_name(folder):
    """Return how the names begin of what is to be a folder, or was."""
    name = os.fsencode(folder.name)
    is_short = len(name) <= _LONGEST
    return UNFINISHED + (folder.name if is_short else hashlib.sha256(name).hexdigest())


def _must_stay(folder):
    """Return whether another folder cannot take the place of one."""
    if not folder.is_dir():
        return False
    is_of_shell = Path(os.path.realpath(os.curdir)).is_relative_to(folder)
    can_move = os.access(folder.parent, os.W_OK | os.X_OK)
    return is_of_shell or os.path.ismount(folder) or not can_move


def _install(temporary, folder, overwrite):
    """Put a finished folder in its place; return where the one is that was there."""
    try:
        if _holds_files(folder) and not overwrite:
            raise FileExistsError("another run has written to it meanwhile")
        if temporary.parent == folder:
            return _move_in(temporary, folder)
        if folder.is_dir():
            shutil.copymode(folder, temporary)
        if not _holds_files(folder):
            with suppress(FileExistsError):  # an empty folder, in Windows
                return os.rename(temporary, folder)
        old = _new_name(folder.parent, folder)
        os.rename(folder, old)
        os.rename(temporary, folder)
        return old
    except OSError as error:
        spare = folder.parent if temporary.parent != folder else folder
        spare = spare / f"{folder.name[: _LONGEST // 4]}{temporary.name[-9:]}"
        os.rename(temporary, spare)
        raise type(error)(
            f"{folder} cannot be replaced: {error.strerror or error}. The results are "
            f"in {spare}."
        ) from error


def _move_in(source, folder):
    """Move a new result into a folder file by file, and remove an old one."""
    old, new, listed = _noted(folder), _noted(source), _list_of(folder)
    for path in [folder / name for name in old if name not in new]:
        with suppress(OSError, ValueError):  # no name of a file, or not of one in here
            if Path(os.path.realpath(path)) == path and _is_own(path, folder, old):
                _remove(path)
    last = _list_of(source)
    kept, leaves = [], [path for path in _leaves(source) if path != last]
    for path in [*leaves, last]:
        if path.is_dir() and _is_own(path, source, new):
            continue
        place, parts = folder, path.relative_to(source).parts
        for number, part in enumerate(parts, start=1):
            place = place / part
            if _is_free(place, number < len(parts)):
                continue
            if _is_own(place, folder, old):
                _remove(place)
            else:
                kept.append(_beside(place))
                os.rename(place, kept[-1])
        place.parent.mkdir(parents=True, exist_ok=True)
        os.replace(path, place)
    if old and listed.name != last.name:
        listed.unlink(missing_ok=True)
    shutil.rmtree(source, ignore_errors=True)
    _tell_kept(kept)


def _move_back(old, folder):
    """Move the files of the user from an old result to the new one; remove the rest."""
    noted, kept = _noted(old), []
    last = _list_of(old)
    leaves = [path for path in _leaves(old) if path != last or not noted]
    # Those that are not in the way of anything keep their names.
    leaves.sort(
        key=lambda path: os.path.lexists(folder / path.relative_to(old).parts[0])
    )
    for path in leaves:
        is_empty = path.is_dir() and not path.is_symlink()
        is_there = is_empty and os.path.lexists(folder / _name(path, old))
        if is_there or _is_own(path, old, noted):
            continue
        place, parts = folder, path.relative_to(old).parts
        for number, part in enumerate(parts, start=1):
            place = place / part
            if not _is_free(place, number < len(parts)):
                place = _beside(place, number < len(parts))
                kept.append(place)
        place.parent.mkdir(parents=True, exist_ok=True)
        os.rename(path, place)
    for path in leaves:  # after those of the user, and the manifest last
        if os.path.lexists(path) and _is_own(path, old, noted):
            _remove(path)
    with suppress(OSError):  # a folder of its name
        last.unlink()
    shutil.rmtree(old, ignore_errors=True)
    _tell_kept(kept)


def _is_free(place, for_folder):
    """Return whether a file, or a folder for files, can be made at a place."""
    is_folder = for_folder and place.is_dir() and not place.is_symlink()
    return is_folder or not os.path.lexists(place)


def _beside(path, for_folder=False):
    """Return a name for what was not written here and is in the way."""
    names = (f"{path.name}{_KEPT}{number or ''}" for number in range(1000))
    return next(
        place for name in names if _is_free(place := path.with_name(name), for_folder)
    )


def _tell_kept(kept):
    if kept:
        text = "Files that were not written here, or have changed since, are kept as"
        names = ", ".join(dict.fromkeys(map(str, kept)))
        warn_user(f"{text} {names}.")


def _tidy_up(home, folder):
    """Bring to an end what killed runs left of a folder, and say what was found."""
    name = _left_name(folder)
    lefts = [path for path in home.iterdir() if path.name[:-9] == name]
    lefts = [path for path in lefts if path.is_dir() and is_of_user(path)]

    def age(path):
        with suppress(OSError):
            return -_list_of(path).stat().st_mtime_ns
        return 0

    for left in sorted(lefts, key=age):  # the newest whole one first
        if is_in_use(left / _MARK):
            text = "is of a run that goes on, or of another computer: it stays"
        elif (left / _MARK).exists() or not _leaves(left):
            shutil.rmtree(left, ignore_errors=True)
            text = "was left unfinished by a run that was stopped: it is removed"
        elif home == folder and has_list(left):
            _move_in(left, folder)
            text = "was left by a run that was stopped: its results are now in place"
        elif home == folder or folder.exists():
            _move_back(left, folder)
            text = "was left by a run that was stopped: files of yours in it are back"
        else:
            os.rename(left, folder)
            text = "was left by a run that was stopped: it is in its place again"
        warn_user(f"{left} {text}.")


@contextmanager
def _marked(folder):
    """Mark a folder as unfinished, and keep the mark locked as long as this runs."""
    mark = folder / _MARK
    with open(mark, "w") as file:
        if fcntl is None:
            file.close()  # no folder of an open file can be moved there
        else:
            lock(file)
        yield
        mark.unlink()


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
