# SPDX-License-Identifier: BSD-3-Clause
"""How many samples each unit of a map has."""

import numpy as np

from skesom.displays._axes import add_color_bar, settle, size_in_points
from skesom.displays._fitted import fitted_map, hits_of
from skesom.displays._unit_layout import given_layout, layout_of, unit_axes

_EMPTY = "#f2f2f4"


class HitMapDisplay:
    """Hit map: the number of samples whose nearest unit is this one.

    Empty units stand between clusters. It is made by `from_estimator` or
    `from_predictions`.

    Parameters
    ----------
    hits : ndarray of shape (n_units,)
        Samples of each unit.
    layout : LatticeLayout or GraphLayout
        How the units are drawn.

    Attributes
    ----------
    ax_ : matplotlib.axes.Axes
        What it is drawn in.
    figure_ : matplotlib.figure.Figure
        The figure of the axes.
    units_ : matplotlib.collections.Collection
        Cells of a lattice or nodes of a graph, in the colors of their hits. Empty
        units are light gray.
    color_bar_ : matplotlib.colorbar.Colorbar
        Tells the hits of the colors.
    texts_ : list of matplotlib.text.Text
        Numbers in cells that are large enough.

    See Also
    --------
    UMatrixDisplay : How far the units are from their neighbors.

    Examples
    --------
    >>> from sklearn.datasets import load_iris
    >>> from skesom.displays import HitMapDisplay
    >>> from skesom.som import CSOM
    >>> csom = CSOM(shape=(8, 6)).fit(load_iris().data)
    >>> display = HitMapDisplay.from_estimator(csom)
    >>> int(display.hits.sum())
    150
    """

    def __init__(self, hits, layout):
        self.hits = hits
        self.layout = layout

    @classmethod
    def from_estimator(cls, estimator, X=None, *, embedding="pca", ax=None, **options):
        """Draw the hits of a fitted map.

        Parameters
        ----------
        estimator : estimator
            Fitted ESOM or CSOM (or their classifiers), a Pipeline or CubeClusterer that
            holds one.
        X : array-like of shape (n_samples, n_features), default=None
            Samples that the map itself takes, to count instead of the training samples.
        embedding : {"pca", "isomap"}, transformer or array-like, default="pca"
            Where nodes of an evolving map stand, see `UMatrixDisplay.from_estimator`.
        ax : matplotlib.axes.Axes, default=None
            Where to draw; a new figure by default.
        **options : dict
            Arguments of `plot`.

        Returns
        -------
        display : HitMapDisplay
            Drawn.

        Raises
        ------
        ValueError
            If there is no map in the estimator, or no such embedding.
        ImportError
            If matplotlib is missing (extra ``plot``).
        """
        som = fitted_map(estimator, cls.__name__)
        hits = hits_of(som)
        if X is not None:
            winners = som.winners(X)
            hits = np.bincount(winners[winners >= 0], minlength=len(som.codebook_))
        return cls(hits, layout_of(som, embedding)).plot(ax, **options)

    @classmethod
    def from_predictions(
        cls,
        hits,
        *,
        topology="hexagonal",
        toroidal=False,
        positions=None,
        connections=None,
        ax=None,
        **options,
    ):
        """Draw hits that are known already, of a map of whatever making.

        Parameters
        ----------
        hits : array-like of shape (n_rows, n_columns) or (n_units,)
            Samples of each unit, on a lattice or, with `positions`, of the nodes of a
            graph.
        topology : {"hexagonal", "rectangular"}, default="hexagonal"
            Of a lattice; odd rows of a hexagonal one are shifted to the right.
        toroidal : bool, default=False
            Whether opposite edges of a lattice are joined.
        positions : array-like of shape (n_units, 2), default=None
            Where the nodes of a graph stand.
        connections : sparse or array-like of shape (n_units, n_units), default=None
            Strengths of the links of a graph.
        ax : matplotlib.axes.Axes, default=None
            Where to draw; a new figure by default.
        **options : dict
            Arguments of `plot`.

        Returns
        -------
        display : HitMapDisplay
            Drawn.
        """
        hits = np.asarray(hits)
        layout = given_layout(
            hits.shape,
            topology=topology,
            toroidal=toroidal,
            positions=positions,
            connections=connections,
        )
        return cls(hits.ravel(), layout).plot(ax, **options)

    def plot(self, ax=None, *, numbers=True, cmap="viridis"):
        """Draw the units in the colors of their hits, on a square-root scale.

        Parameters
        ----------
        ax : matplotlib.axes.Axes, default=None
            Where to draw; a new figure by default.
        numbers : bool, default=True
            Whether the hits are written in the cells of a lattice, if these are large
            enough.
        cmap : str or matplotlib.colors.Colormap, default="viridis"
            Colors of the hits.

        Returns
        -------
        self : HitMapDisplay
            With the attributes that end in an underscore.
        """
        ax = unit_axes(ax, self.layout)
        from matplotlib import colormaps
        from matplotlib.colors import PowerNorm

        colors = colormaps[cmap] if isinstance(cmap, str) else cmap
        colors = colors.with_extremes(bad=_EMPTY)
        self.units_ = self.layout.draw(
            ax,
            np.ma.masked_equal(np.asarray(self.hits, dtype=np.float64), 0),
            cmap=colors,
            norm=PowerNorm(0.5, vmin=0, vmax=max(np.max(self.hits), 1)),
        )
        self.color_bar_ = add_color_bar(
            ax, self.units_, "samples", below=self.layout.flat
        )
        ax.set_title("hit map")
        settle(ax)  # now it is known how large the cells are
        self.texts_ = []
        if numbers and hasattr(self.layout, "draw_borders"):
            self.texts_ = self._write_numbers(ax)
        self.ax_, self.figure_ = ax, ax.figure
        return self

    def _write_numbers(self, ax):
        """Write the hits in the cells, if they fit."""
        width, height = size_in_points(ax) / self.layout.size
        texts = [f"{hits:.0f}" for hits in self.hits]
        size = min(0.8 * min(width, height) / (0.62 * max(map(len, texts))), 9)
        if size < 4.5:
            return []
        dark = self.units_.norm(self.hits) < 0.6
        return [
            ax.text(
                *place,
                text,
                size=size,
                ha="center",
                va="center_baseline",
                color="white" if is_dark else "black",
            )
            for place, text, is_dark, hits in zip(
                self.layout.positions, texts, dark, self.hits, strict=True
            )
            if hits > 0
        ]
