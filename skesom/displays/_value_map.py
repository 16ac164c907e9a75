# SPDX-License-Identifier: BSD-3-Clause
"""A number for each pixel, drawn as an image of the sky."""

import numpy as np

from skesom.displays._axes import (
    add_color_bar,
    dress_image_axes,
    image_axes,
    settle,
)
from skesom.displays._clusters import pixel_scale_of
from skesom.displays._thinning import extent, mean, say_thinning, thinning


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
    """Draw values from 0; pixels without one are hatched."""
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
