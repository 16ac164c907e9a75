# SPDX-License-Identifier: BSD-3-Clause
"""The samples of the units of a map, and images of their weights."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import KW_ONLY, dataclass
from types import SimpleNamespace
from typing import Any, Self

import numpy as np
from numpy.typing import ArrayLike
from sklearn.base import BaseEstimator
from sklearn.utils import check_consistent_length

from skesom._common.pipelines import last_step, map_inside
from skesom._common.warn import warn_user
from skesom._types import Axes, Colormap, CubeLike
from skesom.displays._unit_map import EMPTY, UnitMapDisplay, uncovered
from skesom.displays.colors import cluster_palette
from skesom.displays.display import add_color_bar, check_matplotlib, size_in_points
from skesom.displays.legends import add_legend
from skesom.displays.unit_layout import LatticeLayout, fitted_map, hits_of

# Half the size of the largest: by the width of a cell, by the shorter side of a graph.
_PIE = (0.47, 0.03)
_IMAGE = (0.42, 0.037)
_SMALLEST_PIE = 0.2  # by the largest


@dataclass(eq=False, repr=False)
class HitMapDisplay(UnitMapDisplay):
    """Hit map: the number of samples for which each unit is the nearest.

    Empty units are between clusters; they are light gray. Samples of several classes
    are pies: the area is the number of samples, the slices are the classes.

    Parameters
    ----------
    values : ndarray of shape (n_units,) or (n_units, n_classes)
        Number of samples of each unit, or of those of each class.
    %(layout)s
    classes : sequence of length n_classes, default=None
        Names of the classes, if there are any.

    %(attributes)s
    %(units)s
        None for classes, but if there are too many for a legend.
    texts_ : list of matplotlib.text.Text
        Numbers in cells that are large enough.
    pies_ : matplotlib.collections.PatchCollection or None
        Slices of the pies.
    legend_ : matplotlib.legend.Legend or None
        Classes and their percentages of the samples.

    Examples
    --------
    >>> from sklearn.datasets import load_iris
    >>> from skesom.displays import HitMapDisplay
    >>> from skesom.som import CSOM
    >>> X, y = load_iris(return_X_y=True)
    >>> csom = CSOM(shape=(6, 8)).fit(X)
    >>> HitMapDisplay.from_estimator(csom, X, y).legend_.get_texts()[0].get_text()
    '0: 33.3 %'
    """

    _: KW_ONLY
    classes: Sequence[Any] | None = None

    @classmethod
    def from_estimator(
        cls,
        estimator: BaseEstimator,
        X: CubeLike | None = None,
        y: ArrayLike | None = None,
        *,
        embedding: Any = "pca",
        ax: Axes | None = None,
        **options: Any,
    ) -> Self:
        """Draw the hits of a fitted map.

        %(map)s
        X : array-like of shape (n_samples, n_features) or Cube, default=None
            Samples to count instead of those of the training, as the estimator takes
            them.
        y : array-like of shape (n_samples,), default=None
            Class of each sample.
        %(embedding)s
        %(drawn)s

        Examples
        --------
        >>> from sklearn.datasets import load_iris
        >>> from skesom.displays import HitMapDisplay
        >>> from skesom.som import CSOM
        >>> csom = CSOM(shape=(6, 4)).fit(load_iris().data)
        >>> int(HitMapDisplay.from_estimator(csom).values.sum())
        150
        """
        if X is not None:
            fitted_map(estimator, cls.__name__)
            som, X = map_inside(*last_step(estimator, X))
            options |= _count_hits(som.winners(X), len(som.codebook_), y)
        elif y is not None:
            raise ValueError("y are the classes of the samples X: give X too.")
        return super().from_estimator(estimator, embedding=embedding, ax=ax, **options)

    @classmethod
    def _of_map(cls, som):
        return {"values": hits_of(som)}

    def plot(
        self,
        ax: Axes | None = None,
        *,
        numbers: bool = True,
        cmap: str | Colormap = "viridis",
        colors: ArrayLike | None = None,
    ) -> Self:
        """Draw the units in the colors of their hits, or pies of their classes.

        %(parameters)s
        numbers : bool, default=True
            Whether the hits are written in the cells of a lattice, if there is room
            and there are no classes.
        cmap : str or matplotlib.colors.Colormap, default="viridis"
            Colors of hits without classes, on a square-root scale.
        colors : array-like of shape (n_classes, 4), default=None
            Colors of classes, by default those of clusters.

        %(plotted)s

        Examples
        --------
        >>> from sklearn.datasets import load_iris
        >>> from skesom.displays import HitMapDisplay
        >>> from skesom.som import CSOM
        >>> csom = CSOM(shape=(6, 4)).fit(load_iris().data)
        >>> display = HitMapDisplay.from_estimator(csom)
        >>> display.plot(numbers=False).texts_
        []
        """
        check_matplotlib()
        self.texts_ = []
        self.pies_ = None
        self.legend_ = None
        if self.classes is not None:
            return self._plot_pies(ax, colors)
        if colors is not None:
            warn_user("colors are those of classes, and there are none: give y.")
        from matplotlib import colormaps
        from matplotlib.colors import PowerNorm

        if isinstance(cmap, str):
            cmap = colormaps[cmap]
        cmap = cmap.with_extremes(bad=EMPTY)
        norm = PowerNorm(0.5, vmin=0, vmax=max(np.max(self.values), 1))
        hits = np.ma.masked_equal(np.asarray(self.values, dtype=np.float64), 0)
        ax = self._draw_units(ax, hits, "hit map", "samples", cmap, norm)
        if numbers and isinstance(self.layout, LatticeLayout):
            self.texts_ = self._write_numbers(ax)
        return self

    def _write_numbers(self, ax):
        """Write the hits in the cells, if they fit."""
        width, height = size_in_points(ax) / self.layout.size
        numbers = [f"{hits:.0f}" for hits in self.values]
        # A digit is 0.62 times as wide as high.
        most_digits = max(len(number) for number in numbers)
        size = min(0.8 * min(width, height) / (0.62 * most_digits), 9)
        if size < 4.5:
            return []
        is_dark = self.units_.norm(self.values) < 0.6
        texts = []
        for unit in np.flatnonzero(np.asarray(self.values) > 0):
            x, y = self.layout.positions[unit]
            text = ax.text(
                x,
                y,
                numbers[unit],
                size=size,
                ha="center",
                va="center_baseline",
                color="white" if is_dark[unit] else "black",
            )
            texts.append(text)
        return texts

    def _plot_pies(self, ax, colors):
        """Draw a pie for each unit, as large as its hits."""
        from matplotlib.collections import PatchCollection
        from matplotlib.patches import Wedge

        hits = np.asarray(self.values)
        names = [str(name) for name in self.classes]
        if colors is None:
            colors = cluster_palette(len(names))
        colors = np.asarray(colors)
        if hits.shape[1:] != (len(names),) or len(colors) < len(names):
            raise ValueError(
                f"There are {len(names)} classes, but values of shape {hits.shape} and "
                f"{len(colors)} colors."
            )
        ax = self._draw_ground(ax, "hits by class")
        classes = SimpleNamespace(colors=colors, names=names)
        shares = 100 * hits.sum(axis=0) / max(hits.sum(), 1)
        self.legend_, self.color_bar_ = add_legend(
            ax, classes, np.arange(len(names)), shares, title="class"
        )
        sums = np.cumsum(hits, axis=1)
        totals = sums[:, -1]
        radii = np.sqrt(totals / max(sums.max(), 1)).clip(_SMALLEST_PIE)
        radii *= self._dots(ax, *_PIE) / ax.figure.dpi
        # Slices follow each other clockwise from the top.
        ends = np.insert(sums, 0, 0, axis=1)
        angles = 90 - 360 * ends / np.maximum(totals, 1)[:, np.newaxis]
        # Larger pies first, so that they hide none where units are close.
        slices = np.argwhere(hits > 0)
        slices = slices[np.argsort(-radii[slices[:, 0]], kind="stable")]
        units, numbers = slices.T
        wedges = []
        for unit, number in slices:
            start = angles[unit, number + 1]
            stop = angles[unit, number]
            wedges.append(Wedge((0, 0), radii[unit], theta1=start, theta2=stop))
        pies = PatchCollection(
            wedges,
            facecolors=colors[numbers],
            linewidths=0,
            offsets=self.layout.positions[units],
            offset_transform=ax.transData,
            zorder=2.2,
        )
        pies.set_transform(ax.figure.dpi_scale_trans)  # axes may have any scale
        self.pies_ = ax.add_collection(pies, autolim=False)
        return self


@dataclass(eq=False, repr=False)
class PrototypesDisplay(UnitMapDisplay):
    """Prototypes: the weights of each unit as a small image, such as a digit.

    Of dots of a graph that are too close, the one of most hits has an image.

    Parameters
    ----------
    values : ndarray of shape (n_units, n_features)
        Weights of the units.
    %(layout)s
    shape : tuple of int (height, width), default=None
        Pixels of an image; a square by default.

    %(attributes)s
    units_ : matplotlib.collections.Collection
        Cells or dots, below the images.
    images_ : dict of int to matplotlib.image.AxesImage
        Images of units by their numbers.
    %(color_bar)s

    Examples
    --------
    >>> from sklearn.datasets import load_digits
    >>> from skesom.displays import PrototypesDisplay
    >>> from skesom.som import CSOM
    >>> csom = CSOM(shape=(5, 6)).fit(load_digits().data)
    >>> len(PrototypesDisplay.from_estimator(csom, shape=(8, 8)).images_)
    30
    """

    _: KW_ONLY
    shape: tuple[int, int] | None = None

    _n_more_axes = 1

    def __post_init__(self):
        n_features = np.shape(self.values)[1]
        if self.shape is None:
            side = math.isqrt(n_features)
            self.shape = (side, side)
        self.shape = tuple(self.shape)
        if len(self.shape) != 2 or math.prod(self.shape) != n_features:
            raise ValueError(
                f"shape must be the height and width of images of {n_features} "
                f"pixels, got {self.shape}."
            )

    @classmethod
    def _of_map(cls, som):
        return {"values": som.codebook_}

    def plot(self, ax: Axes | None = None, *, cmap: str | Colormap = "gray_r") -> Self:
        """Draw the images on the cells or dots of their units, all on one scale.

        %(parameters)s
        cmap : str or matplotlib.colors.Colormap, default="gray_r"
            Colors of the weights.

        %(plotted)s

        Examples
        --------
        >>> import numpy as np
        >>> from skesom.displays import PrototypesDisplay
        >>> weights = np.zeros((2, 3, 4))  # of 2 x 3 units
        >>> display = PrototypesDisplay.from_predictions(weights)
        >>> len(display.plot(cmap="viridis").images_)
        6
        """
        ax = self._draw_ground(ax, "prototypes")
        from matplotlib.cm import ScalarMappable
        from matplotlib.colors import Normalize
        from matplotlib.image import AxesImage

        norm = Normalize(np.min(self.values), np.max(self.values))
        self.color_bar_ = add_color_bar(
            ax, ScalarMappable(norm, cmap), "weight", below=self.layout.flat
        )
        # Half of width and height of an image, in dots of the picture.
        half = self._dots(ax, *_IMAGE) * np.array(self.shape[::-1]) / max(self.shape)
        hits = self.layout.hits
        if hits is None:
            hits = np.zeros(len(self.values))
        # Of units that are too close, the one of most hits is the first to be drawn.
        order = np.argsort(-hits, kind="stable")
        middles = ax.transData.transform(self.layout.positions[order])
        to_data = ax.transData.inverted()
        self.images_ = {}
        for number in uncovered(middles, np.broadcast_to(half, middles.shape)):
            unit = int(order[number])
            corners = to_data.transform([-half, half] + middles[number])
            # Left, right, bottom and top.
            extent = corners.T.ravel().tolist()
            # As an artist it leaves the limits, and 2.2 is below the frame.
            image = AxesImage(ax, cmap=cmap, norm=norm, extent=extent)
            image.set_zorder(2.2)
            image.set_data(np.reshape(self.values[unit], self.shape))
            image.set_clip_path(ax.patch)
            self.images_[unit] = ax.add_image(image)
        return self


def _count_hits(winners, n_units, y):
    """Count the samples of each unit, or those of each class."""
    has_winner = winners >= 0
    if y is None:
        return {"values": np.bincount(winners[has_winner], minlength=n_units)}
    check_consistent_length(winners, y)
    classes, numbers = np.unique(y, return_inverse=True)
    values = np.zeros((n_units, len(classes)))
    np.add.at(values, (winners[has_winner], numbers[has_winner]), 1)
    return {"values": values, "classes": classes}
