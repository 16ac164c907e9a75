# SPDX-License-Identifier: BSD-3-Clause
"""Processes that draw start before a command has loaded what takes seconds."""

import ast
import subprocess
import sys

import pytest

CODE = """
import sys
from skesom._common.workers import Workers
from skesom.cli import main

def stop(self, *modules):
    print(sorted({name.partition(".")[0] for name in sys.modules}))
    raise KeyboardInterrupt

Workers.load = stop
main(sys.argv[1:])
"""


@pytest.mark.parametrize(
    "command",
    [
        ("cluster", "a.fits"),
        ("cluster", "--from", "a"),
        ("predict", "a", "b"),
        ("demo",),
    ],
    ids=" ".join,
)
def test_libraries_are_loaded_later(command, tmp_path):
    line = [sys.executable, "-c", CODE, *command, "-o", "new"]
    done = subprocess.run(
        line, cwd=tmp_path, capture_output=True, text=True, check=True
    )
    loaded = {*ast.literal_eval(done.stdout)}
    assert "skesom" in loaded
    assert not loaded & {"astropy", "matplotlib", "scipy", "sklearn", "skops"}
    assert not [*tmp_path.iterdir()]


def test_an_impossible_command_starts_none(refused, monkeypatch):
    def fail(self, *modules):
        raise AssertionError("a process was started")

    monkeypatch.setattr("skesom._common.workers.Workers.load", fail)
    refused("cluster", parts=["give the files of the images"])
    refused("cluster", "a.fits", "--no-pictures", "--dpi", 40, parts=["--dpi is about"])
