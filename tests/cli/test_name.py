# SPDX-License-Identifier: BSD-3-Clause
"""Names, colors and merges of clusters: one file, and all commands follow it."""

import json
import shutil
from pathlib import Path

import numpy as np
import pytest
from astropy import units
from astropy.io import fits
from astropy.table import Table

from skesom.io import read_map, write_map
from skesom.maps import ClusterNames
from skesom.maps.suggestions import Suggestion
from skesom.report import PictureStyle
from skesom.report._pictures import Pictures
from skesom.report.drawing import saved
from skesom.report.result import Result
from skesom.runs import Run, load_model, read_cluster_groups
from skesom.runs.group_files import write_cluster_groups

GROUPS = [("knots of gas", [0, 2], "red"), ("old disc", [1]), (None, [3])]


@pytest.fixture(scope="module")
def groups(tmp_path_factory):
    """A file of names."""
    path = tmp_path_factory.mktemp("groups") / "names.json"
    write_cluster_groups(path, GROUPS)
    return path


@pytest.fixture(scope="module")
def named(command, fitted, groups, contents, tmp_path_factory):
    """A result with those names, beside the one it was taken from; what was printed."""
    before, out = contents(fitted), tmp_path_factory.mktemp("named") / "out"
    printed = command("name", fitted, groups, "-o", out, "--trust")
    assert contents(fitted) == before
    return out, printed


@pytest.fixture
def result(fitted, tmp_path):
    """A copy of the result without names."""
    return shutil.copytree(fitted, tmp_path / "result")


def without_the_list(files):
    """Return contents of a folder, apart from the list of them."""
    return {name: files[name] for name in files.keys() - {"provenance.json"}}


def clusters_of(folder):
    """Return rows of number, name, color and labels."""
    table = Table.read(folder / "clusters.ecsv")["id", "name", "color", "labels"]
    return [tuple(row) for row in table]


def merged_by_hand(labels):
    """Return the label map that GROUPS make, larger groups first."""
    parts = [np.isin(labels, group[1]) for group in GROUPS]
    order = sorted(range(3), key=lambda place: -parts[place].sum())
    return order, np.select([parts[n] for n in order], range(3), default=labels)


def test_names_reach_every_file(named, fitted, labels_in):
    out, printed = named
    order, expected = merged_by_hand(labels_in(fitted))
    labels, wcs = read_map(out / "cluster_map.fits")
    np.testing.assert_array_equal(labels, expected)
    assert wcs.wcs.ctype[0] == "RA---TAN"
    unnamed = order.index(2)
    names = [GROUPS[n][0] or str(unnamed) for n in order]
    rows = clusters_of(out)
    assert [row[1] for row in rows] == names
    assert [row[3] for row in rows] == [
        ", ".join(map(str, GROUPS[n][1])) for n in order
    ]
    hii = names.index("knots of gas")
    assert rows[hii][2] == "#ff0000"
    (line,) = [each for each in printed if "%  knots of gas" in each]
    assert line.split()[:3] == [str(hii), str(np.sum(expected == hii)), "pixels"]
    with fits.open(out / "cluster_map.fits") as hdus:
        hdus.verify("exception")
        cards = {k: card for k, card in hdus[0].header.items() if k[:4] == "CLUS"}
        assert cards == {
            f"CLUS{n}": GROUPS[order[n]][0] for n in range(3) if n != unnamed
        }
        assert hdus["CLUSTERS"].data["name"].tolist() == names
        assert hdus["CLUSTERS"].data["color"].tolist() == [row[2] for row in rows]
    drawn = (out / "regions" / f"cluster_{hii}.reg").read_text().splitlines()[3:]
    assert drawn
    assert all("color=#ff0000" in each for each in drawn)
    assert "knots of gas" in drawn[0]
    assert "knots of gas" in (out / "page.html").read_text(encoding="utf-8")
    kept = [group[:2] for group in read_cluster_groups(out / "groups.json")]
    assert kept == [(GROUPS[n][0], tuple(GROUPS[n][1])) for n in order]


