# SPDX-License-Identifier: BSD-3-Clause
"""One line in the terminal that names the step at work."""

import sys

from tqdm import tqdm

_NAMES = {
    "gaps": "masking what is missing or broken",
    "background": "looking for a background",
    "convolve": "bringing the bands to one width",
    "align": "bringing the bands to one grid",
    "bin": "averaging bands",
    "store": "storing the bands",
    "stretch": "stretching fluxes",
    "sky": "looking for sky",
    "color": "scaling colors",
    "cluster": "clustering the pixels",
}
_bars = []


def announce(step):
    """Name the step at work, if standard error is a terminal."""
    if not _bars:
        style = {"bar_format": "[{elapsed}] {desc}", "leave": False, "disable": None}
        _bars.append(tqdm(file=sys.stderr, **style))
    _bars[0].set_description_str(_NAMES.get(step, step))


def finish():
    """Remove the line, before others are printed."""
    while _bars:
        _bars.pop().close()
