# SPDX-License-Identifier: BSD-3-Clause
"""CubeClusterer: any clusterer of tables, cube in and label map out."""

import pickle

import numpy as np
import pytest
from astropy import units as u
from scipy.spatial.distance import cdist
from sklearn.base import BaseEstimator, ClusterMixin, clone
from sklearn.cluster import DBSCAN, HDBSCAN, KMeans, MiniBatchKMeans
from sklearn.exceptions import NotFittedError
from sklearn.mixture import GaussianMixture
from sklearn.model_selection import GridSearchCV, KFold, cross_val_predict
from sklearn.neighbors import KNeighborsClassifier
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.utils import get_tags

from skesom.consensus import ConsensusClusterer
from skesom.cube import AsinhStretch, Cube
from skesom.maps import CubeClassifier, CubeClusterer, MajorityVote
from skesom.pixels import CubeFlattener, PixelSampler, SuperpixelFlattener, unflatten
from skesom.som import CSOM, ESOM
from tests.helpers.block_sizes import set_size

# Each parts the three patches of the scene; the last two cannot predict.
INDUCTIVE = [
    ESOM(n_clusters=3, random_state=0),
    CSOM(shape=(4, 4), n_epochs=5, n_clusters=3, random_state=0),
    KMeans(3, random_state=0),
    MiniBatchKMeans(3, max_iter=20, random_state=0),
    GaussianMixture(3, random_state=0),
]
TRANSDUCTIVE = [HDBSCAN(min_cluster_size=50, copy=True), DBSCAN(eps=1.0)]
CLUSTERERS = INDUCTIVE + TRANSDUCTIVE


def class_name(estimator):
    return type(estimator).__name__


@pytest.fixture
def patches():
    """Labels by falling size of three patches, and a hole, on 30 x 30 pixels."""
    patches = np.zeros((30, 30), dtype=np.int32)
    patches[16:] = 1
    patches[26:] = 2
    patches[16:21, 20:30] = -3
    patches[0, 0] = -3  # so that the order of first appearance is not that of size
    patches[0, 1] = 2
    return patches


@pytest.fixture
def cube(patches, global_random_seed):
    """Three bands in which the patches differ by many times the noise."""
    rng = np.random.default_rng(global_random_seed)
    spectra = np.array([[0, 0, 8], [8, 0, 0], [8, 8, 8]])
    data = spectra[np.maximum(patches, 0)] + rng.normal(0, 0.3, (*patches.shape, 3))
    data[patches == -3, 0] = np.nan
    return Cube(data.astype(np.float32), band_names=["u", "g", "r"])


@pytest.mark.parametrize("estimator", CLUSTERERS, ids=class_name)
class TestAnyClusterer:
    """What holds whatever stands inside."""

    def test_rows_in_are_rows_out(self, cube, patches, estimator):
        """The patches by falling size; estimator and cube are left alone."""
        given, data = clone(estimator), cube.data.copy()
        cube.data.flags.writeable = False
        clusterer = CubeClusterer(given)
        label_map = clusterer.fit_predict(cube)
        assert label_map.dtype == np.int32
        np.testing.assert_array_equal(label_map, patches)
        np.testing.assert_array_equal(clusterer.labels_, label_map)
        assert clusterer.n_clusters_ == 3
        assert clusterer.n_features_in_ == 3
        assert clusterer.fit(cube) is clusterer
        assert vars(given) == vars(clone(estimator))
        assert clusterer.estimator_ is not given
        np.testing.assert_array_equal(cube.data, data)
        for copy in (pickle.loads(pickle.dumps(clusterer)), clone(clusterer).fit(cube)):
            np.testing.assert_array_equal(copy.labels_, label_map)

    def test_stands_at_the_end_of_a_pipeline(self, cube, patches, estimator):
        inner = make_pipeline(StandardScaler(), clone(estimator))
        if isinstance(estimator, DBSCAN):
            inner.set_params(dbscan__eps=0.3)
        np.testing.assert_array_equal(CubeClusterer(inner).fit_predict(cube), patches)


