# SPDX-License-Identifier: BSD-3-Clause
"""What the units of a map are in each feature, one picture for each."""

import math

import numpy as np

from skesom.displays._axes import (
    add_color_bar,
    new_axes,
    settle,
    size_in_points,
)
from skesom.displays._fitted import fitted_map
from skesom.displays._unit_layout import given_layout, layout_of

_PANEL = 2.6  # inches, the longer side


class ComponentPlanesDisplay:
    """Component planes: the weights of the units in each feature (band) by itself.

    Planes that look alike belong to features that say the same. It is made by
    `from_estimator` or `from_predictions`.

    Parameters
    ----------
    planes : ndarray of shape (n_units, n_features)
        Weights of the units.
    layout : LatticeLayout or GraphLayout
        How the units are drawn.
    names : sequence of str of length n_features, default=None
        Features or bands; "feature 1", "feature 2", ... by default.

    Attributes
    ----------
    ax_ : matplotlib.axes.Axes
        The axes that the panels fill.
    axes_ : ndarray of shape (n_features,) of matplotlib.axes.Axes
        One for each feature.
    figure_ : matplotlib.figure.Figure
        The figure of the axes.
    units_ : list of matplotlib.collections.Collection
        Cells of a lattice or nodes of a graph, for each feature.
    color_bars_ : list of matplotlib.colorbar.Colorbar
        One for each feature, or the one that they share.

    See Also
    --------
    UMatrixDisplay : How far the units are from their neighbors.

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

    def __init__(self, planes, layout, *, names=None):
        self.planes = planes
        self.layout = layout
        n_features = planes.shape[1]
        if names is None:
            names = [f"feature {number + 1}" for number in range(n_features)]
        if len(names) != n_features:
            raise ValueError(
                f"names must be one for each of the {n_features} features, got "
                f"{len(names)}."
            )
        self.names = list(names)

    @classmethod
    def from_estimator(
        cls, estimator, *, names=None, embedding="pca", ax=None, **options
    ):
        """Draw the component planes of a fitted map.

        Parameters
        ----------
        estimator : estimator
            Fitted ESOM or CSOM (or their classifiers), a Pipeline or CubeClusterer that
            holds one. The planes are in the units of the table that the map itself
            was given, after all steps before it.
        names : sequence of str of length n_features, default=None
            Features or bands, for instance ``cube.band_names``. By default the feature
            names that the map was fitted with, or numbers.
        embedding : {"pca", "isomap"}, transformer or array-like, default="pca"
            Where nodes of an evolving map stand, see `UMatrixDisplay.from_estimator`.
        ax : matplotlib.axes.Axes, default=None
            Axes that the panels shall fill; a new figure by default.
        **options : dict
            Arguments of `plot`.

        Returns
        -------
        display : ComponentPlanesDisplay
            Drawn.

        Raises
        ------
        ValueError
            If there is no map in the estimator, no such embedding, or another number of
            names than of features.
        ImportError
            If matplotlib is missing (extra ``plot``).
        """
        som = fitted_map(estimator, cls.__name__)
        if names is None:
            names = getattr(som, "feature_names_in_", None)
        display = cls(som.codebook_, layout_of(som, embedding), names=names)
        return display.plot(ax, **options)

    @classmethod
    def from_predictions(
        cls,
        planes,
        *,
        names=None,
        topology="hexagonal",
        toroidal=False,
        positions=None,
        connections=None,
        ax=None,
        **options,
    ):
        """Draw planes that are known already, of a map of whatever making.

        Parameters
        ----------
        planes : array-like of shape (n_rows, n_columns, n_features) or \
