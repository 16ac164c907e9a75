# SPDX-License-Identifier: BSD-3-Clause
"""Scores of blocks of the sky that a classifier has not learned from."""

import numpy as np
import pytest
from sklearn.base import BaseEstimator, ClassifierMixin
from sklearn.neighbors import KNeighborsClassifier
from sklearn.semi_supervised import SelfTrainingClassifier

from skesom.cube import Cube
from skesom.maps import CubeClassifier, held_out_score

NEAREST = CubeClassifier(KNeighborsClassifier(1))


class Threshold(ClassifierMixin, BaseEstimator):
    """Gives class 1 to positive values of the first band, whatever it learns."""

    def fit(self, X, y):
        self.classes_ = np.unique(y)
        return self

    def predict(self, X):
        return (X[:, 0] > 0).astype(int)


def matrix_of(held_out):
    return [list(row)[1:] for row in held_out.confusion.as_array().tolist()]


@pytest.fixture
def sky():
    """16 x 16 pixels in 16 blocks of 4 x 4; the left half is class 0, the right 1."""
    labels = np.zeros((16, 16), dtype=int)
    labels[:, 8:] = 1
    data = np.random.default_rng(0).normal(size=(16, 16, 2))
    data[:, :, 0] = np.where(labels == 1, 5.0, -5.0) + data[:, :, 0] / 10
    return Cube(data), labels


def test_every_labeled_pixel_is_tested_once(sky):
    cube, labels = sky
    labels[:2] = -1
    held_out = held_out_score(NEAREST, cube, labels, block_size=4)
    assert held_out.scores["pixels scored"] == 14 * 16
    assert held_out.scores["accuracy"] == 1
    assert held_out.scores["accuracy spread"] == 0
    assert matrix_of(held_out) == [[112, 0], [0, 112]]
    assert held_out.classes["blocks"].tolist() == [8, 8]


def test_a_known_confusion(sky):
    """Four pixels of class 0 that look like class 1, by a rule that learns nothing."""
    cube, labels = sky
    cube.data[0, :4, 0] = 5
    classifier = CubeClassifier(Threshold())
    held_out = held_out_score(
        classifier, cube, labels, names=["old", "young"], block_size=4
    )
    assert held_out.confusion.colnames == ["true class", "old", "young"]
    assert matrix_of(held_out) == [[124, 4], [0, 128]]
    classes = held_out.classes
    np.testing.assert_allclose(classes["completeness"], [124 / 128, 1])
    np.testing.assert_allclose(classes["purity"], [1, 128 / 132])
    assert held_out.scores["accuracy"] == pytest.approx(252 / 256)
    assert held_out.scores["balanced accuracy"] == pytest.approx((124 / 128 + 1) / 2)
    # The four are in one block, so in one fold: the others are all right.
    assert classes["completeness_spread"][0] > 0
    assert classes["completeness_spread"][1] == 0


def test_neighbors_are_held_out_with_a_pixel():
    """Noise that blocks share tells their labels only if neighbors are learned."""
    rng = np.random.default_rng(0)
    kinds = rng.integers(2, size=(8, 8))
    labels = np.kron(kinds, np.ones((4, 4), dtype=int))
    noise = np.kron(rng.normal(size=(8, 8)), np.ones((4, 4)))
    cube = np.stack([noise, rng.normal(size=noise.shape) / 100], axis=2)
    by_pixel = held_out_score(NEAREST, cube, labels, block_size=1)
    by_block = held_out_score(NEAREST, cube, labels, block_size=4)
    assert by_pixel.scores["accuracy"] > 0.95
    assert by_block.scores["accuracy"] < 0.75


def test_classes_in_one_block(sky):
    cube, labels = sky
    labels[0, 0], labels[9, 9] = 2, 2
    labels[13, 13] = 3
    with pytest.warns(UserWarning, match="The class 'nova' has no held-out") as told:
        held_out = held_out_score(
            NEAREST, cube, labels, names={3: "nova"}, block_size=4
        )
    assert held_out.classes["class"].tolist() == ["0", "1", "2", "nova"]
    assert held_out.classes["scored"].tolist() == [127, 126, 2, 0]
    assert told[0].filename == __file__
    assert np.isnan(held_out.classes["completeness"][3])
    assert held_out.scores["pixels scored"] == 255
    # A class without a score does not count as not found.
    known = held_out.classes["completeness"][:3]
    assert held_out.scores["balanced accuracy"] == pytest.approx(np.mean(known))


def test_nothing_to_hold_out(sky):
    cube, labels = sky
    labels[4:] = -1  # the classes share no block of 8 x 8
    for block_size in (16, 8):
        with pytest.raises(ValueError, match="no class lies in several of the"):
            held_out_score(NEAREST, cube, labels, block_size=block_size)


def test_unlabeled_pixels_may_be_learned(sky):
    cube, labels = sky
    labels[::2] = -1
    classifier = SelfTrainingClassifier(KNeighborsClassifier(1))
    classifier = CubeClassifier(classifier, semi_supervised=True)
    held_out = held_out_score(classifier, cube, labels, block_size=4)
    assert held_out.scores["pixels scored"] == 128
    assert held_out.scores["accuracy"] == 1


def test_voxels(sky):
    labels = sky[1]
    data = np.where(labels == 1, 5.0, -5.0)[:, :, np.newaxis] * np.ones(2)
    classifier = CubeClassifier(KNeighborsClassifier(1), pattern="voxel")
    both = np.stack([labels, labels], axis=2)
    held_out = held_out_score(classifier, data, both, block_size=4)
    assert held_out.scores["pixels scored"] == both.size
    assert held_out.scores["accuracy"] == 1
