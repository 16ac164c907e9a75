# SPDX-License-Identifier: BSD-3-Clause
"""Axes that displays draw in: of figures, and of images of the sky."""

import numpy as np
from astropy.wcs.utils import wcs_to_celestial_frame

from skesom.displays._palette import HATCH_COLOR, MISSING_COLOR
from skesom.displays._sky_marks import add_compass, add_scale_bar, size_in_points

_LONGEST_SIDE = 7.0  # inches
_ROOM = 2.2, 0.9  # inches for legends and for labels
_NARROW = 0.08  # width by length of strips that marks would cover
_BAR_TICKS = 5
_TICK_ROOM = 50.0  # points for the number at a tick


def check_matplotlib():
    """Raise an ImportError that names the extra if matplotlib is missing."""
    try:
        import matplotlib  # noqa: F401
    except ImportError as error:
        raise ImportError(
            "Pictures need matplotlib: pip install 'skesom[plot]'."
        ) from error


def new_axes(ax, size=(6.4, 4.8), projection=None):
    """Return the given axes, or new ones in a figure of pyplot."""
    check_matplotlib()
    if ax is not None:
        return ax
    from matplotlib import pyplot

    figure = pyplot.figure(figsize=size, layout="constrained")
    return figure.add_subplot(projection=projection)


def image_size(shape):
    """Return width and height in inches of a figure for an image and its legend."""
    n_rows, n_columns = shape[:2]
    scale = _LONGEST_SIDE / max(n_rows, n_columns)
    width, height = (max(scale * side, 2.0) for side in (n_columns, n_rows))
    return width + _ROOM[0], height + _ROOM[1]


def image_axes(ax, shape, wcs):
    """Return axes for an image, new ones in the proportions of the image."""
    return new_axes(ax, image_size(shape), wcs)


def dress_image_axes(ax, shape, *, wcs, pixel_scale, scale_bar, compass):
    """Give the axes of an image their limits, labels, scale bar and compass."""
    n_rows, n_columns = shape[:2]
    ax.set(xlim=(-0.5, n_columns - 0.5), ylim=(-0.5, n_rows - 0.5))
    # A pattern, because some light color of clusters resembles any gray.
    ax.patch.set(
        facecolor=MISSING_COLOR, edgecolor=HATCH_COLOR, hatch="////", linewidth=0
    )
    aspect = 1.0
    if pixel_scale is not None:
        aspect = pixel_scale[0] / pixel_scale[1]
    ax.set_aspect(aspect)
    if hasattr(ax, "coords"):
        _label_sky(ax, wcs)
    else:
        ax.set(xlabel="column [pixel]", ylabel="row [pixel]")
        ax.locator_params(integer=True)
    height, width = aspect * n_rows, n_columns
    if min(height, width) < _NARROW * max(height, width):
        return
    if scale_bar and pixel_scale is not None:
        add_scale_bar(ax, shape, pixel_scale)
    if compass and wcs is not None:
        add_compass(ax, shape, wcs, aspect)


def settle(ax):
    """Let the layout of the figure know the room that everything needs.

    Axes of a fixed aspect, and those with coordinates on the sky, tell it only once
    they have been drawn.
    """
    if ax.figure.get_layout_engine() is not None:
        ax.figure.draw_without_rendering()


def _label_sky(ax, wcs):
    """Name the coordinates on the sky, and keep their numbers apart."""
    wcs = ax.wcs if wcs is None else wcs
    longitude, latitude = _coordinate_names(wcs)
    room = size_in_points(ax).min()
    n_ticks = int(np.clip(room / _TICK_ROOM, 4, 6))
    for place, name in ((wcs.wcs.lng, longitude), (wcs.wcs.lat, latitude)):
        coordinate = ax.coords[place]
        coordinate.set_axislabel(name, size=float(np.clip(room / 16, 7, 10)))
        coordinate.set_ticks_position("#")  # on the side of its numbers only
        coordinate.set_ticklabel(exclude_overlapping=True, size=min(8, room / 22))
        coordinate.set_ticks(number=n_ticks)


def _coordinate_names(wcs):
    """Return what longitude and latitude are called."""
    try:
        frame = wcs_to_celestial_frame(wcs)
    except ValueError:  # of the Sun or a planet
        return "longitude", "latitude"
    names = {"ra": "right ascension", "dec": "declination"}
    names |= {"l": "Galactic longitude", "b": "Galactic latitude"}
    components = list(frame.get_representation_component_names())
    return [
        f"{names.get(component, component)} ({frame.name.upper()})"
        for component in components[:2]
    ]


def add_color_bar(ax, drawn, label, *, below=False, **options):
    """Draw a color bar as long as the side of the axes that it stands at."""
    from matplotlib.ticker import MaxNLocator

    if below:
        bar = ax.figure.colorbar(drawn, ax=ax, orientation="horizontal", **options)
    else:  # axes of a fixed aspect are lower than the place they have
        bar_axes = ax.inset_axes([1.03, 0, 0.045, 1])
        bar = ax.figure.colorbar(drawn, cax=bar_axes, **options)
    # So many at every size: numbers that change have another width each time.
    bar.locator = MaxNLocator(_BAR_TICKS, steps=[1, 2, 2.5, 5, 10])
    bar.update_ticks()
    bar.set_label(label)
    bar.ax.tick_params(labelsize="small")
    bar.outline.set_visible(False)
    return bar
