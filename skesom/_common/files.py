# SPDX-License-Identifier: BSD-3-Clause
"""Files that others made: which may be opened, and which are in use."""

import os
import stat
from contextlib import suppress

try:
    import fcntl
except ImportError:  # Windows
    fcntl = None

_KINDS = {stat.S_IFIFO: "a pipe", stat.S_IFSOCK: "a socket"}


def regular(path):
    """Return the path of a file; refuse pipes and devices: they block or do not end."""
    kind = stat.S_IFMT(os.stat(path).st_mode)
    if kind not in (stat.S_IFREG, stat.S_IFDIR):  # to open a folder is an error already
        raise OSError(
            f"{path} is {_KINDS.get(kind, 'a device')} and no file: it cannot be read "
            "more than once. Write what it gives to a file, and give that."
        )
    return path


def is_of_user(path):
    """Return whether something, and no link to it, is of the user who runs this."""
    user = 0  # to whom Windows gives all files
    if hasattr(os, "geteuid"):
        user = os.geteuid()
    return os.lstat(path).st_uid == user and not os.path.islink(path)


def lock(file):
    """Lock an open file until it is closed; nothing where files have no locks."""
    if fcntl is not None:
        with suppress(OSError):
            fcntl.flock(file, fcntl.LOCK_EX)


def is_in_use(path):
    """Return whether a file is there, and its writer may still keep it locked."""
    if not os.path.isfile(path):  # no pipe, which may block
        return False
    try:
        with open(path, "rb") as file:
            if fcntl is not None:
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
                return False
    except FileNotFoundError:
        return False
    except OSError:
        return True
    return True