@pytest.mark.parametrize("estimator", INDUCTIVE, ids=class_name)
class TestPredict:
    """Clusterers that can label other pixels."""

    def test_gives_the_labels_of_fit_to_the_whole_and_to_strips(
        self, cube, patches, estimator
    ):
        clusterer = CubeClusterer(estimator).fit(cube)
        label_map = clusterer.predict(cube)
        assert label_map.dtype == np.int32
        np.testing.assert_array_equal(label_map, clusterer.labels_)
        strips = [clusterer.predict(cube[row : row + 4]) for row in range(0, 30, 4)]
        np.testing.assert_array_equal(np.concatenate(strips), patches)
        masked = clusterer.predict(cube[17:20, 21:29])  # altogether
        np.testing.assert_array_equal(masked, np.full((3, 8), -3))
        assert masked.dtype == np.int32

    def test_cross_validation_cuts_the_sky_in_strips(self, cube, patches, estimator):
        label_map = cross_val_predict(
            CubeClusterer(estimator), cube, cv=KFold(3, shuffle=True, random_state=0)
        )
        # Each fold is trained without some rows, which do not change what is larger.
        np.testing.assert_array_equal(label_map, patches)


@pytest.mark.parametrize("estimator", TRANSDUCTIVE, ids=class_name)
@pytest.mark.parametrize("wrap", [None, make_pipeline], ids=["bare", "pipeline"])
class TestTransductive:
    """Clusterers that label only what they were fitted on."""

    def test_have_no_predict_and_say_why(self, cube, estimator, wrap):
        if wrap:
            estimator = wrap(StandardScaler(), estimator)
        clusterer = CubeClusterer(estimator)
        for _ in range(2):
            assert not hasattr(clusterer, "predict")
            with pytest.raises(AttributeError, match="no attribute 'predict'") as error:
                clusterer.predict(cube)
            message = str(error.value.__cause__)
            assert "DBSCAN cannot label pixels that it was not fitted on" in message
            assert "fit_predict" in message
            clusterer.fit(cube)


class FirstFlux(ClusterMixin, BaseEstimator):
    """Takes the first flux for a label, so that tests choose the labels."""

    def fit(self, X, y=None):
        self.labels_ = self.predict(X)
        return self

    def predict(self, X):
        return X[:, 0].astype(np.int64)


@pytest.mark.filterwarnings("ignore:.*(few for|One cluster holds):UserWarning")
class TestLabels:
    """From the labels of the estimator to those of the map."""

    @pytest.mark.parametrize(
        ("given", "expected", "later", "found"),
        [
            # Gaps between numbers close, and the larger comes first.
            ([7, 4, 7, 9, 9, 9, 7, 9], [1, 2, 1, 0, 0, 0, 1, 0], [4, 9, 7], [2, 0, 1]),
            # Among equal sizes the lower number comes first.
            ([5, 2, 5, 2, 3, 3], [2, 0, 2, 0, 1, 1], [2, 3, 5], [0, 1, 2]),
            # Noise stays noise, however much there is, and masked rows masked.
            ([-1, -1, -1, 3, 3, 8], [-1, -1, -1, 0, 0, 1], [8, -1], [1, -1]),
            ([-3, 2, 2, -1], [-3, 0, 0, -1], [2], [0]),
            ([-1, -1, -3], [-1, -1, -3], [-1, -3], [-1, -3]),
            # A cluster that no fitted pixel had is noise.
            ([0, 0, 4], [0, 0, 1], [4, 3, 9, 0], [1, -1, -1, 0]),
        ],
    )
    def test_numbers(self, given, expected, later, found):
        X, others = (
            np.array([[each]], float).swapaxes(1, 2) for each in (given, later)
        )
        clusterer = CubeClusterer(FirstFlux()).fit(X)
        assert clusterer.labels_.tolist() == [expected]
        assert clusterer.n_clusters_ == len({*expected} - {-1, -3})
        assert clusterer.predict(others).tolist() == [found]

    def test_sparse_noise_of_hdbscan_is_kept(self, cube):
        cube.data[5, 5] = 1000  # an outlier far from everything
        label_map = CubeClusterer(HDBSCAN(min_cluster_size=50, copy=True)).fit_predict(
            cube
        )
        assert label_map[5, 5] == -1


