# SPDX-License-Identifier: BSD-3-Clause
"""Square tiles of a band, and what is typical of each."""

import numpy as np


def valid_tiles(band, size):
    """Return the tiles of which at least half is valid.

    Parameters
    ----------
    band : ndarray of shape (n_rows, n_columns)
        The image; NaN marks masked pixels. What is left over at its end is left out.
    size : int
        Side of a tile in pixels.

    Returns
    -------
    tiles : ndarray of shape (n_tiles, size * size)
        One tile in each row.
    places : ndarray of bool of shape (n_rows // size, n_columns // size)
        Which tiles these are.
    """
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
    """Return median and deviation of each tile, without its NaN.

    Parameters
    ----------
    tiles : ndarray of shape (n_tiles, n_pixels)
        Each holds at least one value that is not NaN.

    Returns
    -------
    median : ndarray of shape (n_tiles,)
        Of the values of each tile.
    scatter : ndarray of shape (n_tiles,)
        Scaled median absolute deviation; where that is 0, the standard deviation.
    """
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
