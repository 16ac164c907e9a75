# SPDX-License-Identifier: BSD-3-Clause
"""MapClassifier on a CSOM: units that vote by the classes of their samples."""

import pickle

import numpy as np
import pytest
from _supervised import csom_classifier, esom_classifier
from numpy.testing import assert_allclose, assert_array_equal
from sklearn.datasets import load_iris, make_blobs, make_moons
from sklearn.model_selection import GridSearchCV, StratifiedKFold, cross_val_score
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from skesom.som import CSOM


@pytest.fixture
def blobs(global_random_seed):
    """Three classes that overlap, of 400, 200 and 50 samples."""
    X, y = make_blobs(
        [400, 200, 50],
        3,
        centers=[[0, 0, 0], [3, 0, 0], [0, 3, 0]],
        random_state=global_random_seed,
    )
    return X, np.array(["a", "b", "c"])[y]


def two_units(**parameters):
    """Units near 0 and 10 that do not move each other."""
    parameters = {"smoothing": 0, **parameters}
    return csom_classifier(2, init=[[1.0], [9.0]], sigma=0.02, **parameters)


class TestUnits:
    """What they know."""

    @pytest.mark.parametrize(
        "parameters",
        [
            {},
            {"algorithm": "online", "random_state": 3, "n_epochs": 2},
            {"topology": "rectangular", "toroidal": True, "metric": "manhattan"},
            {"metric": "cosine", "neighborhood": "bubble"},
        ],
    )
    def test_the_map_is_that_without_classes(self, blobs, parameters):
        X, y = blobs
        classifier = csom_classifier((4, 5), smoothing=0, **parameters).fit(X, y)
        plain = CSOM(shape=(4, 5), **parameters).fit(X)
        for name in ("codebook_", "hits_", "positions_", "training_errors_"):
            assert_array_equal(
                getattr(classifier.estimator_, name), getattr(plain, name)
            )
        assert classifier.estimator_.quantization_error_ == plain.quantization_error_
        winners = plain.winners(X)
        for place, label in enumerate(["a", "b", "c"]):
            expected = np.bincount(winners[y == label], minlength=20)
            assert_array_equal(classifier.class_hits_[:, place], expected)
        assert_array_equal(classifier.class_count_, [400, 200, 50])
        hit = plain.hits_ > 0
        counts = classifier.class_hits_[hit]
        clear = np.sort(counts)[:, -1] > np.sort(counts)[:, -2]
        most = classifier.classes_[counts.argmax(axis=1)]
        assert_array_equal(classifier.unit_classes_[hit][clear], most[clear])

    def test_a_unit_without_samples_votes_as_the_nearest_that_has_some(self):
        init = [[0.0], [1.4], [1.6], [3.0]]
        classifier = csom_classifier(4, init=init, sigma=0.02, n_epochs=1)
        classifier.fit([[0.0], [0.0], [3.0]], ["left", "left", "right"])
        assert_array_equal(classifier.class_hits_.sum(axis=1), [2, 0, 0, 1])
        assert classifier.unit_classes_.tolist() == ["left", "left", "right", "right"]


class TestProbabilities:
    """By hand: hits (3, 1) and (0, 4), and one sample is added as the prior."""

    X = np.array([0.0, 0, 0, 0, 10, 10, 10, 10])[:, np.newaxis]
    y = np.array(list("aaabbbbb"))

    @pytest.mark.parametrize(
        ("parameters", "expected"),
        [
            ({}, [[3.375 / 5, 1.625 / 5], [0.375 / 5, 4.625 / 5]]),
            ({"n_neighbors": 2}, [[3.375 / 9, 5.625 / 9]] * 2),
            (
                {"class_weight": {"b": 3}},
                [[3.375 / 8.25, 4.875 / 8.25], [0.375 / 14.25, 13.875 / 14.25]],
            ),
        ],
    )
    def test_of_units(self, parameters, expected):
        classifier = two_units(**parameters).fit(self.X, self.y)
        assert_allclose(classifier.predict_proba([[1.0], [9.0]]), expected)

    def test_neighbors_share_their_hits(self):
        classifier = two_units(smoothing=0.5).fit(self.X, self.y)
        h = np.exp(-2)
        votes = np.array([[3, 1 + 4 * h], [3 * h, 4 + h]]) + [3 / 8, 5 / 8]
        expected = votes / votes.sum(axis=1, keepdims=True)
        assert_allclose(classifier.predict_proba([[1.0], [9.0]]), expected)
        assert_array_equal(classifier.class_hits_, [[3, 1], [0, 4]])  # as counted

    def test_units_that_were_told_count_as_one_sample(self):
        # The inner units of a chain of four have what their outer neighbors tell them.
        init = [[0.0], [1.0], [2.0], [9.0]]
        classifier = csom_classifier(4, init=init, sigma=0.02, n_epochs=1, unlabeled=-1)
        classifier.fit([[0.0], [0], [1], [2], [9]], [5, 5, -1, -1, 7])
        prior = np.array([2, 1]) / 3
        by_two, by_one = (np.array([2, 0]) + prior) / 3, (np.array([1, 0]) + prior) / 2
        of_four = (np.array([0, 1]) + prior) / 2
        probabilities = classifier.predict_proba(init)
        assert 2 * np.exp(-2) < 1
        expected = [by_two, by_one, of_four, of_four]
        assert_allclose(probabilities, expected, atol=3e-3)  # exp(-8) from two away

    def test_without_any_feature_is_the_share_in_training(self):
        classifier = two_units().fit(self.X, self.y)
        assert_allclose(classifier.predict_proba([[np.nan]]), [[3 / 8, 5 / 8]])
        assert classifier.predict([[np.nan]]) == ["b"]

    def test_weights_count(self):
        weights = np.array([2.0, 0, 0, 0.5, 1, 1, 1, 1])
        classifier = two_units().fit(self.X, self.y, sample_weight=weights)
        assert_allclose(classifier.class_hits_, [[2, 0.5], [0, 4]])
        prior = np.array([2, 4.5]) / 6.5
        expected = (np.array([2, 0.5]) + prior) / 3.5
        assert_allclose(classifier.predict_proba([[0.0]]), [expected])


