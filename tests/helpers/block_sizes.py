# SPDX-License-Identifier: BSD-3-Clause
"""Sizes at which small images and tables are worked through in several blocks.

No caller chooses these sizes, so tests set them inside the package: here, and nowhere
else.
"""

from skesom._common import lazy as _lazy
from skesom._common import strips as _strips
from skesom.cube.alignment import _resampling
from skesom.cube.convolution import filtering as _filtering
from skesom.cube.flux import color as _color
from skesom.cube.flux import flux_scale as _flux_scale
from skesom.cube.masking import sky_tiles as _sky_tiles
from skesom.maps import pixel_tables as _pixel_tables
from skesom.som import _row_order

SMALL = {
    "wide block": {"pixels": 2**11},
    "strip": {"values": 1, "rows": 64},
    "frame": {"pixels": 2**13},
    "search": {"pixels": 2**12},
    "bands": {"values": 2**16},
    "computed": {"values": 2**14},
}


def set_size(monkeypatch, name, **size):
    """Let one kind of work take strips of a size: values, pixels, rows."""
    assert name in _strips.SIZES
    monkeypatch.setitem(_strips.SIZES, name, _strips.Size(**size))


def cut_small(monkeypatch):
    """Let small images be worked through as large ones are."""
    for name, size in SMALL.items():
        set_size(monkeypatch, name, **size)
    for module in (_color, _flux_scale):
        monkeypatch.setattr(module, "WHOLE", 2**13)
    monkeypatch.setattr(_sky_tiles, "ENOUGH_PIXELS", 2**13)
    cut_tiles(monkeypatch, 50)
    cut_convolution(monkeypatch, pixels=2**12)


def cut_tiles(monkeypatch, n_pixels):
    """Let images be resampled in tiles of some rows and columns."""
    monkeypatch.setattr(_resampling, "TILE", n_pixels)


def cut_convolution(monkeypatch, **size):
    """Let images be convolved in strips of a size, however low."""
    set_size(monkeypatch, "convolve", **size)
    monkeypatch.setattr(_filtering, "LEAST_HEIGHT", 0)


def cut_tables(monkeypatch, rows, *, window=None):
    """Let tables be worked through in blocks of some rows.

    A window is the number of rows that a map learns in an order of their own.
    """
    for module in (_lazy, _pixel_tables, _row_order):
        monkeypatch.setattr(module, "ROWS", rows)
    if window is not None:
        monkeypatch.setattr(_row_order, "_WINDOW_ROWS", window)


def cut_wide_tables(monkeypatch, n_values):
    """Let blocks of tables be worked through in smaller ones, of some values."""
    monkeypatch.setattr(_lazy, "_VALUES", n_values)
