# SPDX-License-Identifier: BSD-3-Clause
"""The folder of results: all of it or nothing."""

import builtins

import numpy as np
import pytest
from astropy.io import fits
from astropy.table import Table
from astropy.wcs import WCS
from PIL import Image
from sklearn.base import clone
from sklearn.cluster import KMeans

from skesom.cube import CubeMasker, FWHMConvolver
from skesom.io import cluster_table, read_map
from skesom.maps import (
    atomic_folder,
    check_folder,
    make_cluster_pipeline,
    write_results,
)

NAMES = {
    "cluster_map": "cluster_map.fits",
    "cluster_picture": "cluster_map.png",
    "spectra": "cluster_spectra.png",
    "u_matrix": "u_matrix.png",
}


def names_in(folder):
    return sorted(path.name for path in folder.iterdir())


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return tmp_path_factory.mktemp("written") / "result"


@pytest.fixture(scope="module")
def files(galaxy, job, folder):
    return write_results(folder, job, galaxy)


class TestWriteResults:
    """What is in the folder."""

    def test_files_are_where_the_answer_says(self, files, folder):
        assert files == {kind: folder / name for kind, name in NAMES.items()}
        assert names_in(folder) == sorted(NAMES.values())
        assert names_in(folder.parent) == ["result"]

    def test_map_has_labels_and_wcs(self, galaxy, job, files):
        path = files["cluster_map"]
        labels, wcs = read_map(path)
        np.testing.assert_array_equal(labels, job["cluster"].labels_)
        corners = [[0, 0], [79, 63], [10.5, 40]]
        np.testing.assert_allclose(
            wcs.wcs_pix2world(corners, 0),
            galaxy.wcs.wcs_pix2world(corners, 0),
            rtol=0,
            atol=1e-9,
        )
        with fits.open(path) as hdus:  # as any other program would read it
            hdus.verify("exception")
            header = hdus[0].header
            assert (header["BITPIX"], header["BLANK"]) == (32, -3)
            assert WCS(header).wcs.ctype[0] == "RA---TAN"

    def test_table_has_a_row_per_cluster_with_fluxes(self, galaxy, job, files):
        table = Table.read(files["cluster_map"], hdu="CLUSTERS")
        labels = job["cluster"].labels_
        assert table["id"].tolist() == [0, 1, 2, 3]
        # The fluxes that were clustered: brought to one width, in their own units.
        smoothed = FWHMConvolver().fit_transform(CubeMasker().fit_transform(galaxy))
        for row in table:
            pixels = smoothed.data[labels == row["id"]]
            assert row["pixels"] == len(pixels)
            for band, name in enumerate(galaxy.band_names):
                np.testing.assert_allclose(
                    [row[f"{name}_{part}"] for part in ("q25", "median", "q75")],
                    np.percentile(pixels[:, band], [25, 50, 75]),
                    rtol=1e-6,
                )
        np.testing.assert_allclose(table["percentage"].sum(), 100)
        assert len(cluster_table(labels, galaxy)) == len(table)

    def test_pictures_can_be_opened_and_show_something(self, files):
        for kind in ("cluster_picture", "spectra", "u_matrix"):
            with Image.open(files[kind]) as image:
                assert image.format == "PNG"
                assert 500 < image.width < 2200
                assert len(image.convert("RGB").getcolors(1_000_000)) > 20

    def test_other_clusterers_have_no_u_matrix(self, galaxy, tmp_path):
        pipeline = make_cluster_pipeline(KMeans(3, random_state=0)).fit(galaxy)
        files = write_results(tmp_path / "result", pipeline, galaxy)
        assert list(files) == ["cluster_map", "cluster_picture", "spectra"]
        assert len(names_in(tmp_path / "result")) == 3

    def test_partly_observed_pixels_and_no_wcs(self, galaxy, job, tmp_path):
        pipeline = clone(job).set_params(
            gaps__min_bands=2, sky__min_bands=2, cluster__min_bands=2
        )
        pipeline.set_params(convolve__pixel_scale=0.04)
        cube = galaxy.replace(wcs=None)
        files = write_results(tmp_path / "result", pipeline.fit(cube), cube)
        labels, wcs = read_map(files["cluster_map"])
        assert wcs is None
        assert np.sum(labels >= 0) > np.sum(job["cluster"].labels_ >= 0)


