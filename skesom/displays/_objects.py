# SPDX-License-Identifier: BSD-3-Clause
"""Symbols of known objects on a map."""

import numpy as np

from skesom.displays._colors import luminance_of
from skesom.displays._display import literal, size_in_points, update_layout
from skesom.io._ned import describe_types
from skesom.maps._positions import objects_inside

# Of the symbols of DS9, see `skesom.io.write_regions`.
_MARKERS = {"circle": "o", "box": "s", "diamond": "D", "cross": "+", "x": "x"}
_MARKERS |= {"arrow": "^", "boxcircle": "h"}
_SIZE = 0.2  # by the mean distance of the objects of a type
_SMALLEST, _LARGEST = 3.0, 7.0  # points
_ABOVE_IMAGE = 4  # and below scale bar and compass


def draw_objects(ax, clusters, catalog):
    """Draw the objects of a catalog in a map, a line of symbols for each type."""
    from matplotlib.patheffects import withStroke

    objects = objects_inside(catalog, clusters.shape, clusters.place[0])
    kinds, counts = np.unique(objects["type"], return_counts=True)
    order = np.lexsort((kinds, -counts))
    update_layout(ax)
    room = np.sqrt(size_in_points(ax).prod())
    lines, described = {}, describe_types(kinds.tolist())
    for kind, count in zip(kinds[order].tolist(), counts[order], strict=True):
        known = described[kind]
        rim = [withStroke(linewidth=2.6, foreground=rim_of(known.color))]
        size = np.clip(_SIZE * room / np.sqrt(count), _SMALLEST, _LARGEST)
        own = objects[objects["type"] == kind]
        (line,) = ax.plot(own["x"], own["y"], linestyle="", path_effects=rim)
        line.set(marker=_MARKERS[known.symbol], markersize=size, markeredgewidth=1.1)
        line.set(markerfacecolor="none", markeredgecolor=known.color)
        line.set(label=literal(f"{known.description}: {count}"), zorder=_ABOVE_IMAGE)
        lines[kind] = line
    return lines


def rim_of(color):
    """Return black or white, whichever contrasts more with a color."""
    from matplotlib.colors import to_rgb

    return "black" if luminance_of(np.array(to_rgb(color))) > 0.4 else "white"
