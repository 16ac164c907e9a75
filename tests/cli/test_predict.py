# SPDX-License-Identifier: BSD-3-Clause
"""``skesom predict``: a saved model and other images."""

import pickle
from functools import partial
from pathlib import Path

import joblib
import numpy as np
import pytest
from astropy.io import fits
from astropy.table import Table

from skesom.datasets import make_galaxy_cube
from skesom.io import read_cube, read_map, write_bands
from skesom.runs import load_model, save_model


@pytest.fixture(scope="module")
def model(command, bands, tmp_path_factory):
    """A folder of results, of a consensus of maps."""
    folder = tmp_path_factory.mktemp("model") / "result"
    options = "--sky", "mask", "--set", "max_nodes=60", "--runs", 3, "--no-pictures"
    command("cluster", *bands, "-o", folder, "--n-clusters", 4, *options)
    return folder


@pytest.fixture(scope="module")
def others(tmp_path_factory):
    """Images of another galaxy in the same bands."""
    cube, _ = make_galaxy_cube((34, 38), 3, random_state=8)
    return write_bands(tmp_path_factory.mktemp("others"), cube)


class TestPredict:
    """Each pixel of other images gets its cluster."""

    def test_what_the_pipeline_predicts(self, run, model, others, told_in, tmp_path):
        out = run.ok(
            *("predict", model / "model.skops", *others, "-o", tmp_path / "out"),
            "--no-pictures",
        )
        pipeline = load_model(model / "model.skops")[0]
        cube = read_cube(others)
        labels, wcs = read_map(tmp_path / "out" / "cluster_map.fits")
        np.testing.assert_array_equal(labels, pipeline.predict(cube))
        np.testing.assert_allclose(wcs.wcs.crval, cube.wcs.wcs.crval)
        assert f"  {tmp_path / 'out' / 'pixels.fits'}" in out
        # What tells of the fit alone belongs to the folder of the model.
        names = {path.name for path in (tmp_path / "out").iterdir()}
        assert not {"model.skops", "u_matrix.png"} & names
        told = told_in(tmp_path / "out")["model"]
        assert told["path"] == str(model / "model.skops")

    def test_images_on_several_grids_are_brought_to_one(self, quick, model, tmp_path):
        """As by the command that made the model, which had one grid."""
        cube, _ = make_galaxy_cube((34, 38), 3, random_state=8)
        whole = write_bands(tmp_path / "whole", cube)
        parts = cube[:, :, :1], cube[2:, 1:, 1:2], cube[:30, :, 2:]
        cut = [write_bands(tmp_path / str(n), part)[0] for n, part in enumerate(parts)]
        found = []
        for name, files in (("one", whole), ("several", cut)):
            quick.ok("predict", model, *files, "-o", tmp_path / name)
            found.append(read_map(tmp_path / name / "cluster_map.fits")[0])
        one, several = found
        assert several.shape == (28, 37)
        same = one[2:30, 1:] == several
        assert same[2:-2, 2:-2].mean() > 0.97

    def test_the_images_of_the_fit_have_their_clusters(
        self, quick, model, bands, labels_in, tmp_path
    ):
        quick.ok("predict", model, *bands, "-o", tmp_path / "out")
        np.testing.assert_array_equal(labels_in(tmp_path / "out"), labels_in(model))

    def test_with_pictures(self, run, model, others, tmp_path):
        run.ok(
            *("predict", model, *others, "-o", tmp_path / "out", "--trust"),
            *("--tables=no", "--dpi", 40),
        )
        names = {path.name for path in (tmp_path / "out").glob("*.png")}
        assert names == {
            *("agreement.png", "cluster_contours.png", "cluster_histogram.png"),
            *("cluster_map.png", "cluster_spectra.png", "quantization_error.png"),
            *("color_magnitude.png", "cutouts.png", "line_excess.png"),
            "population_map.png",
        }


