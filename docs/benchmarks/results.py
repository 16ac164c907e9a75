# SPDX-License-Identifier: BSD-3-Clause
"""What the report of a run and the page to explore it take.

Run from anywhere: ``python docs/benchmarks/results.py``. ``--size ROWS COLUMNS`` names
the size of the image; a galaxy of 605 x 605 pixels in nine bands is repeated to fill
it. Memory is what the process gains above the images and the fitted pipeline.
"""

import argparse
import tempfile
from pathlib import Path

import numpy as np
from measuring import measure

from skesom.datasets import make_galaxy_cube
from skesom.maps import make_cluster_pipeline
from skesom.report import explore, write_report
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


def tell(name, work):
    """Print wall seconds, CPU seconds and memory of some work."""
    _, took = measure(work)
    gained = took["memory"] / 2**30
    print(f"{name:8}{took['wall']:10.1f}{took['cpu']:10.1f}{gained:12.2f}")


def main():
    """Measure the report and the page."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--size", nargs=2, type=int, default=(SIDE, SIDE))
    shape = tuple(parser.parse_args().size)
    cube, pipeline = job(shape)
    print(f"{'':8}{'seconds':>10}{'CPU':>10}{'memory GiB':>12}")
    with tempfile.TemporaryDirectory() as folder:
        report, page = Path(folder) / "report", Path(folder) / "page.html"
        tell("page", lambda: explore(page, pipeline, cube))
        tell("report", lambda: write_report(report, pipeline, cube))
        print(f"The page has {page.stat().st_size / 1e6:.1f} MB.")


if __name__ == "__main__":
    main()
