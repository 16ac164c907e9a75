# SPDX-License-Identifier: BSD-3-Clause
"""A scale bar, and arrows to the north and to the east."""

import numpy as np
from astropy import units
from astropy.wcs.utils import proj_plane_pixel_scales

_ARROW = 0.085  # by the shorter side of the axes
_SHORTEST, _LONGEST = 9.0, 20.0  # points
_ON_TOP = 5
_BOX = {"facecolor": "black", "alpha": 0.6, "linewidth": 0}


def add_scale_bar(ax, shape, pixel_scale):
    """Draw a bar of a round angle, about a fifth of the picture wide."""
    from mpl_toolkits.axes_grid1.anchored_artists import AnchoredSizeBar

    width = pixel_scale[1]
    length, text = round_angle(0.22 * shape[1] * width)
    bar = AnchoredSizeBar(
        ax.transData,
        length / width,
        text,
        "lower left",
        pad=0.4,
        borderpad=0.6,
        sep=3,
        color="white",
        size_vertical=0.004 * shape[0],
        fontproperties={"size": "small"},
    )
    bar.patch.set(**_BOX)
    bar.set_zorder(_ON_TOP)
    ax.add_artist(bar)


def add_compass(ax, shape, wcs, aspect=1.0):
    """Draw arrows to north and east, for the center of the image."""
    from matplotlib.offsetbox import AnchoredOffsetbox, DrawingArea
    from matplotlib.patches import FancyArrowPatch
    from matplotlib.text import Text

    directions = sky_directions(wcs, shape) * [1, aspect]
    if not np.isfinite(directions).all():  # the middle is not on the sky
        return
    length = np.clip(_ARROW * size_in_points(ax).min(), _SHORTEST, _LONGEST)
    arrows = length * directions / np.linalg.norm(directions, axis=1, keepdims=True)
    letters = arrows * (1 + 5.5 / length)
    ends = np.vstack([[0, 0], letters])
    lowest = ends.min(axis=0) - 4
    area = DrawingArea(*(ends.max(axis=0) + 4 - lowest))
    for arrow, place, letter in zip(arrows, letters, "NE", strict=True):
        area.add_artist(
            FancyArrowPatch(
                -lowest,
                arrow - lowest,
                arrowstyle="-|>",
                mutation_scale=7,
                shrinkA=0,
                shrinkB=0,
                color="white",
                linewidth=1.2,
            )
        )
        area.add_artist(
            Text(
                *(place - lowest),
                letter,
                color="white",
                size=7.5,
                ha="center",
                va="center",
            )
        )
    box = AnchoredOffsetbox("upper right", child=area, pad=0.2, borderpad=0.6)
    box.patch.set(**_BOX)
    box.set_zorder(_ON_TOP)
    ax.add_artist(box)


def sky_directions(wcs, shape):
    """Return which way north and east are, in the middle of an image."""
    middle = np.array([(shape[1] - 1) / 2, (shape[0] - 1) / 2])
    place = np.array(wcs.pixel_to_world_values(*middle))
    # Without units of its own a WCS has degrees, once it has been used.
    degrees = np.array([units.Unit(unit).to(units.deg) for unit in wcs.wcs.cunit])
    place = degrees * place
    step = 0.5 * np.mean(degrees * proj_plane_pixel_scales(wcs))
    north, east = np.zeros(2), np.zeros(2)
    north[wcs.wcs.lat] = step
    east[wcs.wcs.lng] = step / np.cos(np.deg2rad(place[wcs.wcs.lat]))
    ends = [
        wcs.world_to_pixel_values(*((place + way) / degrees)) for way in (north, east)
    ]
    return np.array(ends) - middle


def round_angle(longest):
    """Return the longest round angle up to a given one, in arcsec and as text."""
    sizes = {"°": 3600, "'": 60, '"': 1}
    mark = next((mark for mark, size in sizes.items() if longest >= size), '"')
    power = 10.0 ** np.floor(np.log10(longest / sizes[mark]))
    number = power * max(d for d in (1, 2, 5) if d * power <= longest / sizes[mark])
    return number * sizes[mark], f"{number:g}{mark}"


def size_in_points(ax):
    """Return width and height of axes in points, as they are before any layout."""
    box = ax.get_window_extent()
    return np.array([box.width, box.height]) * 72 / ax.figure.dpi
