# SPDX-License-Identifier: BSD-3-Clause
"""How the error of a map falls while it is trained."""

from collections.abc import Mapping

import numpy as np

from skesom.displays._axes import new_axes
from skesom.displays._fitted import fitted_map


class TrainingCurveDisplay:
    """Training curve: the error of a map in each epoch.

    A curve that still falls at its end asks for more epochs. It is made by
    `from_estimator` or `from_predictions`.

    Parameters
    ----------
    curves : dict of str to ndarray of shape (n_epochs,)
        Errors of each epoch, of one map or of several by their names.
    what : str, default="error"
        What the errors are.

    Attributes
    ----------
    ax_ : matplotlib.axes.Axes
        What it is drawn in.
    figure_ : matplotlib.figure.Figure
        The figure of the axes.
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

    def __init__(self, curves, *, what="error"):
        self.curves = curves
        self.what = what

    @classmethod
    def from_estimator(cls, estimator, *, ax=None):
        """Draw the training curve of a fitted classical map.

        Parameters
        ----------
        estimator : estimator
            Fitted CSOM (or its classifier), a Pipeline or CubeClusterer that holds one.
        ax : matplotlib.axes.Axes, default=None
            Where to draw; a new figure by default.

        Returns
        -------
        display : TrainingCurveDisplay
            Drawn.

        Raises
        ------
        ValueError
            If the estimator holds no map, or one that is not trained in epochs.
        ImportError
            If matplotlib is missing (extra ``plot``).
        """
        som = fitted_map(estimator, cls.__name__)
        if not hasattr(som, "training_errors_"):
            raise ValueError(
                f"{type(som).__name__} has no training curve: it does not follow its "
                "error from epoch to epoch."
            )
        what = "root mean square distance"
        return cls({"": som.training_errors_}, what=what).plot(ax)

    @classmethod
    def from_predictions(cls, errors, *, what="error", ax=None):
        """Draw errors that are known already.

        Parameters
        ----------
        errors : array-like of shape (n_epochs,) or dict of str to such
            Error of each epoch, of one map or of several by their names.
        what : str, default="error"
            What the errors are, for the axis.
        ax : matplotlib.axes.Axes, default=None
            Where to draw; a new figure by default.

        Returns
        -------
        display : TrainingCurveDisplay
            Drawn.

        Raises
        ------
        ValueError
            If errors are not a sequence of numbers.
        """
        curves = errors if isinstance(errors, Mapping) else {"": errors}
        curves = {str(k): np.asarray(v, dtype=float) for k, v in curves.items()}
        for name, curve in curves.items():
            if curve.ndim != 1 or len(curve) == 0:
                raise ValueError(
                    "errors must have one number for each epoch, got an array of shape "
                    f"{curve.shape}{f' for {name}' if name else ''}."
                )
        return cls(curves, what=what).plot(ax)

    def plot(self, ax=None):
        """Draw the errors by the number of the epoch, counted from 1.

        Parameters
        ----------
        ax : matplotlib.axes.Axes, default=None
            Where to draw; a new figure by default.

        Returns
        -------
        self : TrainingCurveDisplay
            With the attributes that end in an underscore.
        """
        ax = new_axes(ax)
        self.lines_ = []
        for name, errors in self.curves.items():
            epochs = np.arange(1, len(errors) + 1)
            style = "o-" if len(errors) <= 50 else "-"
            (line,) = ax.plot(epochs, errors, style, markersize=3.5, label=name)
            self.lines_.append(line)
        ax.set(xlabel="epoch", ylabel=self.what)
        ax.locator_params(axis="x", integer=True)
        ax.grid(alpha=0.3)
        ax.spines[["top", "right"]].set_visible(False)
        if any(self.curves):
            ax.legend(frameon=False)
        self.ax_, self.figure_ = ax, ax.figure
        return self
