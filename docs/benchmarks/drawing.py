# SPDX-License-Identifier: BSD-3-Clause
"""CPU seconds and bytes of each picture of a report, drawn first and drawn again.

The first time, libraries load and letters are made; the last two columns are of the
least of ``--rounds`` later times: what is drawn, and what is saved of that. Run:
``python docs/benchmarks/drawing.py``.
"""

import argparse
import tempfile
import time
import warnings
from pathlib import Path

from measuring import report

from skesom.datasets import make_galaxy_cube
from skesom.maps import make_cluster_pipeline, make_clusterer
from skesom.report import PictureStyle
from skesom.report import drawing as _drawing
from skesom.report._pictures import Pictures
from skesom.report.result import Result
from skesom.report.tables import pass_over_pixels


def jobs_of(size, style):
    """Return the jobs that draw the pictures of a galaxy."""
    cube, _ = make_galaxy_cube(size[:2], size[2], random_state=0)
    clusterer = make_clusterer("esom", random_state=0)
    pipeline = make_cluster_pipeline(clusterer, n_jobs=-1)
    result = Result(pipeline.fit(cube), cube)
    pictures = Pictures(result, style)
    with tempfile.TemporaryDirectory() as folder:
        summary = pass_over_pixels(result, Path(folder), ())
    return [*pictures.jobs(), *pictures.jobs_of_pixels(summary)]


def seconds_of(job, style):
    """Return the CPU seconds to draw and to save a picture, and its bytes."""
    begin = time.process_time()
    drawn = job()
    middle = time.process_time()
    saved = b"" if drawn is None else _drawing.saved(drawn.figure_, style)
    return middle - begin, time.process_time() - middle, len(saved)


def main():
    """Report a table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--size", default="605x605x9", help="rows, columns, bands")
    parser.add_argument("--rounds", type=int, default=3)
    given = parser.parse_args()
    style, rows = PictureStyle(), []
    warnings.simplefilter("ignore")
    for name, job in jobs_of(tuple(map(int, given.size.split("x"))), style):
        first, *later = [seconds_of(job, style) for _ in range(given.rounds + 1)]
        plot, save, n_bytes = min(later, key=lambda each: sum(each[:2]))
        row = {"picture": name, "first CPU s": sum(first[:2])}
        rows.append(row | {"plot CPU s": plot, "save CPU s": save, "kB": n_bytes / 1e3})
    total = {key: sum(row[key] for row in rows) for key in list(rows[0])[1:]}
    report("drawing", "Seconds of the pictures", [*rows, {"picture": "all"} | total])


if __name__ == "__main__":
    main()
