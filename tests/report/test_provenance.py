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
from sklearn.preprocessing import StandardScaler

from skesom.cube import AsinhStretch, Cube, CubeAligner, FWHMConvolver
from skesom.maps import CubeClusterer, MajorityVote, make_cluster_pipeline
from skesom.report import read_report, write_report
from skesom.report._image_source import ImageSource, source_from
from skesom.report._json_values import decode, encode, unrepeatable_parts
from skesom.report._provenance import label_map_digest, read_run
from skesom.som import CSOM, ESOM


def through_json(value):
    return decode(json.loads(json.dumps(encode(value), allow_nan=False)))


class TestValues:
    """Parameters as JSON, and back."""

    @pytest.mark.parametrize(
        "value",
        [
            *(None, True, 3, "auto", 0.1, 1 / 3, 5e-324, -0.0, float("inf")),
            *([1, 2.5], (4, 5), ("a", (None, [True])), {"F814W": 0.074, 3: (1, 2)}),
        ],
    )
    def test_plain_ones(self, value):
        back = through_json(value)
        assert back == value
        assert type(back) is type(value)
        assert repr(back) == repr(value)  # which also tells the zeros apart

    def test_not_a_number(self):
        assert np.isnan(through_json(float("nan")))

    def test_numbers_of_numpy(self):
        assert through_json(np.float32(0.1)) == float(np.float32(0.1))
        assert through_json(np.int64(3)) == 3

    @pytest.mark.parametrize("dtype", ["float32", "float64", "int16", "bool"])
    def test_arrays(self, dtype):
        array = np.array([[0.1, 1e-30], [3, 0]]).astype(dtype)
        back = through_json(array)
        assert back.dtype == array.dtype
        np.testing.assert_array_equal(back, array)
        large = np.arange(2000).reshape(40, 50).astype(dtype)
        back = through_json(large[:, ::2])
        assert back.dtype == array.dtype
        np.testing.assert_array_equal(back, large[:, ::2])
        empty = through_json(np.array([np.nan, np.inf]))
        np.testing.assert_array_equal(empty, [np.nan, np.inf])

    def test_quantities(self):
        for value in (2.5 * units.arcsec, [1, 2] * units.pix):
            back = through_json(value)
            assert back.unit == value.unit
            np.testing.assert_array_equal(back.value, value.value)
        assert through_json(units.mJy / units.beam) == units.mJy / units.beam

    def test_grids(self, sky_wcs):
        sky_wcs.array_shape = (30, 40)
        cube = Cube(np.zeros((30, 40, 1)), wcs=sky_wcs)
        for value in (sky_wcs, cube):
            back = through_json(value)
            assert back.array_shape == (30, 40)
            corners = [[0, 0], [39, 29]]
            np.testing.assert_array_equal(
                back.wcs_pix2world(corners, 0), sky_wcs.wcs_pix2world(corners, 0)
            )
        header = Header([("CRPIX1", 3.5), ("CTYPE1", "RA---TAN")])
        assert through_json(header) == header

    def test_estimators(self):
        pipeline = make_cluster_pipeline(
            make_pipeline(
                StandardScaler(), CSOM(None, shape=(4, 5), init=np.ones((20, 3)))
            ),
            fwhm=[0.1, 0.2, 0.3],
        )
        pipeline.set_params(cluster__regularizer=MajorityVote(fwhm=0.5))
        back = through_json(pipeline)
        assert isinstance(back, Pipeline)
        assert list(back.named_steps) == list(pipeline.named_steps)
        given, got = pipeline.get_params(), back.get_params()
        for name, value in given.items():
            if isinstance(value, int | float | str | tuple | None):
                assert got[name] == value or name.endswith("n_jobs"), name
        np.testing.assert_array_equal(got["cluster__estimator__csom__init"], 1)
        assert got["cluster__regularizer__fwhm"] == 0.5

    def test_classes_have_the_names_that_people_use(self):
        assert encode(ESOM())["class"] == "skesom.ESOM"
        assert encode(KMeans())["class"] == "sklearn.cluster.KMeans"
        assert encode(AsinhStretch())["class"] == "skesom.AsinhStretch"

    def test_what_does_not_change_results_is_left_out(self):
        parameters = encode(ESOM(verbose=1))["parameters"]
        assert "verbose" not in parameters
        assert "n_jobs" not in encode(AsinhStretch(n_jobs=4))["parameters"]

    @pytest.mark.parametrize(
        "value", [np.random.RandomState(0), len, np.zeros(2, dtype=object)]
    )
    def test_what_is_in_python_only(self, value):
        encoded = encode([1, {"a": value}])
        (text,) = unrepeatable_parts(encoded)
        assert text == " ".join(repr(value).split())
        with pytest.raises(ValueError, match="cannot be made from text"):
            decode(encoded)

    @pytest.mark.parametrize("path", ["os.system", "subprocess.Popen", "lost.Kind"])
    def test_nothing_but_estimators(self, path):
        encoded = {"class": path, "parameters": {"args": "true"}}
        with pytest.raises(ValueError, match=f"{path} is not known to be harmless"):
            decode(encoded)
        with pytest.raises(
            ValueError, match=r"no scikit-learn estimator|cannot be imp"
        ):
            decode(encoded, trust=True)

    def test_parameters_of_another_version(self):
        encoded = {"class": "skesom.ESOM", "parameters": {"lost": 1}}
        with pytest.raises(ValueError, match=r"skesom\.ESOM is another one here"):
            decode(encoded)


