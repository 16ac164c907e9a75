# SPDX-License-Identifier: BSD-3-Clause
"""Maps as classifiers: units vote by the classes of their training samples."""

from __future__ import annotations

from collections.abc import Mapping
from numbers import Real
from typing import TYPE_CHECKING, Any, Literal, Self

import numpy as np
from numpy.typing import ArrayLike, NDArray
from sklearn.base import ClassifierMixin
from sklearn.utils import check_consistent_length
from sklearn.utils._param_validation import StrOptions
from sklearn.utils.multiclass import check_classification_targets
from sklearn.utils.validation import check_is_fitted, validate_data

from skesom._common.decorators import fit_context
from skesom._common.estimator import keep_parameters
from skesom._types import Errors
from skesom.som._esom import ESOM
from skesom.som._unit_votes import UnitVotes, all_in_memory, inherited, weights_of
from skesom.som.docstrings import fill_docstrings
from skesom.som.second_stage.units import contingency

if TYPE_CHECKING:
    from skesom.som._csom import CSOM


@fill_docstrings
class MapClassifier(ClassifierMixin, UnitVotes):
    """Predict classes from the units of a self-organizing map.

    The map is trained without the classes; a sample then has the class that most
    training samples of its nearest unit, and some of its neighbors, have.

    Parameters
    ----------
    %(estimator)s
    label_rule : {"majority", "grow"}, default="majority"
        "majority" trains the map without the classes. With "grow" (ESOM only) a sample
        whose nearest unit is of another class becomes a unit too, even inside
        `epsilon`; that follows thin borders, and wrong labels.
    %(smoothing)s
    class_weight : None, "balanced" or dict, default=None
        Factor on the hits of each class, 1 by default; "balanced" divides them by the
        frequency of the class.
    unlabeled : int, float, str or None, default=None
        What stands in y for a sample of unknown class, which trains the map but does
        not vote; for "majority" only.

    Attributes
    ----------
    %(estimator_attribute)s
    classes_ : ndarray of shape (n_classes,)
        The classes, sorted.
    class_count_ : ndarray of shape (n_classes,), dtype int64
        Training samples of each class with any present feature, or their weights.
    class_hits_ : ndarray of shape (n_units, n_classes)
        Those nearest to each unit, summed over the calls of `partial_fit`; under "grow"
        to each unit of their own class.
    unit_classes_ : ndarray of shape (n_units,)
        Class of each unit.

    Raises
    ------
    ValueError
        For a parameter out of its range, data that the map refuses, no labeled sample,
        or a class that was not announced to `partial_fit`.

    %(votes_warning)s

    See Also
    --------
    MapRegressor : The same for targets that are numbers.
    skesom.maps.CubeClassifier : Learns from the labeled pixels of a cube.

    Notes
    -----
    Probabilities are m-estimates with m = 1 [1]_: to the hits is added one sample,
    divided among the classes as the training samples are. It decides ties for the more
    frequent class, and is all there is for a sample without any present feature.

    At a `smoothing` of 0.5 a unit of a lattice also has exp(-2) of the hits of its
    direct neighbors. A unit without any hits votes as the nearest unit that has some (a
    unit under "grow" as its class). Units with hits count as one sample at least.

    References
    ----------
    .. [1] Cestnik, B. (1990), "Estimating probabilities: a crucial task in machine
       learning", Proc. 9th European Conference on Artificial Intelligence, 147-149
    .. [2] Deng, D. & Kasabov, N. (2003), "On-line pattern analysis by evolving
       self-organizing maps", Neurocomputing 51, 87-103,
       doi:10.1016/S0925-2312(02)00599-4
    .. [3] Kohonen, T. (2001), "Self-Organizing Maps", Springer,
       doi:10.1007/978-3-642-56927-2

    Examples
    --------
    >>> import numpy as np
    >>> from skesom.som import CSOM, ESOM, MapClassifier
    >>> X = np.array([[0.0], [0.1], [0.2], [2.0], [2.1], [2.2]])
    >>> y = ["star", "star", "star", "galaxy", "galaxy", "star"]
    >>> esom = ESOM(epsilon=1.0, random_state=0)
    >>> classifier = MapClassifier(esom).fit(X, y)
    >>> classifier.predict([[0.3], [1.9], [np.nan]]).tolist()
    ['star', 'galaxy', 'star']
    >>> classifier.predict_proba([[0.3], [1.9]]).round(2).tolist()
    [[0.08, 0.92], [0.58, 0.42]]

    Few labels, the map of all samples:

    >>> from sklearn.datasets import load_iris
    >>> X, y = load_iris(return_X_y=True)
    >>> few = y.copy()
    >>> few[5:50] = few[55:100] = few[105:150] = -1
    >>> classifier = MapClassifier(CSOM(shape=(6, 4)), unlabeled=-1).fit(X, few)
    >>> bool(classifier.score(X, y) > 0.85)
    True
    """

    # What a model in a file may hold: kind and axes of each array.
    _stored = {
        "classes_": "values classes",
        "class_count_": "counts classes",
        "class_hits_": "counts units classes",
        "unit_classes_": "values units",
        "_votes": "floats units classes",
        "_prior": "floats classes",
        "_weight": "floats classes",
    }

    _parameter_constraints = {
        **UnitVotes._unit_constraints,
        "label_rule": [StrOptions({"majority", "grow"})],
        "class_weight": [StrOptions({"balanced"}), dict, None],
        "unlabeled": [Real, str, None],
    }

    def __init__(
        self,
        estimator: ESOM | CSOM | None = None,
        *,
        label_rule: Literal["majority", "grow"] = "majority",
        smoothing: float = 0.5,
        n_neighbors: int = 1,
        class_weight: Literal["balanced"] | Mapping[Any, float] | None = None,
        unlabeled: float | str | None = None,
    ) -> None:
        self.estimator = estimator
        self.label_rule = label_rule
        self.smoothing = smoothing
        self.n_neighbors = n_neighbors
        self.class_weight = class_weight
        self.unlabeled = unlabeled

    @fit_context(prefer_skip_nested_validation=False)
    def partial_fit(
        self,
        X: ArrayLike,
        y: ArrayLike | None = None,
        classes: ArrayLike | None = None,
        **fit_params: Any,
    ) -> Self:
        """Train on the first samples, then follow a stream of them.

        Parameters that were changed since the last call count from this one on; those
        of the map are fixed by the first.

        %(X_targets)s
        classes : array-like of shape (n_classes,), default=None
            All classes that will ever come, at the first call; those of `y` by default.
        %(fit_params)s

        %(fitted)s

        Examples
        --------
        >>> from sklearn.datasets import load_iris
        >>> from skesom.som import CSOM, MapClassifier
        >>> X, y = load_iris(return_X_y=True)
        >>> classifier = MapClassifier(CSOM(shape=(6, 4)))
        >>> classifier = classifier.partial_fit(X[:60], y[:60], classes=[0, 1, 2])
        >>> classifier.partial_fit(X[60:], y[60:]).class_count_.tolist()
        [50, 50, 50]
        """
        self._validate_params()  # scikit-learn does so at the first call only
        self._check_targets(y)
        given = all_in_memory(X, y, fit_params)
        return self._learn(*given, classes, stream=True)

    def predict(self, X: ArrayLike, errors: Errors = None) -> NDArray[Any]:
        """Return the most probable class of every sample.

        %(X_errors)s

        Returns
        -------
        y : ndarray of shape (n_samples,)
            Classes; for a sample without any present feature the one most frequent
            (by weight) in training.

        Examples
        --------
        >>> from skesom.som import ESOM, MapClassifier
        >>> esom = ESOM(epsilon=1.0, random_state=0)
        >>> classifier = MapClassifier(esom).fit([[0.0], [5.0]], ["star", "galaxy"])
        >>> classifier.predict([[0.3], [4.8]]).tolist()
        ['star', 'galaxy']
        """
        probabilities = self.predict_proba(X, errors)
        return self.classes_[np.argmax(probabilities, axis=1)]

    def predict_proba(self, X: ArrayLike, errors: Errors = None) -> NDArray[Any]:
        """Return the share of each class in the hits of the nearest units.

        %(X_errors)s

        Returns
        -------
        probabilities : ndarray of shape (n_samples, n_classes)
            Columns in the order of `classes_`; rows sum to 1.

        Examples
        --------
        >>> from skesom.som import ESOM, MapClassifier
        >>> esom = ESOM(epsilon=1.0, random_state=0)
        >>> classifier = MapClassifier(esom).fit([[0.0], [5.0]], ["star", "galaxy"])
        >>> classifier.classes_.tolist(), classifier.predict_proba([[0.3]]).tolist()
        (['galaxy', 'star'], [[0.25, 0.75]])
        """
        check_is_fitted(self)
        return self._shares_of(self._sum_over_nearest(X, self._votes, errors))

    def _learn(self, X, y, fit_params, classes=None, *, stream=False):
        """Train the map, and count the classes of its units."""
        more = stream and hasattr(self, "estimator_")
        som = self._map_to_learn(fit_params, more=more)
        _check_class_weight(self.class_weight)
        y = validate_data(self, y=self._known_targets(y))
        check_consistent_length(X, y)
        check_classification_targets(y)
        classes = self._known_classes(y, classes, more)
        self._check_growth(som, classes)
        codes = self._encoded(y, classes)
        weights = weights_of(fit_params, y)
        before = getattr(som, "_network", None) if more else None
        grow = self.label_rule == "grow"
        if grow:
            fit_params = fit_params | {"classes": codes}
        winners = som._learn_checked(X, **fit_params, stream=stream)
        network = getattr(som, "_network", None)
        shape = len(som.codebook_), len(classes)
        if grow:
            observed = np.where(winners >= 0, 0, -1)
            count = contingency(observed, codes, (1, shape[1]))[0]
            winners = network.nearest_of_class(som._checked(X).X, codes)
        hits = contingency(winners, codes, shape, weights)
        if more:
            hits = hits + inherited(self.class_hits_, before, network, by_class=grow)
        if not grow:
            count = hits.sum(axis=0)
        elif more:  # the hits of a class without a unit are lost
            count = count + self.class_count_
        self.estimator_ = som
        keep_parameters(self)
        self.classes_ = classes
        self.class_count_ = count
        self.class_hits_ = hits
        self._set_votes(network.node_class[: shape[0]] if grow else None)
        return self

    def _known_classes(self, y, classes, more):
        """Return the sorted classes that a stream may have."""
        if classes is not None:
            classes = np.unique(classes)
        if more and classes is not None and not np.array_equal(classes, self.classes_):
            raise ValueError(
                f"classes={classes.tolist()} differ from those of the first call, "
                f"{self.classes_.tolist()}."
            )
        if more:
            return self.classes_
        if classes is None:
            classes = np.unique(y[self._is_labeled(y)])
            if len(classes) == 0:
                raise ValueError(
                    f"All {len(y)} samples are unlabeled, y is {self.unlabeled!r}: "
                    "label a few of each class, or give partial_fit the classes."
                )
        return classes

    def _encoded(self, y, classes):
        """Return the places of labels among the sorted classes, -1 without a label."""
        labeled = self._is_labeled(y)
        unseen = np.setdiff1d(y[labeled], classes)
        if len(unseen):
            raise ValueError(
                f"y has classes that were not announced: {unseen.tolist()}. Name all "
                "classes at the first call of partial_fit; known are "
                f"{classes.tolist()}."
            )
        places = np.full(len(y), -1, dtype=np.int64)
        places[labeled] = np.searchsorted(classes, y[labeled])
        return places

    def _check_growth(self, som, classes):
        """Refuse parameters that do not suit units that grow by classes."""
        if self.label_rule != "grow":
            return
        if not isinstance(som, ESOM):
            raise ValueError(
                'label_rule="grow" makes new units: it needs an ESOM as estimator, got '
                f"{type(som).__name__}."
            )
        if som.max_nodes < 2 * len(classes):
            raise ValueError(
                f"max_nodes={som.max_nodes} should be >= {2 * len(classes)}, two for "
                f'each of the {len(classes)} classes, with label_rule="grow".'
            )
        if som.init is not None:
            raise ValueError(
                'label_rule="grow" gives each unit the class of its first sample, and '
                'units of init have none: leave out init, or take "majority".'
            )
        if self.unlabeled is not None:
            raise ValueError(
                f'unlabeled={self.unlabeled!r} needs label_rule="majority": "grow" '
                "cannot learn samples without a class."
            )

    def _set_votes(self, node_class):
        """Prepare the votes that predictions look up."""
        count = self.class_count_
        count = count if count.any() else np.ones(len(count))  # nothing labeled so far
        self._prior = count / count.sum()
        self._weight = _factors(self.class_weight, self.classes_, self._prior)
        hit = self.class_hits_.any(axis=1)
        if node_class is None:
            votes = self._completed(self.class_hits_, hit)
        else:
            votes = self.class_hits_.astype(np.float64)
            votes[~hit, node_class[~hit]] = 1
        total = votes.sum(axis=1, keepdims=True)
        # Votes from neighbors count as a sample at least, beside that of the prior.
        self._votes = votes / np.where(total > 0, np.minimum(total, 1), 1)
        shares = self._shares_of(self._votes)
        self.unit_classes_ = self.classes_[np.argmax(shares, axis=1)]

    def _shares_of(self, votes):
        weighted = (votes + self._prior) * self._weight
        return weighted / weighted.sum(axis=1, keepdims=True)


def _check_class_weight(class_weight):
    """Refuse a dict of class weights that are not positive numbers."""
    for label, weight in class_weight.items() if isinstance(class_weight, dict) else ():
        if not 0 < weight < np.inf:
            raise ValueError(
                f"class_weight[{label!r}]={weight} should be positive and finite."
            )


def _factors(class_weight, classes, frequency):
    """Return the factor on the hits of each class."""
    if class_weight == "balanced":
        seen = frequency > 0
        return np.divide(1 / seen.sum(), frequency, out=np.ones(len(seen)), where=seen)
    weights = class_weight or {}
    return np.array([weights.get(label, 1.0) for label in classes.tolist()])