class TestMissingBands:
    """Pixels that lack some bands."""

    @pytest.fixture
    def cube(self, cube):
        cube.data[21:25, :, 1] = np.nan
        return cube

    @pytest.mark.parametrize("estimator", INDUCTIVE[:2], ids=class_name)
    def test_maps_take_partly_observed_pixels(self, cube, patches, estimator):
        clusterer = CubeClusterer(estimator, min_bands=2)
        label_map = clusterer.fit_predict(cube)
        hole = patches == -3
        np.testing.assert_array_equal(label_map[~hole], patches[~hole])
        assert (label_map[hole] >= 0).all()  # it lacks one band only
        np.testing.assert_array_equal(clusterer.predict(cube[20:23]), label_map[20:23])

    def test_scaling_leaves_missing_bands_missing(self, cube, patches):
        inner = make_pipeline(StandardScaler(), ESOM(n_clusters=3, random_state=0))
        label_map = CubeClusterer(inner, min_bands=2).fit_predict(cube)
        np.testing.assert_array_equal(label_map[21:25], patches[21:25])

    def test_all_bands_are_asked_for_by_default(self, cube, patches):
        with pytest.raises(ValueError, match="NaN"):
            CubeClusterer(KMeans(3, random_state=0), min_bands=2).fit(cube)
        label_map = CubeClusterer(KMeans(3, random_state=0)).fit_predict(cube)
        patches[21:25] = -3
        np.testing.assert_array_equal(label_map, patches)


def test_voxels_are_clustered_one_flux_each(cube):
    clusterer = CubeClusterer(KMeans(2, random_state=0), pattern="voxel")
    label_map = clusterer.fit_predict(cube)
    expected = np.where(cube.data < 4, 0, 1)  # fluxes are near 0, 1 or 8
    expected[np.isnan(cube.data)] = -3
    assert np.sum(expected == 0) > np.sum(expected == 1)
    np.testing.assert_array_equal(label_map, expected)
    np.testing.assert_array_equal(clusterer.predict(cube[3:5]), label_map[3:5])
    assert clusterer.predict(np.full((2, 2, 3), np.nan)).shape == (2, 2, 3)


def test_default_is_a_scaled_esom(cube):
    clusterer = CubeClusterer().fit(cube)
    assert [class_name(step) for step in clusterer.estimator_] == [
        "StandardScaler",
        "ESOM",
    ]
    assert clusterer.estimator_[-1].random_state == 0  # the same for everyone
    np.testing.assert_array_equal(
        clusterer.labels_, CubeClusterer().fit_predict(cube.data)
    )
    assert hasattr(CubeClusterer(), "predict")


def test_tags_tell_of_cubes_with_gaps():
    tags = get_tags(CubeClusterer())
    assert tags.estimator_type == "clusterer"
    assert tags.input_tags.three_d_array
    assert not tags.input_tags.two_d_array
    assert tags.input_tags.allow_nan


class TestBadInput:
    """One clear error for what cannot be clustered."""

    @pytest.mark.parametrize(
        ("place", "value", "options", "message"),
        [
            (..., np.nan, {}, "All 900 pixels are masked"),
            (..., 1, {}, "Nothing tells pixels apart"),
            (np.s_[..., 1], 5, {}, r"Band 'g' is constant \(5 "),
            (np.s_[..., 2], np.nan, {"min_bands": 1}, "Band 'r' has no data"),
            ((2, 3, 2), -np.inf, {}, r"Band 'r' .* row 2, column 3"),
            ((0, 0), 0, {"min_bands": 4}, "min_bands=4 exceeds the 3 bands"),
            ((0, 0), 0, {"min_bands": 0}, "'min_bands' parameter of CubeClusterer"),
            ((0, 0), 0, {"pattern": "pixels"}, "'pattern' parameter of CubeClusterer"),
            ((0, 0), 0, {"estimator": StandardScaler()}, "'estimator' .* 'fit_pred"),
        ],
    )
    def test_of_fit(self, cube, place, value, options, message):
        cube.data[place] = value
        with pytest.raises(ValueError, match=message):
            CubeClusterer(**{"estimator": KMeans(3)} | options).fit(cube)

    def test_constant_where_pixels_are_valid_and_a_single_image(self, cube):
        cube.data[:, :, 1] = np.where(np.isnan(cube.data[:, :, 0]), 7, 5)
        with pytest.raises(ValueError, match=r"Band 'g' is constant \(5 "):
            CubeClusterer(KMeans(3)).fit(cube)
        with pytest.raises(ValueError, match="three axes"):
            CubeClusterer().fit(cube.data[:, :, 1])

    def test_of_predict(self, cube):
        with pytest.raises(NotFittedError):
            CubeClusterer(KMeans(2)).predict(cube)
        clusterer = CubeClusterer(KMeans(3, random_state=0)).fit(cube)
        with pytest.raises(ValueError, match=r"2 bands, .* fitted on 3 bands"):
            clusterer.predict(cube[:, :, :2])

    @pytest.mark.parametrize("estimator", INDUCTIVE, ids=class_name)
    def test_fewer_pixels_than_clusters(self, cube, estimator):
        with pytest.raises(ValueError, match=r"n_samples|n_components"):
            CubeClusterer(estimator).fit(cube[:1, 2:4])


