# SPDX-License-Identifier: BSD-3-Clause
"""What the scripts share: seconds and memory of some work, and tables in files.

`report` prints a table. Where the environment variable SKESOM_BENCHMARKS names a
folder, as in ``run_all.py``, it also writes the table there as ECSV. Only the standard
library is imported here, because environments without skesom use `measure` too.
"""

import math
import os
import resource
import sys
import time
from pathlib import Path

FOLDER = "SKESOM_BENCHMARKS"


def memory(what):
    """Return the resident memory of this process in bytes, "RSS" now, "HWM" at most.

    What ``resource`` tells is not below the memory of the process that started this
    one, so the kernel is asked where it can be.
    """
    status = Path("/proc/self/status")
    if not status.exists():
        unit = 1 if sys.platform == "darwin" else 1024
        return unit * resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    lines = dict(line.split(":", 1) for line in status.read_text().splitlines())
    return 1024 * int(lines[f"Vm{what}"].split()[0])


def forget_peak():
    """Let the highest memory be the present one, where that is possible."""
    try:
        Path("/proc/self/clear_refs").write_text("5")
    except OSError:
        pass


def measure(work):
    """Return the result of some work, and its wall and CPU seconds and extra bytes."""
    forget_peak()
    before = memory("RSS")
    wall, cpu = time.perf_counter(), time.process_time()
    result = work()
    cost = {"wall": time.perf_counter() - wall, "cpu": time.process_time() - cpu}
    return result, {**cost, "memory": memory("HWM") - before}


def cost(figures):
    """Return what `measure` found as columns of a table."""
    return {
        "CPU s": figures["cpu"],
        "wall s": figures["wall"],
        "extra MB": figures["memory"] / 1e6,
    }


def text_of(value):
    """Return a value as text: numbers with three digits, none as nothing."""
    if isinstance(value, float):
        if math.isnan(value):
            return ""
        digits = 2 - math.floor(math.log10(abs(value))) if value else 2
        return f"{value:.{min(max(digits, 0), 3)}f}"
    return str(value)


def print_rows(rows):
    """Print a line for each row, under the names of the columns."""
    cells = [
        list(rows[0]),
        *([text_of(value) for value in row.values()] for row in rows),
    ]
    widths = [max(map(len, column)) for column in zip(*cells, strict=True)]
    for line in cells:
        columns = zip(line, widths, strict=True)
        print("  ".join(cell.ljust(width) for cell, width in columns).rstrip())


def report(name, title, rows):
    """Print a table, and write it where ``run_all.py`` asks for it.

    Parameters
    ----------
    name : str
        Of the file, without ".ecsv".
    title : str
        What the table shows; it stands above it on the page.
    rows : list of dict
        Columns by name; a row may lack columns.
    """
    columns = list(dict.fromkeys(column for row in rows for column in row))
    numbers = {c: any(isinstance(r.get(c), float) for r in rows) for c in columns}
    rows = [
        {c: row.get(c, math.nan if numbers[c] else "") for c in columns} for row in rows
    ]
    print(f"\n{title}")
    print_rows(rows)
    sys.stdout.flush()
    if FOLDER in os.environ:
        from astropy.table import Table

        script = Path(sys.argv[0]).stem
        table = Table(rows, meta={"title": title, "script": script})
        path = Path(os.environ[FOLDER]) / f"{name}.ecsv"
        table.write(path, format="ascii.ecsv", overwrite=True)
