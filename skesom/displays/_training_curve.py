# SPDX-License-Identifier: BSD-3-Clause
"""The training curve of a map: its error from epoch to epoch."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import KW_ONLY, dataclass
from typing import Any, Self

import numpy as np
from numpy.typing import ArrayLike
from sklearn.base import BaseEstimator

from skesom._types import Axes
from skesom.displays.display import Display
from skesom.displays.unit_layout import fitted_map

_MOST_DOTS = 50  # epochs of a curve that has a dot for each of them


@dataclass(eq=False, repr=False)
class TrainingCurveDisplay(Display):
    """Training curve: the error of a map in each epoch.

    A curve that still falls at its end needs more epochs.

    Parameters
    ----------
    values : array-like of shape (n_epochs,) or dict of str to such
        Error of each epoch, of one map or of several by their names.
    what : str, default="error"
        Name of the errors, for the axis.

    %(attributes)s
    lines_ : list of matplotlib.lines.Line2D
        One for each curve.

    Examples
    --------
    >>> from sklearn.datasets import load_iris
    >>> from skesom.displays import TrainingCurveDisplay
    >>> from skesom.som import CSOM
    >>> csom = CSOM(shape=(8, 6), n_epochs=12).fit(load_iris().data)
    >>> display = TrainingCurveDisplay.from_estimator(csom)
    >>> len(display.lines_[0].get_xdata())
    12
    """

    values: ArrayLike | Mapping[str, ArrayLike]
    _: KW_ONLY
    what: str = "error"

    @classmethod
    def from_estimator(
        cls, estimator: BaseEstimator, *, ax: Axes | None = None, **options: Any
    ) -> Self:
        """Draw the training curve of a fitted classical map.

        %(map)s
        %(drawn)s

        Examples
        --------
        >>> from sklearn.datasets import load_iris
        >>> from skesom.displays import TrainingCurveDisplay
        >>> from skesom.som import CSOM
        >>> csom = CSOM(shape=(6, 4), n_epochs=5).fit(load_iris().data)
        >>> len(TrainingCurveDisplay.from_estimator(csom).lines_)
        1
        """
        som = fitted_map(estimator, cls.__name__)
        if not hasattr(som, "training_errors_"):
            raise ValueError(f"{type(som).__name__} has no training curve, a CSOM has.")
        fields = {
            "values": som.training_errors_,
            "what": "root mean square distance",
        }
        return cls._drawn(ax, options, fields)

    def plot(self, ax: Axes | None = None) -> Self:
        """Draw the errors by the number of the epoch, counted from 1.

        %(parameters)s

        %(plotted)s

        Examples
        --------
        >>> from skesom.displays import TrainingCurveDisplay
        >>> curves = {"7 x 7": [3.0, 2.0], "14 x 14": [2.5, 1.5]}
        >>> len(TrainingCurveDisplay(curves).plot().lines_)
        2
        """
        if isinstance(self.values, Mapping):
            errors_of = self.values
        else:
            errors_of = {"": self.values}
        curves = {}
        for key, values in errors_of.items():
            name = str(key)
            errors = np.asarray(values, dtype=float)
            if errors.ndim != 1 or len(errors) == 0:
                of_curve = f" for {name}" if name else ""
                raise ValueError(
                    "values must have one number for each epoch, got an array of shape "
                    f"{errors.shape}{of_curve}."
                )
            curves[name] = errors
        ax = self._new_axes(ax)
        self.lines_ = []
        for name, errors in curves.items():
            epochs = np.arange(1, len(errors) + 1)
            style = "o-" if len(errors) <= _MOST_DOTS else "-"
            self.lines_ += ax.plot(epochs, errors, style, markersize=3.5, label=name)
        ax.set(xlabel="epoch", ylabel=self.what)
        ax.locator_params(axis="x", integer=True)
        ax.grid(alpha=0.3)
        ax.spines[["top", "right"]].set_visible(False)
        if any(curves):
            ax.legend(frameon=False)
        return self
