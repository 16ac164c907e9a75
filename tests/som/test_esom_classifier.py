# SPDX-License-Identifier: BSD-3-Clause
"""MapClassifier on an ESOM: nodes that vote by the classes of their samples."""

import pickle
from types import SimpleNamespace

import numpy as np
import pytest
from _reference import EvolvingMap, two_smallest
from _supervised import esom_classifier
from numpy.testing import assert_allclose, assert_array_equal
from sklearn.cluster import KMeans
from sklearn.datasets import load_iris, make_blobs
from sklearn.exceptions import ConvergenceWarning
from sklearn.metrics import balanced_accuracy_score
from sklearn.model_selection import StratifiedKFold, cross_val_score

from skesom.som import CSOM, ESOM, MapClassifier
from skesom.som._unit_votes import nearest_of_class

RULES = ["majority", "grow"]
every_rule = pytest.mark.parametrize("label_rule", RULES)


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
    X, y = make_blobs(
        [400, 200, 50],
        3,
        centers=[[0, 0, 0], [2, 0, 0], [0, 2, 0]],
        random_state=global_random_seed,
    )
    return X, np.array(["a", "b", "c"])[y]


def test_nearest_node_of_a_class():
    codebook = np.array([[0.0], [1.0], [5.0]])
    node_class = np.array([2, 1, 2])
    network = SimpleNamespace(units=lambda: codebook, n_nodes=3, node_class=node_class)
    X = np.array([[1.0], [4.0], [4.0], [1.0]])
    found = nearest_of_class(X, np.array([2, 2, 1, 3]), network)
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


class TestLearning:
    """What the nodes are under the two rules."""

    @pytest.mark.parametrize("seed", range(20))
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

    @every_rule
    def test_float32_stays(self, overlapping, label_rule):
        X, y = overlapping
        classifier = esom_classifier(0.8, label_rule=label_rule, random_state=0)
        assert (
            classifier.fit(X.astype(np.float32), y).estimator_.codebook_.dtype
            == np.float32
        )
        single = classifier.score(X, y)
        assert classifier.fit(X, y).score(X, y) == pytest.approx(single, abs=0.02)


