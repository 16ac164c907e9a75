# SPDX-License-Identifier: BSD-3-Clause
"""Where on the sky two clusterings disagree."""

import numpy as np

from skesom.displays._axes import dress_image_axes, image_axes, settle
from skesom.displays._clusters import as_clusters
from skesom.displays._fitted import labeled_cube
from skesom.displays._legend import add_legend, missing_patch
from skesom.displays._thinning import (
    MAX_PIXELS,
    extent,
    pick,
    say_thinning,
    thinning,
)
from skesom.maps._comparison import (
    NEITHER,
    ONLY_FIRST,
    ONLY_SECOND,
    OTHER,
    SAME,
    compare_clusterings,
)

SAME_COLOR, ONLY_FIRST_COLOR, ONLY_SECOND_COLOR = "#ffffff", "#000000", "#8a8a8a"


class DisagreementMapDisplay:
    """Map of the pixels that two clusterings put into clusters that do not match.

    Pixels in clusters that match are white. The others have the color of the cluster
    that the second clustering puts them in. It is made by `from_estimator` or
    `from_predictions`, or from what `compare_clusterings` returned.

    Parameters
    ----------
    comparison : Comparison
        What `compare_clusterings` returns for label maps.
    cube : Cube, default=None
        The images, for their WCS.
    wcs : astropy.wcs.WCS, default=None
        Celestial coordinates for the axes, those of the cube by default; pixels
        without.
    colors : array-like of shape (n_clusters, 4), default=None
        A color for each cluster of the first, and for those of the second that match
        none; `cluster_palette` by default.
    names : dict of int to str or sequence of str, default=None
        What these clusters are called; their numbers by default.

    Attributes
    ----------
    ax_ : matplotlib.axes.Axes
        What it is drawn in.
    figure_ : matplotlib.figure.Figure
        The figure of the axes.
    image_ : matplotlib.image.AxesImage
        The map.
    legend_ : matplotlib.legend.Legend or None
        Percentages of the pixels in clusters of both: of those in the same cluster, and
        of those that are in each cluster only for the second.
    color_bar_ : matplotlib.colorbar.Colorbar or None
        In place of the legend, of too many clusters for one.

    See Also
    --------
    compare_clusterings : The numbers.
    ClusterMapDisplay : One clustering; draw the second with its ``matched`` labels.

    Examples
    --------
    >>> import numpy as np
    >>> from skesom.displays import DisagreementMapDisplay
    >>> first = np.array([[0, 0, 0], [1, 1, -3]])
    >>> second = np.array([[1, 1, 0], [0, 0, 0]])
    >>> display = DisagreementMapDisplay.from_predictions(first, second)
    >>> [text.get_text() for text in display.legend_.get_texts()]
    ['1: 20.0 %', 'same: 80.0 %', 'not in the first']
    """

    def __init__(self, comparison, *, cube=None, wcs=None, colors=None, names=None):
        self.comparison = comparison
        self.cube = cube
        self.wcs = wcs
        self.colors = colors
        self.names = names

    @classmethod
    def from_estimator(
        cls, estimator, X, reference, *, colors=None, names=None, ax=None, **options
    ):
        """Compare the clusters that an estimator finds in a cube with others.

        Parameters
        ----------
        estimator : estimator
            Fitted CubeClusterer or CubeClassifier, or a Pipeline that ends in one: the
            second clustering.
        X : Cube, array-like of shape (n_rows, n_columns, n_bands) or list of Cube
            What the estimator takes; the axes have its WCS.
        reference : array-like of int of shape (n_rows, n_columns)
            The first clustering, whose numbers, colors and names hold.
        colors, names
            See the class.
        ax : matplotlib.axes.Axes, default=None
            Where to draw; a new figure by default.
        **options : dict
            Arguments of `plot`.

        Returns
        -------
        display : DisagreementMapDisplay
            Drawn.

        Raises
        ------
        ImportError
            If matplotlib is missing (extra ``plot``).
        """
        label_map, cube = labeled_cube(estimator, X)
        return cls.from_predictions(
            reference,
            label_map,
            cube=cube,
            colors=colors,
            names=names,
            ax=ax,
            **options,
        )

    @classmethod
    def from_predictions(
        cls,
        first,
        second,
        *,
        cube=None,
        wcs=None,
        colors=None,
        names=None,
        ax=None,
        **options,
    ):
        """Compare two label maps.

        Parameters
        ----------
        first, second : array-like of int of shape (n_rows, n_columns)
            Clusters from 0; negative labels are no clusters.
        cube, wcs, colors, names
            See the class.
        ax : matplotlib.axes.Axes, default=None
            Where to draw; a new figure by default. Coordinates on the sky need axes
            that were made with ``projection=wcs``.
        **options : dict
            Arguments of `plot`.

        Returns
        -------
        display : DisagreementMapDisplay
            Drawn.

        Raises
        ------
        ValueError
            If the label maps cannot be compared, or other arguments do not fit.
        ImportError
            If matplotlib is missing (extra ``plot``).
        """
        comparison = compare_clusterings(first, second)
        display = cls(comparison, cube=cube, wcs=wcs, colors=colors, names=names)
        return display.plot(ax, **options)

    def plot(
        self,
        ax=None,
        *,
        legend=True,
        scale_bar=True,
        compass=True,
        max_pixels=MAX_PIXELS,
    ):
        """Draw the map; pixels that are in a cluster of neither are hatched.

        Parameters
        ----------
        ax : matplotlib.axes.Axes, default=None
            Where to draw; a new figure by default.
        legend : bool, default=True
            Whether there is a legend (a color bar for very many clusters).
        scale_bar, compass : bool, default=True
            Whether a bar of a round angle, and arrows to the north and east, are drawn.
            Without a pixel scale and a WCS, and on narrow strips, they are left out.
        max_pixels : int, default=4000000
            Pixels that the picture is drawn from, at most. Of a larger image it takes
            every second, third, ... row and column, and says so above the axes.

        Returns
        -------
        self : DisagreementMapDisplay
            With the attributes that end in an underscore.
        """
        matched, kinds = self.comparison.matched, self.comparison.disagreement
        n_clusters = max(matched.max(), len(self.comparison.contingency) - 1) + 1
        clusters = as_clusters(
            np.where(kinds == OTHER, matched, -1),
            self.cube,
            self.wcs,
            colors=self.colors,
            names=self.names,
            n_clusters=int(n_clusters),
        )
        ax = image_axes(ax, kinds.shape, clusters.wcs)
        step = thinning(kinds.shape, max_pixels)
        self.image_ = ax.imshow(
            _color(pick(clusters.label_map, step), pick(kinds, step), clusters),
            origin="lower",
            interpolation="nearest",
            extent=extent(kinds.shape, step),
        )
        dress_image_axes(
            ax,
            kinds.shape,
            wcs=clusters.wcs,
            pixel_scale=clusters.pixel_scale,
            scale_bar=scale_bar,
            compass=compass,
        )
        say_thinning(ax, step, "every {th} row and column")
        self.legend_ = self.color_bar_ = None
        if legend:
            self.legend_, self.color_bar_ = _explain(ax, clusters, kinds)
        settle(ax)
        self.ax_, self.figure_ = ax, ax.figure
        return self


