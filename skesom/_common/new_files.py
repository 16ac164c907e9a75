# SPDX-License-Identifier: BSD-3-Clause
"""Files that appear as a whole or not at all, and are never written through a link."""

import os
import shutil
import uuid
from contextlib import contextmanager, suppress
from pathlib import Path

UNFINISHED = ".skesom-"  # how names begin of what a killed run may leave
LOCK_NAME = f"{UNFINISHED}lock"  # in a folder that is being written
_TAIL = 16  # characters of a name that tell writers the format: of any length, it fits


@contextmanager
def atomic_path(path, *, overwrite=False):
    """Give a temporary path beside `path`; move the file there unless a write fails.

    A file that is there is replaced, and gives its mode to the new one. So is a link,
    and the file that it points to stays as it is.
    """
    path = Path(path)
    check_place(path, overwrite=overwrite)
    tail = path.name[-_TAIL:]
    temporary = path.with_name(f"{UNFINISHED}{uuid.uuid4().hex[:8]}-{tail}")
    try:
        yield temporary
        check_place(path, overwrite=overwrite)
        if path.is_file() and not path.is_symlink():
            shutil.copymode(path, temporary)
        os.replace(temporary, path)
    except OSError as error:
        if error.filename is None and (error.errno or "space" in str(error)):
            error.strerror = error.strerror or " ".join(str(error).split())
            error.filename = str(path)  # of a full disk
        raise
    finally:
        temporary.unlink(missing_ok=True)


def exchange_folders(folder, new, old):
    """Put a new folder, with the mode of the one that is there, in its place.

    That one is then at `old`; after an error or an interrupt it is back, and the new
    one still at `new`.
    """
    try:
        if os.path.lexists(folder):
            if not folder.is_symlink():
                shutil.copymode(folder, new)
            os.rename(folder, old)
        os.rename(new, folder)
    except BaseException:
        if os.path.lexists(old) and not os.path.lexists(folder):
            os.rename(old, folder)
        raise


def check_place(path, *, overwrite=False):
    """Refuse a path that cannot or must not be written."""
    path = Path(path)
    check_parent(path)
    if path.is_dir():
        raise IsADirectoryError(f"{path} is a folder, not a file to write.")
    if path.exists() and not path.is_file():
        raise OSError(f"{path} is a pipe or a device, not a file to write.")
    if os.path.lexists(path) and not overwrite:
        raise FileExistsError(
            f"{path} exists already. Choose another name, or allow to overwrite it."
        )


def check_parent(path):
    """Refuse a path that no file can have: without a folder, or of a wrong name."""
    if not path.parent.is_dir():
        raise FileNotFoundError(f"{path}: the folder {path.parent} does not exist.")
    check_names(path.parent, path.name)


def check_names(folder, *names):
    """Raise the error of the system if a folder cannot have files of some names."""
    for name in names:
        with suppress(FileNotFoundError):
            os.lstat(folder / name)
