# SPDX-License-Identifier: BSD-3-Clause
"""CubeClassifier: a few labeled pixels in, label map out."""

import pickle

import numpy as np
import pytest
from sklearn.base import clone
from sklearn.exceptions import NotFittedError
from sklearn.linear_model import Perceptron
from sklearn.metrics import balanced_accuracy_score
from sklearn.model_selection import KFold, cross_val_score
from sklearn.neighbors import KNeighborsClassifier
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.semi_supervised import SelfTrainingClassifier
from sklearn.utils import get_tags

from skesom.cube import AsinhStretch, Cube
from skesom.datasets import make_galaxy_cube
from skesom.maps import CubeClassifier
from skesom.som import CSOM, ESOM, MapClassifier

CLASSIFIERS = [
    None,
    MapClassifier(ESOM(epsilon=1.0, random_state=0)),
    MapClassifier(ESOM(epsilon=1.0, random_state=0), label_rule="grow"),
    MapClassifier(CSOM(shape=(6, 6))),
    KNeighborsClassifier(1),
]


def class_name(estimator):
    return type(estimator).__name__


@pytest.fixture
def patches():
    """Labels of three patches, and a hole, on 30 x 30 pixels."""
    patches = np.full((30, 30), 4, dtype=np.int32)
    patches[12:] = 0
    patches[24:] = 7
    patches[14:18, 20:30] = -3
    return patches


@pytest.fixture
def cube(patches, global_random_seed):
    """Three bands in which the patches differ by many times the noise."""
    rng = np.random.default_rng(global_random_seed)
    spectra = np.zeros((8, 3))
    spectra[[0, 4, 7]] = [[0, 0, 8], [8, 0, 0], [8, 8, 8]]
    data = spectra[np.maximum(patches, 0)] + rng.normal(0, 0.3, (*patches.shape, 3))
    data[patches == -3, 0] = np.nan
    return Cube(data.astype(np.float32), band_names=["u", "g", "r"])


@pytest.fixture
def few(patches):
    """Four labeled pixels of each patch, one of them in the hole; others are not."""
    few = np.full(patches.shape, -3)
    for row, column in [(2, 3), (13, 5), (25, 1)]:
        few[row : row + 2, column : column + 2] = patches[row, column]
    few[15, 25] = 99  # masked in the cube, so never learned
    few[20, 20] = -1  # any negative number is unlabeled
    return few


@pytest.fixture(scope="module")
def labeled_galaxy():
    """A galaxy, the truth in one pixel of twenty, and the truth in the others."""
    cube, truth = make_galaxy_cube((64, 80), missing=0.1, random_state=0)
    given = np.random.default_rng(0).random(truth.shape) < 0.05
    few, rest = np.where(given, truth, -3), np.where(given, -3, truth)
    return AsinhStretch().fit_transform(cube), few, rest


@pytest.mark.parametrize("estimator", CLASSIFIERS, ids=class_name)
class TestAnyClassifier:
    """What holds whatever stands inside."""

    def test_few_pixels_label_all(self, cube, patches, few, estimator):
        """What is given is left alone, and the fitted classifier can be stored."""
        given, labels = clone(estimator) if estimator else None, few.copy()
        cube.data.flags.writeable = few.flags.writeable = False
        classifier = CubeClassifier(estimator).fit(cube, few)
        np.testing.assert_array_equal(few, labels)
        assert classifier.estimator is estimator
        assert str(given) == str(estimator)
        label_map = classifier.predict(cube)
        assert label_map.dtype == np.int32
        np.testing.assert_array_equal(label_map, patches)
        assert classifier.classes_.tolist() == [0, 4, 7]
        assert classifier.n_features_in_ == 3
        assert classifier.score(cube, patches) == 1
        again = pickle.loads(pickle.dumps(classifier))
        np.testing.assert_array_equal(again.predict(cube), label_map)

    def test_unlabeled_pixels_are_not_learned(self, cube, few, estimator):
        """Changing their fluxes changes nothing in what is learned."""
        other = cube.replace(data=cube.data.copy())
        other.data[few < 0] *= -2
        one = CubeClassifier(estimator).fit(cube, few).predict(cube)
        two = CubeClassifier(estimator).fit(other, few).predict(cube)
        np.testing.assert_array_equal(one, two)

    def test_probabilities(self, cube, few, estimator):
        classifier = CubeClassifier(estimator).fit(cube, few)
        probabilities = classifier.predict_proba(cube)
        masked = np.isnan(cube.data).any(axis=2)
        assert probabilities.shape == (30, 30, 3)
        assert np.isnan(probabilities[masked]).all()
        np.testing.assert_allclose(probabilities[~masked].sum(axis=1), 1)
        likely = classifier.classes_[probabilities[~masked].argmax(axis=1)]
        np.testing.assert_array_equal(likely, classifier.predict(cube)[~masked])

    def test_cross_validation_cuts_strips(self, cube, patches, estimator):
        folds = KFold(3, shuffle=True, random_state=0)
        scores = cross_val_score(CubeClassifier(estimator), cube, patches, cv=folds)
        np.testing.assert_array_equal(scores, 1)