class TestRun:
    """A run in Python, made again."""

    def test_bit_for_bit(self, job, report):
        run = read_run(report["provenance.json"])
        labels = run.pipeline.fit_predict(run.source.read())
        np.testing.assert_array_equal(labels, job["cluster"].labels_)
        assert label_map_digest(labels) == run.label_map_sha256

    def test_without_a_source(self, job, galaxy, tmp_path):
        write_report(tmp_path / "out", job, galaxy, pictures=False)
        with pytest.raises(ValueError, match="does not name the files"):
            read_run(tmp_path / "out")

    def test_with_a_parameter_that_is_in_python_only(self, galaxy, source, tmp_path):
        clusterer = KMeans(2, n_init=1, random_state=np.random.RandomState(0))
        pipeline = make_cluster_pipeline(clusterer).fit(galaxy)
        write_report(tmp_path / "out", pipeline, galaxy, source=source, pictures=False)
        with pytest.raises(ValueError, match=r"RandomState.*in Python only"):
            read_run(tmp_path / "out")

    def test_digests_tell_maps_apart(self, job):
        labels = job["cluster"].labels_
        other = labels.copy()
        other[3, 4] += 1
        assert label_map_digest(labels) == label_map_digest(labels.astype(">i8"))
        assert label_map_digest(labels) != label_map_digest(other)


class TestReadReport:
    """What goes on from a folder of results."""

    def test_pipeline_images_and_labels(self, galaxy, job, report):
        folder = report["cluster_map.fits"].parent
        result = read_report(folder, trust=True)
        np.testing.assert_array_equal(result.label_map, job["cluster"].labels_)
        np.testing.assert_array_equal(result.cube.data, galaxy.data)
        np.testing.assert_array_equal(
            result.pipeline.predict(result.cube), result.label_map
        )
        assert result.provenance["result"]["n_clusters"] == 4

    def test_without_trust_it_takes_what_can_be_shared(self, report):
        pytest.importorskip("skops")
        folder = report["cluster_map.fits"].parent
        assert isinstance(read_report(folder).pipeline["cluster"], CubeClusterer)

    def test_a_folder_of_something_else(self, tmp_path):
        with pytest.raises(FileNotFoundError):
            read_report(tmp_path)


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
        assert source_from([Path("a.fits"), "b.fits"]).files == ("a.fits", "b.fits")
        assert source_from("a.fits").files == ("a.fits",)
        assert source_from({"files": ["a.fits"], "hdu": 1}).hdu == 1

    @pytest.mark.parametrize("given", [{"hdu": 1}, {"files": ["a.fits"], "mask": 1}])
    def test_what_is_no_source_is_named(self, given):
        with pytest.raises(ValueError, match="source must hold files"):
            source_from(given)


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
    write_report(tmp_path / "out", pipeline, galaxy, source=source, pictures=False)
    run = read_run(tmp_path / "out")
    labels = run.pipeline.fit_predict(run.source.read())
    assert label_map_digest(labels) == run.label_map_sha256
