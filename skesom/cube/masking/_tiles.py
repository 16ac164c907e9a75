# SPDX-License-Identifier: BSD-3-Clause
"""Square tiles of a band, and what is typical of each."""

import numpy as np


def valid_tiles(band, size):
    """Return the tiles of which at least half is valid."""
    rows, columns = (length // size for length in band.shape)
    tiles = (
        band[: rows * size, : columns * size]
        .reshape(rows, size, columns, size)
        .swapaxes(1, 2)
        .reshape(rows, columns, size * size)
    )
    places = 2 * np.isfinite(tiles).sum(axis=2) >= size * size
    return tiles[places], places


def median_and_scatter(tiles):
    """Return median and deviation of each tile, without its NaN."""
    median = _row_median(tiles)
    distance = tiles - median[:, np.newaxis].astype(tiles.dtype)
    scatter = 1.4826 * _row_median(np.abs(distance, out=distance))
    # Counts and clipped pictures may have more than half of a tile at one value.
    flat = scatter == 0
    scatter[flat] = np.nanstd(tiles[flat], axis=1, dtype=np.float64)
    return median, scatter


def _row_median(values):
    """Return the median of the finite values of each row (at least one)."""
    ordered = np.sort(values, axis=1)  # NaN goes last
    count = np.isfinite(ordered).sum(axis=1)
    rows = np.arange(len(values))
    middle = ordered[rows, (count - 1) // 2].astype(np.float64)
    return (middle + ordered[rows, count // 2]) / 2