(n_units, n_features)
            Weights of the units, on a lattice or, with `positions`, of the nodes of a
            graph.
        names : sequence of str of length n_features, default=None
            Features or bands; numbers by default.
        topology : {"hexagonal", "rectangular"}, default="hexagonal"
            Of a lattice; odd rows of a hexagonal one are shifted to the right.
        toroidal : bool, default=False
            Whether opposite edges of a lattice are joined.
        positions : array-like of shape (n_units, 2), default=None
            Where the nodes of a graph stand.
        connections : sparse or array-like of shape (n_units, n_units), default=None
            Strengths of the links of a graph.
        ax : matplotlib.axes.Axes, default=None
            Axes that the panels shall fill; a new figure by default.
        **options : dict
            Arguments of `plot`.

        Returns
        -------
        display : ComponentPlanesDisplay
            Drawn.
        """
        planes = np.asarray(planes, dtype=np.float64)
        layout = given_layout(
            planes.shape[:-1],
            topology=topology,
            toroidal=toroidal,
            positions=positions,
            connections=connections,
        )
        flat = planes.reshape(-1, planes.shape[-1])
        return cls(flat, layout, names=names).plot(ax, **options)

    def plot(self, ax=None, *, features=None, scale="own", cmap="viridis"):
        """Draw a panel for each feature.

        Parameters
        ----------
        ax : matplotlib.axes.Axes, default=None
            Axes that the panels shall fill; a new figure by default.
        features : sequence of int or str, default=None
            Which ones, by number from 0 or by name; all by default.
        scale : {"own", "shared"}, default="own"
            Whether each panel has its own scale of colors, or all have one, so that
            features in one unit can be compared.
        cmap : str or matplotlib.colors.Colormap, default="viridis"
            Colors of the weights.

        Returns
        -------
        self : ComponentPlanesDisplay
            With the attributes that end in an underscore.

        Raises
        ------
        ValueError
            If there is no such feature or scale.
        """
        if scale not in ("own", "shared"):
            raise ValueError(f"scale must be 'own' or 'shared', got {scale!r}.")
        picked = self._picked(features)
        self.ax_, self.axes_ = self._panels(ax, len(picked))
        self.figure_ = self.ax_.figure
        style = {"cmap": cmap, "linewidths": 0.2}
        if scale == "shared":
            from matplotlib.colors import Normalize

            planes = self.planes[:, picked]
            style["norm"] = Normalize(planes.min(), planes.max())
        self.units_, self.color_bars_ = [], []
        for panel, feature in zip(self.axes_, picked, strict=True):
            units = self.layout.draw(panel, self.planes[:, feature], **style)
            self.units_.append(units)
            panel.set_title(self.names[feature], size="medium")
            panel.set(xlabel="", ylabel="", xticks=[], yticks=[])
            if scale == "own":
                bar = add_color_bar(panel, units, "", below=self.layout.flat)
                self.color_bars_.append(bar)
        if scale == "shared":
            self.color_bars_ = [
                self.figure_.colorbar(
                    self.units_[0],
                    ax=list(self.axes_),
                    label="weight",
                    aspect=30,
                    panchor=False,
                )
            ]
        settle(self.ax_)
        return self

    def _picked(self, features):
        """Return the numbers of features given by number or name."""
        if features is None:
            return list(range(len(self.names)))
        numbers = []
        for feature in features:
            if isinstance(feature, str):
                if feature not in self.names:
                    raise ValueError(
                        f"There is no feature {feature!r}, only "
                        f"{', '.join(self.names)}."
                    )
                feature = self.names.index(feature)
            elif not 0 <= feature < len(self.names):
                raise ValueError(
                    f"There is no feature {feature}, only 0 to {len(self.names) - 1}."
                )
            numbers.append(int(feature))
        return numbers

    def _panels(self, ax, n_panels):
        """Return axes and the panels that fill them, as large as can be."""
        width, height = self.layout.size
        scale = _PANEL / max(width, height)
        panel = scale * width + 0.7, scale * height + 0.4  # color bar, title
        room = np.array([4, 3]) if ax is None else size_in_points(ax)
        columns = np.arange(1, n_panels + 1)
        rows = -(-n_panels // columns)
        sizes = np.minimum(room[0] / (columns * panel[0]), room[1] / (rows * panel[1]))
        n_columns = int(columns[np.argmax(sizes)])
        n_rows = math.ceil(n_panels / n_columns)
        ax = new_axes(ax, (n_columns * panel[0], n_rows * panel[1]))
        ax.set_axis_off()
        if ax.get_subplotspec() is None:
            box = ax.get_position()
            sides = {"left": box.x0, "right": box.x1, "bottom": box.y0, "top": box.y1}
            grid = ax.figure.add_gridspec(n_rows, n_columns, **sides)
        else:
            grid = ax.get_subplotspec().subgridspec(n_rows, n_columns)
        places = [grid[divmod(number, n_columns)] for number in range(n_panels)]
        return ax, np.array([ax.figure.add_subplot(place) for place in places])
