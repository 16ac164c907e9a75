# SPDX-License-Identifier: BSD-3-Clause
"""Classify the pixels of a cube: a few labeled pixels in, label map out."""

from __future__ import annotations

from typing import Any, Literal, Self

import numpy as np
from numpy.typing import ArrayLike, NDArray
from sklearn.base import BaseEstimator, ClassifierMixin, clone
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.utils._param_validation import HasMethods
from sklearn.utils.validation import check_is_fitted

from skesom._common.decorators import available_if, fit_context
from skesom._common.estimator import LinkedEstimator, by_fit, keep_parameters
from skesom._common.labels import without_mask
from skesom._common.lazy import take_rows
from skesom._common.warn import warn_user
from skesom._types import CubeLike
from skesom.maps._pixel_table_mixin import PixelTableMixin, inner_estimator
from skesom.maps.pixel_tables import apply_method, table_to_apply, table_to_learn
from skesom.som import ESOM, MapClassifier


def _gives_probabilities(classifier):
    estimator = inner_estimator(classifier)
    if estimator is not None:
        estimator.predict_proba  # noqa: B018 - its AttributeError says why not
    return True


class CubeClassifier(PixelTableMixin, ClassifierMixin, LinkedEstimator):
    """Classify the pixels of a cube with any classifier of tables.

    It learns from a few labeled pixels, and labels every valid one.

    Parameters
    ----------
    estimator : classifier or Pipeline that ends in one, default=None
        Takes the table of the labeled pixels. It is cloned; None stands for a
        `MapClassifier` of ``ESOM(learning_rate=0.05, random_state=0)`` after a
        `StandardScaler`, with ``unlabeled=-1`` if `semi_supervised` is true.
    pattern : {"pixel", "voxel"}, default="pixel"
        A row of the table is a pixel with all bands, or one flux; the label map of
        voxels has the shape of the cube.
    min_bands : int, default=None
        Bands that must be there for a pixel to be labeled; all by default. Fewer need
        an estimator that accepts NaN, as MapClassifier does.
    semi_supervised : bool, default=False
        Whether the estimator learns from the unlabeled pixels too, by the label -1:
        ``MapClassifier(unlabeled=-1)``, `LabelSpreading` and `SelfTrainingClassifier`.

    Attributes
    ----------
    estimator_ : estimator
        The fitted classifier.
    classes_ : ndarray of shape (n_classes,), dtype int32
        The labels, sorted.
    labels_ : ndarray of shape (n_rows, n_columns), dtype int32
        Label map of the fitted cube, as from `predict`.
    n_features_in_, feature_names_in_ : int, ndarray of str
        Number and names of the bands seen during fit.

    Raises
    ------
    ValueError
        If no valid pixel is labeled, the label map does not fit the cube, a band is the
        same in all valid pixels, or the number of bands differs from the fitted one.

    See Also
    --------
    CubeClusterer : Needs no labels.

    Examples
    --------
    >>> import numpy as np
    >>> from sklearn.neighbors import KNeighborsClassifier
    >>> from skesom.maps import CubeClassifier
    >>> cube = np.zeros((4, 4, 2))
    >>> cube[:2] = 1
    >>> cube[0, 0] = np.nan
    >>> labels = np.full((4, 4), -3)
    >>> labels[1, 1], labels[3, 3] = 5, 2
    >>> CubeClassifier(KNeighborsClassifier(1)).fit(cube, labels).predict(cube)
    array([[-3,  5,  5,  5],
           [ 5,  5,  5,  5],
           [ 2,  2,  2,  2],
           [ 2,  2,  2,  2]], dtype=int32)
    """

    labels_: NDArray[np.int32]
    classes_: NDArray[np.int32]

    # What a model in a file may hold: kind and axes of each array.
    _stored = {
        "labels_": "classes *",
    }

    _parameter_constraints = {
        "estimator": [HasMethods(["fit", "predict"]), None],
        **PixelTableMixin._pixel_constraints,
        "semi_supervised": ["boolean"],
    }

    def __init__(
        self,
        estimator: BaseEstimator | None = None,
        *,
        pattern: Literal["pixel", "voxel"] = "pixel",
        min_bands: int | None = None,
        semi_supervised: bool = False,
    ) -> None:
        self.estimator = estimator
        self.pattern = pattern
        self.min_bands = min_bands
        self.semi_supervised = semi_supervised

    @fit_context(prefer_skip_nested_validation=False)
    def fit(self, X: CubeLike, y: ArrayLike) -> Self:
        """Learn from the labeled pixels of a cube.

        Parameters
        ----------
        X : Cube or array-like of shape (n_rows, n_columns, n_bands)
            The cube.
        y : array-like of int of shape (n_rows, n_columns), or of the cube for voxels
            Label map; negative where a pixel is unlabeled.

        Returns
        -------
        self : CubeClassifier
            The fitted classifier.

        Examples
        --------
        >>> import numpy as np
        >>> from skesom.datasets import make_galaxy_cube
        >>> from skesom.maps import CubeClassifier
        >>> cube, truth = make_galaxy_cube((40, 40), random_state=0)
        >>> few = np.full(truth.shape, -3)
        >>> few[::3, ::3] = truth[::3, ::3]
        >>> CubeClassifier().fit(cube, few).labels_.shape
        (40, 40)
        """
        cube, table, valid = self._training_table(X)
        if cube.errors is not None:
            text = "The errors of the cube are not used: CubeClassifier passes none on."
            warn_user(text)
        labels = check_labels(y, valid.shape)[valid]
        labeled = labels >= 0
        if not labeled.any():
            raise ValueError(
                f"None of the {len(labels)} valid pixels is labeled: the label map y "
                "is negative in all of them. Label a few pixels of each class."
            )
        self.classes_ = np.unique(labels[labeled])
        self.estimator_ = self._fitted(table, labels)
        keep_parameters(self)
        self.labels_ = self.predict(cube)
        return self

    def _fitted(self, table, labels):
        """Return the estimator, fitted to the labeled rows of a table."""
        estimator = self.estimator
        if estimator is None:
            esom = ESOM(learning_rate=0.05, random_state=0)
            unlabeled = -1 if self.semi_supervised else None
            classifier = MapClassifier(esom, unlabeled=unlabeled)
            estimator = make_pipeline(StandardScaler(), classifier)
        if self.semi_supervised:
            # To scikit-learn -1 is unlabeled; sky and no data are below.
            table, labels = table_to_learn(estimator, table), np.maximum(labels, -1)
        else:
            labeled = labels >= 0
            table, labels = take_rows(table, np.flatnonzero(labeled)), labels[labeled]
        return clone(estimator).fit(table, labels)

    @available_if(_gives_probabilities)
    @by_fit
    def predict_proba(self, X: CubeLike) -> NDArray[Any]:
        """Return the probability of each class in the valid pixels of a cube.

        Parameters
        ----------
        X : Cube or array-like of shape (n_rows, n_columns, n_bands)
            A cube of the same bands.

        Returns
        -------
        probabilities : ndarray of shape (n_rows, n_columns, n_classes)
            In the order of `classes_`, NaN for masked pixels.

        Examples
        --------
        >>> from skesom.datasets import make_galaxy_cube
        >>> from skesom.maps import CubeClassifier
        >>> cube, truth = make_galaxy_cube((40, 40), random_state=0)
        >>> classifier = CubeClassifier().fit(cube, truth)
        >>> classifier.predict_proba(cube).shape == (40, 40, len(classifier.classes_))
        True
        """
        check_is_fitted(self)
        no_values = np.empty((0, len(self.classes_)))
        probabilities, _, _ = self._make_image("predict_proba", X, no_values)
        return probabilities

    def _values_of_rows(self, method, table, valid, cube):
        table = table_to_apply(self.estimator_, table)
        return apply_method(self.estimator_, method, table, None)

    def score(self, X: CubeLike, y: ArrayLike) -> float:
        """Return the accuracy in the pixels that are valid and labeled.

        Parameters
        ----------
        X : Cube or array-like of shape (n_rows, n_columns, n_bands)
            A cube of the same bands.
        y : array-like of shape (n_rows, n_columns), of integers
            Label map; negative where a pixel is unlabeled.

        Returns
        -------
        accuracy : float
            Share of pixels with the right label, NaN without any labeled pixel.

        Examples
        --------
        >>> import numpy as np
        >>> from sklearn.neighbors import KNeighborsClassifier
        >>> from skesom.maps import CubeClassifier
        >>> cube = np.array([[[0.0], [0.1], [5.0], [5.1]]])
        >>> classifier = CubeClassifier(KNeighborsClassifier(1))
        >>> classifier = classifier.fit(cube, [[0, -3, 1, -3]])
        >>> classifier.score(cube, [[0, 0, 1, 0]])
        0.75
        """
        predicted = self.predict(X)
        labels = check_labels(y, predicted.shape)
        compared = (predicted >= 0) & (labels >= 0)
        if not compared.any():
            return float("nan")
        return float(np.mean(predicted[compared] == labels[compared]))


def check_labels(y, shape):
    """Return a label map with unlabeled pixels as int32."""
    labels = without_mask(y)
    if labels.dtype.kind not in "iu":
        raise ValueError(
            f"The label map y has dtype {labels.dtype}; labels are integers, negative "
            "where a pixel is unlabeled."
        )
    if labels.shape != shape:
        raise ValueError(
            f"The label map y has shape {labels.shape}, but the cube needs {shape}."
        )
    if labels.max(initial=0) > np.iinfo(np.int32).max:
        raise ValueError(f"Label {labels.max()} of the label map y exceeds 32 bits.")
    return labels.astype(np.int32)
