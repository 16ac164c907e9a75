# SPDX-License-Identifier: BSD-3-Clause
"""``skesom classify``: labels of regions, objects or an image; a map of classes."""

import json
import shutil
from functools import partial

import numpy as np
import pytest
from astropy.io import fits
from astropy.table import Table

from skesom.io import read_map, write_map
from skesom.runs.group_files import write_cluster_groups

QUICK = ["--tables", "no", "--set", "n_neighbors=1", "--block-size", 8]


@pytest.fixture(scope="module")
def labels(scene, tmp_path_factory):
    """The old disc as 3, and all else as 7, in one pixel of four; a file of them."""
    truth = scene[1]
    chosen = np.random.default_rng(0).random(truth.shape) < 0.25
    values = np.where(truth == 1, 3, 7)
    path = tmp_path_factory.mktemp("labels") / "labels.fits"
    write_map(path, np.where(chosen, values, -1), wcs=scene[0].wcs)
    return path


@pytest.fixture(scope="module")
def drawn(tmp_path_factory):
    """Regions: three of the bulge, and two of the disc, with tags and colors."""
    pytest.importorskip("regions")
    places = {"bulge": [(18, 16), (16, 14), (20, 18)], "disc": [(5, 5), (30, 27)]}
    colors = {"bulge": "yellow", "disc": "#0000ff"}
    lines = ["image"]
    for name, middles in places.items():
        for x, y in middles:
            style = f"text={{{name}}} tag={{a {name}}} color={colors[name]}"
            lines.append(f"circle({x},{y},2) # {style}")
    path = tmp_path_factory.mktemp("drawn") / "drawn.reg"
    path.write_text("\n".join(lines))
    return path


@pytest.fixture(scope="module")
def result(command, labels, bands, tmp_path_factory):
    """A folder of results from the image of labels."""
    out = tmp_path_factory.mktemp("classified") / "out"
    given = [*bands, "--labels", labels, "--names", "3=old disc", "-o", out]
    command("classify", *given, "--dpi", 20, *QUICK)
    return out


@pytest.fixture
def refused(refused, bands):
    return partial(refused, "classify", *bands)


@pytest.fixture
def class_names(quick, bands, tmp_path):
    """A function of options: names of the classes that the command learns."""

    def classify(*arguments):
        folder = tmp_path / "classes"
        status, _, err = quick("classify", *bands, "-o", folder, *QUICK[2:], *arguments)
        assert status == 0
        return [*names_of(folder).values()], err

    return classify


def names_of(folder):
    clusters = Table.read(folder / "clusters.ecsv")
    return dict(zip(clusters["id"].tolist(), clusters["name"].tolist(), strict=True))


class TestLabels:
    """An image of labels teaches; the labels are the names."""

    def test_map_and_names(self, result, scene):
        label_map, wcs = read_map(result / "cluster_map.fits")
        assert names_of(result) == {0: "old disc", 1: "7"}
        assert wcs is not None
        right = (label_map == 0) == (scene[1] == 1)
        assert right.mean() > 0.8
        assert fits.getheader(result / "cluster_map.fits")["CLUS0"] == "old disc"

    def test_confidence(self, result, labels_in):
        confidence = fits.getdata(result / "confidence.fits")
        np.testing.assert_array_equal(np.isnan(confidence), labels_in(result) < 0)
        # The larger one of two probabilities.
        assert np.nanmin(confidence) >= 0.5
        assert np.nanmax(confidence) <= 1
        assert (result / "confidence.png").is_file()

    def test_held_out(self, result, labels):
        confusion = Table.read(result / "held_out_confusion.ecsv")
        classes = Table.read(result / "held_out_classes.ecsv")
        assert confusion.colnames == ["true class", "old disc", "7"]
        given, _ = read_map(labels)
        # 32 x 36 pixels hold 4 x 5 blocks; all labels are tested once.
        assert confusion.meta["pixels scored"] == (given >= 0).sum()
        assert classes["pixels"].tolist() == [(given == n).sum() for n in (3, 7)]
        right = confusion["old disc"][0] + confusion["7"][1]
        assert classes.meta["accuracy"] == pytest.approx(right / (given >= 0).sum())
        assert (result / "held_out_confusion.png").is_file()

    def test_repeat(self, quick, result, told_in, tmp_path):
        again = tmp_path / "again"
        out = quick.ok("classify", "--from", result, "-o", again)
        assert "The label map is that of the run, bit for bit." in out
        assert names_of(again) == names_of(result)
        assert told_in(again)["training"] == told_in(result)["training"]

    def test_surroundings_are_features(self, quick, bands, labels, result, tmp_path):
        again, bare = tmp_path / "again", tmp_path / "bare"
        given = *bands, "--labels", labels, "-o", bare, *QUICK[2:]
        with_features = quick.ok("classify", "--from", result, "-o", again)
        without = quick.ok("classify", *given, "--spatial-features", "no")
        for folder, lines, is_wanted in (
            (again, with_features, True),
            (bare, without, False),
        ):
            is_said = any("against its surroundings" in line for line in lines)
            columns = Table.read(folder / "clusters.ecsv").colnames
            is_given = any(name.endswith("unsharp_scaled") for name in columns)
            assert (is_said, is_given) == (is_wanted, is_wanted)

    def test_cluster_repeats_it_too(self, repeat, result):
        assert names_of(repeat(result)) == names_of(result)

    def test_classes_are_named_where_they_come_from(self, run, result, tmp_path):
        write_cluster_groups(tmp_path / "names.json", [("all", [0, 1], "red")])
        line = run.fails("name", result, tmp_path / "names.json", "--trust")
        assert f"{result} has classes: name them in the file they are from" in line

    def test_repeat_with_other_labels(self, run, result, labels, tmp_path):
        path = tmp_path / "provenance.json"
        text = (result / "provenance.json").read_text()
        path.write_text(text.replace(str(labels), str(tmp_path / "gone.fits")))
        shutil.copy(result / "recipe.skops", tmp_path)
        line = run.fails("classify", "--from", path, "-o", tmp_path / "again")
        assert "gone.fits" in line

    def test_what_goes_on_from_it(self, run, result, bands, labels_in, tmp_path):
        out, page = tmp_path / "out", tmp_path / "page.html"
        more = "--trust", "--tables", "no", "--no-pictures"
        run.ok("predict", result, *bands, "-o", out, *more)
        np.testing.assert_array_equal(labels_in(out), labels_in(result))
        assert (out / "confidence.fits").is_file()
        run.ok("explore", result, "-o", page, "--trust")
        assert page.is_file()


