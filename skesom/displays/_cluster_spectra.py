# SPDX-License-Identifier: BSD-3-Clause
"""The spectra of clusters: median and quartiles in each band."""

import numpy as np
from astropy import units

from skesom.cube import Cube
from skesom.displays._axes import new_axes, settle
from skesom.displays._band_axis import name_bands, name_bands_above
from skesom.displays._clusters import as_clusters, percentages
from skesom.displays._fitted import labeled_cube
from skesom.displays._legend import add_legend
from skesom.displays._rgb import wavelengths_of
from skesom.io import cluster_table

_OPACITY = 0.18  # of the area between the quartiles of a cluster
_TOTAL_OPACITY = 2.0  # of all of them together


class ClusterSpectraDisplay:
    """Spectra of clusters: median and quartiles of their pixels in each band.

    It is made by `from_estimator` or `from_predictions`.

    Parameters
    ----------
    label_map : array-like of int of shape (n_rows, n_columns)
        Clusters from 0; negative labels are no clusters.
    cube : Cube or array-like of shape (n_rows, n_columns, n_bands)
        The images.
    wavelengths : Quantity of shape (n_bands,), default=None
        Of the bands; anything that converts to a wavelength. Those of the cube by
        default; without them the bands stand side by side in their order.
    colors : array-like of shape (n_clusters, 4), default=None
        A color for each cluster, `cluster_palette` by default.
    names : dict of int to str or sequence of str, default=None
        What clusters are called; their numbers by default.

    Attributes
    ----------
    ax_ : matplotlib.axes.Axes
        What it is drawn in.
    figure_ : matplotlib.figure.Figure
        The figure of the axes.
    lines_ : dict of int to matplotlib.lines.Line2D
        Medians of each cluster that is drawn.
    areas_ : dict of int to matplotlib.collections.FillBetweenPolyCollection
        From the first to the third quartile of each.
    legend_ : matplotlib.legend.Legend or None
        Clusters with the percentage of the pixels in clusters that they have.
    color_bar_ : matplotlib.colorbar.Colorbar or None
        In place of the legend, of too many clusters for one.

    See Also
    --------
    skesom.io.cluster_table : The numbers.

    Examples
    --------
    >>> from skesom.datasets import make_galaxy_cube
    >>> from skesom.displays import ClusterSpectraDisplay
    >>> cube, truth = make_galaxy_cube((64, 64), random_state=0)
    >>> display = ClusterSpectraDisplay.from_predictions(truth, cube)
    >>> display.ax_.get_ylabel()
    'median flux [electron / s]'
    """

    def __init__(self, label_map, cube, *, wavelengths=None, colors=None, names=None):
        self.label_map = label_map
        self.cube = cube
        self.wavelengths = wavelengths
        self.colors = colors
        self.names = names

    @classmethod
    def from_estimator(
        cls,
        estimator,
        X,
        *,
        wavelengths=None,
        colors=None,
        names=None,
        ax=None,
        **options,
    ):
        """Draw the spectra of the clusters that an estimator finds in a cube.

        Parameters
        ----------
        estimator : estimator
            Fitted CubeClusterer or CubeClassifier, or a Pipeline that ends in one.
        X : Cube, array-like of shape (n_rows, n_columns, n_bands) or list of Cube
            What the estimator takes. The spectra are of these values; those of images
            that are on other pixels than the clusters are as the last step of the
            Pipeline gets them.
        wavelengths, colors, names
            See the class.
        ax : matplotlib.axes.Axes, default=None
            Where to draw; a new figure by default.
        **options : dict
            Arguments of `plot`.

        Returns
        -------
        display : ClusterSpectraDisplay
            Drawn.

        Raises
        ------
        ImportError
            If matplotlib is missing (extra ``plot``).
        """
        display = cls(
            *labeled_cube(estimator, X),
            wavelengths=wavelengths,
            colors=colors,
            names=names,
        )
        return display.plot(ax, **options)

    @classmethod
    def from_predictions(
        cls,
        label_map,
        cube,
        *,
        wavelengths=None,
        colors=None,
        names=None,
        ax=None,
        **options,
    ):
        """Draw the spectra of clusters that are known already.

        Parameters
        ----------
        label_map : array-like of int of shape (n_rows, n_columns)
            Clusters from 0; negative labels are no clusters.
        cube : Cube or array-like of shape (n_rows, n_columns, n_bands)
            The images.
        wavelengths, colors, names
            See the class.
        ax : matplotlib.axes.Axes, default=None
            Where to draw; a new figure by default.
        **options : dict
            Arguments of `plot`.

        Returns
        -------
        display : ClusterSpectraDisplay
            Drawn.

        Raises
        ------
        ValueError
            If the arguments do not fit to each other, or there is no such cluster.
        ImportError
            If matplotlib is missing (extra ``plot``).
        """
        display = cls(
            label_map, cube, wavelengths=wavelengths, colors=colors, names=names
        )
        return display.plot(ax, **options)

    def plot(self, ax=None, *, clusters=None, quartiles=True, log=False, flux=None):
        """Draw a line for each cluster.

        Parameters
        ----------
        ax : matplotlib.axes.Axes, default=None
            Where to draw; a new figure by default.
        clusters : sequence of int, default=None
            Which ones; all by default.
        quartiles : bool, default=True
            Whether the half of the pixels around the median is shown as an area.
        log : bool, default=False
            Whether fluxes are on a logarithmic scale.
        flux : str, default=None
            What the values are, for the axis; flux in the unit of the cube by default.

        Returns
        -------
        self : ClusterSpectraDisplay
            With the attributes that end in an underscore.
        """
        cube = self.cube if isinstance(self.cube, Cube) else Cube(self.cube)
        given = as_clusters(self.label_map, cube, colors=self.colors, names=self.names)
        chosen = given.chosen(clusters)
        places, unit = _places(cube, self.wavelengths)
        order = np.argsort(places, kind="stable")
        table = cluster_table(given.label_map, cube)
        ax = new_axes(ax, (7.4, 4.6))
        from matplotlib.patches import Patch

        opacity = min(_OPACITY, _TOTAL_OPACITY / max(len(chosen), 1))
        self.lines_, self.areas_ = {}, {}
        for row in table:
            number = int(row["id"])
            if number not in chosen:
                continue
            low, median, high = (
                np.array([row[f"{band}_{name}"] for band in cube.band_names])[order]
                for name in ("q25", "median", "q75")
            )
            color = given.colors[number]
            if quartiles:
                self.areas_[number] = ax.fill_between(
                    places[order], low, high, color=color, alpha=opacity, linewidth=0
                )
            (self.lines_[number],) = ax.plot(
                places[order], median, "o-", color=color, markersize=4, linewidth=1.4
            )
        if log:
            ax.set_yscale("log")
        ax.set_ylabel(f"median {flux or _flux_of(cube)}")
        ax.grid(alpha=0.3)
        ax.spines[["top", "right"]].set_visible(False)
        shares = percentages(given.label_map, len(given.names))
        self.legend_, self.color_bar_ = add_legend(
            ax,
            given.colors[chosen],
            [f"{given.names[i]}: {shares[i]:.1f} %" for i in chosen],
            [Patch(facecolor="0.8", label="quartiles")] if quartiles else [],
        )
        settle(ax)  # now it is known how wide the axes are beside the legend
        if unit is None:
            name_bands(ax, cube.band_names)
        else:
            ax.set_xlabel(f"wavelength [{unit}]")
            name_bands_above(ax, places, cube.band_names)
        self.ax_, self.figure_ = ax, ax.figure
        return self


def _places(cube, wavelengths):
    """Return where the bands stand on the axis, and the unit of that or None."""
    n_bands = cube.shape[2]
    if wavelengths is None:
        wavelengths = wavelengths_of(cube)
        if wavelengths is None:
            return np.arange(n_bands), None
    wavelengths = units.Quantity(wavelengths).to(
        units.nm, equivalencies=units.spectral()
    )
    if wavelengths.shape != (n_bands,):
        raise ValueError(
            f"wavelengths must be one for each of the {n_bands} bands, got shape "
            f"{wavelengths.shape}."
        )
    unit = units.nm if wavelengths.value.max() < 2000 else units.um
    return wavelengths.to_value(unit), unit


def _flux_of(cube):
    """Say what the values of a cube are."""
    known = {unit for unit in cube.band_units if unit is not None}
    if len(known) == 1 and None not in cube.band_units:
        return f"flux [{known.pop()}]"
    return "flux" if not known else "flux in the unit of each band"
