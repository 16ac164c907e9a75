# SPDX-License-Identifier: BSD-3-Clause
"""MapClassifier: nodes or units that vote by the classes of their samples."""

import pickle
from types import SimpleNamespace

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from sklearn.cluster import KMeans
from sklearn.datasets import load_iris, make_blobs, make_moons
from sklearn.exceptions import ConvergenceWarning
from sklearn.metrics import balanced_accuracy_score
from sklearn.model_selection import GridSearchCV, StratifiedKFold, cross_val_score

from skesom.som import CSOM, ESOM, MapClassifier
from skesom.som._network import Network
from tests.helpers.reference_maps import EvolvingMap, two_smallest
from tests.helpers.supervised_maps import csom_classifier, esom_classifier

every_rule = pytest.mark.parametrize("label_rule", ["majority", "grow"])


def small_csom(**parameters):
    return csom_classifier((4, 5), **parameters)


def grown(**parameters):
    return esom_classifier(label_rule="grow", **parameters)


every_front = pytest.mark.parametrize("front", [esom_classifier, grown, small_csom])
both_fronts = pytest.mark.parametrize("front", [esom_classifier, small_csom])


def two_units(**parameters):
    """Units near 0 and 10 that do not move each other."""
    parameters = {"smoothing": 0, **parameters}
    return csom_classifier(2, init=[[1.0], [9.0]], sigma=0.02, **parameters)


def two_nodes(**parameters):
    return esom_classifier(1.0, **parameters)


class LabeledMap(EvolvingMap):
    """The plain map of the definition, whose nodes grow on a wrong label too."""

    def __init__(self, epsilon, **rule):
        super().__init__(epsilon, **rule)
        self.radius = epsilon
        self.labels = []

    def learn(self, X, y):
        self.nodes = np.empty((0, X.shape[1]))
        for sample, self.label in zip(X, y, strict=True):
            nearest = two_smallest(self.squared_distances(sample, range(len(sample))))
            if nearest and self.labels[nearest[0]] != self.label:
                self.epsilon = 0  # novel at any distance: none of these lies on a node
            self.learn_one(sample)
        return self

    def insert(self, sample, nearest, squared):
        self.labels.append(self.label)
        return super().insert(sample, nearest, squared)

    def adapt(self, sample, present, winner, squared):
        self.epsilon = self.radius
        super().adapt(sample, present, winner, squared)

    def remove(self, node):
        super().remove(node)
        self.labels[node] = self.labels[-1]
        self.labels.pop()


def scaled(X):
    return (X - X.min(axis=0)) / (X.max(axis=0) - X.min(axis=0))


@pytest.fixture(scope="module")
def spirals():
    """Two intertwined spirals of 97 points each (Lang & Witbrock 1988)."""
    step = np.arange(97)
    angle, radius = step * np.pi / 16, 6.5 * (104 - step) / 104
    arm = np.column_stack([radius * np.sin(angle), radius * np.cos(angle)])
    return scaled(np.concatenate([arm, -arm])), np.repeat([0, 1], 97)


@pytest.fixture(scope="module")
def iris():
    X, y = load_iris(return_X_y=True)
    return scaled(X), y


@pytest.fixture
def overlapping(global_random_seed):
    """Three classes that overlap, of 400, 200 and 50 samples."""
    centers = [[0, 0, 0], [2, 0, 0], [0, 2, 0]]
    X, y = make_blobs(
        [400, 200, 50], 3, centers=centers, random_state=global_random_seed
    )
    return X, np.array(["a", "b", "c"])[y]


def test_nearest_node_of_a_class():
    codebook = np.array([[0.0], [1.0], [5.0]])
    node_class = np.array([2, 1, 2])
    network = SimpleNamespace(units=lambda: codebook, n_nodes=3, node_class=node_class)
    X = np.array([[1.0], [4.0], [4.0], [1.0]])
    found = Network.nearest_of_class(network, X, np.array([2, 2, 1, 3]))
    assert_array_equal(found, [0, 2, 1, -1])


