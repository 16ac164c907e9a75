# SPDX-License-Identifier: BSD-3-Clause
"""Axes and color bars of all displays."""

import numpy as np

_BAR_TICKS = 5


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


def size_in_points(ax):
    """Return width and height of axes in points, as of the last layout."""
    box = ax.get_window_extent()
    return np.array([box.width, box.height]) * 72 / ax.figure.dpi


def update_layout(ax):
    """Fit the layout of the figure to all that is drawn.

    Axes of a fixed aspect and those of a WCS have their final size only after that.
    """
    if ax.figure.get_layout_engine() is not None:
        ax.figure.draw_without_rendering()


def add_color_bar(ax, drawn, label, *, below=False, **options):
    """Draw a color bar as long as the side of the axes that it belongs to."""
    from matplotlib.ticker import MaxNLocator

    if below:
        bar = ax.figure.colorbar(drawn, ax=ax, orientation="horizontal", **options)
    else:  # axes of a fixed aspect are lower than their place in the figure
        bar_axes = ax.inset_axes([1.03, 0, 0.045, 1])
        bar = ax.figure.colorbar(drawn, cax=bar_axes, **options)
    # A fixed number: other ticks after a layout would change the width again.
    bar.locator = MaxNLocator(_BAR_TICKS, steps=[1, 2, 2.5, 5, 10])
    bar.update_ticks()
    bar.set_label(label)
    bar.ax.tick_params(labelsize="small")
    bar.outline.set_visible(False)
    return bar