def test_known_objects_of_a_result_are_compared_again(named, fitted):
    out, _ = named
    first, again = (Table.read(each / "objects.ecsv") for each in (fitted, out))
    assert again["name"].tolist() == first["name"].tolist()
    np.testing.assert_allclose(again["ra"], first["ra"])
    names = [row[1] for row in clusters_of(out)] + [""]
    found = [names[label] for label in again["cluster"]]
    assert again["cluster_name"].tolist() == found
    assert "knots of gas" in found
    assert "knots of gas" in Table.read(out / "crossmatch.ecsv")["cluster_name"]
    assert again.meta["radius"] == first.meta["radius"] == 2 * units.pix
    assert "mine3" in (out / "page.html").read_text(encoding="utf-8")


def test_the_model_still_has_the_labels_of_the_run(named, fitted, labels_in):
    pipeline, _ = load_model(named[0] / "model.skops", trust=True)
    np.testing.assert_array_equal(pipeline[-1].labels_, labels_in(fitted))


def test_without_names_the_result_is_the_first_again(
    run, named, fitted, contents, tmp_path
):
    out = shutil.copytree(named[0], tmp_path / "out")
    command = "name", out, fitted / "groups.json", "--trust"
    assert run(*command)[::2] == (0, [])
    before, after = (without_the_list(contents(each)) for each in (fitted, out))
    assert before.keys() == after.keys()
    for name in before.keys() - {"cluster_images.zip"}:
        may_differ = name == "page.html" or name.endswith(".skops")
        assert before[name] == after[name] or may_differ, name


def test_suggested_names_are_accepted(run, result, monkeypatch, tmp_path):
    """A name of one's own stays, and a name that is suggested twice gets numbers."""
    suggested = ["knots of gas", None, "knots of gas", "disc"]
    guesses = [Suggestion(name, (), "", "brightest") for name in suggested]
    place = "skesom.report.summary.suggest_names"
    monkeypatch.setattr(place, lambda *_, **__: guesses)
    path = tmp_path / "mine.json"
    write_cluster_groups(path, [("mine", [3])])
    options = ["name", result, path, "--trust", "--accept-suggestions"]
    assert run(*options)[::2] == (0, [])
    expected = ["knots of gas 1", "1", "knots of gas 2", "mine"]
    assert [row[1] for row in clusters_of(result)] == expected
    unnamed = [guess._replace(name=None) for guess in guesses]
    monkeypatch.setattr(place, lambda *_, **__: unnamed)
    status, _, (line,) = run(*options)
    assert status == 2
    assert "no names are suggested, because the filters are unknown or no rule" in line


def test_names_are_suggested_for_known_filters(fitted):
    run = Run.read(fitted, trust=True).name("suggested")
    assert any(group.name for group in run.groups)


def test_groups_are_edited_in_place(run, fitted, result, contents):
    """The edited file is taken, and is not kept as one that is in the way."""
    path = result / "groups.json"
    content = json.loads(path.read_text())
    content["clusters"][1]["name"] = "arms"
    path.write_text(json.dumps(content))
    for _ in range(2):  # once more, as the page is of this result now
        assert run("name", result, "--trust")[::2] == (0, [])
        assert contents(result).keys() == contents(fitted).keys()
    assert clusters_of(result)[1][1] == "arms"
    assert "arms" in (result / "page.html").read_text(encoding="utf-8")


def test_pictures_are_drawn_as_they_were(
    run, result, groups, told_in, tmp_path, monkeypatch
):
    """In their format; and a result without tables gets none."""
    told = told_in(result)
    told["pictures"] = {"format": "svg", "dpi": 40, "width": "one", "rgb": None}
    told["files"] = [n for n in told["files"] if not n.startswith("pixels")]
    (result / "provenance.json").write_text(json.dumps(told))
    (result / "page.html").unlink()
    given = {}

    def write(run, folder, **options):
        given.update(options, groups=run.groups)
        raise OSError("enough")

    monkeypatch.setattr("skesom.runs.Run.write", write)
    assert "enough" in run.fails("name", result, groups, "--trust")
    assert given["pictures"] == PictureStyle("svg", 40, "one")
    assert given["tables"] is False
    report = Run.read(result, trust=True)
    found = Result(report.pipeline, report.cube, groups=given["groups"])
    jobs = dict(Pictures(found, given["pictures"]).jobs())
    for name in "cluster_map", "cluster_spectra", "cluster_histogram":
        assert b"knots" in saved(jobs[name]().figure_, given["pictures"])


