# SPDX-License-Identifier: BSD-3-Clause
"""Whether images are worked through in strips, because they exceed the memory."""

import math

from joblib import cpu_count

from skesom._common.extras import import_extra
from skesom._common.machine_limits import free_memory
from skesom._common.row_files import remove_left_rows
from skesom.cli._messages import say

# Cube, a copy of it, the table of pixels, its copy in the clusterer, and their parts.
_COPIES = 6
_MEMORY_OF_WORKER = 10**9  # a strip of all bands, and what steps make of it


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