class TestKnownNumbers:
    """Figures of an independent implementation, one pass, samples in random order."""

    @pytest.mark.parametrize(
        ("label_rule", "accuracy"), [("majority", 0.958), ("grow", 0.953)]
    )
    def test_iris(self, iris, label_rule, accuracy):
        classifier = esom_classifier(0.2, label_rule=label_rule, shuffle=False)
        scores = cross_val_score(classifier, *iris, cv=StratifiedKFold(10))
        assert scores.mean() == pytest.approx(accuracy, abs=0.02)

    @pytest.mark.parametrize(
        ("epsilon", "label_rule", "accuracy"),
        [
            (0.06, "majority", 1.0),
            (0.06, "grow", 1.0),
            (0.10, "majority", 0.672),
            (0.10, "grow", 0.984),
        ],
    )
    def test_two_spirals(self, spirals, epsilon, label_rule, accuracy):
        scores, sizes = [], []
        for seed in range(20):
            classifier = esom_classifier(
                epsilon, label_rule=label_rule, random_state=seed
            ).fit(*spirals)
            scores.append(classifier.score(*spirals))
            sizes.append(len(classifier.estimator_.codebook_))
        assert np.mean(scores) == pytest.approx(accuracy, abs=0.02)
        if epsilon == 0.06:
            assert min(scores) == 1
            assert np.mean(sizes) == pytest.approx(123, abs=1)

    def test_units_on_iris(self, iris):
        scores = cross_val_score(csom_classifier((6, 4)), *iris, cv=StratifiedKFold(10))
        assert scores.mean() > 0.92


