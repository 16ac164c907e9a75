# SPDX-License-Identifier: BSD-3-Clause
"""Marks in images of the sky: a scale bar, and arrows to north and east."""

import numpy as np
from astropy import units
from astropy.coordinates import offset_by
from astropy.wcs.utils import proj_plane_pixel_scales

from skesom.displays.display import size_in_points

_ARROW = 0.085  # by the shorter side of the axes
_ARROW_LENGTHS = (9.0, 20.0)  # points
_BEYOND_TIP = 5.5  # points from the tip of an arrow to the middle of its letter
_HALF_LETTER = 4.0  # points around the middle of a letter


def sky_directions(wcs, shape):
    """Return the steps in pixels to the north and east, in the middle of an image.

    Returns
    -------
    directions : ndarray of shape (2, 2)
        A row (x, y) to the north, and one to the east; each half a pixel long. NaN
        where the middle is not on the sky.
    """
    middle = np.array([(shape[1] - 1) / 2, (shape[0] - 1) / 2])
    world = np.array(wcs.pixel_to_world_values(*middle))
    # A WCS without units has degrees, but only after its first use.
    degrees = np.array([units.Unit(unit).to(units.deg) for unit in wcs.wcs.cunit])
    step = 0.5 * np.mean(degrees * proj_plane_pixel_scales(wcs))  # half a pixel
    axes = [wcs.wcs.lng, wcs.wcs.lat]
    longitude, latitude = (degrees * world)[axes] * units.deg
    # One step to the north, and one to the east.
    angles = [0, 90] * units.deg
    longitudes, latitudes = offset_by(longitude, latitude, angles, step * units.deg)
    ends = np.empty((2, 2))
    ends[axes] = [longitudes.to_value(units.deg), latitudes.to_value(units.deg)]
    ends /= degrees[:, np.newaxis]
    return np.transpose(wcs.world_to_pixel_values(*ends)) - middle


def round_angle(longest):
    """Return the longest round angle up to a given one, in arcsec and as text.

    It is 1, 2 or 5 times a power of ten of degrees, arcmin or arcsec.
    """
    arcsec_in_unit = 1
    mark = '"'
    if longest >= 3600:
        arcsec_in_unit = 3600
        mark = "°"
    elif longest >= 60:
        arcsec_in_unit = 60
        mark = "'"
    longest_in_unit = longest / arcsec_in_unit
    power = 10.0 ** np.floor(np.log10(longest_in_unit))
    number = max(
        power * digit for digit in (1, 2, 5) if digit * power <= longest_in_unit
    )
    return number * arcsec_in_unit, f"{number:g}{mark}"


def add_scale_bar(ax, shape, pixel_width):
    """Draw a bar of a round angle, about a fifth of the picture wide."""
    # The artist of add_scalebar of wcsaxes, which however needs axes with a WCS and
    # square pixels, and does not return it.
    from mpl_toolkits.axes_grid1.anchored_artists import AnchoredSizeBar

    angle, text = round_angle(0.22 * shape[1] * pixel_width)
    bar = AnchoredSizeBar(
        ax.transData,
        angle / pixel_width,
        text,
        "lower left",
        pad=0.4,
        borderpad=0.6,
        sep=3,
        size_vertical=0.004 * shape[0],
        color="white",
        fontproperties={"size": "small"},
    )
    _add_in_box(ax, bar)


def add_compass(ax, shape, wcs, aspect):
    """Draw arrows to north and east, for the middle of the image."""
    from matplotlib.offsetbox import AnchoredOffsetbox, DrawingArea
    from matplotlib.patches import FancyArrowPatch
    from matplotlib.text import Text

    directions = sky_directions(wcs, shape) * [1, aspect]
    if not np.isfinite(directions).all():  # the middle is not on the sky
        return
    # All in points from the origin of both arrows.
    length = np.clip(_ARROW * size_in_points(ax).min(), *_ARROW_LENGTHS)
    tips = length * directions / np.linalg.norm(directions, axis=1, keepdims=True)
    letters = tips * (1 + _BEYOND_TIP / length)
    # The box holds the origin and both letters; its own corner is at (0, 0).
    corners = np.vstack([[0, 0], letters])
    origin = _HALF_LETTER - corners.min(axis=0)
    width, height = corners.max(axis=0) + _HALF_LETTER + origin
    area = DrawingArea(width, height)
    for tip, (x, y), letter in zip(tips + origin, letters + origin, "NE", strict=True):
        arrow = FancyArrowPatch(
            origin,
            tip,
            shrinkA=0,
            shrinkB=0,
            mutation_scale=7,
            arrowstyle="-|>",
            linewidth=1.2,
            color="white",
        )
        area.add_artist(arrow)
        text = Text(x, y, letter, size=7.5, color="white", ha="center", va="center")
        area.add_artist(text)
    box = AnchoredOffsetbox("upper right", child=area, pad=0.2, borderpad=0.6)
    _add_in_box(ax, box)


def _add_in_box(ax, artist):
    """Add an anchored artist in a dark box above the image."""
    artist.patch.set(facecolor="black", alpha=0.6, linewidth=0)
    artist.set_zorder(5)  # above known objects
    ax.add_artist(artist)
