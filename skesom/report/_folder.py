# SPDX-License-Identifier: BSD-3-Clause
"""A folder of files that appears as a whole or not at all."""

import os
import shutil
import uuid
from contextlib import contextmanager, suppress
from pathlib import Path


@contextmanager
def atomic_folder(folder, *, overwrite=False):
    """Give a temporary folder to write to, and move its files to their place."""
    folder = Path(os.path.abspath(folder))  # names even "." and "..", which have none
    check_folder(folder, overwrite=overwrite)
    # A folder that exists may be the only place there that can be written to.
    home = folder if folder.exists() else folder.parent
    made = [parent for parent in (home, *home.parents) if not parent.exists()]
    home.mkdir(parents=True, exist_ok=True)
    temporary = home / f".{folder.name}-{uuid.uuid4().hex[:8]}"
    temporary.mkdir()
    try:
        yield temporary
        if folder.exists():
            _move_files(temporary, folder)
        else:
            os.replace(temporary, folder)
    finally:
        shutil.rmtree(temporary, ignore_errors=True)
        for parent in made:  # if nothing came to lie in them
            with suppress(OSError):
                parent.rmdir()


def _move_files(source, target):
    """Move files and folders of files to another folder, in place of what is there."""
    target.mkdir(exist_ok=True)
    for path in sorted(source.iterdir()):
        if path.is_dir():
            _move_files(path, target / path.name)
        else:
            os.replace(path, target / path.name)


def check_folder(folder, *, overwrite=False):
    """Refuse a folder that results must not or cannot go to."""
    folder = Path(folder)
    whole = Path(os.path.abspath(folder))
    there = next(path for path in (whole, *whole.parents) if path.exists())
    there = folder if there == whole else there
    if not there.is_dir():
        raise NotADirectoryError(f"{there} is a file, choose another folder.")
    if there == folder and any(folder.iterdir()) and not overwrite:
        raise FileExistsError(
            f"The folder {folder} is not empty: choose another one, or overwrite."
        )
    if not os.access(there, os.W_OK | os.X_OK):
        raise PermissionError(
            f"Nothing can be written to {folder}: there is no permission to write to "
            f"{there}. Choose another folder."
        )
