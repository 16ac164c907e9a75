# SPDX-License-Identifier: BSD-3-Clause
"""Sizes at which small images are cut into several strips and samples."""

from skesom._common.strips import SIZES, Size
from skesom.cube.alignment import stack as _stack
from skesom.cube.convolution import filtering as _filtering
from skesom.cube.flux import color as _color
from skesom.cube.flux import stretch as _stretch
from skesom.cube.masking import sky as _sky

SMALL = {
    "wide block": Size(pixels=2**11),
    "strip": Size(values=1, rows=64),
    "frame": Size(pixels=2**13),
    "search": Size(pixels=2**12),
    "bands": Size(values=2**16),
    "computed": Size(values=2**14),
}


def cut_small(monkeypatch):
    """Let small images be worked through as large ones are."""
    for name, size in SMALL.items():
        monkeypatch.setitem(SIZES, name, size)
    for module in (_color, _stretch):
        monkeypatch.setattr(module, "WHOLE", 2**13)
    monkeypatch.setattr(_sky, "ENOUGH_PIXELS", 2**13)
    monkeypatch.setattr(_stack, "TILE", 50)
    cut_convolution(monkeypatch, pixels=2**12)


def cut_convolution(monkeypatch, **size):
    """Let images be convolved in strips of a size, however low."""
    monkeypatch.setitem(SIZES, "convolve", Size(**size))
    monkeypatch.setattr(_filtering, "LEAST_HEIGHT", 0)
