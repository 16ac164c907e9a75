# SPDX-License-Identifier: BSD-3-Clause
"""``skesom explore`` writes a page of a folder of results."""

import json
import shutil

import pytest
from astropy import units
from sklearn.cluster import KMeans
from sklearn.pipeline import Pipeline

from skesom.cube import CubeMasker
from skesom.io import read_cube
from skesom.maps import CubeClusterer
from skesom.runs import Run, load_model
from skesom.runs._skops_files import read_skops, write_skops
from skesom.runs.group_files import write_cluster_groups


@pytest.fixture
def result(fitted, tmp_path):
    """A folder of results of three images, without a page."""
    without = shutil.ignore_patterns("*.html")
    return shutil.copytree(fitted, tmp_path / "result", ignore=without)


def test_page_of_a_folder(run, result, tmp_path):
    page = tmp_path / "page.html"
    catalog = tmp_path / "objects.csv"
    catalog.write_text("name,type,x,y\nmine,HII,30,20\n")
    groups = tmp_path / "clusters.json"
    write_cluster_groups(groups, [("the arms", [0, 2])])
    printed = run.ok(
        *("explore", result, "-o", page, "--catalog", catalog, "--groups", groups),
        *("--title", "a small galaxy", "--trust"),
    )
    assert printed == ["Written:", f"  {page}"]
    text = page.read_text(encoding="utf-8")
    assert "<h1>a small galaxy</h1>" in text
    assert '"mine"' in text


def test_page_is_written_into_the_folder_once(run, result):
    assert run("explore", result)[0] == 0
    assert "<h1>result</h1>" in (result / "page.html").read_text(encoding="utf-8")
    line = run.fails("explore", result)
    assert "page.html exists already" in line
    assert run("explore", result, "--overwrite")[0] == 0


def test_no_folder_of_results(run, tmp_path):
    line = run.fails("explore", tmp_path)
    assert f"{tmp_path} holds no result: it has no provenance.json" in line
    assert list(tmp_path.iterdir()) == []


def test_images_that_have_moved(run, bands, result, repeat, tmp_path):
    """What the error advises can be done: a folder, or files in their order."""
    moved = tmp_path / "moved" / "deep"
    moved.mkdir(parents=True)
    path = result / "provenance.json"
    told = path.read_text()
    for file in bands:
        shutil.copy(file, moved)
    # Where the images were there is nothing any more.
    path.write_text(told.replace(str(bands[0].parent), str(tmp_path / "lost")))
    recipe = read_skops(path.with_name("recipe.skops"), trust=False)
    lost = tuple(str(tmp_path / "lost" / file.name) for file in bands)
    recipe["source"]["files"] = lost
    write_skops(path.with_name("recipe.skops"), recipe)
    told = json.loads(path.read_text())
    for file in told["images"]["files"]:
        file["beside"] = "lost.fits"
    path.write_text(json.dumps(told))
    options = ["explore", result, "--overwrite"]
    status, _, errors = run(*options)
    assert status == 2
    assert f"{tmp_path / 'lost' / bands[0].name} is no longer there" in errors[-1]
    assert "`skesom explore` and `skesom name` after --images" in errors[-1]
    assert run(*options, "--images", tmp_path / "moved")[::2] == (0, [])
    files = [moved / file.name for file in bands]
    assert run(*options, "--images", *files)[::2] == (0, [])
    line = run.fails(*options, "--images", result)
    assert f"is not in {result}" in line
    line = run.fails(*options, "--images", files[0])
    assert "The run had 3 files of images, got 1 (" in line
    repeat(result, tmp_path / "moved")


@pytest.mark.filterwarnings("ignore:One cluster holds:UserWarning")
def test_another_pipeline_than_that_of_the_command_line(run, bands, repeat, tmp_path):
    cube = read_cube(bands)
    clusterer = CubeClusterer(KMeans(3, n_init=1, random_state=0))
    pipeline = Pipeline([("mask", CubeMasker()), ("last", clusterer)]).fit(cube)
    Run(pipeline, cube, source=bands).write(tmp_path / "r", pictures=False)
    assert run("explore", tmp_path / "r")[0] == 0
    repeat(tmp_path / "r")


def test_a_width_in_pixels_is_held_by_the_model(run, bands, fast, tmp_path):
    run.ok("cluster", *bands, "-o", tmp_path / "r", "--fwhm", "3.2pix", *fast)
    pipeline, _ = load_model(tmp_path / "r" / "model.skops")
    assert pipeline["convolve"].fwhm == 3.2 * units.pix
    assert pipeline["align"].wcs_.wcs.ctype[0] == "RA---TAN"
    assert run("explore", tmp_path / "r")[0] == 0


def test_a_clusterer_of_a_stranger_needs_trust(run, result, rewrite, monkeypatch):
    """Nothing is imported from the folder in which the command runs."""
    folder = result
    (folder / "evilmod.py").write_text("open('was_run', 'w')\nclass X: pass\n")
    monkeypatch.chdir(folder)
    monkeypatch.syspath_prepend(str(folder))
    rewrite(folder / "recipe.skops", '"skesom.maps.cube_clusterer"', '"evilmod"')
    for command in (["explore", "."], ["cluster", "--from", ".", "-o", "again"]):
        status, _, errors = run(*command)
        assert status == 2
        assert "not known to be harmless: evilmod.CubeClusterer" in errors[-1]
        assert "--trust" in errors[-1]
    assert not (folder / "was_run").exists()


@pytest.mark.parametrize("files", ["null", "7", '["notes.txt"]', '[null, "../a"]'])
def test_files_that_are_no_list(run, bands, result, told_in, fast, files):
    """A run that replaces such a result is not lost, and removes no other file."""
    told = told_in(result) | {"files": json.loads(files)}
    (result / "provenance.json").write_text(json.dumps(told))
    (result / "notes.txt").write_text("mine")
    line = run.fails("cluster", *bands, "-o", result, *fast, "--overwrite")
    assert "have changed since: notes.txt. Move" in line
    assert (result / "notes.txt").read_text() == "mine"
