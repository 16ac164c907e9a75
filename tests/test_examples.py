# SPDX-License-Identifier: BSD-3-Clause
"""The examples of the gallery have one form, and run as a stranger runs them.

The build of the site runs every example once, and fails on an error or a warning:
`.ci/run` calls it, and these tests do not do it again. They check the form of each
example, that it asks no network, and that it stops with one line where it needs data
that are not there. ``SKESOM_TESTS_EXAMPLES=all`` (or names, as
``plot_digits,plot_shapes``) runs examples here too: each in a process of its own, from
another folder, without a network, a warning being an error.
"""

import ast
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

FOLDER = Path(__file__).parents[1] / "examples"
PATHS = {path.stem: path for path in sorted(FOLDER.rglob("plot_*.py"))}
SOURCES = {name: path.read_text(encoding="utf-8") for name, path in PATHS.items()}
WITH_DATA = [name for name, source in SOURCES.items() if "SKESOM_TEST_DATA" in source]
HANGS = 600  # seconds; each takes less than 60 on two quiet cores
NETWORK = {"aiohttp", "astroquery", "ftplib", "http", "httpx", "pooch", "pyvo"}
NETWORK |= {"requests", "socket", "urllib", "urllib3"}

RUN = """
import os, runpy, socket, sys

def refuse(*args, **kwargs):
    raise OSError("an example asks for the network")

socket.getaddrinfo = socket.create_connection = refuse
paths = sys.argv[1].split(os.pathsep)
for path in paths:
    sys.argv = [path, *sys.argv[2:]]
    try:
        runpy.run_path(path, run_name="__main__")
    except SystemExit as end:
        if end.code or path == paths[-1]:
            raise
"""


def run(*names, folder, data=None):
    """Run examples with a picture as their last argument; return the process."""
    environment = {**os.environ, "MPLBACKEND": "Agg"}
    environment.pop("SKESOM_TEST_DATA", None)
    arguments = [os.pathsep.join(str(PATHS[name]) for name in names)]
    arguments += (
        [] if set(names) & {*WITH_DATA} and not data else [folder / "picture.png"]
    )
    if data:
        arguments.insert(1, data)
    warned = ["-W", "error"]
    if "import lsdb" in SOURCES[names[0]]:
        warned += ["-W", "ignore::DeprecationWarning"]  # its own, about pandas
    return subprocess.run(
        [sys.executable, *warned, "-c", RUN, *arguments],
        cwd=folder,
        env=environment,
        capture_output=True,
        text=True,
        timeout=HANGS,
        check=False,
    )


def asked_for():
    """Return the names of the examples that the environment asks to run."""
    names = os.environ.get("SKESOM_TESTS_EXAMPLES", "")
    return list(SOURCES) if names == "all" else list(filter(None, names.split(",")))


@pytest.mark.parametrize("name", SOURCES)
def test_form(name):
    source = SOURCES[name]
    title, line, blank, text = ast.get_docstring(ast.parse(source)).split("\n", 3)
    assert len(line) >= len(title) > 5
    assert (set(line), blank) == ({"="}, "")
    assert len(text) > 100
    assert "\n# %%\n" in source
    figures = re.findall(r"plt\.(?:figure|subplots|subplot_mosaic)\(", source)
    assert len(figures) == source.count("figure.savefig(sys.argv[") == 1
    assert source.endswith("else:\n    plt.show()\n")


@pytest.mark.parametrize("name", SOURCES)
def test_imports_nothing_that_asks_a_network(name):
    modules = re.findall(r"^\s*(?:import|from) (\w+)", SOURCES[name], flags=re.M)
    assert "matplotlib" in modules
    assert not NETWORK & set(modules)
    assert not re.search(r"\bfetch_\w+\(", SOURCES[name])


def test_the_index_links_all_in_their_groups():
    index = (FOLDER / "README.md").read_text(encoding="utf-8")
    listed = re.findall(r"^\| \[`(\w+)`\]\((\w+)/plot_(\w+)\.py\)", index, flags=re.M)
    assert all(name == file for name, _, file in listed)
    paths = [FOLDER / group / f"plot_{name}.py" for name, group, _ in listed]
    assert sorted(paths) == sorted(PATHS.values())
    assert all((path.parent / "GALLERY_HEADER.txt").exists() for path in paths)


def test_each_stops_where_there_are_no_data(tmp_path):
    done = run(*WITH_DATA, folder=tmp_path)
    assert (done.returncode, done.stderr) == (0, "")
    lines = done.stdout.splitlines()
    assert len(lines) == len(WITH_DATA) == 2
    assert all("SKESOM_TEST_DATA" in line for line in lines)


if asked_for():  # else the build of the site runs them

    @pytest.mark.parametrize("name", asked_for())
    def test_runs_as_a_stranger_runs_it(name, tmp_path, request):
        data = request.getfixturevalue("shared_data") if name in WITH_DATA else None
        done = run(name, folder=tmp_path, data=data)
        assert (done.returncode, done.stderr) == (0, "")
        assert [path.name for path in tmp_path.iterdir()] == ["picture.png"]
