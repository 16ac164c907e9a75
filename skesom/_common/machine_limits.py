# SPDX-License-Identifier: BSD-3-Clause
"""What the machine has left, and errors that say that it has no more."""

import errno
import os
from contextlib import suppress
from pathlib import Path

# Of a disk, or of what a user may write to it.
DISK_IS_FULL = {errno.ENOSPC, errno.EDQUOT, errno.EFBIG, errno.EIO}
_LIMITS = {*DISK_IS_FULL, errno.ENOMEM, errno.EAGAIN, errno.EMFILE, errno.ENFILE}
# What dynamic loaders say of a library for which there is no memory.
_NO_MEMORY_FOR_LIBRARY = (
    "failed to map segment",
    "cannot allocate memory",
    "cannot create shared object descriptor",
    "cannot apply additional memory protection",
    "not enough memory",
)
_GROUPS = Path("/sys/fs/cgroup")


def is_machine_limit(error):
    """Return whether an error is about memory, threads, files, the disk, not data."""
    if isinstance(error, RuntimeError):
        return "start new thread" in str(error)
    return isinstance(error, MemoryError) or getattr(error, "errno", None) in _LIMITS


def machine_limit_behind(error):
    """Return the lack of memory or of open files that an import failed for, or None."""
    while error is not None:
        if isinstance(error, MemoryError | OSError):
            return error
        text = str(error).lower()
        if any(sign in text for sign in _NO_MEMORY_FOR_LIBRARY):
            return MemoryError(str(error))
        if os.strerror(errno.EMFILE).lower() in text:
            return OSError(errno.EMFILE, os.strerror(errno.EMFILE))
        error = error.__cause__ or error.__context__
    return None


def free_memory():
    """Return the bytes that this process may still take, inf if nothing tells."""
    return min(_of_machine(), _of_group(), _of_process())


def _of_machine():
    with suppress(OSError, ValueError, IndexError):
        text = Path("/proc/meminfo").read_text(encoding="ascii")
        return 1024 * int(text.partition("MemAvailable:")[2].split()[0])
    with suppress(AttributeError, OSError, ValueError):  # where there is no /proc
        return os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")
    return float("inf")


def _of_group():
    """Return the limit of the control groups of this process, as of a container."""
    folders = [_GROUPS / "memory"]  # of the first version
    with suppress(OSError):
        for line in Path("/proc/self/cgroup").read_text().splitlines():
            group = _GROUPS / line.rpartition(":")[2].lstrip("/")
            folders.append(group)
            folders.extend(group.parents)  # whose limits hold for it too
    limits = [float("inf")]
    for folder in folders:
        for name in ("memory.max", "memory.limit_in_bytes"):
            with suppress(OSError, ValueError):  # the latter for "max"
                limits.append(int((folder / name).read_text()))
    return min(limits)


def _of_process():
    """Return the bytes that the limit of the address space leaves."""
    with suppress(ImportError, OSError, ValueError):
        import resource

        limit = resource.getrlimit(resource.RLIMIT_AS)[0]
        if limit != resource.RLIM_INFINITY:
            n_pages = int(Path("/proc/self/statm").read_text().split()[0])
            return max(0, limit - n_pages * resource.getpagesize())
    return float("inf")
