# SPDX-License-Identifier: BSD-3-Clause
"""Read damaged and hostile files until something goes wrong.

    python tests/fuzz/run.py 20000 --jobs 2

Each case is a number: it chooses a good file, changes it and reads it. A case fails if
the process dies or hangs, if an error is of another class than the documentation says
or does not name the file in one line, if files stay behind, if programs run, the
network is used or files are written elsewhere, or if memory grows. Failing cases are
printed and their files kept; ``--first`` goes on from a case, or repeats it.
"""

import argparse
import contextlib
import io
import multiprocessing
import os
import resource
import shutil
import sys
import tempfile
import time
import warnings
from pathlib import Path

import matplotlib
import matplotlib.figure
import mutations
import numpy as np
import targets
import workers

matplotlib.use("Agg")

MEMORY = 2**30  # bytes more than at the start
RARE = 0.04  # share of the cases with a check that takes longer
_NAMES = sorted(targets.TARGETS)
_FORBIDDEN = (
    "os.system os.exec os.posix_spawn os.spawn os.fork os.forkpty os.putenv pty.spawn "
    "subprocess.Popen socket.connect socket.getaddrinfo urllib.Request webbrowser.open "
    "ftplib.connect http.client.connect pickle.find_class sys.settrace"
).split()
_CHANGES = "os.remove os.rename os.rmdir os.mkdir os.link os.symlink os.chmod".split()
# Words in messages about what a file holds, not about the file.
_NAMED_OTHERWISE = "Band '", "of the catalog", " parameter of ", " bands."
_NAMED_OTHERWISE += "The model takes the bands", "n_samples="
_TRAPS = ("evilmod", "antigravity", "this", "os", "posix", "builtins")
TRAP = 'open("trapped", "w").close()\nclass Trap:\n    pass\n'


class _Watch:
    """An audit hook that notes what a file must not bring about."""

    def __init__(self):
        self.home = None  # only changes below are allowed; None is off
        self.seen = []

    def __call__(self, event, arguments):
        if self.home is None:
            return
        if event == "pickle.find_class" and arguments[0] not in _TRAPS:
            return  # of the processes of joblib
        if event in _FORBIDDEN:
            self.seen.append(f"{event} {arguments!r:.100}")
        elif event == "import" and arguments[0].partition(".")[0] in _TRAPS[:3]:
            self.seen.append(f"import {arguments[0]}")
        elif event == "open" and isinstance(arguments[0], str | bytes):
            path, mode, flags = arguments
            writes = flags & (os.O_WRONLY | os.O_RDWR | os.O_CREAT | os.O_TRUNC)
            if writes and not self._is_ours(path):
                self.seen.append(f"open {path!r} {mode}")
        elif event in _CHANGES and not self._is_ours(arguments[0]):
            self.seen.append(f"{event} {arguments!r:.100}")

    def _is_ours(self, path):
        if isinstance(path, int):
            return True
        path = os.path.abspath(os.fsdecode(path))
        return path.startswith(self.home) or path == os.devnull


def make_case(number, seeds):
    """Return the kind, the name, the bytes and the check of a case."""
    rng = np.random.default_rng([number, 12])
    kind = mutations.pick(rng, _NAMES)
    target = targets.TARGETS[kind]
    name = mutations.pick(rng, target.names)
    data = mutations.mutate((seeds / name).read_bytes(), target.edits, rng)
    is_rare = target.rare and rng.random() < RARE
    check = mutations.pick(rng, target.rare if is_rare else target.checks)
    return kind, f"in-{name}", data, check


