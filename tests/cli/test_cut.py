# SPDX-License-Identifier: BSD-3-Clause
"""``skesom cluster --from RUN --n-clusters N``: the tree of a run, cut elsewhere."""

import shutil

import numpy as np
import pytest
from astropy.io import fits
from astropy.table import Table

from skesom.runs import Run, load_model, read_cluster_groups
from skesom.runs import provenance as _provenance
from skesom.runs._models import find_model
from skesom.runs.group_files import write_cluster_groups
from skesom.runs.image_source import ImageSource
from skesom.som import ESOM

QUICK = "--no-pictures", "--tables=no", "--trust"


@pytest.fixture(scope="module")
def first_run(command, bands, tmp_path_factory):
    """A result of three runs of four clusters; nobody changes it."""
    folder = tmp_path_factory.mktemp("first_run") / "first"
    made = "--runs", "3", "--n-clusters", "4", "--no-pictures", "--tables=no"
    command("cluster", *bands, "-o", folder, *made)
    return folder


@pytest.fixture
def first(first_run, tmp_path):
    """A copy of that result, which tests may change."""
    return shutil.copytree(first_run, tmp_path / "first")


@pytest.fixture
def _nothing_learns(monkeypatch):
    def learn(*args, **kwargs):
        raise AssertionError("a map learns")

    monkeypatch.setattr(ESOM, "fit", learn)


@pytest.mark.usefixtures("_nothing_learns")
def test_all_files_are_of_the_number(run, first, labels_in, told_in):
    command = "cluster", "--from", first / "provenance.json", "--n-clusters", 6
    run.ok(*command, "--trust", "--dpi", 40)
    folder = first.with_name("first-6")
    labels = labels_in(folder)
    sizes = np.bincount(labels[labels >= 0])
    assert len(sizes) == 6
    assert (np.diff(sizes) <= 0).all()
    table = Table.read(folder / "clusters.ecsv")
    assert table["pixels"].tolist() == sizes.tolist()
    text = (folder / "summary.md").read_text()
    assert "in 6 clusters" in text
    assert "`dendrogram.png` shows which clusters are most alike" in text
    for row in table:
        assert f" % | the runs agree to {100 * row['agreement']:.0f} % |" in text
    assert len(read_cluster_groups(folder / "groups.json")) == 6
    told = told_in(folder)
    assert (told["cut"], told["result"]["n_clusters"]) == (6, 6)
    assert len(told["decisions"]["runs"]["by_cluster"]) == 6
    for name in ("dendrogram", "u_matrix", "cluster_map", "agreement"):
        assert (folder / f"{name}.png").is_file()
    report = Run.read(folder, trust=True)
    np.testing.assert_array_equal(report.pipeline.predict(report.cube), labels)


def test_a_cut_is_cut_again_and_repeated(
    run, quick, first, repeat, labels_in, told_in, tmp_path
):
    before, six = labels_in(first), first.with_name("first-6")
    command = "cluster", "--from", first, "--n-clusters", 6, *QUICK
    assert "6 clusters:" in run.ok(*command)
    pairs = np.unique(np.stack([labels_in(six), before])[:, before >= 0], axis=1)
    assert pairs.shape[1] == 6  # each is part of one of before
    again = repeat(six)
    for name in ("cut", "pipeline", "decisions"):
        assert told_in(again)[name] == told_in(six)[name]
    back = "cluster", "--from", six, "--n-clusters", 4, "-o", tmp_path / "four"
    quick.ok(*back, "--trust")
    np.testing.assert_array_equal(labels_in(tmp_path / "four"), before)
    assert told_in(tmp_path / "four")["cut"] is None


@pytest.mark.usefixtures("_nothing_learns")
def test_without_trust_the_model_that_can_be_shared_is_read(run, first, tmp_path):
    command = "cluster", "--from", first, "--n-clusters", 5, *QUICK[:2]
    assert run(*command, "-o", tmp_path / "safe")[0] == 0
    pipeline, _ = load_model(find_model(tmp_path / "safe"))
    assert pipeline[-1].n_clusters_ == 5
    (first / "model.skops").rename(first / "model.joblib")
    line = run.fails(*command, "-o", tmp_path / "other")
    assert "is a pickle" in line


@pytest.mark.usefixtures("_nothing_learns")
def test_names_stay_with_clusters_that_keep_their_pixels(
    run, first, labels_in, tmp_path
):
    before = labels_in(first)
    groups = [(f"part {n}", [n], "#123456" if n == 1 else None) for n in range(4)]
    write_cluster_groups(first / "groups.json", groups)
    command = "cluster", "--from", first, "--n-clusters", 5, *QUICK
    _, out, _ = run(*command, "-o", tmp_path / "out")
    (line,) = [line for line in out if "names are of clusters" in line]
    assert line == ("3 of 4 names are of clusters that stay; the others are left out.")
    after = labels_in(tmp_path / "out")
    for group in read_cluster_groups(tmp_path / "out" / "groups.json"):
        if group.name is not None:
            old = before == int(group.name[-1])
            np.testing.assert_array_equal(old, after == group.labels[0])
            assert (group.color == "#123456") == (group.name == "part 1")


