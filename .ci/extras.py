# SPDX-License-Identifier: BSD-3-Clause
"""Run the commands with no extra, or with one extra alone.

Run ``python .ci/extras.py base`` where skesom is installed without extras, and
``python .ci/extras.py plot dask`` where it is installed with all of them: the libraries
of all others are hidden for each. What needs a library that is missing must say so in
one line that names its extra, before a map is learned, and all else must work.
"""

import contextlib
import io
import json
import os
import subprocess
import sys
import tempfile
from importlib.util import find_spec
from pathlib import Path

LIBRARIES = {
    "complete": ["argcomplete"],
    "dask": ["dask"],
    "plot": ["matplotlib"],
    "psf": ["photutils"],
    "regions": ["regions"],
    "superpixels": ["skimage"],
    "zarr": ["dask", "xarray", "zarr"],
}
OF_REPROJECT = ["dask", "zarr"]  # which the base install needs, and which needs these
SMALL = ["--runs", "2", "--tables", "no"]


class Hider:
    """A finder of modules that does not find some libraries, as if not installed."""

    def __init__(self, finder, hidden):
        self._finder = finder
        self._hidden = hidden

    def find_spec(self, name, path=None, target=None):
        """Return where a module is, None if it is of a hidden library."""
        if name.partition(".")[0] in self._hidden:
            return None
        return self._finder.find_spec(name, path, target)

    def __getattr__(self, name):
        return getattr(self._finder, name)


def run(*words, status=0):
    """Run a command; return the lines of both outputs."""
    from skesom.cli import main

    out, err = io.StringIO(), io.StringIO()
    with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
        ended = main([str(word) for word in words])
    if ended != status:
        sys.exit(f"skesom {words}: status {ended}\n{out.getvalue()}{err.getvalue()}")
    return out.getvalue().splitlines(), err.getvalue().splitlines()


def runs(*words, left_out=()):
    """Run a command, which must say one line for each extra that it does without."""
    _, lines = run(*words)
    found = [
        [extra for extra in left_out if f"skesom[{extra}]" in line] for line in lines
    ]
    assert found == [[extra] for extra in left_out], (words, lines)


def refuses(extra, *words):
    """Run a command that must end with one line which names an extra."""
    _, lines = run(*words, status=2)
    assert len(lines) == 1, (words, lines)
    assert f"pip install 'skesom[{extra}]'" in lines[0], (words, lines)


def write_scene():
    """Write images, classes, known objects and a region into the folder of now."""
    from skesom.datasets import make_galaxy_cube
    from skesom.io import write_bands, write_map

    cube, truth = make_galaxy_cube((64, 64), 3, random_state=0)
    files = write_bands("images", cube)
    write_map("truth.fits", truth, cube=cube)
    places = cube.wcs.pixel_to_world(range(8, 56, 4), range(8, 56, 4))
    rows = [
        f"object {number},{place.ra.deg},{place.dec.deg},HII"
        for number, place in enumerate(places)
    ]
    Path("objects.csv").write_text("\n".join(["name,ra,dec,type", *rows]) + "\n")
    Path("drawn.reg").write_text("image\ncircle(20,20,6) # text={HII}\n")
    return files


def check_commands(files, left_out):
    """Run all commands, as they are without some extras."""
    runs("cluster", *files, "-o", "run", *SMALL, left_out=left_out)
    runs("cluster", *files, "-o", "bare", *SMALL, "--no-pictures")
    groups = json.loads(Path("run/groups.json").read_text())
    groups["clusters"][0]["name"] = "disc"
    Path("mine.json").write_text(json.dumps(groups))
    more = ["-o", "named", "--trust"]
    runs("name", "run", "mine.json", *more)
    assert "disc" in Path("named/summary.md").read_text(encoding="utf-8")
    more = ["-o", "there", "--tables", "no", "--trust"]
    runs("predict", "named", *files, *more, left_out=left_out)
    more = ["--n-clusters", "5", "--tables", "no", "--trust"]
    runs("cluster", "--from", "named", *more, left_out=left_out)
    runs("explore", "run", "--catalog", "objects.csv", "--trust")
    runs("crossmatch", "run", "objects.csv", "-o", "objects", left_out=left_out)
    runs("test", "run", "truth.fits", "-o", "scores")


