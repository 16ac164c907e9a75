# SPDX-License-Identifier: BSD-3-Clause
"""Base of all displays, axes and color bars."""

from __future__ import annotations

import inspect
import io
from typing import Any, Self

import numpy as np
from numpy.typing import ArrayLike

from skesom._common.extras import NO_PICTURES, import_extra
from skesom._types import Axes
from skesom.displays._docstrings import fill_docstrings

# Points, in the size of ticks.
LINE = 9.0  # height of a line of names
_LETTER = 6.0  # width of a letter
NUMBER = 14.0  # width of a number of two digits and a space


@fill_docstrings
class Display:
    """Base of displays: completes their docstrings, draws what it creates."""

    def __init_subclass__(cls):
        fill_docstrings(cls)

    @classmethod
    def from_predictions(
        cls, *values: ArrayLike, ax: Axes | None = None, **options: Any
    ) -> Self:
        """Draw values that are known already.

        Parameters
        ----------
        *values : array-like
            First parameters of the class.
        %(drawn)s

        Examples
        --------
        >>> from skesom.displays import TrainingCurveDisplay
        >>> display = TrainingCurveDisplay.from_predictions([3.0, 2.0, 1.5])
        >>> display.lines_[0].get_ydata().tolist()
        [3.0, 2.0, 1.5]
        """
        fields = inspect.signature(cls).bind_partial(*values).arguments
        return cls._drawn(ax, options, fields)

    @classmethod
    def _drawn(cls, ax, options, fields):
        """Create a display, and draw it.

        Options that are parameters of the class complete or replace the fields, all
        others are for `plot`. Fields that the class does not have are left out.
        """
        parameters = inspect.signature(cls).parameters
        of_class = {}
        for name, value in (fields | options).items():
            if name in parameters:
                of_class[name] = value
        of_plot = {}
        for name, value in options.items():
            if name not in parameters:
                of_plot[name] = value
        return cls(**of_class).plot(ax, **of_plot)

    def _new_axes(self, ax, size=(6.4, 4.8)):
        """Return the given axes, or new ones, and remember them."""
        self.ax_ = ensure_axes(ax, size)
        self.figure_ = self.ax_.figure
        return self.ax_

    def __repr__(self):
        return f"<{type(self).__name__}>"

    def _repr_png_(self):
        """Return the picture for a notebook, which shows open figures by itself."""
        from matplotlib import pyplot

        figure = getattr(self, "figure_", None)
        if figure is None or pyplot.fignum_exists(getattr(figure, "number", None)):
            return None
        picture = io.BytesIO()
        figure.savefig(picture, format="png", bbox_inches="tight")
        return picture.getvalue()


def numbers_of(kind, wanted, names):
    """Return the numbers of clusters, bands or features that are asked for.

    Parameters
    ----------
    kind : str
        What they are, for the message.
    wanted : sequence of int or str, or None
        Numbers from 0, or names; None for all.
    names : sequence of str
        Of all.

    Returns
    -------
    numbers : list of int
    """
    if wanted is None:
        return list(range(len(names)))
    numbers = []
    for number_or_name in wanted:
        number = number_or_name
        if number_or_name in names:
            number = names.index(number_or_name)
        if isinstance(number, str) or not 0 <= number < len(names):
            raise ValueError(
                f"There is no {kind} {number_or_name!r}, only {', '.join(names)}."
            )
        numbers.append(int(number))
    return numbers


def check_matplotlib():
    """Raise an ImportError that names the extra if matplotlib is missing."""
    import_extra("matplotlib", NO_PICTURES)


def ensure_axes(ax, size, projection=None):
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
    """Fit the layout of the figure to its parts: axes have their size after it."""
    figure = ax.figure.figure  # the whole, of a subfigure
    if figure.get_layout_engine() is not None:
        figure.draw_without_rendering()


def literal(text):
    """Return a text so that matplotlib draws it as it is, and not as a formula."""
    text = str(text).replace("$", r"\$")
    if text.startswith("_"):  # legends leave such texts out
        return f" {text}"
    return text


def name_ticks(ax, names, least=LINE):
    """Write names along the x axis, slanted or upright if long; False without room."""
    room = size_in_points(ax)[0] / max(len(names), 1)
    if room < least:
        ax.locator_params(axis="x", integer=True)
        return False
    ax.set_xticks(range(len(names)), map(literal, names))
    longest = 0  # letters in a line
    for name in names:
        for line in name.split("\n"):
            longest = max(longest, len(line))
    if longest * _LETTER >= room:
        for label in ax.get_xticklabels():
            label.set_rotation(90)
            if room >= 1.6 * LINE:
                label.set(rotation=40, ha="right", rotation_mode="anchor")
    return True


def panels_in(ax, n_rows, n_columns, wspace=None, hspace=None):
    """Return a grid for panels where axes are, which vanish.

    The spaces are for axes of a fixed position; others are left to the layout.
    """
    ax.set_axis_off()
    subplot_spec = ax.get_subplotspec()
    if subplot_spec is not None:
        return subplot_spec.subgridspec(n_rows, n_columns)
    box = ax.get_position()
    grid = ax.figure.add_gridspec(n_rows, n_columns, wspace=wspace, hspace=hspace)
    grid.update(left=box.x0, right=box.x1, bottom=box.y0, top=box.y1)
    return grid


def add_color_bar(ax, drawn, label, *, below=False, extend="neither"):
    """Draw a color bar as long as the side of the axes that it belongs to."""
    from matplotlib.ticker import MaxNLocator

    if below:
        bar_axes = None  # taken from the axes
        orientation = "horizontal"
    else:
        # Axes of a fixed aspect are lower than their cell of the figure's layout.
        bar_axes = ax.inset_axes([1.03, 0, 0.045, 1])
        orientation = "vertical"
    bar = ax.figure.colorbar(
        drawn, cax=bar_axes, ax=ax, orientation=orientation, extend=extend
    )
    # A fixed number: other ticks after a layout would change the width again.
    bar.locator = MaxNLocator(5, steps=[1, 2, 2.5, 5, 10])
    bar.update_ticks()
    bar.set_label(label)
    bar.ax.tick_params(labelsize="small")
    bar.outline.set_visible(False)
    return bar