class TestRefused:
    """One line that says what to do."""

    @pytest.fixture
    def refused(self, run, first):
        def check(*options, part):
            status, out, err = run("cluster", "--from", first, *options, *QUICK)
            assert (status, out) == (2, [])
            assert part in err[-1]
            assert {each.name for each in first.parent.iterdir()} == {"first"}

        return check

    def test_more_clusters_than_the_tree_has(self, refused):
        refused("--n-clusters", 100, part="--n-clusters must be an int from 1 to the ")
        refused(
            "--n-clusters", "auto", part="--n-clusters must be an int from 1 to the "
        )

    def test_other_options(self, refused):
        options = "--n-clusters", 3, "--random-state", 1
        refused(*options, part="as it was: leave out --random-state")

    def test_a_run_needs_a_folder(self, refused):
        refused(part="give the folder for the results (-o)")

    def test_a_result_without_a_model(self, refused, first):
        (first / "model.skops").unlink()
        refused("--n-clusters", 3, part="holds no model")


def test_k_means_has_no_tree(run, bands, fast, tmp_path):
    run("cluster", *bands, "-o", tmp_path / "single", *fast, "--runs", 1)
    command = "cluster", "--from", tmp_path / "single", "--n-clusters", 3, "--trust"
    line = run.fails(*command)
    assert f"{tmp_path / 'single'}: there is no tree to cut: this KMeans" in line
    assert "Fit again with that number of clusters." in line


@pytest.mark.parametrize("options", [("--runs", 1), ("--runs", 3)], ids=["map", "runs"])
def test_a_cut_is_a_run_with_that_number(
    run, bands, told_in, repeat, tmp_path, options
):
    made = "cluster", *bands, *options, *QUICK[:2], "--n-clusters"
    run.ok(*made, 4, "-o", tmp_path / "four")
    run.ok(*made, 7, "-o", tmp_path / "seven")
    cut = "cluster", "--from", tmp_path / "four", "--n-clusters", 7, *QUICK[:2]
    run.ok(*cut, "-o", tmp_path / "cut")
    of_run = told_in(tmp_path / "seven")["result"]
    assert told_in(tmp_path / "cut")["result"] == of_run
    assert of_run["n_clusters"] == 7
    # A cut is told, so that it is repeated; a run needs none.
    assert told_in(tmp_path / "cut")["cut"] == 7
    assert told_in(tmp_path / "seven")["cut"] is None
    table = Table.read(tmp_path / "cut" / "clusters.ecsv")
    assert ("agreement" in table.colnames) == (options[1] > 1)
    assert ((table["persistence"] > 0) & (table["persistence"] <= 1)).all()
    again = repeat(tmp_path / "cut")
    assert told_in(again)["result"] == of_run


class TestLeaves:
    """The file by which a cut is looked up."""

    def test_no_image_is_read(self, first, monkeypatch):
        expected = Run.read(first)
        (first / "leaves.fits").rename(first / "other.fits")
        slow = expected.cut(6)
        (first / "other.fits").rename(first / "leaves.fits")
        monkeypatch.setattr(ImageSource, "read", _refuse)
        monkeypatch.setattr(_provenance, "file_digest", _refuse)
        run = Run.read(first).cut(6)
        np.testing.assert_array_equal(run.label_map, slow.label_map)
        np.testing.assert_array_equal(run.agreement, slow.agreement)
        assert run.wcs is not None
        assert run.cut(3).label_map.max() == 2

    def test_images_that_are_gone_are_missed_by_what_needs_them(self, first, bands):
        run = Run.read(first, images=[first]).cut(5)
        assert run.label_map.max() == 4
        with pytest.raises(FileNotFoundError, match="is not in"):
            run.write(first.with_name("out"))
        assert not first.with_name("out").exists()

    def test_it_goes_with_every_run(self, first, tmp_path):
        run = Run.read(first)
        for other in (run, run.cut(3), run.name({0: "disc"})):
            files = other.write(tmp_path / "out", overwrite=True, pictures=False)
            assert (
                files["leaves.fits"].read_bytes()
                == (first / "leaves.fits").read_bytes()
            )
        assert Run.read(tmp_path / "out").cut(2).label_map.max() == 1

    @pytest.mark.parametrize("change", ["leaves", "members", "shape", "cut off"])
    def test_of_another_run(self, first, change):
        path = first / "leaves.fits"
        with fits.open(path, mode="update") as hdus:
            if change == "leaves":
                hdus[1].data = np.roll(hdus[1].data, 1, axis=1)
            elif change == "members":
                hdus[2].data = hdus[2].data[::-1]
            elif change == "shape":
                hdus[1].data = hdus[1].data[:-1]
        if change == "cut off":
            path.write_bytes(path.read_bytes()[:9000])
        with pytest.raises(ValueError, match=r"leaves\.fits"):
            Run.read(first).cut(6)

    def test_a_file_that_promises_more_is_not_unpacked(self, first):
        path = first / "leaves.fits"
        with fits.open(path, disable_image_compression=True) as hdus:
            hdus[2].header["ZNAXIS3"] = 10**9
            hdus.writeto(path, overwrite=True)
        with pytest.raises(ValueError, match="is not of the model beside it"):
            Run.read(first).cut(6)

    def test_numbers_out_of_range_reach_no_kernel(self, first):
        path = first / "leaves.fits"
        with fits.open(path, mode="update") as hdus:
            hdus[2].data = np.where(hdus[2].data >= 0, 32_000, hdus[2].data)
        with pytest.raises(ValueError, match="is not of the model beside it"):
            Run.read(first).cut(6)


def _refuse(*args, **kwargs):
    raise AssertionError("an image is read")
