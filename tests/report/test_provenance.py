# SPDX-License-Identifier: BSD-3-Clause
"""Runs told in text, and made again from it."""

import json
from pathlib import Path

import numpy as np
import pytest
from astropy import units
from astropy.io.fits import Header
from sklearn.cluster import KMeans
from sklearn.pipeline import Pipeline, make_pipeline
from sklearn.preprocessing import FunctionTransformer, StandardScaler

from skesom._common.labels import label_map_digest
from skesom.cube import Cube, CubeAligner, FWHMConvolver
from skesom.maps import CubeClusterer, MajorityVote, make_cluster_pipeline
from skesom.runs import Run
from skesom.runs._skops_files import read_skops, write_skops
from skesom.runs.image_source import ImageSource
from skesom.runs.input_images import source_of_images
from skesom.runs.recipes import read_recipe, read_source, unfitted
from skesom.som import CSOM


@pytest.fixture
def through_file(tmp_path):
    """A function that writes a value to a recipe of a stranger, and reads it."""

    def write_and_read(value):
        write_skops(tmp_path / "a.skops", {"value": value})
        return read_skops(tmp_path / "a.skops", trust=False)["value"]

    return write_and_read


class TestValues:
    """Parameters in a file, and back."""

    @pytest.mark.parametrize(
        "value",
        [
            *(None, True, 3, "auto", 0.1, 1 / 3, 5e-324, -0.0, float("inf")),
            *([1, 2.5], (4, 5), ("a", (None, [True])), {"F814W": 0.074, 3: (1, 2)}),
            np.float32(0.1),
        ],
    )
    def test_plain_ones(self, through_file, value):
        back = through_file(value)
        assert back == value
        assert type(back) is type(value)
        assert repr(back) == repr(value)  # which also tells the zeros apart

    def test_arrays(self, through_file):
        large = np.arange(2000).reshape(40, 50)[:, ::2]
        for array in (np.array([[0.1, 1e-30], [np.nan, -np.inf]]), large):
            for dtype in (array.dtype, np.float32):
                back = through_file(array.astype(dtype))
                assert back.dtype == dtype
                np.testing.assert_array_equal(back, array.astype(dtype))

    def test_quantities(self, through_file):
        for value in (2.5 * units.arcsec, [1, 2] * units.pix):
            back = through_file(value)
            assert back.unit == value.unit
            np.testing.assert_array_equal(back.value, value.value)
        assert through_file(units.mJy / units.beam) == units.mJy / units.beam

    def test_grids(self, through_file, sky_wcs):
        sky_wcs.array_shape = (30, 40)
        cube = Cube(np.zeros((30, 40, 1)), wcs=sky_wcs)
        for value in (sky_wcs, cube):
            back = through_file(value)
            assert back.array_shape == (30, 40)
            corners = [[0, 0], [39, 29]]
            np.testing.assert_array_equal(
                back.wcs_pix2world(corners, 0), sky_wcs.wcs_pix2world(corners, 0)
            )
        header = Header([("CRPIX1", 3.5), ("CTYPE1", "RA---TAN")])
        assert through_file(header) == header

    def test_estimators(self, through_file):
        pipeline = make_cluster_pipeline(
            make_pipeline(
                StandardScaler(), CSOM(None, shape=(4, 5), init=np.ones((20, 3)))
            ),
            fwhm=[0.1, 0.2, 0.3],
        )
        pipeline.set_params(cluster__regularizer=MajorityVote(fwhm=0.5))
        assert repr(through_file(pipeline).get_params()) == repr(pipeline.get_params())


class Loose(KMeans):
    """A clusterer that takes some parameters without naming them."""

    def __init__(self, n_clusters=2, **others):
        super().__init__(n_clusters)
        self.others = others

    def get_params(self, deep=True):
        return {"n_clusters": self.n_clusters, **self.others}

    def set_params(self, **parameters):
        self.others |= parameters
        return self


def test_what_does_not_decide_is_left_out_of_any_estimator():
    pipeline = Pipeline([("it", Loose(n_jobs=3, verbose=1))], memory="cache")
    parameters = unfitted(pipeline).get_params()
    assert parameters["memory"] is parameters["it__n_jobs"] is None
    assert not parameters["it__verbose"]


