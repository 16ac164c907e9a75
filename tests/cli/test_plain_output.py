# SPDX-License-Identifier: BSD-3-Clause
"""What reaches the terminal is plain: no codes of others, whatever takes it."""

import ast
import logging
import os
import subprocess
import sys
import warnings
from pathlib import Path

import pytest

import skesom
from skesom._common.texts import printable
from skesom.cli import _messages

# What controls a terminal, the direction of a line, or the next line.
CODES = "\x1b[31m \x07 \r \x9b2J \u202e\u2066\u200e\u200b\ufeff\xad \u2028 \u2029"
CODES += " \U000e0041\n"


def is_plain(line):
    """Return whether a line has no code."""
    return printable(line) == line


def test_codes_show_as_escapes():
    shown = printable(f"é αβ\xa0{CODES}漢\udcff")
    assert shown.isprintable() or "\xa0" in shown
    assert shown.startswith("é αβ\xa0\\x1b[31m \\x07 \\r \\x9b2J \\u202e\\u2066\\u200e")
    assert shown.endswith("\\ufeff\\xad \\u2028 \\u2029 \\U000e0041\\n漢\\udcff")


def test_messages_alone_write_to_the_terminal():
    root = Path(skesom.__file__).parent
    found = []
    for path in root.rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            name = getattr(node, "id", getattr(node, "attr", None))
            is_stream = name in ("stdout", "stderr") and path.parent.name == "cli"
            if name in ("print", "showwarning") or is_stream:
                found.append(path.relative_to(root).as_posix())
    # That of astropy only puts back what astropy changes when it is loaded.
    assert set(found) == {"cli/_messages.py", "cli/_astropy_messages.py"}


@pytest.mark.parametrize(
    "arguments",
    [
        ["cluster", CODES, "-o", "out"],
        ["cluster", "band.fits", "-o", "out", f"--{CODES}"],
        ["cluster", "band.fits", "-o", "out", "--stretch", CODES],
        ["cluster", "band.fits", "-o", "out", "--fwhm", CODES],
        ["cluster", "--from", CODES, "-o", "out"],
        ["predict", CODES, "band.fits", "-o", "out"],
        [CODES],
    ],
)
def test_errors_are_plain(run, tmp_path, monkeypatch, arguments):
    monkeypatch.chdir(tmp_path)
    status, out, err = run(*arguments)
    assert (status, out, len(err)) == (2, [], 1)
    assert is_plain(err[0])


def test_texts_of_files_are_plain(run, images, pattern, sky_wcs, fast):
    """Names of bands, types of objects, cards and what a run has told."""
    code = "\x1b[2J\u202e"
    bytes_of_latin = "\udce4" if sys.platform == "linux" else ""
    names = [f"a{code}.fits", f"b{code}{bytes_of_latin}.fits"]
    for seed, name in enumerate(names):
        images(name, pattern(seed=seed), sky_wcs)
    rows = "".join(f"{204.25 + k / 1e5},-29.87,H{code}II\n" for k in range(30))
    Path("objects.csv").write_text(f"ra,dec,type\n{rows}", encoding="utf-8")
    named = ["--band-names", f"x{code}{bytes_of_latin}", f"y{code}"]
    how = [*fast, "--runs", "1", "--n-clusters", "2"]
    quick = ["--tables=no", "--no-pictures"]
    commands = [
        ["cluster", *names, *named, "-o", f"out{code}", *how, *quick, "-v"],
        ["crossmatch", f"out{code}", "objects.csv"],
        ["predict", f"out{code}", *names, *named, "-o", f"next{code}", *quick],
    ]
    for command in commands:
        status, out, err = run(*command)
        assert status == 0, err
        assert any("\\x1b[2J\\u202e" in line for line in out), command
        assert all(map(is_plain, [*out, *err])), command


def test_warnings_and_steps_are_plain(capsys):
    class Options:
        quiet, verbose = False, True

    with _messages.messages(Options):
        warnings.warn(CODES, stacklevel=1)
        _messages.announce(CODES)
        logging.getLogger("skesom.cli").info("%s", CODES)
    captured = capsys.readouterr()
    lines = captured.err.split("\n") + captured.out.split("\n")
    assert len([line for line in lines if "\\u202e" in line]) == 3
    assert all(map(is_plain, lines))


RUN = """
import sys, warnings
from argparse import Namespace
from pathlib import Path
from skesom.cli import _messages, main
from skesom.cli._parser import Parser

def run(options):
    _messages.say("first \\u00e9", *"second third".split())
    warnings.warn("careful \\u00e9")
    bars = _messages.shows_bars()
    Path("out").write_text(f"whole {bars}")

options = Namespace(run=run, command="run", quiet=False, verbose=False)
Parser.parse_args = lambda self, given: options
sys.exit(main())
"""
PLAIN = ["warning: careful \\xe9"]
OF_ASCII = {"LC_ALL": "C", "PYTHONUTF8": "0", "PYTHONCOERCECLOCALE": "0"}
OF_ASCII["TERM"] = "dumb"
FULL = ["skesom: error: standard output: No space left on device"]


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="needs /dev/full")
@pytest.mark.parametrize(
    ("redirection", "status", "error"),
    [
        ("", 0, PLAIN),
        (None, 141, PLAIN),  # a broken pipe
        (">&-", 1, [*PLAIN, "skesom: error: standard output: Bad file descriptor"]),
        (">/dev/full", 1, [*PLAIN, *FULL]),
        ("2>&-", 0, []),
        ("<&- 2>/dev/full", 0, []),
        ("<&- >&- 2>&-", 1, []),
    ],
)
def test_a_run_is_whole_though_its_output_is_lost(tmp_path, redirection, status, error):
    reader, writer = os.pipe()
    os.close(reader)
    ran = subprocess.run(
        ["sh", "-c", f'"$0" -c "$1" {redirection or ""}', sys.executable, RUN],
        cwd=tmp_path,
        env={**os.environ, "PYTHONPATH": os.pathsep.join(sys.path), **OF_ASCII},
        stdout=writer if redirection is None else subprocess.PIPE,
        stderr=subprocess.PIPE,
        check=False,
    )
    os.close(writer)
    assert (ran.returncode, ran.stderr.decode().splitlines()) == (status, error)
    if redirection == "":
        assert ran.stdout == b"first \\xe9\nsecond\nthird\n"
    assert (tmp_path / "out").read_text() == "whole 0"