def test_accuracy_on_iris():
    X, y = load_iris(return_X_y=True)
    classifier = make_pipeline(StandardScaler(), csom_classifier((6, 4)))
    scores = cross_val_score(classifier, X, y, cv=StratifiedKFold(10))
    assert scores.mean() > 0.92


def test_a_search_over_all_kinds_of_parameters():
    X, y = load_iris(return_X_y=True)
    grid = {
        "estimator__shape": [1, (5, 5)],
        "n_neighbors": [1, 3],
        "estimator__topology": ["rectangular"],
    }
    search = GridSearchCV(csom_classifier(n_epochs=5), grid, cv=3).fit(X, y)
    assert search.best_params_["estimator__shape"] == (5, 5)


def test_errors_of_values():
    rng = np.random.default_rng(3)
    y = rng.integers(0, 2, size=800)
    errors = np.where(rng.uniform(size=(800, 6)) < 0.4, 20.0, 0.3)
    X = y[:, None] * 2.0 + errors * rng.normal(size=(800, 6))
    classifier = csom_classifier((5, 5)).fit(X, y, errors=errors)
    assert np.mean(classifier.predict(X, errors=errors) == y) > 0.97
    blind = csom_classifier((5, 5)).fit(X, y)
    assert blind.score(X, y) < 0.85
    with pytest.raises(ValueError, match="'errors' must have the shape of X"):
        classifier.fit(X, y, errors=errors[:, :5])


class TestUnlabeled:
    """Samples that train the map, but do not vote."""

    def test_the_map_is_that_of_all_and_the_votes_those_of_some(self, blobs):
        X, y = blobs
        few = np.where(np.arange(len(X)) % 5, "?", y)
        classifier = csom_classifier((4, 5), unlabeled="?").fit(X, few)
        everyone = csom_classifier((4, 5)).fit(X, y)
        assert_array_equal(
            classifier.estimator_.codebook_, everyone.estimator_.codebook_
        )
        assert classifier.classes_.tolist() == ["a", "b", "c"]
        known = csom_classifier((4, 5), init=everyone.estimator_.codebook_, sigma=1e-3)
        winners = everyone.estimator_.winners(X[::5])
        for place, label in enumerate(known.fit(X, y).classes_):
            expected = np.bincount(winners[y[::5] == label], minlength=20)
            assert_array_equal(classifier.class_hits_[:, place], expected)

    def test_they_help_where_classes_are_curved(self):
        X, y = make_moons(1000, noise=0.05, random_state=0)
        gains = []
        for seed in range(5):
            labeled = np.random.default_rng(seed).permutation(1000)[:30]
            few = np.full(1000, -1)
            few[labeled] = y[labeled]
            with_others = csom_classifier((10, 10), unlabeled=-1).fit(X, few)
            alone = csom_classifier((10, 10)).fit(X[labeled], y[labeled])
            gains.append(with_others.score(X, y) - alone.score(X, y))
        assert np.mean(gains) > 0

    @pytest.mark.parametrize("classifier", [csom_classifier((3, 3)), esom_classifier()])
    @pytest.mark.parametrize("unlabeled", [-1, 7.0])
    def test_whatever_marks_them(self, blobs, classifier, unlabeled):
        X, _ = blobs
        y = np.where(np.arange(len(X)) % 2, 0, unlabeled)
        y[::4] = 1
        classifier.set_params(unlabeled=unlabeled).fit(X, y)
        assert classifier.classes_.tolist() == [0, 1]
        assert classifier.class_count_.sum() == np.count_nonzero(y != unlabeled)
        assert set(classifier.predict(X)) <= {0, 1}

    @pytest.mark.parametrize("classifier", [csom_classifier((3, 3)), esom_classifier()])
    def test_nothing_labeled(self, blobs, classifier):
        X, _ = blobs
        classifier.set_params(unlabeled=-1)
        with pytest.raises(ValueError, match="All 650 samples are unlabeled, y is -1"):
            classifier.fit(X, np.full(650, -1))
        # A stream may begin so, if it tells the classes.
        classifier.partial_fit(X, np.full(650, -1), classes=[3, 4])
        assert_allclose(classifier.predict_proba(X[:3]), 0.5)
        assert classifier.partial_fit(X, np.full(650, 4)).predict(X[:1]) == [4]