class TestOverwrite:
    """What is there already is safe."""

    def test_a_folder_with_anything_in_it_is_refused(self, galaxy, job, tmp_path):
        (tmp_path / "notes.txt").write_text("mine")
        with pytest.raises(FileExistsError, match=f"{tmp_path} is not empty"):
            write_results(tmp_path, job, galaxy)
        assert names_in(tmp_path) == ["notes.txt"]

    def test_overwriting_replaces_files_of_the_same_name(self, galaxy, job, tmp_path):
        (tmp_path / "notes.txt").write_text("mine")
        (tmp_path / "cluster_map.fits").write_text("old")
        write_results(tmp_path, job, galaxy, overwrite=True)
        assert (tmp_path / "notes.txt").read_text() == "mine"
        assert names_in(tmp_path) == sorted([*NAMES.values(), "notes.txt"])
        read_map(tmp_path / "cluster_map.fits")

    def test_an_empty_folder_is_used(self, galaxy, job, tmp_path):
        write_results(tmp_path, job, galaxy)
        assert names_in(tmp_path) == sorted(NAMES.values())

    def test_a_file_is_no_folder(self, tmp_path):
        (tmp_path / "file").touch()
        for overwrite in (False, True):
            with pytest.raises(NotADirectoryError, match="file is a file"):
                check_folder(tmp_path / "file", overwrite=overwrite)

    def test_a_new_folder_is_fine(self, tmp_path):
        check_folder(tmp_path / "new" / "deep")
        assert names_in(tmp_path) == []


class TestFailure:
    """Nothing is left behind when something breaks."""

    @pytest.mark.parametrize("name", ["result", "new/deep/result"])
    def test_in_the_middle_of_writing(self, galaxy, job, tmp_path, monkeypatch, name):
        def break_down(*args, **kwargs):
            raise OSError("No space left on device")

        monkeypatch.setattr("matplotlib.figure.Figure.savefig", break_down)
        with pytest.raises(OSError, match="No space left"):
            write_results(tmp_path / name, job, galaxy)
        assert names_in(tmp_path) == []

    def test_in_an_existing_folder(self, galaxy, job, tmp_path, monkeypatch):
        (tmp_path / "cluster_map.fits").write_text("old")

        def break_down(*args, **kwargs):
            raise OSError("No space left on device")

        monkeypatch.setattr("matplotlib.figure.Figure.savefig", break_down)
        with pytest.raises(OSError, match="No space left"):
            write_results(tmp_path, job, galaxy, overwrite=True)
        assert names_in(tmp_path) == ["cluster_map.fits"]
        assert (tmp_path / "cluster_map.fits").read_text() == "old"

    def test_names_the_extra_that_is_missing(self, galaxy, job, tmp_path, monkeypatch):
        original = builtins.__import__

        def without_matplotlib(name, *args, **kwargs):
            if name.split(".")[0] == "matplotlib":
                raise ImportError(f"No module named {name!r}")
            return original(name, *args, **kwargs)

        monkeypatch.setattr(builtins, "__import__", without_matplotlib)
        with pytest.raises(ImportError, match=r"skesom\[plot\]"):
            write_results(tmp_path / "result", job, galaxy)
        assert names_in(tmp_path) == []


class TestAtomicFolder:
    """A folder that appears when it is finished."""

    def test_appears_at_the_end(self, tmp_path):
        with atomic_folder(tmp_path / "deep" / "result") as folder:
            (folder / "a.txt").write_text("a")
            assert not (tmp_path / "deep" / "result").exists()
        assert names_in(tmp_path / "deep") == ["result"]
        assert names_in(tmp_path / "deep" / "result") == ["a.txt"]

    def test_folders_of_files_join_those_that_are_there(self, tmp_path):
        (tmp_path / "images").mkdir()
        (tmp_path / "images" / "old.txt").write_text("old")
        (tmp_path / "images" / "both.txt").write_text("old")
        with atomic_folder(tmp_path, overwrite=True) as folder:
            (folder / "images").mkdir()
            (folder / "images" / "both.txt").write_text("new")
            (folder / "top.txt").write_text("new")
        assert names_in(tmp_path) == ["images", "top.txt"]
        assert names_in(tmp_path / "images") == ["both.txt", "old.txt"]
        assert (tmp_path / "images" / "both.txt").read_text() == "new"
        assert (tmp_path / "images" / "old.txt").read_text() == "old"

    def test_the_present_folder_has_a_name_too(self, tmp_path, monkeypatch):
        monkeypatch.chdir(tmp_path)
        with atomic_folder(".") as folder:
            (folder / "a.txt").touch()
        assert names_in(tmp_path) == ["a.txt"]

    def test_an_interrupt_leaves_nothing(self, tmp_path):
        def write_and_interrupt():
            with atomic_folder(tmp_path / "result") as folder:
                (folder / "a.txt").touch()
                raise KeyboardInterrupt

        with pytest.raises(KeyboardInterrupt):
            write_and_interrupt()
        assert names_in(tmp_path) == []

    def test_needs_no_right_to_write_beside_a_folder_that_exists(self, tmp_path):
        seen = []
        (tmp_path / "result").mkdir()
        with atomic_folder(tmp_path / "result") as folder:
            seen += names_in(tmp_path)
            (folder / "a.txt").touch()
        assert seen == ["result"]
        assert names_in(tmp_path / "result") == ["a.txt"]
