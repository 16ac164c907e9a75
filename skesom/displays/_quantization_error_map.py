# SPDX-License-Identifier: BSD-3-Clause
"""Where on the sky the map fits badly."""

import numpy as np

from skesom.displays._fitted import distance_map_of
from skesom.displays._thinning import MAX_PIXELS
from skesom.displays._value_map import draw_value_map


class QuantizationErrorMapDisplay:
    """Quantization error of each pixel: its distance to the nearest unit.

    High values are pixels that no unit stands for: rare objects, artifacts, borders. It
    is made by `from_estimator` or `from_predictions`.

    Parameters
    ----------
    distances : ndarray of shape (n_rows, n_columns)
        Distance of each pixel to its nearest unit, NaN where it is masked.
    wcs : astropy.wcs.WCS, default=None
        Celestial coordinates for the axes; pixels without.
    pixel_scale : tuple of float (height, width), default=None
        Arcsec per pixel, of the WCS by default.

    Attributes
    ----------
    ax_ : matplotlib.axes.Axes
        What it is drawn in.
    figure_ : matplotlib.figure.Figure
        The figure of the axes.
    image_ : matplotlib.image.AxesImage
        The distances.
    color_bar_ : matplotlib.colorbar.Colorbar
        Tells the distances of the colors.

    See Also
    --------
    skesom.metrics.quantization_error : The mean over all pixels, or per unit.

    Examples
    --------
    >>> import numpy as np
    >>> from skesom.displays import QuantizationErrorMapDisplay
    >>> display = QuantizationErrorMapDisplay.from_predictions(np.eye(3))
    >>> display.ax_.get_xlabel()
    'column [pixel]'
    """

    def __init__(self, distances, *, wcs=None, pixel_scale=None):
        self.distances = distances
        self.wcs = wcs
        self.pixel_scale = pixel_scale

    @classmethod
    def from_estimator(cls, estimator, X, *, ax=None, **options):
        """Draw how far the pixels of a cube are from the units of a map.

        Parameters
        ----------
        estimator : estimator
            Fitted CubeClusterer (or CubeClassifier) of a map, or a Pipeline that ends
            in one. Distances are those in the table that the map itself is given.
        X : Cube, array-like of shape (n_rows, n_columns, n_bands) or list of Cube
            What the estimator takes; the axes have its WCS.
        ax : matplotlib.axes.Axes, default=None
            Where to draw; a new figure by default.
        **options : dict
            Arguments of `plot`.

        Returns
        -------
        display : QuantizationErrorMapDisplay
            Drawn.

        Raises
        ------
        ValueError
            If the estimator holds no map, or takes no cubes.
        ImportError
            If matplotlib is missing (extra ``plot``).
        """
        distances, cube = distance_map_of(estimator, X, cls.__name__)
        display = cls(distances, wcs=cube.wcs, pixel_scale=cube.pixel_scale)
        return display.plot(ax, **options)

    @classmethod
    def from_predictions(cls, distances, *, wcs=None, ax=None, **options):
        """Draw distances that are known already.

        Parameters
        ----------
        distances : array-like of shape (n_rows, n_columns)
            Distance of each pixel to its nearest unit, NaN where it is masked.
        wcs : astropy.wcs.WCS, default=None
            Celestial coordinates for the axes; pixels without.
        ax : matplotlib.axes.Axes, default=None
            Where to draw; a new figure by default. Coordinates on the sky need axes
            that were made with ``projection=wcs``.
        **options : dict
            Arguments of `plot`.

        Returns
        -------
        display : QuantizationErrorMapDisplay
            Drawn.
        """
        return cls(distances, wcs=wcs).plot(ax, **options)

    def plot(
        self,
        ax=None,
        *,
        highest=99.5,
        cmap="inferno",
        scale_bar=True,
        compass=True,
        max_pixels=MAX_PIXELS,
    ):
        """Draw the distances; masked pixels are hatched.

        Parameters
        ----------
        ax : matplotlib.axes.Axes, default=None
            Where to draw; a new figure by default.
        highest : float, default=99.5
            Percentage of the pixels that the scale of colors covers; the few above
            have the color of its end.
        cmap : str or matplotlib.colors.Colormap, default="inferno"
            Colors of the distances.
        scale_bar, compass : bool, default=True
            Whether a bar of a round angle, and arrows to the north and east, are drawn.
            Without a pixel scale and a WCS, and on narrow strips, they are left out.
        max_pixels : int, default=4000000
            Pixels that the picture is drawn from, at most. Those of a larger image are
            means of squares of pixels, and the picture says so above the axes.

        Returns
        -------
        self : QuantizationErrorMapDisplay
            With the attributes that end in an underscore.

        Raises
        ------
        ValueError
            If the distances are no image, or `highest` is no percentage.
        """
        distances = np.asarray(self.distances, dtype=np.float64)
        if distances.ndim != 2:
            raise ValueError(
                "distances must have the shape (n_rows, n_columns), got "
                f"{distances.shape}."
            )
        if not 0 < highest <= 100:
            raise ValueError(f"highest must be above 0, up to 100, got {highest!r}.")
        self.image_, self.color_bar_ = draw_value_map(
            ax,
            distances,
            label="distance to the nearest unit",
            wcs=self.wcs,
            pixel_scale=self.pixel_scale,
            highest=highest,
            cmap=cmap,
            scale_bar=scale_bar,
            compass=compass,
            max_pixels=max_pixels,
        )
        self.ax_, self.figure_ = self.image_.axes, self.image_.figure
        return self
