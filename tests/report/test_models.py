# SPDX-License-Identifier: BSD-3-Clause
"""Fitted pipelines in files."""

from importlib.metadata import version

import numpy as np
import pytest
from astropy.wcs import DistortionLookupTable
from sklearn.cluster import KMeans
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import FunctionTransformer

from skesom.cube import CubeAligner
from skesom.runs import load_model, save_model
from skesom.som import CSOM


@pytest.fixture(params=["joblib", "skops"])
def suffix(request):
    return request.param


class TestSave:
    """What is written can be read."""

    def test_predicts_as_before(self, job, galaxy, tmp_path, suffix):
        path = tmp_path / f"model.{suffix}"
        job["align"]  # with a grid whose frame has been asked for
        galaxy.wcs.pixel_to_world(0, 0)
        save_model(path, job, band_names=galaxy.band_names)
        pipeline, names = load_model(path, trust=suffix == "joblib")
        assert names == list(galaxy.band_names)
        np.testing.assert_array_equal(pipeline.predict(galaxy), job["cluster"].labels_)
        np.testing.assert_array_equal(
            pipeline["cluster"].labels_, job["cluster"].labels_
        )

    def test_a_file_that_is_there(self, job, tmp_path):
        (tmp_path / "model.joblib").write_text("mine")
        with pytest.raises(FileExistsError):
            save_model(tmp_path / "model.joblib", job)
        save_model(tmp_path / "model.joblib", job, overwrite=True)
        load_model(tmp_path / "model.joblib", trust=True)

    def test_a_function_without_a_name(self, tmp_path, suffix):
        pipeline = make_pipeline(FunctionTransformer(lambda X: X), KMeans(2))
        with pytest.raises(ValueError, match=rf"\.{suffix} file cannot hold .*lambda"):
            save_model(tmp_path / f"model.{suffix}", pipeline)
        assert list(tmp_path.iterdir()) == []

    def test_tables_of_a_distortion(self, sky_wcs, tmp_path):
        wcs = sky_wcs.deepcopy()
        shifts = np.zeros((2, 2), dtype=np.float32)
        table = DistortionLookupTable(shifts, (1, 1), (1, 1), (3, 3))
        wcs.cpdis1 = wcs.cpdis2 = table
        with pytest.raises(ValueError, match=r"cannot hold .*no text can hold"):
            save_model(tmp_path / "model.skops", CubeAligner(wcs))
        save_model(tmp_path / "model.joblib", CubeAligner(wcs))
        aligner, _ = load_model(tmp_path / "model.joblib", trust=True)
        assert aligner.align_to.cpdis1 is not None

    def test_another_suffix(self, job, tmp_path):
        with pytest.raises(ValueError, match=r"must end in \.skops or \.joblib"):
            save_model(tmp_path / "model.pkl", job)


class TestVersions:
    """A model of another version."""

    @pytest.mark.parametrize("package", ["skesom", "scikit-learn"])
    def test_one_clear_warning(self, job, tmp_path, suffix, package):
        path = tmp_path / f"model.{suffix}"
        with pytest.MonkeyPatch.context() as patch:
            versions = {"skesom": "0.1.0", "scikit-learn": "1.0", package: "0.0.1"}
            patch.setattr("skesom.runs._models.software_versions", lambda: versions)
            save_model(path, job)
        with pytest.warns(UserWarning, match="other versions") as warned:
            load_model(path, trust=suffix == "joblib")
        (message,) = [str(one.message) for one in warned]
        assert f"{path} was saved with other versions: " in message
        assert f"{package} 0.0.1 (here " in message

    def test_scikit_learn_does_not_repeat_itself(self, tmp_path, monkeypatch):
        clusterer = KMeans(2, n_init=1, random_state=0).fit(np.eye(4))
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr("sklearn.base.__version__", "0.9")
            save_model(tmp_path / "model.joblib", clusterer)
        load_model(tmp_path / "model.joblib", trust=True)

    def test_a_long_number_is_shortened(self, stored, rewrite):
        number = "9." * 100_000
        path = rewrite(stored, f'\\"{version("skesom")}\\"', f'\\"{number}\\"')
        with pytest.warns(UserWarning, match="other versions") as caught:
            load_model(path)
        assert all(len(str(each.message)) < 1000 for each in caught)


@pytest.fixture
def stored(tmp_path):
    """A file of a small map."""
    X = np.random.default_rng(0).normal(size=(60, 2))
    save_model(tmp_path / "model.skops", CSOM(2, shape=(3, 3)).fit(X))
    return tmp_path / "model.skops"


class TestDamage:
    """Files that are cut short, or hold something else."""

    @pytest.mark.parametrize("share", [0, 0.3, 0.9, 0.999])
    def test_a_part_of_a_file(self, stored, share):
        content = stored.read_bytes()
        stored.write_bytes(content[: int(share * len(content))])
        with pytest.raises(ValueError, match=r"model\.skops cannot be loaded"):
            load_model(stored)

    def test_a_class_that_is_not_known(self, stored, rewrite):
        path = rewrite(stored, '"CSOM"', '"AnotherMap"')
        with pytest.raises(ValueError, match=r"AnotherMap.*trust=True"):
            load_model(path)

    def test_an_attribute_that_has_another_name(self, stored, rewrite):
        path = rewrite(stored, '"codebook_"', '"units_"')
        with pytest.raises(ValueError, match=r"model\.skops cannot be loaded"):
            load_model(path)
