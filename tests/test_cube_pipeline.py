# SPDX-License-Identifier: BSD-3-Clause
"""Pipelines of tables and cubes in scikit-learn's hands.

Maps stand where any clusterer of scikit-learn stands, and the other way round.
"""

import pickle

import joblib
import numpy as np
import pandas as pd
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from sklearn.base import clone
from sklearn.cluster import HDBSCAN, KMeans, MiniBatchKMeans
from sklearn.datasets import make_blobs
from sklearn.impute import SimpleImputer
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import adjusted_rand_score, silhouette_score
from sklearn.mixture import GaussianMixture
from sklearn.model_selection import (
    GridSearchCV,
    KFold,
    cross_val_predict,
    cross_val_score,
    cross_validate,
)
from sklearn.pipeline import FeatureUnion, make_pipeline
from sklearn.preprocessing import StandardScaler

from skesom.cube import AsinhStretch, Cube, CubeMasker, FWHMConvolver
from skesom.datasets import make_galaxy_cube
from skesom.maps import CubeClusterer
from skesom.metrics import map_scorer
from skesom.pixels import CubeFlattener
from skesom.som import CSOM, ESOM

FWHM = [1.0, 1.2, 1.5]
PIXEL_SCALE = 0.5


@pytest.fixture(scope="module")
def blobs():
    """Four groups, but only to who scales first."""
    X, y = make_blobs(400, 3, centers=4, cluster_std=0.7, random_state=7)
    return X * [1, 1e3, 1e-3], y


@pytest.fixture
def truth():
    """Three patches by falling size, with a gap."""
    truth = np.zeros((40, 36), dtype=np.int32)
    truth[:, 18:] = 1
    truth[:, 30:] = 2
    truth[10:14, 5:15] = -3
    return truth


@pytest.fixture
def cube(truth, global_random_seed):
    """Three bands of these patches; in every row there are all of them."""
    rng = np.random.default_rng(global_random_seed)
    spectra = np.array([[20.0, 20, 80], [80, 20, 20], [80, 80, 80]])
    data = spectra[np.maximum(truth, 0)] + rng.normal(0, 1, (*truth.shape, 3))
    data[truth == -3] = 0  # as mosaics mark what they did not see
    return Cube(data.astype(np.float32), band_names=["u", "g", "r"], fwhm=FWHM)


def cube_pipeline(clusterer=None):
    """Make the pipeline of the guide: one width, no gaps, scaled pixels, clusters."""
    if clusterer is None:
        clusterer = ESOM(3, random_state=0)
    return make_pipeline(
        FWHMConvolver(pixel_scale=PIXEL_SCALE),
        CubeMasker(),
        CubeClusterer(make_pipeline(StandardScaler(), clusterer)),
    )


def masked_pipeline(clusterer=None):
    """Make the same with gaps masked first, so that they do not bleed."""
    pipeline = cube_pipeline(clusterer)
    return make_pipeline(pipeline[1], pipeline[0], pipeline[2])


CLUSTERERS = [
    ESOM(3, random_state=0),
    CSOM(3, shape=(5, 5), n_epochs=5, random_state=0),
    KMeans(3, random_state=0),
    MiniBatchKMeans(3, max_iter=20, random_state=0),
    GaussianMixture(3, random_state=0),
    HDBSCAN(min_cluster_size=100, copy=True),
]


def class_name(estimator):
    return type(estimator).__name__


def four_in(clusterer):
    """Return parameters for the four smaller groups of the table."""
    wanted = {"n_clusters": 4, "n_components": 4, "min_cluster_size": 20}
    return {name: n for name, n in wanted.items() if name in clusterer.get_params()}


both_maps = pytest.mark.parametrize(
    "clusterer",
    [ESOM(4, random_state=0), CSOM(4, shape=(6, 6), random_state=0)],
    ids=class_name,
)


