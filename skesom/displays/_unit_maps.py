# SPDX-License-Identifier: BSD-3-Clause
"""The units of a map: their distances, their weights; and the training of a map."""

from __future__ import annotations

import copy
import math
from collections.abc import Mapping, Sequence
from dataclasses import KW_ONLY, dataclass
from typing import Any, Literal, Self

import numpy as np
from numpy.typing import ArrayLike
from scipy import sparse
from sklearn.base import BaseEstimator

from skesom._types import Axes, Colormap
from skesom.displays.colors import cluster_palette
from skesom.displays.display import (
    Display,
    add_color_bar,
    literal,
    numbers_of,
    panels_in,
    size_in_points,
    update_layout,
)
from skesom.displays.unit_layout import (
    GraphLayout,
    LatticeLayout,
    fitted_map,
    layout_of,
)

EMPTY = "#f2f2f4"
_LONGEST_SIDE = 5.5  # inches
_ROOM = 0.1  # around a graph, for images of units at its edge
_PANEL = 2.6  # inches, the longer side
# Inches for a color bar, or none, and a title.
_BETWEEN = {"own": np.array([0.65, 0.4]), "shared": np.array([0.1, 0.3])}
_NUMBER = 0.4  # height of a number by the room of a cluster
_NUMBER_SIZES = 5.0, 8.5  # points
_LEAST_ROOM = 12.0  # points by points for a cluster, or numbers would hide all


@dataclass(eq=False, repr=False)
class UnitMapDisplay(Display):
    """Values of units in colors, on a lattice or as dots of a graph."""

    values: ArrayLike
    layout: LatticeLayout | GraphLayout

    _n_more_axes = 0

    @classmethod
    def from_estimator(
        cls,
        estimator: BaseEstimator,
        *,
        embedding: Any = "pca",
        ax: Axes | None = None,
        **options: Any,
    ) -> Self:
        """Draw the units of a fitted map.

        %(map)s
        %(embedding)s
        %(drawn)s

        Examples
        --------
        >>> from sklearn.datasets import load_iris
        >>> from skesom.displays import UMatrixDisplay
        >>> from skesom.som import ESOM
        >>> esom = ESOM(3, random_state=0).fit(load_iris().data)
        >>> display = UMatrixDisplay.from_estimator(esom, embedding="isomap")
        >>> len(display.values) == len(esom.codebook_)
        True
        """
        som = fitted_map(estimator, cls.__name__)
        given = cls._of_map(som) | {"layout": layout_of(som, embedding)}
        return cls._drawn(ax, options, given)

    @classmethod
    def from_predictions(  # type: ignore[override]
        cls,
        values: ArrayLike,
        *,
        topology: Literal["hexagonal", "rectangular"] = "hexagonal",
        toroidal: bool = False,
        positions: ArrayLike | None = None,
        connections: Any = None,
        ax: Axes | None = None,
        **options: Any,
    ) -> Self:
        """Draw values that are known already, of a map of any origin.

        Parameters
        ----------
        values : array-like of shape (n_rows, n_columns) or (n_units,)
            Values as in the class, of the units of a lattice or, with `positions`, of
            the units of a graph. Component planes and prototypes have one axis more,
            the features, and hits of `classes` have these.
        topology : {"hexagonal", "rectangular"}, default="hexagonal"
            Cells of a lattice. Odd rows of a hexagonal one are shifted to the right.
        toroidal : bool, default=False
            Whether opposite edges of a lattice are joined.
        positions : array-like of shape (n_units, 2), default=None
            Places (x, y) of the units of a graph, instead of a lattice.
        connections : sparse or array-like of shape (n_units, n_units), default=None
            Strengths of the links of a graph.
        %(drawn)s

        Examples
        --------
        >>> import numpy as np
        >>> from skesom.displays import UMatrixDisplay
        >>> distances = np.array([[0.1, 0.9, 0.2], [0.1, 0.8, 0.1]])
        >>> display = UMatrixDisplay.from_predictions(distances, topology="rectangular")
        >>> display.ax_.get_title()
        'U-matrix'
        """
        values = np.asarray(values, dtype=np.float64)
        n_more = cls._n_more_axes + ("classes" in options)
        shape = values.shape[: values.ndim - n_more]
        values = values.reshape(-1, *values.shape[len(shape) :])
        if positions is not None:
            if toroidal or topology != "hexagonal":
                raise ValueError("topology and toroidal are about units on a lattice.")
            if connections is None:
                connections = sparse.coo_array((len(values), len(values)))
            layout = GraphLayout(positions, connections)
        elif len(shape) == 2:
            layout = LatticeLayout(shape, topology, toroidal)
        else:
            raise ValueError(
                "Values of a lattice have the shape (n_rows, n_columns); for the units "
                f"of a graph give their positions. Got shape {shape}."
            )
        return cls._drawn(ax, options, {"values": values, "layout": layout})

    def _begin(self, ax, title):
        """Return axes for the units."""
        width, height = self.layout.size
        scale = _LONGEST_SIDE / max(width, height)
        size = max(scale * width, 2.0) + 1.2, max(scale * height, 1.2) + 0.6
        ax = self._new_axes(ax, size)
        ax.set_title(title)
        return ax

    def _draw(self, ax, values, title, label, cmap, norm=None, rims=None):
        """Draw the units and a color bar."""
        ax = self._begin(ax, title)
        self.units_ = self.layout.draw(ax, values, cmap, norm, rims=rims)
        self.color_bar_ = add_color_bar(ax, self.units_, label, below=self.layout.flat)
        update_layout(ax)  # lines and numbers depend on the size of the cells
        return ax

    def _draw_ground(self, ax, title):
        """Draw cells or dots of a graph in light gray, for pies or images over them."""
        ax, layout = self._begin(ax, title), copy.copy(self.layout)
        from matplotlib.colors import ListedColormap

        nothing = np.zeros(len(self.values))
        layout.hits, layout.toroidal = nothing, False  # no cell is repeated
        self.units_ = layout.draw(ax, nothing, ListedColormap([EMPTY]))
        if not isinstance(layout, LatticeLayout):
            ax.margins(_ROOM)
        return ax

    def _dots(self, ax, of_cell, of_axes):
        """Return a share of a cell, or of the shorter side of a graph, in dots."""
        update_layout(ax)
        ax.apply_aspect()
        if isinstance(self.layout, LatticeLayout):
            return of_cell * np.diff(ax.transData.transform([(0, 0), (1, 0)])[:, 0])
        return of_axes * min(ax.bbox.size)


