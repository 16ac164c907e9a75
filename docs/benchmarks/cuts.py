# SPDX-License-Identifier: BSD-3-Clause
"""What another number of clusters takes: a fit, and cuts of its tree.

A galaxy in nine bands is clustered by `Run.fit` with its defaults. Its tree is cut into
12 clusters: in the run of the fit, in one that was read from its folder (the first cut
also reads ``leaves.fits``, the next does not), and by giving the images to
`CubeClusterer.cut_at`, which prepares all pixels again. The label maps must be equal.
Run: ``python docs/benchmarks/cuts.py``; ``--size 300`` names rows and columns.
"""

import argparse
import tempfile
from pathlib import Path

import numpy as np
from measuring import cost, measure, report

from skesom import Run
from skesom.datasets import make_galaxy_cube
from skesom.io import write_bands

N_CLUSTERS = 12


def rows_of(side, folder):
    """Yield what each way to a map takes."""
    cube, _ = make_galaxy_cube((side, side), random_state=0)
    images = write_bands(folder / "images", cube)
    run, used = measure(lambda: Run.fit(images))
    yield {"what": "fit, 8 clusters"} | cost(used)
    cut, used = measure(lambda: run.cut(N_CLUSTERS))
    yield {"what": "cut of that run"} | cost(used)
    run.write(folder / "result", pictures=False, tables=False)
    label_maps = [cut.label_map]

    again, used = measure(lambda: Run.read(folder / "result"))
    yield {"what": "read of its folder"} | cost(used)
    for order in ("first", "next"):
        cut, used = measure(lambda: again.cut(N_CLUSTERS))
        yield {"what": f"{order} cut of what was read"} | cost(used)
        label_maps.append(cut.label_map)

    def cut_with_images():
        prepared = run.pipeline[:-1].transform(run.source.read())
        return run.pipeline[-1].cut_at(N_CLUSTERS, prepared)

    step, used = measure(cut_with_images)
    yield {"what": "cut with the images"} | cost(used)
    label_maps.append(step.labels_)
    if not all(np.array_equal(label_maps[0], other) for other in label_maps):
        raise RuntimeError("The label maps differ.")


def main():
    """Report the table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--size", type=int, default=605)
    side = parser.parse_args().size
    with tempfile.TemporaryDirectory() as folder:
        rows = list(rows_of(side, Path(folder)))
    report("cuts", f"{side} x {side} pixels in nine bands: {N_CLUSTERS} clusters", rows)


if __name__ == "__main__":
    main()