class TestLearning:
    """What the nodes are under the two rules."""

    @pytest.mark.parametrize(
        "seed",
        [*range(8), *(pytest.param(n, marks=pytest.mark.long) for n in range(8, 20))],
    )
    def test_grown_nodes_follow_the_definition(self, seed):
        rng = np.random.default_rng(seed)
        n_samples, n_features = rng.integers(2, 400), rng.integers(1, 9)
        X = rng.normal(size=(n_samples, n_features))
        y = rng.integers(0, rng.integers(1, 5), n_samples)
        rule = {
            "pruning_period": int(rng.choice([0, 1, 7, 50])),
            "link_second": bool(rng.integers(2)),
            "learning_rate": 0.1,
        }
        plain = LabeledMap(0.7, **rule).learn(X, y)
        classifier = esom_classifier(0.7, label_rule="grow", shuffle=False, **rule)
        classifier.fit(X, y)
        assert_allclose(classifier.estimator_.codebook_, plain.nodes, rtol=1e-10)
        assert_array_equal(classifier.unit_classes_, plain.labels)
        strengths = classifier.estimator_.connections_.toarray()
        assert classifier.estimator_.connections_.nnz == 2 * len(plain.strengths)
        for (low, high), strength in plain.strengths.items():
            assert strengths[low, high] == pytest.approx(strength, rel=1e-10)

    def test_majority_has_the_nodes_of_the_unlabeled_map(self, overlapping):
        X, y = overlapping
        same = {"epsilon": 0.8, "learning_rate": 0.1, "random_state": 3, "n_epochs": 2}
        classifier = esom_classifier(**same).fit(X, y)
        plain = ESOM(None, **same).fit(X)
        assert_array_equal(classifier.estimator_.codebook_, plain.codebook_)
        assert_array_equal(classifier.class_hits_.sum(axis=1), plain.hits_)
        for place, label in enumerate(classifier.classes_):
            expected = np.bincount(
                plain.winners(X[y == label]), minlength=len(plain.codebook_)
            )
            assert_array_equal(classifier.class_hits_[:, place], expected)

    @every_rule
    def test_bounded_network_ends_and_counts_everyone(self, overlapping, label_rule):
        X, y = overlapping
        classifier = esom_classifier(
            1e-6, label_rule=label_rule, max_nodes=40, random_state=0
        )
        with pytest.warns(ConvergenceWarning, match="max_nodes=40"):
            classifier.fit(X, y)
        assert len(classifier.estimator_.codebook_) <= 40
        assert classifier.class_hits_.sum() == len(X)
        assert set(classifier.unit_classes_) <= {"a", "b", "c"}

    def test_merging_never_mixes_classes(self):
        """Two classes in one place stay two nodes however far epsilon grows."""
        X = np.random.default_rng(0).normal(size=(300, 2))
        y = np.arange(300) % 2
        classifier = esom_classifier(
            1e-6, label_rule="grow", max_nodes=4, pruning_period=0, random_state=0
        )
        with pytest.warns(ConvergenceWarning, match="max_nodes=4"):
            classifier.fit(X, y)
        assert set(classifier.unit_classes_) == {0, 1}
        assert (np.count_nonzero(classifier.class_hits_, axis=1) <= 1).all()

    @every_rule
    def test_same_seed_same_result(self, overlapping, label_rule):
        X, y = overlapping
        before = pickle.dumps(np.random.get_state())  # noqa: NPY002
        one, two = (
            esom_classifier(label_rule=label_rule, random_state=5).fit(X, y)
            for _ in range(2)
        )
        assert_array_equal(one.estimator_.codebook_, two.estimator_.codebook_)
        assert_array_equal(one.predict_proba(X), two.predict_proba(X))
        assert pickle.dumps(np.random.get_state()) == before  # noqa: NPY002

    @pytest.mark.parametrize(
        "parameters",
        [
            {},
            {"algorithm": "online", "random_state": 3, "n_epochs": 2},
            {"topology": "rectangular", "toroidal": True, "metric": "manhattan"},
            {"metric": "cosine", "neighborhood": "bubble"},
        ],
    )
    def test_the_map_is_that_without_classes(self, overlapping, parameters):
        X, y = overlapping
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

    @pytest.mark.parametrize("front", [two_nodes, two_units])
    @pytest.mark.parametrize(
        ("parameters", "expected"),
        [
            # (hits + frequency) / (sum of hits + 1), frequencies 3/8 and 5/8
            ({}, [[3.375 / 5, 1.625 / 5], [0.375 / 5, 4.625 / 5]]),
            ({"n_neighbors": 2}, [[3.375 / 9, 5.625 / 9]] * 2),
            ({"n_neighbors": 7}, [[3.375 / 9, 5.625 / 9]] * 2),
            (
                {"class_weight": {"b": 3}},
                [[3.375 / 8.25, 4.875 / 8.25], [0.375 / 14.25, 13.875 / 14.25]],
            ),
        ],
    )
    def test_of_units(self, front, parameters, expected):
        classifier = front(**parameters).fit(self.X, self.y)
        assert_array_equal(np.sort(classifier.class_hits_.sum(axis=1)), [4, 4])
        assert_allclose(classifier.predict_proba([[1.0], [9.0]]), expected)
        share = np.array([3, 5 * parameters.get("class_weight", {}).get("b", 1)])
        assert_allclose(classifier.predict_proba([[np.nan]]), [share / share.sum()])
        assert classifier.predict([[np.nan]]) == ["b"]

    @pytest.mark.parametrize("front", [two_nodes, two_units])
    def test_balanced_by_hand(self, front):
        classifier = front(class_weight="balanced").fit(self.X, self.y)
        left = np.array([3 / (3 / 8) + 1, 1 / (5 / 8) + 1])
        assert_allclose(classifier.predict_proba([[0.0]])[0], left / left.sum())

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

    def test_weights_count(self):
        weights = np.array([2.0, 0, 0, 0.5, 1, 1, 1, 1])
        classifier = two_units().fit(self.X, self.y, sample_weight=weights)
        assert_allclose(classifier.class_hits_, [[2, 0.5], [0, 4]])
        prior = np.array([2, 4.5]) / 6.5
        expected = (np.array([2, 0.5]) + prior) / 3.5
        assert_allclose(classifier.predict_proba([[0.0]]), [expected])

    @every_front
    @pytest.mark.parametrize(
        ("n_neighbors", "class_weight"), [(1, "balanced"), (4, None)]
    )
    def test_sum_to_one_and_agree_with_predict(
        self, overlapping, front, n_neighbors, class_weight
    ):
        X, y = overlapping
        classifier = front(n_neighbors=n_neighbors, class_weight=class_weight)
        classifier.set_params(estimator__random_state=0).fit(X, y)
        probabilities = classifier.predict_proba(X)
        assert_allclose(probabilities.sum(axis=1), 1)
        assert (probabilities > 0).all()
        expected = classifier.classes_[probabilities.argmax(axis=1)]
        assert_array_equal(classifier.predict(X), expected)

    def test_balanced_finds_more_of_a_rare_class(self, overlapping):
        X, y = overlapping
        plain, balanced = (
            balanced_accuracy_score(
                y,
                esom_classifier(1.5, class_weight=weight, random_state=0)
                .fit(X, y)
                .predict(X),
            )
            for weight in (None, "balanced")
        )
        assert balanced > plain + 0.05

    @every_front
    @pytest.mark.parametrize(
        ("n_neighbors", "dtype"), [(1, np.float64), (3, np.float32)]
    )
    def test_missing_features_and_dtype(self, overlapping, front, n_neighbors, dtype):
        X, y = overlapping
        X = X.astype(dtype)
        X[np.random.default_rng(1).random(X.shape) < 0.2] = np.nan
        X[7] = np.nan
        classifier = front(n_neighbors=n_neighbors)
        classifier.set_params(estimator__random_state=0).fit(X, y)
        assert classifier.estimator_.codebook_.dtype == dtype
        n_observed = len(X) - np.isnan(X).all(axis=1).sum()
        assert classifier.class_count_.sum() == n_observed
        assert classifier.class_hits_.sum() == n_observed
        frequency = classifier.class_count_ / n_observed
        assert_allclose(classifier.predict_proba(X[7:8])[0], frequency)
        assert classifier.score(X, y) > 0.7


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

    def test_the_map_is_that_of_all_and_the_votes_those_of_some(self, overlapping):
        X, y = overlapping
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
    def test_whatever_marks_them(self, overlapping, classifier, unlabeled):
        X, _ = overlapping
        y = np.where(np.arange(len(X)) % 2, 0, unlabeled)
        y[::4] = 1
        classifier.set_params(unlabeled=unlabeled).fit(X, y)
        assert classifier.classes_.tolist() == [0, 1]
        assert classifier.class_count_.sum() == np.count_nonzero(y != unlabeled)
        assert set(classifier.predict(X)) <= {0, 1}

    @pytest.mark.parametrize("classifier", [csom_classifier((3, 3)), esom_classifier()])
    def test_nothing_labeled(self, overlapping, classifier):
        X, _ = overlapping
        classifier.set_params(unlabeled=-1)
        with pytest.raises(ValueError, match="All 650 samples are unlabeled, y is -1"):
            classifier.fit(X, np.full(650, -1))
        # A stream may begin so, if it tells the classes.
        classifier.partial_fit(X, np.full(650, -1), classes=[3, 4])
        assert_allclose(classifier.predict_proba(X[:3]), 0.5)
        assert classifier.partial_fit(X, np.full(650, 4)).predict(X[:1]) == [4]


