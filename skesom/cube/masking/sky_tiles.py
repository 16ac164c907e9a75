# SPDX-License-Identifier: BSD-3-Clause
"""Strips and tiles of a frame in which the sky is measured."""

import numpy as np

from skesom._common.lazy import in_memory

TILE = 16  # pixels; smaller ones where a frame has few of them
TILE_SIZES = (TILE, TILE // 2, TILE // 4)  # the first that gives enough tiles
ENOUGH_PIXELS = 2_000_000  # of a frame, in strips spread over it


def representative_rows(n_rows, n_columns, most=None):
    """Return indices of evenly spread strips of rows, two million pixels at most."""
    n_strips = max(1, n_rows // TILE)
    wanted = max(1, (most or ENOUGH_PIXELS) // (TILE * n_columns))
    if n_strips <= wanted:
        return slice(None)
    strips = np.linspace(0, n_strips - 1, wanted).round().astype(int)
    return (strips[:, np.newaxis] * TILE + np.arange(TILE)).ravel()


def sampled(data, most=None):
    """Return the representative rows of a frame, computed if it is lazy."""
    return in_memory(data[representative_rows(*data.shape[:2], most)])


def sampled_bands(data, lost):
    """Return the representative rows of each band, NaN where they are lost."""
    bands = np.array(np.moveaxis(sampled(data), 2, 0), order="C")
    if lost is not None:
        np.copyto(bands, np.nan, where=lost)
    return bands


def valid_tiles(band, size):
    """Return the square tiles of which at least half is valid, and their places.

    Returns
    -------
    tiles : ndarray of shape (n_valid_tiles, size * size)
    places : ndarray of bool of shape (n_tile_rows, n_tile_columns)
        Where these tiles lie; rows and columns that fill no tile are left out.
    """
    n_rows = band.shape[0] // size
    n_columns = band.shape[1] // size
    whole = band[: n_rows * size, : n_columns * size]
    tiles = whole.reshape(n_rows, size, n_columns, size).swapaxes(1, 2)
    tiles = tiles.reshape(n_rows, n_columns, size * size)
    places = 2 * np.isfinite(tiles).sum(axis=2) >= size * size
    return tiles[places], places
