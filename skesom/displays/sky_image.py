# SPDX-License-Identifier: BSD-3-Clause
"""Images of the sky: thinned if they are large, with coordinates and marks."""

import math
from numbers import Integral

import numpy as np
from astropy import units
from astropy.coordinates import offset_by
from astropy.wcs.utils import proj_plane_pixel_scales, wcs_to_celestial_frame

from skesom.displays.colors import HATCH_COLOR, MISSING_COLOR, rim_of
from skesom.displays.display import ensure_axes, size_in_points

MAX_PIXELS = 4_000_000  # more than a screen has
HALF = 0.5  # smoothed share of the pixels at an outline
EVERY_ROW = "every {th} row and column"
_LONGEST_SIDE = 7.0  # inches
_LEGEND_WIDTH = 2.2  # inches
_LABEL_HEIGHT = 0.9  # inches
_BETWEEN = 0.15  # between two images, by their width, so that their numbers do not meet
_NARROW = 0.08  # width by length of strips that marks would cover
_TICK_ROOM = 50.0  # points for the number at a tick
_ARROW = 0.085  # by the shorter side of the axes
_ARROW_LENGTHS = (9.0, 20.0)  # points
_FRAME_NAMES = {
    "ra": "right ascension",
    "dec": "declination",
    "l": "Galactic longitude",
    "b": "Galactic latitude",
}


def thinning(shape, max_pixels):
    """Return how many rows and columns of an image become one in a picture."""
    if not isinstance(max_pixels, Integral) or max_pixels < 1:
        raise ValueError(f"max_pixels must be an int from 1, got {max_pixels!r}.")
    step = math.isqrt(max(shape[0] * shape[1] // max_pixels, 1))
    while math.ceil(shape[0] / step) * math.ceil(shape[1] / step) > max_pixels:
        step += 1
    return step


def middle_pixels(image, step):
    """Return the middle pixel of each square of `step` by `step` pixels, for labels."""
    if step == 1:
        return image
    n_rows, n_columns = image.shape[:2]
    middle = (step - 1) // 2
    # The last square may be cut off before its middle.
    rows = np.minimum(np.arange(0, n_rows, step) + middle, n_rows - 1)
    columns = np.minimum(np.arange(0, n_columns, step) + middle, n_columns - 1)
    return image[rows][:, columns]


def mean(image, step):
    """Return the mean of each square of `step` by `step` pixels, without NaN."""
    if step == 1:
        return image
    columns = np.arange(0, image.shape[1], step)
    means = np.full((math.ceil(image.shape[0] / step), len(columns)), np.nan)
    for row in range(len(means)):
        strip = image[row * step : (row + 1) * step]
        has_data = ~np.isnan(strip)
        sums = np.where(has_data, strip, 0).sum(axis=0, dtype=np.float64)
        sums = np.add.reduceat(sums, columns)
        counts = np.add.reduceat(has_data.sum(axis=0), columns)
        np.divide(sums, counts, out=means[row], where=counts > 0)
    return means


def note_thinning(ax, step, note):
    """Write above the axes how the image was thinned, if it was."""
    if step > 1:
        ending = "th"
        if step % 100 not in (11, 12, 13):
            ending = {1: "st", 2: "nd", 3: "rd"}.get(step % 10, "th")
        title = note.format(step=step, th=f"{step}{ending}")
        ax.set_title(title, loc="left", size="small")


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
    upward, below = np.argsort(np.diff(np.abs(wcs.pixel_scale_matrix))[:, 0])[::-1]
    ax.coords[int(below)].set_ticklabel_position("b")
    ax.coords[int(below)].set_axislabel_position("b")
    ax.coords[int(upward)].set_ticklabel_visible(False)
    ax.coords[int(upward)].set_auto_axislabel(False)
    ax.coords[int(upward)].set_axislabel("")


def draw_image(ax, shape, image, step, place, marks, note=EVERY_ROW):
    """Draw an image of some shape that was thinned, with coordinates and marks."""
    wcs, pixel_scale = place
    scale_bar, compass = marks
    if wcs is not None and pixel_scale is None:
        pixel_scale = pixel_scale_of(wcs)
    ax = ensure_axes(ax, image_size(shape), wcs)
    n_rows, n_columns = (math.ceil(length / step) * step for length in shape)
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
    height, width = aspect * shape[0], shape[1]
    if min(height, width) >= _NARROW * max(height, width):
        if scale_bar and pixel_scale is not None:
            _add_scale_bar(ax, shape, pixel_scale[1])
        if compass and wcs is not None:
            _add_compass(ax, shape, wcs, aspect)
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


def sky_directions(wcs, shape):
    """Return the steps in pixels to the north and east, in the middle of an image."""
    middle = np.array([(shape[1] - 1) / 2, (shape[0] - 1) / 2])
    world = np.array(wcs.pixel_to_world_values(*middle))
    # A WCS without units has degrees, but only after its first use.
    degrees = np.array([units.Unit(unit).to(units.deg) for unit in wcs.wcs.cunit])
    step = 0.5 * np.mean(degrees * proj_plane_pixel_scales(wcs))
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
    """Return the longest round angle up to a given one, in arcsec and as text."""
    if longest >= 3600:
        size, mark = 3600, "°"
    elif longest >= 60:
        size, mark = 60, "'"
    else:
        size, mark = 1, '"'
    power = 10.0 ** np.floor(np.log10(longest / size))
    digit = max(d for d in (1, 2, 5) if d * power <= longest / size)
    number = power * digit
    return number * size, f"{number:g}{mark}"


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


def _add_scale_bar(ax, shape, pixel_width):
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


def _add_compass(ax, shape, wcs, aspect):
    """Draw arrows to north and east, for the middle of the image."""
    from matplotlib.offsetbox import AnchoredOffsetbox, DrawingArea
    from matplotlib.patches import FancyArrowPatch
    from matplotlib.text import Text

    directions = sky_directions(wcs, shape) * [1, aspect]
    if not np.isfinite(directions).all():  # the middle is not on the sky
        return
    length = np.clip(_ARROW * size_in_points(ax).min(), *_ARROW_LENGTHS)
    tips = length * directions / np.linalg.norm(directions, axis=1, keepdims=True)
    letters = tips * (1 + 5.5 / length)
    corners = np.vstack([[0, 0], letters])
    origin = 4 - corners.min(axis=0)
    area = DrawingArea(*(corners.max(axis=0) + 4 + origin))
    for tip, (x, y), letter in zip(tips + origin, letters + origin, "NE", strict=True):
        arrow = FancyArrowPatch(origin, tip, shrinkA=0, shrinkB=0, mutation_scale=7)
        arrow.set(arrowstyle="-|>", linewidth=1.2, color="white")
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
