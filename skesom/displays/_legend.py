# SPDX-License-Identifier: BSD-3-Clause
"""A legend of clusters that fits beside the axes, however many there are."""

import textwrap

import numpy as np

from skesom.displays._axes import add_color_bar, settle, size_in_points
from skesom.displays._palette import HATCH_COLOR, MISSING_COLOR

_LARGEST, _SMALLEST = 9.0, 6.0  # points
_LINE = 1.5  # height of an entry in units of its letters
_MAX_COLUMNS = 2
_LETTER = 0.55  # mean width of a letter by its height
_WIDEST = 0.55  # a column of names by the width of the axes
_LETTERS = 12, 30  # in a line of the longest names


def add_legend(ax, colors, names, others=(), title="cluster"):
    """Draw a legend to the right of the axes, or a color bar for many clusters."""
    from matplotlib.patches import Patch

    width, height = size_in_points(ax)
    n_lines = height / _LINE
    n_letters = int(np.clip(_WIDEST * width / (_LETTER * _LARGEST), *_LETTERS))
    names = [in_lines(name, n_letters) for name in names]
    entries = [
        Patch(facecolor=color, label=name)
        for color, name in zip(colors, names, strict=True)
    ]
    # With a line for the title.
    n_entries = sum(name.count("\n") + 1 for name in names) + len(others) + 1
    if n_entries * _SMALLEST > _MAX_COLUMNS * n_lines:
        bar = _add_bar_of_clusters(ax, colors, title)
        legend = None
        if others:
            legend = ax.legend(handles=others, loc="lower right", fontsize="small")
        return legend, bar
    if n_entries == 1:
        return None, None
    n_columns = 1 if n_entries * _SMALLEST <= n_lines else _MAX_COLUMNS
    n_high = -(-n_entries // n_columns)
    entries += others
    size = float(np.clip(n_lines / n_high, _SMALLEST, _LARGEST))
    legend = _add_entries(ax, entries, title, n_columns, size)
    # Beside the legend an image is smaller, so that smaller letters become its size.
    settle(ax)
    n_lines = size_in_points(ax)[1] / _LINE
    smaller = float(np.clip(n_lines / n_high, _SMALLEST, size))
    if smaller < 0.9 * size:
        legend = _add_entries(ax, entries, title, n_columns, smaller)
    return legend, None


def missing_patch(label):
    """Return an entry for pixels that are hatched, see `dress_image_axes`."""
    from matplotlib.patches import Patch

    return Patch(
        facecolor=MISSING_COLOR,
        edgecolor=HATCH_COLOR,
        hatch="/////",
        linewidth=0,
        label=label,
    )


def _add_entries(ax, entries, title, n_columns, size):
    """Draw a legend in letters of a size, in place of any other."""
    return ax.legend(
        handles=entries,
        title=title,
        loc="upper left",
        bbox_to_anchor=(1.01, 1.0),
        borderaxespad=0,
        frameon=False,
        ncols=n_columns,
        columnspacing=1.0,
        handlelength=1.2,
        handleheight=0.9,
        fontsize=size,
        title_fontsize=min(10.0, 1.2 * size),
        alignment="left",
    )


def in_lines(name, n_letters):
    """Break a long name into lines, but not between a number and its unit."""
    return textwrap.fill(name.replace(" %", "\xa0%"), n_letters).replace("\xa0", " ")


def _add_bar_of_clusters(ax, colors, title):
    """Draw a color bar whose steps are the clusters."""
    from matplotlib.cm import ScalarMappable
    from matplotlib.colors import BoundaryNorm, ListedColormap
    from matplotlib.ticker import MaxNLocator

    n_clusters = len(colors)
    norm = BoundaryNorm(np.arange(n_clusters + 1) - 0.5, n_clusters)
    drawn = ScalarMappable(norm, ListedColormap(colors))
    bar = add_color_bar(ax, drawn, title, spacing="proportional")
    bar.set_ticks(MaxNLocator(10, integer=True).tick_values(0, n_clusters - 1)[:-1])
    bar.minorticks_off()
    return bar
