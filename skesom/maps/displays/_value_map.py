# SPDX-License-Identifier: BSD-3-Clause
"""A number for each pixel, drawn as an image of the sky."""

import numpy as np

from skesom.maps.displays._axes import (
    add_color_bar,
    dress_image_axes,
    image_axes,
    settle,
)
from skesom.maps.displays._clusters import pixel_scale_of
from skesom.maps.displays._thinning import extent, mean, say_thinning, thinning


def draw_value_map(
    ax,
    values,
    *,
    label,
    wcs=None,
    pixel_scale=None,
    highest=100,
    top=None,
    cmap="inferno",
    scale_bar=True,
    compass=True,
    max_pixels,
):
    """Draw values from 0; pixels without one are hatched.

    Parameters
    ----------
    ax : matplotlib.axes.Axes or None
        Where to draw; a new figure for None.
    values : ndarray of shape (n_rows, n_columns)
        NaN where there is none.
    label : str
        What they are, beside the color bar.
    wcs : astropy.wcs.WCS, default=None
        Celestial coordinates for the axes; pixels without.
    pixel_scale : tuple of float (height, width), default=None
        Arcsec per pixel, of the WCS by default.
    highest : float, default=100
        Percentage of the pixels that the scale of colors covers.
    top : float, default=None
        End of the scale, in place of `highest`.
    cmap : str or matplotlib.colors.Colormap, default="inferno"
        Colors of the values.
    scale_bar, compass : bool, default=True
        Whether they are drawn, where a pixel scale and a WCS are known.
    max_pixels : int
        Pixels that the picture is drawn from, at most.

    Returns
    -------
    image : matplotlib.image.AxesImage
        The values.
    bar : matplotlib.colorbar.Colorbar
        Tells the values of the colors.
    """
    if wcs is not None and pixel_scale is None:
        pixel_scale = pixel_scale_of(wcs)
    ax = image_axes(ax, values.shape, wcs)
    step = thinning(values.shape, max_pixels)
    drawn = mean(values, step)
    known = drawn[~np.isnan(drawn)]
    if top is None:
        top = float(np.percentile(known, highest)) if len(known) else 1.0
    image = ax.imshow(
        np.ma.masked_invalid(drawn),
        origin="lower",
        interpolation="nearest",
        extent=extent(values.shape, step),
        cmap=cmap,
        vmin=0,
        vmax=top or 1.0,
    )
    dress_image_axes(
        ax,
        values.shape,
        wcs=wcs,
        pixel_scale=pixel_scale,
        scale_bar=scale_bar,
        compass=compass,
    )
    say_thinning(ax, step, "means of {step} x {step} pixels")
    above = len(known) > 0 and known.max() > top
    bar = add_color_bar(ax, image, label, extend="max" if above else "neither")
    settle(ax)
    return image, bar