def judge(name, data, check, watch):
    """Return what is wrong with the reading of a file, None if nothing is."""
    folder = Path.cwd()
    Path(name).write_bytes(data)
    Path("evilmod.py").write_text(TRAP)
    out, err = io.StringIO(), io.StringIO()
    status, problem = None, None
    watch.seen.clear()
    watch.home = str(folder)
    try:
        with (
            warnings.catch_warnings(),
            contextlib.redirect_stdout(out),
            contextlib.redirect_stderr(err),
        ):
            warnings.simplefilter("ignore")
            status = check(Path(name))
    except (OSError, ValueError) as error:
        text = str(error)
        if isinstance(error, OSError) and error.filename is not None:
            text = f"{error.filename}: {error.strerror}"
        problem = _judge_text(text, name, error)
    except BaseException as error:
        problem = f"{type(error).__name__}: {error!s:.200}\n{workers.where(error)}"
    finally:
        watch.home = None
    if isinstance(status, int) and status != 0:
        lines = [line for line in err.getvalue().splitlines() if "warning:" not in line]
        problem = f"status {status}, {len(lines)} lines: {' / '.join(lines)[:300]}"
        if status == 2 and len(lines) == 1:
            problem = _judge_text(lines[0], name)
    left = {path.name for path in folder.iterdir()} - {name, "evilmod.py", "tmp"}
    left -= {"__pycache__"} | ({"new", "result"} if status == 0 else {"result"})
    left |= {path.name for path in (folder / "tmp").iterdir()}
    if left:
        problem = f"left behind {sorted(left)}; {problem}"
    if watch.seen:
        problem = f"forbidden {watch.seen[:5]}; {problem}"
    return problem


def _judge_text(text, name, error=None):
    stem = name.removeprefix("in-").partition(".")[0]
    place = "" if error is None else f"\n{workers.where(error)}"
    if "\n" in text:
        return f"several lines: {text[:300]}{place}"
    if not any(known in text for known in (stem, name, *_NAMED_OTHERWISE)):
        return f"no name of the file: {text[:300]}{place}"
    if len(text) > 1000:
        return f"{len(text)} characters: {text[:300]}{place}"
    return None


def work(numbers, seeds, home, connection):
    """Read the files of some cases in this process."""
    watch = _Watch()
    sys.addaudithook(watch)
    sys.path.insert(0, "")
    used = int(Path("/proc/self/statm").read_text().split()[0]) * resource.getpagesize()
    resource.setrlimit(resource.RLIMIT_AS, (used + MEMORY, used + MEMORY))
    targets.SEEDS = seeds
    for number in numbers:
        kind, name, data, check = make_case(number, seeds)
        folder = home / f"case-{number}"
        (folder / "tmp").mkdir(parents=True)
        os.chdir(folder)
        tempfile.tempdir = str(folder / "tmp")
        connection.send((number, kind, check.__name__, None, None))
        start = time.process_time()  # others may use the processor too
        problem = judge(name, data, check, watch)
        seconds = time.process_time() - start
        connection.send((number, kind, check.__name__, seconds, problem))
        os.chdir(home)
        shutil.rmtree(folder, ignore_errors=True)
        sys.modules.pop("evilmod", None)
    connection.close()


def run(numbers, jobs, folder):
    """Run cases; return the number of those that fail."""

    def keep(number):
        if folder is None:
            return
        _, name, data, _ = make_case(number, seeds)
        folder.mkdir(parents=True, exist_ok=True)
        (folder / f"{number}-{name}").write_bytes(data)

    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as home:
        home = Path(home)
        seeds = home / "seeds"
        seeds.mkdir()
        # In a process of its own, because no process may fork after threads have run.
        context = multiprocessing.get_context("fork")
        first = context.Process(target=targets.write_seeds, args=(seeds,))
        first.start()
        first.join()
        if first.exitcode:
            sys.exit("The good files cannot be made.")
        return workers.run_cases(
            numbers, jobs, work, (seeds, home), method="fork", keep=keep
        )


def main():
    """Run the command."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("count", type=int, help="number of cases")
    parser.add_argument("--first", type=int, default=0, help="number of the first case")
    parser.add_argument("--jobs", type=int, default=1, help="processes")
    parser.add_argument(
        "--keep", type=Path, help="folder for the files of cases that fail"
    )
    options = parser.parse_args()
    numbers = list(range(options.first, options.first + options.count))
    sys.exit(run(numbers, options.jobs, options.keep) > 0)


if __name__ == "__main__":
    main()
