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
from skesom.maps._suggestions import Suggestion
from skesom.report import load_model, read_cluster_groups, write_cluster_groups

GROUPS = [("knots of gas", [0, 2], "red"), ("old disc", [1]), (None, [3])]
QUICK = ["--no-pictures", "--runs", "1", "--method", "csom", "--set", "shape=4,4"]


@pytest.fixture(scope="module")
def fitted(bands, tmp_path_factory):
    """A folder of results with a page."""
    from skesom.cli import main

    folder = tmp_path_factory.mktemp("name") / "result"
    files = [str(file) for file in bands]
    options = ["-o", str(folder), *QUICK, "--n-clusters", "4"]
    assert main(["cluster", *files, *options]) == 0
    assert main(["explore", str(folder), "--trust"]) == 0
    return folder


@pytest.fixture
def result(fitted, tmp_path):
    """A copy of it."""
    return shutil.copytree(fitted, tmp_path / "result")


@pytest.fixture
def groups(tmp_path):
    """A file of names."""
    path = tmp_path / "names.json"
    write_cluster_groups(path, GROUPS)
    return path


def contents(folder):
    """Return what is in the files of a folder, apart from the list of them."""
    paths = [path for path in folder.rglob("*") if path.is_file()]
    return {
        path.relative_to(folder).as_posix(): path.read_bytes()
        for path in paths
        if path.name != "provenance.json"
    }


def clusters_of(folder):
    """Return rows of number, name, color and labels."""
    table = Table.read(folder / "clusters.ecsv")["id", "name", "color", "labels"]
    return [tuple(row) for row in table]


def merged_by_hand(fitted):
    """Return the label map that GROUPS make, larger groups first."""
    labels, _ = read_map(fitted / "cluster_map.fits")
    parts = [np.isin(labels, group[1]) for group in GROUPS]
    order = sorted(range(3), key=lambda place: -parts[place].sum())
    return order, np.select([parts[n] for n in order], range(3), default=labels)


def test_names_reach_every_file(run, fitted, groups, tmp_path):
    """The result that they are taken from stays."""
    before, out = contents(fitted), tmp_path / "out"
    printed = run.ok("name", fitted, groups, "-o", out, "--trust")
    assert contents(fitted) == before
    order, expected = merged_by_hand(fitted)
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
        cards = {
            key: hdus[0].header[key] for key in hdus[0].header if key[:4] == "CLUS"
        }
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


def test_without_a_change_the_result_is_the_same(run, fitted, tmp_path):
    assert run("name", fitted, "-o", tmp_path / "out", "--trust")[::2] == (0, [])
    before, after = contents(fitted), contents(tmp_path / "out")
    assert before.keys() == after.keys()
    for name in before.keys() - {"model.joblib", "cluster_images.zip"}:
        may_differ = name == "page.html" or name.endswith(".skops")
        assert before[name] == after[name] or may_differ, name


def test_suggested_names_are_accepted(run, result, tmp_path, monkeypatch):
    """A name of one's own stays, and a name that is suggested twice gets numbers."""
    suggested = ["knots of gas", None, "knots of gas", "disc"]
    guesses = [Suggestion(name, (), "", "brightest") for name in suggested]
    place = "skesom.report._summary.suggest_names"
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


def test_names_are_suggested_for_known_filters(run, result):
    assert run("name", result, "--trust", "--accept-suggestions")[::2] == (0, [])
    assert any(row[1] != str(row[0]) for row in clusters_of(result))


def test_groups_are_edited_in_place(run, fitted, result):
    """The edited file is taken, and is not kept as one that is in the way."""
    path = result / "groups.json"
    content = json.loads(path.read_text())
    content["clusters"][1]["name"] = "arms"
    path.write_text(json.dumps(content))
    assert run("name", result, "--trust")[::2] == (0, [])
    assert clusters_of(result)[1][1] == "arms"
    assert contents(result).keys() == contents(fitted).keys()
    assert "arms" in (result / "page.html").read_text(encoding="utf-8")
    # Once more, as the page is of this result now.
    assert run("name", result, "--trust")[::2] == (0, [])
    assert contents(result).keys() == contents(fitted).keys()