def check_refusals(files, missing):
    """Ask for what needs extras that are missing."""
    started = ["cluster", *files, "-o", "refused", *SMALL, "--no-pictures"]
    if "psf" in missing:
        refuses("psf", *started, "--fwhm", "stars")
        refuses("psf", *started, "--subtract-background", "yes")
    if "regions" in missing:
        refuses("regions", *started, "--exclude", "drawn.reg")
        learned = ["--regions", "drawn.reg", "-o", "refused", "--no-pictures"]
        refuses("regions", "classify", *files, *learned)
        refuses("regions", "test", "run", "drawn.reg")
        refuses("regions", "crossmatch", "run", "drawn.reg")
    if "complete" in missing:
        os.environ["_ARGCOMPLETE"] = "1"
        assert run(status=1) == ([], [])
        del os.environ["_ARGCOMPLETE"]
    assert not Path("refused").exists()


def check_python(files, missing):
    """Call what needs extras from Python."""
    import skesom
    from skesom.displays import ClusterMapDisplay
    from skesom.io import read_map

    cube = skesom.read_cube(files)
    label_map, _ = read_map("run/cluster_map.fits")
    calls = {
        "plot": lambda: ClusterMapDisplay(label_map).plot(),
        "superpixels": lambda: skesom.SuperpixelFlattener(50).fit_transform(cube),
        "zarr": cube.to_xarray,
    }
    for extra, call in calls.items():
        message = None
        try:
            call()
        except ImportError as error:
            message = str(error)
        is_named = message is not None and f"skesom[{extra}]" in message
        assert is_named == (extra in missing), (extra, message)


def check_what_it_gives(extra, files):
    """Use what an extra is for."""
    started = ["cluster", *files, "-o", "more", *SMALL, "--no-pictures"]
    if extra == "plot":
        run("cluster", *files, "-o", "drawn", *SMALL)
        assert Path("drawn/cluster_map.png").stat().st_size > 1000
    elif extra == "dask":
        run(*started, "--strips", "yes")
    elif extra == "zarr":
        import skesom

        skesom.io.write_cube("cube.zarr", skesom.read_cube(files))
        assert skesom.read_cube("cube.zarr", lazy=True).shape == (64, 64, 3)
    elif extra == "psf":
        run(*started, "--subtract-background", "yes")
    elif extra == "regions":
        run(*started, "--exclude", "drawn.reg")
    elif extra == "complete":
        words = {"_ARGCOMPLETE": "1", "COMP_LINE": "skesom cla", "COMP_POINT": "10"}
        words |= {"_ARGCOMPLETE_STDOUT_FILENAME": "offered"}
        script = "from skesom.cli import main; main()"
        environment = os.environ | words
        subprocess.run([sys.executable, "-c", script], env=environment, check=True)
        assert Path("offered").read_text().split() == ["classify"]


def check(extra):
    """Check an installation without extras, or with one extra alone."""
    kept = OF_REPROJECT + LIBRARIES.get(extra, [])
    others = {name for names in LIBRARIES.values() for name in names} - {*kept}
    if extra == "base":
        extras = [name for name in others if find_spec(name) is not None]
        assert not extras, f"the base install has libraries of extras: {extras}"
    sys.meta_path[:] = [Hider(finder, others) for finder in sys.meta_path]
    missing = [
        name for name, needed in LIBRARIES.items() if others.intersection(needed)
    ]
    left_out = ["plot"] if "plot" in missing else []
    files = write_scene()
    if extra == "base":
        check_commands(files, left_out)
    else:
        runs("cluster", *files, "-o", "run", *SMALL, left_out=left_out)
    check_refusals(files, missing)
    check_python(files, missing)
    check_what_it_gives(extra, files)


if __name__ == "__main__":
    for asked in sys.argv[1:]:
        if len(sys.argv) > 2:  # what one has loaded must not help another
            subprocess.run([sys.executable, __file__, asked], check=True)
            continue
        with tempfile.TemporaryDirectory() as folder, contextlib.chdir(folder):
            check(asked)
        print(f"skesom with {asked}: passed")
