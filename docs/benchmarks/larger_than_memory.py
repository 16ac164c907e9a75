# SPDX-License-Identifier: BSD-3-Clause
"""A mosaic that is larger than the memory, from FITS files to its label map.

Nine files of 8500 x 5000 pixels (1.5 GB) are made of synthetic galaxies, whose widths
differ by band and are known. The default pipeline runs twice, each time in a process of
its own: in memory, and in strips by one worker of dask with a limit on the address
space of the process, which also counts what the interpreter and its libraries reserve.
Both must give the same label map, which is compared by its SHA-256. "Reserved" is the
most address space that the process ever had, "resident" the most memory, "libraries"
the address space after all imports. Run:
``python docs/benchmarks/larger_than_memory.py``, or with ``--size 4250 2500`` (a
quarter). Linux only, because of /proc.
"""

import argparse
import json
import os
import resource
import subprocess
import sys
import tempfile
import time
import warnings
from pathlib import Path

import numpy as np
from measuring import report

TILE = 850, 1000
FILES = ("clusterer", "strips", "limit")
THREADS = {
    "OMP_NUM_THREADS": "1",
    "OPENBLAS_NUM_THREADS": "1",
    "MALLOC_ARENA_MAX": "2",
}


def make_files(folder, shape):
    """Write a mosaic of four galaxies, which repeat, as one file for each band."""
    import dask.array as da

    from skesom.cube import Cube
    from skesom.datasets import make_galaxy_cube
    from skesom.io import write_bands

    scenes = [make_galaxy_cube(TILE, random_state=seed)[0] for seed in range(4)]
    scenes[3].data[:40] = np.nan
    tiles = [da.from_array(scene.data, chunks=-1) for scene in scenes]
    n_down, n_across = (
        -(-length // tile) for length, tile in zip(shape, TILE, strict=True)
    )
    grid = [
        [[tiles[(row + column) % 4]] for column in range(n_across)]
        for row in range(n_down)
    ]
    rows = [da.concatenate([tile for (tile,) in row], axis=1) for row in grid]
    first = scenes[0]
    wcs = first.wcs.deepcopy()
    wcs.array_shape = None
    data = da.concatenate(rows)[: shape[0], : shape[1]]
    cube = Cube(data, wcs=wcs, band_names=first.band_names, fwhm=first.fwhm)
    return write_bands(folder, cube)


def status(name):
    """Return a line of the status of this process in bytes."""
    for line in Path("/proc/self/status").read_text().splitlines():
        if line.startswith(f"{name}:"):
            return 1024 * int(line.split()[1])
    raise ValueError(f"/proc/self/status has no {name}.")


def run(folder, in_strips, limit, n_runs):
    """Cluster the files and print what it took; this is the other process."""
    if limit:
        resource.setrlimit(resource.RLIMIT_AS, (limit, limit))
    import dask.array

    from skesom._common.labels import label_map_digest
    from skesom.io import read_cube
    from skesom.maps import make_cluster_pipeline, make_clusterer

    warnings.simplefilter("ignore")
    dask.config.set(num_workers=1)  # each takes memory for strips of its own
    pipeline = make_cluster_pipeline(make_clusterer("esom", n_runs=n_runs), n_jobs=1)
    libraries = status("VmSize")
    start = time.perf_counter()
    cube = read_cube(sorted(Path(folder).glob("*.fits")), lazy=in_strips)
    label_map = pipeline.fit_predict(cube)
    found = {"seconds": time.perf_counter() - start, "libraries": libraries}
    found |= {"reserved": status("VmPeak"), "resident": status("VmHWM")}
    found["sha256"] = label_map_digest(label_map)
    print(json.dumps(found))


def measure(folder, *options):
    """Run in another process; return what it printed."""
    command = [sys.executable, __file__, "--run", str(folder), *map(str, options)]
    done = subprocess.run(command, env={**os.environ, **THREADS}, capture_output=True)
    if done.returncode:
        lines = done.stderr.decode().replace(f"{folder}/", "").strip().splitlines()
        return {"error": lines[-1] if lines else f"ended with {done.returncode}"}
    return json.loads(done.stdout)


def main():
    """Make the files, run both ways, and print a table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument(
        "--size", nargs=2, type=int, default=[8500, 5000], metavar=("ROWS", "COLUMNS")
    )
    parser.add_argument("--limit", type=float, default=1.5, metavar="GB")
    parser.add_argument("--runs", type=int, default=12, help="of the consensus")
    parser.add_argument("--folder", help="keep the files here")
    parser.add_argument("--run", nargs=4, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.run:
        folder, *numbers = options.run
        run(folder, *map(int, numbers))
        return
    limit = int(options.limit * 1e9)
    with tempfile.TemporaryDirectory(dir=options.folder) as folder:
        make_files(folder, tuple(options.size))
        size = sum(path.stat().st_size for path in Path(folder).iterdir())
        print(f"{size / 1e9:.2f} GB of FITS files, limit {limit / 1e9:.2f} GB")
        ways = {
            "in memory, no limit": (0, 0),
            "in memory, limited": (0, limit),
            "in strips, limited": (1, limit),
        }
        found = {way: measure(folder, *how, options.runs) for way, how in ways.items()}
    columns = {
        "address space, GB": "reserved",
        "memory, GB": "resident",
        "libraries, GB": "libraries",
    }
    rows = []
    for way, each in found.items():
        row = {"way": way}
        if "error" in each:
            row["note"] = each["error"]
        else:
            row["seconds"] = each["seconds"]
            row |= {name: each[key] / 1e9 for name, key in columns.items()}
        rows.append(row)
    digests = {each["sha256"] for each in found.values() if "sha256" in each}
    if len(digests) != 1:
        raise RuntimeError("The label maps differ.")
    title = f"{options.size[0]} x {options.size[1]} pixels in nine bands, one label map"
    report("larger_than_memory", title, rows)


if __name__ == "__main__":
    main()