def test_pictures_are_drawn_as_they_were(run, bands, groups, tmp_path):
    """In their format; and a result without tables gets none."""
    options = ["-o", tmp_path / "r", *QUICK[1:], "--n-clusters", "4", "--tables", "no"]
    assert run("cluster", *bands, *options, "--format", "svg", "--width", "one")[0] == 0
    before = contents(tmp_path / "r")
    assert run("name", tmp_path / "r", groups, "--trust")[::2] == (0, [])
    after = contents(tmp_path / "r")
    kinds = [{n for n in each if "regions/" not in n} for each in (before, after)]
    assert kinds[0] == kinds[1]  # outlines leave out clusters of few pixels
    for name in "cluster_map.svg", "cluster_spectra.svg", "cluster_histogram.svg":
        assert b"knots" in after[name]
        assert b"knots" not in before[name]
    told = json.loads((tmp_path / "r" / "provenance.json").read_text())
    assert (told["pictures"]["format"], told["pictures"]["width"]) == ("svg", "one")


def test_known_objects_of_a_result_are_compared_again(run, bands, groups, tmp_path):
    catalog = tmp_path / "objects.csv"
    places = [f"mine{n},HII,{10 + 3 * n},{8 + 2 * n}" for n in range(12)]
    catalog.write_text("\n".join(["name,type,x,y", *places]) + "\n")
    result = tmp_path / "r"
    options = ["-o", result, *QUICK, "--n-clusters", "4", "--tables", "no"]
    options += ["--catalog", catalog, "--radius", "3pix"]
    assert run("cluster", *bands, *options)[0] == 0
    assert run("explore", result, "--catalog", catalog, "--trust")[0] == 0
    first = Table.read(result / "objects.ecsv")
    catalog.unlink()  # what is needed is in the result
    assert run("name", result, groups, "--trust")[::2] == (0, [])
    again = Table.read(result / "objects.ecsv")
    assert again["name"].tolist() == first["name"].tolist()
    np.testing.assert_allclose(again["x"], first["x"])
    names = [row[1] for row in clusters_of(result)]
    for row in again:
        assert row["cluster_name"] == names[row["cluster"]]
    assert "knots of gas" in Table.read(result / "crossmatch.ecsv")["cluster_name"]
    assert again.meta["radius"] == first.meta["radius"] == 3 * units.pix
    assert "mine3" in (result / "page.html").read_text(encoding="utf-8")


def test_the_model_still_has_the_labels_of_the_run(run, fitted, result, groups):
    assert run("name", result, groups, "--trust")[0] == 0
    pipeline, _ = load_model(result / "model.joblib", trust=True)
    labels, _ = read_map(fitted / "cluster_map.fits")
    np.testing.assert_array_equal(pipeline[-1].labels_, labels)
    assert run("name", result, fitted / "groups.json", "--trust")[0] == 0
    np.testing.assert_array_equal(read_map(result / "cluster_map.fits")[0], labels)


def test_a_failure_leaves_the_old_result(run, result, groups, monkeypatch):
    def full(*_):
        raise OSError(28, "No space left on device")

    before = contents(result)
    monkeypatch.setattr("skesom.report._tables.validity_indices", full)
    line = run.fails("name", result, groups, "--trust")
    assert "No space left" in line
    assert contents(result) == before
    assert [path.name for path in result.parent.iterdir()].count("result") == 1


