# SPDX-License-Identifier: BSD-3-Clause
"""Legends of clusters, as large as the room beside the axes allows."""

import math
import textwrap

import numpy as np

from skesom._common.texts import percent
from skesom.displays.colors import HATCH_COLOR, MISSING_COLOR
from skesom.displays.display import (
    add_color_bar,
    literal,
    size_in_points,
    update_layout,
)

_LARGEST = 9.0  # points, of the letters of a legend
_SMALLEST = 6.0
_LINE = 1.5  # height of an entry by that of its letters
_MAX_COLUMNS = 2  # of a legend; more leave no room for the map
_LETTER = 0.55  # mean width of a letter by its height
_WIDEST = 0.55  # a column of names by the width of the axes
_LETTERS = (12, 30)  # in a line of the longest names, at least and at most


def add_legend(ax, clusters, shown, shares, others=(), title="cluster"):
    """Draw a legend to the right of the axes, or a color bar for many clusters.

    Parameters
    ----------
    ax : matplotlib.axes.Axes
    clusters : object
        With `colors` and `names` of all clusters.
    shown : sequence of int
        Numbers of the clusters that are drawn.
    shares : sequence of float
        Percentage of the pixels, or samples, of each cluster.
    others : sequence of matplotlib artists
        Entries below the clusters, with their labels.
    title : str
        What the clusters are called.

    Returns
    -------
    legend : matplotlib.legend.Legend or None
    color_bar : matplotlib.colorbar.Colorbar or None
    """
    from matplotlib.patches import Patch

    colors = clusters.colors[shown]
    width, height = size_in_points(ax)
    n_letters = int(np.clip(_WIDEST * width / (_LETTER * _LARGEST), *_LETTERS))
    names = []
    for number in shown:
        name = f"{clusters.names[number]}: {percent(shares[number])}"
        names.append(literal(in_lines(name, n_letters)))
    n_lines = sum(name.count("\n") + 1 for name in names)
    n_lines += len(others) + 1  # the title
    room = height / _LINE  # lines of letters of one point
    if n_lines * _SMALLEST > _MAX_COLUMNS * room:
        bar = _add_bar_of_clusters(ax, colors, title)
        if not others:
            return None, bar
        return ax.legend(handles=others, loc="lower right", fontsize="small"), bar
    if n_lines == 1:  # nothing but the title
        return None, None
    entries = []
    for color, name in zip(colors, names, strict=True):
        entries.append(Patch(facecolor=color, label=name))
    entries += others
    n_columns = 1 if n_lines * _SMALLEST <= room else _MAX_COLUMNS
    n_lines_of_column = math.ceil(n_lines / n_columns)
    size = float(np.clip(room / n_lines_of_column, _SMALLEST, _LARGEST))
    legend = _add_entries(ax, entries, title, n_columns, size)
    # The legend makes an image smaller, and may then need smaller letters itself.
    update_layout(ax)
    _, height = size_in_points(ax)
    room = height / _LINE
    smaller_size = float(np.clip(room / n_lines_of_column, _SMALLEST, size))
    if smaller_size < 0.9 * size:
        legend = _add_entries(ax, entries, title, n_columns, smaller_size)
    return legend, None


def ground_entries(clusters):
    """Return entries of a legend for the pixels in no cluster that there are."""
    from matplotlib.patches import Patch

    entries = []
    for n_pixels, (name, color) in zip(clusters.others, clusters.ground, strict=True):
        if name == "same":
            share = 100 * n_pixels / (n_pixels + clusters.pixels.sum())
            name = f"same: {percent(share)}"
            entries.append(Patch(fc=color, ec="0.6", lw=0.5, label=name))
        elif n_pixels and color is None:  # as `draw_image` hatches
            hatch = Patch(fc=MISSING_COLOR, ec=HATCH_COLOR, hatch="/////", lw=0)
            hatch.set_label(name)
            entries.append(hatch)
        elif n_pixels:
            entries.append(Patch(facecolor=color, label=name))
    return entries


def in_lines(name, n_letters):
    """Break a long name into lines, but not between a number and its unit."""
    return textwrap.fill(name.replace(" %", "\xa0%"), n_letters).replace("\xa0", " ")


def _add_entries(ax, entries, title, n_columns, size):
    """Draw a legend in letters of a size, in place of any other."""
    return ax.legend(
        handles=entries,
        ncols=n_columns,
        title=title,
        alignment="left",
        frameon=False,
        loc="upper left",
        bbox_to_anchor=(1.01, 1.0),
        borderaxespad=0,
        handlelength=1.2,
        handleheight=0.9,
        columnspacing=1.0,
        fontsize=size,
        title_fontsize=min(10.0, 1.2 * size),
    )


def _add_bar_of_clusters(ax, colors, title):
    """Draw a color bar whose steps are the clusters."""
    from matplotlib.cm import ScalarMappable
    from matplotlib.colors import BoundaryNorm, ListedColormap
    from matplotlib.ticker import MaxNLocator

    n_clusters = len(colors)
    norm = BoundaryNorm(np.arange(n_clusters + 1) - 0.5, n_clusters)
    drawn = ScalarMappable(norm, ListedColormap(colors))
    bar = add_color_bar(ax, drawn, title)
    bar.set_ticks(MaxNLocator(10, integer=True).tick_values(0, n_clusters - 1)[:-1])
    bar.minorticks_off()
    return bar