class TestStream:
    """partial_fit follows, and adds up hits."""

    def test_the_first_call_is_fit(self, blobs):
        X, y = blobs
        fitted = csom_classifier((4, 5)).fit(X, y)
        streamed = csom_classifier((4, 5)).partial_fit(X, y, classes=["c", "a", "b"])
        assert_array_equal(streamed.estimator_.codebook_, fitted.estimator_.codebook_)
        assert_array_equal(streamed.predict_proba(X), fitted.predict_proba(X))

    def test_hits_add_up_and_units_follow(self, blobs):
        X, y = blobs
        classifier = csom_classifier((4, 5)).partial_fit(X, y)
        before = classifier.class_hits_
        plain = CSOM(None, shape=(4, 5)).partial_fit(X).partial_fit(X[:100] + 1)
        classifier.partial_fit(X[:100] + 1, y[:100], sample_weight=np.ones(100))
        assert_array_equal(classifier.estimator_.codebook_, plain.codebook_)
        new = np.bincount(plain.winners(X[:100] + 1), minlength=20)
        assert_array_equal((classifier.class_hits_ - before).sum(axis=1), new)
        assert classifier.class_count_.sum() == 750
        again = pickle.loads(pickle.dumps(classifier))
        assert_array_equal(again.predict_proba(X), classifier.predict_proba(X))

    def test_a_class_that_was_not_announced_changes_nothing(self, blobs):
        X, y = blobs
        classifier = csom_classifier((3, 3)).partial_fit(X, y)
        before = pickle.dumps(vars(classifier))
        with pytest.raises(ValueError, match=r"not announced: \['quasar'\]"):
            classifier.partial_fit(X[:2], ["a", "quasar"])
        with pytest.raises(ValueError, match="differ from those of the first call"):
            classifier.partial_fit(X[:2], y[:2], classes=["a", "b"])
        assert pickle.dumps(vars(classifier)) == before


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_missing_features_and_dtype(blobs, dtype):
    X, y = blobs
    X = X.astype(dtype)
    X[np.random.default_rng(1).random(X.shape) < 0.2] = np.nan
    X[7] = np.nan
    classifier = csom_classifier((5, 5)).fit(X, y)
    assert classifier.estimator_.codebook_.dtype == dtype
    n_observed = len(X) - np.isnan(X).all(axis=1).sum()
    assert classifier.class_hits_.sum() == classifier.class_count_.sum() == n_observed
    assert classifier.score(X, y) > 0.75


@pytest.mark.parametrize(
    ("parameters", "message"),
    [
        ({"shape": (3, 0)}, "'shape' of the lattice must be two integers >= 1"),
        ({"n_neighbors": 0}, "The 'n_neighbors' parameter of MapClassifier"),
        ({"class_weight": {1: 0}}, r"class_weight\[1\]=0 should be positive"),
        ({"unlabeled": [1]}, "The 'unlabeled' parameter of MapClassifier"),
        ({"neighborhood": "mexican_hat"}, 'needs algorithm="online"'),
    ],
)
def test_refused_parameters(parameters, message):
    X, y = load_iris(return_X_y=True)
    with pytest.raises(ValueError, match=message):
        csom_classifier(**parameters).fit(X, y)


def test_refused_data():
    X, y = load_iris(return_X_y=True)
    with pytest.raises(ValueError, match="inconsistent numbers of samples"):
        csom_classifier().fit(X, y[:-1])
    with pytest.raises(ValueError, match="Unknown label type"):
        csom_classifier().fit(X, y + 0.5 * X[:, 0])
    with pytest.raises(ValueError, match=r"zero weight|at least one non-zero"):
        csom_classifier().fit(X, y, sample_weight=np.zeros(150))
