# SPDX-License-Identifier: BSD-3-Clause
"""``skesom cluster --from``: the same run again, bit for bit."""

import json
import shutil
from functools import partial
from pathlib import Path

import pytest
from threadpoolctl import threadpool_limits

from skesom.runs._skops_files import read_skops, write_skops

pytestmark = pytest.mark.filterwarnings("default:.*other versions:UserWarning")


@pytest.fixture
def files(bands, tmp_path):
    """Copies of the images, which tests may change."""
    return [shutil.copy(band, tmp_path / band.name) for band in bands]


@pytest.fixture(scope="module")
def first_run(command, bands, fast, tmp_path_factory):
    """A folder with the images and a folder of results; tests change copies of it."""
    folder = tmp_path_factory.mktemp("first_run")
    copies = [shutil.copy(band, folder / band.name) for band in bands]
    command("cluster", *copies, "-o", folder / "first", *fast)
    return folder


@pytest.fixture
def first(first_run, files, tmp_path):
    """The provenance of a run on the images of `files`."""
    shutil.copytree(first_run / "first", tmp_path / "first")
    path = tmp_path / "first" / "provenance.json"
    path.write_text(path.read_text().replace(str(first_run), str(tmp_path)))
    recipe = read_skops(path.with_name("recipe.skops"), trust=False)
    recipe["source"]["files"] = tuple(map(str, files))
    write_skops(path.with_name("recipe.skops"), recipe)
    return path


@pytest.fixture
def options():
    """What makes a run unlike one with the defaults."""
    return [
        *("--method", "esom", "--n-clusters", 5, "--random-state", 7, "--grow", 1.5),
        *("--color-contrast", 0.2, "--target-fwhm", 0.09, "--smooth", "psf"),
        *("--set", "learning_rate=0.1", "--sky", "mask", "--saturation", 40, 50, 60),
        *("--runs", 3),
    ]


class TestRepeat:
    """The label map of a run comes again."""

    def test_bit_for_bit(self, quick, files, options, repeat, told_in, tmp_path):
        first = tmp_path / "first"
        assert quick("cluster", *files, "-o", first, *options)[0] == 0
        with threadpool_limits(1):  # threads do not matter
            again = repeat(first / "provenance.json")  # below, its folder
        # The repetition is a run that can be repeated too.
        for key in ("pipeline", "images", "software"):
            assert told_in(first)[key] == told_in(again)[key]

    def test_masks_regions_and_grids(
        self, quick, files, repeat, labels_in, tmp_path, fast, monkeypatch
    ):
        """Relative paths are made absolute, and all may move together."""
        pytest.importorskip("regions")
        here = tmp_path / "here"
        here.mkdir()
        names = [Path(shutil.move(file, here)).name for file in files]
        monkeypatch.chdir(here)
        (here / "drawn.reg").write_text("image; circle(20, 20, 4)")
        quick(
            *("cluster", *names, "-o", "first", *fast, "--align-to", names[1]),
            *("--exclude", "drawn.reg", "--fwhm", "2.5pix"),
            *("--band-names", "u", "v", "i"),
        )
        monkeypatch.chdir("/")
        assert labels_in(repeat(here / "first"))[19, 19] == -3
        here.rename(tmp_path / "there")
        repeat(tmp_path / "there" / "first")


class TestOtherFiles:
    """Images in place of those of the run."""

    def test_the_same_elsewhere(self, run, first, files, repeat, tmp_path):
        moved = [shutil.move(file, f"{file}.moved.fits") for file in files]
        line = run.fails("cluster", "--from", first, "-o", tmp_path / "again")
        text = f"{files[0]} is no longer there. Put it back, or "
        assert line.startswith(f"skesom cluster: error: {text}")
        assert "`skesom cluster --from` as files" in line
        repeat(first, *moved)

    def test_others(self, quick, first, files, tmp_path):
        common = ("cluster", "--from", first, "-o", tmp_path / "again")
        line = quick.fails(*common, *files[:2])
        assert "The run had 3 files of images, got 2 (" in line
        (tmp_path / "u.fits").write_bytes(files[0].read_bytes() + bytes(2880))
        status, _, err = quick(*common, tmp_path / "u.fits", *files[1:])
        assert status == 0
        assert "other images than those of the run" in err[0]


class TestRefused:
    """One line for what cannot be repeated."""

    @pytest.fixture
    def refused(self, refused, first):
        return partial(refused, "cluster", "--from", first)

    def change(self, path, change):
        content = json.loads(path.read_text())
        change(content)
        path.write_text(json.dumps(content))

    def test_an_image_that_has_changed(self, refused, files):
        files[1].write_bytes(files[1].read_bytes() + bytes(2880))
        refused(parts=[str(files[1]), "has changed since the run"])

    def test_other_options(self, refused):
        refused("--mask-zeros", "no", parts=["leave out --mask-zeros"])

    def test_other_json(self, refused, first):
        first.write_text('{"format": "page"}')
        refused(parts=["provenance.json is no provenance of a result"])
        first.write_text("dear diary")
        refused(parts=["provenance.json is no JSON file"])

    def test_a_newer_version(self, refused, first):
        self.change(first, lambda content: content.update(version=2))
        refused(parts=["of a newer version of skesom"])

    def test_a_damaged_file(self, refused, first):
        recipe = first.with_name("recipe.skops")
        recipe.write_bytes(recipe.read_bytes()[:1000])
        refused(parts=["recipe.skops is damaged"])
        recipe.unlink()
        refused(parts=["has no recipe.skops"])

    def test_versions_are_named(self, quick, first, tmp_path):
        self.change(first, lambda content: content["software"].update(numpy="1.0"))
        status, _, err = quick("cluster", "--from", first, "-o", tmp_path / "out")
        assert status == 0
        assert "numpy 1.0 (here " in err[0]
        assert "Results may differ" in err[0]