class TestGalaxy:
    """One pixel in twenty of a synthetic galaxy is labeled."""

    def test_better_than_the_commonest_population(self, labeled_galaxy):
        cube, few, rest = labeled_galaxy
        commonest = np.bincount(rest[rest >= 0]).max() / np.count_nonzero(rest >= 0)
        score = CubeClassifier().fit(cube, few).score(cube, rest)
        assert score > commonest + 0.15

    def test_balance_finds_rare_populations(self, labeled_galaxy):
        cube, few, rest = labeled_galaxy
        scores = []
        for weight in (None, "balanced"):
            classifier = CubeClassifier(
                make_pipeline(
                    StandardScaler(),
                    MapClassifier(
                        ESOM(random_state=0), class_weight=weight, n_neighbors=5
                    ),
                )
            ).fit(cube, few)
            predicted = classifier.predict(cube)
            known = (predicted >= 0) & (rest >= 0)
            scores.append(balanced_accuracy_score(rest[known], predicted[known]))
        assert scores[1] > scores[0] + 0.1


class TestUnlabeledPixels:
    """They may train the map, and vote for nothing."""

    @pytest.mark.parametrize(
        "estimator",
        [
            None,
            MapClassifier(CSOM(shape=(6, 6)), unlabeled=-1),
            MapClassifier(ESOM(epsilon=1.0, random_state=0), unlabeled=-1),
            SelfTrainingClassifier(KNeighborsClassifier(1)),
        ],
        ids=class_name,
    )
    def test_any_classifier_that_knows_of_them(self, cube, patches, few, estimator):
        classifier = CubeClassifier(estimator, semi_supervised=True).fit(cube, few)
        np.testing.assert_array_equal(classifier.predict(cube), patches)
        assert classifier.classes_.tolist() == [0, 4, 7]
        assert classifier.predict_proba(cube).shape == (30, 30, 3)

    def test_they_train_the_map(self, cube, few):
        som = MapClassifier(CSOM(shape=(6, 6)), unlabeled=-1)
        classifier = CubeClassifier(som, semi_supervised=True).fit(cube, few)
        valid = ~np.isnan(cube.data).any(axis=2)
        som = classifier.estimator_
        assert som.estimator_.hits_.sum() == np.count_nonzero(valid)
        assert som.class_hits_.sum() == np.count_nonzero(valid & (few >= 0))
        alone = CubeClassifier(MapClassifier(CSOM(shape=(6, 6)))).fit(cube, few)
        alone = alone.estimator_.estimator_
        assert alone.quantization_error_ < som.estimator_.quantization_error_
        assert alone.hits_.sum() == np.count_nonzero(valid & (few >= 0))


class TestShapes:
    """Voxels, missing bands, empty cubes."""

    def test_voxels(self, cube):
        labels = np.full(cube.shape, -3)
        labels[0, 0], labels[13, 0] = [1, 0, 0], [0, 0, 1]
        classifier = CubeClassifier(KNeighborsClassifier(1), pattern="voxel")
        label_map = classifier.fit(cube, labels).predict(cube)
        expected = np.where(np.isnan(cube.data), -3, cube.data > 4)
        np.testing.assert_array_equal(label_map, expected)

    def test_missing_bands(self, cube, patches, few):
        classifier = CubeClassifier(min_bands=2).fit(cube, np.where(few == 99, -3, few))
        label_map = classifier.predict(cube)
        assert (label_map[patches == -3] == 0).all()

    def test_no_valid_pixel_to_predict(self, cube, few):
        classifier = CubeClassifier().fit(cube, few)
        empty = np.full((2, 4, 3), np.nan)
        np.testing.assert_array_equal(classifier.predict(empty), np.full((2, 4), -3))
        assert np.isnan(classifier.predict_proba(empty)).all()
        assert classifier.predict_proba(empty).shape == (2, 4, 3)
        assert np.isnan(classifier.score(empty, np.zeros((2, 4), dtype=int)))

    def test_tags(self):
        tags = get_tags(CubeClassifier())
        assert tags.estimator_type == "classifier"
        assert tags.target_tags.required
        assert tags.input_tags.three_d_array
        assert not tags.input_tags.two_d_array
        assert tags.input_tags.allow_nan


class TestRefusals:
    """Bad input is refused with the numbers that do not fit."""

    def test_label_maps(self, cube, few):
        classifier = CubeClassifier()
        for labels, message in (
            (np.full((30, 30), -3), "None of the 860 valid pixels is label"),
            (few[:, 1:], r"shape \(30, 29\), .* \(30, 30\)"),
            (few.astype(float), "dtype float64"),
            (np.full((30, 30), 2**32), r"4294967296 .* exceeds 32 bits"),
        ):
            with pytest.raises(ValueError, match=message):
                classifier.fit(cube, labels)
        assert not hasattr(classifier, "estimator_")
        with pytest.raises(NotFittedError, match="CubeClassifier"):
            CubeClassifier().predict(cube)
        with pytest.raises(ValueError, match="X has 2 bands"):
            classifier.fit(cube, few).predict(cube.data[:, :, :2])
        cube.data[:, :, 1] = 3
        with pytest.raises(ValueError, match="Band 'g' is constant"):
            classifier.fit(cube, few)

    def test_estimator_without_probabilities(self, cube, few):
        classifier = CubeClassifier(Perceptron())
        assert not hasattr(classifier, "predict_proba")
        classifier.fit(cube, few)
        with pytest.raises(AttributeError, match="predict_proba"):
            classifier.predict_proba(cube)

    def test_parameters(self, cube, few):
        with pytest.raises(ValueError, match="'pattern' parameter"):
            CubeClassifier(pattern="spaxel").fit(cube, few)
        with pytest.raises(ValueError, match="'estimator' parameter"):
            CubeClassifier(StandardScaler()).fit(cube, few)
