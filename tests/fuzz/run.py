# SPDX-License-Identifier: BSD-3-Clause
"""Try numbered cases until something goes wrong.

    python tests/fuzz/run.py files 20000 --jobs 2 --keep failing
    python tests/fuzz/run.py pipelines --minutes 120 --jobs 2 --keep failing

`files.py` makes damaged and hostile files and reads them, `pipelines.py` makes random
Pipelines and fits them; each says when a case fails, and each case fails if the process
dies, hangs or is slow. A case is a number: ``--first`` goes on from one, or repeats it.
Failing cases are printed, and what they are made of is kept.
"""

import argparse
import contextlib
import importlib
import multiprocessing
import sys
import tempfile
import time
import traceback
from collections import Counter
from multiprocessing.connection import wait
from pathlib import Path

PATIENCE = 20  # times the longest case, on a clock that runs while others compute


def work(name, home, connection):
    """Judge the cases whose numbers come, in this process."""
    cases = importlib.import_module(name)
    cases.start(home)
    for number in iter(connection.recv, None):
        kind, check, *case = cases.make_case(number)
        begin = time.process_time()
        problem, refused = cases.judge(number, check, *case)
        seconds = time.process_time() - begin
        if problem is None and seconds > cases.LONGEST:
            problem = f"{seconds:.1f} s"
        kind += " refused" * refused
        connection.send((kind, check.__name__, seconds, problem))


class Worker:
    """A process that works on one case after the other."""

    def __init__(self, name, home):
        context = multiprocessing.get_context(importlib.import_module(name).METHOD)
        self.connection, theirs = context.Pipe()
        given = name, home, theirs
        self.process = context.Process(target=work, args=given, daemon=True)
        self.process.start()
        theirs.close()

    def take(self, number):
        """Begin a case, or end without one; return whether there is one."""
        self.number, self.since = number, time.monotonic()
        with contextlib.suppress(BrokenPipeError):  # of a process that died
            self.connection.send(number)
        if number is None:
            self.process.join()
        return number is not None

    def outcome(self, patience):
        """Return the kind, the check, the seconds and the problem, or None."""
        try:
            if self.connection.poll():
                return self.connection.recv()
        except EOFError:
            self.process.join()
            return "?", "?", 0.0, f"the process died ({self.process.exitcode})"
        if time.monotonic() - self.since < patience:
            return None
        self.process.kill()
        return "?", "?", 0.0, f"hangs for {patience:.0f} s"


def run_cases(name, numbers, jobs, keep, home, minutes=None):
    """Run cases, none after some minutes; return the number of those that fail."""
    cases = importlib.import_module(name)
    end = time.monotonic() + 60 * minutes if minutes else float("inf")
    numbers = iter(numbers)
    counts, n_failing, slowest = Counter(), 0, 0.0
    workers = [Worker(name, home) for _ in range(jobs)]
    workers = [worker for worker in workers if worker.take(next(numbers, None))]
    while workers:
        wait([worker.connection for worker in workers], timeout=1)
        for worker in workers.copy():
            found = worker.outcome(PATIENCE * cases.LONGEST)
            if found is None:
                continue
            kind, check, seconds, problem = found
            counts[kind] += 1
            slowest = max(slowest, seconds)
            if problem is not None:
                n_failing += 1
                problem = ascii(problem).replace("\\n", "\n  ")
                print(f"case {worker.number} ({kind}, {check}): {problem}", flush=True)
                if keep is not None:
                    keep.mkdir(parents=True, exist_ok=True)
                    cases.write_case(worker.number, keep)
            workers.remove(worker)
            number = next(numbers, None) if time.monotonic() < end else None
            if kind == "?" and number is not None:
                worker = Worker(name, home)
            if worker.take(number):
                workers.append(worker)
            if counts.total() % 1000 == 0:
                print(f"{counts.total()} cases, {n_failing} fail", flush=True)
    for kind, count in sorted(counts.items()):
        print(f"{count:>7} {kind}")
    print(f"{counts.total()} cases, {n_failing} fail, slowest {slowest:.1f} s")
    return n_failing


def where(error):
    """Return the last lines of code of an error in skesom and anywhere."""
    frames = traceback.extract_tb(error.__traceback__)
    ours = [f for f in frames if "/skesom/" in f.filename]
    return " < ".join(
        f"{Path(f.filename).name}:{f.lineno}" for f in [*ours[-2:], frames[-1]]
    )


def main():
    """Run the command."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("cases", choices=("files", "pipelines"))
    parser.add_argument("count", type=int, nargs="?", default=10**5, help="how many")
    parser.add_argument("--first", type=int, default=0, help="number of the first case")
    parser.add_argument("--jobs", type=int, default=1, help="processes")
    parser.add_argument("--keep", type=Path, help="folder for cases that fail")
    parser.add_argument("--minutes", type=float, help="time after which none begins")
    options = parser.parse_args()
    numbers = range(options.first, options.first + options.count)
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as home:
        home = Path(home)
        importlib.import_module(options.cases).prepare(home)
        given = options.cases, numbers, options.jobs, options.keep, home
        sys.exit(run_cases(*given, options.minutes) > 0)


if __name__ == "__main__":
    main()