def test_one_pixel_is_one_cluster():
    clusterer = CubeClusterer(KMeans(1, random_state=0))
    assert clusterer.fit_predict(np.ones((1, 1, 2))).tolist() == [[0]]


class TestSky:
    """Sky that was set aside is told from pixels without data."""

    @pytest.fixture
    def cube(self):
        data = np.zeros((6, 6, 2))
        data[:3] = 1
        data[:, 4:] = np.nan
        sky = np.zeros((6, 6), dtype=bool)
        sky[:, 4] = True
        return Cube(data, sky_mask=sky)

    @pytest.mark.parametrize("pattern", ["pixel", "voxel"])
    @pytest.mark.parametrize("sampler", [None, PixelSampler(0.9, random_state=0)])
    def test_fit_and_predict(self, cube, sampler, pattern):
        kmeans = KMeans(2, random_state=0)
        clusterer = CubeClusterer(kmeans, sampler=sampler, pattern=pattern)
        labels = clusterer.fit_predict(cube)
        assert (labels[:, 4] == -2).all()
        assert (labels[:, 5] == -3).all()
        assert (labels[:, :4] >= 0).all()
        np.testing.assert_array_equal(clusterer.predict(cube), labels)
        np.testing.assert_array_equal(clusterer.predict(cube[2:4]), labels[2:4])
        assert (clusterer.predict(cube[:, 4:]) == labels[:, 4:]).all()

    def test_arrays_do_not_tell(self, cube):
        labels = CubeClusterer(KMeans(2, random_state=0)).fit_predict(cube.data)
        assert (labels[:, 4:] == -3).all()

    def test_regularizer(self, cube):
        vote = MajorityVote(fwhm=1.0 * u.pixel)
        clusterer = CubeClusterer(KMeans(2, random_state=0), regularizer=vote)
        labels = clusterer.fit_predict(cube)
        assert (labels[:, 4] == -2).all()
        np.testing.assert_array_equal(vote.regularize(labels), labels)

    def test_flatteners(self, cube):
        flattener = CubeFlattener()
        n_rows = len(flattener.fit_transform(cube))
        labels = flattener.inverse_transform(np.zeros(n_rows, dtype=int))
        assert (labels[:, 4] == -2).all()
        assert (labels[:, 5] == -3).all()
        superpixels = SuperpixelFlattener(2).fit(cube)
        rows = np.zeros(superpixels.segments_.max() + 1, dtype=int)
        np.testing.assert_array_equal(superpixels.inverse_transform(rows), labels)
        segments = superpixels.segment(cube)
        np.testing.assert_array_equal(unflatten(rows, segments), labels)

    def test_classifier(self, cube):
        known = np.full((6, 6), -1)
        known[1, 1], known[4, 1] = 3, 5
        classifier = CubeClassifier(KNeighborsClassifier(1)).fit(cube, known)
        labels = classifier.predict(cube)
        assert (labels[:, 4] == -2).all()
        assert (labels[:, 5] == -3).all()
        assert np.isnan(classifier.predict_proba(cube)[:, 4:]).all()


