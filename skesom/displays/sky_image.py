# SPDX-License-Identifier: BSD-3-Clause
"""Images of the sky with coordinates and marks, and outlines in them."""

import math

import numpy as np
from astropy.wcs.utils import wcs_to_celestial_frame

from skesom.displays.colors import HATCH_COLOR, MISSING_COLOR, rim_of
from skesom.displays.display import ensure_axes, size_in_points
from skesom.displays.sky_marks import add_compass, add_scale_bar
from skesom.displays.thinning import EVERY_ROW, note_thinning

HALF = 0.5  # smoothed share of the pixels at an outline
_LONGEST_SIDE = 7.0  # inches
_LEGEND_WIDTH = 2.2  # inches
_LABEL_HEIGHT = 0.9  # inches
_BETWEEN = 0.15  # between two images, by their width, so that their numbers do not meet
_NARROW = 0.08  # width by length of strips that marks would cover
_TICK_ROOM = 50.0  # points for the number at a tick
_FRAME_NAMES = {
    "ra": "right ascension",
    "dec": "declination",
    "l": "Galactic longitude",
    "b": "Galactic latitude",
}


def image_size(shape):
    """Return width and height in inches of a figure for an image and its legend."""
    n_rows, n_columns = shape[:2]
    scale = _LONGEST_SIDE / max(n_rows, n_columns)
    width = max(scale * n_columns, 2.0)
    height = max(scale * n_rows, 2.0)
    return width + _LEGEND_WIDTH, height + _LABEL_HEIGHT


def side_by_side(ax, shape, wcs):
    """Return two axes of one size, in the place of the given ones or of new ones."""
    width, height = image_size(shape)
    right = ensure_axes(ax, (2 * width - _LEGEND_WIDTH / 2, height), wcs)
    figure = right.figure
    spec = right.get_subplotspec()
    wcs = getattr(right, "wcs", None)
    if spec is not None:
        grid = spec.subgridspec(1, 2, wspace=_BETWEEN)
        right.set_subplotspec(grid[1])
        return figure.add_subplot(grid[0], projection=wcs), right
    box = right.get_position(original=True)
    half = box.width / (2 + _BETWEEN)
    right.set_position([box.x1 - half, box.y0, half, box.height])
    left_box = (box.x0, box.y0, half, box.height)
    return figure.add_axes(left_box, projection=wcs), right


def hide_vertical_labels(ax, wcs):
    """Leave out the numbers and the name along the left side of axes."""
    if not hasattr(ax, "coords"):
        ax.set_ylabel("")
        ax.tick_params(labelleft=False)
        return
    # The coordinate that changes more from row to row is the one along the left side.
    changes = np.diff(np.abs(wcs.pixel_scale_matrix))[:, 0]
    upward, sideward = np.argsort(changes)[::-1]
    coordinate_below = ax.coords[int(sideward)]
    coordinate_below.set_ticklabel_position("b")
    coordinate_below.set_axislabel_position("b")
    coordinate_at_left = ax.coords[int(upward)]
    coordinate_at_left.set_ticklabel_visible(False)
    coordinate_at_left.set_auto_axislabel(False)
    coordinate_at_left.set_axislabel("")


def draw_image(ax, shape, image, step, place, marks, note=EVERY_ROW):
    """Draw an image, which may be thinned, with coordinates and marks.

    Parameters
    ----------
    ax : matplotlib.axes.Axes or None
        None for new ones.
    shape : tuple of int (n_rows, n_columns)
        Of the whole image.
    image : ndarray
        As it is drawn: of the shape of the whole image over `step`, rounded up.
    step : int
        How many rows and columns of the whole image became one.
    place : tuple (WCS or None, tuple of float or None)
        Coordinates, and height and width of a pixel in arcsec.
    marks : tuple of bool
        Whether there is a scale bar, and whether there is a compass.
    note : str
        As for `note_thinning`.

    Returns
    -------
    drawn : matplotlib.image.AxesImage
    """
    wcs, pixel_scale = place
    scale_bar, compass = marks
    if wcs is not None and pixel_scale is None:
        pixel_scale = pixel_scale_of(wcs)
    ax = ensure_axes(ax, image_size(shape), wcs)
    # The last row and column of a thinned image may reach beyond the whole one.
    n_rows = math.ceil(shape[0] / step) * step
    n_columns = math.ceil(shape[1] / step) * step
    drawn = ax.imshow(image, origin="lower", interpolation="nearest")
    drawn.set_extent((-0.5, n_columns - 0.5, -0.5, n_rows - 0.5))
    ax.set(xlim=(-0.5, shape[1] - 0.5), ylim=(-0.5, shape[0] - 0.5))
    # Hatches, because a cluster may have a light color similar to any gray.
    ax.patch.set(facecolor=MISSING_COLOR, edgecolor=HATCH_COLOR, hatch="////", lw=0)
    aspect = 1.0 if pixel_scale is None else pixel_scale[0] / pixel_scale[1]
    ax.set_aspect(aspect)
    ax.apply_aspect()  # marks and letters depend on the size
    if hasattr(ax, "coords"):
        _label_sky(ax, wcs)
    else:
        ax.set(xlabel="column [pixel]", ylabel="row [pixel]")
        ax.locator_params(integer=True)
    note_thinning(ax, step, note)
    height = aspect * shape[0]
    width = shape[1]
    if min(height, width) >= _NARROW * max(height, width):
        if scale_bar and pixel_scale is not None:
            add_scale_bar(ax, shape, pixel_scale[1])
        if compass and wcs is not None:
            add_compass(ax, shape, wcs, aspect)
    return drawn


def draw_outline(ax, x, y, share, color, width, rim):
    """Draw a line around parts more than half inside; return None if there is none.

    Its rim is there because the picture may have the color of the line.
    """
    from matplotlib.patheffects import withStroke

    if min(share.shape) < 2 or not share.min() < HALF < share.max():
        return None
    outline = ax.contour(x, y, share, [HALF], colors=[color], linewidths=width)
    rim = withStroke(linewidth=width + rim, foreground=rim_of(color))
    outline.set_path_effects([rim])
    return outline


def pixel_scale_of(wcs):
    """Return height and width of a pixel in arcsec."""
    width, height = wcs.proj_plane_pixel_scales()
    return float(height.to_value("arcsec")), float(width.to_value("arcsec"))


def _label_sky(ax, wcs):
    """Name the coordinates on the sky, and keep their numbers apart."""
    wcs = ax.wcs if wcs is None else wcs
    names = _coordinate_names(wcs)
    room = size_in_points(ax).min()
    n_ticks = int(np.clip(room / _TICK_ROOM, 4, 6))
    for axis, name in zip((wcs.wcs.lng, wcs.wcs.lat), names, strict=True):
        coordinate = ax.coords[axis]
        coordinate.set_axislabel(name, size=float(np.clip(room / 16, 7, 10)))
        coordinate.set_ticks_position("#")  # only on the side of the numbers
        # FreeType refuses letters of half a pixel: raised marks of fewer points have
        # less at 10 dots per inch.
        size = float(np.clip(room / 22, 5.2, 8))
        coordinate.set_ticklabel(exclude_overlapping=True, size=size)
        coordinate.set_ticks(number=n_ticks)


def _coordinate_names(wcs):
    """Return the names of longitude and latitude."""
    try:
        frame = wcs_to_celestial_frame(wcs)
    except ValueError:  # of the Sun or a planet
        return ["longitude", "latitude"]
    names = []
    for component in list(frame.get_representation_component_names())[:2]:
        name = _FRAME_NAMES.get(component, component)
        names.append(f"{name} ({frame.name.upper()})")
    return names