@dataclass(eq=False, repr=False)
class UMatrixDisplay(UnitMapDisplay):
    """U-matrix: the mean distance of each unit of a map to its neighbors [1]_.

    High values are borders: neighbors on the map that are far apart in the data.

    Parameters
    ----------
    values : ndarray of shape (n_units,)
        Mean distance of each unit to its neighbors.
    %(layout)s
    unit_labels : array-like of int with one for each unit, default=None
        Cluster of each unit.

    %(attributes)s
    %(units)s
    borders_ : matplotlib.collections.LineCollection or None
        Sides of cells between clusters; None for a graph, and without clusters.

    References
    ----------
    .. [1] Ultsch, A. & Siemon, H. (1990), "Kohonen's self organizing feature maps for
       exploratory data analysis", Proc. INNC, 305-308.

    Examples
    --------
    >>> from sklearn.datasets import load_iris
    >>> from skesom.displays import UMatrixDisplay
    >>> from skesom.som import CSOM
    >>> csom = CSOM(shape=(8, 6), n_clusters=3).fit(load_iris().data)
    >>> display = UMatrixDisplay.from_estimator(csom)
    >>> display.ax_.get_title()
    'U-matrix'
    """

    _: KW_ONLY
    unit_labels: ArrayLike | None = None

    @classmethod
    def _of_map(cls, som):
        labels = getattr(som, "unit_labels_", None)
        return {"values": np.ravel(som.u_matrix()), "unit_labels": labels}

    def plot(
        self,
        ax: Axes | None = None,
        *,
        clusters: bool = True,
        colors: ArrayLike | None = None,
        cmap: str | Colormap = "cividis",
    ) -> Self:
        """Draw the units in the colors of their distances.

        %(parameters)s
        clusters : bool, default=True
            Whether clusters are shown, if there are several: by numbers, and by borders
            between cells or rims of dots.
        colors : array-like of shape (n_clusters, 4), default=None
            Colors of the rims of dots, by default those of the other displays.
        cmap : str or matplotlib.colors.Colormap, default="cividis"
            Colors of the distances.

        %(plotted)s

        Examples
        --------
        >>> import numpy as np
        >>> from skesom.displays import UMatrixDisplay
        >>> display = UMatrixDisplay.from_predictions(np.eye(3))
        >>> display.plot(cmap="viridis").units_.get_cmap().name
        'viridis'
        """
        labels = rims = None
        if clusters and self.unit_labels is not None:
            labels = np.ravel(self.unit_labels)
            if not 1 < len(np.unique(labels)) <= len(labels) / 2:
                labels = None
        on_lattice = isinstance(self.layout, LatticeLayout)
        if labels is not None and not on_lattice:
            if colors is None:
                colors = cluster_palette(int(labels.max()) + 1)
            rims = np.asarray(colors)[labels]
        label = "mean distance to neighbors"
        ax = self._draw(ax, self.values, "U-matrix", label, cmap, rims=rims)
        self.borders_ = None
        if labels is not None:
            if on_lattice:
                self.borders_ = self.layout.draw_borders(ax, labels)
            _write_cluster_numbers(ax, self.layout, labels)
        return self