def agreement_by_definition(own, labels):
    """Return how sure labels are: own agreement, and that of four neighbors."""
    expected = own.astype(np.float64)
    for row, column in np.argwhere(labels >= 0):
        beside = [
            (row + down, column + right)
            for down, right in ((-1, 0), (1, 0), (0, -1), (0, 1))
            if 0 <= row + down < labels.shape[0]
            and 0 <= column + right < labels.shape[1]
            and labels[row + down, column + right] >= 0
        ]
        same = [own[p] if labels[p] == labels[row, column] else 0 for p in beside]
        if same:
            expected[row, column] = (own[row, column] + np.mean(same)) / 2
    return expected


class TestAgreement:
    """How sure labels are, by the members of a consensus and by neighbors."""

    @pytest.fixture
    def cube(self):
        rng = np.random.default_rng(0)
        cube = rng.normal(size=(12, 10, 3))
        cube[:6] += 3
        cube[2, 3] = np.nan
        return cube

    @pytest.mark.parametrize("sampler", [None, PixelSampler(60, random_state=0)])
    def test_is_that_of_the_members_and_of_neighbors(self, cube, sampler):
        consensus = ConsensusClusterer(
            KMeans(n_init=1), n_clusters=4, n_estimators=5, random_state=0
        )
        clusterer = CubeClusterer(
            make_pipeline(StandardScaler(), consensus), sampler=sampler
        ).fit(cube)
        valid = ~np.isnan(cube).any(axis=2)
        rows = clusterer.estimator_[:-1].transform(cube[valid])
        own = np.full(valid.shape, np.nan)
        own[valid] = clusterer.estimator_[-1].agreement(rows)
        expected = agreement_by_definition(own, clusterer.labels_)
        np.testing.assert_allclose(clusterer.agreement_, expected, rtol=1e-6)
        assert np.isnan(clusterer.agreement_[2, 3])
        assert clusterer.agreement_.dtype == np.float32
        np.testing.assert_array_equal(
            clusterer.agreement(cube[3:])[1:], clusterer.agreement_[4:]
        )
        assert clusterer.agreement(cube[2:3, 3:4]).shape == (1, 1)
        other = CubeClusterer(KMeans(2, n_init=1, random_state=0)).fit(cube)
        assert not hasattr(other, "agreement_")
        assert not hasattr(other, "agreement")

    def test_falls_on_photons_and_not_in_areas(self):
        """All members part 0 from 1, be it of photons or of two halves."""
        photons = np.random.default_rng(0).random((60, 60, 1)) < 0.5
        halves = np.indices((60, 60))[0][:, :, np.newaxis] < 30
        means = []
        for image in (photons, halves):
            consensus = ConsensusClusterer(
                KMeans(2, n_init=1), n_estimators=4, random_state=0
            )
            clusterer = CubeClusterer(consensus).fit(image * 1.0)
            own = clusterer.estimator_.agreement_
            np.testing.assert_allclose(own, 1, rtol=1e-6)
            means.append(clusterer.agreement_.mean())
        assert means[0] == pytest.approx(0.75, abs=0.02)  # every second neighbor
        assert means[1] == pytest.approx(1 - 2 / 60 / 8, abs=0.002)  # border rows

    def test_strips_do_not_change_it(self, cube, monkeypatch):
        consensus = ConsensusClusterer(KMeans(3), n_estimators=4, random_state=0)
        whole = CubeClusterer(consensus).fit(cube).agreement_
        set_size(monkeypatch, "block", pixels=20)
        cut = CubeClusterer(consensus).fit(cube).agreement_
        np.testing.assert_array_equal(cut, whole)