class TestSearch:
    """GridSearchCV over tables and over cubes."""

    @pytest.mark.parametrize(
        ("scoring", "estimator", "grid", "best"),
        [
            # Centers of more clusters are always nearer.
            (None, CSOM(shape=(5, 5), n_epochs=5), {"n_clusters": [2, 3, 4]}, 4),
            ("quantization_error", CSOM(None), {"shape": [(2, 2), (6, 6)]}, (6, 6)),
            ("silhouette", CSOM(shape=(5, 5)), {"n_clusters": [2, 4, 7]}, 4),
            ("calinski_harabasz", CSOM(shape=6), {"n_clusters": [2, 4]}, 4),
            (
                "silhouette",
                ESOM(random_state=0),
                {"n_clusters": [2, 4, 6], "learning_rate": [0.05, 0.2]},
                4,
            ),
        ],
    )
    def test_of_maps_on_tables(self, blobs, scoring, estimator, grid, best):
        X, y = blobs
        prefix = f"{class_name(estimator).lower()}__"
        search = GridSearchCV(
            make_pipeline(StandardScaler(), clone(estimator)),
            {prefix + name: values for name, values in grid.items()},
            scoring=scoring and map_scorer(scoring),
            cv=3,
            error_score="raise",
        ).fit(X)
        (name, *_) = grid
        assert search.best_params_[prefix + name] == best
        som = search.best_estimator_[-1]
        assert name != "shape" or len(som.positions_) == np.prod(best)
        assert name == "shape" or adjusted_rand_score(y, search.predict(X)) > 0.95
        assert_array_equal(search.predict(X), search.best_estimator_.predict(X))

    def test_over_the_clusterer_itself_also_in_parallel(self, blobs):
        search = GridSearchCV(
            make_pipeline(StandardScaler(), KMeans()),
            {"kmeans": CLUSTERERS[:4]},
            scoring=map_scorer("silhouette"),
            cv=3,
        )
        serial, parallel = (
            clone(search).set_params(n_jobs=n_jobs).fit(blobs[0])
            for n_jobs in (None, 2)
        )
        scores = serial.cv_results_["mean_test_score"]
        assert (scores > 0.5).all()
        assert_array_equal(parallel.cv_results_["mean_test_score"], scores)

    def test_without_a_scorer_a_map_scores_its_clusters(self, blobs):
        X, _ = blobs
        pipeline = make_pipeline(StandardScaler(), CSOM(4, shape=(4, 4)))
        scores = cross_val_score(pipeline, X, cv=3)
        expected = []
        for learned, held_out in KFold(3).split(X):
            scaler, csom = clone(pipeline).fit(X[learned])
            rows = scaler.transform(X[held_out])
            apart = rows - csom.cluster_centers_[csom.predict(rows)]
            expected.append(-np.sum(apart**2))
        assert_allclose(scores, expected)

    def test_number_of_clusters_in_a_cube(self, cube, truth):
        grid = {"cubeclusterer__estimator__esom__n_clusters": [2, 3, 7]}
        search = GridSearchCV(
            masked_pipeline(),
            grid,
            scoring=map_scorer("silhouette"),
            cv=3,
            error_score="raise",
        )
        search.fit(cube)
        assert list(search.best_params_.values()) == [3]
        label_map = search.predict(cube)
        assert label_map.shape == truth.shape
        valid = truth >= 0
        assert_array_equal(label_map == -3, ~valid)
        assert adjusted_rand_score(truth[valid], label_map[valid]) > 0.8

    @pytest.mark.parametrize(
        "scorer", [map_scorer("calinski_harabasz"), map_scorer("davies_bouldin")]
    )
    def test_steps_on_cubes_can_be_searched_too(self, cube, scorer):
        grid = {
            "fwhmconvolver__target_fwhm": [2.0, 3.0],
            "cubemasker__saturation": [None, 80.1],
            "cubeclusterer__estimator__standardscaler": ["passthrough"],
        }
        search = GridSearchCV(
            cube_pipeline(KMeans(3, random_state=0)),
            grid,
            scoring=scorer,
            cv=2,
            error_score="raise",
        )
        search.fit(cube)
        assert len(search.cv_results_["params"]) == 4
        scores = search.cv_results_["mean_test_score"]
        assert len(np.unique(scores)) == 4  # each parameter reached its step

    def test_score_of_a_strip_is_that_of_its_pixels(self, cube):
        pipeline = masked_pipeline()
        (scores,) = [
            cross_validate(
                pipeline,
                cube,
                cv=[(np.arange(20, 40), np.arange(20))],
                scoring=map_scorer("silhouette"),
                error_score="raise",
            )["test_score"]
        ]
        fitted = clone(pipeline).fit(cube[20:])
        strip = cube[:20]
        labels = fitted.predict(strip)
        seen = fitted[:-1].transform(strip).data[labels >= 0]
        scaled = fitted[-1].estimator_[0].transform(seen)
        assert len(scaled) < 2000  # beyond, the scorer takes a sample
        expected = silhouette_score(scaled, labels[labels >= 0])
        assert_allclose(scores, expected, rtol=1e-6)

    def test_without_a_scorer_the_score_of_the_last_step_counts(self, cube):
        rows, grid = range(len(cube)), {"cubemasker__grow": [0, 1]}
        search = GridSearchCV(cube_pipeline(), grid, cv=[(rows, rows)]).fit(cube)
        scores = search.cv_results_["mean_test_score"]
        assert search.best_score_ == max(scores)
        assert search.best_score_ == search.best_estimator_.score(cube)


