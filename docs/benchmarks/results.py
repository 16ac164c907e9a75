# SPDX-License-Identifier: BSD-3-Clause
"""What the report of a run and the page to explore it take.

A galaxy of 605 x 605 pixels in nine bands is repeated to fill larger images. Memory is
what the process gains above the images and the fitted pipeline. Run:
``python docs/benchmarks/results.py``; ``--sizes 300x200`` names rows and columns.
"""

import argparse
import tempfile
from functools import partial
from pathlib import Path

import numpy as np
from measuring import cost, measure, report

from skesom.datasets import make_galaxy_cube
from skesom.maps import make_cluster_pipeline
from skesom.report import explore
from skesom.runs import Run
from skesom.som import ESOM

SIDE = 605


def job(shape):
    """Return a cube, and a pipeline whose labels are of it."""
    side = min(SIDE, *shape)
    cube, _ = make_galaxy_cube((side, side), random_state=0)
    pipeline = make_cluster_pipeline(ESOM(random_state=0)).fit(cube)
    if shape == (side, side):
        return cube, pipeline
    step = pipeline["cluster"]
    step.labels_ = filled(step.labels_, shape)
    step.estimator_.labels_ = step.labels_[step.labels_ >= 0]
    return cube.replace(data=filled(cube.data, shape)), pipeline


def filled(image, shape):
    """Return an image repeated to fill a shape."""
    times = [-(-new // old) for new, old in zip(shape, image.shape, strict=False)]
    repeated = np.tile(image, (*times, *[1] * (image.ndim - 2)))
    return np.ascontiguousarray(repeated[: shape[0], : shape[1]])


def size(text):
    """Return rows and columns."""
    return tuple(map(int, text.split("x")))


def main():
    """Report the page and the folder of each size."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    sizes = [(SIDE, SIDE), (8500, 5000)]
    parser.add_argument("--sizes", nargs="+", type=size, default=sizes)
    rows = []
    for shape in parser.parse_args().sizes:
        cube, pipeline = job(shape)
        with tempfile.TemporaryDirectory() as folder:
            page, files = Path(folder) / "page.html", Path(folder) / "result"
            for name, path, write in (
                ("`page.html`", page, explore),
                ("folder of the report", files, write_run),
            ):
                _, took = measure(partial(write, path, pipeline, cube))
                row = {"pixels": "{} x {}".format(*shape), "what": name} | cost(took)
                rows.append(row | {"size in MB": size_of(path) / 1e6})
    report("results", "The page and the report of nine bands", rows)


def write_run(folder, pipeline, cube):
    """Write the folder of a run."""
    Run(pipeline, cube).write(folder)


def size_of(path):
    """Return the bytes of a file, or of all files of a folder."""
    paths = path.rglob("*") if path.is_dir() else [path]
    return sum(each.stat().st_size for each in paths if each.is_file())


if __name__ == "__main__":
    main()