def _color(labels, kinds, clusters):
    """Return the colors of the pixels; those of neither are transparent."""
    from matplotlib.colors import to_rgba_array

    table = np.rint(255 * clusters.colors).astype(np.uint8)
    image = np.zeros((*kinds.shape, 4), dtype=np.uint8)
    image[kinds == OTHER] = table[labels[kinds == OTHER]]
    for kind, color in (
        (SAME, SAME_COLOR),
        (ONLY_FIRST, ONLY_FIRST_COLOR),
        (ONLY_SECOND, ONLY_SECOND_COLOR),
    ):
        image[kinds == kind] = np.rint(255 * to_rgba_array(color)[0])
    return image


def _explain(ax, clusters, kinds):
    """Add a legend of what is there."""
    from matplotlib.patches import Patch

    n_compared = np.count_nonzero((kinds == SAME) | (kinds == OTHER))
    labels = clusters.label_map
    pixels = np.bincount(labels[labels >= 0], minlength=len(clusters.names))
    shown = np.flatnonzero(pixels)
    same = 100 * np.count_nonzero(kinds == SAME) / n_compared
    others = [
        Patch(
            facecolor=SAME_COLOR,
            edgecolor="0.6",
            linewidth=0.5,
            label=f"same: {same:.1f} %",
        )
    ]
    if (kinds == ONLY_FIRST).any():
        others.append(Patch(facecolor=ONLY_FIRST_COLOR, label="not in the second"))
    if (kinds == ONLY_SECOND).any():
        others.append(Patch(facecolor=ONLY_SECOND_COLOR, label="not in the first"))
    if (kinds == NEITHER).any():
        others.append(missing_patch("in neither"))
    return add_legend(
        ax,
        clusters.colors[shown],
        [f"{clusters.names[i]}: {100 * pixels[i] / n_compared:.1f} %" for i in shown],
        others,
        title="other cluster\nin the second",
    )