@dataclass(eq=False, repr=False)
class ComponentPlanesDisplay(UnitMapDisplay):
    """Component planes: the weights of the units in each feature (band) by itself.

    Features with similar planes are redundant. The panels fill the axes.

    Parameters
    ----------
    values : ndarray of shape (n_units, n_features)
        Weights of the units.
    %(layout)s
    names : sequence of str of length n_features, default=None
        Features or bands, for instance ``cube.band_names``. By default the feature
        names of the fitted map, or "feature 1", "feature 2", ...

    %(attributes)s
    axes_ : ndarray of shape (n_features,) of matplotlib.axes.Axes
        A panel for each feature.
    units_ : list of matplotlib.collections.Collection
        Cells of a lattice or dots of a graph, for each feature.
    color_bars_ : list of matplotlib.colorbar.Colorbar
        One for each feature, or the one that they share.

    Examples
    --------
    >>> from sklearn.datasets import load_iris
    >>> from skesom.displays import ComponentPlanesDisplay
    >>> from skesom.som import CSOM
    >>> iris = load_iris()
    >>> csom = CSOM(shape=(8, 6)).fit(iris.data)
    >>> display = ComponentPlanesDisplay.from_estimator(csom, names=iris.feature_names)
    >>> [ax.get_title() for ax in display.axes_[:2]]
    ['sepal length (cm)', 'sepal width (cm)']
    """

    _: KW_ONLY
    names: Sequence[str] | None = None

    _n_more_axes = 1

    def __post_init__(self):
        n_features = self.values.shape[1]
        names = [f"feature {number + 1}" for number in range(n_features)]
        self.names = names if self.names is None else list(self.names)
        if len(self.names) != n_features:
            raise ValueError(
                f"Give a name for each of the {n_features} features, got "
                f"{len(self.names)}."
            )

    @classmethod
    def _of_map(cls, som):
        names = getattr(som, "feature_names_in_", None)
        return {"values": som.codebook_, "names": names}

    def plot(
        self,
        ax: Axes | None = None,
        *,
        features: Sequence[int | str] | None = None,
        scale: Literal["own", "shared"] = "own",
        cmap: str | Colormap = "viridis",
    ) -> Self:
        """Draw a panel for each feature.

        %(parameters)s
        features : sequence of int or str, default=None
            Which ones, by number from 0 or by name; all by default.
        scale : {"own", "shared"}, default="own"
            Whether each panel has its own scale of colors, or all have the same.
        cmap : str or matplotlib.colors.Colormap, default="viridis"
            Colors of the weights.

        %(plotted)s

        Examples
        --------
        >>> from sklearn.datasets import load_iris
        >>> from skesom.displays import ComponentPlanesDisplay
        >>> from skesom.som import CSOM
        >>> csom = CSOM(shape=(6, 4)).fit(load_iris().data)
        >>> display = ComponentPlanesDisplay.from_estimator(csom)
        >>> len(display.plot(features=[0, 2]).axes_)
        2
        """
        if scale not in ("own", "shared"):
            raise ValueError(f"scale must be 'own' or 'shared', got {scale!r}.")
        numbers = numbers_of("feature", features, self.names)
        ax, self.axes_ = self._panels(ax, len(numbers), _BETWEEN[scale])
        norm = None
        if scale == "shared":
            from matplotlib.colors import Normalize

            planes = self.values[:, numbers]
            norm = Normalize(planes.min(), planes.max())
        self.units_, self.color_bars_ = [], []
        for panel, feature in zip(self.axes_, numbers, strict=True):
            plane = self.values[:, feature]
            # Links would hide the colors of small panels, and take most of the time.
            units = self.layout.draw(panel, plane, cmap, norm, line=0.2, links=False)
            self.units_.append(units)
            panel.set_title(literal(self.names[feature]), size="medium")
            panel.set(xlabel="", ylabel="", xticks=[], yticks=[])
            if scale == "own":
                bar = add_color_bar(panel, units, "", below=self.layout.flat)
                self.color_bars_.append(bar)
        if scale == "shared":
            bar = ax.figure.colorbar(
                self.units_[0], ax=self.axes_, aspect=30, panchor=False, label="weight"
            )
            self.color_bars_.append(bar)
        update_layout(ax)
        return self

    def _panels(self, ax, n_panels, between):
        """Return axes and the panels that fill them, as large as possible."""
        width, height = self.layout.size
        scale = _PANEL / max(width, height)
        panel = scale * width + 0.7, scale * height + 0.4  # color bar, title
        room = np.array([4, 3]) if ax is None else size_in_points(ax)
        columns = np.arange(1, n_panels + 1)
        rows = -(-n_panels // columns)
        sizes = np.minimum(room[0] / (columns * panel[0]), room[1] / (rows * panel[1]))
        n_columns = int(columns[np.argmax(sizes)])
        n_rows = math.ceil(n_panels / n_columns)
        ax = self._new_axes(ax, (n_columns * panel[0], n_rows * panel[1]))
        room = room / 72 / (n_columns, n_rows) - between
        spaces = between / np.maximum(room, between)
        grid = panels_in(ax, n_rows, n_columns, *spaces)
        places = [grid[divmod(number, n_columns)] for number in range(n_panels)]
        return ax, np.array([ax.figure.add_subplot(place) for place in places])


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
        given = {"values": som.training_errors_, "what": "root mean square distance"}
        return cls._drawn(ax, options, given)

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
        ax = self._new_axes(ax)
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
        return self


def _write_cluster_numbers(ax, layout, unit_labels):
    """Write the number of each cluster on its most central unit, if there is room."""
    from matplotlib.patheffects import withStroke

    labels, counts = np.unique(unit_labels[unit_labels >= 0], return_counts=True)
    room = np.sqrt(np.prod(size_in_points(ax)) / max(len(labels), 1))
    if room < _LEAST_ROOM:
        return
    size = float(np.clip(_NUMBER * room, *_NUMBER_SIZES))
    rim = withStroke(linewidth=size / 4, foreground="black")
    labels, places = labels[np.argsort(-counts, kind="stable")], []
    for label in labels:
        members = layout.positions[unit_labels == label]
        apart = np.linalg.norm(members - members.mean(axis=0), axis=1)
        places.append(members[np.argmin(apart)])
    middles = ax.transData.transform(places) * 72 / ax.figure.dpi
    halves = [(0.35 * size * len(str(label)), 0.45 * size) for label in labels]
    for number in sorted(uncovered(middles, halves), key=labels.item):
        text = ax.text(*places[number], str(labels[number]), size=size, weight="bold")
        text.set(color="white", ha="center", va="center", path_effects=[rim], zorder=4)


def uncovered(middles, halves):
    """Return the numbers of boxes, by halves of their sides, that cover none before."""
    kept, halves = [], np.asarray(halves)
    for number, middle in enumerate(middles):
        far = np.abs(middles[kept] - middle) >= halves[kept] + halves[number]
        if far.any(axis=1).all():
            kept.append(number)
    return kept
