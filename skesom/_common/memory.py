# SPDX-License-Identifier: BSD-3-Clause
"""The memory that this process may still take."""

import os
from contextlib import suppress
from pathlib import Path

_GROUPS = Path("/sys/fs/cgroup")


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
