# SPDX-License-Identifier: BSD-3-Clause
"""A full frame of a camera from FITS files to a report: seconds, memory, steps.

``skesom cluster`` runs on a mosaic of synthetic galaxies, one file for each band, in a
process of its own. "CPU s" are those of all its processes, "peak GB" is the most memory
of the largest of them. The default shape is a trial: ``--shape 8500 5000`` is a full
frame (1.5 GB of files). ``--strips`` works in strips, ``--against CHECKOUT`` also runs
another checkout, with its kernels built, whose map must be the same, and ``--options``,
which must come last, takes options of the command. Run:
``python docs/benchmarks/full_frame.py``.
"""

import argparse
import tempfile
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context
from pathlib import Path

from first_command import COMMAND, ROOT, run
from larger_than_memory import make_files
from measuring import report


def main():
    """Make the files, run the command, and report the tables."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    shape = {"metavar": ("ROWS", "COLUMNS"), "default": [850, 1000]}
    parser.add_argument("--shape", nargs=2, type=int, **shape)
    parser.add_argument("--strips", action="store_true")
    parser.add_argument("--against", type=Path, nargs="*", default=[])
    parser.add_argument("--options", nargs=argparse.REMAINDER, default=[])
    given = parser.parse_args()
    rows, steps, maps = [], [], []
    with tempfile.TemporaryDirectory() as folder:
        # Elsewhere, as a command's peak is not below that of who starts it.
        with ProcessPoolExecutor(1, mp_context=get_context("spawn")) as other:
            images = other.submit(make_files, folder, tuple(given.shape)).result()
        way = "yes" if given.strips else "no"
        for number, checkout in enumerate([ROOT, *given.against]):
            result = Path(folder) / f"result{number}"
            line = *COMMAND, "cluster", *images, "-v", "--strips", way, "-o", result
            spent, of_steps = run([*map(str, line), *given.options], checkout)
            one = {"checkout": "other" if number else "this"}
            rows.append(one | spent)
            steps += [one | {"step": k, "wall s": v} for k, v in of_steps.items()]
            maps.append((result / "cluster_map.fits").read_bytes())
    title = "{} x {} pixels in nine bands".format(*given.shape)
    report("full_frame", f"{title}, files to report, --strips {way}", rows)
    report("full_frame_steps", f"{title}, seconds of the steps", steps)
    if len(set(maps)) > 1:
        raise RuntimeError("The label maps differ.")


if __name__ == "__main__":
    main()
