# SPDX-License-Identifier: BSD-3-Clause
"""Seconds from images to a report, for each command and for its steps.

Each command runs in a process of its own, on images of a synthetic galaxy that are
written before. "CPU s" are those of all its processes, "peak GB" is the most memory of
the largest of them, and "MB" is what it writes. ``--sizes 500x500x5`` names rows,
columns and bands; ``--against CHECKOUT`` runs another checkout, with its kernels built,
in turn with this one: only such ratios count on a busy machine. ``--install`` times the
first command of the README, too, in a copy and an environment of its own. Run:
``python docs/benchmarks/first_command.py``.
"""

import argparse
import os
import re
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from measuring import report

from skesom.datasets import make_galaxy_cube
from skesom.io import write_bands

ROOT = Path(__file__).resolve().parents[2]
COMMAND = sys.executable, "-P", "-m", "skesom.cli"  # not the one in this folder
LEAST = 0.05  # seconds of a step that is listed
STEP = re.compile(r" *([\d.]+) s  (.+)")


def run(command, checkout=ROOT):
    """Run a command; return its seconds and peak memory, and seconds of its steps."""
    # Modules that were compiled once are kept, as on the computers of users.
    unset = {"PYTHONDONTWRITEBYTECODE", "PYTHONPATH"}
    own = {k: v for k, v in os.environ.items() if k not in unset}
    own |= {"SKESOM_CACHE": ""}  # checkouts that had a cache prepare their pixels
    own |= {"PYTHONPATH": str(checkout)} if checkout else {}
    wall = time.perf_counter()
    with subprocess.Popen(
        command, env=own, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True
    ) as process:
        log = process.stderr.read()
        _, status, used = os.wait4(process.pid, 0)
        process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode:
        raise RuntimeError(log)
    wall, steps = time.perf_counter() - wall, {}
    for seconds, name in STEP.findall(log):
        steps[name] = steps.get(name, 0) + float(seconds)
    cost = {"wall s": wall, "CPU s": used.ru_utime + used.ru_stime}
    cost["peak GB"] = 1024 * used.ru_maxrss / 1e9
    return cost, {name: spent for name, spent in steps.items() if spent >= LEAST}


def written(folder):
    """Return the megabytes in a folder."""
    return (
        sum(path.stat().st_size for path in folder.rglob("*") if path.is_file()) / 1e6
    )


def commands(size, images, folder):
    """Yield what is measured: a name, arguments, and the folder that they write."""
    cluster = "cluster", *images, "-o", folder / "result"
    yield "skesom cluster", cluster, folder / "result"
    cut = "cluster", "--from", folder / "result", "--n-clusters", 12
    yield "the same, --n-clusters 12", (*cut, "-o", folder / "cut"), folder / "cut"
    plain = *cluster[:-1], folder / "plain", "--no-pictures", "--tables", "no"
    yield "skesom cluster --no-pictures --tables no", plain, folder / "plain"
    if size[0] == size[1] and size[2] == 9:
        demo = "demo", "--size", size[0], "-o", folder / "demo"
        yield "skesom demo", demo, folder / "demo"


def measure(size, checkouts, rounds):
    """Return rows of the least seconds of each command, and of its steps."""
    rows, steps = [], []
    with tempfile.TemporaryDirectory() as temporary:
        cube, _ = make_galaxy_cube(size[:2], size[2], random_state=0)
        images = write_bands(Path(temporary) / "images", cube)
        own = [Path(temporary) / str(number) for number in range(len(checkouts))]
        for each in zip(*(commands(size, images, f) for f in own), strict=True):
            runs = [[] for _ in checkouts]
            for _ in range(rounds):
                for (_, command, folder), checkout, done in zip(
                    each, checkouts, runs, strict=True
                ):
                    shutil.rmtree(folder, ignore_errors=True)
                    line = [*COMMAND, *map(str, command), "-v"]
                    done.append(run(line, checkout))
            for (name, _, folder), checkout, done in zip(
                each, checkouts, runs, strict=True
            ):
                one = {"images": "{} x {} x {}".format(*size), "command": name}
                one["checkout"] = "this" if checkout == ROOT else "other"
                best, of_steps = min(done, key=lambda each: each[0]["CPU s"])
                rows.append(one | best | {"MB": written(folder)})
                if checkout == ROOT:
                    steps += [
                        one | {"step": k, "wall s": v} for k, v in of_steps.items()
                    ]
    return rows, steps


def install():
    """Return rows of the first command of the README from nothing, and the second."""
    with tempfile.TemporaryDirectory() as temporary:
        place, rows = Path(temporary) / "checkout", []
        subprocess.run(["git", "clone", "-q", ROOT, place], check=True)
        pip = [place / ".venv" / "bin" / "pip", "install", "--no-compile", "-q", "-e"]
        demo = place / ".venv" / "bin" / "skesom", "demo", "-o"
        for name, command in (
            ("python3 -m venv .venv", [sys.executable, "-m", "venv", place / ".venv"]),
            ("pip install", [*pip, f"{place}[plot]"]),
            ("skesom demo, first run", [*demo, place / "one"]),
            ("skesom demo, second run", [*demo, place / "two"]),
        ):
            rows.append({"command": name} | run([*map(str, command)], None)[0])
    total = {k: sum(row[k] for row in rows[:-1]) for k in ("wall s", "CPU s")}
    return [*rows, {"command": "first command of the README"} | total]


def main():
    """Report the tables."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    sizes = ["605x605x9", "500x500x5"]
    parser.add_argument("--sizes", nargs="+", default=sizes)
    parser.add_argument("--rounds", type=int, default=2)
    parser.add_argument("--against", type=Path, nargs="*", default=[])
    parser.add_argument("--install", action="store_true")
    given = parser.parse_args()
    rows, steps = [], []
    for text in given.sizes:
        size = tuple(map(int, text.split("x")))
        found = measure(size, [ROOT, *given.against], given.rounds)
        rows, steps = rows + found[0], steps + found[1]
    report("first_command", "Seconds from images to a report", rows)
    report("first_command_steps", "Seconds of the steps", steps)
    if given.install:
        report("first_command_install", "From nothing to a demo", install())


if __name__ == "__main__":
    main()