@pytest.mark.parametrize("clusterer", CLUSTERERS, ids=class_name)
class TestDropIn:
    """One clusterer in place of another, on tables and on cubes."""

    def test_in_a_pipeline_of_tables(self, blobs, clusterer):
        X, y = blobs
        pipeline = make_pipeline(StandardScaler(), KMeans(2))
        pipeline.set_params(kmeans=clone(clusterer).set_params(**four_in(clusterer)))
        labels = pipeline.fit_predict(X)
        assert adjusted_rand_score(y, labels) > 0.95
        if hasattr(clusterer, "predict"):
            assert_array_equal(pipeline.predict(X), labels)

    def test_in_a_pipeline_of_cubes(self, cube, truth, clusterer):
        label_map = masked_pipeline(clone(clusterer)).fit_predict(cube)
        assert label_map.dtype == np.int32
        assert_array_equal(label_map == -3, truth == -3)
        # Blurred borders between the patches may go to either side, or be noise.
        inside = np.ones_like(truth, dtype=bool)
        inside[:, 14:22] = inside[:, 26:34] = False
        inside &= truth >= 0
        assert adjusted_rand_score(truth[inside], label_map[inside]) > 0.95

    def test_after_a_flattener(self, cube, truth, clusterer):
        pipeline = make_pipeline(
            CubeMasker(), CubeFlattener(), StandardScaler(), clone(clusterer)
        )
        labels = pipeline.fit_predict(cube)
        assert labels.shape == (np.sum(truth >= 0),)
        assert adjusted_rand_score(truth[truth >= 0], labels) > 0.9


class TestStorage:
    """Clone, pickle, joblib."""

    def test_clone_gives_an_unfitted_twin(self, cube):
        pipeline = masked_pipeline().fit(cube)
        twin = clone(pipeline)
        assert not hasattr(twin[-1], "labels_")
        assert repr(twin.get_params()) == repr(pipeline.get_params())
        assert_array_equal(twin.fit_predict(cube), pipeline.predict(cube))

    @pytest.mark.parametrize("fitted", [False, True])
    def test_files_bring_the_pipeline_back(self, cube, fitted, tmp_path):
        pipeline = masked_pipeline()
        expected = clone(pipeline).fit_predict(cube)
        if fitted:
            pipeline.fit(cube)
        joblib.dump(pipeline, tmp_path / "pipeline.joblib")
        for copy in [
            pickle.loads(pickle.dumps(pipeline)),
            joblib.load(tmp_path / "pipeline.joblib"),
        ]:
            result = copy.predict(cube) if fitted else copy.fit_predict(cube)
            assert_array_equal(result, expected)

    def test_cubes_can_be_stored_too(self, cube, tmp_path):
        joblib.dump(cube, tmp_path / "cube.joblib")
        copy = joblib.load(tmp_path / "cube.joblib", mmap_mode="r")
        assert_array_equal(copy, cube)
        assert copy.band_names == cube.band_names
        assert_array_equal(
            masked_pipeline().fit_predict(copy), masked_pipeline().fit_predict(cube)
        )


class TestPandas:
    """set_output("pandas") gives tables names and leaves cubes cubes."""

    def test_cubes_stay_cubes(self, cube):
        pipeline = masked_pipeline().set_output(transform="pandas")
        assert_array_equal(
            pipeline.fit_predict(cube), masked_pipeline().fit_predict(cube)
        )
        assert isinstance(pipeline[:-1].transform(cube), Cube)

    def test_tables_get_the_names_of_the_bands(self, cube, truth):
        pipeline = make_pipeline(
            CubeMasker(),
            AsinhStretch(),
            CubeFlattener(),
            StandardScaler(),
            CSOM(None, shape=(2, 3)),
        ).set_output(transform="pandas")
        distances = pipeline.fit_transform(cube)
        assert isinstance(distances, pd.DataFrame)
        assert distances.columns.tolist() == [f"csom_unit{unit}" for unit in range(6)]
        assert len(distances) == np.sum(truth >= 0)
        assert pipeline[-1].feature_names_in_.tolist() == ["u", "g", "r"]


