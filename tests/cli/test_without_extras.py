# SPDX-License-Identifier: BSD-3-Clause
"""Commands without libraries that are optional; all of them: ``.ci/extras.py``."""

import json
import sys

import pytest

from skesom._common.extras import import_extra
from skesom.datasets import make_galaxy_cube
from skesom.maps import make_cluster_pipeline
from skesom.runs import Run, read_cluster_groups
from skesom.som import ESOM

LEFT_OUT = (
    "Pictures are left out, all else is written. "
    "Pictures need matplotlib: pip install 'skesom[plot]'."
)


@pytest.fixture
def no_matplotlib(monkeypatch):
    """Matplotlib as it is where it is not installed, also for what is loaded."""
    names = [name for name in sys.modules if name.partition(".")[0] == "matplotlib"]
    for name in {"matplotlib", *names}:
        monkeypatch.setitem(sys.modules, name, None)


def test_all_but_pictures_is_written_without_matplotlib(
    run, bands, objects, fast, no_matplotlib, told_in, tmp_path
):
    out = tmp_path / "out"
    fast = [each for each in fast if each != "--no-pictures"]
    started = "cluster", *bands, "-o", out, *fast, "--runs", 2, "--tables", "yes"
    status, _, err = run(*started, "--catalog", objects)
    assert (status, err) == (0, [f"warning: {LEFT_OUT}"])
    names = {path.name for path in out.iterdir()}
    wanted = {"cluster_map.fits", "cluster_map.lut", "cluster_images.zip", "regions"}
    assert wanted | {"summary.md", "model.skops", "crossmatch.ecsv"} <= names
    assert told_in(out)["pictures"] is None
    cut = "cluster", "--from", out, "--n-clusters", 3, "--trust", "--tables", "no"
    assert run(*cut, "-o", tmp_path / "cut")[::2] == (0, [f"warning: {LEFT_OUT}"])
    run.ok("name", out, "--trust")
    run.ok("explore", out, "--trust", "--catalog", objects)
    run.ok("cluster", *bands, "-o", tmp_path / "bare", *fast, "--no-pictures")


def test_a_report_without_matplotlib(no_matplotlib, tmp_path):
    cube, _ = make_galaxy_cube((32, 32), 3, random_state=0)
    pipeline = make_cluster_pipeline(ESOM(random_state=0)).fit(cube)
    with pytest.warns(UserWarning, match=r"Pictures are left out.*skesom\[plot\]"):
        files = Run(pipeline, cube).write(tmp_path / "result")
    assert "skesom[plot]" in files.left_out["pictures"]
    assert not list((tmp_path / "result").glob("*.png"))


@pytest.mark.parametrize(
    ("color", "is_read"),
    [([1.0, 0.5, 0.0], True), ("#FF8000", True), ("orange", False)],
)
def test_colors_of_groups_without_matplotlib(no_matplotlib, tmp_path, color, is_read):
    path = tmp_path / "groups.json"
    clusters = [{"name": "disc", "labels": [0], "color": color}]
    content = {"format": "skesom clusters", "version": 1, "clusters": clusters}
    path.write_text(json.dumps(content))
    if is_read:
        assert read_cluster_groups(path)[0].color == "#ff8000"
    else:
        with pytest.raises(ImportError, match=r"'orange'.*skesom\[plot\].*#d95f02"):
            read_cluster_groups(path)


@pytest.mark.parametrize(
    ("words", "extra"),
    [
        (["--fwhm", "stars"], "psf"),
        (["--subtract-background", "yes"], "psf"),
        (["--exclude", "drawn.reg"], "regions"),
    ],
)
def test_what_needs_an_extra_is_refused_before_images_are_read(
    run, bands, fast, monkeypatch, tmp_path, words, extra
):
    for name in ("photutils", "regions"):
        monkeypatch.setitem(sys.modules, name, None)
    monkeypatch.setattr("skesom.runs.image_source.ImageSource.read", None)
    line = run.fails("cluster", *bands, "-o", tmp_path / "out", *fast, *words)
    assert f"pip install 'skesom[{extra}]'" in line


@pytest.mark.parametrize(
    ("raised", "error", "message"),
    [
        ("ImportError('a.so: failed to map segment from it')", MemoryError, "a.so"),
        ("ImportError('x') from MemoryError('no room')", MemoryError, "no room"),
        ("ImportError('a.so: Too many open files')", OSError, "Too many open files"),
        ("OSError(12, 'Cannot allocate memory')", OSError, "allocate"),
        ("ImportError('broken')", ImportError, "is installed, but cannot be loaded"),
        ("ModuleNotFoundError('no b', name='b')", ImportError, "but cannot be loaded"),
        ("ModuleNotFoundError(name='optional.x')", ImportError, "get the extra"),
    ],
)
def test_only_what_is_not_there_is_missing(
    monkeypatch, tmp_path, raised, error, message
):
    (tmp_path / "optional.py").write_text(f"raise {raised}")
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.delitem(sys.modules, "optional", raising=False)
    with pytest.raises(error, match=message):
        import_extra("optional", "get the extra")


def test_a_lack_of_memory_is_told_with_advice(run, bands, fast, monkeypatch, tmp_path):
    def fail(*args, **kwargs):
        raise ImportError("lib.so: failed to map segment from shared object")

    monkeypatch.setattr("skesom.maps.make_cluster_pipeline", fail)
    line = run.fails("cluster", *bands, "-o", tmp_path / "out", *fast)
    assert "not enough memory (lib.so: failed to map" in line
    assert "--cutout takes a part" in line