class TestScore:
    """The score of the clusterer, for the valid pixels."""

    @pytest.mark.parametrize("runs", [None, 3])
    def test_is_minus_the_squares_around_the_centers_of_clusters(self, cube, runs):
        som = ESOM(n_clusters=3, random_state=0)
        if runs:
            som = ConsensusClusterer(som, n_estimators=runs, n_clusters=3)
            som.set_params(random_state=0)
        clusterer = CubeClusterer(make_pipeline(StandardScaler(), som))
        pipeline = make_pipeline(AsinhStretch(), clusterer).fit(cube)
        table, _ = pipeline[-1].table(pipeline[0].transform(cube))
        scaler, last = pipeline[-1].estimator_
        rows = scaler.transform(table).astype(float)
        apart = rows - last.cluster_centers_[last.labels_]
        assert pipeline.score(cube) == pytest.approx(-np.sum(apart**2), rel=1e-5)
        assert pipeline.score(cube, np.zeros(cube.shape[:2])) == pipeline.score(cube)

    def test_of_others_is_their_own(self, cube):
        clusterer = CubeClusterer(KMeans(3, random_state=0)).fit(cube)
        assert clusterer.score(cube) == pytest.approx(-clusterer.estimator_.inertia_)
        with pytest.raises(ValueError, match="All 6 pixels are masked"):
            clusterer.score(cube[17:19, 22:25])

    def test_a_search_without_a_scorer_takes_it(self, cube):
        som = CSOM(None, n_epochs=5, random_state=0)
        shapes = {"estimator__shape": [(2, 2), (5, 5)]}
        search = GridSearchCV(CubeClusterer(som), shapes, cv=2, error_score="raise")
        assert search.fit(cube).best_params_ == {"estimator__shape": (5, 5)}

    def test_uses_the_errors_that_the_map_was_learned_with(self, cube):
        data = np.asarray(cube)
        cube = Cube(data, errors=np.full(data.shape, 0.1, data.dtype))
        clusterer = CubeClusterer(CSOM(shape=(4, 4), random_state=0)).fit(cube)
        # Each is added in quadrature to the typical one, which is the same here.
        table, _ = clusterer.table(cube)
        centers = clusterer.estimator_.cluster_centers_
        squares = np.square(table - centers[clusterer.estimator_.labels_])
        how = {"errors": np.full(table.shape, np.hypot(0.1, 0.1), table.dtype)}
        expected = clusterer.estimator_.score(table, **how)
        assert clusterer.score(cube) == pytest.approx(expected)
        assert expected == pytest.approx(-np.sum(squares) / 0.02, rel=1e-5)

    def test_is_missing_where_the_clusterer_has_none(self, cube):
        for estimator in (DBSCAN(), ConsensusClusterer(DBSCAN(), n_clusters=2)):
            assert not hasattr(CubeClusterer(estimator), "score")
        assert hasattr(CubeClusterer(), "score")


class TestDistances:
    """How far pixels are from all units, and from all that was learned."""

    @pytest.mark.parametrize(
        "clusterer",
        [
            None,
            ESOM(3, random_state=0),
            CSOM(3, shape=(4, 4), random_state=0),
            ConsensusClusterer(ESOM(3), n_estimators=2, random_state=0),
        ],
        ids=["default", "ESOM", "CSOM", "consensus"],
    )
    def test_one_pixel_of_a_hundred_is_beyond_the_limit(self, clusterer):
        data = np.random.default_rng(0).normal(size=(40, 50, 2)).astype(np.float32)
        data[0, :7] = np.nan
        step = CubeClusterer(clusterer).fit(data)
        distances = step.distances(data)
        assert (distances.shape, distances.dtype) == ((40, 50), np.float32)
        assert np.isnan(distances[0, :7]).all()
        beyond = np.count_nonzero(distances > step.distance_limit_)
        assert beyond == pytest.approx(0.01 * (2000 - 7), abs=1)
        far = step.distances(data + np.float32(30))
        assert (far[1:] > step.distance_limit_).all()

    def test_they_are_to_the_nearest_unit(self):
        data = np.random.default_rng(0).normal(size=(20, 20, 3))
        step = CubeClusterer(CSOM(3, shape=(3, 3), random_state=0)).fit(data)
        nearest = cdist(data.reshape(-1, 3), step.estimator_.codebook_).min(axis=1)
        np.testing.assert_allclose(step.distances(data).ravel(), nearest, rtol=1e-5)

    def test_clusterers_without_units_tell_none(self):
        data = np.random.default_rng(0).normal(size=(20, 20, 3))
        step = CubeClusterer(KMeans(2, n_init=1, random_state=0)).fit(data)
        assert step.distance_limit_ is None
        assert not hasattr(step, "distances")