class TestRun:
    """A run in Python, made again."""

    def test_bit_for_bit(self, job, plain_report):
        run = read_recipe(plain_report["provenance.json"])
        labels = run.pipeline.fit_predict(run.source.read())
        np.testing.assert_array_equal(labels, job["cluster"].labels_)
        assert label_map_digest(labels) == run.label_map_sha256

    def test_parameters_can_be_read_by_people(self, job, plain_report):
        told = json.loads(plain_report["provenance.json"].read_text())["pipeline"]
        assert [name for name, _ in told["steps"]] == [*job.named_steps]
        assert told["cluster__estimator"] == "ESOM"
        assert told["cluster__estimator__n_clusters"] == 4
        assert not [n for n in told if n.endswith(("memory", "n_jobs", "verbose"))]

    def test_without_a_source(self, job, galaxy, tmp_path):
        Run(job, galaxy).write(tmp_path / "out", pictures=False)
        with pytest.raises(ValueError, match="names no files"):
            read_recipe(tmp_path / "out")

    @pytest.mark.filterwarnings("ignore:model.* is left out:UserWarning")
    def test_with_a_parameter_that_is_in_python_only(self, galaxy, source, tmp_path):
        drawn = KMeans(2, n_init=1, random_state=np.random.RandomState(0))
        clusterers = {"RandomState.*in Python only": drawn}
        steps = FunctionTransformer(lambda X: X), KMeans(2, n_init=1)
        clusterers["no module holds .*lambda"] = make_pipeline(*steps)
        for reason, clusterer in clusterers.items():
            pipeline = make_cluster_pipeline(clusterer).fit(galaxy)
            run = Run(pipeline, galaxy, source=source)
            run.write(tmp_path / "out", pictures=False, overwrite=True)
            with pytest.raises(ValueError, match=f"cannot be repeated: .*{reason}"):
                read_recipe(tmp_path / "out")
            assert read_source(tmp_path / "out").files == source.moved(str).files

    def test_digests_tell_maps_apart(self, job):
        labels = job["cluster"].labels_
        other = labels.copy()
        other[3, 4] += 1
        assert label_map_digest(labels) == label_map_digest(labels.astype(">i8"))
        assert label_map_digest(labels) != label_map_digest(other)


class TestReadReport:
    """What goes on from a folder of results."""

    def test_pipeline_images_and_labels(self, galaxy, job, plain_report):
        folder = plain_report["cluster_map.fits"].parent
        result = Run.read(folder)  # of what can be shared
        np.testing.assert_array_equal(result.label_map, job["cluster"].labels_)
        np.testing.assert_array_equal(result.cube.data, galaxy.data)
        np.testing.assert_array_equal(
            result.pipeline.predict(result.cube), result.label_map
        )
        assert result.provenance["result"]["n_clusters"] == 4


class TestImageSource:
    """Files, and how they are read."""

    def test_paths(self, tmp_path):
        source = ImageSource(
            ("a.fits[SCI,1]", "a.fits[2]", "b.fits"),
            masks=["m.fits[1]", None],
            weights="WHT",
            exclude=("x.reg",),
        )
        names = [str(path) for path in source.paths()]
        assert names == ["a.fits", "b.fits", "m.fits", "x.reg"]
        moved = source.moved(lambda path: f"/data/{path}")
        assert moved.files == ("/data/a.fits[SCI,1]", "/data/a.fits[2]", "/data/b.fits")
        assert moved.masks == ["/data/m.fits[1]", None]
        assert moved.weights == "WHT"
        assert moved.exclude == ("/data/x.reg",)

    def test_files_alone_are_enough(self):
        assert source_of_images([Path("a.fits"), "b.fits"]).files == (
            "a.fits",
            "b.fits",
        )
        assert source_of_images("a.fits").files == ("a.fits",)
        assert source_of_images({"files": ["a.fits"], "hdu": 1}).hdu == 1

    @pytest.mark.parametrize("given", [{"hdu": 1}, {"files": ["a.fits"], "mask": 1}])
    def test_what_is_no_source_is_named(self, given):
        with pytest.raises(ValueError, match="source must hold files"):
            source_of_images(given)


@pytest.mark.filterwarnings("ignore:One cluster holds:UserWarning")
def test_widths_and_grids_of_any_kind(galaxy, source, tmp_path):
    """Whatever parameters steps take can be told."""
    header = galaxy.wcs.to_header()
    header["NAXIS1"], header["NAXIS2"] = 80, 64
    steps = [
        FWHMConvolver(dict.fromkeys(galaxy.band_names, 0.08 * units.arcsec)),
        CubeAligner(header),
        CubeClusterer(KMeans(2, n_init=1, random_state=0)),
    ]
    pipeline = make_pipeline(*steps).fit(galaxy)
    Run(pipeline, galaxy, source=source).write(tmp_path / "out", pictures=False)
    run = read_recipe(tmp_path / "out")
    labels = run.pipeline.fit_predict(run.source.read())
    assert label_map_digest(labels) == run.label_map_sha256
