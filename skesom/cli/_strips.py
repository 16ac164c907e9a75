# SPDX-License-Identifier: BSD-3-Clause
"""Whether images are worked through in strips, because they exceed the memory."""

import math
import os
from contextlib import suppress
from pathlib import Path

from joblib import cpu_count

from skesom._common.extras import import_extra
from skesom._common.row_files import remove_left_rows
from skesom.cli._messages import say

# Cube, a copy of it, the table of pixels, its copy in the clusterer, and their parts.
_COPIES = 6
_MEMORY_OF_WORKER = 10**9  # a strip of all bands, and what steps make of it
_GROUPS = Path("/sys/fs/cgroup")


def with_strips(source, wanted):
    """Return images that are lazy if that is wanted or needed, and say so."""
    remove_left_rows()
    needed = 4 * _COPIES * source.n_values() * (2 if source.errors else 1)
    free = free_memory()
    if wanted == "no" or (wanted == "auto" and needed <= free):
        return source._replace(lazy=False)
    why = ""
    if needed > free:
        sizes = f"about {_text(needed)} of memory, and {_text(free)} are free"
        why = f" The images need {sizes}."
    import_extra(
        "dask.array",
        f"Work in strips needs dask: pip install 'skesom[dask]'.{why} "
        "--strips no reads the images as a whole.",
    )
    import dask

    say(f"Working through the images in strips of rows.{why}")
    if dask.config.get("num_workers", None) is None:
        most = free // _MEMORY_OF_WORKER if free < math.inf else cpu_count()
        dask.config.set(num_workers=int(max(1, min(cpu_count(), most))))
    return source._replace(lazy=True)


def _text(size):
    return f"{size / 1e9:.1f} GB"


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
    places = [_GROUPS / "memory"]  # of the first version
    with suppress(OSError):
        for line in Path("/proc/self/cgroup").read_text().splitlines():
            own = _GROUPS / line.rpartition(":")[2].lstrip("/")
            places += [own, *own.parents]
    limits = [float("inf")]
    for place in places:
        for name in ("memory.max", "memory.limit_in_bytes"):
            with suppress(OSError, ValueError):  # the latter for "max"
                limits.append(int((place / name).read_text()))
    return min(limits)


def _of_process():
    """Return the bytes that the limit of the address space leaves."""
    with suppress(ImportError, OSError, ValueError):
        import resource

        limit = resource.getrlimit(resource.RLIMIT_AS)[0]
        if limit != resource.RLIM_INFINITY:
            taken = int(Path("/proc/self/statm").read_text().split()[0])
            return max(0, limit - taken * resource.getpagesize())
    return float("inf")