class TestCrossValidation:
    """The sky is cut into strips of rows."""

    @pytest.mark.parametrize("shuffle", [False, True])
    def test_every_pixel_is_labeled_by_a_map_that_never_saw_it(
        self, cube, truth, shuffle
    ):
        cv = KFold(2, shuffle=shuffle, random_state=0 if shuffle else None)
        label_map = cross_val_predict(masked_pipeline(), cube, cv=cv)
        assert label_map.dtype == np.int32
        assert label_map.shape == truth.shape
        for train, test in cv.split(cube):
            expected = masked_pipeline().fit(cube[train]).predict(cube[test])
            assert_array_equal(label_map[test], expected)

    def test_a_strip_may_have_no_pixel(self, cube, truth):
        cube.data[:10] = np.nan
        pipeline = make_pipeline(
            FWHMConvolver(pixel_scale=PIXEL_SCALE),
            CubeClusterer(KMeans(3, random_state=0)),
        )
        label_map = cross_val_predict(pipeline, cube, cv=KFold(4))
        assert (label_map[:10] == -3).all()
        assert (label_map[10:] >= 0).all()

    def test_scores_of_all_strips(self, cube):
        scores = cross_val_score(
            masked_pipeline(), cube, cv=3, scoring=map_scorer("silhouette")
        )
        assert scores.shape == (3,)
        assert (scores > 0.5).all()


def test_flux_units_do_not_matter(cube):
    """Bands in units that differ by 1e13 give the map of bands in equal units."""
    factors = np.array([1.0, 1e-13, 1e6], dtype=np.float32)
    other = cube.replace(data=cube.data * factors)
    pipeline = make_pipeline(
        CubeMasker(),
        AsinhStretch(),
        CubeClusterer(make_pipeline(StandardScaler(), KMeans(3, random_state=0))),
    )
    assert_array_equal(
        clone(pipeline).fit_predict(cube), clone(pipeline).fit_predict(other)
    )


def test_the_caller_keeps_the_global_random_state(cube):
    before = np.random.get_state()[1].copy()  # noqa: NPY002
    masked_pipeline().fit(cube)
    make_galaxy_cube((40, 40), 3)
    assert_array_equal(np.random.get_state()[1], before)  # noqa: NPY002


@pytest.mark.filterwarnings("ignore:One cluster holds:UserWarning")
def test_search_needs_no_pixel_scale_when_there_is_a_wcs():
    cube, _ = make_galaxy_cube((40, 48), n_bands=3, random_state=0)
    pipeline = make_pipeline(
        FWHMConvolver(),
        CubeMasker(),
        CubeClusterer(make_pipeline(StandardScaler(), ESOM(random_state=0))),
    )
    search = GridSearchCV(
        pipeline,
        {"cubeclusterer__estimator__esom__n_clusters": [2, 3]},
        scoring=map_scorer("calinski_harabasz"),
        cv=KFold(2),
        error_score="raise",
    ).fit(cube)
    assert np.isfinite(search.cv_results_["mean_test_score"]).all()
    assert search.best_estimator_.predict(cube).shape == (40, 48)


@both_maps
def test_pipeline_equals_its_steps(clusterer, blobs):
    X, _ = blobs
    table = StandardScaler().fit_transform(X)
    alone = clone(clusterer).fit(table)
    pipeline = make_pipeline(StandardScaler(), clone(clusterer)).fit(X)
    assert_array_equal(pipeline.predict(X), alone.labels_)
    assert_array_equal(pipeline.transform(X), alone.transform(table))
    assert pipeline.score(X) == alone.score(table)
    names = pipeline.get_feature_names_out()
    assert names[0] == f"{type(clusterer).__name__.lower()}_unit0"
    assert len(names) == len(alone.codebook_)


@both_maps
def test_cross_val_predict(clusterer, blobs):
    X, _ = blobs
    pipeline = make_pipeline(StandardScaler(), clusterer)
    labels = cross_val_predict(pipeline, X, cv=3)
    assert labels.shape == (400,)
    assert set(labels) == {0, 1, 2, 3}


@both_maps
def test_distances_to_units_are_features(clusterer, blobs):
    X, y = blobs
    classifier = make_pipeline(
        StandardScaler(), clusterer, LogisticRegression(max_iter=2000)
    )
    assert cross_val_score(classifier, X, y, cv=3).min() > 0.95


def test_maps_side_by_side_in_a_table(blobs):
    X, _ = blobs
    union = FeatureUnion(
        [("fine", CSOM(None, shape=(3, 3))), ("coarse", CSOM(None, shape=(2, 2)))]
    ).set_output(transform="pandas")
    table = make_pipeline(StandardScaler(), union).fit_transform(X)
    assert table.shape == (400, 13)
    assert list(table.columns[[0, 9]]) == ["fine__csom_unit0", "coarse__csom_unit0"]


@both_maps
def test_missing_features_need_no_imputer(clusterer, blobs):
    X, y = blobs
    X = X.copy()
    X[::3, 0] = X[1::3, 1] = np.nan
    plain = make_pipeline(StandardScaler(), clone(clusterer)).fit(X)
    imputed = make_pipeline(SimpleImputer(), StandardScaler(), clone(clusterer)).fit(X)
    score = adjusted_rand_score(y, plain[-1].labels_)
    assert score > adjusted_rand_score(y, imputed[-1].labels_)
