# SPDX-License-Identifier: BSD-3-Clause
"""The list that a folder keeps of the files that were written to it.

It has the size and digest of each file. Whatever else is in the folder, or has changed
since, is of the user.
"""

import hashlib
import json
from contextlib import suppress

from skesom._common.files import regular
from skesom._common.new_files import LOCK_NAME, UNFINISHED, atomic_path

MANIFEST = ".skesom.json"  # the list of a folder that has no provenance.json
_KEY = "written"  # of the list in these
# Which file managers leave where a user looked, and which tell nobody anything.
_OF_FILE_MANAGERS = {".DS_Store", "Thumbs.db", "desktop.ini"}


def note_files(folder, paths):
    """Add files of a folder to its list, so that they can be replaced later."""
    list_path = path_of_list(folder)
    entries = _read_list(folder)
    for path in paths:
        if path == list_path:
            continue
        entry = _entry_of(path)
        if entry is not None:
            entries[_name_in(folder, path)] = entry
    content = _read_file_of_list(folder)
    content[_KEY] = entries
    with atomic_path(list_path, overwrite=True) as temporary:
        temporary.write_text(f"{json.dumps(content, indent=1)}\n", encoding="utf-8")


def has_list(folder):
    """Return whether a folder has a list of the files that were written to it."""
    return bool(_read_list(folder))


def path_of_list(folder):
    """Return the file that holds the list: of a result, its provenance."""
    path = folder / "provenance.json"
    return path if path.is_file() else folder / MANIFEST


def names_of_files(folder, *names):
    """Return the names of the files in a folder and some more, sorted."""
    names_here = {_name_in(folder, path) for path in files_in(folder)}
    return sorted({*names_here, *names})


def files_in(folder):
    """Return files and links in a folder, without unfinished ones."""
    files = []
    for path in sorted(folder.rglob("*")):
        is_unfinished = path.relative_to(folder).parts[0].startswith(UNFINISHED)
        if (path.is_symlink() or not path.is_dir()) and not is_unfinished:
            files.append(path)
    return files


def names_of_foreign_files(folder):
    """Return the names of files that were not written here, or have changed since."""
    entries = _read_list(folder)
    names = []
    for path in files_in(folder):
        if not _is_written_here(path, folder, entries):
            names.append(_name_in(folder, path))
    return names


def remove_written_files(folder):
    """Remove the files that were written to a folder, its list last; or all of it."""
    entries = _read_list(folder)
    list_path = path_of_list(folder)
    for path in sorted(files_in(folder), key=lambda path: path == list_path):
        if _is_written_here(path, folder, entries):
            path.unlink()
    for path in sorted(folder.rglob("*"), reverse=True):
        with suppress(OSError):  # it is no folder, or not empty
            path.rmdir()


def file_digest(path):
    """Return the SHA-256 of the content of a file."""
    with open(regular(path), "rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _read_file_of_list(folder):
    """Return the content of the file that holds the list, nothing if it is damaged."""
    path = path_of_list(folder)
    content = None
    with suppress(OSError, RecursionError, ValueError):
        if path.is_file():  # no pipe, which may have no end
            content = json.loads(path.read_text(encoding="utf-8"))
    return content if isinstance(content, dict) else {}


def _read_list(folder):
    """Return size and digest of the files that were written to a folder, by name."""
    entries = _read_file_of_list(folder).get(_KEY)
    return entries if isinstance(entries, dict) else {}


def _entry_of(path):
    """Return size and digest of a file, None of kinds that no run writes."""
    if path.is_symlink() or not path.is_file() or path.name == LOCK_NAME:
        return None
    return [path.stat().st_size, file_digest(path)]


def _is_written_here(path, folder, entries):
    """Return whether a file was written here and has not changed since."""
    if path == path_of_list(folder) and (entries or path.name == MANIFEST):
        return True
    if path.name in _OF_FILE_MANAGERS and not path.is_symlink():
        return True
    entry = entries.get(_name_in(folder, path))
    return entry is not None and entry == _entry_of(path)


def _name_in(folder, path):
    """Return the name of a file in a folder, with / on all systems."""
    return path.relative_to(folder).as_posix()
