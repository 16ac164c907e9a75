# SPDX-License-Identifier: BSD-3-Clause
"""A run that was broken off goes on where it was, to the same map."""

import signal
import subprocess
import sys

from numpy.testing import assert_array_equal

from skesom.io import read_map
from skesom.report import read_run

CSOM = ["--method", "csom", "--runs", "1", "--n-clusters", "4", "--fwhm", "0.1"]
BREAK = """
import os, signal, sys
from skesom.cli import main
from skesom.som import _lattice_training
update, calls = _lattice_training.batch_update, []

def killed(*arguments):
    calls.append(1)
    if len(calls) == 6:
        os.kill(os.getpid(), signal.SIGKILL)
    return update(*arguments)

_lattice_training.batch_update = killed
main(sys.argv[1:])
"""


def test_killed_run_goes_on_to_the_same_map(run, bands, tmp_path):
    whole, broken = tmp_path / "whole", tmp_path / "broken"
    assert run("cluster", *bands, *CSOM, "-o", whole)[0] == 0
    command = ["cluster", *bands, *CSOM, "--resume", "-o", broken]
    code = [sys.executable, "-c", BREAK, *map(str, command)]
    killed = subprocess.run(code, capture_output=True, check=False)
    assert killed.returncode == -signal.SIGKILL, killed.stderr
    checkpoint = tmp_path / "broken.checkpoint"
    assert checkpoint.exists()
    assert not broken.exists()
    status, out, _ = run(*command)
    assert status == 0
    assert f"Going on from {checkpoint}." in out
    assert not checkpoint.exists()
    found, expected = (read_map(d / "cluster_map.fits")[0] for d in (broken, whole))
    assert_array_equal(found, expected)
    assert read_run(broken).pipeline["cluster"].estimator.checkpoint is None


def test_other_images_are_refused(run, bands, tmp_path):
    checkpoint = tmp_path / "result.checkpoint"
    checkpoint.write_bytes(b"not one")
    command = ["cluster", *bands, *CSOM, "--resume", "-o", tmp_path / "result"]
    status, _, err = run(*command)
    assert status != 0
    assert str(checkpoint) in err[-1]
    assert checkpoint.read_bytes() == b"not one"


def test_several_runs_have_nothing_to_save(run, bands, tmp_path):
    status, out, _ = run(
        "cluster", *bands, "--resume", "--runs", "2", "-o", tmp_path / "r"
    )
    assert status == 0
    assert any("--resume saves nothing here" in line for line in out)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["r"]