def test_a_failure_leaves_the_old_result(run, result, groups, contents, monkeypatch):
    def full(*_):
        raise OSError(28, "No space left on device")

    before = contents(result)
    monkeypatch.setattr("skesom.report.report.validity_indices", full)
    line = run.fails("name", result, groups, "--trust")
    assert "No space left" in line
    assert contents(result) == before
    assert [path.name for path in result.parent.iterdir()].count("result") == 1


def test_other_commands_take_the_names(
    run, bands, fitted, named, repeat, labels_in, tmp_path
):
    result, out = named[0], tmp_path / "out"
    for source in (result, result / "model.skops"):
        printed = run.ok(
            *("predict", source, *bands, "-o", out, "--overwrite", "--trust"),
            *("--no-pictures", "--tables", "no"),
        )
        assert any("%  knots of gas" in line for line in printed)
        assert clusters_of(out) == clusters_of(result)
        expected = merged_by_hand(labels_in(fitted))[1]
        np.testing.assert_array_equal(labels_in(out), expected)
    page = tmp_path / "page.html"
    assert run("explore", result, "-o", page, "--trust")[0] == 0
    assert "knots of gas" in page.read_text(encoding="utf-8")
    write_map(tmp_path / "truth.fits", np.maximum(labels_in(fitted), 0))
    test = "test", result, tmp_path / "truth.fits", "-o", tmp_path / "t"
    status, printed, _ = run(*test)
    assert status == 0
    assert any("knots of gas" in line for line in printed)
    table = Table.read(tmp_path / "t" / "confusion.ecsv")
    known = {str(row[0]): row[1] for row in clusters_of(result)} | {"-1": "noise"}
    assert table["name"].tolist() == [known[str(n)] for n in table["cluster"]]
    classes = Table.read(tmp_path / "t" / "classes.ecsv")
    assert "knots of gas" in classes["name"][0].split(", ")
    assert clusters_of(repeat(result)) == clusters_of(result)


def test_names_of_a_run_are_not_those_of_other_images(quick, named, bands, tmp_path):
    others = []
    for number, file in enumerate(bands):
        with fits.open(file) as hdus:
            hdus[0].data = hdus[0].data[::-1].copy()
            others.append(tmp_path / f"{number}.fits")
            hdus.writeto(others[-1])
    quick("cluster", "--from", named[0], *others, "-o", tmp_path / "again")
    assert "knots of gas" not in [row[1] for row in clusters_of(tmp_path / "again")]


@pytest.mark.parametrize(
    ("clusters", "digest", "message"),
    [
        ([("1", [0])], None, "2 groups have the name '1'"),
        ([("a", [9])], None, "cluster 9, but the map has those from 0 to 3"),
        ([("a", [0])], "0" * 64, "is of another result"),
    ],
)
def test_one_line_for_what_cannot_be(
    run, fitted, contents, tmp_path, clusters, digest, message
):
    keys = "name", "labels", "color"
    listed = [dict(zip(keys, each, strict=False)) for each in clusters]
    content = {"format": "skesom clusters", "version": 1, "clusters": listed}
    content["label_map_sha256"] = digest
    path = tmp_path / "groups.json"
    path.write_text(json.dumps(content))
    before = contents(fitted)
    status, printed, (line,) = run("name", fitted, path, "--trust")
    assert (status, printed) == (2, [])
    assert line.startswith("skesom name: error: ")
    assert message in line
    assert contents(fitted) == before
    line = run.fails("name", fitted, tmp_path / "none.json", "--trust")
    assert line.endswith("none.json: No such file or directory")


