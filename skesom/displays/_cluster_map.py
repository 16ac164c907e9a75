# SPDX-License-Identifier: BSD-3-Clause
"""The clusters of the pixels on the sky."""

import numpy as np

from skesom._common.labels import SKY
from skesom.displays._axes import dress_image_axes, image_axes, settle
from skesom.displays._clusters import as_clusters, percentages
from skesom.displays._contours import draw_contours
from skesom.displays._fitted import labeled_cube
from skesom.displays._legend import add_legend, missing_patch
from skesom.displays._palette import NOISE_COLOR, SKY_COLOR
from skesom.displays._rgb import thinned_rgb
from skesom.displays._thinning import (
    MAX_PIXELS,
    extent,
    pick,
    say_thinning,
    thinning,
)

_NOISE = -1


class ClusterMapDisplay:
    """Cluster map: each pixel of the image in the color of its cluster.

    It is made by `from_estimator` or `from_predictions`.

    Parameters
    ----------
    label_map : ndarray of shape (n_rows, n_columns), dtype int
        Clusters from 0, -1 = noise, -2 = sky that was set aside, -3 = no data.
    cube : Cube, default=None
        The images, for their WCS and for pictures under contours.
    wcs : astropy.wcs.WCS, default=None
        Celestial coordinates for the axes, those of the cube by default; pixels
        without.
    sky : array-like of bool of shape (n_rows, n_columns), default=None
        Pixels of -3 that are sky all the same, in maps of plain arrays.
    colors : array-like of shape (n_clusters, 4), default=None
        A color for each cluster; `cluster_palette` by default, see also
        `cluster_colors`.
    names : dict of int to str or sequence of str, default=None
        What clusters are called; their numbers by default.

    Attributes
    ----------
    ax_ : matplotlib.axes.Axes
        What it is drawn in.
    figure_ : matplotlib.figure.Figure
        The figure of the axes.
    image_ : matplotlib.image.AxesImage
        The map, or the picture under the contours.
    contours_ : dict of int to matplotlib.contour.QuadContourSet
        Outlines of clusters, if they are drawn.
    legend_ : matplotlib.legend.Legend or None
        Clusters with the percentage of the pixels in clusters that they have.
    color_bar_ : matplotlib.colorbar.Colorbar or None
        In place of the legend, of too many clusters for one.

    See Also
    --------
    ClusterSpectraDisplay : What the pixels of each cluster look like.
    cluster_colors : Colors in the order of brightness.

    Notes
    -----
    Sky that was set aside is dark; pixels without data are hatched, because some light
    color of a cluster resembles any gray.

    Examples
    --------
    >>> import numpy as np
    >>> from skesom.displays import ClusterMapDisplay
    >>> label_map = np.array([[0, 0, 1, -2], [0, -1, -3, -2]])
    >>> display = ClusterMapDisplay.from_predictions(label_map)
    >>> [text.get_text() for text in display.legend_.get_texts()]
    ['0: 75.0 %', '1: 25.0 %', 'noise', 'sky, set aside', 'no data']
    """

    def __init__(
        self, label_map, *, cube=None, wcs=None, sky=None, colors=None, names=None
    ):
        self.label_map = label_map
        self.cube = cube
        self.wcs = wcs
        self.sky = sky
        self.colors = colors
        self.names = names

    @classmethod
    def from_estimator(
        cls, estimator, X, *, sky=None, colors=None, names=None, ax=None, **options
    ):
        """Draw the clusters that an estimator finds in a cube.

        Parameters
        ----------
        estimator : estimator
            Fitted CubeClusterer or CubeClassifier, or a Pipeline that ends in one.
        X : Cube, array-like of shape (n_rows, n_columns, n_bands) or list of Cube
            What the estimator takes; the axes have its WCS.
        sky, colors, names
            See the class.
        ax : matplotlib.axes.Axes, default=None
            Where to draw; a new figure by default.
        **options : dict
            Arguments of `plot`.

        Returns
        -------
        display : ClusterMapDisplay
            Drawn.

        Raises
        ------
        ImportError
            If matplotlib is missing (extra ``plot``).
        """
        label_map, cube = labeled_cube(estimator, X)
        return cls.from_predictions(
            label_map,
            cube=cube,
            sky=sky,
            colors=colors,
            names=names,
            ax=ax,
            **options,
        )

    @classmethod
    def from_predictions(
        cls,
        label_map,
        *,
        cube=None,
        wcs=None,
        sky=None,
        colors=None,
        names=None,
        ax=None,
        **options,
    ):
        """Draw clusters that are known already.

        Parameters
        ----------
        label_map : array-like of int of shape (n_rows, n_columns)
            Clusters from 0, -1 = noise, -2 = sky that was set aside, -3 = no data.
        cube, wcs, sky, colors, names
            See the class.
        ax : matplotlib.axes.Axes, default=None
            Where to draw; a new figure by default. Coordinates on the sky need axes
            that were made with ``projection=wcs``.
        **options : dict
            Arguments of `plot`.

        Returns
        -------
        display : ClusterMapDisplay
            Drawn.

        Raises
        ------
        ValueError
            If the labels are not such a map, or other arguments do not fit to it.
        ImportError
            If matplotlib is missing (extra ``plot``).
        """
        display = cls(
            label_map, cube=cube, wcs=wcs, sky=sky, colors=colors, names=names
        )
        return display.plot(ax, **options)

    def plot(
        self,
        ax=None,
        *,
        contours=False,
        bands=None,
        smoothing=1.5,
        legend=True,
        scale_bar=True,
        compass=True,
        max_pixels=MAX_PIXELS,
    ):
        """Draw the map.

        Parameters
        ----------
        ax : matplotlib.axes.Axes, default=None
            Where to draw; a new figure by default.
        contours : bool or sequence of int, default=False
            Whether outlines of the clusters, or of these clusters, are drawn over a
            color picture of the cube instead of filled pixels.
        bands : sequence of three int or str, default=None
            Bands of that picture for red, green and blue, see `rgb_image`.
        smoothing : float, default=1.5
            Standard deviation in drawn pixels of the Gaussian that smooths outlines; 0
            follows every pixel.
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
        self : ClusterMapDisplay
            With the attributes that end in an underscore.

        Raises
        ------
        ValueError
            If contours are wanted without a cube, or for a cluster that does not exist.
        """
        clusters = as_clusters(
            self.label_map, self.cube, self.wcs, self.sky, self.colors, self.names
        )
        shape = clusters.label_map.shape
        ax = image_axes(ax, shape, clusters.wcs)
        step = thinning(shape, max_pixels)
        self.contours_ = {}
        if contours is False:
            image = self._color_pixels(clusters, step)
        else:
            image = self._picture(step, bands)
        self.image_ = ax.imshow(
            image,
            origin="lower",
            interpolation="nearest",
            extent=extent(shape, step),
        )
        shown = clusters.chosen(None if contours in (True, False) else contours)
        if contours is not False:
            thin = pick(clusters.label_map, step)
            self.contours_ = draw_contours(ax, thin, clusters, shown, step, smoothing)
        dress_image_axes(
            ax,
            shape,
            wcs=clusters.wcs,
            pixel_scale=clusters.pixel_scale,
            scale_bar=scale_bar,
            compass=compass,
        )
        say_thinning(ax, step, "every {th} row and column")
        self.legend_ = self.color_bar_ = None
        if legend:
            shares = percentages(clusters.label_map, len(clusters.names))
            names = [f"{clusters.names[i]}: {shares[i]:.1f} %" for i in shown]
            others = [] if contours is not False else self._other_entries(clusters)
            self.legend_, self.color_bar_ = add_legend(
                ax, clusters.colors[shown], names, others
            )
        settle(ax)
        self.ax_, self.figure_ = ax, ax.figure
        return self

    def _color_pixels(self, clusters, step):
        """Return the colors of the map; pixels without data are transparent."""
        from matplotlib.colors import to_rgba_array

        labels = pick(clusters.label_map, step)
        table = np.vstack([clusters.colors, to_rgba_array(NOISE_COLOR), np.zeros(4)])
        table = np.rint(255 * table).astype(np.uint8)
        places = np.where(labels >= 0, labels, len(table) - 1)
        places[labels == _NOISE] = len(table) - 2
        image = table[places]
        sky = None if clusters.sky is None else pick(clusters.sky, step)
        image[_is_sky(labels, sky)] = np.rint(255 * to_rgba_array(SKY_COLOR)[0])
        return image

    def _picture(self, step, bands):
        """Return the color picture that contours are drawn on."""
        if self.cube is None:
            raise ValueError(
                "Contours are drawn on a picture of the images: give the cube too."
            )
        return thinned_rgb(self.cube, bands, step)

    def _other_entries(self, clusters):
        """Return entries of the legend for what is no cluster but there."""
        from matplotlib.patches import Patch

        labels = clusters.label_map
        sky = _is_sky(labels, clusters.sky)
        entries = []
        if (labels == _NOISE).any():
            entries.append(Patch(facecolor=NOISE_COLOR, label="noise"))
        if sky.any():
            entries.append(Patch(facecolor=SKY_COLOR, label="sky, set aside"))
        if ((labels < _NOISE) & ~sky).any():
            entries.append(missing_patch("no data"))
        return entries


def _is_sky(labels, sky):
    """Return which pixels are sky, by their label or because the user says so."""
    is_sky = labels == SKY
    return is_sky if sky is None else is_sky | (sky & (labels < _NOISE))
