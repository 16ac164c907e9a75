# SPDX-License-Identifier: BSD-3-Clause
"""Runs that a signal or a limit of the machine ends: one line, and nothing left."""

import errno
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import threading
from contextlib import contextmanager
from pkgutil import resolve_name

import numpy as np
import pytest

from skesom._common.row_files import remove_left_rows, stored

da = pytest.importorskip("dask.array")
NUMBERS = {"SIGINT": 130, "SIGTERM": 143, "SIGHUP": 129}
MOMENTS = {
    "reading": "skesom.io.cubes.copy_pixels",
    "learning": "sklearn.cluster.KMeans.fit",
    "storing": "skesom._common.row_files.RowFile.__setitem__",
    "writing": "skesom.runs._writing._write_model",
    "at the end": "skesom.runs._writing.names_of_files",
}
CASES = [("SIGTERM", moment, "yes") for moment in MOMENTS]
CASES += [("SIGINT", "learning", "no"), ("SIGHUP", "reading", "no")]


@pytest.fixture
def temporary(tmp_path, monkeypatch):
    """A folder for temporary files."""
    folder = tmp_path / "temporary"
    folder.mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(folder))
    return folder


@pytest.fixture
def command(bands, fast, tmp_path, temporary):
    """Return arguments of a command, and what there is to be after it failed."""
    return ["cluster", *bands, "-o", tmp_path / "new" / "out", *fast, "--runs", "1"]


@contextmanager
def heard(number):
    """Let this process hear a signal that the one before it may have ignored."""
    usual = signal.SIG_DFL
    if number == signal.SIGINT:
        usual = signal.default_int_handler
    before = signal.signal(number, usual)
    try:
        yield
    finally:
        signal.signal(number, before)


def patch(monkeypatch, place, action):
    """Let something happen before what is at a place is called."""
    name, attribute = place.rsplit(".", 1)
    owner = resolve_name(name)
    original = getattr(owner, attribute)

    def changed(*arguments, **options):
        action()
        return original(*arguments, **options)

    monkeypatch.setattr(owner, attribute, changed)


@pytest.mark.skipif(
    not hasattr(signal, "SIGHUP")
    or threading.current_thread() is not threading.main_thread(),
    reason="signals go to the main thread",
)
@pytest.mark.parametrize(("name", "moment", "strips"), CASES)
def test_a_signal_leaves_nothing(
    run, command, tmp_path, temporary, monkeypatch, name, moment, strips
):
    number, sent = getattr(signal, name), []

    def send():
        if not sent:  # other threads come here too
            sent.append(number)
            os.kill(os.getpid(), number)

    def send_again(*arguments, **options):  # while it cleans up
        os.kill(os.getpid(), signal.SIGHUP if number != signal.SIGINT else 0)
        rmtree(*arguments, **options)

    rmtree = shutil.rmtree
    monkeypatch.setattr("shutil.rmtree", send_again)

    patch(monkeypatch, MOMENTS[moment], send)
    with heard(number), heard(signal.SIGHUP):
        status, _, err = run(*command, "--strips", strips)
        assert signal.getsignal(number) != signal.SIG_IGN
    assert (status, err[-1]) == (NUMBERS[name], "skesom cluster: interrupted")
    assert [*temporary.iterdir()] == []
    assert [path.name for path in tmp_path.iterdir()] == ["temporary"]


KILLED = """
import os, signal, sys
import dask.array as da
from skesom._common.row_files import stored
kept = stored([da.ones((9, 9, 1))], sys.argv[1])
print("stored", flush=True)
os.kill(os.getpid(), signal.SIGKILL)
"""


@pytest.fixture
def left(temporary):
    """The file of rows that a killed run has left."""
    pytest.importorskip("fcntl")
    ran = subprocess.run(
        [sys.executable, "-c", KILLED, temporary],
        env={**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)},
        capture_output=True,
        check=False,
    )
    assert (ran.stdout, ran.returncode) == (b"stored\n", -signal.SIGKILL)
    [left] = temporary.iterdir()
    return left


def test_rows_of_killed_runs_are_removed_and_no_others(left, temporary, tmp_path):
    [array] = stored([da.ones((9, 9, 1))], temporary)  # the next run
    [kept] = temporary.iterdir()
    assert kept != left
    link, pipe = (temporary / f"skesom-{name}.rows" for name in ("link", "pipe"))
    (tmp_path / "theirs").touch()
    link.symlink_to(tmp_path / "theirs")
    os.mkfifo(pipe)
    remove_left_rows(temporary)
    assert {*temporary.iterdir()} == {kept, link, pipe}
    np.testing.assert_array_equal(array, 1)
    del array
    assert not kept.exists()


def test_a_command_that_needs_no_rows_on_disk_removes_those_of_killed_runs(
    left, run, command
):
    status, _, _ = run(*command, "--strips", "no")
    assert status == 0
    assert not left.exists()


def raiser(error):
    """Return a function that raises an error."""

    def fail(*arguments, **options):
        raise error

    return fail


FIT = "skesom.runs.run.fit_run"
NO_THREAD = RuntimeError("can't start new thread")
LIMITS = [
    (MemoryError("no 9 GB"), "not enough memory (no 9 GB)", "--strips yes"),
    (NO_THREAD, "can't start new thread: ", "ulimit -u"),
    *(
        (OSError(number, os.strerror(number)), os.strerror(number), advice)
        for number, advice in (
            (errno.ENOMEM, "--cutout"),
            (errno.EAGAIN, "OMP_NUM_THREADS"),
            (errno.EMFILE, "ulimit -n"),
            (errno.ENOSPC, "make room there"),
        )
    ),
]


@pytest.mark.parametrize(("error", "problem", "advice"), LIMITS, ids=repr)
def test_advice_on_limits_of_the_machine(
    run, command, monkeypatch, error, problem, advice
):
    patch(monkeypatch, FIT, raiser(error))
    status, _, err = run(*command)
    assert status == 2
    assert err[-1].startswith("skesom cluster: error: ")
    assert problem in err[-1]
    assert advice in err[-1]


def test_a_full_disk_that_names_no_file_is_that_of_the_results(
    run, command, tmp_path, monkeypatch
):
    error = OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
    patch(monkeypatch, FIT, raiser(error))
    assert f"{tmp_path / 'new' / 'out'}: " in run.fails(*command)


def test_a_limit_at_the_end_leaves_nothing(
    run, command, tmp_path, temporary, monkeypatch
):
    patch(monkeypatch, MOMENTS["writing"], raiser(MemoryError("no 9 GB")))
    assert "not enough memory (no 9 GB)" in run.fails(*command)
    assert [*temporary.iterdir()] == []
    assert [path.name for path in tmp_path.iterdir()] == ["temporary"]


def test_other_errors_at_run_time_are_not_of_the_machine(run, command, monkeypatch):
    patch(monkeypatch, FIT, raiser(RuntimeError("a bug")))
    with pytest.raises(RuntimeError, match="a bug"):
        run(*command)


@pytest.mark.parametrize("strips", ["yes", "no"])
def test_a_run_goes_on_without_more_threads(
    run, command, tmp_path, temporary, monkeypatch, strips
):
    import dask

    monkeypatch.setattr("joblib.cpu_count", lambda *given: 4)
    monkeypatch.setattr("threading.Thread.start", raiser(NO_THREAD))
    with dask.config.set(num_workers=17):  # has no threads from another test
        status, _, err = run(*command, "--strips", strips)
    assert status == 0, err
    assert (tmp_path / "new" / "out" / "cluster_map.fits").exists()
