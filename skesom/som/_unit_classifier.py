# SPDX-License-Identifier: BSD-3-Clause
"""Maps as classifiers: units vote by the classes of their training samples."""

from numbers import Real

import numpy as np
from sklearn.base import ClassifierMixin
from sklearn.utils import check_consistent_length
from sklearn.utils._param_validation import StrOptions
from sklearn.utils.multiclass import check_classification_targets
from sklearn.utils.validation import validate_data

from skesom.som._unit_votes import UnitVotes


class UnitClassifier(ClassifierMixin, UnitVotes):
    """Base of the maps whose units know the classes of their samples.

    A subclass has the parameters `n_neighbors`, `class_weight` and `unlabeled`, sets
    ``codebook_`` and ``classes_``, and then calls `_set_votes`.
    """

    _vote_constraints = {
        **UnitVotes._vote_constraints,
        "class_weight": [StrOptions({"balanced"}), dict, None],
        "unlabeled": [Real, str, None],
    }

    def predict(self, X, errors=None):
        """Return the most probable class of every sample.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features)
            Samples; NaN marks missing features.
        errors : array-like of shape (n_samples, n_features), default=None
            Measurement errors of X, see `winners`.

        Returns
        -------
        y : ndarray of shape (n_samples,)
            Classes; for a sample without any present feature the one most frequent
            (by weight) in training.
        """
        probabilities = self.predict_proba(X, errors)
        return self.classes_[np.argmax(probabilities, axis=1)]

    def predict_proba(self, X, errors=None):
        """Return the share of each class in the hits of the nearest units.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features)
            Samples; NaN marks missing features.
        errors : array-like of shape (n_samples, n_features), default=None
            Measurement errors of X, see `winners`.

        Returns
        -------
        probabilities : ndarray of shape (n_samples, n_classes)
            Columns in the order of `classes_`; rows sum to 1.
        """
        X = self._check_samples(X)
        errors = self._check_errors(errors, X)
        return self._shares_of(self._sum_over_nearest(X, self._votes, errors))

    def _check_labeled_samples(self, X, y, *, reset):
        """Return X as the kernels want it, and y."""
        X = self._check_training_samples(X, reset=reset)
        return X, self._check_labels(X, y)

    def _check_labels(self, X, y):
        """Return one label for each sample."""
        check_class_weight(self.class_weight)
        y = validate_data(self, y=y)
        check_consistent_length(X, y)
        check_classification_targets(y)
        return y

    def _known_classes(self, y, classes, first_call):
        """Return the sorted classes that a stream may have."""
        if classes is not None:
            classes = np.unique(classes)
        if first_call and classes is None:
            classes = np.unique(y[is_labeled(y, self.unlabeled)])
            if len(classes) == 0:
                raise ValueError(
                    f"All {len(y)} samples are unlabeled, y is {self.unlabeled!r}: "
                    "label a few samples of each class, or name the classes at the "
                    "first call of partial_fit."
                )
        if first_call:
            return classes
        if classes is not None and not np.array_equal(classes, self.classes_):
            raise ValueError(
                f"classes={classes.tolist()} differ from those of the first call, "
                f"{self.classes_.tolist()}."
            )
        return self.classes_

    def _set_votes(self, class_count, class_hits, node_class=None):
        """Set what the units know, and prepare what predictions look up."""
        self.class_count_ = class_count
        self.class_hits_ = class_hits
        self._prior = _frequency(class_count)
        self._weight = _weights(self.class_weight, self.classes_, self._prior)
        hit = self.class_hits_.any(axis=1)
        if node_class is None:
            self._votes = self._lent(self.class_hits_, hit)
        else:
            self._votes = self.class_hits_.astype(np.float64)
            self._votes[~hit, node_class[~hit]] = 1
        total = self._votes.sum(axis=1, keepdims=True)
        # What a unit was told counts as a sample at least, beside that of the prior.
        self._votes /= np.where(total > 0, np.minimum(total, 1), 1)
        shares = self._shares_of(self._votes)
        self.unit_classes_ = self.classes_[np.argmax(shares, axis=1)]

    def _shares_of(self, votes):
        weighted = (votes + self._prior) * self._weight
        return weighted / weighted.sum(axis=1, keepdims=True)


def is_labeled(y, unlabeled):
    """Tell which samples have a label or a target."""
    if unlabeled is None:
        return np.ones(y.shape, dtype=bool)
    if unlabeled != unlabeled:  # NaN
        return ~np.isnan(y)
    return y != unlabeled


def encoded(y, classes, unlabeled=None):
    """Return the places of labels among the sorted classes."""
    labeled = is_labeled(y, unlabeled)
    unseen = np.setdiff1d(y[labeled], classes)
    if len(unseen):
        raise ValueError(
            f"y has classes that were not announced: {unseen.tolist()}. Name all "
            f"classes at the first call of partial_fit; known are {classes.tolist()}."
        )
    places = np.full(len(y), -1, dtype=np.intp)
    places[labeled] = np.searchsorted(classes, y[labeled])
    return places


def count_classes(winners, y, shape, weights=None):
    """Count the samples of each class at each unit."""
    known = (winners >= 0) & (y >= 0)
    places = winners[known].astype(np.intp) * shape[1] + y[known]
    weights = None if weights is None else weights[known]
    return np.bincount(places, weights, minlength=shape[0] * shape[1]).reshape(shape)


def check_class_weight(class_weight):
    """Refuse a dict of class weights that are not positive numbers."""
    if isinstance(class_weight, dict):
        for label, weight in class_weight.items():
            if not 0 < weight < np.inf:
                raise ValueError(
                    f"class_weight[{label!r}]={weight} should be positive and finite."
                )


def _frequency(class_count):
    """Return the share of each class, equal ones as long as nothing is labeled."""
    if not class_count.any():
        class_count = np.ones(len(class_count))
    return class_count / class_count.sum()


def _weights(class_weight, classes, frequency):
    """Return the factor on the hits of each class."""
    if class_weight is None:
        return np.ones(len(classes))
    if class_weight == "balanced":
        seen = frequency > 0
        return np.divide(1 / seen.sum(), frequency, out=np.ones(len(seen)), where=seen)
    return np.array([class_weight.get(label, 1.0) for label in classes.tolist()])