class TestProbabilities:
    """Hits of the nearest nodes become probabilities."""

    @pytest.fixture
    def two_nodes(self):
        """Nodes near 0 and 10 with hits (3, 1) and (0, 4)."""
        X = np.array([0.0, 0, 0, 0, 10, 10, 10, 10])[:, np.newaxis]
        return X, np.array([0, 0, 0, 1, 1, 1, 1, 1])

    @pytest.mark.parametrize(
        ("parameters", "expected"),
        [
            # (hits + frequency) / (sum of hits + 1), frequencies 3/8 and 5/8
            ({}, [[3.375 / 5, 1.625 / 5], [0.375 / 5, 4.625 / 5]]),
            ({"n_neighbors": 2}, [[3.375 / 9, 5.625 / 9]] * 2),
            ({"n_neighbors": 7}, [[3.375 / 9, 5.625 / 9]] * 2),
            (
                {"class_weight": {1: 3}},
                [[3.375 / 8.25, 4.875 / 8.25], [0.375 / 14.25, 13.875 / 14.25]],
            ),
        ],
    )
    def test_by_hand(self, two_nodes, parameters, expected):
        classifier = esom_classifier(1.0, **parameters).fit(*two_nodes)
        assert_array_equal(np.sort(classifier.class_hits_.sum(axis=1)), [4, 4])
        assert_allclose(classifier.predict_proba([[1.0], [9.0]]), expected)

    def test_balanced_by_hand(self, two_nodes):
        classifier = esom_classifier(1.0, class_weight="balanced").fit(*two_nodes)
        left = np.array([3 / (3 / 8) + 1, 1 / (5 / 8) + 1])
        assert_allclose(classifier.predict_proba([[0.0]])[0], left / left.sum())

    @every_rule
    @pytest.mark.parametrize("n_neighbors", [1, 4])
    @pytest.mark.parametrize("class_weight", [None, "balanced"])
    def test_sum_to_one_and_agree_with_predict(
        self, overlapping, label_rule, n_neighbors, class_weight
    ):
        X, y = overlapping
        classifier = esom_classifier(
            label_rule=label_rule,
            n_neighbors=n_neighbors,
            class_weight=class_weight,
            random_state=0,
        ).fit(X, y)
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

    @every_rule
    @pytest.mark.parametrize("n_neighbors", [1, 3])
    def test_missing_features(self, overlapping, label_rule, n_neighbors):
        X, y = overlapping
        X = X.copy()
        X[np.random.default_rng(1).random(X.shape) < 0.2] = np.nan
        X[7] = np.nan
        classifier = esom_classifier(
            label_rule=label_rule, n_neighbors=n_neighbors, random_state=0
        ).fit(X, y)
        n_observed = len(X) - np.isnan(X).all(axis=1).sum()
        assert classifier.class_count_.sum() == n_observed
        assert classifier.class_hits_.sum() == n_observed
        frequency = classifier.class_count_ / n_observed
        assert_allclose(classifier.predict_proba(X[7:8])[0], frequency)
        assert classifier.score(X, y) > 0.7


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

    def test_class_that_was_not_announced(self, overlapping):
        X, y = overlapping
        classifier = esom_classifier(0.8).partial_fit(X, y, classes=["a", "b", "c"])
        before = pickle.dumps(vars(classifier))
        with pytest.raises(ValueError, match=r"not announced: \['quasar'\]"):
            classifier.partial_fit(X[:2], ["a", "quasar"])
        with pytest.raises(ValueError, match="differ from those of the first call"):
            classifier.partial_fit(X[:2], y[:2], classes=["a", "b"])
        assert pickle.dumps(vars(classifier)) == before
        with pytest.raises(ValueError, match=r"not announced: \['c'\]"):
            esom_classifier(0.8).partial_fit(X, y, classes=["a", "b"])


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
    @every_rule
    def test_names_do_not_matter(self, iris, label_rule, names):
        X, y = iris
        classifier = esom_classifier(0.2, label_rule=label_rule, random_state=0)
        expected = names[classifier.fit(X, y).predict(X)]
        classifier.fit(X, names[y])
        assert_array_equal(classifier.predict(X), expected)
        assert classifier.unit_classes_.dtype == names.dtype

    @every_rule
    def test_single_class(self, iris, label_rule):
        X, _ = iris
        classifier = esom_classifier(0.2, label_rule=label_rule)
        classifier.fit(X, ["only"] * len(X))
        assert set(classifier.predict(X)) == {"only"}
        assert_array_equal(classifier.predict_proba(X), 1)

    @pytest.mark.parametrize(
        ("parameters", "message"),
        [
            ({"label_rule": "vote"}, "'label_rule' parameter"),
            ({"epsilon": 0.0}, "'epsilon' parameter"),
            ({"smoothing": -1}, "'smoothing' parameter"),
            ({"n_neighbors": 0}, "'n_neighbors' parameter"),
            ({"class_weight": "fair"}, "'class_weight' parameter"),
            ({"class_weight": {1: -2.0}}, r"class_weight\[1\]=-2.0 should be positive"),
            ({"label_rule": "grow", "max_nodes": 5}, "max_nodes=5 should be >= 6"),
            ({"label_rule": "grow", "init": [[0.0]]}, "nodes of init have none"),
            ({"label_rule": "grow", "unlabeled": 1}, "needs label_rule=.majority"),
        ],
    )
    def test_parameters(self, iris, parameters, message):
        with pytest.raises(ValueError, match=message):
            esom_classifier(**parameters).fit(*iris)

    def test_data(self, iris):
        X, y = iris
        with pytest.raises(ValueError, match="inconsistent numbers of samples"):
            esom_classifier().fit(X, y[:-1])
        with pytest.raises(ValueError, match="Unknown label type"):
            esom_classifier().fit(X, y + 0.5 * X[:, 0])
        with pytest.raises(ValueError, match=r"NaN in all 150 samples: columns \[4\]"):
            esom_classifier().fit(np.column_stack([X, np.full(150, np.nan)]), y)

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