class TestOffTheMap:
    """Pixels farther from any unit than 99 % of those that the model learned from."""

    def test_of_the_images_of_the_fit_it_is_one_in_a_hundred(
        self, quick, model, bands, told_in, tmp_path
    ):
        out = quick.ok("predict", model, *bands, "-o", tmp_path / "out")
        (line,) = (line for line in out if line.startswith("Off the map: "))
        assert line.startswith("Off the map: 1.")
        assert line in (tmp_path / "out" / "summary.md").read_text()
        told = told_in(tmp_path / "out")["off_map"]
        assert told["share"] == pytest.approx(0.01, abs=0.005)  # few pixels
        image = fits.getdata(tmp_path / "out" / "off_map.fits")
        labels, _ = read_map(tmp_path / "out" / "cluster_map.fits")
        assert (np.isnan(image) == (labels < 0)).all()
        assert (image[labels >= 0] > 1).mean() == pytest.approx(told["share"])
        table = Table.read(tmp_path / "out" / "clusters.ecsv")
        for row in table:
            share = (image[labels == row["id"]] > 1).mean()
            assert row["off_map"] == pytest.approx(share)
        # The result of the fit itself has nothing of it.
        assert not (model / "off_map.fits").exists()
        assert "off_map" not in Table.read(model / "clusters.ecsv").colnames

    def test_other_units_are_warned_of(self, quick, model, bands, tmp_path):
        cube = read_cube(bands)
        units_now = ["MJy / sr", *cube.band_units[1:]]
        data = cube.data * np.float32([40.0, 1.0, 1.0])
        changed = cube.replace(data=data, band_units=units_now)
        files = write_bands(tmp_path / "changed", changed)
        arguments = ("predict", model, *files, "-o", tmp_path / "out")
        status, _, err = quick(*arguments)
        assert status == 0
        (line,) = (line for line in err if "farther from any unit of the map" in line)
        name = cube.band_names[0]
        assert f"units ({name} in MJy / sr, not electron / s)" in line
        assert f"scale of fluxes (most in {name}: 40 times)" in line

    def test_an_older_model_says_one_line(self, quick, model, bands, tmp_path):
        pipeline, names = load_model(model / "model.skops")
        del pipeline[-1].distance_limit_
        save_model(tmp_path / "old.skops", pipeline, band_names=names)
        out = quick.ok(
            "predict", tmp_path / "old.skops", *bands, "-o", tmp_path / "out"
        )
        (line,) = (line for line in out if "off the map" in line)
        assert line.startswith("Left out: off the map: the model keeps no distance")
        assert not (tmp_path / "out" / "off_map.fits").exists()


class TestRefused:
    """One line for what cannot be."""

    @pytest.fixture
    def refused(self, refused):
        return partial(refused, "predict")

    def test_a_pickle_without_trust_is_not_even_opened(self, refused, others, tmp_path):
        class Trap:
            def __reduce__(self):
                return Path.touch, (tmp_path / "sprung",)

        (tmp_path / "model.joblib").write_bytes(pickle.dumps(Trap()))
        refused(
            *(tmp_path / "model.joblib", *others),
            parts=["is a pickle, which can run any program", "--trust"],
        )
        assert not (tmp_path / "sprung").exists()

    def test_other_bands(self, refused, model, others):
        parts = ["takes 3 bands (F336W, F657N, F814W)", "2 (F336W, F657N)"]
        refused(model, *others[:2], parts=parts)
        names = "--band-names", "a", "b", "c"
        parts = ["F336W, F657N, F814W", "have a, b, c", "--band-names"]
        refused(model, *others, *names, parts=parts)

    def test_no_model(self, refused, others, tmp_path):
        joblib.dump([1, 2], tmp_path / "list.joblib")
        (tmp_path / "cut.joblib").write_bytes(b"\x80\x04")
        for model, *parts in (
            ("lost.joblib", "No such file"),
            (".", "holds no model"),
            ("list.joblib", "list.joblib holds no model of skesom"),
            ("cut.joblib", "cut.joblib cannot be loaded", "damaged"),
        ):
            refused(model, *others, "--trust", parts=parts)
        refused(others[0], *others, parts=["is no model", ".skops or .joblib"])

    def test_a_clusterer_that_cannot_predict(
        self, quick, refused, bands, others, tmp_path
    ):
        method = "--method", "sklearn.cluster.DBSCAN", "--set", "eps=0.5"
        quick("cluster", *bands, "-o", tmp_path / "first", *method)
        parts = ["DBSCAN cannot label pixels that it was not fitted on"]
        refused(tmp_path / "first", *others, parts=parts)
