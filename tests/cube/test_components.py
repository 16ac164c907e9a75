# SPDX-License-Identifier: BSD-3-Clause
"""Many bands: what rises above the noise is kept, and nothing of few bands changes."""

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from sklearn.base import clone
from sklearn.cluster import KMeans
from sklearn.decomposition import PCA
from sklearn.metrics import adjusted_rand_score

from skesom.cube import ColorScaler, ComponentFilter, Cube
from skesom.maps import make_cluster_pipeline
from skesom.runs import Run, load_model, save_model
from skesom.som import ESOM

N_BANDS = 60
NOISE = 0.6


@pytest.fixture
def spectra():
    """Return two spectra, at right angles and of equal length."""
    phases = 2 * np.pi * np.arange(N_BANDS) / N_BANDS
    return np.array([np.sin(phases), np.cos(phases)])


@pytest.fixture
def classes():
    """Three columns of pixels."""
    return np.arange(45).repeat(15).reshape(45, 15).T.repeat(3, axis=0) // 15


@pytest.fixture
def scene(spectra, classes, global_random_seed):
    """Two smooth spectra of three classes, on noise that is as strong in each band."""
    rng = np.random.default_rng(global_random_seed)
    amounts = np.array([[1.0, 0.0], [0.0, 1.0], [-1.0, -1.0]])[classes]
    return amounts @ spectra + rng.normal(0, NOISE, (*classes.shape, N_BANDS))


def test_components_above_the_noise_are_kept(scene, spectra):
    fitted = ComponentFilter().fit(scene)
    assert fitted.n_components_ == 2
    # The borders of the classes count as noise, in the two components.
    assert_allclose(np.median(fitted.noise_), NOISE**2, rtol=0.1)
    # The two spectra span what is kept, so they come through nearly unchanged.
    moved = (spectra @ fitted.kept_components_.T) @ fitted.kept_components_
    assert_allclose(moved, spectra, atol=0.1)


def test_spectra_are_those_of_a_pca_back_in_the_bands(scene):
    table = scene.reshape(-1, N_BANDS)
    pca = PCA(2, svd_solver="full").fit(table)
    expected = pca.inverse_transform(pca.transform(table))
    filtered = ComponentFilter(2).fit_transform(scene)
    assert_allclose(filtered.reshape(-1, N_BANDS), expected, atol=1e-9)
    fitted = ComponentFilter(2).fit(scene)
    assert_allclose(fitted.variance_[:2], pca.explained_variance_, rtol=1e-3)


def test_signs_are_fixed(scene):
    components = ComponentFilter(5).fit(scene).kept_components_
    largest = np.abs(components).argmax(axis=1)
    assert (components[np.arange(5), largest] > 0).all()
    assert_array_equal(components, ComponentFilter(5).fit(scene).kept_components_)


def test_few_bands_are_the_same_to_the_last_bit(scene):
    few = scene[:, :, :20]
    assert_array_equal(ComponentFilter().fit_transform(few), few)
    assert ComponentFilter().fit(few).n_components_ == 20
    assert ComponentFilter().fit(scene[:, :, :21]).n_components_ < 21


def test_noise_alone_and_too_few_pixels_are_left_as_they_are(scene):
    rng = np.random.default_rng(0)
    noise = rng.normal(size=(40, 40, 30))
    for cube in (noise, scene[:5, :8]):
        assert_array_equal(ComponentFilter().fit_transform(cube), cube)


def test_missing_values_stay_missing_and_count_as_the_mean(scene):
    expected = ComponentFilter().fit(scene)
    pixel = scene[3, 4].copy()
    pixel[7] = np.nan
    at_mean = pixel.copy()
    at_mean[7] = expected.mean_[7]
    both = expected.transform(np.array([[pixel, at_mean]]))
    assert np.isnan(both[0, 0, 7])
    assert_allclose(np.delete(both[0, 0], 7), np.delete(both[0, 1], 7), atol=1e-12)
    gaps = scene.copy()
    gaps[:, 20] = np.nan
    filtered = ComponentFilter().fit_transform(gaps)
    assert np.isnan(filtered[:, 20]).all()
    assert np.isfinite(np.delete(filtered, 20, axis=1)).all()


