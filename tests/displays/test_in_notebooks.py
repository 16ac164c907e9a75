# SPDX-License-Identifier: BSD-3-Clause
"""Displays at the end of a cell show one picture."""

from io import BytesIO

import numpy as np
from IPython.core.formatters import DisplayFormatter
from matplotlib import pyplot
from matplotlib.figure import Figure
from matplotlib.image import imread

from skesom.displays import UMatrixDisplay


def shown(display):
    """Return what a notebook shows of the value of a cell, by its kind."""
    return DisplayFormatter().format(display)[0]


def test_a_display_is_one_picture():
    display = UMatrixDisplay.from_predictions([[1, 2], [3, 4]])
    # The notebook shows figures of pyplot at the end of the cell, and closes them.
    assert shown(display) == {"text/plain": "<UMatrixDisplay>"}
    pyplot.close()
    axes = Figure().add_subplot()
    own_figure = UMatrixDisplay.from_predictions([[1, 2]], ax=axes)
    for each in (display, own_figure):
        picture = shown(each)
        assert set(picture) == {"text/plain", "image/png"}
        assert np.ptp(imread(BytesIO(picture["image/png"]))) > 0.5


def test_what_is_not_drawn_has_a_name_only():
    assert shown(UMatrixDisplay([1], None)) == {"text/plain": "<UMatrixDisplay>"}
