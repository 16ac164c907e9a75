# SPDX-License-Identifier: BSD-3-Clause
"""Names from files are drawn as they are written, never as formulas."""

import numpy as np
import pytest
from astropy import units
from astropy.table import Table
from matplotlib.figure import Figure
from matplotlib.font_manager import FontProperties
from matplotlib.textpath import TextToPath

from skesom.cube import Cube
from skesom.displays import (
    ClusterHistogramDisplay,
    ClusterMapDisplay,
    ClusterSpectraDisplay,
    ComponentPlanesDisplay,
    CrossmatchDisplay,
)
from skesom.displays.display import literal
from skesom.displays.unit_layout import layout_of
from skesom.maps import crossmatch
from skesom.som import CSOM

NAMES = [r"$\foo$", "_b", "$c", r"\$d$"]
LABELS = np.repeat(np.arange(4), 5).reshape(4, 5)


def drawn(text):
    """Return the letters of a text as matplotlib draws them."""
    read, is_formula = TextToPath(), text.get_parse_math()
    size = FontProperties(size=10)
    # The same preparation as when it is drawn.
    content, math = text._preprocess_math(text.get_text())
    assert is_formula is True
    assert math is False
    read.get_text_path(size, content)
    return content.strip()


@pytest.mark.parametrize("name", NAMES)
def test_letters_stay(ax, name):
    assert drawn(ax.text(0, 0, literal(name))) == name


def test_every_display(sky_wcs):
    rng = np.random.default_rng(0)
    cube = Cube(rng.normal(size=(4, 5, 4)), band_names=NAMES, wcs=sky_wcs)
    options = {"names": NAMES}
    som = CSOM(shape=(3, 3), random_state=0).fit(rng.normal(size=(50, 4)))
    objects = Table({"type": NAMES, "x": [0, 1, 2, 3], "y": [0, 1, 2, 3]})
    shared = crossmatch(LABELS, objects)
    displays = [
        ClusterMapDisplay(LABELS, **options),
        ClusterHistogramDisplay(LABELS, **options),
        ClusterSpectraDisplay(LABELS, cube, **options),
        ClusterSpectraDisplay(LABELS, cube, wavelengths=[1, 2, 3, 4] * units.um),
        ComponentPlanesDisplay(som.codebook_, layout_of(som, "pca"), **options),
        CrossmatchDisplay(shared, **options),
    ]
    for display in displays:
        display.plot(Figure(figsize=(4, 3)).add_subplot())
        # A formula that is none would be an error.
        display.figure_.draw_without_rendering()
    legend = displays[0].legend_.get_texts()
    assert [drawn(text).partition(":")[0] for text in legend[:4]] == NAMES
