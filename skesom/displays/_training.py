# SPDX-License-Identifier: BSD-3-Clause
"""The training of a map: its error in each epoch, and its units as they move."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

import numpy as np
from scipy import sparse
from sklearn.decomposition import PCA
from sklearn.impute import SimpleImputer
from sklearn.pipeline import make_pipeline

from skesom._common.pipelines import last_step, map_inside
from skesom.displays._display import Display, check_matplotlib, new_axes
from skesom.displays._unit_layout import fitted_map
from skesom.som import CSOM, ESOM, training_frames

if TYPE_CHECKING:
    from typing import Any, Self

    from matplotlib.animation import FuncAnimation
    from matplotlib.axes import Axes
    from numpy.typing import ArrayLike
    from sklearn.base import BaseEstimator

    from skesom._common.types import CubeLike

_MOST_SAMPLES = 3000  # more are left out in steps


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

    def __init__(
        self, values: ArrayLike | Mapping[str, ArrayLike], *, what: str = "error"
    ) -> None:
        self.values, self.what = values, what

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
        given = {"values": som.training_errors_, "what": "root mean square distance"}
        return cls._drawn(ax, options, **given)

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
        given = self.values
        curves = given if isinstance(given, Mapping) else {"": given}
        curves = {str(k): np.asarray(v, dtype=float) for k, v in curves.items()}
        for name, errors in curves.items():
            if errors.ndim != 1 or len(errors) == 0:
                raise ValueError(
                    "values must have one number for each epoch, got an array of shape "
                    f"{errors.shape}{f' for {name}' if name else ''}."
                )
        ax = new_axes(ax)
        self.lines_ = []
        for name, errors in curves.items():
            epochs = np.arange(1, len(errors) + 1)
            style = "o-" if len(errors) <= 50 else "-"
            self.lines_ += ax.plot(epochs, errors, style, markersize=3.5, label=name)
        ax.set(xlabel="epoch", ylabel=self.what)
        ax.locator_params(axis="x", integer=True)
        ax.grid(alpha=0.3)
        ax.spines[["top", "right"]].set_visible(False)
        if any(curves):
            ax.legend(frameon=False)
        self.ax_, self.figure_ = ax, ax.figure
        return self


def animate_training(
    estimator: BaseEstimator,
    X: CubeLike,
    *,
    n_frames: int = 24,
    fps: float = 6,
    ax: Axes | None = None,
) -> FuncAnimation:
    """Train a copy of a map as `fit` does, and show its units and links on the way.

    The picture shows the first two principal components, of two features these.

    Parameters
    ----------
    estimator : estimator
        ESOM or CSOM, or a fitted Pipeline or CubeClusterer that contains one.
    X : array-like of shape (n_samples, n_features) or Cube
        What it learns, as the estimator takes it.
    n_frames : int, default=24
        Frames at most: of a CSOM from before training to the last epoch, of an ESOM
        after more and more samples.
    fps : float, default=6
        Frames per second; the last one stays for a second.
    ax : matplotlib.axes.Axes, default=None
        Where to draw; by default in a figure that only the animation shows.

    Returns
    -------
    animation : matplotlib.animation.FuncAnimation
        ``animation.save("training.gif", writer="pillow")`` writes it. Notebooks show a
        player if it is at the end of a cell.

    Raises
    ------
    ValueError
        Without a map, two frames and two features.

    Examples
    --------
    >>> from sklearn.datasets import make_moons
    >>> from skesom.displays import animate_training
    >>> from skesom.som import ESOM
    >>> X, _ = make_moons(300, noise=0.05, random_state=0)
    >>> animation = animate_training(ESOM(random_state=0), X, n_frames=4)
    >>> "<img" in animation.to_jshtml()
    True
    """
    check_matplotlib()
    from matplotlib.animation import FuncAnimation
    from matplotlib.collections import LineCollection
    from matplotlib.figure import Figure

    som, X = map_inside(*last_step(estimator, X))
    n_features = np.shape(X)[1]
    if not isinstance(som, ESOM | CSOM) or min(n_frames, n_features) < 2:
        raise ValueError(
            "An animation needs an ESOM or CSOM, two frames and two features, got "
            f"{type(som).__name__}, n_frames={n_frames} and {n_features} features."
        )
    frames, X = training_frames(som, X, n_frames), np.asarray(X)
    plane = np.asarray
    if n_features > 2:
        plane = make_pipeline(SimpleImputer(), PCA(2)).fit(X).transform
    if ax is None:
        ax = Figure(figsize=(4.8, 4.8)).add_subplot()
    ax.scatter(*plane(X[:: -(-len(X) // _MOST_SAMPLES)]).T, 4, "#a9b4c6", linewidths=0)
    ax.set_aspect("equal", adjustable="datalim")
    lines = LineCollection([], colors="#33333f", linewidths=0.6, alpha=0.7)
    ax.add_collection(lines, autolim=False)
    units = ax.scatter([], [], 10, "#b5179e", linewidths=0, zorder=3)

    def draw(number):
        done, codebook, links = frames[number]
        places, ends = plane(codebook), sparse.triu(sparse.coo_array(links), 1).coords
        lines.set_segments(places[np.column_stack(ends)])
        units.set_offsets(places)
        ax.set_title(f"{'samples' if isinstance(som, ESOM) else 'epochs'}: {done}")

    numbers = [*range(len(frames))] + [len(frames) - 1] * round(fps)
    how = {"frames": numbers, "interval": 1000 / fps, "cache_frame_data": False}
    animation = FuncAnimation(ax.figure, draw, **how)
    animation._repr_html_ = animation.to_jshtml
    return animation
