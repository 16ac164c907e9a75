# SPDX-License-Identifier: BSD-3-Clause
"""Processes that work on numbered cases, and are replaced when they die or hang."""

import multiprocessing
import os
import time
import traceback
from collections import Counter
from multiprocessing.connection import wait
from pathlib import Path

LONGEST = 10.0  # seconds


class _Worker:
    """A process that works on some cases, and is replaced when it dies or hangs."""

    def __init__(self, numbers, work, arguments, method, longest):
        self.numbers, self.current = list(numbers), None
        self.target, self.arguments = work, arguments
        self.context, self.longest = multiprocessing.get_context(method), longest
        self.start()

    def start(self):
        self.connection, theirs = self.context.Pipe(duplex=False)
        self.process = self.context.Process(
            target=self.target,
            args=(self.numbers, *self.arguments, theirs),
            daemon=True,
        )
        self.process.start()
        theirs.close()
        self.since, self.used = time.perf_counter(), 0.0

    def _used(self):
        """Return the seconds of a processor that the process has used."""
        try:
            fields = Path(f"/proc/{self.process.pid}/stat").read_text().split()
        except FileNotFoundError:
            return self.used
        return (int(fields[13]) + int(fields[14])) / os.sysconf("SC_CLK_TCK")

    def stop(self):
        self.process.kill()
        self.process.join()
        self.connection.close()

    def poll(self):
        """Return the results that are there."""
        try:
            while self.connection.poll():
                number, kind, check, seconds, problem = self.connection.recv()
                self.since, self.used = time.perf_counter(), self._used()
                if seconds is None:
                    self.current = number, kind, check
                    continue
                self.numbers.remove(number)
                self.current = None
                if problem is None and seconds > self.longest:
                    problem = f"{seconds:.1f} s"
                yield number, kind, check, seconds, problem
        except EOFError:
            self.process.join()
            if self.current is None and not self.numbers:
                return
            yield self._lose(f"the process died ({self.process.exitcode})")
        if self._used() - self.used > 3 * self.longest:
            yield self._lose(f"hangs for {3 * self.longest:.0f} s")

    def _lose(self, problem):
        number, kind, check = self.current or (self.numbers[0], "?", "?")
        seconds = time.perf_counter() - self.since
        self.stop()
        self.numbers.remove(number)
        self.current = None
        if self.numbers:
            self.start()
        return number, kind, check, seconds, problem


def run_cases(
    numbers, jobs, work, arguments, *, method, keep, longest=LONGEST, minutes=None
):
    """Run cases, none after some minutes; return the number of those that fail.

    ``work(numbers, *arguments, connection)`` sends the number, the kind, the check and
    None twice before a case, and the seconds and the problem or None after it.
    ``longest`` are the seconds of the processor that a case may take; ``keep`` is
    called with the numbers of cases that fail.
    """
    end = time.monotonic() + 60 * minutes if minutes else float("inf")
    counts, failures, slowest = Counter(), [], 0.0
    shares = [numbers[job::jobs] for job in range(jobs)]
    workers = [
        _Worker(share, work, arguments, method, longest) for share in shares if share
    ]
    while any(worker.numbers for worker in workers) and time.monotonic() < end:
        busy = [worker for worker in workers if worker.numbers]
        wait([worker.connection for worker in busy], timeout=1)
        for worker in busy:
            for number, kind, check, seconds, problem in worker.poll():
                counts[kind] += 1
                slowest = max(slowest, seconds)
                if problem is not None:
                    failures.append(number)
                    problem = ascii(problem).replace("\\n", "\n  ")
                    print(f"case {number} ({kind}, {check}): {problem}", flush=True)
                    keep(number)
                if sum(counts.values()) % 1000 == 0:
                    done = sum(counts.values())
                    print(f"{done} cases, {len(failures)} fail", flush=True)
    for worker in workers:
        worker.stop()
    for kind, count in sorted(counts.items()):
        print(f"{count:>7} {kind}")
    print(
        f"{sum(counts.values())} cases, {len(failures)} fail, slowest {slowest:.1f} s"
    )
    return len(failures)


def where(error):
    """Return the last lines of code of an error in skesom and anywhere."""
    frames = traceback.extract_tb(error.__traceback__)
    ours = [f for f in frames if "/skesom/" in f.filename]
    return " < ".join(
        f"{Path(f.filename).name}:{f.lineno}" for f in [*ours[-2:], frames[-1]]
    )
