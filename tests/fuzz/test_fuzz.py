# SPDX-License-Identifier: BSD-3-Clause
"""The fuzzers on their first cases."""

import subprocess
import sys
from pathlib import Path

import pytest


@pytest.mark.skipif(sys.platform != "linux", reason="it limits memory as Linux does")
@pytest.mark.parametrize(
    ("cases", "first", "count"),
    [
        ("files", 0, 100),
        pytest.param("files", 100, 500, marks=pytest.mark.long),
        ("pipelines", 0, 30),
        pytest.param("pipelines", 30, 60, marks=pytest.mark.long),
    ],
)
def test_no_case_fails(cases, first, count):
    command = [sys.executable, Path(__file__).with_name("run.py"), cases, str(count)]
    command += ["--first", str(first)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=900)
    assert done.returncode == 0, done.stdout + done.stderr
    assert f"{count} cases, 0 fail" in done.stdout