class TestStream:
    """partial_fit goes on where it was."""

    @every_rule
    def test_chunks_are_one_pass(self, overlapping, label_rule):
        X, y = overlapping
        rule = {"epsilon": 0.8, "label_rule": label_rule, "shuffle": False}
        order = np.argsort(y, kind="stable")  # the first chunk lacks two classes
        whole = esom_classifier(**rule).fit(X[order], y[order])
        parts = esom_classifier(**rule)
        for rows in np.array_split(order, 7):
            parts.partial_fit(X[rows], y[rows], classes=["c", "a", "b"])
            parts = pickle.loads(pickle.dumps(parts))
        assert_array_equal(parts.estimator_.codebook_, whole.estimator_.codebook_)
        assert_array_equal(parts.classes_, whole.classes_)
        assert_array_equal(parts.class_count_, whole.class_count_)
        assert_array_equal(parts.class_hits_.sum(axis=0), whole.class_hits_.sum(axis=0))
        assert parts.score(X, y) == pytest.approx(whole.score(X, y), abs=0.05)

    @every_rule
    def test_hits_outlive_their_nodes(self, overlapping, label_rule):
        X, y = overlapping
        classifier = esom_classifier(0.3, label_rule=label_rule, pruning_period=2)
        classifier.partial_fit(X, y)
        before = classifier.estimator_._network.identity[
            : len(classifier.estimator_.codebook_)
        ]
        classifier.partial_fit(X[::-1], y[::-1])
        after = classifier.estimator_._network.identity[
            : len(classifier.estimator_.codebook_)
        ]
        assert not set(before) <= set(after)
        assert_array_equal(
            classifier.class_hits_.sum(axis=0), 2 * np.array([400, 200, 50])
        )

    def test_the_first_call_is_fit(self, overlapping):
        X, y = overlapping
        fitted = csom_classifier((4, 5)).fit(X, y)
        streamed = csom_classifier((4, 5)).partial_fit(X, y, classes=["c", "a", "b"])
        assert_array_equal(streamed.estimator_.codebook_, fitted.estimator_.codebook_)
        assert_array_equal(streamed.predict_proba(X), fitted.predict_proba(X))

    def test_hits_add_up_and_units_follow(self, overlapping):
        X, y = overlapping
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

    @both_fronts
    def test_a_class_that_was_not_announced_changes_nothing(self, overlapping, front):
        X, y = overlapping
        classifier = front().partial_fit(X, y, classes=["a", "b", "c"])
        before = pickle.dumps(vars(classifier))
        with pytest.raises(ValueError, match=r"not announced: \['quasar'\]"):
            classifier.partial_fit(X[:2], ["a", "quasar"])
        with pytest.raises(ValueError, match="differ from those of the first call"):
            classifier.partial_fit(X[:2], y[:2], classes=["a", "b"])
        assert pickle.dumps(vars(classifier)) == before
        with pytest.raises(ValueError, match=r"not announced: \['c'\]"):
            front().partial_fit(X, y, classes=["a", "b"])