def test_errors_are_those_of_many_draws(scene):
    errors = np.full(scene.shape, NOISE)
    fitted = ComponentFilter().fit(Cube(scene, errors=errors))
    pixel = Cube(scene[:1, :1], errors=errors[:1, :1])
    rng = np.random.default_rng(1)
    draws = pixel.data + rng.normal(0, NOISE, (1, 4000, N_BANDS))
    scatter = fitted.transform(draws).std(axis=1)[0]
    assert_allclose(fitted.transform(pixel).errors[0, 0], scatter, rtol=0.1)


@pytest.mark.parametrize(
    ("parameters", "message"),
    [
        ({"n_components": 61}, "n_components=61 exceeds the 60 bands"),
        ({"n_components": 0}, "'n_components' parameter"),
        ({"max_bands": -1}, "'max_bands' parameter"),
    ],
)
def test_bad_parameters_are_named(scene, parameters, message):
    with pytest.raises(ValueError, match=message):
        ComponentFilter(**parameters).fit(scene)


def test_a_cube_without_a_whole_pixel_is_refused(scene):
    scene[:, :, 3] = np.nan
    with pytest.raises(ValueError, match=r"None of the 2025 pixels .* 60 bands"):
        ComponentFilter().fit(scene)


@pytest.fixture
def pipeline():
    return make_cluster_pipeline(
        KMeans(3, n_init=2, random_state=0),
        target_fwhm=None,
        sky="keep",
        stretch="none",
    )


def test_a_pipeline_parts_noisy_spectra(pipeline, scene, classes):
    labels = pipeline.fit_predict(scene)
    has_data = labels >= 0
    assert has_data.mean() > 0.9
    assert adjusted_rand_score(classes[has_data], labels[has_data]) > 0.99
    # The same distances as those of the components themselves.
    scaled = ColorScaler().fit_transform(pipeline[:-3].transform(scene))
    table = scaled[has_data]
    number = pipeline["components"].n_components_
    scores = PCA(number, svd_solver="full").fit_transform(table)
    again = KMeans(3, n_init=2, random_state=0).fit_predict(scores)
    assert adjusted_rand_score(again, labels[has_data]) > 0.99


def test_a_saved_model_predicts_the_same(pipeline, scene, tmp_path):
    labels = pipeline.fit_predict(scene)
    save_model(tmp_path / "model.skops", pipeline)
    loaded, _ = load_model(tmp_path / "model.skops")
    assert_array_equal(loaded.predict(scene), labels)
    strips = [loaded.predict(scene[rows]) for rows in (slice(0, 20), slice(20, 45))]
    same = np.concatenate(strips) == labels
    assert same.mean() > 0.9  # masks look at the neighbors


def test_a_run_says_how_many_are_kept_and_which_option_keeps_all(
    pipeline, scene, tmp_path, caplog
):
    caplog.set_level("INFO", logger="skesom")
    cube = Cube(scene.astype(np.float32))
    pipeline.fit(cube)
    files = Run(pipeline, cube).write(tmp_path / "report")
    number = pipeline["components"].n_components_
    line = f"{number} of 60 principal components are kept"
    assert line in caplog.text
    assert "n_components=None takes all" in caplog.text
    assert line in (tmp_path / "report" / "summary.md").read_text()
    assert files.decisions["components"] == {"kept": number, "bands": 60}
    # Tables keep the bands.
    assert "band 60_scaled" in files.clusters.colnames


def test_few_bands_give_the_map_without_the_step(pipeline, scene):
    few = scene[:, :, ::4]
    pipeline.set_params(align__registration=None)  # stripes look shifted
    without = clone(pipeline).set_params(components="passthrough")
    assert_array_equal(pipeline.fit_predict(few), without.fit_predict(few))
    centers = pipeline[-1].estimator_.cluster_centers_
    assert_array_equal(centers, without[-1].estimator_.cluster_centers_)


@pytest.mark.parametrize(
    "options",
    [
        {"n_components": None},
        {"n_components": 3},
        {"min_bands": 50},
        {"pattern": "voxel"},
    ],
)
def test_pipelines_without_the_step(options):
    pipeline = make_cluster_pipeline(ESOM(), **options)
    assert "components" not in pipeline.named_steps
