# SPDX-License-Identifier: BSD-3-Clause
"""The U-matrix: units by their distance to their neighbors."""

import numpy as np

from skesom.displays._axes import add_color_bar, settle
from skesom.displays._fitted import fitted_map
from skesom.displays._palette import cluster_palette
from skesom.displays._unit_layout import (
    given_layout,
    layout_of,
    unit_axes,
    write_cluster_numbers,
)


class UMatrixDisplay:
    """U-matrix: the mean distance of each unit of a map to its neighbors.

    High values are borders: where neighbors on the map are far apart in the data.
    It is made by `from_estimator` or `from_predictions`.

    Parameters
    ----------
    values : ndarray of shape (n_units,)
        Mean distance of each unit to its neighbors.
    layout : LatticeLayout or GraphLayout
        How the units are drawn.
    unit_labels : ndarray of shape (n_units,), default=None
        Cluster of each unit.

    Attributes
    ----------
    ax_ : matplotlib.axes.Axes
        What it is drawn in.
    figure_ : matplotlib.figure.Figure
        The figure of the axes.
    units_ : matplotlib.collections.Collection
        Cells of a lattice or nodes of a graph, in the colors of their values.
    color_bar_ : matplotlib.colorbar.Colorbar
        Tells the values of the colors.
    borders_ : matplotlib.collections.LineCollection or None
        Sides of cells between clusters; None for a graph, and without clusters.

    See Also
    --------
    HitMapDisplay : How many samples each unit has.
    ComponentPlanesDisplay : What the units are in each feature.

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

    def __init__(self, values, layout, *, unit_labels=None):
        self.values = values
        self.layout = layout
        self.unit_labels = unit_labels

    @classmethod
    def from_estimator(cls, estimator, *, embedding="pca", ax=None, **options):
        """Draw the U-matrix of a fitted map.

        Parameters
        ----------
        estimator : estimator
            Fitted ESOM or CSOM (or their classifiers), a Pipeline or CubeClusterer that
            holds one.
        embedding : {"pca", "isomap"}, transformer or array-like of shape \
(n_units, 2), default="pca"
            Where nodes of an evolving map stand in the plane: by their first two
            principal components; so that distances are like the shortest ways along
            the links (Isomap); by any scikit-learn transformer with fit_transform, such
            as TSNE; or given. Units of a lattice have their places.
        ax : matplotlib.axes.Axes, default=None
            Where to draw; a new figure by default.
        **options : dict
            Arguments of `plot`.

        Returns
        -------
        display : UMatrixDisplay
            Drawn.

        Raises
        ------
        ValueError
            If there is no map in the estimator, or no such embedding.
        ImportError
            If matplotlib is missing (extra ``plot``).
        """
        som = fitted_map(estimator, cls.__name__)
        display = cls(
            np.ravel(som.u_matrix()),
            layout_of(som, embedding),
            unit_labels=getattr(som, "unit_labels_", None),
        )
        return display.plot(ax, **options)

    @classmethod
    def from_predictions(
        cls,
        u_matrix,
        *,
        topology="hexagonal",
        toroidal=False,
        positions=None,
        connections=None,
        unit_labels=None,
        ax=None,
        **options,
    ):
        """Draw distances that are known already, of a map of whatever making.

        Parameters
        ----------
        u_matrix : array-like of shape (n_rows, n_columns) or (n_units,)
            Mean distance of each unit to its neighbors, on a lattice or, with
            `positions`, of the nodes of a graph.
        topology : {"hexagonal", "rectangular"}, default="hexagonal"
            Of a lattice; odd rows of a hexagonal one are shifted to the right.
        toroidal : bool, default=False
            Whether opposite edges of a lattice are joined.
        positions : array-like of shape (n_units, 2), default=None
            Where the nodes of a graph stand.
        connections : sparse or array-like of shape (n_units, n_units), default=None
            Strengths of the links of a graph.
        unit_labels : array-like of int of the shape of `u_matrix`, default=None
            Cluster of each unit.
        ax : matplotlib.axes.Axes, default=None
            Where to draw; a new figure by default.
        **options : dict
            Arguments of `plot`.

        Returns
        -------
        display : UMatrixDisplay
            Drawn.
        """
        values = np.asarray(u_matrix, dtype=np.float64)
        layout = given_layout(
            values.shape,
            topology=topology,
            toroidal=toroidal,
            positions=positions,
            connections=connections,
        )
        if unit_labels is not None:
            unit_labels = np.ravel(unit_labels)
        return cls(values.ravel(), layout, unit_labels=unit_labels).plot(ax, **options)

    def plot(self, ax=None, *, clusters=True, colors=None, cmap="cividis"):
        """Draw the units in the colors of their distances.

        Parameters
        ----------
        ax : matplotlib.axes.Axes, default=None
            Where to draw; a new figure by default.
        clusters : bool, default=True
            Whether clusters are shown, if there are several: by borders between cells,
            or by the rims of nodes; and by their numbers, where these have room.
        colors : array-like of shape (n_clusters, 4), default=None
            Colors of the clusters for the rims of nodes, `cluster_palette` by default.
        cmap : str or matplotlib.colors.Colormap, default="cividis"
            Colors of the distances.

        Returns
        -------
        self : UMatrixDisplay
            With the attributes that end in an underscore.
        """
        ax = unit_axes(ax, self.layout)
        labels = self._clusters_to_show() if clusters else None
        on_lattice = hasattr(self.layout, "draw_borders")
        self.borders_ = None
        style = {}
        if labels is not None and not on_lattice:
            if colors is None:
                colors = cluster_palette(int(labels.max()) + 1)
            style = {"edgecolors": np.asarray(colors)[labels], "linewidths": 1.0}
        self.units_ = self.layout.draw(ax, self.values, cmap=cmap, **style)
        self.color_bar_ = add_color_bar(
            ax, self.units_, "mean distance to neighbors", below=self.layout.flat
        )
        ax.set_title("U-matrix")
        settle(ax)  # now it is known how much room there is for lines and numbers
        if labels is not None and on_lattice:
            self.borders_ = self.layout.draw_borders(ax, labels)
        if labels is not None:
            write_cluster_numbers(ax, self.layout, labels)
        self.ax_, self.figure_ = ax, ax.figure
        return self

    def _clusters_to_show(self):
        """Return the clusters of the units, or None if they say nothing.

        Where most units are clusters of their own, numbers would be everywhere.
        """
        labels = self.unit_labels
        if labels is None or not 1 < len(np.unique(labels)) <= len(labels) / 2:
            return None
        return labels