def test_a_cluster_keeps_its_color_where_others_are_brighter(quick, images):
    """Of the images alone, colors would be those of another order of brightness."""

    def files_of(name, first, second):
        noise = np.random.default_rng(0).normal(0, 0.01, (3, 20, 24))
        is_first = np.arange(24) < 14
        for band in range(3):
            flux = np.where(is_first, first[band], second[band]) + noise[band]
            yield images(f"{name}{band}.fits", flux)

    # The first population is the brighter one in two bands of three, and then in one.
    here = list(files_of("here", (10, 10, 1), (1, 1, 10)))
    there = list(files_of("there", (10, 0.5, 1), (1, 1, 10)))
    options = ["--stretch", "none", "--color-contrast", "0", "--n-clusters", "2"]
    options += ["--method", "sklearn.cluster.KMeans", "--set", "n_init=1", "--runs", 2]
    options += ["--mask-outliers", "no", "--band-names", "a", "b", "c"]
    assert quick("cluster", *here, "-o", "here", *options)[0] == 0
    colors = [row[2] for row in clusters_of(Path("here"))]
    more = ["--trust", "--band-names", "a", "b", "c"]
    assert quick("predict", "here", *there, "-o", "there", *more)[0] == 0
    labels = [read_map(f"{name}/cluster_map.fits")[0] for name in ("here", "there")]
    np.testing.assert_array_equal(*labels)
    assert [row[2] for row in clusters_of(Path("there"))] == colors
    shutil.move("here/groups.json", "groups.json")
    assert quick("predict", "here", *there, "-o", "alone", *more)[0] == 0
    assert [row[2] for row in clusters_of(Path("alone"))] == colors[::-1]


@pytest.fixture(scope="module")
def parted(command, bands, tmp_path_factory):
    """A result with a tree, and a file of names of parts of its clusters."""
    folder = tmp_path_factory.mktemp("parted")
    made = "--runs", "3", "--n-clusters", "4", "--no-pictures", "--tables=no"
    command("cluster", *bands, "-o", folder / "run", *made)
    report = Run.read(folder / "run", trust=True)
    names = ClusterNames.from_clusterer(report.pipeline, report.cube)
    names.split(0)
    names.name(0, "disc")
    names.split(1)
    keys = "name", "labels", "color", "leaves"
    listed = [dict(zip(keys, each, strict=True)) for each in names.groups]
    content = {"format": "skesom clusters", "version": 2, "clusters": listed}
    (folder / "parts.json").write_text(json.dumps(content))
    return folder, names.label_map


def test_parts_of_clusters_reach_every_file(
    run, parted, bands, repeat, labels_in, contents, tmp_path
):
    (folder, expected), out = parted, tmp_path / "out"
    before = contents(folder / "run")
    run.ok("name", folder / "run", folder / "parts.json", "-o", out, "--trust")
    np.testing.assert_array_equal(labels_in(out), expected)
    assert "disc" in [row[1] for row in clusters_of(out)]
    assert contents(folder / "run") == before
    # What is written is read again, and the model still has the labels of the run.
    run.ok("name", out, "--trust")
    np.testing.assert_array_equal(labels_in(out), expected)
    pipeline, _ = load_model(out / "model.skops", trust=True)
    np.testing.assert_array_equal(pipeline[-1].labels_, labels_in(folder / "run"))
    again = tmp_path / "again"
    plain = "--no-pictures", "--tables", "no", "--trust"
    run.ok("predict", out, *bands, "-o", again, *plain)
    np.testing.assert_array_equal(labels_in(again), expected)
    assert clusters_of(again) == clusters_of(out)
    assert clusters_of(repeat(out)) == clusters_of(out)
    # Parts need not be clusters of another cut.
    cut = "cluster", "--from", out, "--n-clusters", 6, "-o", tmp_path / "cut", *plain
    assert any(
        "0 of 1 names are of clusters that stay" in line for line in run.ok(*cut)
    )
    run.ok("name", out, folder / "run" / "groups.json", "--trust")  # as it was
    np.testing.assert_array_equal(labels_in(out), labels_in(folder / "run"))


@pytest.mark.parametrize("asked", ["name", "explore"])
def test_what_is_no_file_of_groups_is_no_empty_one(
    run, result, groups, contents, tmp_path, asked
):
    """Else a slip of the pen would take all names away."""
    run.ok("name", result, groups, "--trust")
    before = contents(result)
    (tmp_path / "names.txt").write_text(groups.read_text())
    option = ["--groups"] if asked == "explore" else []
    more = ["-o", tmp_path / "page.html"] if asked == "explore" else []
    for given, message in (
        (tmp_path / "names.txt", "names.txt is no file of groups, whose names end in"),
        (tmp_path, "is no file of groups"),
        (tmp_path / "none", "is no file of groups"),
        (tmp_path / "none.json", "none.json: No such file or directory"),
    ):
        line = run.fails(asked, result, *option, given, *more, "--trust")
        assert message in line
        assert contents(result) == before
