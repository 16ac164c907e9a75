# SPDX-License-Identifier: BSD-3-Clause
"""Write files so that nobody ever sees half of one."""

import os
import uuid
from contextlib import contextmanager
from pathlib import Path


@contextmanager
def atomic_path(path, *, overwrite=False):
    """Give a temporary name to write to, and move the file to its place at the end.

    The temporary file lies in the same folder and has the same suffixes, because
    writers choose the format by them. If the block fails, it is removed and what
    was at `path` stays as it was.
    """
    path = Path(path)
    _check_place(path, overwrite)
    temporary = path.with_name(f".{uuid.uuid4().hex[:8]}-{path.name}")
    try:
        yield temporary
        _check_place(path, overwrite)
        os.replace(temporary, path)
    finally:
        temporary.unlink(missing_ok=True)


def _check_place(path, overwrite):
    """Refuse a path that cannot or must not be written."""
    if path.is_dir():
        raise IsADirectoryError(f"{path} is a folder, not a file to write.")
    if not path.parent.is_dir():
        raise FileNotFoundError(
            f"{path} cannot be written: the folder {path.parent} does not exist."
        )
    if path.exists() and not overwrite:
        raise FileExistsError(
            f"{path} exists already. Choose another name, or allow to overwrite it."
        )