class TestRegions:
    """Regions teach by text, tag or color, and give the classes their colors."""

    def test_by_text(self, run, bands, drawn, labels_in, tmp_path):
        out = tmp_path / "out"
        command = "classify", *bands, "--regions", drawn, "-o", out
        lines = run.ok(*command, *QUICK, "--no-pictures")
        assert names_of(out) == {0: "bulge", 1: "disc"}
        label_map = labels_in(out)
        assert (label_map[16, 18], label_map[5, 5]) == (0, 1)
        groups = json.loads((out / "groups.json").read_text())["clusters"]
        assert [group["color"] for group in groups] == ["#ffff00", "#0000ff"]
        assert any(line.startswith("Held out,") for line in lines)

    def test_by_tag(self, class_names, drawn):
        names, _ = class_names("--regions", drawn, "--by", "tag")
        assert names == ["a bulge", "a disc"]

    def test_a_region_outside_of_the_image(self, class_names, drawn, tmp_path):
        path = tmp_path / "more.reg"
        path.write_text(drawn.read_text() + "\ncircle(500,500,3) # text={halo}")
        names, err = class_names("--regions", path)
        assert names == ["bulge", "disc"]
        assert err == [
            "warning: Class 'halo' is left out: no pixel of the image has it."
        ]

    def test_one_block_has_no_score(self, quick, bands, drawn, told_in, tmp_path):
        how = "-o", tmp_path / "out", "--block-size", 100, *QUICK[2:4]
        status, _, err = quick("classify", *bands, "--regions", drawn, *how)
        assert status == 0
        (line,) = err
        assert "no held-out score" in line
        assert "--block-size" in line
        assert "held_out_classes.ecsv" in told_in(tmp_path / "out")["left_out"]

    def test_bad_files(self, refused, drawn, tmp_path):
        for text, *parts in (
            ("circle(20,20,3)", "Region 1", "has no text"),
            ("circle(20,20,3) # text={disc}", "only the class 'disc'", "two"),
            ("circle(900,20,3) # text={disc}", "bad.reg hold no pixel", "32 x 36"),
        ):
            (tmp_path / "bad.reg").write_text(f"image\n{text}")
            refused("--regions", "bad.reg", parts=parts)
        parts = ["no class 'bar', but bulge, disc"]
        refused("--regions", drawn, "--classes", "bar", parts=parts)


class TestCatalog:
    """Objects teach, each type a class."""

    def test_types(self, quick, scene, bands, tmp_path):
        truth = scene[1]
        table = Table(names=("x", "y", "type"), dtype=(int, int, str))
        for name, inside in (("disc", truth == 1), ("G", truth != 1)):
            for row, column in np.argwhere(inside)[::9]:
                table.add_row((column, row, name))
        table.write(tmp_path / "objects.csv")
        out = tmp_path / "out"
        given = ("--catalog", tmp_path / "objects.csv", "--radius", "1pix", "-o", out)
        quick.ok("classify", *bands, *given, *QUICK[2:])
        assert set(names_of(out).values()) == {"disc", "G"}
        told = (out / "summary.md").read_text()  # classes are what they were taught as
        assert "looks like" not in told
        assert "(?), " not in told
        assert "No names" not in told

    def test_no_object_in_the_image(self, refused, tmp_path):
        path = tmp_path / "far.csv"
        Table({"x": [900], "y": [3], "type": ["G"]}).write(path)
        parts = ["None of the 1 objects lies in the map"]
        refused("--catalog", path, parts=parts)


class TestOptions:
    """Methods and options that do not fit."""

    def test_any_classifier(self, quick, bands, labels, told_in, tmp_path):
        out = tmp_path / "out"
        method = "--method", "sklearn.linear_model.Perceptron"
        quick.ok("classify", *bands, "--labels", labels, "-o", out, *method)
        left_out = told_in(out)["left_out"]
        assert left_out["confidence"] == "the classifier gives no probabilities"

    def test_refusals(self, refused, labels, tmp_path):
        write_map(tmp_path / "small.fits", np.eye(3, dtype=int))
        kmeans = "--method", "sklearn.cluster.KMeans"
        for options, *parts in (
            ([], "give pixels to learn from"),
            (["--labels", "lost.fits"], "lost.fits: No such file"),
            (["--labels", labels, "--radius", 3], "--radius goes with"),
            (["--labels", labels, "--names", "5=dust"], "has no label 5, but 3, 7"),
            (["--labels", labels, *kmeans], "is not a classifier"),
            (["--labels", "small.fits"], "shape (3, 3)", "(32, 36)", "--align-to"),
        ):
            refused(*options, parts=parts)
