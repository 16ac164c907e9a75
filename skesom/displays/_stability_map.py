# SPDX-License-Identifier: BSD-3-Clause
"""How sure the cluster of each pixel is, on the sky."""

import numpy as np

from skesom.displays._axes import check_matplotlib
from skesom.displays._thinning import MAX_PIXELS
from skesom.displays._value_map import draw_value_map
from skesom.maps._stability import stability


class StabilityMapDisplay:
    """Share of the runs in which each pixel keeps its cluster.

    It is made by `from_estimator` or `from_predictions`.

    Parameters
    ----------
    stability : ndarray of shape (n_rows, n_columns)
        From 0 to 1, NaN where a pixel is in no cluster; of what `stability` or
        `label_stability` return.
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
        The shares.
    color_bar_ : matplotlib.colorbar.Colorbar
        Tells the shares of the colors.

    See Also
    --------
    stability : Repeat a clustering with other seeds.
    label_stability : Compare clusterings of any origin.

    Examples
    --------
    >>> import numpy as np
    >>> from skesom.displays import StabilityMapDisplay
    >>> from skesom.maps import label_stability
    >>> runs = [np.array([[0, 0, 1, 1]]), np.array([[1, 1, 1, 0]])]
    >>> result = label_stability(runs[1:], reference=runs[0])
    >>> display = StabilityMapDisplay.from_predictions(result.stability)
    >>> display.image_.get_array().tolist()
    [[1.0, 1.0, 0.0, 1.0]]
    """

    def __init__(self, stability, *, wcs=None, pixel_scale=None):
        self.stability = stability
        self.wcs = wcs
        self.pixel_scale = pixel_scale

    @classmethod
    def from_estimator(
        cls, estimator, X, *, seeds=10, reference=None, wcs=None, ax=None, **options
    ):
        """Cluster a cube with other seeds, and draw how stable the pixels are.

        Parameters
        ----------
        estimator : clusterer or Pipeline
            Takes X in ``fit_predict``; it is cloned and need not be fitted.
        X : Cube, array-like of shape (n_rows, n_columns, n_bands) or list of Cube
            What it takes.
        seeds, reference
            See `stability`.
        wcs : astropy.wcs.WCS, default=None
            Celestial coordinates for the axes; those of X where it has the same
            pixels as the label map.
        ax : matplotlib.axes.Axes, default=None
            Where to draw; a new figure by default.
        **options : dict
            Arguments of `plot`.

        Returns
        -------
        display : StabilityMapDisplay
            Drawn.

        Raises
        ------
        ImportError
            If matplotlib is missing (extra ``plot``).
        """
        check_matplotlib()  # before it takes its time
        result = stability(estimator, X, seeds=seeds, reference=reference)
        pixel_scale = None
        if wcs is None and np.shape(X)[:2] == result.stability.shape:
            wcs = getattr(X, "wcs", None)
            pixel_scale = getattr(X, "pixel_scale", None)
        return cls(result.stability, wcs=wcs, pixel_scale=pixel_scale).plot(
            ax, **options
        )

    @classmethod
    def from_predictions(cls, stability, *, wcs=None, ax=None, **options):
        """Draw shares that are known already.

        Parameters
        ----------
        stability : array-like of shape (n_rows, n_columns)
            From 0 to 1, NaN where a pixel is in no cluster.
        wcs : astropy.wcs.WCS, default=None
            Celestial coordinates for the axes; pixels without.
        ax : matplotlib.axes.Axes, default=None
            Where to draw; a new figure by default. Coordinates on the sky need axes
            that were made with ``projection=wcs``.
        **options : dict
            Arguments of `plot`.

        Returns
        -------
        display : StabilityMapDisplay
            Drawn.
        """
        return cls(stability, wcs=wcs).plot(ax, **options)

    def plot(
        self,
        ax=None,
        *,
        cmap="viridis",
        scale_bar=True,
        compass=True,
        max_pixels=MAX_PIXELS,
    ):
        """Draw the shares; pixels in no cluster are hatched.

        Parameters
        ----------
        ax : matplotlib.axes.Axes, default=None
            Where to draw; a new figure by default.
        cmap : str or matplotlib.colors.Colormap, default="viridis"
            Colors of the shares.
        scale_bar, compass : bool, default=True
            Whether a bar of a round angle, and arrows to the north and east, are drawn.
            Without a pixel scale and a WCS, and on narrow strips, they are left out.
        max_pixels : int, default=4000000
            Pixels that the picture is drawn from, at most. Those of a larger image are
            means of squares of pixels, and the picture says so above the axes.

        Returns
        -------
        self : StabilityMapDisplay
            With the attributes that end in an underscore.

        Raises
        ------
        ValueError
            If the shares are no image.
        """
        shares = np.asarray(self.stability, dtype=np.float32)
        if shares.ndim != 2:
            raise ValueError(
                f"stability must have the shape (n_rows, n_columns), got {shares.shape}"
                ". That of a table has no picture."
            )
        self.image_, self.color_bar_ = draw_value_map(
            ax,
            shares,
            label="share of runs in the same cluster",
            wcs=self.wcs,
            pixel_scale=self.pixel_scale,
            top=1.0,
            cmap=cmap,
            scale_bar=scale_bar,
            compass=compass,
            max_pixels=max_pixels,
        )
        self.ax_, self.figure_ = self.image_.axes, self.image_.figure
        return self