def test_other_commands_take_the_names(run, bands, fitted, result, groups, tmp_path):
    assert run("name", result, groups, "--trust")[0] == 0
    named, out = clusters_of(result), tmp_path / "out"
    quick = ["--no-pictures", "--tables", "no"]
    model = result / "model.joblib"
    for source in (result, model):
        printed = run.ok(
            *("predict", source, *bands, "-o", out, "--overwrite", "--trust", *quick)
        )
        assert any("%  knots of gas" in line for line in printed)
        assert clusters_of(out) == named
        expected = merged_by_hand(fitted)[1]
        np.testing.assert_array_equal(read_map(out / "cluster_map.fits")[0], expected)
    page = tmp_path / "page.html"
    assert run("explore", result, "-o", page, "--trust")[0] == 0
    assert "knots of gas" in page.read_text(encoding="utf-8")
    write_map(
        tmp_path / "truth.fits", np.maximum(read_map(fitted / "cluster_map.fits")[0], 0)
    )
    status, printed, _ = run(
        "test", result, tmp_path / "truth.fits", "-o", tmp_path / "t"
    )
    assert status == 0
    assert any("knots of gas" in line for line in printed)
    table = Table.read(tmp_path / "t" / "confusion.ecsv")
    assert table["name"].tolist() == [row[1] for row in named]
    classes = Table.read(tmp_path / "t" / "classes.ecsv")
    assert "knots of gas" in classes["name"][0].split(", ")
    again = ["cluster", "--from", result, "-o", tmp_path / "again", *quick]
    printed = run.ok(*again)
    assert printed[-1] == "The label map is that of the run, bit for bit."
    assert clusters_of(tmp_path / "again") == named


def test_names_of_a_run_are_not_those_of_other_images(
    run, result, groups, bands, tmp_path
):
    assert run("name", result, groups, "--trust")[0] == 0
    others = []
    for number, file in enumerate(bands):
        with fits.open(file) as hdus:
            hdus[0].data = hdus[0].data[::-1].copy()
            others.append(tmp_path / f"{number}.fits")
            hdus.writeto(others[-1])
    out = tmp_path / "again"
    run(
        "cluster",
        "--from",
        result,
        *others,
        "-o",
        out,
        "--no-pictures",
        "--tables",
        "no",
    )
    assert "knots of gas" not in [row[1] for row in clusters_of(out)]


@pytest.mark.parametrize(
    ("clusters", "digest", "message"),
    [
        ([("a", [0]), ("a", [1])], None, "2 groups have the name 'a'"),
        ([("1", [0])], None, "2 groups have the name '1'"),
        ([("a", [9])], None, "cluster 9, but the map has those from 0 to 3"),
        ([("a", [0]), ("b", [0, 1])], None, "Cluster 0 is in the groups 'a' and 'b'"),
        ([("a", [0], "reddish")], None, "'a' has the color 'reddish', which is none"),
        ([("a", [0])], "0" * 64, "is of another result"),
    ],
)
def test_one_line_for_what_cannot_be(run, fitted, tmp_path, clusters, digest, message):
    keys = "name", "labels", "color"
    listed = [dict(zip(keys, each, strict=False)) for each in clusters]
    content = {"format": "skesom clusters", "version": 1, "clusters": listed}
    content["label_map_sha256"] = digest
    path = tmp_path / "groups.json"
    path.write_text(json.dumps(content))
    before = contents(fitted)
    status, printed, errors = run("name", fitted, path, "--trust")
    assert (status, printed) == (2, [])
    (line,) = errors
    assert line.startswith("skesom name: error: ")
    assert message in line
    assert contents(fitted) == before
    status, _, (line,) = run("name", fitted, tmp_path / "none.json", "--trust")
    assert status == 2
    assert line.endswith("none.json: No such file or directory")


def test_a_cluster_keeps_its_color_where_others_are_brighter(run, images):
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
    options += ["--method", "sklearn.cluster.KMeans", "--set", "n_init=1"]
    options += ["--mask-outliers", "no", "--band-names", "a", "b", "c"]
    assert run("cluster", *here, "-o", "here", "--no-pictures", *options)[0] == 0
    colors = [row[2] for row in clusters_of(Path("here"))]
    quick = ["--trust", "--no-pictures", "--band-names", "a", "b", "c"]
    assert run("predict", "here", *there, "-o", "there", *quick)[0] == 0
    labels = [read_map(f"{name}/cluster_map.fits")[0] for name in ("here", "there")]
    np.testing.assert_array_equal(*labels)
    assert [row[2] for row in clusters_of(Path("there"))] == colors
    shutil.move("here/groups.json", "groups.json")
    assert run("predict", "here", *there, "-o", "alone", *quick)[0] == 0
    assert [row[2] for row in clusters_of(Path("alone"))] == colors[::-1]