class TestInput:
    """Labels of all kinds, and refusals."""

    @pytest.mark.parametrize(
        "names",
        [
            np.array(["x", "yy", "zzz"]),
            np.array(["x", "yy", "zzz"], dtype=object),
            np.array([-5, 0, 10**12]),
            np.array([1.0, 2.0, 7.0]),
        ],
    )
    @every_front
    def test_names_do_not_matter(self, iris, front, names):
        X, y = iris
        classifier = front().set_params(estimator__random_state=0)
        expected = names[classifier.fit(X, y).predict(X)]
        classifier.fit(X, names[y])
        assert_array_equal(classifier.predict(X), expected)
        assert classifier.unit_classes_.dtype == names.dtype

    @every_front
    def test_single_class(self, iris, front):
        X, _ = iris
        classifier = front().fit(X, ["only"] * len(X))
        assert set(classifier.predict(X)) == {"only"}
        assert_array_equal(classifier.predict_proba(X), 1)

    @pytest.mark.parametrize(
        ("front", "parameters", "message"),
        [
            (esom_classifier, {"label_rule": "vote"}, "'label_rule' parameter"),
            (esom_classifier, {"epsilon": 0.0}, "'epsilon' parameter"),
            (esom_classifier, {"smoothing": -1}, "'smoothing' parameter"),
            (grown, {"max_nodes": 5}, "max_nodes=5 should be >= 6"),
            (grown, {"init": [[0.0]]}, "units of init have none"),
            (grown, {"unlabeled": 1}, "needs label_rule=.majority"),
            (csom_classifier, {"shape": (3, 0)}, "'shape' of the lattice must be two"),
            (csom_classifier, {"neighborhood": "mexican_hat"}, 'needs algorithm="onli'),
            *(
                (front, parameters, message)
                for front in (esom_classifier, csom_classifier)
                for parameters, message in (
                    ({"n_neighbors": 0}, "'n_neighbors' parameter of MapClassifier"),
                    ({"unlabeled": [1]}, "The 'unlabeled' parameter of MapClassifier"),
                    ({"class_weight": "fair"}, "'class_weight' parameter"),
                    ({"class_weight": {1: -2.0}}, r"\[1\]=-2.0 should be positive"),
                    ({"class_weight": {1: 0}}, r"class_weight\[1\]=0 should be positi"),
                )
            ),
        ],
    )
    def test_parameters(self, iris, front, parameters, message):
        with pytest.raises(ValueError, match=message):
            front(**parameters).fit(*iris)

    @both_fronts
    def test_data(self, iris, front):
        X, y = iris
        for *given, message in (
            (X, y[:-1], "inconsistent numbers of samples"),
            (X, y + 0.5 * X[:, 0], "Unknown label type"),
            (np.c_[X, np.full(150, np.nan)], y, r"NaN in all 150 samples: columns \[4"),
        ):
            with pytest.raises(ValueError, match=message):
                front().fit(*given)
        with pytest.raises(ValueError, match=r"zero weight|at least one non-zero"):
            csom_classifier().fit(X, y, sample_weight=np.zeros(150))

    @pytest.mark.parametrize("estimator", ["esom", ESOM, KMeans()])
    def test_estimator_is_a_map(self, iris, estimator):
        with pytest.raises(ValueError, match="'estimator' parameter"):
            MapClassifier(estimator).fit(*iris)

    def test_growth_needs_an_esom(self, iris):
        with pytest.raises(ValueError, match="it needs an ESOM as estimator, got CSOM"):
            MapClassifier(CSOM(), label_rule="grow").fit(*iris)

    def test_weights_need_a_map_that_takes_them(self, iris):
        X, y = iris
        with pytest.raises(ValueError, match="ESOM takes no 'sample_weight' in fit"):
            MapClassifier().fit(X, y, sample_weight=np.ones(len(X)))
