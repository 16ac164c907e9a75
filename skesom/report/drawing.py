# SPDX-License-Identifier: BSD-3-Clause
"""Figures of a report: drawn in other processes, saved in one format and width."""

from __future__ import annotations

import io
import warnings
from collections.abc import Sequence
from functools import partial
from numbers import Real
from typing import NamedTuple

from skesom._common.warn import warn_user
from skesom._common.workers import workers
from skesom.displays.rgb import rgb_numbers

_FORMATS = "png", "pdf", "svg"
_COLUMNS = {"one": 3.5, "two": 7.1}  # inches, of most journals of astronomy
_LETTERS = {None: 10.0, "one": 8.0, "two": 9.0}  # points
_MARGIN = 0.2, 0.15  # of a figure, left and below of axes; it is cut or shrunk then
_PAD = 0.06  # inches around all that is drawn
PNG_LEVEL = 1  # of compression: half the time of 6, matplotlib's, and 8 % more bytes
_OF_FORMATS = {
    "png": {"pil_kwargs": {"compress_level": PNG_LEVEL}},
    "pdf": {"metadata": {"CreationDate": None}},
    "svg": {"metadata": {"Date": None}},
}


class PictureStyle(NamedTuple):
    """How the pictures of a report are drawn.

    Parameters
    ----------
    format : {"png", "pdf", "svg"}, default="png"
        Images and long outlines are dots in PDF and SVG too, all else is lines.
    dpi : float, default=150
        Dots per inch.
    width : {"one", "two"}, default=None
        Width of one or two columns of a journal (3.5 or 7.1 inches), in letters that
        can be read there. By default wider, for the screen.
    rgb : sequence of three int or str, default=None
        Bands of color pictures for red, green and blue, see `rgb_image`.

    Examples
    --------
    >>> from skesom.report import PictureStyle
    >>> PictureStyle("pdf", dpi=300, width="one").check()
    PictureStyle(format='pdf', dpi=300, width='one', rgb=None)
    """

    format: str = "png"
    dpi: float = 150
    width: str | None = None
    rgb: tuple | None = None

    def check(self, band_names: Sequence[str] | None = None) -> PictureStyle:
        """Return the style, or raise an error if it is impossible.

        Parameters
        ----------
        band_names : sequence of str, default=None
            Names of the bands that there are, for those of `rgb`.

        Returns
        -------
        style : PictureStyle
            The same.

        Raises
        ------
        ValueError
            If the style or one of its bands is unknown.

        Examples
        --------
        >>> from skesom.report import PictureStyle
        >>> PictureStyle(rgb=("i", "r", "g")).check(["g", "r", "i"]).rgb
        ('i', 'r', 'g')
        """
        if self.format not in _FORMATS:
            raise ValueError(f"format must be one of {_FORMATS}, got {self.format!r}.")
        if not (isinstance(self.dpi, Real) and 10 <= self.dpi <= 2400):
            raise ValueError(f"dpi must be from 10 to 2400, got {self.dpi!r}.")
        if self.width not in _LETTERS:
            raise ValueError(f"width must be one of 'one', 'two', got {self.width!r}.")
        if self.rgb is not None and band_names is not None:
            rgb_numbers(self.rgb, list(band_names))
        return self


def new_axes(size, projection=None):
    """Return axes of a figure that pyplot does not know, which would keep it open."""
    from matplotlib import rcParams
    from matplotlib.figure import Figure

    # What is drawn decides on what is cut off, so that no layout needs to be fitted.
    column = {_LETTERS[key]: inches for key, inches in _COLUMNS.items()}
    width = column.get(rcParams["font.size"], size[0])
    figure = Figure(figsize=(width, size[1] * width / size[0]))
    (left, below), room = _MARGIN, 1 - 2 * _MARGIN[0]
    place = left, below, room, 1 - 2 * below
    return figure.add_axes(place, projection=projection)


def start_drawing(job, style):
    """Let another process draw; return a function that gives the picture.

    It is drawn here if that was not begun. It is the bytes of a file, or what else the
    function of the job returned.
    """
    from matplotlib import rcParams

    # Each process draws with the settings of this one; to ask for a backend would load
    # pyplot.
    names = [name for name in rcParams if not name.startswith("backend")]
    settings = {name: rcParams[name] for name in names}
    settings |= {"font.size": _LETTERS[style.width], "svg.hashsalt": "skesom"}
    task = partial(_drawn, job, style, settings)
    future = workers.submit(task)

    def collect():
        drawn, messages = workers.result_of(future, task)
        for message in messages:
            warn_user(message)
        return drawn

    return collect


def _drawn(job, style, settings):
    """Return the file of a picture, and the warnings that came."""
    from matplotlib import rc_context

    with warnings.catch_warnings(record=True) as caught, rc_context(settings):
        drawn = job()
        figure = getattr(drawn, "figure_", drawn)
        if hasattr(figure, "savefig"):
            drawn = saved(figure, style)
    return drawn, [each.message for each in caught]


def saved(figure, style):
    """Return a figure as bytes of a file, without empty margins."""
    from matplotlib.transforms import Bbox

    if figure.get_layout_engine() is not None:
        figure.draw_without_rendering()
        figure.set_layout_engine("none")
    box = figure.get_tightbbox()
    if style.width is not None:
        width = _COLUMNS[style.width]
        _shrink(figure, box.width + 2 * _PAD - width)
        box = figure.get_tightbbox()
        left = (box.x0 + box.x1 - width) / 2 + _PAD
        box = Bbox([[left, box.y0], [left + width - 2 * _PAD, box.y1]])
    options = _OF_FORMATS[style.format] | {"format": style.format, "dpi": style.dpi}
    buffer = io.BytesIO()
    figure.savefig(buffer, bbox_inches=box.padded(_PAD), **options)
    return buffer.getvalue()


def _shrink(figure, excess):
    """Make all axes narrower by so many inches together, and lower in proportion."""
    boxes = [ax.get_position(original=True) for ax in figure.axes]
    first, last = min(box.x0 for box in boxes), max(box.x1 for box in boxes)
    factor = max(1 - excess / ((last - first) * figure.get_figwidth()), 0.3)
    top = max(box.y1 for box in boxes)
    for ax, box in zip(figure.axes, boxes, strict=True):
        left, low = first + factor * (box.x0 - first), top + factor * (box.y0 - top)
        ax.set_position([left, low, factor * box.width, factor * box.height])
        ax.apply_aspect()
