# SPDX-License-Identifier: BSD-3-Clause
"""What a real bash completes after the Tab key."""

import shutil
import subprocess
import sys

import pytest

from skesom.cli import main

BASH = """
{register}
COMP_LINE='{line}'
COMP_POINT={point}
COMP_WORDS=({line}{more})
COMP_CWORD={last}
COMP_TYPE=9
_python_argcomplete skesom
printf '%s\\n' "${{COMPREPLY[@]}}"
"""


@pytest.fixture
def complete(tmp_path):
    """Return what bash offers for a line that was begun."""
    bash = shutil.which("bash")
    if bash is None:
        pytest.skip("no bash")
    program = tmp_path / "bin" / "skesom"
    program.parent.mkdir()
    program.write_text(f"#!{sys.executable}\nfrom skesom.cli import main\nmain()\n")
    program.chmod(0o755)
    (tmp_path / "image.fits").touch()
    register = subprocess.run(
        [
            sys.executable,
            "-c",
            "import argcomplete as a; print(a.shellcode(['skesom']))",
        ],
        capture_output=True,
        text=True,
        check=True,
    ).stdout

    def offers(line):
        words = line.split()
        more = " ''" if line.endswith(" ") else ""
        script = BASH.format(
            register=register,
            line=line,
            point=len(line),
            more=more,
            last=len(words) - (not more),
        )
        path = f"{program.parent}:/usr/bin:/bin"
        done = subprocess.run(
            [bash, "--norc", "-c", script],
            cwd=tmp_path,
            env={"PATH": path, "PYTHONPATH": ":".join(filter(None, sys.path))},
            capture_output=True,
            text=True,
            check=True,
        )
        return [word.strip() for word in done.stdout.splitlines() if word.strip()]

    return offers


class TestCompletion:
    def test_commands(self, complete):
        assert sorted(complete("skesom cl")) == ["classify", "cluster"]
        assert {"cluster", "explore", "name", "demo"} <= set(complete("skesom "))

    def test_options_and_their_words(self, complete):
        assert complete("skesom cluster --stre") == ["--stretch"]
        assert sorted(complete("skesom cluster --stretch ")) == ["asinh", "none"]
        assert complete("skesom explore --qui") == ["--quiet"]

    def test_files(self, complete):
        assert complete("skesom cluster im") == ["image.fits"]


def test_an_ordinary_run_does_not_load_it(monkeypatch, capsys):
    monkeypatch.setitem(sys.modules, "argcomplete", None)
    assert main(["--version"]) == 0
    assert capsys.readouterr().out.startswith("skesom ")
